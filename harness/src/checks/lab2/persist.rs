//! Stage 6: connections and exchanges, and when they end (RFC 9112 §9).

use nix::sys::signal::Signal;

use super::family::wait_quiet;
use super::pages::{fresh_path, same_body, text};
use super::reply::Reply;
use super::session::{by_hand, get, last_received, origin, received, share, start, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status};
use crate::deadline::Deadline;
use crate::fake::latch::Latch;
use crate::fake::origin::{Act, Origin};
use crate::subject::Status;
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure, fail};
use crate::wire::http::body::Framing;
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.many.persistent",
        title: "requests to two origins on one connection get the right responses",
        lab: Lab::Lab2,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.body.none", "proxy.body.chunked", "proxy.request.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §9.3",
        why: "In HTTP/1.1 a connection persists unless one side says `close`, and to a proxy each request on it may \
              name another origin. Who prefers to close after each response says so in it.",
        peers: "squid and Apache keep the connection; tinyproxy closes it, and says so.",
        hints: &[
            "Read the target of every request, not only of the first.",
            "The next request begins where the last one's body ended, and the next response as well: trailers belong \
             to the message before.",
            "What stands behind a request in your buffer is the next one: keep it for then.",
            "If you close after a response, send `Connection: close` with it.",
        ],
        run: persistent,
    },
    Check {
        id: "proxy.many.close",
        title: "after `Connection: close`, and after HTTP/1.0, the connection is closed",
        lab: Lab::Lab2,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §9.6",
        why: "A client that says `close` may wait for the close, whatever the origin does with its own connection. And \
              an HTTP/1.0 client knows nothing else.",
        peers: "squid, Apache and tinyproxy pass.",
        hints: &[
            "`Connection` is a list, in any case: `keep-alive-not, Close` closes.",
            "Shut the socket down when the response is complete; that the thread's variable is gone is not enough \
             where another one holds a copy.",
        ],
        run: close,
    },
    Check {
        id: "proxy.many.stop",
        title: "on SIGTERM what is under way is finished, and then the proxy ends",
        lab: Lab::Lab2,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, submissions",
        why: "A proxy is restarted for every new version of it. It stops accepting, finishes the exchanges in flight, \
              and ends within 5 s; otherwise each restart cuts somebody's download.",
        peers: "squid waits for shutdown_lifetime (30 s unless configured), Apache does it on SIGWINCH.",
        hints: &[
            "SIGTERM ends a program at once unless it is handled: let the handler only note that the end has come.",
            "Count the exchanges in flight; when the last one is over, or after 5 s, let main return.",
        ],
        run: stop,
    },
];

/// A client that asks on one connection, and on the next where that was said to end.
pub(super) struct Client<'a> {
    proxy: &'a Up,
    conn: Option<Conn>,
    asked: usize,
}

impl<'a> Client<'a> {
    pub fn new(proxy: &'a Up) -> Client<'a> {
        Client { proxy, conn: None, asked: 0 }
    }

    pub fn ask(&mut self, t: &Trial, request: &Request) -> Verdict<Response> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => Conn::open(t.scene(), self.proxy.addr)?,
        };
        self.asked += 1;
        conn.send(request.octets())?;
        let asked = self.asked;
        let Some(response) = conn.response_or_end(request.method())? else {
            let expected = "the connection persists, or the response before says `Connection: close`";
            return Err(Failure::new(expected, format!("it is closed without an answer to request {asked}"))
                .rule("Who closes after each response says so in each (RFC 9112 §9.3).")
                .into());
        };
        if !is_last(&response) {
            self.conn = Some(conn);
        }
        Ok(response)
    }
}

/// Whether the connection ends after this response, as far as it says.
fn is_last(response: &Response) -> bool {
    let option = |option| response.head.fields.list_has("Connection", option);
    option("close")
        || response.head.version < (1, 1) && !option("keep-alive")
        || response.framing == Framing::UntilClose
}

fn persistent(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let [one, two, three, four] = [text(t), text(t), text(t), text(t)];
    let trailers = with_trailers(&Reply::ok(&two).chunked(&[9]).octets());
    let posted = with_trailers(&Reply::ok(&one).chunked(&[9]).payload());
    let first = Origin::builder()
        .answer(Reply::ok(&one).script())
        .answer(Reply::new(200).own_framing().field("Content-Length", "4000").script())
        .answer(Reply::ok(&three).script())
        .start(t.scene())?;
    let second = Origin::builder()
        .answer([Act::Send(trailers)])
        .answer(Reply::new(204).own_framing().script())
        .answer(Reply::ok(&four).script())
        .start(t.scene())?;
    let mut client = Client::new(&proxy);
    for (what, origin, method, status, body) in [
        ("the first origin", &first, "GET", 200, &*one),
        ("the second origin, whose response is chunked and has trailers,", &second, "POST", 200, &two),
        ("the first origin, with HEAD,", &first, "HEAD", 200, ""),
        ("the second origin, which answers 204,", &second, "DELETE", 204, ""),
        ("the second origin", &second, "GET", 200, &four),
        ("the first origin", &first, "GET", 200, &three),
    ] {
        let request = to(origin, method, &fresh_path(t));
        let request = match method {
            "POST" => request.field("Transfer-Encoding", "chunked").body(&posted),
            _ => request,
        };
        let before = origin.asked();
        let response = client.ask(t, &request);
        let note = format!(
            "request {} on this connection goes to {what} and those before went to either",
            client.asked
        );
        if origin.asked() == before {
            let another = first.asked() + second.asked() == client.asked;
            return astray(response, another).note(note);
        }
        let response = response.note(&note)?;
        expect_status(&response, status).note(&note)?;
        same_body(&response, body.as_bytes(), &request).note(&note)?;
        let line = last_received(t, origin)?.head.method;
        ensure(line == method, format!("the origin is asked with {method}"), format!("with {line}"))?;
    }
    two_at_once(t, &proxy)
}

/// A second request in the segment of the first: it gets its answer, unless the first one's says that it is the last.
fn two_at_once(t: &mut Trial, proxy: &Up) -> Verdict {
    let [one, two] = [text(t), text(t)];
    let bodies = [&one, &two];
    let origin = Origin::builder().answer(Reply::ok(&one).script()).answer(Reply::ok(&two).script());
    let origin = origin.start(t.scene())?;
    let requests = bodies.map(|_| get(&origin, &fresh_path(t)));
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.send(requests.each_ref().map(Request::octets).concat())?;
    for (body, request) in bodies.iter().zip(&requests) {
        let note = "two requests came in one segment, and are answered in their order (RFC 9112 §9.3.2)";
        let response = conn.response("GET").note(note)?;
        expect_status(&response, 200).note(note)?;
        same_body(&response, body.as_bytes(), request).note(note)?;
        if is_last(&response) {
            break;
        }
    }
    Ok(())
}

/// The origin that the target names was not asked.
fn astray(response: Verdict<Response>, another: bool) -> Verdict {
    let expected = "the origin that the target names is asked";
    if another {
        return fail(expected, "another one is");
    }
    let status = response?.head.status;
    let failure = Failure::new(expected, format!("none is, and the answer is a {status}"));
    Err(match status {
        400 => failure
            .note("what was left of the request before may have been taken for the beginning of this one"),
        _ => failure,
    }
    .into())
}

/// The same chunked message with trailers.
fn with_trailers(message: &[u8]) -> Vec<u8> {
    [&message[..message.len() - 2], b"X-Sum: 1\r\nX-More: 2\r\n\r\n"].concat()
}

fn close(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let body = text(t);
    let origin = origin(t, &Reply::ok(&body))?;
    let bare = |t: &mut Trial| get(&origin, &fresh_path(t));
    for (what, request) in [
        ("`Connection: close`", bare(t).close()),
        ("`Connection: x-odd, CLOSE`", bare(t).field("Connection", "x-odd, CLOSE")),
        ("HTTP/1.0", bare(t).version("HTTP/1.0")),
    ] {
        let mut conn = Conn::open(t.scene(), proxy.addr)?;
        let response = conn.ask(&request)?;
        same_body(&response, body.as_bytes(), &request)?;
        conn.expect_close()
            .explain(|failure| Failure {
                expected: format!("after the response to a request with {what} the connection is closed"),
                ..failure
            })
            .by_hand(by_hand(&request))?;
    }
    Ok(())
}

fn stop(t: &mut Trial) -> Verdict {
    let proxy = start(t, &[])?;
    let [unanswered, begun] = [text(t), text(t)];
    let latch = Latch::default();
    let wait = Act::Await(latch.clone());
    let silent = Origin::builder().answer([wait.clone(), Act::Send(Reply::ok(&unanswered).octets())]);
    let silent = silent.start(t.scene())?;
    let mut first = Reply::ok(&begun).octets();
    let rest = first.split_off(first.len() - begun.len() / 2);
    let halfway = Origin::builder().answer([Act::Send(first), wait, Act::Send(rest)]).start(t.scene())?;

    let mut exchanges = Vec::new();
    for (what, origin, body) in [
        ("whose origin has not answered yet", &silent, &unanswered),
        ("whose body has come half", &halfway, &begun),
    ] {
        let request = get(origin, &fresh_path(t));
        let mut conn = Conn::open(t.scene(), proxy.addr)?;
        conn.send(request.octets())?;
        received(t, origin, 0)?;
        exchanges.push((what, conn, request, body));
    }
    // What one origin has sent of its body is on its way by then.
    wait_quiet(&proxy);

    let sent = proxy.running.signal(Signal::SIGTERM);
    sent.map_err(|error| Fault::Broken(format!("could not send a signal: {error}")))?;
    t.step("sent SIGTERM while two exchanges were under way");
    let deadline = Deadline::after(t.scene().patience() + STOP_GRACE);
    wait_quiet(&proxy);
    latch.open();
    for (what, conn, request, body) in &mut exchanges {
        let about = |failure: Failure| Failure {
            expected: format!("an exchange {what} when SIGTERM comes is finished"),
            ..failure
        };
        let response = conn.response("GET").explain(about)?;
        expect_status(&response, 200).explain(about)?;
        same_body(&response, body.as_bytes(), request).explain(about)?;
    }
    drop(exchanges);
    t.unwatch(&proxy.running);
    ends_by(Signal::SIGTERM, &proxy, deadline)
}

/// What a loaded machine adds to the contract's 5 s.
const STOP_GRACE: std::time::Duration = std::time::Duration::from_secs(1);

fn ends_by(signal: Signal, proxy: &Up, deadline: Deadline) -> Verdict {
    let number = signal as i32;
    let expected = format!("it ends within 5 s of {signal}, with 0 or {}, or by the signal", 128 + number);
    match proxy.running.wait_exit(deadline).map(|exit| exit.status) {
        Some(Status::Code(code)) if code == 0 || code == 128 + number => Ok(()),
        Some(Status::Signal(by)) if by == number => Ok(()),
        Some(status) => fail(expected, format!("it ended {status}")),
        None => Err(Failure::new(expected, "it still runs").silent().into()),
    }
    .note("all exchanges were over by then")
}
