//! What a check came to, in plain words, for the formats that other programs show.
//!
//! The words are those of the terminal. Whatever the program under test may have written in them is data: it has no
//! power over a terminal, and no more of it is kept than anyone reads. Escaping it for a format is that format's job.

use serde_json::Value;

use super::human::{self, Look, visible};
use super::{CheckReport, Outcome, Report};

/// The longest single text, in characters.
const LONGEST: usize = 4_000;

/// The longest that is said about one check.
const LONGEST_DETAILS: usize = 16_000;

/// The same report, each of its texts harmless and of bounded length.
pub fn bounded(report: &Report) -> Report {
    each_text(report, |text| visible(&capped(text, LONGEST)))
}

/// The same report with every text changed, none forgotten.
pub fn each_text(report: &Report, change: impl Fn(&str) -> String) -> Report {
    fn walk(value: &mut Value, change: &impl Fn(&str) -> String) {
        match value {
            Value::String(text) => *text = change(text),
            Value::Array(values) => values.iter_mut().for_each(|value| walk(value, change)),
            Value::Object(fields) => fields.values_mut().for_each(|value| walk(value, change)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut value = serde_json::to_value(report).expect("a report is JSON");
    walk(&mut value, &change);
    serde_json::from_value(value).expect("a report keeps its shape")
}

/// `web.head.length: HEAD answers with … (flaky, extension)`.
pub fn name(check: &CheckReport) -> String {
    let flaky = matches!(check.outcome, Outcome::Flaky { .. }).then_some("flaky");
    let extension = (check.tier == crate::check::Tier::Extension).then_some("extension");
    let marks: Vec<&str> = flaky.into_iter().chain(extension).collect();
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
    format!("{}: {}{marks}", check.id, check.title)
}

/// Why it did not simply pass, in one line.
pub fn cause(check: &CheckReport) -> Option<String> {
    let words = match &check.outcome {
        Outcome::Passed => return None,
        Outcome::Failed { failure } => {
            format!("expected {}; seen {}", failure.failure.expected, failure.failure.seen)
        }
        Outcome::Blocked { by } => format!("waits for {by}"),
        Outcome::Flaky { .. } => "flaky: it failed, then passed with the same seed".to_owned(),
        Outcome::Broken { why } => format!("the harness's fault, no points are lost: {why}"),
        Outcome::Skipped { why } => format!("skipped: {why}"),
    };
    Some(words.replace('\n', " "))
}

/// All that is known: a failure in full where there is one, its [`cause`] otherwise. Line breaks end each line.
pub fn details(report: &Report, check: &CheckReport) -> Option<String> {
    match &check.outcome {
        Outcome::Failed { failure } => Some(capped(&human::failure(report, check, failure), LONGEST_DETAILS)),
        Outcome::Flaky { failure, .. } => {
            let full = capped(&human::failure(report, check, failure), LONGEST_DETAILS);
            Some(format!("{full}\n{}\n", cause(check)?))
        }
        _ => cause(check).map(|cause| cause + "\n"),
    }
}

/// Points and what is next, as the terminal's last line has it.
pub fn verdict(report: &Report) -> String {
    human::last_line(report, &Look::default()).trim_end().to_owned()
}

/// `lab1 stage 2: files`, for the formats that group.
pub fn stage(report: &Report, number: u8) -> String {
    let title = report.lab.stages().get(usize::from(number).wrapping_sub(1)).copied().unwrap_or_default();
    format!("{} stage {number}: {title}", report.lab)
}

fn capped(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}\n… {} more characters\n", &text[..end], text[end..].chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{hostile, samples};

    #[test]
    fn no_text_is_longer_than_anyone_reads() {
        let report = bounded(&hostile::report());
        for check in &report.checks {
            assert!(details(&report, check).is_none_or(|text| text.len() < 4 * LONGEST_DETAILS));
        }
        let failure = report.checks.iter().find_map(CheckReport::failure).expect("a failure");
        assert!(failure.failure.notes.iter().any(|note| note.ends_with("more characters\n")));
    }

    #[test]
    fn each_outcome_says_why_in_one_line() {
        let all: Vec<String> = samples::all()
            .iter()
            .flat_map(|(_, report)| bounded(report).checks)
            .filter_map(|check| cause(&check))
            .collect();
        for start in ["expected ", "waits for web", "flaky: ", "the harness's fault", "skipped: no program"] {
            assert!(all.iter().any(|cause| cause.starts_with(start)), "{start}");
        }
        assert!(all.iter().all(|cause| !cause.contains('\n')));
    }
}
