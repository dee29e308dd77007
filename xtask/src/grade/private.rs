//! What a student may read of a record: the same words as at home, without what is the grader's alone.
//!
//! Left out are the seed (of the student's own hidden values), checks that the course hides, where things lie on the
//! grader's machine, why the harness broke, and everything about other students.

use std::collections::BTreeSet;

use harness::report::plain::{bounded, each_text};
use harness::report::{Outcome, Program, Report};

/// First folders of paths on a machine that grades. What a program is asked for on the wire begins with a name drawn
/// for the run, so that the two are not confused.
const ROOTS: &[&str] = &[
    "autograder",
    "boot",
    "build",
    "builds",
    "data",
    "dev",
    "etc",
    "home",
    "lib",
    "lib64",
    "mnt",
    "nix",
    "opt",
    "private",
    "proc",
    "root",
    "run",
    "scratch",
    "srv",
    "student",
    "sys",
    "template",
    "tmp",
    "usr",
    "var",
    "work",
    "workspace",
    "Users",
    "Volumes",
];

/// The report as its student may read it; `hidden` are ids of checks that the course does not show.
pub fn report(report: &Report, hidden: &BTreeSet<String>) -> Report {
    let mut shown = each_text(&bounded(report), without_places);
    shown.program = Program { what: "your program".to_owned(), origin: ".".to_owned(), build_ms: None };
    shown.seed = String::new();
    shown.narrowed = Vec::new();
    shown.checks.retain(|check| !hidden.contains(&check.id));
    for check in &mut shown.checks {
        let again = format!("cargo xtask check {} --only {}", report.lab, check.id);
        match &mut check.outcome {
            Outcome::Failed { failure } => failure.again = again,
            Outcome::Flaky { failure, records } => {
                failure.again = again;
                records.clear();
            }
            Outcome::Blocked { by } if hidden.contains(by) => *by = "a check that is not shown".to_owned(),
            Outcome::Broken { why } => *why = "your teacher knows".to_owned(),
            Outcome::Passed | Outcome::Blocked { .. } | Outcome::Skipped { .. } => {}
        }
    }
    shown.points = Report::count(&shown.checks);
    shown
}

/// The text with each path of the machine cut to its last name: `…/web-server`.
pub fn without_places(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(at) = rest.find('/') {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        before = head.chars().last().unwrap_or(before);
        let end = tail.find(ends_path).unwrap_or(tail.len());
        let path = &tail[..end];
        if begins_path(before) && is_place(path) {
            let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            out.push_str("…/");
            out.push_str(name);
        } else {
            out.push_str(path);
        }
        before = path.chars().last().unwrap_or(before);
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

/// Not in `http://host/path`, `text/html` or `src/main.rs`.
fn begins_path(before: char) -> bool {
    !(before.is_alphanumeric() || matches!(before, '/' | '.' | '_' | '-' | '…'))
}

fn ends_path(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '"' | '\'' | '`' | ':' | ',' | ';' | ')' | ']' | '}' | '>' | '<' | '␍' | '␊' | '␀')
}

fn is_place(path: &str) -> bool {
    let mut names = path[1..].split('/');
    names.next().is_some_and(|first| ROOTS.contains(&first)) && names.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_things_lie_is_not_told() {
        let seen = without_places(
            "started your program: /home/ada/kit/target/web-server --root /tmp/wirelab-run-4kq/www --port 1\n\
             panicked at /usr/local/cargo/registry/src/x-1.0/lib.rs:3:5: \"/var/x/y\"",
        );
        assert_eq!(
            seen,
            "started your program: …/web-server --root …/www --port 1\npanicked at …/lib.rs:3:5: \"…/y\""
        );
    }

    #[test]
    fn what_is_asked_for_on_the_wire_stays() {
        for text in [
            "sent   GET /k3f9/bytes.bin HTTP/1.1␍␊",
            "curl -s http://127.0.0.1:8080/tmp/bytes.bin",
            "Content-Type: text/html",
            "src/http/head.rs:31:9",
            "GET / HTTP/1.1",
            "/tmp",
            "../../etc/passwd",
        ] {
            assert_eq!(without_places(text), text);
        }
    }
}
