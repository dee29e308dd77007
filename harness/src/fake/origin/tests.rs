//! The origin does what its scripts say, and keeps what it was sent.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);
const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

fn origin(scripts: impl IntoIterator<Item = Vec<Act>>) -> Origin {
    let scene = Scene::new(PATIENCE);
    scripts.into_iter().fold(Origin::builder(), Builder::answer).start(&scene).unwrap()
}

fn send(text: &str) -> Act {
    Act::Send(text.into())
}

fn connect(origin: &Origin) -> TcpStream {
    let socket = TcpStream::connect(origin.addr()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A connection on which one request has been sent.
fn ask(origin: &Origin) -> TcpStream {
    let mut socket = connect(origin);
    socket.write_all(REQUEST).unwrap();
    socket
}

fn read(socket: &mut TcpStream, octets: usize) -> String {
    let mut read = vec![0; octets];
    socket.read_exact(&mut read).unwrap();
    String::from_utf8(read).unwrap()
}

#[test]
fn each_request_gets_the_next_script_and_the_last_one_serves_on() {
    let origin = origin([vec![send("first")], vec![send("sec"), send("ond")]]);
    let mut socket = ask(&origin);
    assert_eq!(read(&mut socket, 5), "first");
    for _ in 0..2 {
        socket.write_all(REQUEST).unwrap();
        assert_eq!(read(&mut socket, 6), "second");
    }
    assert_eq!(read(&mut ask(&origin), 6), "second");
    assert_eq!((origin.connections(), origin.exchanges().len()), (2, 4));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = origin([vec![send("1")], vec![send("2")], vec![send("3"), Act::Close]]);
    let mut socket = connect(&origin);
    socket.write_all(&REQUEST.repeat(3)).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "123");
}

#[test]
fn a_request_that_is_the_last_is_answered_and_the_connection_closed() {
    for request in ["GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
        let origin = origin([vec![send("x")]]);
        let mut socket = connect(&origin);
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "x");
    }
}

#[test]
fn requests_are_kept_as_they_came_and_parsed() {
    let origin = origin([vec![send("x")]]);
    let mut socket = connect(&origin);
    let sent = b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";
    socket.write_all(sent).unwrap();
    let request = origin.request(0, Deadline::after(PATIENCE)).unwrap();
    assert_eq!((request.head.method.as_str(), request.body.as_slice()), ("POST", &b"hi"[..]));
    assert_eq!(origin.exchanges()[0].octets, sent);
}

#[cfg(target_os = "linux")]
#[test]
fn pieces_are_each_read_before_the_next_is_sent() {
    let origin = origin([vec![Act::Pieces(b"abcdef".to_vec(), vec![1, 3]), Act::Close]]);
    let mut socket = ask(&origin);
    let mut block = [0; 64];
    let reads: Vec<usize> =
        std::iter::from_fn(|| socket.read(&mut block).ok().filter(|&octets| octets > 0)).collect();
    assert_eq!(reads, [1, 2, 3]);
}

#[test]
fn what_is_answered_may_hang_on_what_is_asked() {
    let script = Act::IfAsked(&["Range", "If-Range"], vec![send("part")], vec![send("whole")]);
    let origin = origin([vec![script]]);
    let mut socket = connect(&origin);
    socket.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nrange: bytes=0-1\r\n\r\n").unwrap();
    assert_eq!(read(&mut socket, 4), "part");
    socket.write_all(REQUEST).unwrap();
    assert_eq!(read(&mut socket, 5), "whole");
}

#[test]
fn a_close_and_a_reset_are_told_apart() {
    let closing = origin([vec![send("x"), Act::Close]]);
    let mut socket = ask(&closing);
    assert_eq!(read(&mut socket, 1), "x");
    assert_eq!(socket.read(&mut [0]).unwrap(), 0);

    let resetting = origin([vec![Act::Reset]]);
    let error = ask(&resetting).read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_held_connection_stays_open_until_the_peer_closes_it() {
    let origin = origin([vec![send("x"), Act::Hold]]);
    let mut socket = ask(&origin);
    assert_eq!(read(&mut socket, 1), "x");
    socket.write_all(REQUEST).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
    assert!(socket.read(&mut [0]).is_err(), "neither an answer nor a close");
    socket.shutdown(Shutdown::Write).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(socket.read(&mut [0]).unwrap(), 0);
    assert_eq!(origin.exchanges().len(), 1);
}

#[test]
fn dropping_it_ends_open_connections_at_once() {
    let origin = origin([vec![Act::Hold]]);
    let (mut held, mut idle) = (ask(&origin), connect(&origin));
    origin.request(0, Deadline::after(PATIENCE)).unwrap();
    let began = Instant::now();
    drop(origin);
    assert!(began.elapsed() < Duration::from_secs(1), "took {:?}", began.elapsed());
    assert_eq!((held.read(&mut [0]).unwrap(), idle.read(&mut [0]).unwrap()), (0, 0));
}

#[test]
fn a_bad_request_is_reported_with_the_octet_and_the_rule() {
    let origin = origin([vec![send("never")]]);
    let mut socket = connect(&origin);
    socket.write_all(b"GET /a HTTP/1.1\nHost: h\n\n").unwrap();
    let Err(Fault::Failed(failure)) = origin.request(0, Deadline::after(PATIENCE)) else {
        panic!("it is refused")
    };
    assert_eq!(failure.seen, "octet 15 breaks a rule");
    assert_eq!(failure.excerpt[0], "GET /a HTTP/1.1␊Host: h␊␊");
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    assert_eq!(answer, b"");
}

#[test]
fn a_request_that_breaks_off_is_reported_with_what_is_missing() {
    let origin = origin([vec![send("never")]]);
    let mut socket = connect(&origin);
    socket.write_all(b"GET /a HTTP/1.1\r\nHost: h\r\n").unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let Err(Fault::Failed(failure)) = origin.request(0, Deadline::after(PATIENCE)) else {
        panic!("it is refused")
    };
    assert_eq!(failure.seen, "26 octets, then a FIN: the header section is not ended by an empty line yet");
}

#[test]
fn a_script_may_be_changed_and_the_new_one_serves_on() {
    let origin = origin([vec![send("old")], vec![send("older")]]);
    assert_eq!(read(&mut ask(&origin), 3), "old");
    origin.now([send("new")]);
    for _ in 0..2 {
        assert_eq!(read(&mut ask(&origin), 3), "new");
    }
    assert_eq!(origin.asked(), 3);
}

#[test]
fn what_stands_behind_a_latch_is_sent_when_it_opens() {
    let latch = Latch::default();
    let origin =
        origin([vec![send("a"), Act::Await(latch.clone()), send("b"), Act::Repeat(b"c".to_vec(), 3)]]);
    let mut socket = ask(&origin);
    assert_eq!(read(&mut socket, 1), "a");
    socket.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
    assert!(socket.read(&mut [0]).is_err(), "the latch is shut");
    latch.open();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(read(&mut socket, 4), "bccc");
}

#[test]
fn what_finish_returns_is_all_that_was_sent_before_it() {
    let origin = origin([vec![send("first")]]);
    let mut last = connect(&origin);
    last.write_all(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nmore").unwrap();
    last.shutdown(Shutdown::Write).unwrap();
    let mut half = connect(&origin);
    half.write_all(b"GET /b").unwrap();
    let _idle = connect(&origin);
    let (exchanges, strays) = origin.finish().unwrap();
    let mut octets: Vec<_> = exchanges.iter().map(|exchange| exchange.octets.len()).collect();
    octets.sort_unstable();
    assert_eq!(octets, [6, 51]);
    assert_eq!(strays, b"more");
}
