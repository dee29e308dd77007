use std::io::Write;
use std::process::{Command, Stdio};

use harness::check::Lab;
use serde_json::Value;

use super::*;
use crate::grade::hostile;
use crate::grade::synthetic::Class;

/// Reads a table in the manner of spreadsheets and writes it as JSON.
const PYTHON: &str = "\
import csv, json, sys
text = sys.stdin.buffer.read().decode('utf-8')
rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
json.dump(rows, sys.stdout)";

/// The table as Python's `csv` reads it; `None` where there is no Python.
fn python(table: &str) -> Option<Vec<Vec<String>>> {
    let mut python = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = python.stdin.take()?;
    let table = table.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(table.as_bytes()));
    let output = python.wait_with_output().ok()?;
    writer.join().expect("a writer").expect("python reads");
    assert!(output.status.success(), "python refuses the table");
    let rows: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    serde_json::from_value(rows).ok()
}

fn class() -> Vec<Record> {
    let mut records: Vec<Record> = Class { lab: Lab::Lab1, students: 120, progress: 0.8 }.records().collect();
    records.push(hostile::record(Status::Graded));
    records
}

fn tables(records: &[Record]) -> [String; 2] {
    let (mut canvas, mut moodle) =
        (Canvas::new("Lab 1 (12345)", 100.0).expect("a table"), Moodle::new("Lab 1").expect("a table"));
    for record in records {
        canvas.add(record).expect("a row");
        moodle.add(record).expect("a row");
    }
    [canvas.finish().expect("a table"), moodle.finish().expect("a table")]
}

#[test]
fn the_first_rows_read_as_they_should() {
    let tables = tables(&class()[..12]);
    insta::assert_snapshot!(tables.join("\n"));
}

#[test]
fn another_parser_finds_everyone_and_their_points() {
    if python("a,b\n").is_none() {
        eprintln!("skipped: python3 is not installed");
        return;
    }
    let records = class();
    let [canvas, moodle] = tables(&records).map(|table| python(&table).expect("python"));
    assert_eq!(canvas[0], ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Lab 1 (12345)"]);
    assert_eq!(canvas[1], ["Points Possible", "", "", "", "", "100"]);
    assert_eq!(moodle[0], ["Email address", "Lab 1", "Feedback"]);
    assert_eq!((canvas.len(), moodle.len()), (records.len() + 2, records.len() + 1));
    let mut blank = 0;
    for ((record, canvas), moodle) in records.iter().zip(&canvas[2..]).zip(&moodle[1..]) {
        assert_eq!((canvas.len(), moodle.len()), (6, 3));
        assert_eq!(canvas[5], moodle[1]);
        if record.score.held {
            blank += 1;
            assert!(canvas[5].is_empty() && !moodle[2].is_empty(), "a blank is explained: {moodle:?}");
        } else {
            let read: f64 = canvas[5].parse().expect("points");
            assert!((read - record.score.points).abs() < 0.01, "{canvas:?}");
        }
    }
    assert!(blank > 0, "nobody's points are held back");
    // Nothing that a spreadsheet would calculate.
    for cell in canvas[2..].iter().chain(&moodle[1..]).flatten() {
        assert!(!cell.starts_with(['=', '+', '@', '\t', '\r']), "{cell}");
        assert!(!cell.starts_with('-') || cell.parse::<f64>().is_ok(), "{cell}");
    }
}

#[test]
fn formulas_become_text_and_names_stay() {
    for (given, written) in [
        ("Ada", "Ada"),
        ("=1+1", "'=1+1"),
        ("  =1+1", "'=1+1"),
        ("-2", "'-2"),
        ("@x", "'@x"),
        ("\t=x", "'=x"),
        ("a\r\n=b", "a  =b"),
        ("O'Neill, Tim \"T\"", "O'Neill, Tim \"T\""),
    ] {
        assert_eq!(cell(given), written);
    }
}

#[test]
fn what_canvas_exports_goes_back_to_the_same_students() {
    let roster = "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (77)\n    Points Possible,,,,,100\n\
                  \"Lovelace, Ada\",12345,S1,ada,A,\n\"Hopper, Grace\",12346,S2,grace,B,\n";
    let roster = crate::grade::roster::parse(roster.as_bytes()).expect("a roster");
    let records: Vec<Record> = roster
        .students
        .into_iter()
        .zip((Class { lab: Lab::Lab1, students: 2, progress: 1.0 }).records())
        .map(|(student, record)| Record { student, ..record })
        .collect();
    let [canvas, _] = tables(&records);
    let lines: Vec<&str> = canvas.lines().collect();
    assert!(lines[2].starts_with("\"Lovelace, Ada\",12345,S1,ada,A,"), "{canvas}");
    assert!(lines[3].starts_with("\"Hopper, Grace\",12346,S2,grace,B,"), "{canvas}");
}
