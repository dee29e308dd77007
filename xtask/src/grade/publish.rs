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
use std::path::Path;

use anyhow::Result;

use super::gradebook::{Canvas, Moodle};
use super::page::{self, Overview};
use super::{feedback, store};

/// What the rendering of a class wants to know besides.
#[derive(Clone, Debug, Default)]
pub struct Publish<'a> {
    /// The results of an earlier run: the class page says what changed.
    pub since: Option<&'a Path>,
    /// The column's title in a grade book: `Lab 1 (12345)` where Canvas knows it by that number.
    pub column: Option<&'a str>,
    /// Ids of checks that no student is shown.
    pub hidden: BTreeSet<String>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    pub students: usize,
    /// Ids of those whose points are left blank in the grade books.
    pub blank: Vec<String>,
}

impl Publish<'_> {
    pub fn write(&self, results: &Path) -> Result<Published> {
        let header = store::header(results)?;
        let column = self.column.map_or_else(|| header.lab.to_string(), str::to_owned);
        let mut class = Overview::default();
        let (mut canvas, mut moodle) = (Canvas::new(&column, header.points)?, Moodle::new(&column)?);
        let mut done = Published::default();
        for student in &header.students {
            let Some(record) = store::record(results, &student.id) else { continue };
            class.add(&record);
            canvas.add(&record)?;
            moodle.add(&record)?;
            done.students += 1;
            if record.score.held {
                done.blank.push(student.id.clone());
            }
            let page = |ending: &str| results.join("feedback").join(format!("{}.{ending}", student.id));
            store::write_text(&page("md"), &feedback::markdown(&record, &self.hidden))?;
            store::write_text(&page("html"), &feedback::html(&record, &self.hidden))?;
        }
        let before = self.since.map(overview).transpose()?;
        store::write_text(&results.join("canvas.csv"), &canvas.finish()?)?;
        store::write_text(&results.join("moodle.csv"), &moodle.finish()?)?;
        let page = page::render(&class, before.as_ref(), Some("feedback"));
        store::write_text(&results.join("class.html"), &page)?;
        Ok(done)
    }
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
