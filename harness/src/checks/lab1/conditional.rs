//! Stage 8: `If-Modified-Since` (RFC 9110 §13.1.3).

use std::time::Duration;

use super::exchange::methods;
use super::serve::{Server, shared};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict};
use crate::wire::http::date::{asctime_date, imf_fixdate, rfc850_date};
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.conditional.not-modified",
        title: "a file that has not changed is answered with 304 and no body",
        lab: Lab::Lab1,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §13.1.3, §15.4.5",
        why: "A browser that has a copy sends back its `Last-Modified` and asks for the file only if it has \
              changed since. A 304 says `yours is good` in a hundred octets instead of a whole file.",
        peers: "nginx, Apache and lighttpd answer 304; busybox does not know the field.",
        hints: &[
            "Parse the date in If-Modified-Since: is the file's time later than that?",
            "A file's time has fractions of a second, a date on the wire has none: drop them first.",
            "A 304 ends with the empty line after its fields, whatever Content-Length says.",
        ],
        run: not_modified,
    },
    Check {
        id: "web.conditional.modified",
        title: "a file that has changed since is sent",
        lab: Lab::Lab1,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §13.1.3",
        why: "A wrong 304 is worse than none: the client keeps showing an old file. Dates are moments, to be \
              compared as numbers; as text, `Wed, 03 Feb` comes after `Fri, 05 Feb`.",
        peers: "",
        hints: &[
            "Do you compare dates, or strings?",
            "304 exactly where the file's time, in whole seconds, is not later than the date in the request.",
        ],
        run: modified,
    },
    Check {
        id: "web.conditional.formats",
        title: "dates in all three formats are understood",
        lab: Lab::Lab1,
        stage: 8,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.conditional.not-modified"],
        basis: Basis::Must,
        clause: "RFC 9110 §5.6.7",
        why: "HTTP has three date formats: one that everyone writes, and two older ones that everyone still \
              reads. The asctime format fills a one-digit day up with a space.",
        peers: "nginx, Apache and lighttpd read all three.",
        hints: &[
            "`Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.",
            "Try the three one after the other. Two digits of a year mean this century, unless that would lie \
             more than 50 years ahead.",
        ],
        run: formats,
    },
    Check {
        id: "web.conditional.invalid",
        title: "an If-Modified-Since that is no date is ignored",
        lab: Lab::Lab1,
        stage: 8,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §13.1.3",
        why: "A condition that cannot be read is no condition: the request is then a plain GET.",
        peers: "nginx, Apache and lighttpd send the file.",
        hints: &[
            "What does your program do when the date does not parse? `None` is the answer, not an error.",
        ],
        run: invalid,
    },
];

fn not_modified(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let pages = &server.site.pages;
    let since = imf_fixdate(pages.modified);
    for method in methods(&server)? {
        let request = server.request(method, &pages.dated.target).field("If-Modified-Since", &since);
        let mut conn = server.connect()?;
        let answer = conn.ask(&request)?;
        expect_status(&answer, 304)
            .note(format!("we sent the file's own date, `If-Modified-Since: {since}`"))
            .explain(|failure| about_the_fraction(failure, &server))
            .by_hand("curl -sI -z a.txt http://127.0.0.1:8080/a.txt")?;
        ensure_length_of_the_file(&answer, pages.dated.body.len())?;
        conn.send(server.get(&server.site.text.target).octets())?;
        conn.response_or_end("GET").note(format!(
            "this should be the next response on the connection, after the 304 to a {method}: a 304 has no \
             body, whatever its fields say"
        ))?;
    }
    Ok(())
}

/// RFC 9110 §8.6: a Content-Length in a 304 is the one that the 200 would have.
fn ensure_length_of_the_file(answer: &Response, length: usize) -> Verdict {
    let found = answer.head.fields.get("Content-Length").map(String::from_utf8_lossy);
    match found {
        Some(found) if found != length.to_string() => {
            let expected = format!("no Content-Length in the 304, or {length}, which the 200 would have");
            Err(Failure::new(expected, format!("Content-Length: {found}"))
                .note("a cache brings its copy's fields up to date by those of a 304")
                .into())
        }
        _ => Ok(()),
    }
}

/// Says so where a date one second later would have done.
fn about_the_fraction(failure: Failure, server: &Server) -> Failure {
    let later = imf_fixdate(server.site.pages.modified + Duration::from_secs(1));
    match expect_since(server, &later, 304) {
        Ok(()) => failure.note(
            "a date one second later gets a 304: on disk the file's time has 0.9 s more than a date can show; \
             cut them off before you compare",
        ),
        Err(_) => failure,
    }
}

fn modified(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let pages = &server.site.pages;
    let second_before = pages.modified - Duration::from_secs(1);
    for earlier in [second_before, pages.earlier_but_greater_as_text()] {
        let (since, modified) = (imf_fixdate(earlier), imf_fixdate(pages.modified));
        let note = format!("the file was modified at {modified}, which is after {since}");
        expect_since(&server, &since, 200).explain(|failure| {
            let failure = failure.note(note);
            if since > modified {
                failure.note("compared as text, letter by letter, it would be the other way round")
            } else {
                failure
            }
        })?;
    }
    Ok(())
}

fn formats(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let modified = server.site.pages.modified;
    for (date, what) in [
        (rfc850_date(modified), "RFC 850 format"),
        (asctime_date(modified), "asctime format, which names no time zone: it is UTC"),
    ] {
        expect_since(&server, &date, 304).note(format!("this is the file's own date in the {what}"))?;
    }
    Ok(())
}

fn invalid(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    for value in ["yesterday", "Sun, 99 Foo 2099 99:99:99 GMT", ""] {
        expect_since(&server, value, 200).note("this is not a date in any of the three formats")?;
    }
    Ok(())
}

/// GET of the dated file with `If-Modified-Since: value`.
fn expect_since(server: &Server, value: &str, status: u16) -> Verdict {
    let request = server.get(&server.site.pages.dated.target).field("If-Modified-Since", value);
    let about = |failure: Failure| Failure {
        expected: format!("`If-Modified-Since: {value}` is answered with {}", failure.expected),
        ..failure
    };
    let answer = server.ask(&request).explain(about)?;
    expect_status(&answer, status).explain(about)
}
