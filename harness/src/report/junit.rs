//! The report as JUnit XML, which GitLab, Jenkins and many others show: the elements and attributes of the schema that
//! goes back to Ant, and no others.
//!
//! A check is a test case and its stage the class. What waits for another check or found nothing to try is skipped,
//! the harness's own fault is an error, and a flaky check passes with a mark in its name. Points have no place in
//! JUnit: they are properties.

use std::fmt::Write;

use super::plain::{bounded, cause, details, name, stage, verdict};
use super::{CheckReport, Outcome, Report};

/// `started` is UTC without a zone, as the schema wants it: `2026-09-01T12:00:00`.
pub fn render(report: &Report, started: &str) -> String {
    let report = &bounded(report);
    let count =
        |kind: fn(&Outcome) -> bool| report.checks.iter().filter(|check| kind(&check.outcome)).count();
    let points = report.points;
    let properties = [
        ("verdict", verdict(report)),
        ("points", format!("{} of {}", points.earned, points.of)),
        ("extensions", format!("{} of {}", points.extension_earned, points.extension_of)),
        ("seed", report.seed.clone()),
        ("program", format!("{}: {}", report.program.what, report.program.origin)),
        ("narrowed", report.narrowed.join(" ")),
    ];
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    element(
        &mut out,
        "  <testsuite",
        &[
            ("id", "0"),
            ("package", "wirelab"),
            ("name", report.lab.name()),
            ("timestamp", started),
            ("hostname", "localhost"),
            ("tests", &report.checks.len().to_string()),
            ("failures", &count(|outcome| matches!(outcome, Outcome::Failed { .. })).to_string()),
            ("errors", &count(|outcome| matches!(outcome, Outcome::Broken { .. })).to_string()),
            ("skipped", &count(is_skipped).to_string()),
            ("time", &seconds(report.elapsed_ms)),
        ],
    );
    out.push_str(">\n    <properties>\n");
    for (name, value) in properties.iter().filter(|(_, value)| !value.is_empty()) {
        element(&mut out, "      <property", &[("name", name), ("value", value)]);
        out.push_str("/>\n");
    }
    out.push_str("    </properties>\n");
    for check in &report.checks {
        case(&mut out, report, check);
    }
    let flaky = report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Flaky { .. }));
    let flaky: String = flaky.filter_map(|check| details(report, check)).collect();
    let _ = writeln!(out, "    <system-out>{}</system-out>", escaped(&flaky));
    out.push_str("    <system-err></system-err>\n  </testsuite>\n</testsuites>\n");
    out
}

fn case(out: &mut String, report: &Report, check: &CheckReport) {
    let (class, name, time) = (stage(report, check.stage), name(check), seconds(check.elapsed_ms));
    element(out, "    <testcase", &[("classname", &class), ("name", &name), ("time", &time)]);
    let tag = match check.outcome {
        Outcome::Passed | Outcome::Flaky { .. } => {
            out.push_str("/>\n");
            return;
        }
        Outcome::Failed { .. } => "failure",
        Outcome::Broken { .. } => "error",
        Outcome::Blocked { .. } | Outcome::Skipped { .. } => "skipped",
    };
    let message = cause(check).unwrap_or_default();
    out.push_str(">\n");
    if tag == "skipped" {
        element(out, "      <skipped", &[("message", &message)]);
        out.push_str("/>\n");
    } else {
        element(out, &format!("      <{tag}"), &[("message", &message), ("type", tag)]);
        let text = details(report, check).unwrap_or_default();
        let _ = writeln!(out, ">{}</{tag}>", escaped(&text));
    }
    out.push_str("    </testcase>\n");
}

fn is_skipped(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Blocked { .. } | Outcome::Skipped { .. })
}

/// `start` and the attributes, still open.
fn element(out: &mut String, start: &str, attributes: &[(&str, &str)]) {
    out.push_str(start);
    for (name, value) in attributes {
        let _ = write!(out, " {name}=\"{}\"", escaped(value).replace('\n', "&#10;"));
    }
}

/// XML 1.0 §2.2 and §2.4: text and attribute values, without the characters that no document may hold.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push(c),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Command;

    use quick_junit::TestCaseStatus;

    use super::*;
    use crate::report::{hostile, samples};

    const STARTED: &str = "2026-09-01T12:00:00";

    /// What libxml2 says of a document by `schema/junit.xsd`: nothing where it keeps it; `None` where there is no
    /// `xmllint`.
    fn xmllint(document: &str) -> Option<String> {
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/junit.xsd");
        let mut file = tempfile::NamedTempFile::new().ok()?;
        file.write_all(document.as_bytes()).ok()?;
        let xmllint = Command::new("xmllint")
            .args(["--nonet", "--noout", "--huge", "--schema", schema])
            .arg(file.path())
            .output()
            .ok()?;
        let words = String::from_utf8_lossy(&xmllint.stderr).into_owned();
        Some(if xmllint.status.success() { String::new() } else { words })
    }

    fn parsed(report: &Report) -> quick_junit::Report {
        let text = render(report, STARTED);
        // The crate wants the zone that the schema forbids.
        let zoned = text.replace(STARTED, &format!("{STARTED}Z"));
        quick_junit::Report::deserialize_from_str(&zoned).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn every_report_reads_as_it_should() {
        insta::assert_snapshot!(render(&samples::stage_two(), STARTED));
    }

    #[test]
    fn libxml2_finds_every_report_to_keep_the_schema() {
        if xmllint("<testsuites/>").is_none() {
            eprintln!("skipped: xmllint is not installed");
            return;
        }
        for report in samples::all().into_iter().map(|(_, report)| report).chain([hostile::report()]) {
            assert_eq!(xmllint(&render(&report, STARTED)).as_deref(), Some(""));
        }
        let sound = render(&samples::stage_two(), STARTED);
        for (part, instead) in [
            ("<testcase classname", "<testcase class"),
            ("</properties>", "</properties><testcase/>"),
            ("type=\"failure\"", ""),
            ("tests=\"", "tests=\"-"),
            (STARTED, "yesterday"),
            ("&lt;", "<"),
        ] {
            let broken = sound.replacen(part, instead, 1);
            assert!(broken == sound || xmllint(&broken).is_some_and(|words| !words.is_empty()), "{part}");
        }
    }

    #[test]
    fn another_parser_finds_every_check_and_how_it_ended() {
        let all = samples::all().into_iter().map(|(_, report)| report).chain([hostile::report()]);
        for report in all {
            let suites = parsed(&report).test_suites;
            let [suite] = suites.as_slice() else { panic!("one suite") };
            assert_eq!(suite.test_cases.len(), report.checks.len());
            for (case, check) in suite.test_cases.iter().zip(&report.checks) {
                assert!(case.name.as_str().starts_with(&check.id));
                let same = match &case.status {
                    TestCaseStatus::Success { .. } => check.outcome.earns(),
                    TestCaseStatus::NonSuccess { kind, .. } => match &check.outcome {
                        Outcome::Failed { .. } => *kind == quick_junit::NonSuccessKind::Failure,
                        Outcome::Broken { .. } => *kind == quick_junit::NonSuccessKind::Error,
                        _ => false,
                    },
                    TestCaseStatus::Skipped { .. } => is_skipped(&check.outcome),
                };
                assert!(same, "{}: {:?}", check.id, case.status);
            }
        }
    }

    #[test]
    fn what_the_program_wrote_arrives_as_text() {
        let suites = parsed(&hostile::report()).test_suites;
        let failure = suites[0].test_cases.iter().find_map(|case| match &case.status {
            TestCaseStatus::NonSuccess {
                kind: quick_junit::NonSuccessKind::Failure, description, ..
            } => description.as_ref(),
            _ => None,
        });
        assert!(failure.expect("a failure").as_str().contains("]]></failure></testcase>"));
        assert!(render(&hostile::report(), STARTED).len() < 1_000_000);
    }

    #[test]
    fn names_are_not_given_twice() {
        let suites = parsed(&samples::stage_two()).test_suites;
        let mut names: Vec<&str> = suites[0].test_cases.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), samples::stage_two().checks.len());
    }
}
