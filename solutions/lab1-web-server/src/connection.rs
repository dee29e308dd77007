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
        // ANCHOR: step1_serve
        self.stream.set_nodelay(true)?;
        self.stream.set_write_timeout(Some(SEND_TIMEOUT))?;
        let end = loop {
            if let Err(end) = self.exchange() {
                break end;
            }
        };
        match end {
            End::Gone | End::Done => {}
            End::Unread => self.linger()?,
            End::Refused { status, line } => {
                let response = Response::new(status).with("Content-Length", "0");
                self.answer(&line, &response, Some("close"))?;
                self.linger()?;
            }
        }
        Ok(())
        // ANCHOR_END: step1_serve
    }

    /// Reads one request and answers it: `Ok` if another one may follow.
    ///
    /// Step 1 answers whatever has arrived. Step 2 reads a request first, step 6 asks whether the
    /// connection persists, step 7 sees to a body.
    fn exchange(&mut self) -> Result<(), End> {
        // ANCHOR: step1_exchange
        let request = self.receive_request()?;
        let is_read = self.skip_body(&request)?;
        let response = self.server.respond(&request, SystemTime::now());
        let is_good = response.status != Status::BadRequest;
        let persists = request.persists() && is_read && is_good && !sys::stopping();
        let connection = match (persists, request.version) {
            (false, _) => Some("close"),
            (true, Version::Http10) => Some("keep-alive"),
            (true, Version::Http11) => None,
        };
        self.answer(&request.line, &response, connection)?;
        match persists {
            true => Ok(()),
            false if is_read && self.received.is_empty() => Err(End::Done),
            false => Err(End::Unread),
        }
        // ANCHOR_END: step1_exchange
    }

    /// Reads until the head of a request is there, and takes it off.
    ///
    /// Step 2 reads and parses in turn. Step 7 gives a slow client a deadline: it runs from the
    /// first octet, so that one octet now and then does not keep the connection.
    fn receive_request(&mut self) -> Result<Request, End> {
        // ANCHOR: step2_receive_request
        let deadline = || Instant::now() + self.server.timeout;
        let mut due = (!self.received.is_empty()).then(deadline);
        loop {
            match request::parse(&self.received) {
                Ok(Some((request, used))) => {
                    self.received.drain(..used);
                    return Ok(request);
                }
                Ok(None) => {}
                Err(error) => {
                    let line = first_line(&self.received);
                    return Err(End::Refused {
                        status: error.status(),
                        line,
                    });
                }
            }
            match self.receive(due) {
                Ok(0) => return Err(End::Gone),
                Ok(_) => {}
                Err(error) if is_timeout(&error) && due.is_some() => {
                    let line = first_line(&self.received);
                    return Err(End::Refused {
                        status: Status::RequestTimeout,
                        line,
                    });
                }
                Err(_) => return Err(End::Gone),
            }
            due = due.or_else(|| Some(Instant::now() + self.server.timeout));
        }
        // ANCHOR_END: step2_receive_request
    }

    /// Reads the body of a request and throws it away. False if it was left where it is, because
    /// the client waits for a word before it sends it.
    fn skip_body(&mut self, request: &Request) -> Result<bool, End> {
        if !body::is_announced(&request.fields) {
            return Ok(true);
        }
        // ANCHOR: step7_skip_body
        // STARTER: match request.fields.get("Content-Length") {
        // STARTER:     Some("0") => Ok(true),
        // STARTER:     _ => todo!("step 7: skip body"),
        // STARTER: }
        let refused = |status| End::Refused {
            status,
            line: request.line.clone(),
        };
        let malformed = |error: http::Error| refused(error.status());
        let framing = body::framing(request.version, &request.fields).map_err(malformed)?;
        if body::is_held_back(request.version, &request.fields) {
            return Ok(false);
        }
        let mut rest = body::Rest::new(framing).map_err(malformed)?;
        let due = Instant::now() + self.server.timeout;
        loop {
            let (used, is_over) = rest.skip(&self.received).map_err(malformed)?;
            self.received.drain(..used);
            if is_over {
                return Ok(true);
            }
            match self.receive(Some(due)) {
                Ok(0) => return Err(End::Gone),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => return Err(refused(Status::RequestTimeout)),
                Err(error) => return Err(error.into()),
            }
        }
        // ANCHOR_END: step7_skip_body
    }

    /// Waits for octets, until that time or else as long as a client may be idle; 0 at the end.
    fn receive(&mut self, due: Option<Instant>) -> io::Result<usize> {
        // ANCHOR: step1_receive
        loop {
            let wait = match due {
                Some(due) => due.saturating_duration_since(Instant::now()),
                None => self.server.timeout,
            };
            if wait.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            if self.read_timeout != Some(wait) {
                self.stream.set_read_timeout(Some(wait))?;
                self.read_timeout = Some(wait);
            }
            match self.stream.read(&mut self.chunk[..]) {
                Ok(length) => {
                    self.received.extend_from_slice(&self.chunk[..length]);
                    return Ok(length);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // ANCHOR_END: step1_receive
    }

    /// Sends a response. Step 11 counts it and writes it into the log.
    fn answer(
        &mut self,
        line: &str,
        response: &Response,
        connection: Option<&str>,
    ) -> io::Result<()> {
        // ANCHOR: step1_answer
        let now = SystemTime::now();
        self.server.counters.answered();
        let sent = self.send(response, connection, now);
        self.server.log.write(&log::Entry {
            client: self.client,
            when: now,
            request: line,
            status: response.status.code(),
            octets: if sent.is_ok() { response.body.len() } else { 0 },
        });
        sent
        // ANCHOR_END: step1_answer
    }

    /// Puts a response on the wire. Head and body leave in as few pieces as possible: a small one
    /// by itself would wait for the client's acknowledgement, or make the client wait.
    fn send(
        &mut self,
        response: &Response,
        connection: Option<&str>,
        now: SystemTime,
    ) -> io::Result<()> {
        // ANCHOR: step1_send
        self.out.clear();
        response.write_head(now, connection, &mut self.out);
        match &response.body {
            Body::None => {}
            Body::Octets(octets) => self.out.extend_from_slice(octets),
            Body::File {
                file,
                offset,
                length,
            } if *length <= SMALL_FILE => {
                let head = self.out.len();
                self.out.resize(head + *length as usize, 0);
                file.read_exact_at(&mut self.out[head..], *offset)?;
            }
            Body::File {
                file,
                offset,
                length,
            } => {
                sys::send_with_more(self.stream, &self.out)?;
                return sys::send_file(self.stream, file, *offset, *length);
            }
        }
        self.stream.write_all(&self.out)
        // ANCHOR_END: step1_send
    }

    /// Closes in two stages (RFC 9112 §9.6): says that no more will come, then reads on until the
    /// client has seen it. To close with octets unread would send a reset, and a reset can overtake
    /// the answer.
    fn linger(&mut self) -> io::Result<()> {
        // ANCHOR: step7_linger
        // STARTER: Ok(()) // step 7: linger
        self.stream.shutdown(Shutdown::Write)?;
        let due = Instant::now() + self.server.timeout;
        loop {
            self.received.clear();
            match self.receive(Some(due.min(Instant::now() + LINGER))) {
                Ok(1..) => {}
                _ => return Ok(()),
            }
        }
        // ANCHOR_END: step7_linger
    }
}

/// Was this the time limit on reading? Systems differ in the name they give it.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What there is of a request line, for the log.
fn first_line(received: &[u8]) -> String {
    // ANCHOR: step11_first_line
    // STARTER: String::new() // step 11: first line
    let is_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
    let line = received
        .split(is_end)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
    // ANCHOR_END: step11_first_line
}
