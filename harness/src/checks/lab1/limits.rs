//! Stage 7: how long a request may be, and how long it may take (contract; RFC 9112 §3, RFC 6585 §5).
//!
//! No request here comes within 64 octets of a limit: where exactly a server draws the line is its own choice.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::exchange::{expect_alive, expect_refused, expect_same, expect_timed_out};
use super::serve::{Fresh, shared};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.limits.served",
        title: "long request lines and header sections of up to 8 KiB are served",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.files.query"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9112 §3",
        why: "Cookies and queries grow long: the RFC recommends that everyone takes request lines of at least \
              8000 octets.",
        peers: "nginx and Apache take lines of about 8 KiB, caddy and Node far longer ones.",
        hints: &[
            "How large is the buffer you read into, and what happens when a head is larger than it?",
            "Keep reading into a growing buffer until the head is complete or a limit of yours is passed.",
        ],
        run: served,
    },
    Check {
        id: "web.limits.refused",
        title: "a request beyond all measure is refused with 414 or 431",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §15.5.15, RFC 6585 §5",
        why: "Without a limit one client can make the server hold as much memory as it likes; without an answer \
              the client cannot know what was wrong.",
        peers: "Apache and nginx answer 414 to the line and 400 to the fields; lighttpd, caddy and Node say 431.",
        hints: &[
            "What stops your program from collecting a head for ever?",
            "Check after each read: no line end within 16 KiB: 414; no empty line within 64 KiB, or more than \
             200 fields: 431.",
        ],
        run: refused,
    },
    Check {
        id: "web.limits.half-sent",
        title: "a request that never ends is dropped after --timeout",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.parse.bytewise"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9112 §9.5",
        why: "A few hundred clients that send half a request and then nothing would hold every worker: the \
              attack is known as Slowloris.",
        peers: "nginx waits 60 s (client_header_timeout); Apache has mod_reqtimeout for it.",
        hints: &[
            "Is there a read in your program that may wait for ever?",
            "The time-out holds for the whole head: the request line and every field after it.",
        ],
        run: half_sent,
    },
];

fn served(t: &mut Trial) -> Verdict {
    const LINE: usize = 7900;
    const SECTION: usize = 8000;
    let server = shared(t)?;
    let path = &server.site.text.target;
    let alone = server.ask(&server.get(path))?;

    let host = server.host();
    for (what, line, fields) in [
        (format!("a request line of {LINE} octets"), request_line(path, LINE), section(&host, 1, 0)),
        (
            format!("a header section of {SECTION} octets in 3 fields"),
            request_line(path, 0),
            section(&host, 3, SECTION),
        ),
        (
            format!("a header section of {SECTION} octets in 90 fields"),
            request_line(path, 0),
            section(&host, 90, SECTION),
        ),
    ] {
        let mut conn = server.connect()?;
        conn.send(format!("{line}\r\n{fields}\r\n"))?;
        let answer = conn.response("GET").note(format!("this is {what}"))?;
        expect_same(&what, &alone, &answer)?;
    }
    Ok(())
}

fn refused(t: &mut Trial) -> Verdict {
    const LINE: usize = 20 << 10;
    const SECTION: usize = 72 << 10;
    const FIELDS: usize = 250;
    let server = shared(t)?;
    let path = &server.site.text.target;
    let host = server.host();
    for (what, line, fields, statuses) in [
        (
            format!("a request line of {LINE} octets"),
            request_line(path, LINE),
            section(&host, 1, 0),
            [414, 431, 400],
        ),
        (
            format!("a header section of {SECTION} octets"),
            request_line(path, 0),
            section(&host, 150, SECTION),
            [431, 413, 400],
        ),
        (
            format!("a header section of {FIELDS} fields"),
            request_line(path, 0),
            section(&host, FIELDS, 0),
            [431, 413, 400],
        ),
    ] {
        let request = format!("{line}\r\n{fields}\r\n");
        expect_refused(&server, &what, request.as_bytes(), &statuses)?;
    }
    expect_alive(&server)
}

/// `GET path?… HTTP/1.1`, with a query that makes it `length` octets long, and none where it is longer anyway.
fn request_line(path: &str, length: usize) -> String {
    let shortest = format!("GET {path}? HTTP/1.1").len();
    match length.checked_sub(shortest) {
        Some(pad) => format!("GET {path}?{} HTTP/1.1", "q".repeat(pad)),
        None => format!("GET {path} HTTP/1.1"),
    }
}

/// `count` field lines, `Host` being the first: `length` octets in all, or as few as that takes.
fn section(host: &str, count: usize, length: usize) -> String {
    let mut section = format!("Host: {host}\r\n");
    for left in (1..count).rev() {
        let name = format!("X-{left}");
        let pad = (length.saturating_sub(section.len()) / left).saturating_sub(name.len() + 4).max(1);
        let _ = write!(section, "{name}: {}\r\n", "v".repeat(pad));
    }
    section
}

fn half_sent(t: &mut Trial) -> Verdict {
    const TIMEOUT: Duration = Duration::from_millis(500);
    let server = Fresh::new().timeout(TIMEOUT.as_secs_f64()).start(t)?;
    let octets = server.get(&server.site.text.target).octets();
    let mut halves = Vec::new();
    for (what, length) in [
        ("a connection with half a request line", 6),
        ("a connection with half a header section", octets.len() - 5),
    ] {
        let since = Instant::now();
        let mut conn = server.connect()?;
        conn.send(&octets[..length])?;
        halves.push((what, since, conn));
    }
    for (what, since, conn) in &mut halves {
        expect_timed_out(conn, *since, TIMEOUT, what)?;
    }
    expect_alive(&server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_is_as_long_as_was_asked_for() {
        assert_eq!(request_line("/a.txt", 8000).len(), 8000);
        assert_eq!(request_line("/a.txt", 0), "GET /a.txt HTTP/1.1");
    }

    #[test]
    fn a_header_section_has_as_many_octets_and_fields_as_were_asked_for() {
        for (count, length) in [(3, 8000), (90, 8000), (150, 72 << 10)] {
            let section = section("127.0.0.1:40213", count, length);
            assert_eq!((section.lines().count(), section.len()), (count, length));
        }
        assert_eq!(section("h", 250, 0).lines().count(), 250);
    }
}
