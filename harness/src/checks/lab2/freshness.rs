//! Stage 7, the second half: what may be stored, and for how long it may be used.

use super::cached::Cached;
use super::cases::Line::{In, Is};
use super::cases::{Case, DAY, Line, asked, reused, try_all};
use super::pages::{same_body, word};
use super::reply::{Reply, date};
use super::session::{ask, field_is};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::origin::Act;
use crate::trial::Trial;
use crate::verdict::{Explain, Fault, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "cache.no-store",
        title: "a response with no-store is not stored",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §5.2.2.5",
        why: "The origin forbids every copy, whatever `max-age` says beside it. `Cache-Control` is a list, in one line \
              or in several, and its names are the same in any case.",
        peers: "Apache passes; squid 5 knows the directive in small letters alone.",
        hints: &[
            "Split all `Cache-Control` lines at their commas, trim, and compare without regard to case.",
            "Does a second line of that name replace the first in your map of fields?",
        ],
        run: |t| try_all(t, NO_STORE),
    },
    Check {
        id: "cache.private",
        title: "a response with private is not stored",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §5.2.2.7",
        why: "Such a response is for one user; the user's own browser may keep it. A proxy is a shared cache: what it \
              keeps, everybody gets.",
        peers: "squid and Apache pass.",
        hints: &["`private` forbids you what `no-store` forbids everyone."],
        run: |t| try_all(t, PRIVATE),
    },
    Check {
        id: "cache.no-freshness",
        title: "what does not say how long it is fresh is asked for at each use",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "RFC 9111 would let a cache guess a lifetime from Last-Modified (§4.2.2); the contract does not. Ask each \
              time, on a condition if there is a validator.",
        peers: "squid and Apache guess, unless they are told not to.",
        hints: &["No `s-maxage`, no `max-age`, no `Expires`: the lifetime is 0 s."],
        run: |t| try_all(t, NO_FRESHNESS),
    },
    Check {
        id: "cache.expires",
        title: "Expires counts from Date; a past or an invalid one is none",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §4.2.1, §5.3",
        why: "The lifetime is `Expires` minus `Date`: both by the origin's clock, which may be wrong. Dates are moments, \
              to be compared as numbers; what is no date, `0` above all, is in the past.",
        peers: "squid and Apache pass.",
        hints: &[
            "Parse both, and subtract. As text, `Fri, 05 Feb` comes before `Wed, 03 Feb`.",
            "What does your date parser do with `0`? That must mean stale, not `no Expires` nor a crash.",
        ],
        run: expires,
    },
    Check {
        id: "cache.s-maxage",
        title: "s-maxage wins over max-age, and max-age over Expires",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §4.2.1, §5.2.2.10, §5.3",
        why: "`s-maxage` is for shared caches, and you are one; `max-age` is for all; `Expires` is what caches of \
              HTTP/1.0 understand. The first that is there counts, whether it says more or less.",
        peers: "squid and Apache pass.",
        hints: &[
            "Look for the three in that order, and take the first: not the smallest, nor the last in the line.",
        ],
        run: |t| try_all(t, S_MAXAGE),
    },
    Check {
        id: "cache.no-cache",
        title: "a response with no-cache is asked for at each use",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §5.2.2.4",
        why: "In spite of its name, `no-cache` allows storing: it forbids using the copy without asking the origin \
              first, however fresh it is.",
        peers: "squid and Apache pass.",
        hints: &["A stored `no-cache` response is as good as a stale one."],
        run: |t| try_all(t, NO_CACHE),
    },
    Check {
        id: "cache.broken",
        title: "a whole message is stored, in each framing; one that broke off is not",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §3.3; RFC 9112 §8",
        why: "One connection that broke at the wrong moment would give everyone half a page for as long as it is \
              fresh.",
        peers: "squid and Apache pass.",
        hints: &[
            "Store when the body's end has been seen, not when reading has ended.",
            "The body is octets: keep a `Vec<u8>`, and send the length of that. Keep the fields as well.",
            "Whole is: as many octets as Content-Length says; the last chunk and the empty line after it; a FIN where \
             neither is there. A read error never is.",
        ],
        run: broken,
    },
    Check {
        id: "cache.request-no-store",
        title: "the response to a request with no-store is not stored",
        lab: Lab::Lab2,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §5.2.1.5",
        why: "A client, too, can forbid the copy. It is the one directive of a request that binds a cache; the others \
              are wishes (§5.2.1).",
        peers: "squid and Apache pass.",
        hints: &["Read `Cache-Control` of the request as well, before you store."],
        run: request_no_store,
    },
];

const NO_STORE: &[Case] = &[
    asked(&[Is("Cache-Control", "no-store")]),
    asked(&[Is("Cache-Control", "no-store, max-age=600")]),
    asked(&[Is("Cache-Control", "max-age=600, No-Store")]),
    asked(&[Is("Cache-Control", "max-age=600,no-store")]),
    asked(&[Is("Cache-Control", "max-age=600"), Is("Cache-Control", "no-store")]),
    asked(&[Is("cache-control", "NO-STORE"), In("Expires", 600)]),
];

const PRIVATE: &[Case] = &[
    asked(&[Is("Cache-Control", "private, max-age=600")]),
    asked(&[Is("Cache-Control", "max-age=600, private")]),
    asked(&[Is("Cache-Control", "private"), In("Expires", 600)]),
];

const NO_FRESHNESS: &[Case] = &[
    asked(&[]),
    asked(&[In("Last-Modified", -100 * DAY)]),
    asked(&[Is("ETag", "\"a\"")]),
    asked(&[Is("Cache-Control", "public"), In("Last-Modified", -100 * DAY)]),
];

const EXPIRES: &[Case] = &[
    reused(&[In("Expires", 600)]),
    reused(&[In("Date", -100), In("Expires", 100)]),
    asked(&[In("Expires", -100)]),
    asked(&[In("Date", 1000), In("Expires", 500)]),
    asked(&[Is("Expires", "0")]),
    asked(&[Is("Expires", "-1")]),
    asked(&[Is("Expires", "tomorrow")]),
];

const S_MAXAGE: &[Case] = &[
    reused(&[Is("Cache-Control", "max-age=0, s-maxage=600")]),
    asked(&[Is("Cache-Control", "s-maxage=0, max-age=600")]),
    reused(&[Is("Cache-Control", "s-maxage=600, max-age=0")]),
    asked(&[Is("Cache-Control", "max-age=600, s-maxage=0")]),
    reused(&[Is("Cache-Control", "max-age=600"), In("Expires", -100)]),
    asked(&[Is("Cache-Control", "max-age=0"), In("Expires", 600)]),
    reused(&[Is("Cache-Control", "s-maxage=600"), Is("Expires", "0")]),
    asked(&[Is("Cache-Control", "s-maxage=0"), In("Expires", 600)]),
];

const NO_CACHE: &[Case] = &[
    asked(&[Is("Cache-Control", "no-cache, max-age=600")]),
    asked(&[Is("Cache-Control", "max-age=600, no-cache"), Is("ETag", "\"a\"")]),
];

/// The table, and dates whose order as text is the wrong one.
fn expires(t: &mut Trial) -> Verdict {
    let days = || (1..7).map(|day| day * DAY);
    let later: Vec<[Line; 1]> =
        days().find(|&days| date(days) < date(0)).map(|days| [In("Expires", days)]).into_iter().collect();
    let earlier: Vec<[Line; 1]> =
        days().find(|&days| date(-days) > date(0)).map(|days| [In("Expires", -days)]).into_iter().collect();
    let later = later.iter().map(|lines| reused(lines));
    let earlier = earlier.iter().map(|lines| asked(lines));
    let cases: Vec<Case> = EXPIRES.iter().copied().chain(later).chain(earlier).collect();
    try_all(t, &cases)
}

fn broken(t: &mut Trial) -> Verdict {
    let cached = Cached::start(t, &[])?;
    for (what, frame) in FRAMINGS {
        let (request, words) = cached.page(t);
        let (media, body) = (format!("text/{}", word(t)), [words.as_bytes(), NO_TEXT].concat());
        let (reply, end) = frame(Reply::ok(&body).field("Content-Type", &media).max_age(600));
        // All but the end of it, which the proxy reads before the connection ends.
        let octets = reply.octets();
        let cut = octets.len() - 5;
        cached.origin.now([Act::Pieces(octets[..cut].to_vec(), vec![cut - 1]), end]);
        match ask(t, &cached.proxy, &request) {
            Ok(_) | Err(Fault::Failed(_)) => {}
            Err(other) => return Err(other),
        }
        cached.answers(&reply);
        let why = format!("its last response, {what}, broke off before its end");
        let (_, response) = cached.asked(t, &request, &why)?;
        same_body(&response, &body, &request)?;
        let why = format!("it came {what}, to its end, with `max-age=600`");
        let response = cached.hit(t, &request, &why)?;
        same_body(&response, &body, &request)
            .and_then(|()| field_is(&response.head.fields, "Content-Type", &media, "the response"))
            .note(format!("this is the answer from the cache; from the origin it came {what}"))?;
    }
    Ok(())
}

/// What a body may hold that is a string of characters to nobody.
const NO_TEXT: &[u8] = b"\0\r\n\r\n\xff\xc3";

/// What is said of it, how it is framed, and what ends its connection too early.
type Framed = (&'static str, fn(Reply) -> (Reply, Act));

const FRAMINGS: [Framed; 3] = [
    ("with Content-Length", |reply| (reply, Act::Close)),
    ("chunked", |reply| (reply.chunked(&[20, 70]), Act::Close)),
    ("ended by a close", |reply| (reply.close_delimited(), Act::Reset)),
];

fn request_no_store(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let mut plain = Vec::new();
    for directives in ["no-store", "max-age=0, no-store"] {
        let (request, body) = cached.page(t);
        cached.answers(&Reply::ok(&body).max_age(600));
        let forbidding = request.clone().field("Cache-Control", directives);
        cached.asked(t, &forbidding, "it has not been asked for this before")?;
        plain.push((request, directives));
    }
    for (request, directives) in plain {
        let why = format!("the request before had `Cache-Control: {directives}`");
        cached.asked(t, &request, &why)?;
        cached.hit(t, &request, "the request before forbade nothing, and `max-age=600`")?;
    }
    Ok(())
}
