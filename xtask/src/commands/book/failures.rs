//! What the harness says of a mutant, for the chapters' "What usually goes wrong".
//!
//! `{{failure lab1 one-recv web.parse.bytewise}}` names a mutant and a check that fails it. What the harness then said is
//! kept in `book/generated/failures/`, without what is another at each run: ports, times, directories. The steps before
//! it are left out, since a few of them are in another order at each run; with `steps` behind the names they are kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use harness::check::{Check, Lab};
use harness::report::human;
use harness::report::{Program, Report};
use harness::runner::{self, Options, Selection};
use harness::subject::Programs;
use serde_json::Value;
use similar::TextDiff;

use super::edition::Edition;
use super::generated::{self, Generated};
use super::markdown::{fenced, folded, words};
use super::redact;
use crate::commands::check::after_interrupt;
use crate::commands::mutants::bank::{self, Mutant};
use crate::commands::mutants::workshop::Workshop;
use crate::commands::mutants::{options, try_all};
use crate::workspace;

/// Mutants under way at once.
const JOBS: usize = 3;

/// Lines of the solution shown around a mistake.
const CONTEXT: usize = 2;

/// A failure that a page tells of.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    pub lab: Lab,
    pub slug: &'a str,
    pub check: &'static Check,
    pub with_steps: bool,
}

impl Failure<'_> {
    /// Below `book/generated`.
    pub fn file(&self) -> PathBuf {
        let steps = if self.with_steps { ".steps" } else { "" };
        PathBuf::from(format!("failures/{}/{}.{}{steps}.txt", self.lab, self.slug, self.check.id))
    }

    /// The words of the harness as a listing.
    pub fn said(&self) -> Result<String> {
        Ok(fenced("text", &generated::read(&self.file())?))
    }

    /// The story, and behind a fold the change of the solution and the words of the harness.
    pub fn told(&self, edition: Edition) -> Result<String> {
        let mutant = mutant(self.lab, self.slug)?;
        let mut text = String::new();
        if edition == Edition::Whole {
            text +=
                &format!("As a change of the solution:\n\n{}\n", fenced("diff", &diff(self.lab, &mutant)?));
        }
        text += &format!("What the harness says:\n\n{}", self.said()?);
        Ok(folded(&words(&mutant.story), &text))
    }
}

/// Runs every mutant that is told of, and gives what the harness says, by file.
pub fn run(failures: &[Failure<'_>]) -> Result<Generated> {
    let mut all = Generated::new();
    for lab in Lab::ALL {
        let of_lab: Vec<&Failure<'_>> = failures.iter().filter(|failure| failure.lab == *lab).collect();
        if of_lab.is_empty() {
            continue;
        }
        let mut slugs: Vec<String> = of_lab.iter().map(|failure| failure.slug.to_owned()).collect();
        slugs.sort();
        slugs.dedup();
        let mutants = bank::select(bank::read(&workspace::root(), *lab)?, &slugs)?;
        let options = options(1, 1.0)?;
        let look = |mutant: &Mutant, programs: &Programs| {
            let told = of_lab.iter().filter(|failure| failure.slug == mutant.slug);
            told.map(|failure| Ok((failure.file(), verdict(failure, programs, &options)?)))
                .collect::<Result<Vec<_>>>()
        };
        try_all(&Workshop::open(*lab)?, &mutants, JOBS, look, |_, words| {
            all.extend(words);
            Ok(())
        })?;
    }
    Ok(all)
}

/// What the harness says of the mutant.
fn verdict(failure: &Failure<'_>, programs: &Programs, options: &Options) -> Result<String> {
    let Failure { lab, check, with_steps, .. } = failure;
    let select = Selection { only: vec![check.id.to_owned()], ..Selection::default() };
    let options = Options { select, ..options.clone() };
    let program = Program { what: "a mutant".to_owned(), origin: String::new(), build_ms: None };
    let again = format!("cargo xtask check {lab}");
    let report =
        runner::run(*lab, programs, program, &again, &options, &|_, _, _| {}).context("no report")?;
    after_interrupt();
    let report = redacted(&report)?;
    let row = report.checks.iter().find(|row| row.id == check.id).context("the check was not run")?;
    let mut failure = row.failure().with_context(|| format!("{} does not fail it", check.id))?.clone();
    if !with_steps {
        failure.steps.clear();
    }
    Ok(human::failure(&report, row, &failure))
}

/// The report without what is another at each run, and harmless to a terminal.
fn redacted(report: &Report) -> Result<Report> {
    let mut tree = serde_json::to_value(report).context("a report is data")?;
    let mut redact = redact::Redaction::default();
    each_text(&mut tree, &mut |text| redact.apply(&human::visible(text)));
    serde_json::from_value(tree).context("a report stays a report")
}

fn each_text(value: &mut Value, change: &mut impl FnMut(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, change)),
        Value::Object(fields) => fields.values_mut().for_each(|value| each_text(value, change)),
        _ => {}
    }
}

fn mutant(lab: Lab, slug: &str) -> Result<Mutant> {
    let found = bank::select(bank::read(&workspace::root(), lab)?, &[slug.to_owned()])?;
    found.into_iter().next().context("a mutant was selected")
}

/// The mistake as a change of the solution's files.
fn diff(lab: Lab, mutant: &Mutant) -> Result<String> {
    let solution = workspace::solution(lab);
    let mut text = String::new();
    let changed: BTreeMap<PathBuf, String> = mutant.apply(&solution)?;
    for (file, after) in changed {
        let before = fs::read_to_string(solution.join(&file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.display().to_string();
        let diff = TextDiff::from_lines(&before, &after);
        let hunks = diff.unified_diff().context_radius(CONTEXT).header(&name, &name).to_string();
        ensure!(!hunks.is_empty(), "{} changes nothing", mutant.slug);
        // Where the starters are cut is no matter of the mistake.
        text.extend(hunks.split_inclusive('\n').filter(|line| !line.contains("// ANCHOR")));
    }
    Ok(text)
}
