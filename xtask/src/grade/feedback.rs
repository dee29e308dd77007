//! One student's result in words: `feedback/ID.md` and `feedback/ID.html`, with the sentences of `cargo xtask check`.
//!
//! Both say the same. What is not the student's to read is taken out before either is written ([`private`]).

use std::collections::BTreeSet;
use std::fmt::Write;

use harness::report::markdown::{self, escaped};
use harness::report::plain::{cause, details, name};
use harness::report::{CheckReport, Outcome, Report};

use super::html::{capped, text};
use super::private::{self, without_places};
use super::record::{Record, Status};

/// The longest page of a student's, in octets; what the harness says comes first.
const ROOM: usize = 2_000_000;

/// The longest of a compiler's words, in characters.
const WORDS: usize = 16_000;

/// What both forms say.
struct Sheet {
    title: String,
    /// The points and what changed them, or why there are none; one sentence each.
    facts: Vec<String>,
    /// The compiler's words, or those of whatever refused the submission.
    words: Option<String>,
    report: Option<Report>,
}

impl Sheet {
    fn new(record: &Record, hidden: &BTreeSet<String>) -> Self {
        let lab = record.lab;
        let mut facts = points(record, hidden);
        if let Some(submission) = &record.submission {
            let received =
                submission.received.as_ref().map(|at| format!(", handed in {at}")).unwrap_or_default();
            facts.push(format!("Judged was {}{received}.", submission.source));
            let lists = [("Not taken", &submission.passed_over), ("Left out", &submission.left_out)];
            for (what, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                facts.push(format!("{what}: {}.", list.join("; ")));
            }
        }
        let report = record.report.as_ref().map(|report| private::report(report, hidden));
        let hides = record.report.as_ref().map_or(0, |all| all.checks.len())
            - report.as_ref().map_or(0, |shown| shown.checks.len());
        if hides > 0 {
            facts.push("Your course does not show every check; its points are in the sum.".to_owned());
        }
        facts.extend(next(record, report.as_ref()));
        Sheet {
            title: format!("{lab} {}: {}", lab.title(), student(record)),
            facts: facts.iter().map(|fact| one_line(fact)).collect(),
            words: words(record),
            report,
        }
    }
}

fn student(record: &Record) -> &str {
    let name = record.student.name.trim();
    if name.is_empty() { &record.student.id } else { name }
}

fn points(record: &Record, hidden: &BTreeSet<String>) -> Vec<String> {
    let score = &record.score;
    let sum = format!("{} of {} points.", number(score.points), number(score.of));
    let mut facts = vec![match record.status {
        Status::InfraError => {
            "Your submission could not be judged yet. That is not your fault, and it will be tried again."
                .to_owned()
        }
        _ if score.excused => "You need not hand this in: it counts neither for nor against you.".to_owned(),
        _ if score.held => {
            "Your points are held back: the harness itself failed in a check, and somebody looks at it."
                .to_owned()
        }
        Status::Graded => sum,
        Status::Missing => format!("Nothing was handed in: {sum}"),
        Status::BuildError => format!("Your program does not build: {sum}"),
        Status::Timeout => format!("Your program took longer than the course allows: {sum}"),
        Status::Resource => format!("Your program took more than the course allows: {sum}"),
        Status::Policy => format!("Your submission broke a rule of the course: {sum}"),
    }];
    if !score.held && !score.excused {
        let said =
            |rule: &&String| *rule == record.status.words() || hidden.iter().any(|id| rule.contains(id));
        let rules = score.because.iter().filter(|rule| !said(rule));
        facts.extend(rules.map(|rule| format!("Counted: {rule}.")));
    }
    facts
}

fn next(record: &Record, report: Option<&Report>) -> Option<String> {
    let report = report?;
    let check = report.next()?;
    Some(format!(
        "Next: {}. `cargo xtask check {} --only {}` tries it at home, with other values than here.",
        check.title, record.lab, check.id
    ))
}

/// The compiler's words belong to whoever wrote the program; those of our own machine do not.
fn words(record: &Record) -> Option<String> {
    let tell =
        !matches!(record.status, Status::Graded | Status::InfraError) && !record.words.trim().is_empty();
    tell.then(|| without_places(&harness::report::human::visible(&capped(record.words.trim_end(), WORDS))))
}

fn one_line(fact: &str) -> String {
    without_places(&harness::report::human::visible(&capped(fact, 2_000))).replace('\n', " ")
}

fn number(points: f64) -> String {
    let text = format!("{points:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub fn markdown(record: &Record, hidden: &BTreeSet<String>) -> String {
    let sheet = Sheet::new(record, hidden);
    let mut out = format!("# {}\n", escaped(&one_line(&sheet.title)));
    for fact in &sheet.facts {
        let _ = write!(out, "\n{}\n", escaped(fact));
    }
    if let Some(words) = &sheet.words {
        out.push_str(&markdown::folded("what was said", words, true));
    }
    if let Some(report) = &sheet.report {
        out.push_str("\n## Checks\n\n");
        markdown::stages(&mut out, report);
        markdown::entries(&mut out, report, ROOM);
    }
    out
}

pub fn html(record: &Record, hidden: &BTreeSet<String>) -> String {
    let sheet = Sheet::new(record, hidden);
    let title = text(&one_line(&sheet.title));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>\n\
         {}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
        include_str!("feedback.css")
    );
    for fact in &sheet.facts {
        let _ = writeln!(out, "<p>{}</p>", text(fact));
    }
    if let Some(words) = &sheet.words {
        let _ = writeln!(out, "<pre>{}</pre>", text(words));
    }
    if let Some(report) = &sheet.report {
        checks(&mut out, report);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn checks(out: &mut String, report: &Report) {
    let titles = report.lab.stages();
    for stage in report.checks.chunk_by(|a, b| a.stage == b.stage) {
        let number = stage[0].stage;
        let title = titles.get(usize::from(number).wrapping_sub(1)).copied().unwrap_or_default();
        let passed = stage.iter().filter(|check| check.outcome.earns()).count();
        let counted = stage.iter().filter(|check| check.outcome.counts()).count();
        let _ = writeln!(out, "<h2>{number} {} <small>{passed} of {counted}</small></h2>\n<ul>", text(title));
        for check in stage {
            if out.len() > ROOM {
                out.push_str("<li>The rest is left out here.</li>\n");
                break;
            }
            self::check(out, report, check);
        }
        out.push_str("</ul>\n");
    }
}

/// The first failure stands open.
fn check(out: &mut String, report: &Report, check: &CheckReport) {
    let (class, sign) = match check.outcome {
        Outcome::Passed => ("good", "✔"),
        Outcome::Failed { .. } => ("bad", "✘"),
        Outcome::Flaky { .. } => ("odd", "~"),
        Outcome::Broken { .. } => ("odd", "!"),
        Outcome::Blocked { .. } | Outcome::Skipped { .. } => ("soft", "–"),
    };
    let told = matches!(check.outcome, Outcome::Failed { .. } | Outcome::Flaky { .. });
    let head = format!("<b class=\"{class}\">{sign}</b> {}", text(&name(check)));
    if told {
        let open = report.next().is_some_and(|next| next.id == check.id);
        let _ = writeln!(
            out,
            "<li><details{}><summary>{head}</summary><pre>{}</pre></details></li>",
            if open { " open" } else { "" },
            text(details(report, check).unwrap_or_default().trim_end())
        );
    } else {
        let why = cause(check).map(|why| format!(" <small>{}</small>", text(&why))).unwrap_or_default();
        let _ = writeln!(out, "<li>{head}{why}</li>");
    }
}

#[cfg(test)]
mod tests;
