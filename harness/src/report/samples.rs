//! Reports built by hand, for the tests of the formats.

use super::{CheckReport, FailureReport, Outcome, Program, Report, SCHEMA};
use crate::check::{Basis, Lab, Tier};
use crate::verdict::Failure;

pub fn report(checks: Vec<CheckReport>) -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        lab: Lab::Lab1,
        program: Program {
            what: "your program".to_owned(),
            origin: "labs/lab1-web-server".to_owned(),
            build_ms: Some(800),
        },
        seed: "7f3a".to_owned(),
        narrowed: Vec::new(),
        points: Report::count(&checks),
        checks,
        elapsed_ms: 912,
    }
}

/// The lab in small: passing checks in stages 1 to 3, 12 and 13, with 20 points and 4 for an extension.
pub fn checks() -> Vec<CheckReport> {
    [
        ("web.start.listens", "your server listens on its port within 5 s", 1, 2),
        ("web.start.answers", "a plain GET is answered with 200 OK", 1, 4),
        ("web.files.binary", "a file of all 256 byte values arrives unchanged", 2, 3),
        ("web.files.query", "the query is no part of a file's name", 2, 2),
        ("web.files.type-unknown", "a file of unknown type is application/octet-stream", 2, 1),
        ("web.head.length", "HEAD answers with the header fields of GET and not one octet of the body", 3, 3),
        ("web.head.then-get", "a GET behind a HEAD on one connection is not mistaken for its body", 3, 2),
        ("web.client.body", "the client writes exactly the octets of the body to its output", 12, 3),
        ("web.range.first", "the first 500 octets alone are sent when asked for", 13, 4),
    ]
    .into_iter()
    .map(|(id, title, stage, points)| CheckReport {
        id: id.to_owned(),
        title: title.to_owned(),
        stage,
        tier: if stage == 13 { Tier::Extension } else { Tier::Core },
        points,
        basis: if stage == 1 { Basis::Contract } else { Basis::Must },
        clause: if stage == 1 { "contract, lab 1".to_owned() } else { "RFC 9110 §6.4".to_owned() },
        outcome: Outcome::Passed,
        elapsed_ms: 14,
    })
    .collect()
}

/// [`checks`], but these ended otherwise.
pub fn checks_but(others: &[(&str, Outcome)]) -> Vec<CheckReport> {
    let mut checks = checks();
    for (id, outcome) in others {
        let check = checks.iter_mut().find(|check| check.id == *id).expect("an id of the sample");
        check.outcome = outcome.clone();
    }
    checks
}

pub fn blocked(by: &str) -> Outcome {
    Outcome::Blocked { by: by.to_owned() }
}

pub fn failed(failure: FailureReport) -> Outcome {
    Outcome::Failed { failure: Box::new(failure) }
}

pub fn binary() -> FailureReport {
    FailureReport {
        steps: vec![
            "started your program on 127.0.0.1:40213, root fixtures/www".to_owned(),
            "sent   GET /k3f9/bytes.bin HTTP/1.1 ␍␊ Host: 127.0.0.1:40213 ␍␊ ␍␊".to_owned(),
            "got    HTTP/1.1 200 OK ␍␊ Content-Length: 384 ␍␊ … 384 octets of body".to_owned(),
        ],
        failure: Failure::new(
            "256 octets, the file as it is on disk",
            "384 octets; the first that differs is octet 128",
        )
        .excerpt([
            "7e 7f ef bf bd ef bf bd",
            "      ^^^^^^^^ U+FFFD, the mark of a lossy UTF-8 conversion; the file has 80",
        ])
        .note("the length is that of the converted text, so the answer itself is well framed")
        .by_hand("curl -s http://127.0.0.1:8080/bytes.bin | cmp - bytes.bin"),
        why: "Content is octets, not text: whatever a file holds arrives as it is (RFC 9110 §6.4, MUST)."
            .to_owned(),
        chapter: "book/src/lab1/stage-02.md".to_owned(),
        hint: "How do you read the file? `read_to_string` promises text.".to_owned(),
        again: "cargo xtask check lab1 --only web.files.binary --seed 7f3a".to_owned(),
    }
}

pub fn query() -> FailureReport {
    FailureReport {
        steps: vec!["sent   GET /k3f9/a.txt?x=1 HTTP/1.1 ␍␊ …".to_owned()],
        failure: Failure::new("200 and the file", "404 Not Found"),
        why: "The query is for programs; a file has none (contract, lab 1).".to_owned(),
        again: "cargo xtask check lab1 --only web.files.query --seed 7f3a".to_owned(),
        ..binary()
    }
}

/// A program that stopped at a step of the starter.
pub fn gap(step: u32, name: &str, line: u32) -> FailureReport {
    FailureReport {
        steps: vec![
            "started your program: web-server --host 127.0.0.1 --port 40117 --root …".to_owned(),
            format!(
                "it ended after 12 ms, with status 101 and these last words:\n  thread 'main' panicked at \
                 src/server.rs:{line}:5:\n  not yet implemented: step {step}: {name}"
            ),
        ],
        failure: Failure::new("a socket that listens on 127.0.0.1:40117", "the program ended"),
        why: "A server waits for those who come (contract, lab 1).".to_owned(),
        chapter: "book/src/lab1/stage-01.md".to_owned(),
        hint: "A server's life begins with bind and listen.".to_owned(),
        again: "cargo xtask check lab1 --only web.start.listens --seed 7f3a".to_owned(),
    }
}

pub fn untouched() -> Report {
    let first = "web.start.listens";
    let mut others: Vec<_> = checks()
        .iter()
        .map(|check| {
            (
                check.id.clone(),
                if check.stage == 12 { failed(gap(11, "the client", 30)) } else { blocked(first) },
            )
        })
        .collect();
    others[0].1 = failed(gap(1, "bind and accept", 18));
    let others: Vec<_> = others.iter().map(|(id, outcome)| (id.as_str(), outcome.clone())).collect();
    report(checks_but(&others))
}

pub fn stage_two() -> Report {
    report(checks_but(&[
        ("web.files.binary", failed(binary())),
        ("web.files.query", failed(query())),
        ("web.head.length", blocked("web.files.binary")),
        ("web.head.then-get", blocked("web.head.length")),
        ("web.client.body", failed(gap(11, "the client", 30))),
        ("web.range.first", failed(query())),
    ]))
}

pub fn flaky() -> Report {
    let records = ["target/wirelab/run-7f3a/1", "target/wirelab/run-7f3a/2"].map(str::to_owned).to_vec();
    report(checks_but(&[("web.head.length", Outcome::Flaky { failure: Box::new(query()), records })]))
}

pub fn broken() -> Report {
    report(checks_but(&[
        (
            "web.files.query",
            Outcome::Broken { why: "could not bind 127.0.0.1:0: too many open files".to_owned() },
        ),
        ("web.head.then-get", blocked("web.files.query")),
    ]))
}

pub fn narrowed() -> Report {
    let checks = checks_but(&[("web.files.query", failed(query()))]);
    let narrowed = vec!["--only web.files".to_owned(), "--model fork".to_owned()];
    Report { narrowed, ..report(checks.into_iter().filter(|check| check.stage == 2).collect()) }
}

pub fn extension_only() -> Report {
    report(checks_but(&[("web.range.first", failed(query()))]))
}

pub fn missing_role() -> Report {
    let why = "no program for the role client".to_owned();
    report(checks_but(&[("web.client.body", Outcome::Skipped { why })]))
}

/// A program that writes to the terminal through the report.
pub fn hostile() -> Report {
    let mut failure = query();
    failure.failure.seen = "\x1b[2J\x1b]0;owned\x07 404 \u{202e}dnuoF toN".to_owned();
    failure.failure.excerpt = vec!["48 54\x1b[31m 0d".to_owned(), "         ^".to_owned(), "x".repeat(200)];
    failure.failure.notes = vec!["a".repeat(300)];
    report(checks_but(&[("web.files.query", failed(failure))]))
}

/// Every sample, by name.
pub fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("all_well", report(checks())),
        ("untouched_starter", untouched()),
        ("failure_in_stage_two", stage_two()),
        ("flaky", flaky()),
        ("broken", broken()),
        ("narrowed", narrowed()),
        ("extension_only", extension_only()),
        ("missing_role", missing_role()),
        ("hostile", hostile()),
    ]
}
