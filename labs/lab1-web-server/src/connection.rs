//! One connection, from its first request to its close (RFC 9112 §9).
//!
//! This is the shell around the parsers: it owns the socket and the clock, and what it learns it
//! hands on as octets and times.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use crate::http::{self, Body, Request, Response, Status, Version, body, request};
use crate::log;
use crate::server::Server;
use crate::sys;

/// Octets read from the socket at a time.
const CHUNK: usize = 16 * 1024;
/// A file up to this size goes out in one piece with its head; a larger one does not pass through
/// this program at all.
const SMALL_FILE: u64 = 16 * 1024;
/// How long a client may take nothing of what is sent to it.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a closing connection waits for the next octets of a client that still sends.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a connection. A panic ends this connection and nothing else; the standard library has
/// reported it on stderr by the time it is caught.
pub fn serve_or_survive(stream: &TcpStream, server: &Server) {
    let _ = catch_unwind(AssertUnwindSafe(|| Connection::new(stream, server).serve()));
}

/// Will the next attempt to accept a connection do better?
pub fn is_passing(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionAborted | Interrupted | WouldBlock)
}

/// Why there will be no further exchange.
#[derive(Debug)]
enum End {
    /// The client has gone, or said nothing for too long.
    Gone,
    /// The last answer has been sent, and everything before it read.
    Done,
    /// The last answer has been sent, but the client may still be sending.
    Unread,
    /// What the client sent gets this answer, and no more is read; the line is for the log.
    Refused { status: Status, line: String },
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> End {
        End::Gone
    }
}

struct Connection<'a> {
    stream: &'a TcpStream,
    server: &'a Server,
    client: IpAddr,
    /// What has arrived and is not yet taken off.
    received: Vec<u8>,
    chunk: Box<[u8; CHUNK]>,
    /// What is about to be sent.
    out: Vec<u8>,
    /// The time limit on reading that the socket has now.
    read_timeout: Option<Duration>,
}

impl<'a> Connection<'a> {
    fn new(stream: &'a TcpStream, server: &'a Server) -> Connection<'a> {
        let unspecified = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        Connection {
            stream,
            server,
            client: stream
                .peer_addr()
                .map_or(unspecified, |address| address.ip().to_canonical()),
            received: Vec::new(),
            chunk: Box::new([0; CHUNK]),
            out: Vec::new(),
            read_timeout: None,
        }
    }

    /// Holds the whole conversation.
    ///
    /// Step 1 answers one request and returns. Step 4 refuses what is malformed, step 6 goes on to
    /// the next request, step 7 sees to an orderly end.
    fn serve(&mut self) -> io::Result<()> {
        todo!("step 1: serve")
    }

    /// Reads one request and answers it: `Ok` if another one may follow.
    ///
    /// Step 1 answers whatever has arrived. Step 2 reads a request first, step 6 asks whether the
    /// connection persists, step 7 sees to a body.
    fn exchange(&mut self) -> Result<(), End> {
        todo!("step 1: exchange")
    }

    /// Reads until the head of a request is there, and takes it off.
    ///
    /// Step 2 reads and parses in turn. Step 7 gives a slow client a deadline: it runs from the
    /// first octet, so that one octet now and then does not keep the connection.
    fn receive_request(&mut self) -> Result<Request, End> {
        todo!("step 2: receive request")
    }

    /// Reads the body of a request and throws it away. False if it was left where it is, because
    /// the client waits for a word before it sends it.
    fn skip_body(&mut self, request: &Request) -> Result<bool, End> {
        if !body::is_announced(&request.fields) {
            return Ok(true);
        }
        match request.fields.get("Content-Length") {
            Some("0") => Ok(true),
            _ => todo!("step 7: skip body"),
        }
    }

    /// Waits for octets, until that time or else as long as a client may be idle; 0 at the end.
    fn receive(&mut self, due: Option<Instant>) -> io::Result<usize> {
        todo!("step 1: receive")
    }

    /// Sends a response. Step 11 counts it and writes it into the log.
    fn answer(
        &mut self,
        line: &str,
        response: &Response,
        connection: Option<&str>,
    ) -> io::Result<()> {
        todo!("step 1: answer")
    }

    /// Puts a response on the wire. Head and body leave in as few pieces as possible: a small one
    /// by itself would wait for the client's acknowledgement, or make the client wait.
    fn send(
        &mut self,
        response: &Response,
        connection: Option<&str>,
        now: SystemTime,
    ) -> io::Result<()> {
        todo!("step 1: send")
    }

    /// Closes in two stages (RFC 9112 §9.6): says that no more will come, then reads on until the
    /// client has seen it. To close with octets unread would send a reset, and a reset can overtake
    /// the answer.
    fn linger(&mut self) -> io::Result<()> {
        Ok(()) // step 7: linger
    }
}

/// Was this the time limit on reading? Systems differ in the name they give it.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What there is of a request line, for the log.
fn first_line(received: &[u8]) -> String {
    String::new() // step 11: first line
}
