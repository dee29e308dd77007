//! The report for GitHub Actions: a summary of the step in Markdown, and the step's log with annotations.
//!
//! What the program under test wrote stands in code blocks that it cannot close, and in the log between a pair of
//! `stop-commands`, so that the runner takes no line of it for a command.

use std::fmt::Write;

use super::human::{self, Look, visible};
use super::markdown::{self, escaped};
use super::plain::{bounded, cause, name, verdict};
use super::{CheckReport, Outcome, Report, unwritten};

/// A step's summary may have 1 MiB; the rest is room for the end.
const SUMMARY: usize = 1_000_000;

/// The runner shows so many annotations of a kind for a step, and drops the others.
const ANNOTATIONS: usize = 10;

/// The summary, for the file that `GITHUB_STEP_SUMMARY` names.
pub fn summary(report: &Report) -> String {
    let report = &bounded(report);
    let points = report.points;
    let mut out =
        format!("## {} {}: {} of {} points", report.lab, report.lab.title(), points.earned, points.of);
    if points.extension_of > 0 {
        let _ = write!(out, ", {} of {} for extensions", points.extension_earned, points.extension_of);
    }
    let (what, origin) = (escaped(&report.program.what), escaped(&report.program.origin));
    let _ = writeln!(out, "\n\n{}\n\n{what}: {origin}; seed {}\n", escaped(&verdict(report)), report.seed);
    if !report.narrowed.is_empty() {
        let _ = writeln!(out, "Only with {}\n", escaped(&report.narrowed.join(" ")));
    }
    markdown::stages(&mut out, report);
    markdown::entries(&mut out, report, SUMMARY);
    out
}

/// The step's log: the report as a terminal shows it, in which nothing is a command, then the annotations. `token` must
/// be a word that no program could have guessed.
pub fn log(report: &Report, token: &str) -> String {
    let report = &bounded(report);
    let words = human::render(report, &Look::default());
    let mut out = without_commands(&words, token);
    for kind in ["error", "warning"] {
        let of_kind = report.checks.iter().filter(|check| annotated(&check.outcome) == Some(kind));
        for check in of_kind.take(ANNOTATIONS) {
            annotate(&mut out, report, check, kind);
        }
    }
    out
}

/// The log where there was nothing to try: `words` say why, a failed build's output among them.
pub fn refused(words: &str, token: &str) -> String {
    let first = words.lines().next().unwrap_or_default().trim_start_matches("error: ").trim_end_matches(':');
    format!("{}::error::{}\n", without_commands(&visible(words), token), data(&visible(first)))
}

/// Words in which the runner looks for no commands.
fn without_commands(words: &str, token: &str) -> String {
    format!("::stop-commands::{token}\n{}\n::{token}::\n", words.trim_end_matches('\n'))
}

pub(super) fn annotated(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Failed { .. } | Outcome::Broken { .. } => Some("error"),
        Outcome::Flaky { .. } => Some("warning"),
        Outcome::Passed | Outcome::Blocked { .. } | Outcome::Skipped { .. } => None,
    }
}

/// `::error file=…,line=…,title=…::…`, the place where the program stopped at a step that is not written yet.
fn annotate(out: &mut String, report: &Report, check: &CheckReport, kind: &str) {
    let gap = check.failure().and_then(|failure| unwritten::find(failure, &report.program));
    let place = gap.and_then(|gap| gap.at);
    let place = place.as_deref().and_then(|at| at.rsplit_once(':'));
    let place = place.map(|(file, line)| format!("file={},line={},", property(file), property(line)));
    let _ = writeln!(
        out,
        "::{kind} {}title={}::{}",
        place.unwrap_or_default(),
        property(&name(check)),
        data(&cause(check).unwrap_or_default())
    );
}

/// A command's message: what ends a line, and the sign that says so.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A command's property: what ends a property, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests;
