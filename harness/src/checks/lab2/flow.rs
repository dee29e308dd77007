//! Stage 6: a body passes as it comes, and no more of it is held than a buffer's worth.

use super::family::{peak_memory, wait_quiet};
use super::framing::octets;
use super::pages::{fresh_path, same_body};
use super::reply::Reply;
use super::session::{get, received, share, start, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, expect_status};
use crate::fake::latch::Latch;
use crate::fake::origin::{Act, Origin};
use crate::stream::{Arrival, Sent, Stream};
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure, fail};
use crate::wire::http::body::Framing;
use crate::wire::http::chunked::Decoder;
use crate::wire::http::response;

pub const CHECKS: &[Check] = &[
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
        id: "proxy.many.upload",
        title: "the beginning of a request's body reaches the origin before the client has sent the rest",
        lab: Lab::Lab2,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.request.length"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "Uploads are streamed as downloads are: who collects a body before passing it on needs room for all of it, \
              and the origin cannot refuse it before the last octet. With Content-Length nothing has to be collected.",
        peers: "squid and Apache pass.",
        hints: &[
            "Does your program read the whole body, and then connect? Connect first.",
            "The loop that passes a response's body on can do it the other way round.",
        ],
        run: upload,
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
];

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

fn upload(t: &mut Trial) -> Verdict {
    /// More than the blocks in which a body is read.
    const FIRST: usize = 256 << 10;
    /// What must arrive of it: the rest may wait in some buffer.
    const THROUGH: usize = 64 << 10;
    let proxy = share(t)?;
    let origin = Origin::builder().answer(Reply::ok("received").script()).start(t.scene())?;
    let body = octets(t, 2 * FIRST);
    let request =
        to(&origin, "POST", &fresh_path(t)).field("Content-Length", body.len().to_string()).body(&body);
    let mut first = request.octets();
    let rest = first.split_off(first.len() - FIRST);
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.send(first)?;
    if !origin.has_come(THROUGH, t.deadline().earlier(t.scene().silence())) {
        let seen = match origin.connections() {
            0 => "your program has not even connected to the origin",
            _ => "your program waits for the rest of it",
        };
        return Err(Failure::new(format!("the origin gets the first {THROUGH} octets of the body"), seen)
            .note(format!(
                "the client has sent {FIRST} octets of {}, and sends the rest after that",
                body.len()
            ))
            .silent()
            .into());
    }
    conn.send(rest)?;
    expect_status(&conn.response("POST")?, 200)?;
    let came = received(t, &origin, 0)?.body;
    ensure(
        came == body,
        "the client's body at the origin",
        format!("{} octets, and not the same", came.len()),
    )
}

const MIB: u64 = 1 << 20;

/// Bodies in MiB, and by how many MiB a proxy may grow with each. With the second it is half of what there is more of
/// it: who collects garbage from time to time may not have reached the limit before.
const LARGE: [(u64, u64); 2] = [(64, 24), (192, 64)];

/// What has a Java program collect its garbage long before it would by itself. Until then what has passed lies about,
/// and cannot be told from what is kept.
const SMALL_HEAP: (&str, &str) = ("JAVA_TOOL_OPTIONS", "-Xmx96m");

fn memory(t: &mut Trial) -> Verdict {
    if !cfg!(target_os = "linux") {
        return Err(Fault::Skipped("how much memory a program has can be seen on Linux only".to_owned()));
    }
    let Some(grown) = growing(t)? else { return Ok(()) };
    let (name, value) = SMALL_HEAP;
    t.set_variable(name, value);
    // Where it has no room for the body any more, that does not arrive.
    if let Ok(None) = growing(t) {
        return Ok(());
    }
    Err(Failure::new(
        "about as much memory for a large body as for a small one",
        format!("it grew by {}", grown.join(", and then by ")),
    )
    .note("the client began to read when your program could write no more; the origin sends as fast as you read")
    .into())
}

/// By how much the memory of a fresh proxy grows with each of two large bodies, unless one of them makes no difference.
fn growing(t: &mut Trial) -> Verdict<Option<Vec<String>>> {
    let proxy = start(t, &[])?;
    let mut before = pour(t, &proxy, 2)?;
    let mut grown = Vec::new();
    for (size, limit) in LARGE {
        let after = pour(t, &proxy, size)?;
        let growth = after.saturating_sub(before) / MIB;
        if growth < limit {
            return Ok(None);
        }
        grown.push(format!("{growth} MiB while {size} MiB passed"));
        before = after;
    }
    Ok(Some(grown))
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
    if stream.send(&get(&origin, &fresh_path(t)).close().octets())? == Sent::Refused {
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
