//! The report as JSON, for programs: `harness/schema/report-1.schema.json` describes it.

use super::Report;

/// The JSON Schema (draft 2020-12) that every report keeps.
pub const SCHEMA: &str = include_str!("../../schema/report-1.schema.json");

/// Indented, and ended by a line break.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report holds nothing that JSON cannot");
    text.push('\n');
    text
}

/// In one line, ended by a line break: for several reports in a row.
pub fn render_line(report: &Report) -> String {
    let mut text = serde_json::to_string(report).expect("a report holds nothing that JSON cannot");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::samples;
    use crate::report::schema::Judge;

    fn judge() -> Judge {
        Judge::new(serde_json::from_str(SCHEMA).expect("the schema is JSON"))
    }

    #[test]
    fn every_report_keeps_the_schema() {
        let judge = judge();
        for (name, report) in samples::all() {
            let value = serde_json::from_str(&render(&report)).expect("JSON");
            judge.accepts(&value).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn the_schema_refuses_what_is_no_report() {
        let judge = judge();
        let sound = serde_json::to_value(samples::stage_two()).expect("JSON");
        let spoil = [
            ("/schema", json!("wirelab.report/2")),
            ("/seed", json!(7)),
            ("/points/earned", json!(-1)),
            ("/program/build_ms", json!("0.8 s")),
            ("/checks/0/tier", json!("gold")),
            ("/checks/0/outcome/kind", json!("lost")),
            ("/checks/2/outcome/failure", json!({})),
            ("/checks/5/outcome/by", json!(null)),
        ];
        for (place, value) in spoil {
            let mut broken = sound.clone();
            *broken.pointer_mut(place).expect("a field of the report") = value;
            assert!(judge.accepts(&broken).is_err(), "{place} was not looked at");
        }
    }

    #[test]
    fn every_field_of_the_schema_is_described() {
        fn walk(value: &Value, path: &str) {
            let Some(fields) = value.as_object() else { return };
            for (name, field) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let told = ["description", "$ref", "const"].iter().any(|key| field.get(key).is_some());
                assert!(told, "{path}/{name} has no description");
            }
            fields.iter().for_each(|(name, field)| walk(field, &format!("{path}/{name}")));
        }
        walk(&serde_json::from_str(SCHEMA).expect("the schema is JSON"), "");
    }

    #[test]
    fn a_report_survives_the_way_through_json() {
        for (_, report) in samples::all() {
            for text in [render(&report), render_line(&report)] {
                assert_eq!(serde_json::from_str::<Report>(&text).expect("a report"), report);
            }
        }
    }
}
