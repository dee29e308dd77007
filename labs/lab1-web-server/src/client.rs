//! A client that sends one request and receives one response.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::http::reader::{Event, Reader};
use crate::http::request::is_authority;
use crate::http::{self, is_token};

/// How long an address may take to accept the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may be silent.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// What is asked of whom.
#[derive(Debug, Clone)]
pub struct Order {
    pub method: String,
    /// A name, or an address; one of IPv6 with or without brackets.
    pub host: String,
    pub port: u16,
    pub path: String,
}

/// Why there is no complete response.
#[derive(Debug)]
pub enum Error {
    /// The order cannot be written as a request; the text says why.
    Order(&'static str),
    Connect(io::Error),
    Network(io::Error),
    Protocol(http::Error),
    /// The body could not be passed on.
    Output(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Order(what) => write!(f, "invalid request: {what}"),
            Error::Connect(error) => write!(f, "failed to connect: {error}"),
            Error::Network(error) if error.kind() == ErrorKind::WouldBlock => {
                write!(f, "no answer for {} s", READ_TIMEOUT.as_secs())
            }
            Error::Network(error) => write!(f, "connection lost: {error}"),
            Error::Protocol(error) => write!(f, "invalid response: {error}"),
            Error::Output(error) => write!(f, "failed to write: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<http::Error> for Error {
    fn from(error: http::Error) -> Error {
        Error::Protocol(error)
    }
}

/// Sends the request; writes the head of the answer to `head` and its body, as it arrives, to
/// `body`. Returns the status.
pub fn run(order: &Order, head: &mut impl Write, body: &mut impl Write) -> Result<u16, Error> {
    todo!("step 12: run")
}

/// Writes the octets of the request (RFC 9112 §3).
fn request(order: &Order) -> Result<Vec<u8>, Error> {
    todo!("step 12: request")
}

/// Connects to the first of a host's addresses that accepts.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    todo!("step 12: connect")
}

/// A host without the brackets that an IPv6 address has in a URL.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// Shows the lines of a head, with the line ends of a terminal. That nobody looks is no error.
fn show(lines: &[u8], out: &mut impl Write) {
    let lines: Vec<u8> = lines
        .iter()
        .copied()
        .filter(|&octet| octet != b'\r')
        .collect();
    let _ = out.write_all(&lines);
}

#[cfg(test)]
mod step12 {
    use super::*;

    fn written(method: &str, host: &str, port: u16, path: &str) -> Option<String> {
        let order = Order {
            method: method.into(),
            host: host.into(),
            port,
            path: path.into(),
        };
        request(&order)
            .ok()
            .map(|octets| String::from_utf8(octets).unwrap())
    }

    #[test]
    fn a_request_names_its_host_and_any_port_but_80() {
        let at = |host, port| written("GET", host, port, "/a?b").unwrap();
        assert!(at("h", 80).starts_with("GET /a?b HTTP/1.1\r\nHost: h\r\n"));
        assert!(at("h", 80).ends_with("\r\nConnection: close\r\n\r\n"));
        assert!(at("127.0.0.1", 8080).contains("\r\nHost: 127.0.0.1:8080\r\n"));
        assert!(at("::1", 8080).contains("\r\nHost: [::1]:8080\r\n"));
        assert!(at("[::1]", 80).contains("\r\nHost: [::1]\r\n"));
    }

    #[test]
    fn a_method_that_expects_a_body_announces_an_empty_one() {
        assert!(
            written("POST", "h", 80, "/")
                .unwrap()
                .contains("\r\nContent-Length: 0\r\n")
        );
        assert!(
            !written("GET", "h", 80, "/")
                .unwrap()
                .contains("Content-Length")
        );
    }

    #[test]
    fn nothing_can_be_smuggled_in() {
        assert_eq!(written("GET /x", "h", 80, "/"), None);
        assert_eq!(written("GET", "h\r\nX: y", 80, "/"), None);
        assert_eq!(written("GET", "h", 80, "/ HTTP/1.1\r\nX: y"), None);
        assert_eq!(written("GET", "", 80, "/"), None);
    }
}
