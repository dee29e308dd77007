//! Stage 6: persistent connections (RFC 9112 §9.3, §9.6).

use std::time::{Duration, Instant};

use super::exchange::{expect_close_after, expect_same, expect_timed_out, pipelined};
use super::serve::{Fresh, shared};
use super::site::word;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure};
use crate::wire::http::body::{Framing, answers_version};
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.persist.second",
        title: "a second request on the same connection is answered",
        lab: Lab::Lab1,
        stage: 6,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9112 §9.3",
        why: "In HTTP/1.1 a connection stays open unless one side says `close`: the next request then needs no \
              new handshake and meets a congestion window that has already grown.",
        peers: "nginx, Apache and lighttpd all keep the connection open; python's http.server only when it is \
                told to speak HTTP/1.1.",
        hints: &[
            "What does your program do after it has sent a response: back to accept, or back to read?",
            "Serving a connection is a loop: read a request, answer it, and again, until someone says close.",
            "The client finds the end of your response by Content-Length; without it only closing ends a body.",
        ],
        run: second,
    },
    Check {
        id: "web.persist.after-404",
        title: "a 404 does not end the connection",
        lab: Lab::Lab1,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.persist.second"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A 404 answers a well-formed request: both sides know where it ended, so the connection can go on. \
              Only a request whose end is in doubt makes closing necessary.",
        peers: "nginx, Apache and lighttpd go on; python's http.server closes after every error.",
        hints: &[
            "Do your error responses take another way out of the loop than a 200?",
            "An error page needs a Content-Length of its own.",
        ],
        run: after_404,
    },
    Check {
        id: "web.persist.mixed",
        title: "50 requests of several kinds share one connection",
        lab: Lab::Lab1,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.persist.second", "web.persist.after-404", "web.head.no-body"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9112 §9.3",
        why: "On a shared connection every response must end exactly where it says: one octet too many or too \
              few, and all that follow are misread.",
        peers: "",
        hints: &[
            "What is left over from one request when the next begins: a buffer, a flag, a file position?",
            "Count the octets you send against the Content-Length you announce, for each kind of response.",
        ],
        run: mixed,
    },
    Check {
        id: "web.persist.close",
        title: "`Connection: close` is honoured",
        lab: Lab::Lab1,
        stage: 6,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9112 §9.6",
        why: "A client that says `close` may wait for the end of the connection. The field is a list, and its \
              options are compared without regard to case.",
        peers: "python's http.server finds `close` only where it stands alone.",
        hints: &[
            "Do you close after the response when the request has `Connection: close`?",
            "`Connection: foo, CLOSE` says it too: split at commas, trim, and compare in lower case.",
            "Does anything else still hold the socket open, such as a clone of it, or a forked child?",
        ],
        run: close,
    },
    Check {
        id: "web.persist.http10",
        title: "an HTTP/1.0 request is answered, and then the connection closed",
        lab: Lab::Lab1,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9112 §9.3",
        why: "HTTP/1.0 closes after each response unless the client asks for keep-alive; its clients may take \
              the close for the end of the body, and they know no chunks.",
        peers: "",
        hints: &[
            "Where does your program look at the version in the request line?",
            "An HTTP/1.0 request without `Connection: keep-alive` is one with `Connection: close`.",
        ],
        run: http10,
    },
    Check {
        id: "web.persist.idle",
        title: "a connection that stays idle is closed after --timeout",
        lab: Lab::Lab1,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.persist.second"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9112 §9.5",
        why: "A client that says nothing more still holds a socket and, here, a worker. Every server lets go of \
              it after some time.",
        peers: "nginx waits 75 s (keepalive_timeout), Apache 5 s (KeepAliveTimeout); lighttpd counts whole seconds.",
        hints: &[
            "What limits the time that your read for the next request may take?",
            "`TcpStream::set_read_timeout` makes a read fail with WouldBlock or TimedOut: then close.",
            "--timeout takes decimals: 0.5 is half a second, neither 0 nor 1.",
        ],
        run: idle,
    },
    Check {
        id: "web.persist.pipeline",
        title: "requests that arrive together are answered in their order",
        lab: Lab::Lab1,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.persist.second"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9112 §9.3.2",
        why: "A client may send the next request before it has the answer to the last. One read then returns \
              the end of one request and the beginning of the next.",
        peers: "nginx, Apache and lighttpd answer all; busybox answers the first and closes.",
        hints: &[
            "What becomes of the octets you have read beyond the end of the first request?",
            "Keep one buffer for the whole connection, and look there for a request before you read again.",
        ],
        run: pipeline,
    },
];

fn second(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let (first, second) =
        (server.get(&server.site.text.target), server.get(&server.site.pages.second.target));
    let alone = server.ask(&second)?;
    let mut conn = server.connect()?;
    let answer = conn.ask(&first)?;
    let then = conn.ask(&second).explain(|failure| say_why_it_closed(failure, &answer)).by_hand(
        "curl -sv http://127.0.0.1:8080/a.txt http://127.0.0.1:8080/b.txt   (\"Re-using existing connection\"?)",
    )?;
    expect_same("the second request on a connection", &alone, &then)
}

fn say_why_it_closed(failure: Failure, answer: &Response) -> Failure {
    if answer.head.version == (1, 0) {
        failure.note("your first response says HTTP/1.0: it is HTTP/1.1 whose connections persist")
    } else if answer.framing == Framing::UntilClose {
        failure.note(
            "your first response has neither Content-Length nor chunks, so only closing could end its body",
        )
    } else if answer.head.fields.list_has("connection", "close") {
        failure.note("your first response says `Connection: close`, though the request did not ask for it")
    } else {
        failure
    }
}

fn after_404(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let missing = format!("/{}", word(&mut t.rng));
    let found = server.get(&server.site.text.target);
    let alone = server.ask(&found)?;
    let mut conn = server.connect()?;
    conn.ask(&server.get(&missing))?;
    let then = conn.ask(&found).note("before it, a missing file was asked for on this connection")?;
    expect_same("the request after a 404", &alone, &then)
}

fn mixed(t: &mut Trial) -> Verdict {
    const COUNT: usize = 50;
    let server = shared(t)?;
    let missing = format!("/{}", word(&mut t.rng));
    let (text, second) = (&server.site.text.target, &server.site.pages.second.target);
    let kinds = [("GET", text), ("HEAD", text), ("GET", second), ("GET", &missing), ("HEAD", &missing)]
        .map(|(method, target)| server.request(method, target));
    let alone = kinds.iter().map(|request| server.ask(request)).collect::<Verdict<Vec<_>>>()?;

    let mut order: Vec<usize> = (0..COUNT).map(|n| n % kinds.len()).collect();
    t.rng.shuffle(&mut order);
    let mut conn = server.connect()?;
    let mut before = "none";
    for (n, &kind) in order.iter().enumerate() {
        let method = kinds[kind].method();
        let what = format!("request {} of {COUNT} (a {method}, after a {before})", n + 1);
        let answer = conn.ask(&kinds[kind]).note(format!("this is {what} on one connection"))?;
        expect_same(&what, &alone[kind], &answer)?;
        before = method;
    }
    Ok(())
}

fn close(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    for value in ["close", "foo, CLOSE"] {
        let mut conn = server.connect()?;
        conn.ask(&server.get(&server.site.text.target).field("Connection", value))?;
        expect_close_after(&mut conn, &format!("the response to a request with `Connection: {value}`"))
            .by_hand(format!("curl -sv -H 'Connection: {value}' http://127.0.0.1:8080/"))?;
    }
    Ok(())
}

fn http10(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let mut conn = server.connect()?;
    let response = conn.ask(&server.get(&server.site.text.target).version("HTTP/1.0"))?;
    ensure(
        answers_version(&response.head, (1, 0)).is_ok(),
        "an answer that an HTTP/1.0 client can read",
        "Transfer-Encoding, which HTTP/1.0 does not know: chunk sizes would end up in its file",
    )?;
    expect_close_after(&mut conn, "the response to an HTTP/1.0 request without keep-alive")
        .by_hand("curl -sv --http1.0 http://127.0.0.1:8080/")
}

fn idle(t: &mut Trial) -> Verdict {
    const TIMEOUT: Duration = Duration::from_millis(500);
    let server = Fresh::new().timeout(TIMEOUT.as_secs_f64()).start(t)?;
    let mut conn = server.connect()?;
    let since = Instant::now();
    conn.ask(&server.get(&server.site.text.target))?;
    expect_timed_out(&mut conn, since, TIMEOUT, "a connection that is idle after its response")
}

fn pipeline(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let site = &server.site;
    let requests = [&site.text, &site.pages.second, &site.pages.third].map(|file| server.get(&file.target));
    let alone = requests.iter().map(|request| server.ask(request)).collect::<Verdict<Vec<_>>>()?;
    let octets = pipelined(&requests.each_ref());
    let in_the_second = requests[0].octets().len() + requests[1].octets().len() / 2;
    for (how, cuts) in [
        ("three requests in one write", vec![]),
        ("three requests in two writes, cut in the middle of the second", vec![in_the_second]),
    ] {
        let mut conn = server.connect()?;
        conn.send_pieces(&octets, &cuts)?;
        for (n, alone) in alone.iter().enumerate() {
            let answer = conn.response("GET").note(format!(
                "we sent {how}; {n} of the 3 responses came before this. A request that has arrived \
                 together with the one before is in your buffer, no longer in the socket"
            ))?;
            expect_same(&format!("of {how}, number {}", n + 1), alone, &answer)?;
        }
    }
    Ok(())
}
