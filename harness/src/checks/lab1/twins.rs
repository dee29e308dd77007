//! The two models side by side: what one answers, the other answers, octet by octet; and what one keeps, the
//! other keeps.

use super::processes::need_model;
use super::serve::{Server, shared};
use crate::check::{Check, Lab, Role, Tier, lies_below};
use crate::client::Request;
use crate::trial::{Model, Trial};
use crate::verdict::{Failure, Fault, Verdict};
use crate::wire::bytes;

/// Columns an excerpt may take.
const EXCERPT: usize = 66;

/// What both are asked; each asks for the connection to be closed.
fn corpus(server: &Server) -> Vec<(&'static str, Request)> {
    let file = &server.site.text.target;
    let folder = &file[..=file.rfind('/').unwrap_or(0)];
    // The same for both, though their ports differ: it may show in a Location.
    let request = |method: &str, target: &str| Request::new(method, target, "127.0.0.1:8080").close();
    let crowd = &server.site.crowd.file(0).target;
    let (crowd_folder, _) = crowd.rsplit_once('/').unwrap_or_default();
    vec![
        ("a GET of a file", request("GET", file)),
        ("a HEAD of a file", request("HEAD", file)),
        ("a GET of a file that is not there", request("GET", "/no/such/file")),
        ("a HEAD of a file that is not there", request("HEAD", "/no/such/file")),
        ("a GET of the root", request("GET", folder)),
        ("a GET of a directory", request("GET", &format!("{crowd_folder}/"))),
        ("a GET of a directory without its slash", request("GET", crowd_folder)),
        ("a GET that leaves the root", request("GET", "/../../../../etc/passwd")),
        ("a DELETE", request("DELETE", file)),
        ("a method that does not exist", request("FROBNICATE", file)),
        ("a GET without Host", request("GET", file).without("Host")),
        ("an HTTP/1.0 GET", request("GET", file).version("HTTP/1.0")),
        ("an HTTP/3.7 GET", request("GET", file).version("HTTP/3.7")),
        (
            "a conditional GET",
            request("GET", file).field("If-Modified-Since", "Fri, 01 Jan 2038 00:00:00 GMT"),
        ),
        ("a GET of a range", request("GET", file).field("Range", "bytes=3-8")),
    ]
}

pub fn same_answers(t: &mut Trial) -> Verdict {
    need_model(t, Model::Fork)?;
    need_model(t, Model::Pool)?;
    let pool = t.under(Model::Pool, shared)?;
    let fork = t.under(Model::Fork, shared)?;
    for (what, request) in corpus(&pool) {
        let answers = [answer(&pool, &request)?, answer(&fork, &request)?];
        let differs = |answers: &[Vec<u8>; 2]| {
            let [pool, fork] = answers;
            let same = pool.iter().zip(fork).take_while(|(a, b)| a == b).count();
            (same < pool.len().max(fork.len())).then_some(same)
        };
        let Some(at) = differs(&answers) else { continue };
        let mut failure = Failure::new(
            format!("{what} is answered alike in both models, but for Date"),
            format!("from octet {at} on the answers differ (Date left out)"),
        );
        for (model, answer) in [Model::Pool, Model::Fork].into_iter().zip(&answers) {
            let end = answer.len();
            let (line, carets) = bytes::excerpt(answer, at.min(end), usize::from(at < end), EXCERPT);
            failure = failure.excerpt([format!("{}: {line}", model.name()), format!("      {carets}")]);
        }
        return Err(failure.into());
    }
    Ok(())
}

/// What came, a response or less, without the Date and with the server's own port made the same.
fn answer(server: &Server, request: &Request) -> Verdict<Vec<u8>> {
    let mut conn = server.connect()?;
    conn.send(request.octets())?;
    let octets = match conn.response_octets(request.method()) {
        Err(Fault::Failed(_)) if conn.ended() => conn.pending().to_vec(),
        octets => octets?,
    };
    let head = octets.windows(4).position(|four| four == b"\r\n\r\n").map_or(octets.len(), |at| at + 2);
    let (head, body) = octets.split_at(head);
    let is_date = |line: &&[u8]| line.len() >= 5 && line[..5].eq_ignore_ascii_case(b"date:");
    let mut plain: Vec<u8> = head
        .split_inclusive(|&octet| octet == b'\n')
        .filter(|line| !is_date(line))
        .flatten()
        .copied()
        .collect();
    plain.extend_from_slice(body);
    Ok(replace(&plain, server.host().as_bytes(), b"127.0.0.1:8080"))
}

fn replace(octets: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    result.extend_from_slice(rest);
    result
}

/// What is run again under the fork model: where sockets, their closing, children and signals matter.
const AGAIN: &[&str] = &[
    "web.files",
    "web.head",
    "web.errors",
    "web.persist",
    "web.parse",
    "web.bodies",
    "web.limits",
    "web.many",
    "web.stop",
];

/// Of these, what waits for --timeout to pass, what is about the pool alone, and what has its like in this stage.
const NOT_AGAIN: &[&str] =
    &["web.persist.idle", "web.limits.half-sent", "web.many.bounded", "web.many.leaks"];

fn is_repeated(check: &Check) -> bool {
    let below = |prefixes: &[&str]| prefixes.iter().any(|prefix| lies_below(check.id, prefix));
    check.role == Role::Server
        && check.tier != Tier::Extension
        && (2..=9).contains(&check.stage)
        && below(AGAIN)
        && !below(NOT_AGAIN)
}

/// After so many checks that end in silence under both models no more are tried: each takes the whole patience.
const SILENCES: usize = 2;

pub fn same_checks(t: &mut Trial) -> Verdict {
    need_model(t, Model::Fork)?;
    need_model(t, Model::Pool)?;
    let mut silences = 0;
    for check in Lab::Lab1.checks().filter(|check| is_repeated(check)) {
        t.begin_part();
        t.step(format!("tried {} with --model fork", check.id));
        let Err(Fault::Failed(failure)) = t.under(Model::Fork, check.run) else { continue };
        let forked = t.begin_part();
        let pooled = t.under(Model::Pool, check.run);
        t.go_back_to(forked);
        if pooled.is_ok() {
            let named = format!("{} ({})", check.id, check.title);
            let expected = format!("{named} passes as it does with --model pool: {}", failure.expected);
            let rule =
                failure.rule.clone().or_else(|| Some(format!("{} ({})", check.why, check.authority())));
            return Err(Failure { expected, rule, ..*failure }.into());
        }
        silences += usize::from(failure.silent);
        if silences == SILENCES {
            break;
        }
    }
    Ok(())
}
