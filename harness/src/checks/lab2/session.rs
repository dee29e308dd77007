//! A proxy under test between the harness's clients and its origins.

use std::ffi::OsString;

use crate::check::Role;
use crate::client::{Conn, Request};
use crate::fake::origin::Origin;
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Verdict, fail};
use crate::wire::http::message::{self, Response};
use crate::wire::http::{Fields, request::RequestHead};

use super::pages::{fresh_path, text};
use super::reply::Reply;

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
    let body = text(t);
    let origin = origin(t, &Reply::ok(&body))?;
    let request = get(&origin, &fresh_path(t));
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

/// Fails unless this field has this value.
pub fn field_is(fields: &Fields, name: &str, value: &str, whose: &str) -> Verdict {
    match fields.text(name) {
        Some(found) if found == value => Ok(()),
        Some(found) => fail(format!("`{name}: {value}` in {whose}"), format!("`{name}: {found}`")),
        None => fail(format!("`{name}: {value}` in {whose}"), "no such field"),
    }
}

/// The request line as it came to the origin.
pub fn request_line(head: &RequestHead) -> String {
    let (major, minor) = head.version;
    format!("{} {} HTTP/{major}.{minor}", head.method, String::from_utf8_lossy(&head.target))
}
