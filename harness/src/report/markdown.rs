//! What a report says in Markdown, for those who show it: the stages as a table, and each check that went wrong.
//!
//! What the program under test wrote stands in code blocks that it cannot close.

use std::fmt::Write;

use super::github::annotated;
use super::plain::{cause, details, name};
use super::{CheckReport, Outcome, Report};

/// A row a stage. The texts of the report are [bounded](super::plain::bounded).
pub fn stages(out: &mut String, report: &Report) {
    out.push_str("| | stage | passed | points |\n|---|---|--:|--:|\n");
    for stage in report.checks.chunk_by(|a, b| a.stage == b.stage) {
        row(out, report, stage);
    }
}

/// What went wrong and what was not tried, each folded; `out` grows to `room` octets and no further.
pub fn entries(out: &mut String, report: &Report, room: usize) {
    let told = report.checks.iter().filter(|check| annotated(&check.outcome).is_some());
    let mut entries: Vec<String> = Vec::new();
    for check in told {
        entries.push(entry(check, &details(report, check).unwrap_or_default(), entries.is_empty()));
    }
    entries.extend(untried(report));
    for (index, entry) in entries.iter().enumerate() {
        if out.len() + entry.len() > room {
            let _ = writeln!(out, "\n{} more are left out here.", entries.len() - index);
            break;
        }
        out.push_str(entry);
    }
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
pub(super) fn untried(report: &Report) -> Option<String> {
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
pub fn folded(title: &str, text: &str, open: bool) -> String {
    let open = if open { " open" } else { "" };
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let (title, text) = (html(title), text.trim_end());
    format!("\n<details{open}><summary>{title}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>\n")
}

/// In Markdown a backslash takes the meaning from any ASCII punctuation (CommonMark 0.31 §2.4).
pub fn escaped(text: &str) -> String {
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
