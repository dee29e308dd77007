//! What is made of the results of a class, beside its records.
//!
//! ```text
//! results/
//!   class.html        for the course: everyone × every check
//! ```

use std::path::Path;

use anyhow::Result;

use super::page::{self, Overview};
use super::store;

/// Writes all of it; with `since`, the results of an earlier run, the class page says what changed.
pub fn publish(results: &Path, since: Option<&Path>) -> Result<()> {
    let class = overview(results)?;
    let before = since.map(overview).transpose()?;
    store::write_text(&results.join("class.html"), &page::render(&class, before.as_ref(), Some("feedback")))
}

fn overview(results: &Path) -> Result<Overview> {
    let header = store::header(results)?;
    let mut overview = Overview::default();
    for student in &header.students {
        if let Some(record) = store::record(results, &student.id) {
            overview.add(&record);
        }
    }
    Ok(overview)
}
