//! One record as Gradescope's `results.json`: the harness's own rendering of the report, with the course's points.
//!
//! A hidden check is left out altogether: a test that Gradescope hides would hide the student's total too. Where
//! nothing could be judged there are no results, so that Gradescope tells the instructor instead of giving a zero.

use std::collections::BTreeSet;

use harness::report::gradescope;
use harness::report::human::visible;
use serde_json::{Value, json};

use super::html::capped;
use super::private::{self, without_places};
use super::record::{Record, Status};

/// The longest of a compiler's words, in characters.
const WORDS: usize = 16_000;

/// An error says, to the instructor, why there are no results.
pub fn results(record: &Record, hidden: &BTreeSet<String>) -> Result<String, String> {
    let shown = |words: &str| without_places(&visible(&capped(words, WORDS)));
    if record.status == Status::InfraError {
        return Err(visible(&capped(&record.words, WORDS)));
    }
    let score = &record.score;
    let because = score.because.iter().filter(|rule| !hidden.iter().any(|id| rule.contains(id)));
    let because: Vec<String> = because.map(|rule| shown(rule)).collect();
    let mut results: Value = match &record.report {
        Some(report) => serde_json::from_str(&gradescope::render(&private::report(report, hidden)))
            .map_err(|e| e.to_string())?,
        None => json!({
            "tests": [],
            "output_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
        }),
    };
    let words = match record.status {
        Status::Graded => String::new(),
        status => format!("{status}\n\n{}\n\n", shown(&record.words)),
    };
    // What the course's rules came to; the tests add up to the lab's own points.
    results["score"] = json!(score.points);
    results["output"] = json!(format!("{words}{}", because.join("\n")));
    Ok(format!("{results:#}\n"))
}

#[cfg(test)]
mod tests {
    use harness::check::Lab;
    use harness::report::Outcome;

    use super::*;
    use crate::grade::hostile;
    use crate::grade::synthetic::Class;

    fn value(record: &Record, hidden: &BTreeSet<String>) -> Value {
        serde_json::from_str(&results(record, hidden).expect("results")).expect("JSON")
    }

    #[test]
    fn the_score_is_the_course_s_and_nothing_of_the_machine_is_told() {
        for record in (Class { lab: Lab::Lab2, students: 150, progress: 0.7 }).records() {
            if record.status == Status::InfraError {
                assert!(results(&record, &BTreeSet::new()).is_err(), "never a zero");
                continue;
            }
            let value = value(&record, &BTreeSet::new());
            assert_eq!(value["score"].as_f64(), Some(record.score.points));
            let text = value.to_string();
            for secret in ["/home/", "/tmp/", "--seed", "5ec2e7", "seed was 0"] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
    }

    #[test]
    fn a_hidden_check_is_no_test_and_its_points_are_in_the_score() {
        let record = (Class { lab: Lab::Lab2, students: 40, progress: 1.0 })
            .records()
            .find(|record| record.report.as_ref().is_some_and(|report| report.failures().count() > 2))
            .expect("somebody fails");
        let report = record.report.as_ref().expect("a report");
        let failed = report.checks.iter().find(|check| matches!(check.outcome, Outcome::Failed { .. }));
        let hidden = BTreeSet::from([failed.expect("a failure").id.clone()]);
        let value = value(&record, &hidden);
        assert_eq!(value["tests"].as_array().map(Vec::len), Some(report.checks.len() - 1));
        assert_eq!(value["score"].as_f64(), Some(record.score.points));
        assert!(value["tests"].as_array().into_iter().flatten().all(|test| test["visibility"] == "visible"));
    }

    #[test]
    fn hostile_words_are_text() {
        for status in [Status::Graded, Status::BuildError, Status::Policy] {
            let value = value(&hostile::record(status), &BTreeSet::new());
            assert!(value["output_format"] == "text" && value["stdout_visibility"] == "hidden");
            for test in value["tests"].as_array().into_iter().flatten() {
                assert!(test["output_format"] == "text" && test["name_format"] == "text");
            }
            assert!(value.to_string().len() < 3_000_000);
        }
    }
}
