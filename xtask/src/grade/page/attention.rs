//! Who was not graded and why, whose points are held back, and what somebody should look at; by name.

use std::fmt::Write;

use super::overview::WORDS;
use super::{Overview, name, overview};
use crate::grade::html::{line, text};
use crate::grade::record::{Flag, Status};

/// A line of one student's.
struct Line {
    row: usize,
    words: String,
}

pub fn section(out: &mut String, class: &Overview) {
    out.push_str("<section id=\"look\">\n<h2>To look at</h2>\n");
    let start = out.len();
    for status in [
        Status::InfraError,
        Status::Policy,
        Status::Resource,
        Status::Timeout,
        Status::BuildError,
        Status::Missing,
    ] {
        let rows = class.rows.iter().enumerate().filter(|(_, row)| row.status == status);
        let lines = rows.map(|(number, row)| Line { row: number, words: code(&row.words) }).collect();
        group(out, class, status.words(), meaning(status), lines);
    }
    let held =
        class.rows.iter().enumerate().filter(|(_, row)| row.score.held && row.status == Status::Graded);
    let held = held.map(|(number, _)| Line { row: number, words: broken(class, number) }).collect();
    group(out, class, "held back", "The harness broke in a check: do not publish these points yet.", held);
    for (title, meaning, words) in FLAGS {
        let flags = class.rows.iter().enumerate().flat_map(|(number, row)| {
            row.flags.iter().filter_map(move |flag| Some(Line { row: number, words: words(flag)? }))
        });
        group(out, class, title, meaning, flags.collect());
    }
    strangers(out, class);
    if out.len() == start {
        out.push_str("<p>Nothing: every submission was graded, and nothing was flagged.</p>\n");
    }
    out.push_str("</section>\n");
}

/// A kind of flag: its title, what it means, and the words of those that are of this kind.
type Kind = (&'static str, &'static str, fn(&Flag) -> Option<String>);

const FLAGS: [Kind; 4] = [
    ("much alike", "Judged like any other; whether it is a copy is for you to say.", |flag| match flag {
        Flag::Copy { with, share } => Some(format!("{:.0} % as {}", share * 100.0, text(with))),
        _ => None,
    }),
    ("flaky", "These checks failed once and then passed. They have their points.", |flag| match flag {
        Flag::Flaky { checks } => Some(text(&checks.join(", "))),
        _ => None,
    }),
    ("left processes behind", "They were ended with everything else.", |flag| match flag {
        Flag::LeftBehind { processes } => Some(processes.to_string()),
        _ => None,
    }),
    ("by an override", "Yours, with its reason.", |flag| match flag {
        Flag::Override { reason } => Some(text(reason)),
        _ => None,
    }),
];

fn meaning(status: Status) -> &'static str {
    match status {
        Status::Graded => "",
        Status::Missing => "Nothing was handed in, or nothing that could be a submission to this lab.",
        Status::BuildError => "The compiler's words, shortened; the student's page has them too.",
        Status::Timeout => "Building or judging took longer than the course allows.",
        Status::Resource => "It met a limit of memory, disk or processes.",
        Status::Policy => "It broke a rule of intake.",
        Status::InfraError => "The machine's fault or ours, never a zero: run `grade` again.",
    }
}

fn group(out: &mut String, class: &Overview, title: &str, meaning: &str, lines: Vec<Line>) {
    if lines.is_empty() {
        return;
    }
    // A long list is opened by whoever wants it.
    let open = if lines.len() <= 12 { " open" } else { "" };
    let _ = writeln!(
        out,
        "<details{open}>\n<summary><strong>{title}</strong> <span class=\"count\">{}</span> {meaning}</summary>\n<ul>",
        lines.len()
    );
    for Line { row, words } in lines {
        let (name, id) = (name(class, row), text(&class.rows[row].student.id));
        let words = if words.is_empty() { String::new() } else { format!(": {words}") };
        let _ = writeln!(out, "<li>{name} <small>{id}</small>{words}</li>");
    }
    out.push_str("</ul>\n</details>\n");
}

fn strangers(out: &mut String, class: &Overview) {
    if class.strangers.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<details open>\n<summary><strong>nobody's</strong> <span class=\"count\">{}</span> Submissions that were \
         not judged.</summary>\n<ul>",
        class.strangers.len()
    );
    for stranger in &class.strangers {
        let _ = writeln!(out, "<li>{}</li>", line(stranger, WORDS));
    }
    out.push_str("</ul>\n</details>\n");
}

fn broken(class: &Overview, row: usize) -> String {
    let cells = class.rows[row].cells.iter().zip(&class.columns);
    let ids = cells.filter(|(cell, _)| **cell == overview::Cell::Broken).map(|(_, column)| text(&column.id));
    ids.collect::<Vec<_>>().join(", ")
}

/// Words that a compiler or a machine wrote; several lines keep their columns.
fn code(words: &str) -> String {
    let words = words.trim_end();
    if words.contains('\n') { format!("<pre>{}</pre>", text(words)) } else { text(words) }
}
