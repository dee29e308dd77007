//! One mutant tried: what the lab's checks said of it, and whether that is what its file says.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use harness::check::Lab;
use harness::report::{CheckReport, Outcome, Program};
use harness::runner::{self, Options};
use harness::subject::Programs;

use super::bank::Mutant;
use crate::commands::check::after_interrupt;

/// The width of what is printed.
const COLUMNS: usize = 80;

/// Runs the lab's checks on `programs`; gives the ids of those that failed, in the order of the tables.
pub fn failed(lab: Lab, programs: &Programs, options: &Options) -> Result<Vec<String>> {
    let program = Program { what: "a mutant".to_owned(), origin: String::new(), build_ms: None };
    let report = runner::run(lab, programs, program, "", options, &|_, _, _| {}).context("no report")?;
    after_interrupt();
    if let Some((id, why)) = report.checks.iter().find_map(broken) {
        bail!("the harness itself failed in {id}: {why}");
    }
    Ok(report.failures().map(|(check, _)| check.id.clone()).collect())
}

fn broken(check: &CheckReport) -> Option<(&str, &str)> {
    match &check.outcome {
        Outcome::Broken { why } => Some((&check.id, why)),
        _ => None,
    }
}

/// How a mutant came off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// By exactly the checks it names.
    Caught,
    /// No check failed.
    Survived,
    /// By other checks than it names.
    Otherwise,
}

impl Fate {
    pub fn of(mutant: &Mutant, failed: &[String]) -> Self {
        if failed.is_empty() {
            Fate::Survived
        } else if failed.len() == mutant.caught_by.len()
            && failed.iter().all(|id| mutant.caught_by.contains(id))
        {
            Fate::Caught
        } else {
            Fate::Otherwise
        }
    }

    fn word(self) -> &'static str {
        match self {
            Fate::Caught => "caught",
            Fate::Survived => "SURVIVED",
            Fate::Otherwise => "OTHERWISE",
        }
    }
}

/// The mutant's rows in the kill matrix; of a mutant that came off otherwise, `+` marks a check that it does not
/// name and `-` one that it names and that passed.
pub fn rows(slug: &str, fate: Fate, expected: &BTreeSet<String>, failed: &[String], slugs: usize) -> String {
    let mut marks: Vec<String> = Vec::new();
    for id in failed {
        marks.push(if expected.contains(id) { id.clone() } else { format!("+{id}") });
    }
    marks.extend(expected.iter().filter(|id| !failed.contains(id)).map(|id| format!("-{id}")));
    let margin = slugs + 13;
    let mut rows = format!("{slug:<slugs$}  {:<9}", fate.word());
    let mut column = slugs + 11;
    for (at, mark) in marks.iter().enumerate() {
        column += 2 + mark.len();
        if at > 0 && column > COLUMNS {
            rows.push_str(&format!("\n{:margin$}{mark}", ""));
            column = margin + mark.len();
        } else {
            rows.push_str(&format!("  {mark}"));
        }
    }
    rows.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_what_killed_it_and_what_should_have() {
        let expected = BTreeSet::from(["web.a".to_owned(), "web.b".to_owned()]);
        let failed = ["web.b".to_owned(), "web.c".to_owned()];
        assert_eq!(
            rows("strlen", Fate::Otherwise, &expected, &failed, 8),
            "strlen    OTHERWISE  web.b  +web.c  -web.a"
        );
    }

    #[test]
    fn a_long_row_goes_on_below_within_80_columns() {
        let failed: Vec<_> = (0..6).map(|n| format!("web.persistent.some-check-{n}")).collect();
        let expected = failed.iter().cloned().collect();
        let rows = rows("never-keep-alive", Fate::Caught, &expected, &failed, 20);
        assert!(rows.lines().count() > 1);
        assert!(rows.lines().all(|line| line.len() <= 80), "{rows}");
        assert!(rows.lines().skip(1).all(|line| line.starts_with(&" ".repeat(33))), "{rows}");
    }
}
