//! What several groups look for in an exchange: the same answer as elsewhere, a refusal, a close in time.

use std::time::{Duration, Instant};

use super::serve::Server;
use crate::client::{Conn, Request, expect_status_in};
use crate::deadline::load;
use crate::verdict::{Explain, Failure, Verdict, ensure};
use crate::wire::http::message::Response;

/// How much later than `--timeout` a close may come (contract).
const GRACE: Duration = Duration::from_millis(1500);

/// How much earlier: a server may count from the moment it accepted, and round to its own ticks.
const EARLY: Duration = Duration::from_millis(50);

/// `seen` is what the same request gets on a connection of its own, so that whatever is wrong with the answer
/// itself is left to the checks that are about it. `what` completes "expected … is answered as …".
pub fn expect_same(what: &str, alone: &Response, seen: &Response) -> Verdict {
    let status = alone.head.status;
    ensure(
        seen.head.status == status,
        format!("{what} is answered with status {status}, as a plain request on its own is"),
        format!("status {}", seen.head.status),
    )?;
    ensure(
        status != 200 || seen.body == alone.body,
        format!(
            "{what} is answered with the {} octets that a plain request on its own gets",
            alone.body.len()
        ),
        format!("{} octets, and not the same", seen.body.len()),
    )
}

/// Sends `octets` on a connection of their own: they are answered with one of `statuses`. `what` says what is
/// wrong with them.
pub fn expect_refused(server: &Server, what: &str, octets: &[u8], statuses: &[u16]) -> Verdict<Conn> {
    let about = |failure: Failure| Failure {
        expected: format!("{what} is answered with {}", failure.expected),
        ..failure
    };
    let mut conn = server.connect()?;
    conn.send(octets)?;
    let response = conn
        .response("GET")
        .explain(about)
        .note("a refusal is a response as well: it is sent before the connection is closed")?;
    expect_status_in(&response, statuses).explain(about)?;
    Ok(conn)
}

/// Nothing more comes on the connection but its end. `what` completes "the connection is closed after …".
pub fn expect_close_after(conn: &mut Conn, what: &str) -> Verdict {
    conn.expect_close().explain(|failure| Failure {
        expected: format!("after {what} the connection is closed, and nothing more is sent"),
        ..failure
    })
}

/// The methods that a file is served with: GET, and HEAD unless that is refused, which is another check's business.
pub fn methods(server: &Server) -> Verdict<&'static [&'static str]> {
    let head = server.ask(&server.request("HEAD", &server.site.text.target))?;
    Ok(if head.head.status == 200 { &["GET", "HEAD"] } else { &["GET"] })
}

/// The server still answers a plain request.
pub fn expect_alive(server: &Server) -> Verdict {
    server
        .ask(&server.get(&server.site.text.target))
        .map(|_| ())
        .note("this was a plain GET on a new connection: what came before must not bring the server down")
}

/// The server closes a connection on which it waits for a request, at most [`GRACE`] after `timeout`, and not
/// before `timeout` has passed since `since`. A 408 may come first.
pub fn expect_timed_out(conn: &mut Conn, since: Instant, timeout: Duration, what: &str) -> Verdict {
    let seconds = timeout.as_secs_f64();
    let expected = format!("{what} is closed after --timeout {seconds}");
    let limit = timeout + GRACE.mul_f64(load());
    if !conn.closes_within(limit)? {
        let seen = format!("still open after {} s", limit.as_secs_f64());
        return Err(Failure::new(expected, seen).silent().into());
    }
    let waited = since.elapsed();
    ensure(
        waited + EARLY >= timeout,
        &expected,
        format!("closed already {:.2} s after the last request began to be sent", waited.as_secs_f64()),
    )?;
    if !conn.pending().is_empty() {
        let last = conn.response("GET")?;
        let status = last.head.status;
        ensure(
            status == 408,
            format!("{expected}, with a 408 or without a word"),
            format!("status {status}"),
        )?;
    }
    Ok(())
}

/// One after the other, as they would go out in one write.
pub fn pipelined(requests: &[&Request]) -> Vec<u8> {
    requests.iter().flat_map(|request| request.octets()).collect()
}
