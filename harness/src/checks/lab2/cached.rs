//! A proxy with its cache and an origin behind it: whether the origin is asked shows what is stored.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::client::Request;
use crate::deadline::{Deadline, poll_until};
use crate::fake::origin::{Act, Origin};
use crate::trial::{Trial, Up};
use crate::verdict::{Failure, Verdict, fail};
use crate::wire::http::message::{self, Response};

use super::pages::{fresh_path, text};
use super::reply::Reply;
use super::session::{ask, by_hand, get, received, share, start};

/// The fields by which a GET asks for a response only if it is another than the one that is there.
pub const CONDITIONS: &[&str] = &["If-None-Match", "If-Modified-Since"];

/// How long after a response has been received the proxy may take to store it (contract, lab 2).
const STORING: Duration = Duration::from_secs(2);

pub struct Cached {
    pub proxy: Up,
    pub origin: Origin,
}

impl Cached {
    /// With the proxy's default sizes; others have used it before, though not these targets.
    pub fn share(t: &mut Trial) -> Verdict<Cached> {
        Cached::behind(t, share)
    }

    /// A fresh proxy with these options besides.
    pub fn start(t: &mut Trial, more: &[&str]) -> Verdict<Cached> {
        Cached::behind(t, |t| start(t, more))
    }

    fn behind(t: &mut Trial, proxy: impl FnOnce(&mut Trial) -> Verdict<Up>) -> Verdict<Cached> {
        let proxy = proxy(t)?;
        let origin = Origin::builder().start(t.scene())?;
        Ok(Cached { proxy, origin })
    }

    /// The same proxy with another origin.
    pub fn elsewhere(&self, t: &Trial) -> Verdict<Cached> {
        let origin = Origin::builder().start(t.scene())?;
        Ok(Cached { proxy: self.proxy.clone(), origin })
    }

    pub fn get(&self, path: &str) -> Request {
        get(&self.origin, path)
    }

    /// A GET for what nobody has asked for, and a text that may be its body.
    pub fn page(&self, t: &mut Trial) -> (Request, String) {
        (self.get(&fresh_path(t)), text(t))
    }

    /// What the origin answers from now on.
    pub fn answers(&self, reply: &Reply) {
        self.origin.now(reply.script());
    }

    /// What the origin answers from now on, and what it answers to who has a copy and asks whether that is still right.
    pub fn validates(&self, reply: &Reply, copy: &Reply) {
        self.origin.now([Act::IfAsked(CONDITIONS, copy.script(), reply.script())]);
    }

    /// Asks once; returns which requests came to the origin meanwhile, and the response.
    fn ask(&self, t: &Trial, request: &Request) -> Verdict<(Range<usize>, Response)> {
        let before = self.origin.asked();
        let response = ask(t, &self.proxy, request)?;
        Ok((before..self.origin.asked(), response))
    }

    /// Asks, and fails unless the origin was asked once for it. Returns what the origin saw, and the response.
    pub fn asked(&self, t: &Trial, request: &Request, why: &str) -> Verdict<(message::Request, Response)> {
        let (came, response) = self.ask(t, request)?;
        match came.len() {
            0 => Err(Failure::new(
                format!("the origin is asked: {why}"),
                "it was not: the answer came from the cache",
            )
            .by_hand(by_hand(request))
            .into()),
            1 => Ok((received(t, &self.origin, came.start)?, response)),
            times => fail("the origin is asked once", format!("it was asked {times} times for one request")),
        }
    }

    /// Asks until the answer comes from the cache, for 2 s at most (the response before may be stored a moment after
    /// its client has it), and fails unless it does. The origin's answer must meanwhile be the one that is stored.
    pub fn hit(&self, t: &Trial, request: &Request, why: &str) -> Verdict<Response> {
        let hit = until_stored(t, || {
            let (came, response) = self.ask(t, request)?;
            Ok(came.is_empty().then_some(response))
        })?;
        hit.ok_or_else(|| {
            let expected = format!("the answer comes from the cache: {why}");
            let failure = Failure::new(expected, "the origin was asked again, each time");
            failure.by_hand(by_hand(request)).into()
        })
    }

    /// Asks once, and fails unless the answer comes from the cache: for what has been a hit before.
    pub fn still_hit(&self, t: &Trial, request: &Request, why: &str) -> Verdict<Response> {
        let (came, response) = self.ask(t, request)?;
        if !came.is_empty() {
            return fail(
                format!("the answer comes from the cache, as before: {why}"),
                "the origin was asked again",
            );
        }
        Ok(response)
    }

    /// Stores what the origin answers by a first request, and sees it come from the cache.
    pub fn store(&self, t: &Trial, request: &Request, reply: &Reply) -> Verdict<Response> {
        self.answers(reply);
        self.asked(t, request, "it has not been asked for this before")?;
        self.hit(t, request, "it is fresh")
    }

    /// Asks until the origin is asked, for a second at most: by so much an age may be wrong (contract, lab 2).
    pub fn asked_soon(&self, t: &Trial, request: &Request, why: &str) -> Verdict {
        let deadline = Deadline::within(Duration::from_secs(1)).min(t.deadline());
        while !deadline.passed() {
            if !self.ask(t, request)?.0.is_empty() {
                return Ok(());
            }
            wait(deadline.earlier(Duration::from_millis(100)));
        }
        self.asked(t, request, why).map(drop)
    }

    /// Asks until the origin is asked with one of these fields, for 2 s at most, and fails unless it is: what is stored
    /// has a validator, and may not be used without asking. Returns what the origin saw, and the response.
    pub fn validated(
        &self,
        t: &Trial,
        request: &Request,
        fields: &[&str],
        why: &str,
    ) -> Verdict<(message::Request, Response)> {
        let validated = until_stored(t, || {
            let (received, response) = self.asked(t, request, why)?;
            let conditional = fields.iter().any(|field| received.head.fields.has(field));
            Ok(conditional.then_some((received, response)))
        })?;
        validated.ok_or_else(|| {
            let fields = fields.join(" or ");
            let expected = format!("the origin is asked with {fields}: {why}");
            let failure = Failure::new(expected, format!("it was asked, each time without {fields}"));
            failure.by_hand(by_hand(request)).into()
        })
    }
}

/// Tries until there is something, or a fault, or what came first must have been stored; ever more seldom, so that a
/// record of a failure can be read. What came in later attempts has then had as much time to be stored.
pub fn until_stored<T>(t: &Trial, mut attempt: impl FnMut() -> Verdict<Option<T>>) -> Verdict<Option<T>> {
    if let Some(found) = attempt()? {
        return Ok(Some(found));
    }
    let began = Instant::now();
    let deadline = Deadline::within(STORING);
    let mut pause = Duration::from_millis(5);
    while !deadline.passed() {
        let_store(t, deadline.earlier(pause));
        pause *= 2;
        if let Some(found) = attempt()? {
            let_store(t, Deadline::after(began.elapsed()));
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Lets time pass that the contract leaves the proxy to store what it has received: it is not the check's.
fn let_store(t: &Trial, until: Deadline) {
    t.scene().put_off(until.remaining());
    wait(until);
}

/// Lets real time pass.
pub fn wait(until: Deadline) {
    poll_until(until, || until.passed().then_some(()));
}
