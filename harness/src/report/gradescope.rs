//! The report as Gradescope's `results.json`.
//!
//! The scores of the tests add up to the total, extensions on top. What found nothing to try, and the harness's own
//! faults, have neither score nor maximum; where there is such a fault, nothing is shown to the student, so that
//! a person looks first.

use serde_json::{Value, json};

use super::plain::{bounded, details, name, verdict};
use super::{CheckReport, Outcome, Report};

pub fn render(report: &Report) -> String {
    let report = &bounded(report);
    let broken = report.checks.iter().any(|check| matches!(check.outcome, Outcome::Broken { .. }));
    let visibility = if broken { "hidden" } else { "visible" };
    let tests: Vec<Value> = report.checks.iter().map(|check| test(report, check, visibility)).collect();
    let results = json!({
        "output": format!("{}\nThe seed was {}.", verdict(report), report.seed),
        "output_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "execution_time": report.elapsed_ms.div_ceil(1000),
        "tests": tests,
    });
    format!("{results:#}\n")
}

fn test(report: &Report, check: &CheckReport, visibility: &str) -> Value {
    let mut test = json!({
        "name": name(check),
        "name_format": "text",
        "number": check.stage.to_string(),
        "score": check.earned(),
        "max_score": check.of(),
        "output": details(report, check).unwrap_or_default(),
        "output_format": "text",
        "visibility": visibility,
    });
    // Without one, Gradescope takes it from the score.
    if check.outcome.counts() {
        test["status"] = if check.outcome.earns() { "passed" } else { "failed" }.into();
    }
    test
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{hostile, samples, schema};

    /// After "Output format" in Gradescope's autograder specification.
    fn results() -> Value {
        let visibility = json!({ "enum": ["hidden", "after_due_date", "after_published", "visible"] });
        let format = json!({ "enum": ["text", "html", "simple_format", "md", "ansi"] });
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["tests"],
            "properties": {
                "score": { "type": "number" },
                "execution_time": { "type": "number" },
                "output": { "type": "string" },
                "output_format": format,
                "test_output_format": format,
                "test_name_format": format,
                "visibility": visibility,
                "stdout_visibility": visibility,
                "extra_data": { "type": "object" },
                "leaderboard": { "type": "array" },
                "tests": { "type": "array", "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "score": { "type": "number" },
                        "max_score": { "type": "number" },
                        "status": { "enum": ["passed", "failed"] },
                        "name": { "type": "string" },
                        "name_format": format,
                        "number": { "type": "string" },
                        "output": { "type": "string" },
                        "output_format": format,
                        "tags": { "type": "array", "items": { "type": "string" } },
                        "visibility": visibility,
                        "extra_data": { "type": "object" },
                    },
                }},
            },
        })
    }

    #[test]
    fn every_report_reads_as_it_should() {
        insta::assert_snapshot!(render(&samples::narrowed()));
    }

    #[test]
    fn every_report_keeps_the_form_and_adds_up() {
        for report in samples::all().into_iter().map(|(_, report)| report).chain([hostile::report()]) {
            let value = schema::parsed(&render(&report), results());
            let sum = |field: &str| -> u64 {
                value["tests"].as_array().into_iter().flatten().filter_map(|test| test[field].as_u64()).sum()
            };
            let points = report.points;
            assert_eq!(sum("score"), u64::from(points.earned + points.extension_earned));
            assert_eq!(sum("max_score"), u64::from(points.of + points.extension_of));
        }
    }

    #[test]
    fn a_fault_of_the_harness_is_seen_by_a_person_first() {
        let shown = |report: &Report| render(report).contains("\"visible\"");
        assert!(shown(&samples::stage_two()));
        assert!(!shown(&samples::broken()));
    }
}
