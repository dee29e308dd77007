//! Stage 8: what may not be used without asking is asked about, and a 304 says that it is still right.

use super::cached::{CONDITIONS, Cached, until_stored};
use super::cases::DAY;
use super::pages::{same_body, text, word};
use super::reply::{Reply, date};
use super::session::{ask, by_hand, field_is};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Request, expect_status, expect_status_in};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure};
use crate::wire::http::message::{self, Response};

pub const CHECKS: &[Check] = &[
    Check {
        id: "cache.validate.last-modified",
        title: "the origin is asked with If-Modified-Since, which is Last-Modified as it came",
        lab: Lab::Lab2,
        stage: 8,
        tier: Tier::Core,
        points: 2,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Should,
        clause: "RFC 9111 §4.3.1",
        why: "A stored response that is too old, or that came with `no-cache`, is not lost: the origin need only say \
              whether it is still right. It is asked with the date that it gave itself, octet for octet; some compare \
              it as text.",
        peers: "squid and Apache pass.",
        hints: &[
            "Keep what is stale; forward the request with one field more.",
            "`If-Modified-Since` has the value of the stored `Last-Modified`: not of Date, nor your clock.",
        ],
        run: last_modified,
    },
    Check {
        id: "cache.validate.etag",
        title: "the origin is asked with If-None-Match, which is ETag as it came",
        lab: Lab::Lab2,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §4.3.1",
        why: "A tag is a name for one version, and only the origin knows what it means: quotes, `W/` and all belong to \
              it. Where the response had a tag, that has to be sent; the date may go with it.",
        peers: "Apache passes; squid 5 does not send weak ones.",
        hints: &["`If-None-Match` has the value of the stored `ETag`, quotes and `W/` included."],
        run: etag,
    },
    Check {
        id: "cache.validate.not-modified",
        title: "after a 304 the client gets the stored body, with the fields that the 304 renews",
        lab: Lab::Lab2,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.validate.last-modified"],
        basis: Basis::Must,
        clause: "RFC 9111 §4.3.3, §4.3.4, §3.2",
        why: "The 304 answers your question, not the client's: that one asked for the page, and has no copy. Each field \
              of the 304 replaces the stored lines of that name; all others stay.",
        peers: "squid and Apache pass; nginx keeps the old fields.",
        hints: &[
            "Did your client ask on a condition? If not, a 304 is nothing that it could use.",
            "The answer is the stored 200, its fields brought up to date, and the stored body.",
            "Store the renewed fields as well: the next answer has them too.",
        ],
        run: not_modified,
    },
    Check {
        id: "cache.validate.changed",
        title: "a 200 in answer to the question replaces what is stored",
        lab: Lab::Lab2,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.validate.last-modified"],
        basis: Basis::Must,
        clause: "RFC 9111 §4.3.3",
        why: "The origin has a new version and sends it at once: pass it on, and store it in the place of the old one, \
              of which nothing may remain, neither a field nor the end of a longer body.",
        peers: "squid and Apache pass.",
        hints: &[
            "Anything but a 304 is an answer like any other: to pass on, and to store if it may be stored.",
        ],
        run: changed,
    },
    Check {
        id: "cache.validate.freshens",
        title: "a 304 that names a new lifetime makes what is stored fresh again",
        lab: Lab::Lab2,
        stage: 8,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.validate.last-modified"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9111 §4.3.4",
        why: "`Cache-Control`, `Expires` and `Date` are fields like others: the 304 renews them, and with them the time \
              for which nobody has to ask.",
        peers: "Apache passes; to squid 5 a response that came with `no-cache` stays so.",
        hints: &[
            "Work out lifetime and age anew from the renewed fields, from the time at which the 304 came.",
            "Put the renewed response back into the cache, not only on the wire.",
        ],
        run: freshens,
    },
    Check {
        id: "cache.validate.client-304",
        title: "a client that has the stored version gets a 304, one that has another the whole",
        lab: Lab::Lab2,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Should,
        clause: "RFC 9111 §4.3.2; RFC 9110 §13.1.2, §13.1.3, §13.2.2",
        why: "Browsers have caches of their own and ask you as you ask the origin: compare with what is stored. A wrong \
              304 is the one bad answer: it keeps an old page alive. A 200 with the body is never wrong.",
        peers: "squid and Apache pass.",
        hints: &[
            "Is one of the tags in `If-None-Match` the stored `ETag`? Then 304, without a body.",
            "Where `If-None-Match` is there, `If-Modified-Since` is not looked at.",
            "304 to `If-Modified-Since` where the stored `Last-Modified` is not later. Compare times, not text.",
        ],
        run: client_304,
    },
    Check {
        id: "cache.validate.client-cold",
        title: "a 304 that the client asked for itself is passed on, and not stored as a page",
        lab: Lab::Lab2,
        stage: 8,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §4.3.3; RFC 9110 §15.4.5",
        why: "With nothing stored the client's condition goes on to the origin, and the 304 back: it is about the \
              client's copy. Stored, it would be an empty page for everyone else.",
        peers: "squid and Apache pass.",
        hints: &[
            "Two kinds of 304: is it the answer to your condition, or to the client's?",
            "A 304 is never stored by itself: it has no body.",
        ],
        run: client_cold,
    },
];

fn last_modified(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    for control in ["no-cache", "max-age=0"] {
        let (request, body) = cached.page(t);
        let modified = date(-t.rng.i64(10..1000) * DAY);
        let reply = Reply::ok(&body).field("Cache-Control", control).field("Last-Modified", &modified);
        let why = format!("it is stored with `Cache-Control: {control}` and `Last-Modified`");
        let received = stale(t, &cached, &request, &reply, &["If-Modified-Since"], &why)?;
        field_is(&received.head.fields, "If-Modified-Since", &modified, "the request to the origin")
            .note("the value is the stored Last-Modified, octet for octet")?;
    }
    Ok(())
}

fn etag(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let names = [word(t), word(t), word(t)];
    for tag in [format!("\"{}\"", names[0]), format!("W/\"{}\"", names[1]), format!("\"{}, 'x'!\"", names[2])]
    {
        let (request, body) = cached.page(t);
        let reply = Reply::ok(&body)
            .field("Cache-Control", "no-cache")
            .field("ETag", &tag)
            .field("Last-Modified", date(-DAY));
        let why = format!("it is stored with `Cache-Control: no-cache` and `ETag: {tag}`");
        let received = stale(t, &cached, &request, &reply, &["If-None-Match"], &why)?;
        let sent = received.head.fields.list("If-None-Match");
        ensure(
            sent.contains(&tag.as_bytes()),
            format!("`If-None-Match: {tag}` in the request to the origin"),
            format!("`If-None-Match: {}`", String::from_utf8_lossy(&sent.join(&b", "[..]))),
        )
        .note("the value is the stored ETag, octet for octet")?;
    }
    Ok(())
}

/// Has the origin answer with this, and returns the conditional request that follows.
fn stale(
    t: &Trial,
    cached: &Cached,
    request: &Request,
    reply: &Reply,
    fields: &[&str],
    why: &str,
) -> Verdict<message::Request> {
    cached.answers(reply);
    cached.asked(t, request, "it has not been asked for this before")?;
    Ok(cached.validated(t, request, fields, why)?.0)
}

/// A version of a page that may not be used without asking.
struct Version {
    tag: String,
    modified: String,
    body: String,
}

impl Version {
    fn new(t: &mut Trial) -> Version {
        let modified = date(-t.rng.i64(10..1000) * DAY);
        Version { tag: format!("\"{}\"", word(t)), modified, body: text(t) }
    }

    fn whole(&self) -> Reply {
        self.name(Reply::ok(&self.body).field("Content-Type", "text/plain"))
    }

    fn not_modified(&self) -> Reply {
        self.name(Reply::not_modified())
    }

    fn name(&self, reply: Reply) -> Reply {
        reply.field("ETag", &self.tag).field("Last-Modified", &self.modified)
    }
}

const WHY: &str = "it is stored with `no-cache`, and with validators";

fn not_modified(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let request = cached.page(t).0;
    let version = Version::new(t);
    let (kept, old, new) = (word(t), word(t), word(t));
    let no_cache = |reply: Reply| reply.field("Cache-Control", "no-cache");
    let whole = no_cache(version.whole()).field("X-Kept", &kept).field("X-Renewed", &old);
    let renewing = no_cache(version.not_modified()).field("X-Renewed", &new);
    let silent = no_cache(version.not_modified());

    cached.validates(&whole, &renewing);
    cached.asked(t, &request, "it has not been asked for this before")?;
    let (_, first) = cached.validated(t, &request, CONDITIONS, WHY)?;
    // Where the first response was stored late, one that came after it may have been stored after the 304.
    cached.asked(t, &request, WHY)?;
    cached.validates(&whole, &silent);
    let renewed = until_stored(t, || {
        let (_, response) = cached.asked(t, &request, WHY)?;
        Ok((response.head.fields.text("X-Renewed").as_ref() == Some(&new)).then_some(response))
    })?;
    let second = match renewed {
        Some(response) => response,
        None => cached.asked(t, &request, WHY)?.1,
    };
    for (response, how) in [
        (first, "the origin has answered 304, with a new `X-Renewed`"),
        (second, "the origin has answered 304 for the second time; the first one had a new `X-Renewed`"),
    ] {
        let fields = &response.head.fields;
        expect_status(&response, 200)
            .and_then(|()| same_body(&response, version.body.as_bytes(), &request))
            .and_then(|()| field_is(fields, "Content-Type", "text/plain", "the response"))
            .and_then(|()| field_is(fields, "X-Kept", &kept, "the response"))
            .and_then(|()| field_is(fields, "X-Renewed", &new, "the response"))
            .and_then(|()| {
                let count = fields.count("X-Renewed");
                ensure(count == 1, "one X-Renewed", format!("{count} of them"))
            })
            .note(how)
            .by_hand(by_hand(&request))?;
    }
    Ok(())
}

fn changed(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let half = |body: &str| body[..body.len() / 2].to_owned();
    for longer in [false, true] {
        let request = cached.page(t).0;
        let (mut old, mut new) = (Version::new(t), Version::new(t));
        match longer {
            true => old.body = half(&old.body),
            false => new.body = half(&new.body),
        }
        let no_cache = old.whole().field("Cache-Control", "no-cache").field("X-Old", "yes");
        stale(t, &cached, &request, &no_cache, CONDITIONS, WHY)?;
        cached.answers(&new.whole().max_age(600));
        let (_, response) = cached.asked(t, &request, WHY)?;
        same_body(&response, new.body.as_bytes(), &request)?;
        let why = "the origin has answered the question with a new 200, and `max-age=600`";
        let response = cached.hit(t, &request, why)?;
        same_body(&response, new.body.as_bytes(), &request)
            .and_then(|()| field_is(&response.head.fields, "ETag", &new.tag, "the response"))
            .and_then(|()| {
                let old = response.head.fields.has("X-Old");
                ensure(!old, "the fields of the new response alone", "`X-Old`, of the old one")
            })
            .note("this is the answer from the cache, after a new 200 has replaced the old one")?;
    }
    Ok(())
}

fn freshens(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    for (what, before, after) in [
        (
            "`Cache-Control: max-age=600`",
            ("Cache-Control", "no-cache".to_owned()),
            ("Cache-Control", "max-age=600".to_owned()),
        ),
        ("`Expires` 600 s from now", ("Expires", date(-600)), ("Expires", date(600))),
    ] {
        let request = cached.page(t).0;
        let version = Version::new(t);
        let whole = version.whole().field(before.0, before.1);
        cached.validates(&whole, &version.not_modified().field(after.0, after.1));
        cached.asked(t, &request, "it has not been asked for this before")?;
        cached.validated(t, &request, CONDITIONS, "it is stored with validators, and not fresh")?;
        let response = cached.hit(t, &request, &format!("the origin's 304 had {what}"))?;
        expect_status(&response, 200)?;
        same_body(&response, version.body.as_bytes(), &request)?;
    }
    Ok(())
}

fn client_304(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let request = cached.page(t).0;
    let version = Version::new(t);
    let (whole, not_modified) = (version.whole().max_age(600), version.not_modified().max_age(600));
    cached.store(t, &request, &whole)?;
    let (tag, modified) = (&version.tag, &version.modified);
    let (other, earlier) = (format!("\"{}\"", word(t)), date(-1001 * DAY));
    let (both, list) = (format!("{other}, {tag}"), format!("{other}, \"{}\"", word(t)));
    for (conditions, has_it) in [
        (&[("If-None-Match", tag)][..], true),
        (&[("If-None-Match", &both)], true),
        (&[("If-Modified-Since", modified)], true),
        (&[("If-None-Match", &other)], false),
        (&[("If-None-Match", &list)], false),
        (&[("If-Modified-Since", &earlier)], false),
        (&[("If-None-Match", &other), ("If-Modified-Since", modified)], false),
    ] {
        // Who forwards such a request has to get the right answer as well.
        cached.answers(if has_it { &not_modified } else { &whole });
        let conditional = conditions
            .iter()
            .fold(request.clone(), |request, (name, value)| request.field(name, value.as_bytes()));
        let response = ask(t, &cached.proxy, &conditional)?;
        let asked = conditions.iter().map(|(name, value)| format!("`{name}: {value}`"));
        let asked = asked.collect::<Vec<_>>().join(" and ");
        let stored = format!("stored are `ETag: {tag}` and `Last-Modified: {modified}`");
        expect_version(&response, has_it, &version, &request)
            .note(format!("the client asked with {asked}; {stored}"))?;
    }
    let response = cached.still_hit(t, &request, "it is fresh")?;
    expect_version(&response, false, &version, &request)
        .note("a client without a condition, after others with one")
}

/// The whole, or where the client has it a 304.
fn expect_version(response: &Response, has_it: bool, version: &Version, request: &Request) -> Verdict {
    match (has_it, response.head.status) {
        (true, 304) => Ok(()),
        (true, _) => {
            expect_status_in(response, &[304, 200])?;
            same_body(response, version.body.as_bytes(), request)
        }
        (false, 304) => Err(Failure::new("status 200 and the whole body", "status 304").into()),
        (false, _) => {
            expect_status(response, 200)?;
            same_body(response, version.body.as_bytes(), request)
        }
    }
}

fn client_cold(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    for field in CONDITIONS {
        let request = cached.page(t).0;
        let version = Version::new(t);
        cached.validates(&version.whole().max_age(600), &version.not_modified().max_age(600));
        let value = if *field == "If-None-Match" { &version.tag } else { &version.modified };
        let conditional = request.clone().field(field, value.as_bytes());
        let (_, response) = cached.asked(t, &conditional, "it has not been asked for this before")?;
        expect_version(&response, true, &version, &request)
            .note(format!("the client asked with `{field}: {value}`, and nothing was stored"))?;
        let response = ask(t, &cached.proxy, &request)?;
        expect_version(&response, false, &version, &request).note(format!(
            "this client asked for the page without a condition; one before had asked with `{field}`"
        ))?;
    }
    Ok(())
}
