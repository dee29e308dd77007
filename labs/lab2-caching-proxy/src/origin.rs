//! The connection to an origin: made for one request, and listened to with patience, but not for
//! ever.

use std::io;
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::http::target::Authority;
use crate::http::{Error, Response, Status, response};
use crate::incoming::{Incoming, is_timeout};
use crate::transfer::Upload;

/// Octets read from an origin at a time.
const SIZE: usize = 64 * 1024;

/// Why an origin gives no answer, or no more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It took too long to reach it, or to hear from it.
    Silent,
    /// It cannot be reached, has gone, or sends what is no answer.
    Unusable,
    /// What the client sends is no request: this is why the origin got nothing to answer.
    Client,
}

impl Fault {
    /// What the client is told, if nothing else has been said to it yet (RFC 9110 §15.6).
    pub fn status(self) -> Status {
        match self {
            Fault::Silent => Status::GatewayTimeout,
            Fault::Unusable => Status::BadGateway,
            Fault::Client => Status::BadRequest,
        }
    }
}

impl From<Error> for Fault {
    fn from(_: Error) -> Fault {
        Fault::Unusable
    }
}

/// Connects to a host, at the first of its addresses that answers.
pub fn connect(authority: &Authority, timeout: Duration) -> Result<TcpStream, Fault> {
    todo!("step 1: connect")
}

fn prepare(stream: TcpStream, timeout: Duration) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    Ok(stream)
}

/// What an origin sends, while a request may still be on its way to it.
pub struct Answering<'a> {
    pub incoming: Incoming<'a>,
    upload: &'a Upload,
    timeout: Duration,
}

impl<'a> Answering<'a> {
    pub fn new(stream: &'a TcpStream, upload: &'a Upload, timeout: Duration) -> Answering<'a> {
        Answering {
            incoming: Incoming::new(stream, SIZE),
            upload,
            timeout,
        }
    }

    /// Reads a head.
    pub fn head(&mut self) -> Result<Response, Fault> {
        todo!("step 1: head")
    }

    /// Waits for octets; false at the end.
    ///
    /// The origin's silence counts from its last octet, or from when it got its last: as long as the
    /// client is still sending, it is not the origin's turn to speak.
    pub fn receive(&mut self) -> Result<bool, Fault> {
        let received = self.incoming.receive(); // step 4: receive answer
        Ok(received.map_err(|_| Fault::Unusable)? > 0)
    }
}

impl Drop for Answering<'_> {
    /// Whatever else it has to say, nobody listens: a request still on its way need not arrive.
    fn drop(&mut self) {
        let _ = self.incoming.stream().shutdown(Shutdown::Both); // it may have closed already
    }
}

#[cfg(test)]
mod step4 {
    use std::net::TcpListener;

    use super::*;
    use crate::http::{body::Framing, target};

    const TIMEOUT: Duration = Duration::from_millis(50);

    fn authority(text: &str) -> Authority {
        target::parse("GET", &format!("http://{text}/"))
            .unwrap()
            .authority
    }

    #[test]
    fn nobody_there_is_a_502() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = listener.local_addr().unwrap().to_string();
        assert!(connect(&authority(&there), TIMEOUT).is_ok());
        drop(listener);
        let refused = connect(&authority(&there), TIMEOUT).unwrap_err();
        assert_eq!(refused.status(), Status::BadGateway);
        let unknown = connect(
            &authority(&format!("{}.invalid", "n".repeat(63).repeat(4))),
            TIMEOUT,
        );
        assert_eq!(unknown.unwrap_err().status(), Status::BadGateway);
    }

    #[test]
    fn silence_is_a_504_and_garbage_a_502() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = prepare(stream, TIMEOUT).unwrap();
        let upload = Upload::new(Framing::Length(0));
        let head = || Answering::new(&stream, &upload, TIMEOUT).head();
        assert_eq!(head(), Err(Fault::Silent));
        assert_eq!(head(), Err(Fault::Unusable)); // by now it is shut
    }
}
