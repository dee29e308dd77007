//! Stage 7, the first half: what was answered once is answered again without asking, for the same request alone.

use std::time::{Duration, Instant};

use super::cached::{Cached, wait};
use super::pages::{fresh_path, same_body, text, word};
use super::reply::{Reply, date};
use super::session::{ask, by_hand, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status;
use crate::deadline::Deadline;
use crate::fake::origin::Act;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure};
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "cache.hit",
        title: "a fresh response is given again without asking the origin",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Core,
        points: 3,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9111 §4",
        why: "That is what a cache is for: the origin says with `max-age` for how long its answer holds, and until \
              then nobody has to ask again. RFC 9111 allows it; the contract asks for it.",
        peers: "squid and Apache's mod_cache pass.",
        hints: &[
            "Keep status, header fields and body of a 200 to a GET, under its target, when the whole has come.",
            "Look there before you connect. `Cache-Control: max-age=60` means: usable for 60 s.",
        ],
        run: hit,
    },
    Check {
        id: "cache.age",
        title: "a hit says in Age how old it is, and is none when that reaches max-age",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §4, §4.2.3, §5.1",
        why: "The next cache, or the browser, counts on from there. A response is born at the origin, when its Date \
              says, not when you stored it; it is fresh while its age is less than its lifetime.",
        peers: "squid and Apache pass; nginx gives no Age.",
        hints: &[
            "Keep with each response when it came. Its age is a difference of times, taken at each use.",
            "Age on arrival: now − Date, where that is more than nothing. Age later: that, and the time since.",
            "`fresh = lifetime > age`, decided when it is asked for, not when it is stored.",
        ],
        run: age,
    },
    Check {
        id: "cache.key",
        title: "another query, another path or another port is another entry",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §4",
        why: "A stored response answers only requests for the same target: host, port, path and query, in which \
              capitals count. A page of another one is worse than none.",
        peers: "",
        hints: &[
            "What do you look entries up by? The path alone is the same on every origin.",
            "`host:port` and the path with its query, as they stand in the target.",
        ],
        run: key,
    },
    Check {
        id: "cache.methods",
        title: "POST is forwarded each time, and HEAD leaves GET its body",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §4; RFC 9110 §9.3.2, §9.3.3",
        why: "The method belongs to the key. A POST does something at the origin, so it has to get there; the \
              response to a HEAD has no body, so it is no response to a GET.",
        peers: "squid and Apache pass.",
        hints: &[
            "Look up and store for GET alone.",
            "HEAD may be answered from a stored GET (its head, without the body) or forwarded, but not stored as one.",
        ],
        run: methods,
    },
];

fn hit(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let (body, seconds) = (text(t), t.rng.u64(600..6000));
    let reply = Reply::ok(&body).max_age(seconds);
    let request = cached.get(&fresh_path(t));
    let whole = |response: &Response| {
        expect_status(response, 200).by_hand(by_hand(&request))?;
        same_body(response, body.as_bytes(), &request)
    };
    cached.answers(&reply);
    let (_, first) = cached.asked(t, &request, "nobody has asked for it before")?;
    whole(&first)?;
    let why = format!("it came with `Cache-Control: max-age={seconds}`");
    let from_cache = |response: Response| whole(&response).note("this is the answer from the cache");
    from_cache(cached.hit(t, &request, &why)?)?;
    from_cache(cached.still_hit(t, &request, &why)?)
}

/// How long ago the origin made the older response of [`age`].
const BORN: i64 = 100;

fn age(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let ((short, a), (new, b), (old, c)) = (cached.page(t), cached.page(t), cached.page(t));
    cached.answers(&Reply::ok(a).max_age(1));
    cached.asked(t, &short, "it has not been asked for this before")?;
    let over = Deadline::after(Duration::from_secs(1));

    let began = Instant::now();
    let hit = cached.store(t, &new, &Reply::ok(b).max_age(600))?;
    expect_age(&hit, 0, began, "the origin has just made").by_hand(by_hand(&new))?;

    cached.answers(&Reply::ok(c).max_age(600).without_date().field("Date", date(-BORN)));
    let (_, first) = cached.asked(t, &old, "it has not been asked for this before")?;
    let hit = cached.hit(t, &old, "`max-age=600`, and its Date is 100 s ago")?;
    expect_age(&hit, BORN.unsigned_abs(), began, "whose Date is 100 s ago")
        .note("the age counts from the Date that the origin gave, not from when the proxy stored it")
        .by_hand(by_hand(&old))?;
    ensure(
        hit.head.fields.has("Via") || !first.head.fields.has("Via"),
        "Via in an answer from the cache, as in the one from the origin",
        "no Via",
    )?;

    wait(over);
    cached.asked_soon(t, &short, "`max-age=1` has been over for a second")
}

/// Fails unless the response says this age, or one that is off by a second, or by the time since `began`.
pub fn expect_age(response: &Response, age: u64, began: Instant, which: &str) -> Verdict {
    let expected = format!("`Age: {age}`, give or take a second, in a hit on a response {which}");
    // A date on the wire has no fractions of a second, and so may seem a second older than it is.
    let oldest = age + 2 + began.elapsed().as_secs();
    match response.head.fields.text("Age") {
        None => Err(Failure::new(expected, "no Age").into()),
        Some(_) if response.head.fields.count("Age") > 1 => {
            Err(Failure::new(expected, "more than one Age").into())
        }
        Some(text) => {
            let right = text.parse().is_ok_and(|seen: u64| (age.saturating_sub(1)..=oldest).contains(&seen));
            ensure(right, expected, format!("`Age: {text}`"))
        }
    }
}

fn key(t: &mut Trial) -> Verdict {
    let here = Cached::share(t)?;
    let there = here.elsewhere(t)?;
    let (path, query) = (fresh_path(t), word(t));
    let whole = format!("{path}?{query}");
    let mut stored = Vec::new();
    for (cached, path, what) in [
        (&here, whole.clone(), "nobody has asked for it before"),
        (&here, format!("{whole}&{query}"), "its query is another one"),
        (&here, path.clone(), "it has no query"),
        (&here, format!("{}?{query}", path.to_uppercase()), "its path is in capitals"),
        (&there, whole, "its port is another one"),
    ] {
        let (request, body) = (cached.get(&path), text(t));
        cached.answers(&Reply::ok(&body).max_age(600));
        let (_, response) = cached.asked(t, &request, what)?;
        same_body(&response, body.as_bytes(), &request)?;
        cached.hit(t, &request, "it is fresh")?;
        stored.push((cached, request, body));
    }
    for (cached, request, body) in &stored {
        let response = cached.still_hit(t, request, "it is fresh")?;
        same_body(&response, body.as_bytes(), request)
            .note("several entries were stored whose targets differ a little: each has a body of its own")?;
    }
    Ok(())
}

fn methods(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let (path, body) = (fresh_path(t), text(t));
    let reply = Reply::ok(&body).max_age(600);
    let (get, head) = (cached.get(&path), to(&cached.origin, "HEAD", &path));

    cached.origin.now([Act::Send(reply.head())]);
    ask(t, &cached.proxy, &head)?;
    cached.answers(&reply);
    let (_, response) = cached.asked(t, &get, "only HEAD was asked before, whose response has no body")?;
    same_body(&response, body.as_bytes(), &get)?;
    cached.hit(t, &get, "it is fresh")?;

    cached.origin.now([Act::Send(reply.head())]);
    let response = ask(t, &cached.proxy, &head)?;
    expect_status(&response, 200).by_hand(by_hand(&head))?;
    cached.answers(&reply);
    let response = ask(t, &cached.proxy, &get)?;
    expect_status(&response, 200)?;
    same_body(&response, body.as_bytes(), &get).note("a HEAD was asked for the same target before")?;

    let post = to(&cached.origin, "POST", &path);
    for (what, post) in [
        ("what is stored is the response to a GET", post.clone().field("Content-Length", "0")),
        ("a POST is never answered from the cache", post.field("Content-Length", "5").body("hello")),
    ] {
        let answer = text(t);
        cached.answers(&Reply::ok(&answer).max_age(600));
        for _ in 0..2 {
            let (received, response) = cached.asked(t, &post, what)?;
            let method = received.head.method;
            ensure(method == "POST", "a POST at the origin", format!("`{method}`"))?;
            same_body(&response, answer.as_bytes(), &post)?;
        }
    }

    let path = fresh_path(t);
    let (post, get) = (to(&cached.origin, "POST", &path).field("Content-Length", "0"), cached.get(&path));
    cached.answers(&Reply::ok(text(t)).max_age(600));
    cached.asked(t, &post, "a POST is never answered from the cache")?;
    cached.asked(t, &get, "only POST was asked before, whose response says what the POST has done").map(drop)
}
