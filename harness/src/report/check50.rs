//! The report as check50 writes it with `-o json`, for what reads that.
//!
//! Where there was nothing to say about the program (blocked, broken, skipped) `passed` is null, and its cause is told.
//! Points are in `data`, which check50 leaves to the check.

use serde_json::{Value, json};

use super::plain::{bounded, cause, details};
use super::{CheckReport, Outcome, Report};

pub fn render(report: &Report) -> String {
    let report = &bounded(report);
    let results: Vec<Value> = report.checks.iter().map(|check| result(report, check)).collect();
    let slug = format!("wirelab/{}", report.lab);
    let text = json!({ "slug": slug, "results": results, "version": env!("CARGO_PKG_VERSION") });
    format!("{text:#}\n")
}

fn result(report: &Report, check: &CheckReport) -> Value {
    let passed = match check.outcome {
        Outcome::Passed | Outcome::Flaky { .. } => Some(true),
        Outcome::Failed { .. } => Some(false),
        Outcome::Blocked { .. } | Outcome::Broken { .. } | Outcome::Skipped { .. } => None,
    };
    let rationale = cause(check).filter(|_| passed != Some(true));
    let help = check.failure().map(|failure| failure.hint.as_str());
    let dependency = match &check.outcome {
        Outcome::Blocked { by } => Some(by.as_str()),
        _ => None,
    };
    let log = details(report, check).filter(|_| passed.is_some()).unwrap_or_default();
    json!({
        "name": check.id,
        "description": check.title,
        "passed": passed,
        "log": log.lines().collect::<Vec<_>>(),
        "cause": rationale.map(|rationale| json!({ "rationale": rationale, "help": help })),
        "data": {
            "points": check.earned(),
            "of": check.of(),
            "tier": check.tier,
            "flaky": matches!(check.outcome, Outcome::Flaky { .. }),
        },
        "dependency": dependency,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{hostile, samples, schema};

    /// After check50's documentation of its JSON; a cause must be there where nothing has passed.
    fn results() -> Value {
        let cause = json!({ "type": "object", "required": ["rationale"], "properties": {
            "rationale": { "type": "string" },
            "help": { "type": ["string", "null"] },
        }});
        json!({
            "type": "object",
            "required": ["slug", "results", "version"],
            "properties": {
                "slug": { "type": "string" },
                "version": { "type": "string" },
                "results": { "type": "array", "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["name", "description", "passed", "log", "cause", "data", "dependency"],
                    "properties": {
                        "name": { "type": "string" },
                        "description": { "type": "string" },
                        "passed": { "type": ["boolean", "null"] },
                        "log": { "type": "array", "items": { "type": "string" } },
                        "cause": { "anyOf": [{ "type": "null" }, cause] },
                        "data": { "type": "object" },
                        "dependency": { "type": ["string", "null"] },
                    },
                    "if": { "properties": { "passed": { "const": true } } },
                    "else": { "properties": { "cause": { "type": "object" } } },
                }},
            },
        })
    }

    #[test]
    fn every_report_reads_as_it_should() {
        let version = |text: String| text.replace(env!("CARGO_PKG_VERSION"), "[version]");
        insta::assert_snapshot!(version(render(&samples::broken())));
    }

    #[test]
    fn every_report_keeps_the_form() {
        for report in samples::all().into_iter().map(|(_, report)| report).chain([hostile::report()]) {
            let value = schema::parsed(&render(&report), results());
            let earned = value["results"].as_array().into_iter().flatten();
            let earned: u64 = earned.filter_map(|result| result["data"]["points"].as_u64()).sum();
            assert_eq!(earned, u64::from(report.points.earned + report.points.extension_earned));
        }
    }
}
