//! Stages 7 to 10: what an answer from the cache looks like, and when there is none (RFC 9111 §3.1, §4).

use super::cached::Cached;
use super::fields::{Hop, Lines, RESPONSE, expect_unchanged};
use super::pages::{same_body, word};
use super::persist::Client;
use super::reply::{Reply, date};
use super::session::{ask, by_hand, field_is};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{expect_status, expect_status_in};
use crate::fake::origin::Act;
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict};

/// In stage 7.
pub const FIELDS: &[Check] = &[Check {
    id: "cache.fields",
    title: "a hit has the status and the fields that its response came with, and none of the hop",
    lab: Lab::Lab2,
    stage: 7,
    tier: Tier::Core,
    points: 1,
    role: Role::Proxy,
    needs: &["cache.hit", "proxy.forward.status", "proxy.fields.hop-response", "proxy.fields.end-to-end"],
    basis: Basis::Must,
    clause: "RFC 9111 §3.1, §4",
    why: "An answer from the cache is the stored response with an Age: each field that was for the client, repeated \
              ones too, and the Date at which the origin made it. What was about the origin's connection with you is \
              not even stored.",
    peers: "squid and Apache pass.",
    hints: &[
        "Do you store what you pass on, or what came? Strip first, then both send and store.",
        "Keep fields as the list in which they came: a map holds one line of each name.",
        "Date is the origin's. With one of your own every page would look new.",
        "If you store other statuses than 200, keep which one it was.",
    ],
    run: fields,
}];

/// In stage 8.
pub const CONNECTION: &[Check] = &[Check {
    id: "cache.connection",
    title: "after an answer from the cache the connection goes on",
    lab: Lab::Lab2,
    stage: 8,
    tier: Tier::Robust,
    points: 1,
    role: Role::Proxy,
    needs: &["cache.hit", "cache.validate.client-304", "proxy.many.persistent"],
    basis: Basis::Must,
    clause: "RFC 9112 §6.3, §9.3",
    why: "A hit ends where its framing says, and a 304 with its head, whoever makes them. One octet too many, and \
              the client takes it for the beginning of its next answer.",
    peers: "squid and Apache pass.",
    hints: &[
        "A 304 of your own has no body, though the stored response has.",
        "If you close after a hit, send `Connection: close` with it.",
    ],
    run: connection,
}];

/// In stage 10.
pub const STALE: &[Check] = &[Check {
    id: "cache.stale",
    title: "what must not be used stale is not, when the origin cannot be asked",
    lab: Lab::Lab2,
    stage: 10,
    tier: Tier::Robust,
    points: 1,
    role: Role::Proxy,
    needs: &["cache.no-cache", "proxy.fail.early-end"],
    basis: Basis::Must,
    clause: "RFC 9111 §4.2.4, §5.2.2.2, §5.2.2.4, §5.2.2.8, §5.2.2.10",
    why: "An old page may be better than none, and a cache that cannot reach the origin may give it. `no-cache`, \
              `must-revalidate`, and for a shared cache `proxy-revalidate` and `s-maxage`, say that for this page it is \
              not: an old balance is worse than an error.",
    peers: "squid passes; Apache gives what came with `no-cache`, with a Warning.",
    hints: &[
        "What does your program do with a stale entry when connecting fails? To send the error is always right.",
        "If it gives the entry, it has to look at these four first.",
    ],
    run: stale,
}];

fn fields(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let (request, body) = cached.page(t);
    let [repeated, single] = [word(t), word(t)].map(|word| format!("X-{word}"));
    let lines: Lines =
        [(&repeated, "First"), (&single, "a, \"b\""), (&repeated, "Second"), (&repeated, "third")]
            .map(|(name, value)| (name.clone(), value.to_owned()))
            .to_vec();
    let hop = Hop::new(word(t));
    let made = date(-50);
    let reply = Reply::ok(&body).without_date().field("Date", &made).max_age(600);
    let reply = lines.iter().chain(&hop.lines).fold(reply, |reply, (name, value)| reply.field(name, value));
    let hit = cached.store(t, &request, &reply)?;
    let fields = &hit.head.fields;
    expect_unchanged(&lines, fields, RESPONSE)
        .and_then(|()| hop.judge(fields, RESPONSE))
        .and_then(|()| field_is(fields, "Date", &made, RESPONSE))
        .note("this is the answer from the cache")
        .by_hand(by_hand(&request))?;
    for status in [404, 301] {
        keeps_status(t, &cached, status)?;
    }
    Ok(())
}

/// To store it is allowed and not owed; to give it as something else is neither.
fn keeps_status(t: &mut Trial, cached: &Cached, status: u16) -> Verdict {
    let (request, body) = cached.page(t);
    cached.answers(&Reply::new(status).body(&body).max_age(600).field("Location", "/elsewhere"));
    for times in ["once", "twice", "three times"] {
        let response = ask(t, &cached.proxy, &request)?;
        expect_status(&response, status)
            .and_then(|()| same_body(&response, body.as_bytes(), &request))
            .note(format!("a response of status {status} with `max-age=600` was asked for {times}"))
            .by_hand(by_hand(&request))?;
    }
    Ok(())
}

fn connection(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let ((stored, one), (other, two)) = (cached.page(t), cached.page(t));
    let tag = format!("\"{}\"", word(t));
    let fresh = |body: &str| Reply::ok(body).max_age(600).field("ETag", &tag);
    cached.store(t, &stored, &fresh(&one))?;
    cached.validates(&fresh(&two), &Reply::not_modified().max_age(600).field("ETag", &tag));
    let asking = stored.clone().field("If-None-Match", tag.as_bytes());
    let mut client = Client::new(&cached.proxy);
    for (before, request, body) in [
        ("nothing", &stored, &one),
        ("a hit", &asking, &one),
        ("a 304", &other, &two),
        ("a miss", &stored, &one),
    ] {
        let note = format!("the answer before, on the same connection, was {before}");
        let response = client.ask(t, request).note(&note)?;
        if std::ptr::eq(request, &asking) && response.head.status == 304 {
            continue;
        }
        expect_status(&response, 200).note(&note)?;
        same_body(&response, body.as_bytes(), request).note(&note)?;
    }
    Ok(())
}

/// What forbids a shared cache to use a stale response, whatever happens.
const STRICT: [&str; 4] =
    ["max-age=600, no-cache", "max-age=0, must-revalidate", "max-age=0, proxy-revalidate", "s-maxage=0"];

fn stale(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let mut pages = Vec::new();
    for control in STRICT {
        let (request, body) = cached.page(t);
        let tag = format!("\"{}\"", word(t));
        cached.answers(&Reply::ok(&body).field("Cache-Control", control).field("ETag", tag));
        cached.asked(t, &request, "it has not been asked for this before")?;
        pages.push((request, control));
    }
    cached.origin.now([Act::Close]);
    for (request, control) in &pages {
        let note = format!(
            "the response before came with `Cache-Control: {control}`; now the origin closes without an answer"
        );
        let response = ask(t, &cached.proxy, request).note(&note)?;
        expect_status_in(&response, &[502, 503, 504]).note(note).by_hand(by_hand(request))?;
    }
    Ok(())
}
