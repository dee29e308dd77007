//! Stage 7: bodies of requests, and where the next request begins (RFC 9112 §6).
//!
//! To a file server they matter for one reason: octets of a body must never be taken for a request.

use super::exchange::{expect_alive, expect_close_after, expect_refused, expect_same, pipelined};
use super::serve::{Server, shared};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status_in;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Fault, Verdict};
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.bodies.length",
        title: "a Content-Length that is none is refused",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "Without a valid length nobody knows where the next request begins. The server says 400 and closes, \
              so that no guess of its own can be turned against it.",
        peers: "nginx, Apache, lighttpd and caddy answer 400; python's http.server and busybox look the other way.",
        hints: &[
            "Which strings does your number parser take that are not all digits? Rust's takes `+5`.",
            "Two Content-Lengths that differ, a sign, or a number too large to hold: 400, and close.",
        ],
        run: length,
    },
    Check {
        id: "web.bodies.not-a-request",
        title: "the body of a request is never taken for a request",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "A body follows its head on the same connection. Who does not read it finds it in place of the next \
              request, and an attacker may have written that body: request smuggling.",
        peers: "nginx, Apache and caddy read and drop it, lighttpd answers 400 and closes; python's http.server \
                takes it for the next request.",
        hints: &[
            "After the response, where in the stream does your program look for the next request?",
            "Skip as many octets as Content-Length says, or the chunks; or just close the connection.",
        ],
        run: not_a_request,
    },
    Check {
        id: "web.bodies.both",
        title: "after a request with Content-Length and Transfer-Encoding the connection is closed",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.1",
        why: "Two lengths for one body is what smuggling is made of: a proxy believes the one, the server the \
              other. Answer it or refuse it, but then close.",
        peers: "nginx, lighttpd and Node answer 400; Apache and busybox answer the request. All close.",
        hints: &["Does anything in your program notice that both fields are there?"],
        run: both,
    },
];

fn length(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let get = || server.get(&server.site.text.target);
    for (what, request) in [
        ("`Content-Length: +5`", get().field("Content-Length", "+5")),
        ("`Content-Length: -1`", get().field("Content-Length", "-1")),
        (
            "a request with two lengths, 5 and 6,",
            get().field("Content-Length", "5").field("Content-Length", "6"),
        ),
    ] {
        let mut conn = expect_refused(&server, what, &request.body("hello").octets(), &[400])?;
        expect_close_after(&mut conn, &format!("the 400 to {what}"))?;
    }
    too_long_for_any_integer(&server)?;
    expect_alive(&server)
}

/// A length of 10^20 is a valid one: the request may be refused, or answered and its body dropped until the
/// end. But what follows is body, whatever it looks like.
fn too_long_for_any_integer(server: &Server) -> Verdict {
    let head = server.get(&server.site.text.target).field("Content-Length", "100000000000000000000");
    let mut conn = server.connect()?;
    conn.send(pipelined(&[&head, &server.get(&server.site.pages.second.target)]))?;
    conn.half_close();
    if let Some(answer) = conn.response_or_end("GET")? {
        expect_status_in(&answer, &[400, 413, 501, 200])?;
    }
    match conn.response_or_end("GET")? {
        None => Ok(()),
        Some(_) => Err(Failure::new(
            "what follows `Content-Length: 100000000000000000000` (10^20) is that request's body",
            "a second response: some of it was taken for a request",
        )
        .note("2^64 is less than 10^20: an overflow, or a failed parse taken for \"no body\"")
        .into()),
    }
}

fn not_a_request(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let site = &server.site;
    let [first, inner, next] =
        [&site.text, &site.pages.second, &site.pages.third].map(|file| server.get(&file.target));
    let (alone, alone_next) = (server.ask(&first)?, server.ask(&next)?);
    let body = inner.octets();
    let chunked = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    for (how, with_body) in [
        ("Content-Length", first.clone().field("Content-Length", body.len().to_string()).body(&body)),
        ("Transfer-Encoding: chunked", first.clone().field("Transfer-Encoding", "chunked").body(chunked)),
    ] {
        let what = format!("a GET with a body ({how})");
        let mut conn = server.connect()?;
        let answer = conn.ask(&with_body).note(format!("this is {what}"))?;
        if answer.head.status < 400 {
            expect_same(&what, &alone, &answer)?;
        } else {
            expect_status_in(&answer, &[400, 411, 413, 501])?;
        }
        conn.send(next.octets())?;
        match conn.response_or_end("GET").note(format!("this is the request after {what}"))? {
            Some(answer) if answer.body != alone_next.body => return Err(smuggled(&what, &answer)),
            _ => {}
        }
    }
    Ok(())
}

fn smuggled(what: &str, answer: &Response) -> Fault {
    Failure::new(
        format!("after {what}: the response to the next request, or the close"),
        format!("another response, with status {} and {} octets", answer.head.status, answer.body.len()),
    )
    .note("the body reads like a request for another file: octets of it were taken for a request")
    .into()
}

fn both(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let target = &server.site.text.target;
    // Five octets of body by either reading.
    let request = server
        .get(target)
        .field("Content-Length", "5")
        .field("Transfer-Encoding", "chunked")
        .body("0\r\n\r\n");
    let mut conn = server.connect()?;
    conn.send(pipelined(&[&request, &server.get(target)]))?;
    let answer = conn.response("GET")?;
    expect_status_in(&answer, &[400, 413, 501, 200])?;
    expect_close_after(&mut conn, "the response to a request with both fields")?;
    expect_alive(&server)
}
