//! Stage 6: many clients at once, and none of them waits for another.

use super::pages::{fresh_path, same_body, text};
use super::reply::Reply;
use super::session::{ask, get, origin, received, start, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status};
use crate::fake::latch::Latch;
use crate::fake::origin::{Act, Origin};
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.many.slow",
        title: "ten slow clients do not hold up an eleventh",
        lab: Lab::Lab2,
        stage: 6,
        tier: Tier::Core,
        points: 2,
        role: Role::Proxy,
        needs: &["proxy.parse.split-request"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "A client may stop in the middle of its request for seconds, or for ever. A proxy that waits for it \
              there serves nobody else meanwhile: each connection needs a thread, a process or a place in an event \
              loop of its own.",
        peers: "Apache gives a connection a thread of a pool; squid and nginx hold thousands in one event loop.",
        hints: &[
            "Open two connections with `nc`, type half a request in the first and a whole one in the second.",
            "The thread that accepts does nothing else that can wait: no read, no connect.",
            "A pool of ten threads is held by ten slow clients. Make it larger, or start a thread a connection.",
        ],
        run: slow,
    },
    Check {
        id: "proxy.many.stalled",
        title: "while one origin lets its client wait, others are asked",
        lab: Lab::Lab2,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "An origin may take its time with an answer. Only the client that asked for it should wait.",
        peers: "squid, Apache and tinyproxy pass.",
        hints: &[
            "What does your program wait for while an origin is silent, and who else waits for the same?",
            "Is a lock (the cache's, say) held while you read from an origin? Take it to look up and to store, no \
             longer.",
        ],
        run: stalled,
    },
];

/// A client that has stopped in the middle of its request.
struct Half {
    conn: Conn,
    request: Request,
    rest: Vec<u8>,
}

impl Half {
    /// It stops after so many octets.
    fn send(t: &Trial, proxy: &Up, request: Request, octets: usize) -> Verdict<Half> {
        let mut first = request.octets();
        let rest = first.split_off(octets);
        let mut conn = Conn::open(t.scene(), proxy.addr)?;
        conn.send(first)?;
        Ok(Half { conn, request, rest })
    }

    fn finish(mut self) -> Verdict {
        self.conn.send(&self.rest)?;
        let response = self.conn.response(self.request.method())?;
        expect_status(&response, 200)
    }
}

fn slow(t: &mut Trial) -> Verdict {
    const SLOW: usize = 10;
    let proxy = start(t, &[])?;
    let origin = origin(t, &Reply::ok("served"))?;
    let mut halves = Vec::new();
    for number in 0..SLOW {
        // Some stop in the head, some in the body.
        let half = if number % 2 == 0 {
            let request = get(&origin, &fresh_path(t));
            Half::send(t, &proxy, request, 50)?
        } else {
            let body = text(t);
            let request = to(&origin, "POST", &fresh_path(t)).field("Content-Length", body.len().to_string());
            let request = request.body(&body);
            let half = request.octets().len() - body.len() / 2;
            Half::send(t, &proxy, request, half)?
        };
        halves.push(half);
    }
    t.step(format!("{SLOW} clients have sent parts of their requests; another one comes"));
    let request = get(&origin, &fresh_path(t));
    let response = ask(t, &proxy, &request).explain(|failure| {
        Failure { expected: format!("client {} is answered", SLOW + 1), ..failure }.note(format!(
            "{SLOW} others have sent only a part of their requests, and your program seems to wait for them"
        ))
    })?;
    expect_status(&response, 200)?;
    while let Some(half) = halves.pop() {
        let number = halves.len() + 1;
        half.finish().explain(|failure| {
            Failure {
                expected: format!("slow client {number} of {SLOW} is answered when it has sent the rest"),
                ..failure
            }
            .note("the last to come was the first to go on")
        })?;
    }
    Ok(())
}

fn stalled(t: &mut Trial) -> Verdict {
    let proxy = start(t, &[])?;
    let latch = Latch::default();
    let [late, quick, other] = [text(t), text(t), text(t)];
    let late_script = [vec![Act::Await(latch.clone())], Reply::ok(&late).script()].concat();
    let staller =
        Origin::builder().answer(late_script).answer(Reply::ok(&quick).script()).start(t.scene())?;
    let elsewhere = origin(t, &Reply::ok(&other))?;

    let mut waiting = Conn::open(t.scene(), proxy.addr)?;
    let waits_for = get(&staller, &fresh_path(t));
    waiting.send(waits_for.octets())?;
    received(t, &staller, 0)?;
    t.step("the origin has read that request, and does not answer yet");
    for (what, origin, body) in
        [("another origin", &elsewhere, &other), ("the same origin, for something else", &staller, &quick)]
    {
        let request = get(origin, &fresh_path(t));
        let response = ask(t, &proxy, &request)
            .note(format!("an origin lets another client wait; this one asks {what}"))?;
        expect_status(&response, 200).note(format!(
            "an origin lets another client wait; this one asks {what}, which answers at once"
        ))?;
        same_body(&response, body.as_bytes(), &request)?;
    }
    latch.open();
    let response = waiting.response("GET").note("this client's origin has answered at last")?;
    expect_status(&response, 200)?;
    same_body(&response, late.as_bytes(), &waits_for)
}
