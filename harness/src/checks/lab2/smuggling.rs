//! Stage 5: requests that can be read in two ways, and what becomes of them (RFC 9112 §11.2).
//!
//! Each is either refused, or reaches the origin as exactly one request that the judge's strict parser reads to its
//! end, with a body that the RFC allows. Everything that came to the origin is read, to the last octet.

use super::pages::word;
use super::reply::Reply;
use super::session::{origin, serves_on, share};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, syntax_failure};
use crate::fake::origin::{Exchange, Origin};
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Fault, Verdict};
use crate::wire::bytes;
use crate::wire::http::message::{Progress, Request, read_request};
use crate::wire::http::request;

pub const CHECKS: &[Check] = &[Check {
    id: "proxy.parse.smuggling",
    title: "a request that can be read in two ways is refused, or forwarded so that it reads in one",
    lab: Lab::Lab2,
    stage: 5,
    tier: Tier::Robust,
    points: 2,
    role: Role::Proxy,
    needs: &["proxy.request.length", "proxy.request.chunked"],
    basis: Basis::Must,
    clause: "RFC 9112 §6.3",
    why: "Where the proxy and the origin disagree about the end of a request, an attacker can put a second one into \
          its body, which no rule of the proxy's has ever seen: request smuggling. So what has no single valid \
          reading is answered with 400 and the close, and what you do forward you frame anew.",
    peers: "squid and Apache refuse most of these and put the rest in order; tinyproxy goes by the first \
            Content-Length it finds.",
    hints: &[
        "Never forward a Content-Length or a Transfer-Encoding as it came: write the one that you went by.",
        "A length is digits alone, `[0-9]+`. Which strings does your number parser take besides? A sign, blanks, \
         `0x8`, `8_0`?",
        "Two lengths that differ, a transfer coding that you do not know, a blank before a colon: 400, and close.",
        "In the lines of a head, CR, LF and NUL have no place but CR LF at the end.",
    ],
    run: smuggling,
}];

/// A request that somebody could read in another way.
struct Vector {
    /// Completes "a request with …".
    what: &'static str,
    method: &'static str,
    /// The field lines after Host, each with its CR LF.
    fields: String,
    body: Vec<u8>,
    /// The bodies with which it may arrive; none: it must not.
    readings: Vec<Vec<u8>>,
    rule: &'static str,
}

/// 2^64 + 8.
const BEYOND: &str = "18446744073709551624";

/// What each vector is made of.
struct Parts {
    /// Eight octets.
    hello: String,
    /// The same as one chunk, and the last one.
    chunked: String,
    /// A request for something that nobody asks for.
    hidden: String,
}

const INVALID: &str =
    "a Content-Length is digits alone, or else the message has no valid framing (RFC 9112 §6.3).";
const DIFFER: &str =
    "two Content-Lengths that differ leave the message without a valid framing (RFC 9112 §6.3).";
const BOTH: &str =
    "Transfer-Encoding overrides Content-Length; the connection is closed after that (RFC 9112 §6.3).";
const UNKNOWN: &str =
    "where the last transfer coding of a request is not chunked, its length is unknown: 400 (RFC 9112 §6.3).";
const SIZE: &str = "a chunk's size is hexadecimal digits alone, and CR LF ends its data (RFC 9112 §7.1).";
const TEXT: &str =
    "CR, LF and NUL in a field value: refuse it, or put a space in their place (RFC 9110 §5.5).";

impl Parts {
    fn draw(t: &mut Trial, elsewhere: &Origin) -> Parts {
        let hello = word(t);
        let chunked = format!("8\r\n{hello}\r\n0\r\n\r\n");
        let hidden =
            format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", elsewhere.url("/hidden"), elsewhere.authority());
        Parts { hello, chunked, hidden }
    }

    fn vectors(&self) -> Vec<Vector> {
        let Parts { hello, chunked, hidden } = self;
        let (plain_all, chunked_all) = (format!("{hello}{hidden}"), format!("{chunked}{hidden}"));
        let (plain_length, chunked_length) = (plain_all.len(), chunked_all.len());
        let vector = |what, fields: &str, body: &str, readings: &[&str], rule| Vector {
            what,
            method: "POST",
            fields: fields.to_owned(),
            body: body.into(),
            readings: readings.iter().map(|&body| body.into()).collect(),
            rule,
        };
        let length = |what, value: &str, rule| {
            vector(what, &format!("Content-Length: {value}\r\n"), &plain_all, &[], rule)
        };
        // By its length, such a body is all that follows; by its chunks, there is a request behind it.
        let beside = |what, fields: &str, readings: &[&str], rule| {
            let fields = format!("Content-Length: {chunked_length}\r\n{fields}\r\n");
            vector(what, &fields, &chunked_all, readings, rule)
        };
        let size = |what, size: &str| {
            let body = format!("{size}\r\n{hello}\r\n0\r\n\r\n");
            vector(what, CHUNKED, &body, &[], SIZE)
        };
        const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
        vec![
            beside("Content-Length, and Transfer-Encoding: chunked", CHUNKED.trim_end(), &[hello], BOTH),
            vector(
                "Transfer-Encoding: chunked, and a Content-Length that is too short",
                &format!("{CHUNKED}Content-Length: 4\r\n"),
                chunked,
                &[hello],
                BOTH,
            ),
            vector(
                "two different Content-Lengths, the first the longer,",
                &format!("Content-Length: {plain_length}\r\ncontent-length: 8\r\n"),
                &plain_all,
                &[],
                DIFFER,
            ),
            vector(
                "two different Content-Lengths, the first the shorter,",
                &format!("content-length: 8\r\nContent-Length: {plain_length}\r\n"),
                &plain_all,
                &[],
                DIFFER,
            ),
            length("two different lengths in one field", &format!("8, {plain_length}"), DIFFER),
            vector(
                "the same Content-Length twice",
                "Content-Length: 8\r\nContent-Length: 8\r\n",
                hello,
                &[hello],
                "the same length twice: refuse it, or forward it once (RFC 9112 §6.3).",
            ),
            length("`Content-Length: +8`", "+8", INVALID),
            length("`Content-Length: -8`", "-8", INVALID),
            length("`Content-Length: 0x8`", "0x8", INVALID),
            length("`Content-Length: 8x`", "8x", INVALID),
            length("`Content-Length: 8 8`", "8 8", INVALID),
            length("`Content-Length: 0_8`", "0_8", INVALID),
            length("an empty Content-Length", "", INVALID),
            length(
                "a Content-Length of 2^64 + 8",
                BEYOND,
                "a length beyond any integer is no small one: recipients take care not to overflow (RFC 9110 §8.6).",
            ),
            beside("an unknown transfer coding", "Transfer-Encoding: xchunked", &[], UNKNOWN),
            beside("chunked, and then another coding,", "Transfer-Encoding: chunked, identity", &[], UNKNOWN),
            beside("a vertical tab before `chunked`", "Transfer-Encoding: \x0bchunked", &[], UNKNOWN),
            vector(
                "Transfer-Encoding: chunked twice",
                &format!("{CHUNKED}{CHUNKED}"),
                chunked,
                &[hello],
                "the chunked coding is applied only once (RFC 9112 §6.1).",
            ),
            beside(
                "a blank before a colon",
                "Transfer-Encoding : chunked",
                &[],
                "a blank between a field name and the colon is refused with 400 (RFC 9112 §5.1).",
            ),
            beside(
                "a folded line that looks like a field",
                "X-Pad: a\r\n Transfer-Encoding: chunked",
                &[&chunked_all],
                "a folded line: 400, or a space in the place of the fold (RFC 9112 §5.2).",
            ),
            beside(
                "a lone LF in a field",
                "X-Pad: a\nTransfer-Encoding: chunked",
                &[hello, &chunked_all],
                TEXT,
            ),
            beside("a lone CR in a field", "X-Pad: a\rTransfer-Encoding: chunked", &[&chunked_all], TEXT),
            vector("a NUL in a field", "X-Pad: a\0b\r\nContent-Length: 8\r\n", hello, &[hello], TEXT),
            size("a chunk of size `+8`", "+8"),
            size("a chunk of size `-8`", "-8"),
            size("a chunk of size `0x8`", "0x8"),
            size("a chunk without a size", ""),
            size("a chunk of size 2^64 + 8", "10000000000000008"),
            vector(
                "a chunk that is longer than its size",
                CHUNKED,
                &format!("6\r\n{hello}0\r\n\r\n"),
                &[],
                SIZE,
            ),
            vector("chunk lines that end in LF alone", CHUNKED, &chunked.replace('\r', ""), &[hello], SIZE),
            vector(
                "a Content-Length among its trailers",
                CHUNKED,
                &chunked.replace("0\r\n\r\n", "0\r\nContent-Length: 1000\r\n\r\n"),
                &[hello],
                "trailers are dropped, or kept apart from the header (RFC 9110 §6.5.1).",
            ),
            vector(
                "`Connection: Content-Length`",
                "Connection: Content-Length\r\nContent-Length: 8\r\n",
                hello,
                &[hello],
                "a proxy frames what it forwards, whatever Connection names (RFC 9112 §6.3).",
            ),
            Vector {
                method: "GET",
                ..vector(
                    "a body, though it is a GET,",
                    &format!("Content-Length: {}\r\n", hidden.len()),
                    hidden,
                    &[hidden],
                    "whether a request has a body is told by its framing fields, not by its method (RFC 9112 §6).",
                )
            },
        ]
    }
}

fn smuggling(t: &mut Trial) -> Verdict {
    let elsewhere = origin(t, &Reply::ok("smuggled"))?;
    let parts = Parts::draw(t, &elsewhere);
    for vector in parts.vectors() {
        // Each stands for itself in the record.
        t.begin_part();
        let proxy = share(t)?;
        try_out(t, &proxy, &vector)?;
        if elsewhere.asked() > 0 {
            let expected = expected(&vector);
            return Err(Failure::new(
                expected,
                "the request in its body is forwarded, as if it were the next",
            )
            .rule(vector.rule)
            .into());
        }
    }
    let proxy = share(t)?;
    serves_on(t, &proxy, "all these requests")
}

fn try_out(t: &Trial, proxy: &Up, vector: &Vector) -> Verdict {
    let origin = origin(t, &Reply::ok("received"))?;
    let Vector { method, fields, body, .. } = vector;
    let (target, host) = (origin.url("/open"), origin.authority());
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.send([head.as_bytes(), body].concat())?;
    conn.half_close();
    conn.rest().explain(|failure| Failure {
        expected: format!("a request with {} is answered, and the connection closed", vector.what),
        ..failure
    })?;
    let (exchanges, strays) = origin.finish()?;
    judge(vector, &exchanges, &strays)
}

/// Refused, or one request with a body that is allowed, and nothing behind it.
fn judge(vector: &Vector, exchanges: &[Exchange], strays: &[u8]) -> Verdict {
    let Some((first, more)) = exchanges.split_first() else { return Ok(()) };
    let request = match read_request(&first.octets, true) {
        Ok(Progress::Complete(request)) => Some(request),
        // The origin drops what has no end.
        Ok(_) => None,
        Err(_) if is_beyond(&first.octets) => None,
        Err(error) => {
            return Err(syntax_failure(&first.octets, &error)).explain(|failure| Failure {
                expected: expected(vector),
                seen: format!(
                    "the origin gets what can be read in two ways: octet {} breaks a rule",
                    error.offset
                ),
                ..failure
            });
        }
    };
    if let Some(second) = more.first() {
        return Err(smuggled(vector, request.as_ref(), &second.octets));
    }
    if !strays.is_empty() {
        return Err(smuggled(vector, request.as_ref(), strays));
    }
    let Some(request) = request.filter(|request| !vector.readings.contains(&request.body)) else {
        return Ok(());
    };
    let length = request.body.len();
    let seen = match vector.readings.first() {
        None => format!("the origin gets it as a request with {length} octets of body"),
        Some(body) => format!("the origin gets a body of {length} octets instead of {}", body.len()),
    };
    let (line, _) = bytes::excerpt(&first.octets, first.octets.len(), 0, 66);
    Err(Failure::new(expected(vector), seen).excerpt([line]).rule(vector.rule).into())
}

/// Whether the length is one that no body has, as it came: who can count so far has all that follows for the body.
fn is_beyond(octets: &[u8]) -> bool {
    let Ok(Some((head, _))) = request::parse_head(octets) else { return false };
    head.fields.list("Content-Length") == [BEYOND.as_bytes()] && !head.fields.has("Transfer-Encoding")
}

fn expected(vector: &Vector) -> String {
    match vector.readings.is_empty() {
        true => format!("a request with {} is refused", vector.what),
        false => format!(
            "a request with {} is refused, or forwarded as one that reads in one way only",
            vector.what
        ),
    }
}

/// Octets that came to the origin behind the end of the request.
fn smuggled(vector: &Vector, first: Option<&Request>, octets: &[u8]) -> Fault {
    let (line, _) = bytes::excerpt(octets, 0, 1, 66);
    let body = match first {
        Some(request) => format!("a request with {} octets of body", request.body.len()),
        None => "half a request".to_owned(),
    };
    Failure::new(expected(vector), format!("the origin gets {body}, and then {} octets more", octets.len()))
        .excerpt([line])
        .note("what comes behind it was part of the first request: the origin takes it for another one")
        .rule(vector.rule)
        .into()
}
