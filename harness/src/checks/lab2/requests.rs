//! Stage 2: requests with bodies, and methods beside GET (RFC 9112 §6, RFC 9110 §9).

use super::framing::{CUTS, octets};
use super::pages::{fresh_path, text};
use super::reply::Reply;
use super::session::{ask, by_hand, last_received, origin, share, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Request, expect_status};
use crate::fake::origin::Origin;
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Verdict, ensure, fail};
use crate::wire::difference;
use crate::wire::http::message;

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.request.length",
        title: "a POST with Content-Length arrives octet for octet",
        lab: Lab::Lab2,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "Requests have bodies too. In them NULs and empty lines are octets like others, and no read is sure to \
              bring the whole.",
        peers: "",
        hints: &[
            "The body begins behind the first empty line; Content-Length says how long it is.",
            "The same code that passes a response's body on can do it the other way round.",
        ],
        run: post_length,
    },
    Check {
        id: "proxy.request.chunked",
        title: "a chunked POST arrives octet for octet, in whatever framing",
        lab: Lab::Lab2,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.request.length"],
        basis: Basis::Must,
        clause: "RFC 9112 §7.1",
        why: "A client that does not know how much it will send uses chunks as well. Every recipient of HTTP/1.1 must \
              be able to decode them.",
        peers: "squid and Apache collect it and send Content-Length.",
        hints: &[
            "Pass it on in chunks of your own, or collect it and say Content-Length: never both fields.",
        ],
        run: post_chunked,
    },
    Check {
        id: "proxy.request.methods",
        title: "PUT, DELETE, PATCH, OPTIONS and rarer methods are forwarded as they are",
        lab: Lab::Lab2,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.request.length"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "What a method means is the origin's business; whether a request has a body is told by its fields, not \
              by its method.",
        peers: "All real proxies pass; Node's parser refuses a method that it does not know, which passes.",
        hints: &["Is there a list of methods, or an `if method == \"GET\"`, in your program?"],
        run: methods,
    },
];

/// The request as the origin has got it.
fn delivered(t: &Trial, proxy: &Up, origin: &Origin, request: &Request) -> Verdict<message::Request> {
    let response = ask(t, proxy, request).explain(|failure| {
        if !failure.silent || origin.connections() == 0 || origin.asked() > 0 {
            return failure;
        }
        failure
            .note("your program has connected to the origin, which still waits for the rest of the request")
    })?;
    expect_status(&response, 200)
        .note("the origin answers 200 to whatever it is asked")
        .by_hand(by_hand(request))?;
    last_received(t, origin)
}

/// Posts a body, and expects it at the origin.
fn post(t: &mut Trial, frame: impl Fn(Request, &[u8]) -> Request) -> Verdict {
    let proxy = share(t)?;
    let origin = origin(t, &Reply::ok("received"))?;
    let body = [b"\0\r\n\r\n\0".to_vec(), octets(t, 20_005)].concat();
    let request = frame(to(&origin, "POST", &fresh_path(t)), &body);
    let received = delivered(t, &proxy, &origin, &request)?;
    if received.body == body {
        return Ok(());
    }
    let difference = difference::describe(&body, &received.body);
    let (seen, more) = difference.split_once('\n').unwrap_or((&difference, ""));
    Err(Failure::new(format!("the client's body at the origin, {} octets", body.len()), seen)
        .excerpt(more.lines())
        .into())
}

fn post_length(t: &mut Trial) -> Verdict {
    post(t, |request, body| request.field("Content-Length", body.len().to_string()).body(body))
}

fn post_chunked(t: &mut Trial) -> Verdict {
    post(t, |request, body| {
        let octets = Reply::ok(body).chunked(&CUTS).payload();
        request.field("Transfer-Encoding", "chunked").body(octets)
    })
}

/// In the registry of methods (RFC 9110 §16.1.1), and in hardly any list that a proxy might have.
const RARE: &[&str] =
    &["PROPFIND", "MKCOL", "REPORT", "SEARCH", "MERGE", "CHECKOUT", "REBIND", "ACL", "UNLINK"];

fn methods(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let rare = *t.rng.choice(RARE).unwrap_or(&"PROPFIND");
    let text = text(t);
    for (method, body) in [("PUT", &*text), ("DELETE", ""), ("PATCH", &*text), ("OPTIONS", ""), (rare, "")] {
        let origin = origin(t, &Reply::ok("done"))?;
        let bare = to(&origin, method, &fresh_path(t));
        let request = match body.len() {
            0 => bare,
            length => bare.field("Content-Length", length.to_string()).body(body),
        };
        let received = delivered(t, &proxy, &origin, &request)
            .explain(|failure| failure.note(format!("the method was {method}")))?;
        let seen = received.head.method;
        ensure(seen == method, format!("the origin is asked with {method}"), format!("with {seen}"))
            .by_hand(by_hand(&request))?;
        if received.body != body.as_bytes() {
            return fail(
                format!("the body of {method} at the origin, {} octets", body.len()),
                format!("{} octets", received.body.len()),
            );
        }
    }
    Ok(())
}
