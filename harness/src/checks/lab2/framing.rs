//! Stage 2: bodies of responses, in every framing (RFC 9112 §6).

use std::time::Duration;

use super::pages::{fresh_path, same_body, word};
use super::reply::Reply;
use super::session::{ask, by_hand, get, last_received, options, origin, serves_on, share, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status};
use crate::fake::origin::{Act, Origin};
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Verdict, ensure};
use crate::wire::bytes;
use crate::wire::http::body::answers_version;
use crate::wire::http::message::Response;

/// How long is waited for the close of a connection that the client has closed; what is late is not seen.
const AFTER: Duration = Duration::from_millis(100);

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.body.length",
        title: "a body with Content-Length passes octet for octet, and ends there",
        lab: Lab::Lab2,
        stage: 2,
        tier: Tier::Core,
        points: 2,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "Content-Length says where the body ends. The connection may stay open for the next request: who waits \
              for its end waits long.",
        peers: "",
        hints: &[
            "When does your program know that it has the whole response?",
            "Read the head, then as many octets as Content-Length says; part of them came together with the head.",
            "Keep the body in bytes, never in a string.",
        ],
        run: length,
    },
    Check {
        id: "proxy.body.chunked",
        title: "a chunked body passes octet for octet, and ends with its last chunk",
        lab: Lab::Lab2,
        stage: 2,
        tier: Tier::Core,
        points: 2,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §7.1",
        why: "Who makes a page while sending it does not know its length: it sends chunks, each behind its size in \
              hexadecimal, and a last one of size 0. You may pass the chunks on or frame the body anew.",
        peers: "Apache and squid pass chunks on as chunks of their own.",
        hints: &[
            "Which of your reads can tell that the last chunk has come?",
            "Size line, so many octets, CR LF, and so on until the size is 0; then the trailer section, mostly empty.",
            "Decode with a small state machine that is fed octets as they come, and write each piece as a chunk.",
        ],
        run: chunked,
    },
    Check {
        id: "proxy.body.close",
        title: "a body that ends with the connection passes whole, and its end shows",
        lab: Lab::Lab2,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "With neither Content-Length nor chunked, a response's body is all that comes until the origin closes. \
              Your client must see that end too: by your close, or by a framing of your own.",
        peers: "Apache and squid make chunks of it.",
        hints: &[
            "Neither field there: read until 0 octets come back, then end the client's message as well.",
        ],
        run: close,
    },
    Check {
        id: "proxy.body.none",
        title: "responses to HEAD, 204 and 304 end with their head",
        lab: Lab::Lab2,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "The Content-Length of a response to HEAD, or of a 304, is that of the body a GET would get: none of it \
              comes. Who waits for it waits in vain.",
        peers: "",
        hints: &[
            "How a response ends depends on the method of its request, and on the status, before any field.",
            "Pass Content-Length on as it is, and read no body.",
        ],
        run: none,
    },
    Check {
        id: "proxy.body.large",
        title: "8 MiB reach a client that begins to read late",
        lab: Lab::Lab2,
        stage: 2,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.body.length"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "A client that does not read fills its window, then your send buffer; then a write waits, or takes a \
              part of what it is given.",
        peers: "",
        hints: &["`write` returns how much it took; `write_all` (or `sendall`) goes on until all is taken."],
        run: large,
    },
    Check {
        id: "proxy.body.old-client",
        title: "an HTTP/1.0 client gets no chunks",
        lab: Lab::Lab2,
        stage: 2,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.body.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.1",
        why: "HTTP/1.0 knows no Transfer-Encoding: to such a client the sizes would be part of the page. You asked \
              with HTTP/1.1, so chunks may come; decode them, and end the body by closing.",
        peers: "tinyproxy and privoxy pass the chunks on, a true fault; squid and Apache decode them.",
        hints: &["Look at the version in the client's request line before you choose the framing."],
        run: old_client,
    },
];

/// So many octets, all 256 values among them where there is room.
pub(super) fn octets(t: &mut Trial, count: usize) -> Vec<u8> {
    let mut octets: Vec<u8> = (0..=u8::MAX).cycle().take(count).collect();
    t.rng.shuffle(&mut octets);
    octets
}

/// The reply's script, and then nothing: its connection stays open.
fn and_stays_open(reply: &Reply) -> Vec<Act> {
    let mut script = reply.script();
    script.push(Act::Hold);
    script
}

/// A failure by silence, though the origin has sent all of it.
fn has_ended(failure: Failure, end: &str) -> Failure {
    if !failure.silent {
        return failure;
    }
    failure
        .note(format!("the origin has sent its whole response, and keeps the connection open: it ends {end}"))
}

/// A proxy that does not give up an origin while the check lasts.
fn patient(t: &mut Trial) -> Verdict<Up> {
    t.share(Role::Proxy, |port| options(port, &["--timeout", "60"]))
}

/// Fails where the proxy still waits for an origin that has said all it will.
fn is_done(t: &mut Trial, proxy: &Up, end: &str) -> Verdict {
    serves_on(t, proxy, "a response that has ended, on a connection that has not")
        .explain(|failure| has_ended(failure, end))
}

/// Asks an origin that keeps its connection open, and expects this body.
fn passes(t: &mut Trial, reply: &Reply, body: &[u8], end: &str) -> Verdict {
    let proxy = patient(t)?;
    let origin = Origin::builder().answer(and_stays_open(reply)).start(t.scene())?;
    let request = get(&origin, &fresh_path(t));
    let response = ask(t, &proxy, &request).explain(|failure| has_ended(failure, end))?;
    expect_status(&response, 200).by_hand(by_hand(&request))?;
    same_body(&response, body, &request).explain(|failure| sizes_in_body(failure, &response))?;
    is_done(t, &proxy, end)
}

/// Notes that what should be framing has become body.
fn sizes_in_body(failure: Failure, response: &Response) -> Failure {
    if !response.body.starts_with(b"1\r\n") {
        return failure;
    }
    failure.note("the body begins with a chunk's size: the chunks were passed on, but not said to be chunks")
}

fn length(t: &mut Trial) -> Verdict {
    let body = octets(t, 20_011);
    passes(t, &Reply::ok(&body), &body, "where Content-Length says")
}

/// Where chunks end; the first is one octet long, others have a letter in their size.
pub(super) const CUTS: [usize; 5] = [1, 11, 37, 300, 8_492];

fn chunked(t: &mut Trial) -> Verdict {
    let body = octets(t, 20_011);
    passes(t, &Reply::ok(&body).chunked(&CUTS), &body, "with the chunk of size 0")
}

fn close(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let body = octets(t, 20_011);
    let reply = Reply::ok(&body).close_delimited();
    for (version, reply) in [("HTTP/1.1", reply.clone()), ("HTTP/1.0", reply.http_1_0())] {
        let origin = origin(t, &reply)?;
        let request = get(&origin, &fresh_path(t));
        let note = format!("the origin answers with {version}, and has closed: that is the body's end");
        let response = ask(t, &proxy, &request).note(&note)?;
        expect_status(&response, 200).by_hand(by_hand(&request))?;
        same_body(&response, &body, &request).note(&note)?;
    }
    Ok(())
}

fn none(t: &mut Trial) -> Verdict {
    let proxy = patient(t)?;
    let length = t.rng.u32(1_000..9_000).to_string();
    let tag = format!("\"{}\"", word(t));
    let bare = |status| Reply::new(status).own_framing();
    for (what, method, reply) in [
        ("the response to HEAD", "HEAD", bare(200).field("Content-Length", &length)),
        ("a 204", "GET", bare(204)),
        ("a 304", "GET", bare(304).field("ETag", &tag).field("Content-Length", &length)),
    ] {
        let status = reply.status();
        let origin = Origin::builder().answer(and_stays_open(&reply)).start(t.scene())?;
        let request = match status {
            304 => to(&origin, method, &fresh_path(t)).field("If-None-Match", &tag),
            _ => to(&origin, method, &fresh_path(t)),
        };
        bodiless(t, &proxy, &request, what, status, &length).by_hand(by_hand(&request))?;
        let seen = last_received(t, &origin)?.head.method;
        ensure(seen == method, format!("the origin is asked with {method}"), format!("with {seen}"))?;
        is_done(t, &proxy, &format!("with the head: {what} has no body"))?;
    }
    Ok(())
}

/// Nothing comes but this head, and its Content-Length, if it has one, is the origin's.
fn bodiless(t: &Trial, proxy: &Up, request: &Request, what: &str, status: u16, length: &str) -> Verdict {
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    let end = format!("with the head: {what} has no body, whatever the fields say");
    let response = conn.ask(request).explain(|failure| has_ended(failure, &end))?;
    expect_status(&response, status)?;
    if let Some(seen) = response.head.fields.text("Content-Length").filter(|seen| seen != length) {
        let expected = format!("`Content-Length: {length}` in {what}, as the origin has it, or none");
        return Err(Failure::new(expected, format!("`Content-Length: {seen}`"))
            .note("it is not the length of what is sent here, which is none, but of what a GET would get")
            .into());
    }
    conn.half_close();
    conn.closes_within(AFTER)?;
    if conn.pending().is_empty() {
        return Ok(());
    }
    let (line, _) = bytes::excerpt(conn.pending(), 0, 1, 66);
    Err(Failure::new(format!("{what} ends with its head"), format!("{} more octets", conn.pending().len()))
        .excerpt([line])
        .into())
}

fn large(t: &mut Trial) -> Verdict {
    /// Several segments of loopback, which hold 64 KiB each: with less, the windows close and open by timers.
    const WINDOW: usize = 256 << 10;
    let proxy = share(t)?;
    // No power of two, so that what a buffer loses cannot be covered by what follows it.
    let body = octets(t, 65_519).repeat(129);
    let origin = origin(t, &Reply::ok(&body))?;
    let request = get(&origin, &fresh_path(t));
    let mut conn = Conn::open_small(t.scene(), proxy.addr, WINDOW)?;
    conn.send(request.octets())?;
    conn.wait_until_stuck()?;
    let response = conn.response("GET").note(
        "the client read nothing until your program could write no more, and then read on; a write that finds the \
         buffer full waits, or takes a part",
    )?;
    expect_status(&response, 200).by_hand(by_hand(&request))?;
    same_body(&response, &body, &request)
}

fn old_client(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let body = octets(t, 20_011);
    let origin = origin(t, &Reply::ok(&body).chunked(&CUTS))?;
    let request = get(&origin, &fresh_path(t)).version("HTTP/1.0");
    let by_hand = by_hand(&request).replacen("-v", "-v --raw", 1);
    let response = ask(t, &proxy, &request).by_hand(&by_hand)?;
    expect_status(&response, 200).by_hand(&by_hand)?;
    if let Err(error) = answers_version(&response.head, (1, 0)) {
        return Err(Failure::new(
            "a body without chunks: the client speaks HTTP/1.0",
            "`Transfer-Encoding: chunked` in the response",
        )
        .rule(format!("{} ({}).", error.rule, error.clause))
        .by_hand(by_hand)
        .into());
    }
    same_body(&response, &body, &request)
        .explain(|failure| sizes_in_body(failure, &response))
        .by_hand(by_hand)
}
