//! A proxy under test between the harness's clients and its origins.

use std::ffi::OsString;
use std::time::Duration;

use crate::check::Role;
use crate::client::{Conn, Request};
use crate::deadline::{Deadline, load};
use crate::fake::origin::Origin;
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Verdict, fail};
use crate::wire::http::message::{self, Response};
use crate::wire::http::{Fields, request::RequestHead};

use super::reply::Reply;

/// How long after a response has been received the proxy may take to store it (contract, lab 2).
const STORING: Duration = Duration::from_secs(2);

/// The proxy's options: `--timeout` is always given, so that a silent origin is given up before the harness gives up.
pub fn options(port: u16, more: &[&str]) -> Vec<OsString> {
    let mut words = vec!["--host".into(), "127.0.0.1".into(), "--port".into(), port.to_string().into()];
    if !more.contains(&"--timeout") {
        words.extend(["--timeout".into(), "5".into()]);
    }
    words.extend(more.iter().map(OsString::from));
    words
}

/// A fresh proxy with these options besides.
pub fn start(t: &mut Trial, more: &[&str]) -> Verdict<Up> {
    t.start(Role::Proxy, |port| options(port, more))
}

/// A proxy for checks that only forward, and whose targets nobody else has.
pub fn share(t: &mut Trial) -> Verdict<Up> {
    t.share(Role::Proxy, |port| options(port, &[]))
}

/// An origin that gives every request this reply.
pub fn origin(t: &Trial, reply: &Reply) -> Verdict<Origin> {
    Origin::builder().answer(reply.script()).start(t.scene())
}

/// A GET through the proxy: absolute-form, with the Host that belongs to it.
pub fn get(origin: &Origin, path: &str) -> Request {
    to(origin, "GET", path)
}

pub fn to(origin: &Origin, method: &str, path: &str) -> Request {
    Request::new(method, origin.url(path), &origin.authority())
}

/// One request on a connection of its own.
pub fn ask(t: &Trial, proxy: &Up, request: &Request) -> Verdict<Response> {
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.ask(request).by_hand(by_hand(request))
}

/// Fails unless the proxy serves on, after what `before` says.
pub fn serves_on(t: &mut Trial, proxy: &Up, before: &str) -> Verdict {
    let body: String = (0..20).map(|_| t.rng.lowercase()).collect();
    let origin = origin(t, &Reply::ok(&body))?;
    let request = get(&origin, &format!("/{}", &body[..10]));
    let lost = |failure: Failure| Failure {
        expected: format!("your program serves the next client, after {before}"),
        ..failure
    };
    let response = ask(t, proxy, &request).explain(lost)?;
    match response.body == body.as_bytes() {
        true => Ok(()),
        false => fail(
            "the origin's body",
            format!("{} octets, status {}", response.body.len(), response.head.status),
        )
        .explain(lost),
    }
}

/// What can be typed to see the same, as far as one line can.
pub fn by_hand(request: &Request) -> String {
    let target = String::from_utf8_lossy(request.target()).into_owned();
    let options = match (request.method(), request.http_version()) {
        ("GET", "HTTP/1.0") => "-v --http1.0",
        ("GET", _) => "-v",
        ("HEAD", _) => "-vI",
        (method, _) => &format!("-v -X {method}"),
    };
    format!("curl {options} -x http://127.0.0.1:8888 '{target}'")
}

/// A request as it reached the origin, strictly read.
pub fn received(t: &Trial, origin: &Origin, index: usize) -> Verdict<message::Request> {
    origin
        .request(index, t.deadline().earlier(t.scene().silence()))
        .explain(|failure| failure.note("this is what your proxy sent to the origin"))
}

/// The same, which must have had its answer by now.
pub fn last_received(t: &Trial, origin: &Origin) -> Verdict<message::Request> {
    match origin.asked() {
        0 => fail("a request at the origin", "none came"),
        asked => received(t, origin, asked - 1),
    }
}

/// A proxy with its cache, and one origin.
pub struct Cached {
    pub proxy: Up,
    pub origin: Origin,
}

impl Cached {
    /// With the proxy's default sizes.
    pub fn start(t: &mut Trial) -> Verdict<Cached> {
        Cached::start_with(t, &[])
    }

    pub fn start_with(t: &mut Trial, more: &[&str]) -> Verdict<Cached> {
        let proxy = start(t, more)?;
        let origin = Origin::builder().start(t.scene())?;
        Ok(Cached { proxy, origin })
    }

    pub fn get(&self, path: &str) -> Request {
        get(&self.origin, path)
    }

    /// What the origin answers from now on.
    pub fn answers(&self, reply: &Reply) {
        self.origin.now(reply.script());
    }

    /// Asks, and fails unless the origin was asked once for it. Returns what the origin saw, and the response.
    pub fn asked(&self, t: &Trial, request: &Request, why: &str) -> Verdict<(message::Request, Response)> {
        let before = self.origin.asked();
        let response = ask(t, &self.proxy, request)?;
        match self.origin.asked() - before {
            0 => Err(Failure::new(
                format!("the origin is asked: {why}"),
                "it was not: the answer came from the cache",
            )
            .by_hand(by_hand(request))
            .into()),
            1 => Ok((received(t, &self.origin, before)?, response)),
            times => fail("the origin is asked once", format!("it was asked {times} times for one request")),
        }
    }

    /// Asks until the answer comes from the cache, for 2 s at most (the response before may be stored a moment after
    /// its client has it), and fails unless it does. The origin's answer must meanwhile be the one that is stored.
    pub fn hit(&self, t: &Trial, request: &Request, why: &str) -> Verdict<Response> {
        let deadline = Deadline::after(STORING.mul_f64(load())).min(t.deadline());
        loop {
            let before = self.origin.asked();
            let response = ask(t, &self.proxy, request)?;
            if self.origin.asked() == before {
                return Ok(response);
            }
            if deadline.passed() {
                return Err(Failure::new(
                    format!("the answer comes from the cache: {why}"),
                    "the origin was asked again, each time",
                )
                .by_hand(by_hand(request))
                .into());
            }
        }
    }

    /// Asks once, and fails unless the answer comes from the cache: for what has been a hit before.
    pub fn still_hit(&self, t: &Trial, request: &Request, why: &str) -> Verdict<Response> {
        let before = self.origin.asked();
        let response = ask(t, &self.proxy, request)?;
        if self.origin.asked() != before {
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
}

/// Fails unless this field has this value.
pub fn field_is(fields: &Fields, name: &str, value: &str, whose: &str) -> Verdict {
    match fields.text(name) {
        Some(found) if found == value => Ok(()),
        Some(found) => fail(format!("`{name}: {value}` in {whose}"), format!("`{name}: {found}`")),
        None => fail(format!("`{name}: {value}` in {whose}"), "no such field"),
    }
}

/// Fails where this field is there.
pub fn field_is_gone(fields: &Fields, name: &str, whose: &str) -> Verdict {
    match fields.text(name) {
        None => Ok(()),
        Some(found) => fail(format!("no {name} in {whose}"), format!("`{name}: {found}`")),
    }
}

/// The request line as it came to the origin.
pub fn request_line(head: &RequestHead) -> String {
    let (major, minor) = head.version;
    format!("{} {} HTTP/{major}.{minor}", head.method, String::from_utf8_lossy(&head.target))
}
