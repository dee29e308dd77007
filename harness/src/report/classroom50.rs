//! The report as `result.json` of Classroom 50, form `classroom50/result/v1`.
//!
//! Scores are whole and never above the maximum, so extensions have no score here: their points stand in the words of
//! their tests. Owner, mode and times are stamped by the platform's runner.

use serde_json::{Value, json};

use super::plain::{bounded, details, name};
use super::{CheckReport, Report};
use crate::check::Tier;

/// What the platform's runner tells the one that grades.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The classroom's short name.
    pub classroom: String,
    /// The assignment's slug.
    pub assignment: String,
    /// The tag: `submit/…`.
    pub tag: String,
    /// Addresses of the commit, of the release, and of the view of the changes.
    pub commit: String,
    pub release: String,
    pub review: String,
    /// UTC: `2026-09-01T12:00:00Z`.
    pub datetime: String,
}

pub fn render(report: &Report, submission: &Submission) -> String {
    let report = &bounded(report);
    let result = json!({
        "schema": "classroom50/result/v1",
        "classroom": submission.classroom,
        "assignment": submission.assignment,
        "submission": submission.tag,
        "commit": submission.commit,
        "release": submission.release,
        "review": submission.review,
        "datetime": submission.datetime,
        "score": report.points.earned,
        "max-score": report.points.of,
        "tests": report.checks.iter().map(|check| test(report, check)).collect::<Vec<Value>>(),
    });
    format!("{result:#}\n")
}

fn test(report: &Report, check: &CheckReport) -> Value {
    let mut output = details(report, check).unwrap_or_default();
    let (mut score, mut of) = (check.earned(), check.of());
    if check.tier == Tier::Extension && check.outcome.counts() {
        output.insert_str(0, &format!("extension: {score} of {of} points\n"));
        (score, of) = (0, 0);
    }
    json!({
        "test-name": name(check),
        "passed": check.outcome.earns(),
        "score": score,
        "max-score": of,
        "output": output,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{hostile, samples, schema};

    fn submission() -> Submission {
        let [classroom, assignment, tag] =
            ["net-26", "lab1", "submit/2026-09-01T11-58-00Z-c0ffee1"].map(str::to_owned);
        let link = |path: &str| format!("https://git.example/net-26-lab1-ada/{path}");
        let (commit, release) = (link("commit/c0ffee1"), link("releases/1"));
        let (review, datetime) = (commit.clone(), "2026-09-01T11:58:00Z".to_owned());
        Submission { classroom, assignment, tag, commit, release, review, datetime }
    }

    /// After the platform's schema of its result, without what only its runner knows (`owner`, `assignment_type`).
    fn result() -> Value {
        let (word, number) =
            (json!({ "type": "string", "minLength": 1 }), json!({ "type": "integer", "minimum": 0 }));
        let time = r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$";
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["schema", "classroom", "assignment", "submission", "commit", "release", "review", "datetime",
                "score", "max-score", "tests"],
            "properties": {
                "schema": { "const": "classroom50/result/v1" },
                "classroom": word,
                "assignment": word,
                "submission": { "type": "string", "pattern": "^submit/" },
                "commit": word,
                "release": word,
                "review": word,
                "datetime": { "type": "string", "pattern": time },
                "score": number,
                "max-score": number,
                "tests": { "type": "array", "items": {
                    "type": "object",
                    "required": ["test-name", "passed", "score", "max-score"],
                    "properties": {
                        "test-name": word,
                        "passed": { "type": "boolean" },
                        "score": number,
                        "max-score": number,
                        "output": { "type": "string" },
                    },
                }},
            },
        })
    }

    #[test]
    fn every_report_reads_as_it_should() {
        insta::assert_snapshot!(render(&samples::extension_only(), &submission()));
    }

    #[test]
    fn every_report_keeps_the_form_and_adds_up() {
        for report in samples::all().into_iter().map(|(_, report)| report).chain([hostile::report()]) {
            let value = schema::parsed(&render(&report, &submission()), result());
            for field in ["score", "max-score"] {
                let tests = value["tests"].as_array().into_iter().flatten();
                let sum: u64 = tests.filter_map(|test| test[field].as_u64()).sum();
                assert_eq!(value[field], sum, "{field}");
            }
            assert!(value["score"].as_u64() <= value["max-score"].as_u64());
        }
    }
}
