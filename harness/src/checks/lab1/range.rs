//! Stage 13, extension: parts of a file (RFC 9110 §14).
//!
//! Left out: `Range` in a request other than GET, which servers must ignore and real ones do not all.

use std::time::{Duration, SystemTime};

use super::serve::{Server, shared};
use super::site::word;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status_in;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure, fail};
use crate::wire::http::date::imf_fixdate;
use crate::wire::http::fields;
use crate::wire::http::message::Response;
use crate::wire::{bytes, difference};

pub const CHECKS: &[Check] = &[
    Check {
        id: "ext.range.part",
        title: "a range of octets is answered with a 206 and exactly these octets",
        lab: Lab::Lab1,
        stage: 13,
        tier: Tier::Extension,
        points: 3,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §15.3.7",
        why: "So a broken download goes on where it broke off. Positions count from 0, and the last one belongs to the \
              range (§14.1.2); Content-Range says which octets came, of how many.",
        peers: "Asked for several ranges, nginx and Apache send multipart/byteranges; the first alone, or the whole \
                file as a 200, is right as well.",
        hints: &[
            "How many octets are 0-0? What does -5 ask for, and 5-?",
            "Content-Length is that of the part: last - first + 1. A last position beyond the end is cut to the end.",
        ],
        run: part,
    },
    Check {
        id: "ext.range.unsatisfiable",
        title: "a range beyond the end is answered with a 416 that tells the length",
        lab: Lab::Lab1,
        stage: 13,
        tier: Tier::Extension,
        points: 2,
        role: Role::Server,
        needs: &["web.persist.after-404"],
        basis: Basis::Should,
        clause: "RFC 9110 §15.5.17",
        why: "Nothing of what was asked for exists; `Content-Range: bytes */1234` says how much there is. The request \
              was well-formed, so the connection persists (contract, lab 1).",
        peers: "nginx does; Apache and lighttpd leave Content-Range out.",
        hints: &[
            "Which first position is the first that does not exist?",
            "first >= length: 416, with `Content-Range: bytes */` and the length of the file.",
        ],
        run: unsatisfiable,
    },
    Check {
        id: "ext.range.ignored",
        title: "a unit you do not know, or an If-Range that does not match: the whole file, as a 200",
        lab: Lab::Lab1,
        stage: 13,
        tier: Tier::Extension,
        points: 2,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §14.2",
        why: "Range is a wish, and what cannot be understood is ignored. If-Range (§13.1.5) makes the wish depend on \
              the client's copy being yet current: exactly this tag, not a weak one, or exactly this date; otherwise \
              the pieces of two files would be glued together.",
        peers: "",
        hints: &[
            "What do you do with a Range that you cannot parse? No answer of 206 may come of it.",
            "If there is an If-Range, compare it with your ETag or Last-Modified for equality; if it differs, forget \
             the Range.",
        ],
        run: ignored,
    },
];

fn part(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    supported(&server)?;
    let file = &server.site.text.body;
    let end = file.len() - 1;
    let first = t.rng.usize(1..end / 2);
    let last = t.rng.usize(first + 1..end);
    for (range, first, last) in [
        (format!("{first}-{last}"), first, last),
        ("0-0".to_owned(), 0, 0),
        (format!("{first}-"), first, end),
        (format!("-{last}"), end + 1 - last, end),
        (format!("{end}-{end}"), end, end),
        (format!("{first}-{}", end + 1), first, end),
        (format!("{first}-{}", file.len() + 5_000_000_000), first, end),
        (format!("-{}", file.len() + last), 0, end),
    ] {
        let response = ask(&server, &format!("bytes={range}"), &[])?;
        // All octets asked for: a 200 says the same.
        if response.head.status == 200 && (first, last) == (0, end) {
            continue;
        }
        ensure(
            response.head.status == 206,
            format!("a 206 to Range: bytes={range}, of a file of {} octets", file.len()),
            format!("status {}", response.head.status),
        )
        .by_hand(by_hand(&range))?;
        let seen = response.head.fields.text("content-range");
        ensure(
            seen.as_deref().and_then(content_range) == Some((first, last, Some(file.len())))
                || seen.as_deref().and_then(content_range) == Some((first, last, None)),
            format!("Content-Range: bytes {first}-{last}/{} to Range: bytes={range}", file.len()),
            seen.map_or("no Content-Range".to_owned(), |seen| format!("Content-Range: {seen}")),
        )
        .by_hand(by_hand(&range))?;
        same_octets(&file[first..=last], &response.body, &format!("bytes {first} to {last}"))?;
    }
    same_validator(&server)?;
    several(&server, &[(first / 2, first), (last, end)])
}

/// Two ranges: parts of both, of some, or the whole.
fn several(server: &Server, ranges: &[(usize, usize)]) -> Verdict {
    let file = &server.site.text.body;
    let list: Vec<String> = ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
    let response = ask(server, &format!("bytes={}", list.join(",")), &[])?;
    expect_status_in(&response, &[206, 200])
        .note(format!("the request had Range: bytes={}", list.join(",")))?;
    if response.head.status == 200 {
        return same_octets(file, &response.body, "the whole file");
    }
    let fields = &response.head.fields;
    let outer = fields.text("content-range");
    let parts = match boundary(&fields.text("content-type").unwrap_or_default()) {
        None => vec![(outer, response.body.clone())],
        Some(boundary) => {
            ensure(
                outer.is_none(),
                "Content-Range in each part of multipart/byteranges, and not in the head",
                format!("Content-Range: {} in the head", outer.unwrap_or_default()),
            )?;
            let Some(parts) = split_parts(&response.body, &boundary) else {
                return fail(
                    format!("parts between lines of --{boundary}, the last line being --{boundary}--"),
                    "a body of another shape",
                );
            };
            parts
        }
    };
    for (range, octets) in parts {
        let expected = "Content-Range of octets that the file has";
        match range.as_deref().and_then(content_range) {
            Some((first, last, _)) if first <= last && last < file.len() => {
                same_octets(&file[first..=last], &octets, &format!("bytes {first} to {last}"))?;
            }
            _ => {
                return fail(
                    expected,
                    range.map_or("none".to_owned(), |range| format!("Content-Range: {range}")),
                );
            }
        }
    }
    Ok(())
}

/// A 206 has the ETag of the 200 (RFC 9110 §15.3.7), or nobody could tell whether its part fits.
fn same_validator(server: &Server) -> Verdict {
    let whole = server.ask(&server.get(&server.site.text.target))?.head.fields.text("etag");
    let of_part = ask(server, "bytes=0-0", &[])?.head.fields.text("etag");
    ensure(
        whole == of_part,
        whole.map_or("no ETag in the 206, as in the 200".to_owned(), |tag| {
            format!("ETag: {tag}, as in the 200")
        }),
        of_part.map_or("no ETag in the 206".to_owned(), |tag| format!("ETag: {tag} in the 206")),
    )
}

fn unsatisfiable(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    supported(&server)?;
    let file = &server.site.text;
    let length = file.body.len();
    let beyond = length + t.rng.usize(1..1000);
    for range in [format!("{length}-"), format!("{beyond}-{}", beyond + 5)] {
        let mut conn = server.connect()?;
        let response = conn.ask(&server.get(&file.target).field("Range", format!("bytes={range}")))?;
        ensure(
            response.head.status == 416,
            format!("a 416 to Range: bytes={range}, of a file of {length} octets"),
            format!("status {}", response.head.status),
        )
        .by_hand(by_hand(&range))?;
        let seen = response.head.fields.text("content-range");
        ensure(
            seen.as_deref() == Some(&format!("bytes */{length}")),
            format!("Content-Range: bytes */{length} in the 416"),
            seen.map_or("no Content-Range".to_owned(), |seen| format!("Content-Range: {seen}")),
        )
        .by_hand(by_hand(&range))?;
        let next = conn.ask(&server.get(&file.target)).explain(|failure| {
            failure.rule("After a 416 to a well-formed GET the connection persists (contract, lab 1).")
        })?;
        expect_status_in(&next, &[200])?;
    }
    let none = ask(&server, "bytes=-0", &[])?;
    expect_status_in(&none, &[416, 200]).note("the last 0 octets, Range: bytes=-0, are no part to send")
}

fn ignored(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    supported(&server)?;
    let file = &server.site.text;
    for range in ["lines=0-4", "byte=0-4", "bytes-0-4=0-4"] {
        let response = ask(&server, range, &[])?;
        whole(&response, &file.body, &format!("Range: {range}, a unit that nobody knows"))?;
    }
    for range in ["bytes=4-2", "bytes=", "bytes=-", "bytes=a-b", "bytes 0-4", "bytes=0x0-0x4"] {
        let response = ask(&server, range, &[])?;
        // RFC 9110 §14.2: what is malformed may be rejected as well as ignored.
        if !matches!(response.head.status, 400 | 416) {
            whole(&response, &file.body, &format!("Range: {range}, which is malformed"))?;
        }
    }
    let full = server.ask(&server.get(&file.target))?;
    let tag = full.head.fields.text("etag");
    let now = SystemTime::now();
    let day = Duration::from_secs(24 * 3600);
    let mut validators = vec![
        ("another tag", format!("\"{}\"", word(&mut t.rng))),
        ("another, older date", imf_fixdate(now - 400 * day)),
        ("another, later date", imf_fixdate(now + day)),
    ];
    if let Some(tag) = tag.filter(|tag| tag.starts_with('"')) {
        validators.push(("your tag marked as weak", format!("W/{tag}")));
    }
    for (what, validator) in validators {
        let response = ask(&server, "bytes=0-4", &[("If-Range", &validator)])?;
        whole(&response, &file.body, &format!("Range: bytes=0-4 and If-Range: {validator} ({what})"))?;
    }
    Ok(())
}

fn ask(server: &Server, range: &str, fields: &[(&str, &str)]) -> Verdict<Response> {
    let request = server.get(&server.site.text.target).field("Range", range);
    server.ask(&fields.iter().fold(request, |request, (name, value)| request.field(name, value)))
}

/// Without ranges the extension is not there: a server is free to ignore them.
fn supported(server: &Server) -> Verdict {
    match ask(server, "bytes=0-4", &[])?.head.status {
        200 => Err(Fault::Skipped("Range is ignored: the extension is not there".to_owned())),
        _ => Ok(()),
    }
}

fn whole(response: &Response, file: &[u8], request: &str) -> Verdict {
    ensure(
        response.head.status == 200,
        format!("the whole file, as a 200, to {request}"),
        format!("status {}", response.head.status),
    )?;
    same_octets(file, &response.body, "the whole file")
}

fn same_octets(expected: &[u8], seen: &[u8], what: &str) -> Verdict {
    if expected == seen {
        return Ok(());
    }
    let difference = difference::describe(expected, seen);
    let mut lines = difference.lines();
    let failure =
        Failure::new(format!("{} octets: {what}", expected.len()), lines.next().unwrap_or_default());
    Err(lines.fold(failure, Failure::note).into())
}

fn by_hand(range: &str) -> String {
    format!("curl -s -D - -H 'Range: bytes={range}' http://127.0.0.1:8080/notes.txt")
}

/// First and last position and the complete length, unless it is `*` (RFC 9110 §14.4).
fn content_range(value: &str) -> Option<(usize, usize, Option<usize>)> {
    let (unit, range) = value.split_once(' ')?;
    let (positions, length) = range.split_once('/')?;
    let (first, last) = positions.split_once('-')?;
    let number =
        |digits: &str| digits.bytes().all(|octet| octet.is_ascii_digit()).then(|| digits.parse().ok())?;
    let length = if length == "*" { None } else { Some(number(length)?) };
    unit.eq_ignore_ascii_case("bytes").then_some((number(first)?, number(last)?, length))
}

/// The boundary, if this is multipart/byteranges.
fn boundary(content_type: &str) -> Option<String> {
    let mut parameters = content_type.split(';').map(str::trim);
    parameters.next().filter(|name| name.eq_ignore_ascii_case("multipart/byteranges"))?;
    parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value.trim_matches('"').to_owned())
}

/// Each part's Content-Range and octets (RFC 9110 §14.6, RFC 2046 §5.1.1).
fn split_parts(body: &[u8], boundary: &str) -> Option<Vec<(Option<String>, Vec<u8>)>> {
    let delimiter = format!("\r\n--{boundary}");
    let body = [b"\r\n", body].concat();
    let at: Vec<usize> = body
        .windows(delimiter.len())
        .enumerate()
        .filter_map(|(at, window)| (window == delimiter.as_bytes()).then_some(at))
        .collect();
    body[at.last()? + delimiter.len()..].starts_with(b"--").then_some(())?;
    at.windows(2)
        .map(|ends| {
            let part = &body[ends[0] + delimiter.len()..ends[1]];
            let line = part.windows(2).position(|window| window == b"\r\n")?;
            part[..line].trim_ascii().is_empty().then_some(())?;
            let head = &part[line + 2..];
            let (fields, length) = fields::parse(head).ok()??;
            Some((fields.get("content-range").map(bytes::show), head[length..].to_vec()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read() {
        assert_eq!(content_range("bytes 0-4/10"), Some((0, 4, Some(10))));
        assert_eq!(content_range("bytes 7-7/*"), Some((7, 7, None)));
        for value in ["bytes=0-4/10", "bytes 0-4", "bytes */10", "octets 0-4/10", "bytes +0-4/10"] {
            assert_eq!(content_range(value), None, "{value}");
        }
    }

    #[test]
    fn the_parts_of_a_multipart_are_told_apart() {
        let boundary = boundary("Multipart/ByteRanges; charset=x; boundary=\"b1\"").unwrap();
        let body = b"--b1\r\nContent-Range: bytes 0-1/9\r\n\r\n\r\n\r\n--b1 \r\nContent-Type: a/b\r\n\r\nx\r\n--b1--\r\n";
        let parts = split_parts(body, &boundary).unwrap();
        assert_eq!(parts, [(Some("bytes 0-1/9".to_owned()), b"\r\n".to_vec()), (None, b"x".to_vec())]);
        assert_eq!(split_parts(b"--b1\r\n\r\nx", "b1"), None);
        assert_eq!(split_parts(b"", "b1"), None);
    }
}
