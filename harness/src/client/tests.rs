//! A scripted peer behind a plain listener; what is compared is what a student reads.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use socket2::SockRef;

use super::*;

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const PATIENCE: Duration = Duration::from_millis(200);

/// A connection to a peer that plays `script`. Where the script returns its socket, the connection stays open
/// until the test is over.
fn facing<T: Send + 'static>(script: impl FnOnce(TcpStream) -> T + Send + 'static) -> (Conn, JoinHandle<T>) {
    facing_for(Duration::from_secs(20), script)
}

fn facing_for<T: Send + 'static>(
    patience: Duration,
    script: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (Conn, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let conn = Conn::open(&Scene::new(patience), listener.local_addr().unwrap()).unwrap();
    let peer = listener.accept().unwrap().0;
    (conn, thread::spawn(move || script(peer)))
}

fn get() -> Request {
    Request::new("GET", "/a", "h")
}

/// Reads as many requests like [`get`].
fn take_requests(peer: &mut TcpStream, count: usize) {
    peer.read_exact(&mut vec![0; count * get().octets().len()]).unwrap();
}

fn answer(mut peer: TcpStream, octets: &[u8]) -> TcpStream {
    take_requests(&mut peer, 1);
    peer.write_all(octets).unwrap();
    peer
}

fn reset(peer: TcpStream) {
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
}

/// A failure as a person reads it, and whether silence was its cause.
fn words<T: std::fmt::Debug>(verdict: Verdict<T>) -> (String, bool) {
    let Err(Fault::Failed(failure)) = verdict else { panic!("no failure: {verdict:?}") };
    let mut lines = vec![format!("expected {}", failure.expected), format!("seen {}", failure.seen)];
    lines.extend(failure.excerpt.iter().cloned());
    lines.extend(failure.rule.iter().cloned());
    lines.extend(failure.notes.iter().map(|note| format!("note {note}")));
    (lines.join("\n"), failure.silent)
}

#[test]
fn a_close_without_an_answer_is_told() {
    let (mut conn, _peer) = facing(|peer| drop(answer(peer, b"")));
    assert_eq!(
        words(conn.ask(&get())).0,
        "expected a whole response\n\
         seen the connection was closed (FIN) without an answer"
    );
}

#[test]
fn a_close_in_the_middle_of_a_body_says_how_much_is_missing() {
    let (mut conn, _peer) = facing(|peer| drop(answer(peer, &HELLO[..HELLO.len() - 3])));
    assert_eq!(
        words(conn.ask(&get())).0,
        "expected a whole response\n\
         seen 40 octets, then the connection was closed (FIN): 2 of 5 octets of the body have come\n\
         HTTP/1.1 200 OK␍␊Content-Length: 5␍␊␍␊he"
    );
}

#[test]
fn a_reset_is_told_apart_from_a_close_and_explained() {
    let (mut conn, _peer) = facing(|peer| reset(answer(peer, b"")));
    let (words, silent) = words(conn.ask(&get()));
    assert!(
        words.starts_with(
            "expected a whole response\n\
             seen the connection was reset (RST) without an answer\n\
             note an RST instead of a FIN: your program died, or closed a socket with unread data"
        ),
        "{words}"
    );
    assert!(!silent);
}

#[test]
fn an_answer_that_came_before_a_reset_is_read() {
    let (mut conn, peer) = facing(|peer| reset(answer(peer, HELLO)));
    conn.send(get().octets()).unwrap();
    peer.join().unwrap();
    assert_eq!(conn.response("GET").unwrap().body, b"hello");
    assert_eq!(conn.response_or_end("GET").unwrap(), None);
}

#[test]
fn an_answer_that_came_before_the_request_was_all_sent_is_read() {
    let (mut conn, peer) = facing(|mut peer| {
        peer.read_exact(&mut [0; 3]).unwrap();
        peer.write_all(HELLO).unwrap();
    });
    conn.send_pieces(get().octets(), &[3, 6]).unwrap();
    peer.join().unwrap();
    conn.send(vec![b'x'; 1 << 20]).unwrap();
    assert_eq!(conn.response("GET").unwrap().body, b"hello");
}

#[test]
fn silence_is_told_as_such() {
    let (mut conn, _peer) = facing_for(PATIENCE, |peer| answer(peer, b""));
    assert_eq!(
        words(conn.ask(&get())),
        ("expected a whole response\nseen nothing within 0.1 s".to_owned(), true)
    );
}

#[test]
fn silence_in_the_middle_of_a_head_says_what_is_missing() {
    let (mut conn, _peer) = facing_for(PATIENCE, |peer| answer(peer, &HELLO[..19]));
    assert_eq!(
        words(conn.ask(&get())),
        (
            "expected a whole response\n\
             seen 19 octets, then nothing more within 0.1 s: the header section is not ended by an empty line yet\n\
             HTTP/1.1 200 OK␍␊Co"
                .to_owned(),
            true
        )
    );
}

#[test]
fn a_broken_rule_is_shown_with_a_caret_under_the_octet() {
    let (mut conn, _peer) = facing(|peer| answer(peer, b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
    assert_eq!(
        words(conn.ask(&get())).0,
        "expected a well-formed message\n\
         seen octet 15 breaks a rule\n\
         HTTP/1.1 200 OK␊Content-Length: 0␊␊\n               \
                        ^\n\
         the status line ends with CR LF; here LF came alone (RFC 9112 §2.2)."
    );
}

#[test]
fn responses_that_come_together_are_read_one_after_the_other() {
    let (mut conn, _peer) = facing(|mut peer| {
        take_requests(&mut peer, 2);
        peer.write_all(&[HELLO, HELLO].concat()).unwrap();
    });
    conn.send([get().octets(), get().octets()].concat()).unwrap();
    assert_eq!(conn.response("GET").unwrap().body, b"hello");
    assert_eq!(conn.response("GET").unwrap().body, b"hello");
    assert_eq!(conn.response_or_end("GET").unwrap(), None);
    assert_eq!(
        words(conn.response("GET")).0,
        "expected a whole response, after the 2 before on the same connection\n\
         seen the connection was closed (FIN) without an answer"
    );
}

#[test]
fn octets_where_only_a_close_is_due_are_shown() {
    let (mut conn, _peer) = facing(|peer| drop(answer(peer, &[HELLO, b"more"].concat())));
    conn.ask(&get()).unwrap();
    assert_eq!(
        words(conn.expect_close()).0,
        "expected nothing after the response but the close\n\
         seen 4 more octets\n\
         more\n\
         ^^^^"
    );
}

#[test]
fn a_connection_that_stays_open_is_told() {
    let (mut conn, _peer) = facing_for(PATIENCE, |peer| answer(peer, HELLO));
    conn.ask(&get()).unwrap();
    assert!(!conn.closes_within(Duration::from_millis(20)).unwrap());
    assert_eq!(
        words(conn.expect_close()),
        ("expected the connection is closed\nseen it is still open after 0.1 s".to_owned(), true)
    );
}
