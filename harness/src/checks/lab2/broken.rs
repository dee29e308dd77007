//! Stage 4: messages that break off, and peers that go. Nobody may take a part for the whole (RFC 9112 §8).

use super::family::wait_quiet;
use super::pages::{fresh_path, same_body, text};
use super::reply::Reply;
use super::session::{ask, by_hand, get, serves_on, share};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status};
use crate::fake::latch::Latch;
use crate::fake::origin::{Act, Origin};
use crate::stream::Arrival;
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Fault, Verdict};
use crate::wire::http::body::Framing;

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.fail.short",
        title: "a body shorter than its Content-Length does not become a whole one",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "Half a page that looks whole is worse than none: the client would keep it, and install half a program. \
              It must see what you have seen, that the message broke off.",
        peers: "All real proxies close early; where nothing has been sent yet, a 502 is right too.",
        hints: &[
            "Do you count what has come, and compare it with Content-Length when the origin closes?",
            "Send the origin's Content-Length on, not the length of what came, and close when it breaks off.",
        ],
        run: short,
    },
    Check {
        id: "proxy.fail.short-chunked",
        title: "a chunked body that breaks off gets no last chunk",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.body.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §8",
        why: "Only the chunk of size 0 says that the body is whole. A proxy that writes it whenever its loop ends \
              forges it.",
        peers: "",
        hints: &["Your loop over the origin's chunks ends in two ways: tell them apart."],
        run: short_chunked,
    },
    Check {
        id: "proxy.fail.reset",
        title: "an origin that resets in the middle of a body leaves a broken message",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.body.chunked"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9112 §8",
        why: "A body that ends with the connection is whole after FIN and broken after RST: two returns of the same \
              read. To a client of HTTP/1.0 only an RST of yours can say so.",
        peers: "squid and Apache leave the last chunk out, but close with FIN to a client of HTTP/1.0.",
        hints: &[
            "Which of your reads treats an error like an end?",
            "SO_LINGER with time 0 turns the close of a socket into an RST.",
        ],
        run: reset,
    },
    Check {
        id: "proxy.fail.bad-length",
        title: "a response whose length is nonsense is a 502, or broken",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.body.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "Two different lengths, or a size that is no number: nobody can say where the body ends. Passed on, the \
              client and you may differ about where the next response begins.",
        peers: "squid answers 502 to two lengths; Apache takes the first, nginx the last.",
        hints: &[
            "Take Content-Length only if all its values are the same digits, and a chunk size only in hex.",
        ],
        run: bad_length,
    },
    Check {
        id: "proxy.fail.client-gone",
        title: "a client that goes in the middle does not stop the others",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "People close tabs. A write to a connection that is no more fails with EPIPE, and in C a signal comes \
              along that ends the program unless it is ignored.",
        peers: "All real proxies pass.",
        hints: &[
            "What happens to the error of a write to the client?",
            "It ends this exchange alone: close both sockets and serve the next. Ignore SIGPIPE.",
        ],
        run: client_gone,
    },
];

/// What is left of a response when its connection ends too early.
struct Broken {
    /// Completes "the origin …".
    what: &'static str,
    script: Vec<Act>,
    version: &'static str,
}

impl Broken {
    fn new(what: &'static str, octets: impl Into<Vec<u8>>, end: Act) -> Broken {
        let pieces = Act::Pieces(octets.into(), Vec::new());
        Broken { what, script: vec![pieces, end], version: "HTTP/1.1" }
    }

    fn for_old_client(self) -> Broken {
        Broken { version: "HTTP/1.0", ..self }
    }
}

/// Fails where what comes looks whole, and where the same is not got whole the next time.
fn expect_broken(t: &mut Trial, proxy: &Up, broken: Broken) -> Verdict {
    let Broken { what, script, version } = broken;
    let origin = Origin::builder().answer(script).start(t.scene())?;
    let request = get(&origin, &fresh_path(t)).version(version);
    let note = match version {
        "HTTP/1.0" => format!("the client speaks HTTP/1.0; the origin {what}"),
        _ => format!("the origin {what}"),
    };
    look_broken(t, proxy, &request).note(&note).by_hand(by_hand(&request))?;

    let body = text(t);
    origin.now(Reply::ok(&body).script());
    let again = format!("{note}; this is the next request for the same, which it answers in full");
    let response = ask(t, proxy, &request).note(&again)?;
    expect_status(&response, 200).note(&again)?;
    same_body(&response, body.as_bytes(), &request).note(&again)
}

pub(super) fn look_broken(t: &Trial, proxy: &Up, request: &Request) -> Verdict {
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.send(request.octets())?;
    let response = match conn.response(request.method()) {
        Ok(response) => response,
        Err(Fault::Failed(failure)) if failure.rule.is_some() => {
            return Err((*failure).note("what came from the origin went on to the client as it was").into());
        }
        Err(Fault::Failed(failure)) if !failure.silent => return Ok(()),
        silence => {
            let broken_off =
                |failure| Failure { expected: "the message is broken off".to_owned(), ..failure };
            let silence = silence.map(drop).explain(broken_off);
            return silence.note("nothing more can come: close the client's connection too");
        }
    };
    let until_close = response.framing == Framing::UntilClose;
    if response.head.status >= 500 || until_close && conn.rest()?.1 == Arrival::Reset {
        return Ok(());
    }
    let status = response.head.status;
    let (how, why) = match response.framing {
        Framing::Length(_) => (", as its Content-Length says", "a client keeps this, and never asks again"),
        Framing::Chunked => (" and the last chunk", "the last chunk was forged: the origin never sent one"),
        Framing::UntilClose => (
            ", ended by a FIN",
            "without Content-Length or chunks a FIN means that all is there; close with an RST, or frame it anew",
        ),
        Framing::Empty => ("", "an empty message looks whole too"),
    };
    Err(Failure::new(
        "a message that is broken off for the client too, none, or a 502",
        format!("a whole one: status {status}, {} octets of body{how}", response.body.len()),
    )
    .note(why)
    .into())
}

/// The head of a reply, and so many octets of what comes behind it.
fn cut(reply: &Reply, octets: usize) -> Vec<u8> {
    [&reply.head(), &reply.payload()[..octets]].concat()
}

fn short(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let small = Reply::ok(&text(t).as_bytes()[..100]);
    let large = Reply::ok(text(t).repeat(2_000));
    for broken in [
        Broken::new("said Content-Length: 100, sent 42 octets and closed", cut(&small, 42), Act::Close),
        Broken::new("sent 200 000 octets of a longer body and closed", cut(&large, 200_000), Act::Close),
        Broken::new("said Content-Length: 100, sent none and closed", cut(&small, 0), Act::Close),
    ] {
        expect_broken(t, &proxy, broken)?;
    }
    Ok(())
}

fn short_chunked(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let reply = Reply::ok(text(t)).chunked(&[50]);
    // `32 CR LF`, 50 octets and CR LF make the first chunk.
    let (whole, part) = (cut(&reply, 56), cut(&reply, 100));
    for broken in [
        Broken::new("sent one whole chunk, no last one, and closed", whole, Act::Close),
        Broken::new("closed in the middle of a chunk", part, Act::Close),
    ] {
        expect_broken(t, &proxy, broken)?;
    }
    Ok(())
}

fn reset(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let reply = Reply::ok(text(t));
    let part = |reply: &Reply| cut(reply, 80);
    let close = part(&reply.clone().close_delimited());
    for broken in [
        Broken::new("sent a part of what Content-Length said and an RST", part(&reply), Act::Reset),
        Broken::new("sent some chunks and an RST", part(&reply.clone().chunked(&[50])), Act::Reset),
        Broken::new("sent a body that ends with the connection, and an RST", close.clone(), Act::Reset),
        Broken::new("sent a body that ends with the connection, and an RST", close, Act::Reset)
            .for_old_client(),
    ] {
        expect_broken(t, &proxy, broken)?;
    }
    Ok(())
}

fn bad_length(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let head = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n");
    let chunked = |size: &str| format!("{}{size}\r\nhello\r\n0\r\n\r\n", head("Transfer-Encoding: chunked"));
    for (what, octets) in [
        ("sent two Content-Lengths, 5 and 6", head("Content-Length: 5\r\nContent-Length: 6") + "hello!"),
        ("sent `Content-Length: 5x`", head("Content-Length: 5x") + "hello"),
        ("sent a chunk of size `zz`", chunked("zz")),
        ("sent a chunk of size `10000000000000005` (2^64 + 5)", chunked("10000000000000005")),
    ] {
        expect_broken(t, &proxy, Broken::new(what, octets, Act::Close))?;
    }
    Ok(())
}

fn client_gone(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let large = Reply::ok(text(t).repeat(20_000));
    let origin = Origin::builder().answer(large.script()).start(t.scene())?;
    let mut conn = Conn::open_small(t.scene(), proxy.addr, 64 << 10)?;
    conn.send(get(&origin, &fresh_path(t)).octets())?;
    conn.wait_for_octets(1)?;
    conn.reset()?;
    wait_quiet(&proxy);
    serves_on(t, &proxy, "a client that reset its connection in the middle of a large response")?;

    let latch = Latch::default();
    let mut script = vec![Act::Await(latch.clone())];
    script.extend(large.script());
    let origin = Origin::builder().answer(script).start(t.scene())?;
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.send(get(&origin, &fresh_path(t)).octets())?;
    origin.request(0, t.deadline().earlier(t.scene().silence()))?;
    conn.reset()?;
    latch.open();
    // It goes when it has sent all that the proxy takes.
    drop(origin);
    wait_quiet(&proxy);
    serves_on(t, &proxy, "a client that reset its connection before the origin had answered")
}
