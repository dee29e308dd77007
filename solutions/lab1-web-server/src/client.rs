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
    // ANCHOR: step12_run
    let request = request(order)?;
    let mut stream = connect(&order.host, order.port).map_err(Error::Connect)?;
    stream
        .set_read_timeout(Some(READ_TIMEOUT))
        .map_err(Error::Network)?;
    stream.write_all(&request).map_err(Error::Network)?;

    let mut reader = Reader::new(&order.method);
    let mut answer = 0;
    let mut received = Vec::new();
    let mut chunk = [0; 64 * 1024];
    loop {
        let mut at = 0;
        loop {
            let (used, event) = reader.next(&received[at..])?;
            match event {
                Event::NeedMore => break,
                Event::Skipped => {}
                Event::Head { status, lines } => {
                    answer = status;
                    show(lines, head);
                }
                Event::Data(data) => body.write_all(data).map_err(Error::Output)?,
                Event::End => {
                    body.flush().map_err(Error::Output)?;
                    return Ok(answer);
                }
            }
            at += used;
        }
        received.drain(..at);
        body.flush().map_err(Error::Output)?;
        match stream.read(&mut chunk) {
            Ok(0) => {
                reader.finish()?;
                return Ok(answer);
            }
            Ok(length) => received.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Network(error)),
        }
    }
    // ANCHOR_END: step12_run
}

/// Writes the octets of the request (RFC 9112 §3).
fn request(order: &Order) -> Result<Vec<u8>, Error> {
    // ANCHOR: step12_request
    let Order {
        method, path, port, ..
    } = order;
    let host = bare(&order.host);
    let host = match host.contains(':') {
        true => format!("[{host}]"), // RFC 3986 §3.2.2
        false => host.to_owned(),
    };
    if !is_token(method.as_bytes()) {
        return Err(Error::Order("the method is not a token"));
    }
    if host.is_empty() || !is_authority(&host) {
        return Err(Error::Order("the host is not a host"));
    }
    if path.is_empty() || !path.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(Error::Order(
            "the path is not visible ASCII (percent-encode the rest)",
        ));
    }
    let host = match port {
        80 => host,
        port => format!("{host}:{port}"),
    };
    // RFC 9110 §8.6: methods that expect a body say that there is none.
    let length = match method.as_str() {
        "POST" | "PUT" | "PATCH" => "Content-Length: 0\r\n",
        _ => "",
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: web-client\r\nAccept: */*\r\n\
         {length}Connection: close\r\n\r\n"
    );
    Ok(head.into_bytes())
    // ANCHOR_END: step12_request
}

/// Connects to the first of a host's addresses that accepts.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    // ANCHOR: step12_connect
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (bare(host), port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
    // ANCHOR_END: step12_connect
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
