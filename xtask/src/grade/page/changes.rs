//! What is different from an earlier run of the same class.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use super::overview::{Cell, Row};
use super::{Overview, counted, name, points};
use crate::grade::html::text;

/// So many students are listed; the matrix has everyone's points.
const LISTED: usize = 200;

/// So many checks are named behind a student.
const NAMED: usize = 6;

pub fn section(out: &mut String, class: &Overview, before: &Overview) {
    let earlier: HashMap<&str, &Row> = before.rows.iter().map(|row| (row.student.id.as_str(), row)).collect();
    let mut changed: Vec<(usize, f64, String)> = Vec::new();
    let (mut came, mut up, mut down) = (0, 0, 0);
    let mut turned: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (number, row) in class.rows.iter().enumerate() {
        let Some(was) = earlier.get(row.student.id.as_str()) else {
            came += 1;
            continue;
        };
        let (good, bad) = turns(class, before, row, was);
        good.iter().for_each(|&column| turned.entry(column).or_default().0 += 1);
        bad.iter().for_each(|&column| turned.entry(column).or_default().1 += 1);
        let gain = row.score.points - was.score.points;
        up += usize::from(gain > 0.0);
        down += usize::from(gain < 0.0);
        let status = (row.status != was.status).then(|| format!("{} → {}", was.status, row.status));
        let held = match (was.score.held, row.score.held) {
            (false, true) => Some("now held back".to_owned()),
            (true, false) => Some("no longer held back".to_owned()),
            _ => None,
        };
        let rules = (row.score.because != was.score.because && !row.score.because.is_empty())
            .then(|| text(&row.score.because.join("; ")));
        let parts: Vec<String> = [status, held, rules]
            .into_iter()
            .flatten()
            .chain(ids(class, "now passes", &good))
            .chain(ids(class, "no longer passes", &bad))
            .collect();
        if gain != 0.0 || !parts.is_empty() {
            changed.push((number, gain, parts.join("; ")));
        }
    }
    let gone: Vec<String> = {
        let here: HashMap<&str, ()> = class.rows.iter().map(|row| (row.student.id.as_str(), ())).collect();
        let gone = before.rows.iter().filter(|row| !here.contains_key(row.student.id.as_str()));
        gone.map(|row| text(super::shown(&row.student))).collect()
    };
    let _ = writeln!(
        out,
        "<section id=\"changes\">\n<h2>Since the last run</h2>\n<p>{} with more points, {} with fewer, {} unchanged{}{}.</p>",
        counted(up, "student"),
        counted(down, ""),
        counted(class.rows.len() - came - changed.len(), ""),
        if came > 0 { format!(", {} new", counted(came, "")) } else { String::new() },
        if gone.is_empty() { String::new() } else { format!("; no longer here: {}", gone.join(", ")) },
    );
    by_check(out, class, &turned);
    by_student(out, class, &earlier, changed);
    out.push_str("</section>\n");
}

/// Columns that turned good, and that turned bad.
fn turns(class: &Overview, before: &Overview, row: &Row, was: &Row) -> (Vec<usize>, Vec<usize>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (column, &now) in row.cells.iter().enumerate() {
        let then = before.number(&class.columns[column].id).map_or(Cell::Absent, |number| was.cell(number));
        if now == Cell::Absent || then == Cell::Absent {
            continue;
        }
        match (then.earns(), now.earns()) {
            (false, true) => good.push(column),
            (true, false) => bad.push(column),
            _ => {}
        }
    }
    (good, bad)
}

fn ids(class: &Overview, what: &str, columns: &[usize]) -> Option<String> {
    let names: Vec<String> =
        columns.iter().take(NAMED).map(|&column| text(&class.columns[column].id)).collect();
    let more = columns.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!columns.is_empty()).then(|| format!("{what}: {}{more}", names.join(", ")))
}

fn by_check(out: &mut String, class: &Overview, turned: &BTreeMap<usize, (usize, usize)>) {
    let worse: Vec<String> = turned
        .iter()
        .filter(|(_, (_, bad))| *bad > 0)
        .map(|(&column, (good, bad))| {
            let id = text(&class.columns[column].id);
            format!("<tr><th scope=\"row\">{id}</th><td>{bad}</td><td>{good}</td></tr>")
        })
        .collect();
    if worse.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<details>\n<summary>{} that somebody no longer passes</summary>\n<table class=\"plain\">\n<thead><tr>\
         <th scope=\"col\">check</th><th scope=\"col\">no longer pass</th><th scope=\"col\">now pass</th></tr></thead>\n\
         <tbody>\n{}\n</tbody>\n</table>\n</details>",
        counted(worse.len(), "check"),
        worse.join("\n")
    );
}

fn by_student(
    out: &mut String,
    class: &Overview,
    earlier: &HashMap<&str, &Row>,
    mut changed: Vec<(usize, f64, String)>,
) {
    if changed.is_empty() {
        return;
    }
    // Who lost most comes first: somebody will ask.
    changed.sort_by(|a, b| a.1.total_cmp(&b.1));
    let _ = writeln!(
        out,
        "<details{}>\n<summary>{} changed</summary>\n<table class=\"plain\">\n<thead><tr><th scope=\"col\">student</th>\
         <th scope=\"col\">before</th><th scope=\"col\">now</th><th scope=\"col\"></th><th scope=\"col\">why</th></tr>\
         </thead>\n<tbody>",
        if changed.len() <= 12 { " open" } else { "" },
        counted(changed.len(), "student"),
    );
    for (number, gain, why) in changed.iter().take(LISTED) {
        let row = &class.rows[*number];
        let was = earlier[row.student.id.as_str()];
        let sign = match gain {
            gain if *gain > 0.0 => "▲ +",
            gain if *gain < 0.0 => "▼ −",
            _ => "= ",
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{} <small>{}</small></th><td>{}</td><td>{}</td><td>{sign}{}</td><td>{why}</td></tr>",
            name(class, *number),
            text(&row.student.id),
            points(was.score.points),
            points(row.score.points),
            points(gain.abs()),
        );
    }
    out.push_str("</tbody>\n</table>\n");
    if changed.len() > LISTED {
        let _ = writeln!(out, "<p>{} more are not listed.</p>", counted(changed.len() - LISTED, ""));
    }
    out.push_str("</details>\n");
}
