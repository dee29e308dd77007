//! The points of a class as files that a grade book imports: Canvas and Moodle.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a return for a formula. Text cells that
//! would are given an apostrophe in front, which spreadsheets show as text. Points that are held back, and those of
//! whom the machine could not judge, are left blank: a blank cell changes nothing in a grade book.

use anyhow::{Context, Result};
use csv::Writer;

use super::private::without_places;
use super::record::{Record, Status};

/// The longest cell of words, in characters.
const WORDS: usize = 500;

/// `Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (12345)`, a row of the points possible, a row a student.
pub struct Canvas(Writer<Vec<u8>>);

impl Canvas {
    /// `column` is the assignment as Canvas exports it: its title, and its number in parentheses.
    pub fn new(column: &str, points: f64) -> Result<Self> {
        let mut csv = Writer::from_writer(Vec::new());
        csv.write_record(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", &cell(column)])?;
        csv.write_record(["Points Possible", "", "", "", "", &number(points)])?;
        Ok(Canvas(csv))
    }

    pub fn add(&mut self, record: &Record) -> Result<()> {
        let student = &record.student;
        let extra =
            |name: &str| student.extra.get(name).map(String::as_str).filter(|value| !value.is_empty());
        // Canvas's own numbers name the students where the roster is Canvas's.
        let number = student.id.bytes().all(|octet| octet.is_ascii_digit()).then_some(student.id.as_str());
        let number = extra("id").or(number);
        let login = extra("sis login id").or(extra("login"));
        let login = login.or(Some(student.id.as_str()).filter(|_| number != Some(&student.id)));
        let [number, user, login, section] =
            [number, extra("sis user id"), login, extra("section")].map(Option::unwrap_or_default);
        let who = [&student.name, number, user, login, section];
        self.0.write_record(who.map(cell).into_iter().chain([points(record)]))?;
        Ok(())
    }

    pub fn finish(self) -> Result<String> {
        finish(self.0)
    }
}

/// `Email address,Lab 1,Feedback`, a row a student.
pub struct Moodle(Writer<Vec<u8>>);

impl Moodle {
    pub fn new(column: &str) -> Result<Self> {
        let mut csv = Writer::from_writer(Vec::new());
        csv.write_record(["Email address", &cell(column), "Feedback"])?;
        Ok(Moodle(csv))
    }

    /// Whoever has no address is named by the id.
    pub fn add(&mut self, record: &Record) -> Result<()> {
        let email = record.student.email.as_ref().unwrap_or(&record.student.id);
        self.0.write_record([cell(email), points(record), cell(&words(record))])?;
        Ok(())
    }

    pub fn finish(self) -> Result<String> {
        finish(self.0)
    }
}

fn finish(csv: Writer<Vec<u8>>) -> Result<String> {
    let octets = csv.into_inner().map_err(|error| error.into_error()).context("cannot end the table")?;
    Ok(String::from_utf8(octets)?)
}

/// Blank where there is nothing to publish.
fn points(record: &Record) -> String {
    let blank = record.score.held || record.score.excused || record.status == Status::InfraError;
    if blank { String::new() } else { number(record.score.points) }
}

fn number(points: f64) -> String {
    // Two decimals are as many as grade books keep.
    let text = format!("{points:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How it ended and what counted, in a line.
fn words(record: &Record) -> String {
    let mut parts = Vec::new();
    if record.status == Status::InfraError {
        parts.push("not judged yet; not your fault".to_owned());
    } else if record.score.held {
        parts.push("held back until somebody has looked".to_owned());
    } else {
        let said = record.score.because.iter().any(|rule| rule == record.status.words());
        if record.status != Status::Graded && !said {
            parts.push(record.status.words().to_owned());
        }
        parts.extend(record.score.because.iter().cloned());
    }
    without_places(&parts.join("; "))
}

/// A text cell: one line, bounded, and no formula.
fn cell(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS).collect();
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    if formula { format!("'{}", line.trim_start()) } else { line }
}

#[cfg(test)]
mod tests;
