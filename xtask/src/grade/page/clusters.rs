//! The same mistake, made by many: failures of one check that are of one kind.

use std::fmt::Write;

use super::{Overview, counted, name};
use crate::grade::html::{line, text};

/// So many kinds stand open to be read; the others are behind a fold.
const FIRST: usize = 12;

/// So many names stand below a kind; the matrix marks everyone.
const NAMES: usize = 60;

/// The longest of a failure's words.
const ROOM: usize = 400;

pub fn section(out: &mut String, class: &Overview) {
    let mut order: Vec<usize> = (0..class.clusters.len()).collect();
    order.sort_by_key(|&number| {
        let cluster = &class.clusters[number];
        (std::cmp::Reverse(cluster.rows.len()), cluster.column, number)
    });
    out.push_str("<section id=\"mistakes\">\n<h2>Mistakes</h2>\n");
    if order.is_empty() {
        out.push_str("<p>No check failed.</p>\n</section>\n");
        return;
    }
    let _ = writeln!(
        out,
        "<p>{} by check and kind, the commonest first. # and … stand for values, which differ from student to \
         student.</p>",
        counted(order.len(), "mistake")
    );
    let (first, others) = order.split_at(FIRST.min(order.len()));
    list(out, class, first, 1);
    if !others.is_empty() {
        let _ = writeln!(out, "<details>\n<summary>and {} more</summary>", counted(others.len(), ""));
        list(out, class, others, FIRST + 1);
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
}

fn list(out: &mut String, class: &Overview, numbers: &[usize], start: usize) {
    let _ = writeln!(out, "<ol start=\"{start}\" class=\"mistakes\">");
    for &number in numbers {
        let cluster = &class.clusters[number];
        let column = &class.columns[cluster.column];
        let share = cluster.rows.len() as f64 / class.rows.len().max(1) as f64;
        let _ = writeln!(
            out,
            "<li id=\"k{number}\"><details>\n<summary><span class=\"count\">{}</span> <span class=\"bar\" aria-hidden=\"true\"><span \
             style=\"width:{:.1}%\"></span></span> <strong>{}</strong> {}\n<span class=\"kind\">{}</span></summary>",
            counted(cluster.rows.len(), "student"),
            share * 100.0,
            text(&column.id),
            text(&column.title),
            line(&cluster.kind, ROOM),
        );
        let first = &class.rows[cluster.rows[0]].student;
        let _ =
            writeln!(out, "<p>For {}: {}</p>\n<p>", text(super::shown(first)), line(&cluster.example, ROOM));
        let names: Vec<String> = cluster.rows.iter().take(NAMES).map(|&row| name(class, row)).collect();
        out.push_str(&names.join(", "));
        if cluster.rows.len() > NAMES {
            let _ = write!(out, " and {} more", counted(cluster.rows.len() - NAMES, ""));
        }
        out.push_str("</p>\n</details></li>\n");
    }
    out.push_str("</ol>\n");
}
