//! The proxy between a client and an origin: what the one asks, what the other is asked, and what
//! comes back.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lab2_caching_proxy::cache::Cache;
use lab2_caching_proxy::connection;
use lab2_caching_proxy::server::{Guest, Proxy};

fn proxy() -> Arc<Proxy> {
    Arc::new(Proxy::new(
        Cache::new(10_000, 1000),
        Duration::from_millis(200),
    ))
}

/// A connection to the proxy.
fn connect(proxy: &Arc<Proxy>) -> TcpStream {
    let (stream, accepted) = pair();
    let proxy = Arc::clone(proxy);
    thread::spawn(move || connection::serve(&Guest::new(accepted), &proxy));
    stream
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    (stream, listener.accept().unwrap().0)
}

/// What the proxy says to these octets, to the end of the connection, and how that ended.
fn converse(proxy: &Arc<Proxy>, request: &str) -> (String, Option<ErrorKind>) {
    let mut stream = connect(proxy);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer, ended.err().map(|error| error.kind()))
}

/// An origin that answers one connection after the other, and tells what it was asked.
struct Origin {
    authority: String,
    asked: JoinHandle<Vec<String>>,
}

impl Origin {
    fn answering<const N: usize>(answers: [&str; N]) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let answers = answers.map(str::to_owned);
        let answer = move |answer: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = receive(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
            asked
        };
        let asked = thread::spawn(move || answers.into_iter().map(answer).collect());
        Origin { authority, asked }
    }

    fn asked(self) -> Vec<String> {
        self.asked.join().unwrap()
    }

    /// What the proxy gives for a request to this origin.
    fn ask(&self, proxy: &Arc<Proxy>, method: &str, rest: &str) -> String {
        let Origin { authority, .. } = self;
        let request =
            format!("{method} http://{authority}/a?b HTTP/1.1\r\nHost: x\r\n{CLOSE}{rest}");
        converse(proxy, &request).0
    }
}

const CLOSE: &str = "Connection: close\r\n";

/// Reads a request: its head, and a body that ends with an exclamation mark if there is one.
fn receive(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let mut octets = [0; 4096];
        let count = stream.read(&mut octets).unwrap();
        request.extend_from_slice(&octets[..count]);
        let text = String::from_utf8_lossy(&request);
        let ends = match text.contains("Content-Length") || text.contains("chunked") {
            true => ["!", "0\r\n\r\n"].iter().any(|end| text.ends_with(end)),
            false => text.ends_with("\r\n\r\n"),
        };
        if ends || count == 0 {
            return text.into_owned();
        }
    }
}

mod step1 {
    use super::*;

    #[test]
    fn a_request_is_forwarded_and_its_answer_passed_on() {
        let origin = Origin::answering(["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]);
        let answer = origin.ask(&proxy(), "GET", "A: 1\r\n\r\n");
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"),
            "{answer}"
        );
        assert!(answer.ends_with("\r\n\r\nhi"), "{answer}");
        let host = origin.authority.clone();
        let asked = origin.asked().remove(0);
        let expected = format!("GET /a?b HTTP/1.1\r\nHost: {host}\r\nA: 1\r\n");
        assert!(asked.starts_with(&expected), "{asked}");
    }
}

mod step2 {
    use super::*;

    #[test]
    fn bodies_pass_in_both_directions() {
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\nA: 1\r\n\r\n";
        let origin = Origin::answering([chunked, chunked, "HTTP/1.0 200 OK\r\n\r\nhi"]);
        let proxy = proxy();
        let ends = "\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        let answer = origin.ask(&proxy, "POST", "Content-Length: 3\r\n\r\nhi!");
        assert!(answer.ends_with(ends), "{answer}");
        let chunks = "Transfer-Encoding: chunked\r\n\r\n3;x\r\nhi!\r\n0\r\nA: 1\r\n\r\n";
        assert!(origin.ask(&proxy, "PUT", chunks).ends_with(ends));
        assert!(origin.ask(&proxy, "GET", "\r\n").ends_with(ends));
        let asked = origin.asked();
        assert!(asked[0].ends_with("\r\n\r\nhi!"));
        assert!(asked[1].ends_with("\r\n\r\n3\r\nhi!\r\n0\r\n\r\n"));
    }
}

mod step4 {
    use super::*;

    #[test]
    fn an_origin_that_fails_is_told_of() {
        let ask = |answer| Origin::answering([answer]).ask(&proxy(), "GET", "\r\n");
        assert!(ask("").starts_with("HTTP/1.1 502 "));
        assert!(ask("SSH-2.0-x\r\n\r\n").starts_with("HTTP/1.1 502 "));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = listener.local_addr().unwrap();
        let request = format!("GET http://{silent}/ HTTP/1.0\r\n\r\n");
        assert!(converse(&proxy(), &request).0.starts_with("HTTP/1.1 504 "));
        drop(listener);
        assert!(converse(&proxy(), &request).0.starts_with("HTTP/1.1 502 "));
    }

    #[test]
    fn half_an_answer_does_not_look_like_a_whole_one() {
        let half = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel";
        let answer = Origin::answering([half]).ask(&proxy(), "GET", "\r\n");
        assert!(answer.ends_with("hel\r\n"), "{answer}");
    }

    #[test]
    fn half_a_request_is_not_passed_on_as_a_whole_one() {
        let origin = Origin::answering(["HTTP/1.1 200 OK\r\n\r\n"]);
        let answer = origin.ask(
            &proxy(),
            "POST",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n",
        );
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(!origin.asked()[0].ends_with("0\r\n\r\n"));
    }
}

mod step5 {
    use super::*;

    #[test]
    fn a_client_of_1_0_sees_a_break_as_a_reset() {
        for (chunks, ended) in [
            ("2\r\nhi\r\n0\r\n\r\n", None),
            ("2\r\nhi\r\n", Some(ErrorKind::ConnectionReset)),
        ] {
            let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
            let origin = Origin::answering([&*answer]);
            let request = format!("GET http://{}/ HTTP/1.0\r\n\r\n", origin.authority);
            let (answer, how) = converse(&proxy(), &request);
            assert_eq!(how, ended);
            assert!(answer.ends_with("\r\n\r\nhi"), "{answer}");
        }
    }

    #[test]
    fn interim_responses_are_not_the_answer() {
        let answers =
            "HTTP/1.1 103 Early\r\nA: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let answer = Origin::answering([answers]).ask(&proxy(), "GET", "\r\n");
        assert!(
            answer.starts_with("HTTP/1.1 103 Early\r\nA: 1\r\n"),
            "{answer}"
        );
        assert!(answer.contains("\r\n\r\nHTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

mod step6 {
    use super::*;

    #[test]
    fn requests_follow_each_other_on_one_connection() {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        let origin = Origin::answering([ok, ok]);
        let Origin { authority, .. } = &origin;
        let requests = format!(
            "POST http://{authority}/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nhi!\
             GET http://{authority}/2 HTTP/1.1\r\nHost: x\r\n{CLOSE}\r\n"
        );
        let (answers, _) = converse(&proxy(), &requests);
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2);
        assert!(origin.asked()[1].starts_with("GET /2 "));
    }

    #[test]
    fn what_has_come_is_passed_on_before_more_is_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap();
        let (seen, half_was_seen) = mpsc::channel();
        let origin = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            receive(&mut stream);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi")
                .unwrap();
            half_was_seen.recv().unwrap();
            stream.write_all(b"!!").unwrap();
        });
        let mut client = connect(&proxy());
        write!(
            client,
            "GET http://{authority}/ HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        .unwrap();
        let mut half = Vec::new();
        while !half.ends_with(b"\r\n\r\nhi") {
            let mut octet = [0];
            client.read_exact(&mut octet).unwrap();
            half.extend(octet);
        }
        seen.send(()).unwrap();
        client.read_exact(&mut [0; 2]).unwrap();
        origin.join().unwrap();
    }
}

mod step7 {
    use super::*;

    #[test]
    fn what_is_fresh_is_not_asked_for_again() {
        let origin =
            Origin::answering(["HTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\nAge: 3\r\n\r\nhi"]);
        let proxy = proxy();
        origin.ask(&proxy, "GET", "\r\n");
        let hit = origin.ask(&proxy, "GET", "\r\n");
        assert!(
            hit.contains("\r\nAge: 3\r\n") && hit.ends_with("\r\n\r\nhi"),
            "{hit}"
        );
        let head = origin.ask(&proxy, "HEAD", "\r\n");
        assert!(
            head.contains("\r\nContent-Length: 2\r\n") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
        assert_eq!(origin.asked().len(), 1);
    }

    #[test]
    fn half_an_answer_is_not_kept() {
        let half = "HTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\nContent-Length: 3\r\n\r\nhi";
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole";
        let origin = Origin::answering([half, whole]);
        let proxy = proxy();
        origin.ask(&proxy, "GET", "\r\n");
        assert!(origin.ask(&proxy, "GET", "\r\n").ends_with("whole"));
    }
}

mod step8 {
    use super::*;

    #[test]
    fn what_is_stale_is_asked_about() {
        let stored = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nA: 1\r\nContent-Length: 2\r\n\r\nhi";
        let still = "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nA: 2\r\n\r\n";
        let other = "HTTP/1.1 304 Not Modified\r\nETag: \"b\"\r\n\r\n";
        let new = "HTTP/1.1 200 OK\r\nETag: \"b\"\r\nContent-Length: 3\r\n\r\nnew";
        let origin = Origin::answering([stored, still, still, other, new]);
        let proxy = proxy();
        origin.ask(&proxy, "GET", "\r\n");
        let again = origin.ask(&proxy, "GET", "\r\n");
        assert!(
            again.starts_with("HTTP/1.1 200 ") && again.ends_with("hi"),
            "{again}"
        );
        assert!(again.contains("A: 2\r\n"), "{again}");
        let has = origin.ask(&proxy, "GET", "If-None-Match: \"x\", \"a\"\r\n\r\n");
        assert!(
            has.starts_with("HTTP/1.1 304 ") && has.ends_with("\r\n\r\n"),
            "{has}"
        );
        assert!(origin.ask(&proxy, "GET", "\r\n").ends_with("new"));
        let asked = origin.asked();
        assert!(
            asked[1..4]
                .iter()
                .all(|asked| asked.contains("If-None-Match: \"a\"\r\n"))
        );
        assert!(!asked[4].contains("If-None-Match"));
    }

    #[test]
    fn what_is_stale_is_better_than_nothing_unless_it_says_no() {
        for (control, status) in [("max-age=1", "200"), ("max-age=1, must-revalidate", "502")] {
            let stored = format!("HTTP/1.1 200 OK\r\nCache-Control: {control}\r\nAge: 9\r\n\r\nhi");
            let origin = Origin::answering([&*stored, ""]);
            let proxy = proxy();
            origin.ask(&proxy, "GET", "\r\n");
            let answer = origin.ask(&proxy, "GET", "\r\n");
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
        }
    }
}

mod step10 {
    use super::*;

    #[test]
    fn what_was_changed_is_asked_for_again() {
        let fresh = "HTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\nContent-Length: 3\r\n\r\nold";
        let done = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
        let new = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew";
        let origin = Origin::answering([fresh, done, new]);
        let proxy = proxy();
        origin.ask(&proxy, "GET", "\r\n");
        origin.ask(&proxy, "PUT", "Content-Length: 1\r\n\r\n!");
        assert!(origin.ask(&proxy, "GET", "\r\n").ends_with("new"));
    }

    #[test]
    fn a_part_of_what_is_stored_is_served() {
        let fresh = "HTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\nContent-Length: 3\r\n\r\nabc";
        let origin = Origin::answering([fresh]);
        let proxy = proxy();
        origin.ask(&proxy, "GET", "\r\n");
        let part = origin.ask(&proxy, "GET", "Range: bytes=1-9\r\n\r\n");
        assert!(
            part.starts_with("HTTP/1.1 206 ") && part.ends_with("\r\n\r\nbc"),
            "{part}"
        );
        assert!(part.contains("Content-Range: bytes 1-2/3\r\n"), "{part}");
        let none = origin.ask(&proxy, "GET", "Range: bytes=3-\r\n\r\n");
        assert!(none.starts_with("HTTP/1.1 416 "), "{none}");
    }
}

mod step11 {
    use super::*;

    #[test]
    fn a_tunnel_passes_octets_and_both_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap();
        let origin = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut arrived = String::new();
            stream.read_to_string(&mut arrived).unwrap();
            stream.write_all(b"late").unwrap();
            arrived
        });
        let mut client = connect(&proxy());
        write!(
            client,
            "CONNECT {authority} HTTP/1.1\r\nHost: x\r\n\r\nearly"
        )
        .unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "HTTP/1.1 200 OK\r\n\r\nlate");
        assert_eq!(origin.join().unwrap(), "early");
    }
}
