//! Stage 7: bodies of requests, and where the next request begins (RFC 9112 §6).
//!
//! To a file server they matter for one reason: octets of a body must never be taken for a request.

use super::exchange::{expect_alive, expect_refused, expect_same, pipelined};
use super::serve::{Server, shared};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status_in;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict};

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
        peers: "nginx, Apache and Node answer 400 and close.",
        hints: &["Does anything in your program notice that both fields are there?"],
        run: both,
    },
];

fn length(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let get = || server.get(&server.site.text.target);
    for (what, request) in [
        ("Content-Length: +5", get().field("Content-Length", "+5")),
        ("Content-Length: -1", get().field("Content-Length", "-1")),
        ("two lengths, 5 and 6", get().field("Content-Length", "5").field("Content-Length", "6")),
    ] {
        expect_refused(&server, what, &request.body("hello").octets(), &[400])?
            .expect_close()
            .note(format!("this was after a request with {what}"))?;
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
    let [first, smuggled, next] =
        [&site.text, &site.pages.second, &site.pages.third].map(|file| server.get(&file.target));
    let (alone, alone_next) = (server.ask(&first)?, server.ask(&next)?);
    let body = smuggled.octets();
    let chunked = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    for (how, with_body) in [
        ("Content-Length", first.clone().field("Content-Length", body.len().to_string()).body(&body)),
        ("Transfer-Encoding: chunked", first.clone().field("Transfer-Encoding", "chunked").body(chunked)),
    ] {
        let what = format!("a GET with a body ({how})");
        let mut conn = server.connect()?;
        conn.send(pipelined(&[&with_body, &next]))?;
        let answer = conn.response("GET").note(format!("this is {what}, then another request"))?;
        if answer.head.status < 400 {
            expect_same(&what, &alone, &answer)?;
        } else {
            expect_status_in(&answer, &[400, 411, 413, 501])?;
        }
        if let Some(answer) = conn.response_or_end("GET")? {
            expect_same(&format!("the request after {what}"), &alone_next, &answer).note(
                "its body reads like a request for another file: octets of it were taken for a request. \
                 Read the body and drop it, or close the connection",
            )?;
        }
    }
    Ok(())
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
    conn.expect_close().explain(|failure| Failure {
        expected: "the connection is closed after a request with both, and none that follows is answered"
            .into(),
        ..failure
    })?;
    expect_alive(&server)
}
