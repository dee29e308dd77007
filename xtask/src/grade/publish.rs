//! What is made of the records of a class, beside them in the folder of results.
//!
//! ```text
//! results/
//!   class.html        for the course: everyone × every check
//!   canvas.csv        grade books: whoever's points are held back has none there
//!   moodle.csv
//!   feedback/ID.md    a student's own result, in two forms
//!   feedback/ID.html
//! ```
//!
//! Records are read one at a time, so a class of 10,000 takes no more memory than its page.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use harness::check::{Lab, lies_below};

use super::course::{self, Course};
use super::gradebook::{Canvas, Moodle};
use super::page::{self, Overview};
use super::store::Header;
use super::{feedback, store};

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    pub students: usize,
    /// Ids of those whose points are left blank in the grade books.
    pub blank: Vec<String>,
}

/// Writes all of it, by the rules that the class was graded by; with `since`, the results of an earlier run, the class
/// page says what changed.
pub fn publish(results: &Path, since: Option<&Path>) -> Result<Published> {
    let header = store::header(results)?;
    let course = rules(&header)?;
    let hidden = hidden(&course, header.lab);
    let column = course.column.unwrap_or_else(|| header.lab.to_string());
    let mut class = Overview::default();
    class.strangers.clone_from(&header.strangers);
    let (mut canvas, mut moodle) = (Canvas::new(&column, header.points)?, Moodle::new(&column)?);
    let mut done = Published::default();
    let folder = results.join("feedback");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for student in &header.students {
        let Some(record) = store::record(results, &student.id) else { continue };
        class.add(&record);
        canvas.add(&record)?;
        moodle.add(&record)?;
        done.students += 1;
        if record.score.held {
            done.blank.push(student.id.clone());
        }
        // These are made again at any time, so none waits for the disk.
        let write = |ending: &str, text: String| {
            let path = folder.join(format!("{}.{ending}", student.id));
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write("md", feedback::markdown(&record, &hidden))?;
        write("html", feedback::html(&record, &hidden))?;
    }
    let before = since.map(overview).transpose()?;
    store::write_text(&results.join("canvas.csv"), &canvas.finish()?)?;
    store::write_text(&results.join("moodle.csv"), &moodle.finish()?)?;
    store::write_text(&results.join("class.html"), &page::render(&class, before.as_ref(), Some("feedback")))?;
    Ok(done)
}

/// Ids of the checks that the course does not show to students.
pub fn hidden(course: &Course, lab: Lab) -> BTreeSet<String> {
    let hides = |id: &str| course.hidden.iter().any(|prefix| lies_below(id, prefix));
    lab.checks().map(|check| check.id).filter(|id| hides(id)).map(str::to_owned).collect()
}

/// The rules that a class was graded by.
pub fn rules(header: &Header) -> Result<Course> {
    let ids: Vec<&str> = header.students.iter().map(|student| student.id.as_str()).collect();
    Ok(course::parse(&header.course, "class.json".as_ref(), header.lab, &ids)?)
}

fn overview(results: &Path) -> Result<Overview> {
    let mut overview = Overview::default();
    for student in &store::header(results)?.students {
        if let Some(record) = store::record(results, &student.id) {
            overview.add(&record);
        }
    }
    Ok(overview)
}
