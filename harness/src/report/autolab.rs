//! The report for Autolab: feedback to read, then the scores, in JSON, on the last line of all.
//!
//! The assessment has two problems, `points` (out of 100) and `extensions`. Autolab looks at the line before the last
//! too, so that one is always the harness's own.

use serde_json::json;

use super::Report;
use super::human::{self, Look};
use super::plain::bounded;

pub fn render(report: &Report) -> String {
    let points = report.points;
    let (earned, extensions) = (points.earned, points.extension_earned);
    let scores = json!({
        "scores": { "points": earned, "extensions": extensions },
        "scoreboard": [earned, extensions],
    });
    let feedback = human::render(&bounded(report), &Look { all: true, ..Look::default() });
    format!("{feedback}{scores}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::plain::verdict;
    use crate::report::{hostile, samples, schema};

    #[test]
    fn every_report_reads_as_it_should() {
        insta::assert_snapshot!(render(&samples::extension_only()));
    }

    #[test]
    fn the_last_line_has_the_scores_and_no_word_of_the_program() {
        let form = json!({
            "type": "object",
            "required": ["scores", "scoreboard"],
            "additionalProperties": false,
            "properties": {
                "scores": { "type": "object", "additionalProperties": { "type": "number" } },
                "scoreboard": { "type": "array", "items": { "type": "number" } },
            },
        });
        for report in samples::all().into_iter().map(|(_, report)| report).chain([hostile::report()]) {
            let text = render(&report);
            let lines: Vec<&str> = text.lines().collect();
            let [.., before, last] = lines.as_slice() else { panic!("two lines: {text}") };
            let value: Value = schema::parsed(last, form.clone());
            assert_eq!(value["scores"]["points"], report.points.earned);
            assert_eq!(value["scores"]["extensions"], report.points.extension_earned);
            assert_eq!(*before, verdict(&report));
        }
    }
}
