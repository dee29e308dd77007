//! Stage 10: Vary, invalidation, authorization, ranges, the letter of Cache-Control, and many clients at once.

use std::net::SocketAddr;
use std::thread;
use std::time::Instant;

use super::cache::expect_age;
use super::cached::{CONDITIONS, Cached, until_stored};
use super::cases::Line::Is;
use super::cases::{Case, asked, reused, try_all};
use super::pages::{fresh_path, same_body, text, word};
use super::reply::{Reply, date};
use super::session::{ask, by_hand, field_is, get, start, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status, expect_status_in};
use crate::fake::origin::{Act, Origin};
use crate::scene::Scene;
use crate::trial::Trial;
use crate::verdict::{Explain, Fault, Verdict};
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "cache.vary",
        title: "a response answers only requests that agree in the fields its Vary names",
        lab: Lab::Lab2,
        stage: 10,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §4.1",
        why: "One target may have several pages, chosen by what the client asks for beside it. `Vary` names the fields \
              by which the origin chose; `*` says that no cache can know.",
        peers: "squid and Apache pass.",
        hints: &[
            "Keep with each response the request's values of the fields that its `Vary` names, and compare them.",
            "A field that is missing differs from one that is there. Field names are the same in any case.",
        ],
        run: vary,
    },
    Check {
        id: "cache.invalidate",
        title: "after a POST, PUT or DELETE that went well the target is asked for anew",
        lab: Lab::Lab2,
        stage: 10,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §4.4",
        why: "What a client has changed it wants to see changed. A method that is not safe, with an answer that is no \
              error, makes the stored page of that target worthless.",
        peers: "squid passes; Apache does not take a 3xx for success, nginx and Varnish keep the old page.",
        hints: &["When a 2xx or 3xx answers anything but GET, HEAD, OPTIONS or TRACE: forget the target."],
        run: invalidate,
    },
    Check {
        id: "cache.authorization",
        title: "the response to a request with Authorization is not for others",
        lab: Lab::Lab2,
        stage: 10,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §3.5",
        why: "Who has shown a password may get a page that others must not see. A shared cache keeps it only where the \
              response says `public`, `must-revalidate` or `s-maxage`.",
        peers: "squid and Apache pass; nginx gives it to everyone.",
        hints: &[
            "Does the request have an `Authorization`? Then do not store, unless one of the three is there.",
        ],
        run: authorization,
    },
    Check {
        id: "cache.partial",
        title: "a part is never given for the whole",
        lab: Lab::Lab2,
        stage: 10,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §3.3, §3",
        why: "A 206 holds some octets of a page, fresh or not. Who asks for the page must get all of it; who asks for a \
              part gets the right one, or the whole.",
        peers: "squid and Apache pass.",
        hints: &[
            "Do not store a 206 (putting parts together is allowed, and not worth it).",
            "With a `Range`, forward the request; or answer 200 with the stored whole.",
        ],
        run: partial,
    },
    Check {
        id: "cache.directives",
        title: "Cache-Control is read by its grammar",
        lab: Lab::Lab2,
        stage: 10,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9111 §5.2, §1.2.2; RFC 9110 §5.6.1",
        why: "It is a list of names, some with a value: names in any case, blanks and empty members around commas, \
              several lines, values that may be quoted, names nobody knows, numbers too large for you.",
        peers: "To squid 5 and to Apache a number too large is none; squid knows names in small letters alone.",
        hints: &[
            "Do you search the text for `no-store`? `x-no-store` has it too.",
            "A comma inside a quoted string separates nothing.",
            "`99999999999999999999` s is a long time, not none: count it as 2147483648.",
        ],
        run: |t| try_all(t, DIRECTIVES),
    },
    Check {
        id: "cache.age-given",
        title: "the Age that a response comes with counts",
        lab: Lab::Lab2,
        stage: 10,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.age"],
        basis: Basis::Must,
        clause: "RFC 9111 §4.2.3",
        why: "It may come from another cache, where it has already lain for a while. Each cache adds its own time, or a \
              page that is fresh for a minute would be so for a minute in each of them.",
        peers: "squid and Apache pass.",
        hints: &["Age on arrival: the larger of what Age says and of now − Date."],
        run: age_given,
    },
    Check {
        id: "cache.crowd",
        title: "many clients at once: everyone gets the page it asked for",
        lab: Lab::Lab2,
        stage: 10,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "Threads look up, store and evict at the same time. What one of them holds may be evicted by another \
              meanwhile; a place in memory may by then hold another page.",
        peers: "squid and Apache pass.",
        hints: &[
            "Map, list and sum change together: one lock around all three, held for no longer than that.",
            "Take the body out of the lock as an `Arc<[u8]>`: eviction then leaves it alone until it has been sent.",
        ],
        run: crowd,
    },
];

fn vary(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    for vary in [&["Accept-Language"][..], &["x-other, accept-language"], &["X-Other", "Accept-Language"]] {
        let (plain, _) = cached.page(t);
        let pages = ["en", "fr"]
            .map(|language| (language, plain.clone().field("Accept-Language", language), text(t)));
        let reply = |body: &String| {
            vary.iter().fold(Reply::ok(body).max_age(600), |reply, line| reply.field("Vary", *line))
        };
        let lines = vary.iter().map(|line| format!("`Vary: {line}`")).collect::<Vec<_>>().join(" and ");
        let note = |language: &str| {
            format!("the client asked for `{language}`; responses to others came with {lines}")
        };
        for (language, request, body) in &pages {
            cached.answers(&reply(body));
            let why = format!("nobody has asked for `{language}` before, and there is {lines}");
            cached.asked(t, request, &why)?;
            let response = cached.hit(t, request, &format!("`{language}` has been asked for before"))?;
            same_body(&response, body.as_bytes(), request).note(note(language))?;
        }
        let (language, request, body) = &pages[0];
        cached.answers(&reply(body));
        let response = ask(t, &cached.proxy, request)?;
        same_body(&response, body.as_bytes(), request).note(note(language))?;
        let neither = text(t);
        cached.answers(&reply(&neither));
        let why = format!("it has no Accept-Language, others had one, and there is {lines}");
        let (_, response) = cached.asked(t, &plain, &why)?;
        same_body(&response, neither.as_bytes(), &plain)?;
    }
    validated_for_one(t, &cached)?;
    try_all(t, VARY_ANYTHING)
}

/// What a 304 says of one variant makes another one neither fresh nor its own.
fn validated_for_one(t: &mut Trial, cached: &Cached) -> Verdict {
    let (plain, _) = cached.page(t);
    let modified = date(-100_000);
    let named = |reply: Reply| reply.field("Vary", "Accept-Language").field("Last-Modified", &modified);
    let stale = |body: &str| named(Reply::ok(body)).field("Cache-Control", "no-cache");
    let [english, french] = ["en", "fr"].map(|language| plain.clone().field("Accept-Language", language));
    let [en, fr] = [text(t), text(t)];
    cached.validates(&stale(&en), &named(Reply::not_modified()).max_age(600));
    cached.asked(t, &english, "it has not been asked for this before")?;
    let validated = until_stored(t, || {
        let (received, _) = cached.asked(t, &english, "it came with `no-cache`")?;
        Ok(CONDITIONS.iter().any(|field| received.head.fields.has(field)).then_some(()))
    })?;
    if validated.is_none() {
        return Ok(()); // That is what cache.validate.* are about.
    }
    cached.answers(&stale(&fr));
    let note = "the answer to `en` has been validated, and is fresh again; this client asked for `fr`";
    let (_, response) = cached.asked(t, &french, "nobody has asked for `fr` before")?;
    same_body(&response, fr.as_bytes(), &french).note(note)
}

const VARY_ANYTHING: &[Case] = &[
    asked(&[Is("Cache-Control", "max-age=600"), Is("Vary", "*")]),
    asked(&[Is("Cache-Control", "max-age=600"), Is("Vary", "X-Other, *")]),
];

fn invalidate(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    for (method, reply) in [
        ("POST", Reply::ok("done")),
        ("PUT", Reply::new(204).own_framing()),
        ("DELETE", Reply::new(303).field("Location", "/")),
    ] {
        let (request, old) = cached.page(t);
        // Whatever is stored for the target: here one variant of it.
        let request = request.field("Accept-Language", "en");
        cached.store(t, &request, &Reply::ok(old).max_age(600).field("Vary", "Accept-Language"))?;
        cached.answers(&reply);
        let path = String::from_utf8_lossy(request.target()).into_owned();
        let path = path.trim_start_matches(&cached.origin.url("")).to_owned();
        let change = to(&cached.origin, method, &path).field("Content-Length", "3").body("new");
        cached.asked(t, &change, &format!("{method} is never answered from the cache"))?;
        let new = text(t);
        cached.answers(&Reply::ok(&new).max_age(600));
        cached.asked_soon(t, &request, &format!("a {method} has changed it meanwhile"))?;
        let response = cached.hit(t, &request, "it has been fetched anew, and is fresh")?;
        same_body(&response, new.as_bytes(), &request)?;
    }
    Ok(())
}

fn authorization(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let (plain, body) = cached.page(t);
    cached.answers(&Reply::ok(&body).max_age(600));
    let (ours, theirs) = (format!("Basic {}", word(t)), format!("Basic {}", word(t)));
    let (ours, theirs) =
        (plain.clone().field("Authorization", ours), plain.clone().field("Authorization", theirs));
    cached.asked(t, &ours, "it has not been asked for this before")?;
    cached.asked(t, &theirs, "the request before had another Authorization")?;
    cached.asked(t, &ours, "the requests before had an Authorization")?;
    cached.asked(t, &plain, "the requests before had an Authorization, and this one has none")?;
    Ok(())
}

fn partial(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let (plain, body) = cached.page(t);
    let tag = format!("\"{}\"", word(t));
    let named = |reply: Reply| reply.max_age(600).field("ETag", &tag);
    let ranged = plain.clone().field("Range", "bytes=0-9");
    let range = format!("bytes 0-9/{}", body.len());
    let part = named(Reply::new(206).body(&body[..10])).field("Content-Range", &range);
    let whole = named(Reply::ok(&body));
    cached.origin.now([Act::IfAsked(&["Range"], part.script(), whole.script())]);
    let expect_part = |response: &Response| {
        expect_status_in(response, &[206, 200]).by_hand(by_hand(&ranged))?;
        let note = "the client asked for `Range: bytes=0-9`";
        if response.head.status == 200 {
            return same_body(response, body.as_bytes(), &ranged).note(note);
        }
        field_is(&response.head.fields, "Content-Range", &range, "the response").note(note)?;
        same_body(response, &body.as_bytes()[..10], &ranged).note(note)
    };
    let expect_whole = |response: &Response| {
        expect_status(response, 200)?;
        same_body(response, body.as_bytes(), &plain)
            .note("the client asked for the whole; one before had asked for `Range: bytes=0-9`")
    };
    let (_, response) = cached.asked(t, &ranged, "it has not been asked for this before")?;
    expect_part(&response)?;
    expect_whole(&ask(t, &cached.proxy, &plain)?)?;
    expect_whole(&cached.hit(t, &plain, "it is fresh")?)?;
    expect_part(&ask(t, &cached.proxy, &ranged)?)?;
    expect_whole(&ask(t, &cached.proxy, &plain)?)
}

const DIRECTIVES: &[Case] = &[
    reused(&[Is("Cache-Control", "MAX-AGE=600")]),
    reused(&[Is("Cache-Control", "foo ,\t max-age=600\t , bar=1")]),
    reused(&[Is("Cache-Control", ",, max-age=600,")]),
    reused(&[Is("Cache-Control", "foo"), Is("Cache-Control", "max-age=600")]),
    reused(&[Is("Cache-Control", "max-age=600, x-no-store, no-storage, xprivate, no-cached")]),
    reused(&[Is("Cache-Control", "x=\"a, no-store, private, b\", max-age=600")]),
    reused(&[Is("Cache-Control", "max-age=99999999999999999999")]),
    asked(&[Is("Cache-Control", "x-max-age=600")]),
    asked(&[Is("Cache-Control", "x=\"a, max-age=600, b\"")]),
];

const AGES: &[Case] = &[
    asked(&[Is("Cache-Control", "max-age=60"), Is("Age", "100")]),
    reused(&[Is("Cache-Control", "max-age=600"), Is("Age", "100")]),
];

fn age_given(t: &mut Trial) -> Verdict {
    try_all(t, AGES)?;
    let cached = Cached::share(t)?;
    for (age, born, truth) in [(100, 0, 100), (100, -50, 100), (50, -100, 100)] {
        let (request, body) = cached.page(t);
        let began = Instant::now();
        let reply = Reply::ok(body).without_date().field("Date", date(born)).max_age(600);
        let hit = cached.store(t, &request, &reply.field("Age", age.to_string()))?;
        expect_age(&hit, truth, began, &format!("that came with `Age: {age}` and a Date {} s ago", -born))?;
    }
    Ok(())
}

/// A page at an origin of its own.
struct Own {
    request: Request,
    body: Vec<u8>,
    /// Kept for as long as the page is asked for.
    _origin: Origin,
}

impl Own {
    fn new(t: &mut Trial, octets: usize) -> Verdict<Own> {
        let body: Vec<u8> = text(t).into_bytes().into_iter().cycle().take(octets).collect();
        let origin = Origin::builder().answer(Reply::ok(&body).max_age(600).script()).start(t.scene())?;
        Ok(Own { request: get(&origin, &fresh_path(t)), body, _origin: origin })
    }

    fn is_right(&self, scene: &Scene, proxy: SocketAddr) -> Verdict {
        let response = Conn::open(scene, proxy)?.ask(&self.request)?;
        expect_status(&response, 200)?;
        same_body(&response, &self.body, &self.request)
    }
}

const CLIENTS: usize = 8;
const GETS: usize = 15;

fn crowd(t: &mut Trial) -> Verdict {
    let proxy = start(t, &["--cache-bytes", "78000", "--max-object-bytes", "25000"])?;
    let pages = (0..6).map(|at| Own::new(t, 18_000 + 500 * at)).collect::<Verdict<Vec<Own>>>()?;
    let cold = Own::new(t, 20_000)?;
    let orders: Vec<Vec<usize>> =
        (0..CLIENTS).map(|_| (0..GETS).map(|_| t.rng.usize(..pages.len())).collect()).collect();
    let scene = t.scene();
    at_once(
        orders
            .iter()
            .map(|order| || order.iter().try_for_each(|&page| pages[page].is_right(scene, proxy.addr))),
    )
    .note(format!("{CLIENTS} clients at once asked for six pages, of which three fit into the cache"))?;

    at_once((0..20).map(|_| || cold.is_right(scene, proxy.addr)))
        .note("20 clients at once asked for a page that was not stored")
}

/// The first fault of these, each on a thread of its own.
fn at_once<F: FnOnce() -> Verdict + Send>(clients: impl Iterator<Item = F>) -> Verdict {
    thread::scope(|scope| {
        let threads: Vec<_> = clients.map(|client| scope.spawn(client)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(Fault::Broken("a client's thread panicked".to_owned())))
        })
    })
}
