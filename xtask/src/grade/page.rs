//! The class page: one file of HTML that opens from a disk, with nothing from anywhere else.
//!
//! | file | |
//! |---|---|
//! | `overview.rs`, `signature.rs` | what the page shows, gathered a record at a time |
//! | `figures.rs` | how many, and the distribution of the points |
//! | `attention.rs` | who was not graded, whose points are held back, what somebody should look at |
//! | `changes.rs` | what is different from an earlier run |
//! | `clusters.rs` | the same mistake, made by many |
//! | `matrix.rs` | everyone × every check |
//!
//! Without a script everything is there; the script searches, sorts and names what is under the pointer. A row of the
//! matrix is text, and only what did not pass is an element, so a class of 10,000 is a page that a browser can hold.

mod attention;
mod changes;
mod clusters;
mod figures;
mod matrix;
mod overview;
mod signature;
#[cfg(test)]
mod tests;

use std::fmt::Write;

pub use overview::Overview;

use super::html::text;

/// What may run or be fetched: the style and the script that stand in the page, nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// Where the students' own pages lie, from this one: `feedback`.
pub type Feedback<'a> = Option<&'a str>;

/// The page of a class; with `before`, also what changed since.
pub fn render(class: &Overview, before: Option<&Overview>, feedback: Feedback<'_>) -> String {
    let lab = class.lab.map(|lab| format!("{lab} {}", lab.title())).unwrap_or_default();
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{lab}: {}</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        counted(class.rows.len(), "student"),
        include_str!("page/page.css"),
    );
    figures::head(&mut out, class, &lab);
    let _ = writeln!(out, "<main>");
    figures::section(&mut out, class);
    attention::section(&mut out, class);
    if let Some(before) = before {
        changes::section(&mut out, class, before);
    }
    clusters::section(&mut out, class);
    matrix::section(&mut out, class, feedback);
    let _ = writeln!(out, "</main>\n<script>\n{}</script>\n</body>\n</html>", include_str!("page/page.js"));
    out
}

/// A student's name that leads to the row.
fn name(class: &Overview, row: usize) -> String {
    let student = &class.rows[row].student;
    let id = text(&student.id);
    format!("<a href=\"#s-{id}\">{}</a>", text(shown(student)))
}

/// Whoever has no name is known by the id.
fn shown(student: &super::record::Student) -> &str {
    if student.name.trim().is_empty() { &student.id } else { &student.name }
}

fn counted(number: usize, noun: &str) -> String {
    let digits = number.to_string();
    let thousands: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|three| std::str::from_utf8(three).unwrap_or_default())
        .collect();
    let number_text = thousands.join(",");
    if noun.is_empty() {
        return number_text;
    }
    format!("{number_text} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `87`, `87.5`.
fn points(points: f64) -> String {
    let text = format!("{points:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}
