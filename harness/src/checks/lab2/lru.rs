//! Stage 9: a cache of a given size, which forgets first what has not been used for longest.

use super::cached::{CONDITIONS, Cached};
use super::pages::{same_body, text, word};
use super::reply::{Reply, date};
use super::session::ask;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::Request;
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict, ensure, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "cache.lru.bytes",
        title: "the bodies in the cache are never more than --cache-bytes, and not much less",
        lab: Lab::Lab2,
        stage: 9,
        tier: Tier::Core,
        points: 2,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "Memory is finite, the Web is not. What counts is the octets, not the number of pages: when a new one does \
              not fit, others go until it does, and what they took is free again.",
        peers: "Of 167 objects of 100 kB, which 16 MiB hold, squid keeps 159; Apache's disk cache has no bound of its own.",
        hints: &[
            "Keep the sum of the bodies' lengths beside the map: add on insertion, subtract on eviction.",
            "Before an insertion: while sum + new > limit, drop the one that is last in the list.",
        ],
        run: bytes,
    },
    Check {
        id: "cache.lru.use",
        title: "what has been used lately stays: of A B C A D, B goes",
        lab: Lab::Lab2,
        stage: 9,
        tier: Tier::Core,
        points: 2,
        role: Role::Proxy,
        needs: &["cache.lru.bytes"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "A page that is asked for again and again should stay, however long ago it was first stored. So each use \
              puts an entry at the front of the list, and what goes is taken from its end.",
        peers: "squid calls it `memory_replacement_policy lru`.",
        hints: &[
            "A hit changes the order: look-up needs `&mut`.",
            "Unlink the entry from where it is in the list, and link it in at the front. Mind one that is there already.",
            "A use is also when the origin has answered 304 for it.",
        ],
        run: by_use,
    },
    Check {
        id: "cache.lru.not-lfu",
        title: "what was used often, but long ago, goes: of A A A B C D, A goes",
        lab: Lab::Lab2,
        stage: 9,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.lru.bytes"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "The contract asks for least recently used, not least frequently: yesterday's favourite must not take up \
              room for ever.",
        peers: "squid calls that one `heap LFUDA`.",
        hints: &["No counter of uses: the place in the list says it all."],
        run: not_lfu,
    },
    Check {
        id: "cache.lru.update",
        title: "a new version takes the place of the old one, and gives back its octets",
        lab: Lab::Lab2,
        stage: 9,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "One target, one entry. A page that changes all the time would else push out all others: by old versions \
              that still lie in the list, or by octets that are counted though they are gone.",
        peers: "",
        hints: &[
            "What does your insertion do when the key is there already?",
            "Remove first (list, map and sum), then insert.",
        ],
        run: update,
    },
    Check {
        id: "cache.lru.object",
        title: "a body of --max-object-bytes is stored, one octet more is not",
        lab: Lab::Lab2,
        stage: 9,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "A large download used once would push out a thousand pages. Where there is no Content-Length, how large a \
              body is shows only on the way: it is passed on whole, and what was kept of it is dropped.",
        peers: "Apache passes; squid counts the head as well.",
        hints: &[
            "`<=`, and it is the body that is measured: not the head, nor the chunks' size lines.",
            "Copy while you pass on, until the copy would exceed the limit; then drop the copy, and go on passing on.",
        ],
        run: object,
    },
    Check {
        id: "cache.lru.one",
        title: "a cache with room for one page works",
        lab: Lab::Lab2,
        stage: 9,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["cache.lru.bytes"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "A list of one entry is first and last at once: where links go wrong, they go wrong here. And what is larger \
              than the whole cache fits never, however much is thrown out for it.",
        peers: "",
        hints: &[
            "Draw the list with one entry, remove it, insert another: where do head and tail point?",
            "Is the new one larger than the limit? Then do not begin to evict.",
        ],
        run: one,
    },
];

/// Octets of a page's body where pages are of one size.
const PAGE: usize = 60_000;

/// A proxy whose cache has room for so many pages, though it were to keep but 80 % of what fits and to count a KiB for
/// each head; and none for one more.
fn with_room_for(t: &mut Trial, pages: usize) -> Verdict<Cached> {
    let octets = pages * PAGE + PAGE * 9 / 10;
    Cached::start(t, &["--cache-bytes", &octets.to_string(), "--max-object-bytes", "200000"])
}

/// A page with a name for what is said of it.
struct Page {
    name: &'static str,
    request: Request,
    body: Vec<u8>,
}

impl Page {
    fn new(t: &mut Trial, cached: &Cached, name: &'static str, octets: usize) -> Page {
        let (request, words) = cached.page(t);
        let body = format!("{words}\n").into_bytes().into_iter().cycle().take(octets).collect();
        Page { name, request, body }
    }

    fn four(t: &mut Trial, cached: &Cached) -> [Page; 4] {
        ["A", "B", "C", "D"].map(|name| Page::new(t, cached, name, PAGE))
    }

    fn reply(&self) -> Reply {
        Reply::ok(&self.body).max_age(600)
    }

    fn store(&self, t: &Trial, cached: &Cached) -> Verdict {
        t.step(format!("page {}, of {} octets, is stored", self.name, self.body.len()));
        let stored = cached.store(t, &self.request, &self.reply());
        stored.note(format!("this is page {}, of {} octets", self.name, self.body.len())).map(drop)
    }

    /// Comes from the cache, whole.
    fn is_kept(&self, t: &Trial, cached: &Cached, why: &str) -> Verdict {
        cached.answers(&self.reply());
        let response = cached.still_hit(t, &self.request, &format!("page {}; {why}", self.name))?;
        same_body(&response, &self.body, &self.request)
    }

    /// Comes from the origin, and is thereby stored again.
    fn is_gone(&self, t: &Trial, cached: &Cached, why: &str) -> Verdict {
        cached.answers(&self.reply());
        cached.asked(t, &self.request, &format!("page {} is not stored any more; {why}", self.name)).map(drop)
    }
}

/// What the pages of [`bytes`] may take in the cache.
const ROOM: usize = 60_000;

/// Large pages, then small ones: who counts pages instead of octets keeps too much of the former or too little of the
/// latter.
fn bytes(t: &mut Trial) -> Verdict {
    let cached = Cached::start(t, &["--cache-bytes", &ROOM.to_string(), "--max-object-bytes", "20000"])?;
    let mut pages = Vec::new();
    for (count, sizes) in [(16, 8_000..=9_000), (48, 2_000..=3_500)] {
        let largest = *sizes.end();
        for _ in 0..count {
            let octets = t.rng.usize(sizes.clone());
            let page = Page::new(t, &cached, "", octets);
            cached.answers(&page.reply());
            cached.asked(t, &page.request, "it has not been asked for this before")?;
            pages.push(page);
        }
        let through: usize = pages.iter().map(|page| page.body.len()).sum();
        let story = format!(
            "{} pages, {through} octets in all, have gone through a cache of {ROOM} octets; the last {count} had at \
             most {largest} each",
            pages.len()
        );
        t.step(&story);
        right_amount(t, &cached, &pages, largest).note(story)?;
    }
    Ok(())
}

/// Fails unless what is stored of these pages, asked for in this order, is as much as fits and no more.
fn right_amount(t: &Trial, cached: &Cached, pages: &[Page], largest: usize) -> Verdict {
    if let Some(last) = pages.last() {
        cached.hit(t, &last.request, "no other page has been asked for since")?;
    }
    // What is asked for now and not stored is not stored by that either: what is there can be counted.
    cached.answers(&Reply::ok("gone").field("Cache-Control", "no-store"));
    let mut kept = Vec::new();
    for page in pages {
        let before = cached.origin.asked();
        let response = ask(t, &cached.proxy, &page.request)?;
        if cached.origin.asked() == before {
            same_body(&response, &page.body, &page.request)?;
            kept.push(page.body.len());
        }
    }
    let stored: usize = kept.iter().sum();
    let seen = format!("{} of them, {stored} octets in all", kept.len());
    ensure(stored <= ROOM, format!("at most {ROOM} octets of bodies are stored"), &seen)?;

    let mut room = ROOM;
    let fit = pages.iter().rev().map(|page| page.body.len()).take_while(|octets| {
        let with_head = octets + 1024;
        let fits = with_head <= room;
        room = room.saturating_sub(with_head);
        fits
    });
    // Up to the limit there may be room left for nearly a page.
    let least = fit.sum::<usize>() * 4 / 5 - largest;
    ensure(stored >= least, format!("at least {least} octets of bodies are stored"), seen)
        .note("the pages asked for last are stored, as many as fit, but for a fifth at most")
}

fn by_use(t: &mut Trial) -> Verdict {
    let cached = with_room_for(t, 3)?;
    let [a, b, c, d] = Page::four(t, &cached);
    for page in [&a, &b, &c] {
        page.store(t, &cached)?;
    }
    a.is_kept(t, &cached, "three pages fit, and no more have been stored")?;
    d.store(t, &cached)?;
    let why = "three pages fit; asked for were A, B, C, A again, then D";
    for page in [&a, &c, &d] {
        page.is_kept(t, &cached, why)?;
    }
    b.is_gone(t, &cached, why)?;
    a_304_is_a_use(t)
}

fn a_304_is_a_use(t: &mut Trial) -> Verdict {
    let cached = with_room_for(t, 3)?;
    let [a, b, c, d] = Page::four(t, &cached);
    let (tag, modified) = (format!("\"{}\"", word(t)), date(-100_000));
    let named = |reply: Reply| {
        reply.field("Cache-Control", "no-cache").field("ETag", &tag).field("Last-Modified", &modified)
    };
    let ask_about_a = |t: &Trial| -> Verdict<bool> {
        cached.validates(&named(Reply::ok(&a.body)), &named(Reply::not_modified()));
        let (received, _) = cached.asked(t, &a.request, "it came with `no-cache`")?;
        Ok(CONDITIONS.iter().any(|field| received.head.fields.has(field)))
    };
    ask_about_a(t)?;
    if !ask_about_a(t)? {
        return Ok(()); // That is what cache.validate.* are about.
    }
    for page in [&b, &c] {
        page.store(t, &cached)?;
    }
    ask_about_a(t)?;
    d.store(t, &cached)?;
    let why = "three pages fit; asked for were A, B, C, A again (to which the origin said 304), then D";
    if !ask_about_a(t)? {
        return fail(
            format!("the origin is asked on a condition: page A is stored; {why}"),
            "it was asked without one: page A is gone",
        );
    }
    b.is_gone(t, &cached, why)
}

fn not_lfu(t: &mut Trial) -> Verdict {
    let cached = with_room_for(t, 3)?;
    let [a, b, c, d] = Page::four(t, &cached);
    a.store(t, &cached)?;
    for _ in 0..10 {
        a.is_kept(t, &cached, "it is the only one")?;
    }
    for page in [&b, &c, &d] {
        page.store(t, &cached)?;
    }
    let why = "three pages fit; A was asked for a dozen times, after that B, C and D";
    for page in [&b, &c, &d] {
        page.is_kept(t, &cached, why)?;
    }
    a.is_gone(t, &cached, why)
}

fn update(t: &mut Trial) -> Verdict {
    let cached = with_room_for(t, 3)?;
    let [mut a, b, c, d] = Page::four(t, &cached);
    for page in [&b, &c] {
        page.store(t, &cached)?;
    }
    let versioned = |t: &mut Trial, body: &[u8]| Reply::ok(body).field("ETag", format!("\"{}\"", word(t)));
    for _ in 0..5 {
        let changing = versioned(t, &a.body).field("Cache-Control", "no-cache");
        cached.answers(&changing);
        cached.asked(t, &a.request, "page A came with `no-cache`")?;
        a.body.rotate_left(1);
    }
    let why = "three pages fit; after B and C only A was asked for, five times, always with a new version";
    for page in [&b, &c] {
        page.is_kept(t, &cached, why)?;
    }

    let cached = with_room_for(t, 3)?;
    let large = [&a.body[..], &a.body[..]].concat();
    a.request = cached.page(t).0;
    cached.answers(&versioned(t, &large).field("Cache-Control", "no-cache"));
    cached.asked(t, &a.request, "page A came with `no-cache`")?;
    let elsewhere = |page: Page, t: &mut Trial| Page { request: cached.page(t).0, ..page };
    let [b, c, d] = [b, c, d].map(|page| elsewhere(page, t));
    b.store(t, &cached)?;
    a.body = text(t).into_bytes();
    cached.answers(&versioned(t, &a.body).max_age(600));
    cached.asked(t, &a.request, "page A came with `no-cache`")?;
    cached.hit(t, &a.request, "the second version of page A came with `max-age=600`")?;
    for page in [&c, &d] {
        page.store(t, &cached)?;
    }
    let why =
        "three pages and a bit fit; A was as large as two, and is now tiny: B, C and D are all the others";
    for page in [&a, &b, &c, &d] {
        page.is_kept(t, &cached, why)?;
    }
    Ok(())
}

fn object(t: &mut Trial) -> Verdict {
    let limit = t.rng.usize(5_000..9_000);
    let cached = Cached::start(t, &["--max-object-bytes", &limit.to_string()])?;
    let mut fitting = Vec::new();
    for chunked in [false, true] {
        let framed = |reply: Reply| if chunked { reply.chunked(&[limit / 3]) } else { reply };
        let how = if chunked { "chunked" } else { "with Content-Length" };
        let page = Page::new(t, &cached, "A", limit);
        let stored = cached.store(t, &page.request, &framed(page.reply()));
        let stored =
            stored.note(format!("it came {how}, and has {limit} octets, as --max-object-bytes has"))?;
        same_body(&stored, &page.body, &page.request)?;
        fitting.push(page);
        for more in [1, 5 * limit] {
            let page = Page::new(t, &cached, "B", limit + more);
            cached.answers(&framed(page.reply()));
            let why =
                format!("its body, {how}, has {} octets, and --max-object-bytes is {limit}", limit + more);
            for _ in 0..3 {
                let (_, response) = cached.asked(t, &page.request, &why)?;
                same_body(&response, &page.body, &page.request).note(&why)?;
            }
        }
    }
    for page in fitting {
        page.is_kept(t, &cached, "others were too large to be stored, and take nobody's place")?;
    }
    Ok(())
}

fn one(t: &mut Trial) -> Verdict {
    let cached = with_room_for(t, 1)?;
    let [a, b, ..] = Page::four(t, &cached);
    a.store(t, &cached)?;
    for (page, other) in [(&b, &a), (&a, &b), (&b, &a), (&a, &b)] {
        cached.answers(&page.reply());
        let why = format!("one page fits, and {} was asked for since {}", other.name, page.name);
        cached.asked(t, &page.request, &why)?;
        let stored =
            cached.hit(t, &page.request, &format!("one page fits, and {} is the last", page.name))?;
        same_body(&stored, &page.body, &page.request)?;
    }
    let large = Page::new(t, &cached, "C", 3 * PAGE);
    cached.answers(&large.reply());
    for _ in 0..2 {
        let (_, response) = cached.asked(t, &large.request, "its body is larger than --cache-bytes")?;
        same_body(&response, &large.body, &large.request)?;
    }
    a.is_kept(t, &cached, "what came after it is larger than the whole cache, and takes nobody's place")?;
    cached.answers(&b.reply());
    let why = "one page fits, and B is the last, after one that is larger than the whole cache";
    let stored = cached.hit(t, &b.request, why)?;
    same_body(&stored, &b.body, &b.request)
}
