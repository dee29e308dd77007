//! Stage 6: many clients at once, and none of them waits for another, nor for a whole body.

use nix::sys::signal::Signal;

use super::family::{peak_memory, wait_quiet};
use super::forward::{fresh_path, same_body, text};
use super::reply::Reply;
use super::session::{ask, get, origin, received, share, start, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status};
use crate::deadline::Deadline;
use crate::fake::origin::{Act, Latch, Origin};
use crate::stream::{Arrival, Stream};
use crate::subject::Status;
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Fault, Verdict, fail};
use crate::wire::http::body::Framing;
use crate::wire::http::chunked::Decoder;
use crate::wire::http::response;

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
    Check {
        id: "proxy.many.streaming",
        title: "the beginning of a body reaches the client before the origin has sent the rest",
        lab: Lab::Lab2,
        stage: 6,
        tier: Tier::Robust,
        points: 2,
        role: Role::Proxy,
        needs: &["proxy.body.length", "proxy.body.chunked", "proxy.body.close"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "Bodies are streamed: what has come is passed on before more is waited for. A page then begins to show \
              at once, and a body that never ends (a radio, a log) passes at all.",
        peers: "squid, Apache and tinyproxy pass.",
        hints: &[
            "Does your program read the body and then write it? Read some, write that, and so on.",
            "A read that waits until its buffer is full (`read_exact`, Python's `file.read(n)`) waits for what the \
             origin has not sent: take what is there.",
            "Do you write through a buffer? Flush it before you wait for more.",
        ],
        run: streaming,
    },
    Check {
        id: "proxy.many.memory",
        title: "memory does not grow with the body",
        lab: Lab::Lab2,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.many.streaming"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "With one buffer of fixed size a connection, a download of any length passes, and a hundred at a time. \
              What you keep for the cache is bounded by --max-object-bytes.",
        peers: "squid stays in its read-ahead gap of 16 KiB.",
        hints: &[
            "What in your program grows while a body passes: a vector, a string, a queue?",
            "Read from the origin only when the client has taken what came before: the origin then waits, as TCP has \
             it.",
            "When a body turns out to be larger than --max-object-bytes, let go of what was copied for the cache.",
        ],
        run: memory,
    },
    Check {
        id: "proxy.many.stop",
        title: "on SIGTERM what is under way is finished, and then the proxy ends",
        lab: Lab::Lab2,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, submissions",
        why: "A proxy is restarted for every new version of it. It stops accepting, finishes the exchanges in flight, \
              and ends within 5 s; otherwise each restart cuts somebody's download.",
        peers: "squid waits for shutdown_lifetime (30 s unless configured), Apache does it on SIGWINCH.",
        hints: &[
            "SIGTERM ends a program at once unless it is handled: let the handler only note that the end has come.",
            "Count the exchanges in flight; when the last one is over, or after 5 s, let main return.",
        ],
        run: stop,
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

fn streaming(t: &mut Trial) -> Verdict {
    const FIRST: usize = 1 << 10;
    let proxy = share(t)?;
    let body: String = (0..3 * FIRST).map(|_| t.rng.lowercase()).collect();
    for (what, reply) in [
        ("with a Content-Length", Reply::ok(&body)),
        ("in chunks", Reply::ok(&body).chunked(&[FIRST])),
        ("that ends with the connection", Reply::ok(&body).close_delimited()),
        ("that may be stored", Reply::ok(&body).max_age(60)),
    ] {
        let latch = Latch::default();
        let mut first = reply.octets();
        let rest =
            first.split_off(first.len() - body.len() + FIRST - if what == "in chunks" { 12 } else { 0 });
        let mut script = vec![Act::Send(first), Act::Await(latch.clone()), Act::Send(rest)];
        script.extend(reply.script().into_iter().skip(1));
        let origin = Origin::builder().answer(script).start(t.scene())?;
        let request = get(&origin, &fresh_path(t));
        let mut conn = Conn::open(t.scene(), proxy.addr)?;
        conn.send(request.octets())?;
        wait_for_body(&mut conn, FIRST).note(format!(
            "the origin has sent {FIRST} octets of a body {what}, and sends the rest when they have arrived"
        ))?;
        latch.open();
        let response = conn.response("GET")?;
        same_body(&response, body.as_bytes(), &request)?;
    }
    Ok(())
}

/// Waits until so many octets of the body are there.
fn wait_for_body(conn: &mut Conn, octets: usize) -> Verdict {
    let expected = format!("a 200 and the first {octets} octets of the body reach the client");
    loop {
        let (status, come) = body_so_far(conn.pending());
        match status {
            None | Some(200) if come < octets => {}
            None | Some(200) => return Ok(()),
            Some(status) => return fail(expected, format!("status {status}")),
        }
        conn.wait_for_octets(conn.pending().len() + 1).explain(|failure| Failure {
            expected: expected.clone(),
            seen: match (status, failure.silent) {
                (None, true) => "nothing yet, not even the head".to_owned(),
                (Some(_), true) => format!("the head and {come} octets, and then nothing more"),
                (_, false) => format!("{come} octets, and then the end of the connection"),
            },
            excerpt: Vec::new(),
            ..failure
        })?;
    }
}

/// The status, and how much of the body has come, in whatever framing.
fn body_so_far(octets: &[u8]) -> (Option<u16>, usize) {
    let Ok(Some((head, length))) = response::parse_head(octets) else { return (None, 0) };
    let rest = &octets[length..];
    let come = match Framing::of_response(&head, "GET") {
        Ok(Framing::Chunked) => {
            let mut decoder = Decoder::new(0);
            // What is wrong with it shows when it is read as a whole.
            let _ = decoder.take(rest);
            decoder.body().len()
        }
        _ => rest.len(),
    };
    (Some(head.status), come)
}

const MIB: u64 = 1 << 20;

fn memory(t: &mut Trial) -> Verdict {
    /// By how much a proxy may grow that has met such a body before.
    const GROWTH: u64 = 24 * MIB;
    if !cfg!(target_os = "linux") {
        return Err(Fault::Skipped("how much memory a program has can be seen on Linux only".to_owned()));
    }
    let proxy = start(t, &[])?;
    let mut before = pour(t, &proxy, 2)?;
    let mut grown = Vec::new();
    // What is collected from time to time only grows with the first body, but not with the next.
    for size in [64, 192] {
        let after = pour(t, &proxy, size)?;
        if after < before + GROWTH {
            return Ok(());
        }
        grown.push(format!("{} MiB while {size} MiB passed", (after - before) / MIB));
        before = after;
    }
    Err(Failure::new(
        format!("memory grows by less than {} MiB, however large the body", GROWTH / MIB),
        format!("it grew by {}, and then by {}", grown[0], grown[1]),
    )
    .note("the client began to read when your program could write no more; the origin sends as fast as you read")
    .into())
}

/// Passes a body of so many MiB to a client that begins to read late. Returns the most memory that the program has
/// ever had in use, at a moment when it has most of the body behind it.
fn pour(t: &mut Trial, proxy: &Up, mib: u64) -> Verdict<u64> {
    const BLOCK: usize = 256 << 10;
    t.begin_part();
    let total = mib * MIB;
    let latch = Latch::default();
    let head = Reply::new(200).own_framing().field("Content-Length", total.to_string()).head();
    let block = vec![b'm'; BLOCK];
    let blocks = (total - MIB) as usize / BLOCK;
    let origin = Origin::builder()
        .answer([
            Act::Send(head),
            Act::Repeat(block.clone(), blocks),
            Act::Await(latch.clone()),
            Act::Repeat(block, MIB as usize / BLOCK),
        ])
        .start(t.scene())?;
    let mut stream = Stream::connect_with(t.scene(), proxy.addr, "client", Some(BLOCK))?;
    if stream.send(&get(&origin, &fresh_path(t)).close().octets())? == crate::stream::Sent::Refused {
        return fail("a request is read", "the connection was closed");
    }
    received(t, &origin, 0)?;
    wait_quiet(proxy);
    drink(&mut stream, total - MIB)?;
    let peak = peak_memory(proxy)?;
    latch.open();
    drink(&mut stream, MIB)?;
    Ok(peak)
}

/// Reads so many octets and forgets them.
fn drink(stream: &mut Stream, octets: u64) -> Verdict {
    let (mut come, mut block) = (0, Vec::new());
    while come < octets {
        block.clear();
        let deadline = stream.scene().deadline().earlier(stream.scene().silence());
        let seen = match stream.receive(&mut block, deadline)? {
            Arrival::Octets(more) => {
                come += more as u64;
                continue;
            }
            Arrival::Silence => "and then nothing more",
            Arrival::Fin => "and then a FIN",
            Arrival::Reset => "and then a reset",
        };
        return fail(format!("{octets} octets of a large body arrive"), format!("{come} octets, {seen}"));
    }
    Ok(())
}

fn stop(t: &mut Trial) -> Verdict {
    let proxy = start(t, &[])?;
    let [unanswered, begun] = [text(t), text(t)];
    let latch = Latch::default();
    let wait = Act::Await(latch.clone());
    let silent = Origin::builder().answer([wait.clone(), Act::Send(Reply::ok(&unanswered).octets())]);
    let silent = silent.start(t.scene())?;
    let mut first = Reply::ok(&begun).octets();
    let rest = first.split_off(first.len() - begun.len() / 2);
    let halfway = Origin::builder().answer([Act::Send(first), wait, Act::Send(rest)]).start(t.scene())?;

    let mut exchanges = Vec::new();
    for (what, origin, body) in [
        ("whose origin has not answered yet", &silent, &unanswered),
        ("whose body has come half", &halfway, &begun),
    ] {
        let request = get(origin, &fresh_path(t));
        let mut conn = Conn::open(t.scene(), proxy.addr)?;
        conn.send(request.octets())?;
        received(t, origin, 0)?;
        exchanges.push((what, conn, request, body));
    }
    exchanges[1].1.wait_for_octets(1)?;

    let sent = proxy.running.signal(Signal::SIGTERM);
    sent.map_err(|error| Fault::Broken(format!("could not send a signal: {error}")))?;
    t.step("sent SIGTERM while two exchanges were under way");
    let deadline = Deadline::after(t.scene().patience() + STOP_GRACE);
    wait_quiet(&proxy);
    latch.open();
    for (what, conn, request, body) in &mut exchanges {
        let about = |failure: Failure| Failure {
            expected: format!("an exchange {what} when SIGTERM comes is finished"),
            ..failure
        };
        let response = conn.response("GET").explain(about)?;
        expect_status(&response, 200).explain(about)?;
        same_body(&response, body.as_bytes(), request).explain(about)?;
    }
    drop(exchanges);
    t.unwatch(&proxy.running);
    ends_by(Signal::SIGTERM, &proxy, deadline)
}

/// What a loaded machine adds to the contract's 5 s.
const STOP_GRACE: std::time::Duration = std::time::Duration::from_secs(1);

fn ends_by(signal: Signal, proxy: &Up, deadline: Deadline) -> Verdict {
    let number = signal as i32;
    let expected = format!("it ends within 5 s of {signal}, with 0 or {}, or by the signal", 128 + number);
    match proxy.running.wait_exit(deadline).map(|exit| exit.status) {
        Some(Status::Code(code)) if code == 0 || code == 128 + number => Ok(()),
        Some(Status::Signal(by)) if by == number => Ok(()),
        Some(status) => fail(expected, format!("it ended {status}")),
        None => Err(Failure::new(expected, "it still runs").silent().into()),
    }
    .note("all exchanges were over by then")
}
