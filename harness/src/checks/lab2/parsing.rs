//! Stage 5: messages in any pieces, heads beyond all measure, and a way that leads back (RFC 9112 §2.2, §7).

use super::pages::{fresh_path, same_body, word};
use super::reply::Reply;
use super::session::{ask, by_hand, get, origin, received, request_line, serves_on, share, start, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status, expect_status_in};
use crate::fake::origin::{Act, Origin};
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Verdict, ensure};

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.parse.split-request",
        title: "a request is forwarded however its octets arrive",
        lab: Lab::Lab2,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.request.length", "proxy.request.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §2.2",
        why: "TCP carries a stream of octets, not messages: a read returns whatever has arrived, be it one octet. \
              Where a head, a chunk or a body ends, only their own octets tell.",
        peers: "squid, Apache and tinyproxy pass.",
        hints: &[
            "How many times does your program read before it parses?",
            "Collect octets in a buffer until it holds an empty line; what stands behind that is the body's beginning.",
            "A chunk's size, its line end, and the line end after its data may each arrive in two halves.",
        ],
        run: split_request,
    },
    Check {
        id: "proxy.parse.split-response",
        title: "a response is passed on however its octets arrive, and whatever its chunks look like",
        lab: Lab::Lab2,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.body.length", "proxy.body.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §7.1",
        why: "The origin is on the far side of a stream as well. And a chunk's size is a hexadecimal number in either \
              case, with zeros in front if it likes; extensions may follow it, which you ignore, and trailer fields \
              may follow the last chunk.",
        peers: "squid and Apache pass.",
        hints: &[
            "Print what your parser makes of the size line `000b;name=value`.",
            "The size ends at the first octet that is no hexadecimal digit; the line ends at CR LF.",
            "After the chunk of size 0 come lines up to an empty one, most often that alone.",
        ],
        run: split_response,
    },
    Check {
        id: "proxy.parse.limits",
        title: "a head of 8 KiB is served, and one without end is refused",
        lab: Lab::Lab2,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Should,
        clause: "RFC 9112 §3; RFC 6585 §5",
        why: "Cookies and queries grow long, so 8000 octets have to be taken. But without any limit one client can \
              make you hold as much memory as it likes.",
        peers: "squid and Apache stop at 64 KiB or before and answer 400 or 431.",
        hints: &[
            "What stops your program from collecting a head for ever?",
            "Check after each read: no empty line within 64 KiB: 431, and close.",
        ],
        run: limits,
    },
    Check {
        id: "proxy.parse.loop",
        title: "a request that leads back to the proxy does not go round",
        lab: Lab::Lab2,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.fields.via-request"],
        basis: Basis::Must,
        clause: "RFC 9110 §7.6",
        why: "An intermediary must not forward a message to itself without protection from an endless loop: a single \
              request would take up all its connections.",
        peers: "squid finds its own name in Via and answers 403; Apache knows its own addresses.",
        hints: &[
            "What does each passage through your proxy leave behind in the request?",
            "A Via that holds your own pseudonym has been here before: 508, or any error. Make the pseudonym unique, \
             since two proxies of your kind may well stand in line.",
        ],
        run: leads_back,
    },
];

/// Where a message is cut, and what to call that.
type Cut = (&'static str, Vec<usize>);

/// After each octet.
fn bytewise(octets: &[u8]) -> Cut {
    ("one octet at a time", (1..octets.len()).collect())
}

/// Behind the first `text`, or `extra` octets further.
fn behind(octets: &[u8], text: &str, extra: usize) -> usize {
    let found = octets.windows(text.len()).position(|window| window == text.as_bytes());
    found.map_or(1, |at| at + text.len() + extra)
}

fn split_request(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let origin = origin(t, &Reply::ok("received"))?;
    let body = format!("{}\r\n\r\n{}", word(t), word(t));
    let chunks = Reply::ok(&body).chunked(&[5, 15]).payload();
    let length = |request: Request| request.field("Content-Length", body.len().to_string()).body(&body);
    let chunked = |request: Request| request.field("Transfer-Encoding", "chunked").body(&chunks);
    // The paths are all of one length, and so are the requests.
    let plain = length(to(&origin, "POST", &fresh_path(t))).octets();
    for (place, cuts) in [
        ("cut in the method", vec![2]),
        ("cut in the target's scheme", vec![8]),
        ("cut in the target's host", vec![14]),
        ("cut between CR and LF of the request line", vec![behind(&plain, "\r", 0)]),
        ("cut in a field's name", vec![behind(&plain, "Content-", 3)]),
        ("cut before the empty line", vec![behind(&plain, "\r\n\r\n", 0) - 2]),
        ("cut between CR and LF of the empty line", vec![behind(&plain, "\r\n\r\n", 0) - 1]),
        ("cut between head and body", vec![behind(&plain, "\r\n\r\n", 0)]),
        ("cut in the body", vec![plain.len() - 3]),
        bytewise(&plain),
    ] {
        let request = length(to(&origin, "POST", &fresh_path(t)));
        in_pieces(t, &proxy, &origin, &request, &cuts, &body).note(format!("the request came {place}"))?;
    }
    let request = chunked(to(&origin, "POST", &fresh_path(t)));
    let (_, cuts) = bytewise(&request.octets());
    in_pieces(t, &proxy, &origin, &request, &cuts, &body)
        .note("the request was chunked, and came one octet at a time")
}

/// Each piece is read before the next is sent; the origin must get what was sent.
fn in_pieces(
    t: &Trial,
    proxy: &Up,
    origin: &Origin,
    request: &Request,
    cuts: &[usize],
    body: &str,
) -> Verdict {
    let before = origin.asked();
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.send_pieces(request.octets(), cuts)?;
    let response = conn.response(request.method())?;
    expect_status(&response, 200)?;
    let received = received(t, origin, before)?;
    let line = String::from_utf8_lossy(request.target()).replacen(&origin.url(""), "POST ", 1) + " HTTP/1.1";
    let seen = request_line(&received.head);
    ensure(seen == line, format!("the origin is asked `{line}`"), format!("`{seen}`"))?;
    ensure(
        received.body == body.as_bytes(),
        format!("the client's body of {} octets at the origin", body.len()),
        format!("{} octets, and not the same", received.body.len()),
    )
}

/// A chunked response with all that may stand around the data, and its body.
fn ornate(t: &mut Trial) -> (Vec<u8>, String) {
    let mut octets = b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let mut body = String::new();
    for (line, size) in [
        ("0005", 5),
        ("A", 10),
        ("1f", 31),
        ("000B;name=value", 11),
        ("c;a=\"one; two\\\" \\\\\";b", 12),
        ("1;10=3", 1),
    ] {
        let data: String = (0..size).map(|_| t.rng.lowercase()).collect();
        octets.extend(format!("{line}\r\n{data}\r\n").as_bytes());
        body.push_str(&data);
    }
    octets.extend(b"000;last\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n");
    (octets, body)
}

fn split_response(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let body = format!("{}\r\n\r\n{}", word(t), word(t));
    let plain = Reply::ok(&body).octets();
    let (chunked, chunks) = ornate(t);
    let cuts: [Vec<Cut>; 2] = [
        vec![
            ("cut in the status code", vec![11]),
            ("cut between CR and LF of the empty line", vec![behind(&plain, "\r\n\r\n", 0) - 1]),
            ("cut in the body", vec![plain.len() - 3]),
            bytewise(&plain),
        ],
        vec![
            ("in one piece", Vec::new()),
            ("cut in a chunk's size", vec![behind(&chunked, "\r\n1", 0)]),
            ("cut between CR and LF of a size line", vec![behind(&chunked, "=value\r", 0)]),
            ("cut between the last chunk's line and the trailers", vec![behind(&chunked, ";last\r\n", 0)]),
            bytewise(&chunked),
        ],
    ];
    for (what, octets, body, cuts) in [
        ("with a Content-Length", plain, &body, &cuts[0]),
        ("in chunks, with extensions and trailers,", chunked, &chunks, &cuts[1]),
    ] {
        for (place, cuts) in cuts {
            let script = [Act::Pieces(octets.clone(), cuts.clone())];
            let origin = Origin::builder().answer(script).start(t.scene())?;
            let request = get(&origin, &fresh_path(t));
            let note = format!("the origin's response {what} came {place}");
            let response = ask(t, &proxy, &request).note(&note)?;
            expect_status(&response, 200).note(&note)?;
            same_body(&response, body.as_bytes(), &request).note(&note)?;
        }
    }
    Ok(())
}

/// What a head that is too long may be answered with; the bare close passes as well.
const TOO_LONG: [u16; 4] = [400, 413, 414, 431];

fn limits(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let origin = origin(t, &Reply::ok("received"))?;
    let name = word(t);
    let served = (0..40).fold(get(&origin, &fresh_path(t)), |request, number| {
        request.field(&format!("X-{name}-{number}"), "v".repeat(180))
    });
    let octets = served.octets().len();
    let response = ask(t, &proxy, &served).note(format!("the head of the request has {octets} octets"))?;
    expect_status(&response, 200)
        .note(format!("the head of the request has {octets} octets, in 41 fields"))?;

    let line = format!("GET {}?", origin.url(&fresh_path(t)));
    let fields = format!("GET {} HTTP/1.1\r\n", origin.url(&fresh_path(t)));
    for (what, start, more) in [
        ("a header section", fields, format!("X-{name}: {}\r\n", "v".repeat(100))),
        ("a request line", line, "q".repeat(100)),
    ] {
        refuses_flood(t, &proxy, what, &start, &more)?;
    }
    serves_on(t, &proxy, "heads without end")
}

/// A MiB of head, and no end of it.
fn refuses_flood(t: &Trial, proxy: &Up, what: &str, start: &str, more: &str) -> Verdict {
    const FLOOD: usize = 1 << 20;
    let block = more.repeat((16 << 10) / more.len());
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.send(start)?;
    let mut sent = 0;
    // It may answer and close at any point, and need not read on then.
    while sent < FLOOD && conn.pending().is_empty() && !conn.closes_within(GLANCE)? {
        conn.send(&block)?;
        sent += block.len();
    }
    let response = conn.response_or_end("GET").explain(|failure| match conn.pending().is_empty() {
        true => Failure {
            expected: format!("{what} of {FLOOD} octets, without end so far, is refused"),
            seen: "no word, and the connection stays open: your program waits for more".to_owned(),
            ..failure
        },
        false => failure,
    })?;
    match response {
        Some(response) => expect_status_in(&response, &TOO_LONG)
            .note(format!("this answers {what} that goes on and on, {sent} octets so far")),
        None => Ok(()),
    }
}

/// A look at what has come.
const GLANCE: std::time::Duration = std::time::Duration::from_millis(1);

fn leads_back(t: &mut Trial) -> Verdict {
    /// More than any limit on the number of passages.
    const ROUNDS: usize = 24;
    // Where one client is served at a time, the second passage waits until the first has given up.
    let proxy = start(t, &["--timeout", "1.5"])?;
    let origin = origin(t, &Reply::ok("at last"))?;
    let own = format!("http://{}/", proxy.addr);
    let target = own.repeat(ROUNDS) + &origin.url(&fresh_path(t));
    let request = Request::new("GET", target, &proxy.addr.to_string());
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.send(request.octets())?;
    let Some(response) = conn.response_or_end("GET")? else { return Ok(()) };
    if response.head.status >= 400 || origin.asked() == 0 {
        return Ok(());
    }
    let passages = received(t, &origin, 0)?.head.fields.list("Via").len();
    // One that knows its own address may take that off instead.
    ensure(
        passages == 1,
        "a request that leads back to the proxy is refused",
        format!("it went round {passages} times, and then on to the origin"),
    )
    .note(format!(
        "the target was the proxy's own address {ROUNDS} times over, and then the origin's: a loop that ends, so that \
         it can be seen; another one would not"
    ))
    .by_hand(by_hand(&Request::new("GET", format!("{0}{0}", "http://127.0.0.1:8888/"), "")))
}
