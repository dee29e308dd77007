//! Everyone × every check, by stage.
//!
//! A cell is a stage, and in it stands a sign a check, all of one width. Passed is a dot of text. What failed is an
//! element that leads to its mistake; other signs that stand together share one.

use std::fmt::Write;

use super::overview::{Cell, Row, WORDS};
use super::{Feedback, Overview, counted, points, shown};
use crate::grade::html::{line, text};
use crate::grade::record::Status;
use crate::grade::score::routine;

/// Rows of one table. A browser lays out a table only when it comes into view.
const BLOCK: usize = 250;

type Stages = [(u8, Vec<usize>)];

pub fn section(out: &mut String, class: &Overview, feedback: Feedback<'_>) {
    let stages = class.stages();
    out.push_str("<section id=\"matrix\">\n<h2>Everyone</h2>\n<p class=\"legend\">");
    for cell in Cell::TRIED {
        let _ = write!(out, "<span>{} {}</span> ", sign(cell), cell.name());
    }
    out.push_str("</p>\n");
    controls(out);
    out.push_str(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Everyone and every check\">\n",
    );
    for block in class.rows.chunks(BLOCK) {
        let _ = writeln!(out, "<div class=\"block\">\n<table>");
        head(out, class, &stages);
        out.push_str("<tbody>\n");
        for row in block {
            set(out, class, &stages, row, feedback);
        }
        out.push_str("</tbody>\n</table>\n</div>\n");
    }
    out.push_str("</div>\n</section>\n");
}

/// They do nothing without the script, which shows them.
fn controls(out: &mut String) {
    out.push_str(
        "<form hidden>\n<label>Search <input type=\"search\" placeholder=\"name, id or group\"></label>\n\
         <label>Show <select>\n<option value=\"\">everyone</option>\n\
         <option value=\"graded\">graded</option>\n<option value=\"other\">not graded</option>\n\
         <option value=\"held\">held back</option>\n<option value=\"flagged\">flagged</option>\n</select></label>\n\
         <label>By <select>\n<option value=\"\">roster</option>\n<option value=\"name\">name</option>\n\
         <option value=\"most\">most points</option>\n<option value=\"fewest\">fewest points</option>\n\
         </select></label>\n<output></output>\n<button type=\"button\" hidden></button>\n</form>\n",
    );
}

fn head(out: &mut String, class: &Overview, stages: &Stages) {
    out.push_str("<thead>\n<tr><th scope=\"col\" rowspan=\"2\">student</th><th scope=\"col\" rowspan=\"2\">points</th>");
    for (stage, columns) in stages {
        let titles = class.lab.map_or(&[][..], |lab| lab.stages());
        let title = titles.get(usize::from(*stage).wrapping_sub(1)).copied().unwrap_or_default();
        let title = text(title);
        // Where there is room for the number alone, the rest is in the title.
        let _ = write!(
            out,
            "<th scope=\"col\" class=\"stage\" title=\"stage {stage}: {title}, {}\"><span style=\"width:calc({} * var(--sign))\">{stage} \
             {title}</span></th>",
            counted(columns.len(), "check"),
            columns.len(),
        );
    }
    out.push_str("</tr>\n<tr class=\"checks\">");
    for (_, columns) in stages {
        out.push_str("<td>");
        for &column in columns {
            let column = &class.columns[column];
            let (id, title) = (text(&column.id), text(&column.title));
            let _ = write!(out, "<span title=\"{title}\">{id}</span>");
        }
        out.push_str("</td>");
    }
    out.push_str("</tr>\n</thead>\n");
}

fn set(out: &mut String, class: &Overview, stages: &Stages, row: &Row, feedback: Feedback<'_>) {
    let (id, name) = (text(&row.student.id), text(shown(&row.student)));
    let mut marks = String::new();
    for (mark, there) in [
        (" graded", row.status == Status::Graded),
        (" other", row.status != Status::Graded),
        (" held", row.score.held),
        (" flagged", !row.flags.is_empty()),
    ] {
        if there {
            marks.push_str(mark);
        }
    }
    let name = match feedback {
        Some(folder) => format!("<a href=\"{folder}/{id}.html\">{name}</a>"),
        None => name,
    };
    let section =
        row.student.extra.get("section").map(|section| format!(" {}", line(section, 40))).unwrap_or_default();
    let _ = write!(
        out,
        "<tr id=\"s-{id}\" class=\"{}\"><th scope=\"row\">{name} <small>{id}{section}</small></th>{}",
        marks.trim_start(),
        score(row),
    );
    if row.cells.is_empty() {
        let words =
            if row.words.is_empty() { String::new() } else { format!(": {}", line(&row.words, WORDS)) };
        let _ = writeln!(
            out,
            "<td class=\"words\" colspan=\"{}\"><span>{}{words}</span></td></tr>",
            stages.len().max(1),
            row.status.words(),
        );
        return;
    }
    for (stage, columns) in stages {
        cell(out, class, row, *stage, columns);
    }
    out.push_str("</tr>\n");
}

/// The points, a sign where they are not simply that, and why.
fn score(row: &Row) -> String {
    let score = &row.score;
    let mut why = score.because.clone();
    let mut sign = "";
    if score.because.iter().any(|rule| !routine(rule)) {
        sign = "*";
    }
    if score.excused {
        sign = "e";
    }
    if score.held {
        why.push("held back".to_owned());
        sign = "!";
    }
    let value = if score.excused { "–".to_owned() } else { points(score.points) };
    let title = if why.is_empty() { String::new() } else { format!(" title=\"{}\"", text(&why.join("; "))) };
    format!("<td class=\"points\"{title}>{value}<sup>{sign}</sup></td>")
}

fn cell(out: &mut String, class: &Overview, row: &Row, stage: u8, columns: &[usize]) {
    let passed = columns.iter().filter(|&&column| row.cell(column).earns()).count();
    let _ = write!(out, "<td title=\"stage {stage}: {passed} of {}\">", columns.len());
    let mut rest = columns;
    while let Some((&column, _)) = rest.split_first() {
        let kind = row.cell(column);
        if kind == Cell::Failed {
            let cluster =
                row.failures.iter().find(|(of, _)| *of == column).map_or(0, |(_, cluster)| *cluster);
            let id = text(&class.columns[column].id);
            let _ = write!(out, "<a href=\"#k{cluster}\" title=\"{id} failed\">{}</a>", kind.sign());
            rest = &rest[1..];
            continue;
        }
        let run = rest.iter().take_while(|&&column| row.cell(column) == kind).count();
        let signs = kind.sign().to_string().repeat(run);
        match tag(kind) {
            None => out.push_str(&signs),
            Some(class) => {
                let _ = write!(out, "<i class=\"{class}\" title=\"{}\">{signs}</i>", kind.name());
            }
        }
        rest = &rest[run..];
    }
    out.push_str("</td>");
}

fn tag(cell: Cell) -> Option<&'static str> {
    match cell {
        Cell::Passed | Cell::Failed => None,
        Cell::Blocked => Some("b"),
        Cell::Flaky => Some("f"),
        Cell::Broken => Some("h"),
        Cell::Skipped | Cell::Absent => Some("o"),
    }
}

/// The sign of a cell as it looks in the matrix.
fn sign(cell: Cell) -> String {
    match (cell, tag(cell)) {
        (Cell::Failed, _) => format!("<a>{}</a>", cell.sign()),
        (_, Some(class)) => format!("<i class=\"{class}\">{}</i>", cell.sign()),
        _ => format!("<i>{}</i>", cell.sign()),
    }
}
