//! The report for GitHub Actions: a summary of the step in Markdown, and the step's log with annotations.
//!
//! What the program under test wrote stands in code blocks that it cannot close, and in the log between a pair of
//! `stop-commands`, so that the runner takes no line of it for a command.

use std::fmt::Write;

use super::human::{self, Look, visible};
use super::plain::{bounded, cause, details, name, verdict};
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
    out.push_str("| | stage | passed | points |\n|---|---|--:|--:|\n");
    for stage in report.checks.chunk_by(|a, b| a.stage == b.stage) {
        row(&mut out, report, stage);
    }
    let told = report.checks.iter().filter(|check| annotated(&check.outcome).is_some());
    let mut entries: Vec<String> = Vec::new();
    for check in told {
        entries.push(entry(check, &details(report, check).unwrap_or_default(), entries.is_empty()));
    }
    entries.extend(untried(report));
    for (index, entry) in entries.iter().enumerate() {
        if out.len() + entry.len() > SUMMARY {
            let _ = writeln!(out, "\n{} more are left out here.", entries.len() - index);
            break;
        }
        out.push_str(entry);
    }
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

fn row(out: &mut String, report: &Report, stage: &[CheckReport]) {
    let number = stage[0].stage;
    let title = report.lab.stages().get(usize::from(number).wrapping_sub(1)).copied().unwrap_or_default();
    let passed = stage.iter().filter(|check| check.outcome.earns()).count();
    let counted = stage.iter().filter(|check| check.outcome.counts()).count();
    let mark = match (passed, counted) {
        (_, 0) => "–",
        (passed, counted) if passed < counted => "❌",
        _ if stage.iter().any(|check| matches!(check.outcome, Outcome::Flaky { .. })) => "⚠️",
        _ => "✅",
    };
    let sum = |points: fn(&CheckReport) -> u32| -> u32 { stage.iter().map(points).sum() };
    let (earned, of) = (sum(CheckReport::earned), sum(CheckReport::of));
    let _ =
        writeln!(out, "| {mark} | {number} {} | {passed} of {counted} | {earned} of {of} |", escaped(title));
}

fn entry(check: &CheckReport, text: &str, open: bool) -> String {
    let mark = if let Outcome::Failed { .. } = check.outcome { "❌" } else { "⚠️" };
    folded(&format!("{mark} {}", name(check)), text, open)
}

/// What waits for another check or found nothing to try, a line each.
fn untried(report: &Report) -> Option<String> {
    let untried =
        |check: &&CheckReport| matches!(check.outcome, Outcome::Blocked { .. } | Outcome::Skipped { .. });
    let lines: Vec<String> = report
        .checks
        .iter()
        .filter(untried)
        .filter_map(|check| Some(format!("{}: {}", check.id, cause(check)?)))
        .collect();
    let title = format!("– not tried: {}", lines.len());
    (!lines.is_empty()).then(|| folded(&title, &lines.join("\n"), false))
}

/// Text under a title that opens and closes it; its fence is longer than any within.
fn folded(title: &str, text: &str, open: bool) -> String {
    let open = if open { " open" } else { "" };
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let (title, text) = (html(title), text.trim_end());
    format!("\n<details{open}><summary>{title}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>\n")
}

fn annotated(outcome: &Outcome) -> Option<&'static str> {
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

/// In Markdown a backslash takes the meaning from any ASCII punctuation (CommonMark 0.31 §2.4).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push(' '),
            c if c.is_ascii_punctuation() => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', " ")
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
