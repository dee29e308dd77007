//! The head of a response (RFC 9112 §4): read from an origin, written to a client.

use super::{Error, Fields, Parsed, Sender, Status, Version, fields, start_line, text, version};

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub version: Version,
    /// Three digits, the first not 0.
    pub status: u16,
    /// May be empty, and means nothing (RFC 9112 §4).
    pub reason: String,
    pub fields: Fields,
}

impl Response {
    /// A response of the proxy's own making.
    pub fn new(status: Status, fields: Fields) -> Response {
        Response {
            version: Version::Http11,
            status: status.code(),
            reason: status.reason().into(),
            fields,
        }
    }

    /// Writes status line and fields, without the empty line: more fields may follow.
    pub fn write(&self, out: &mut Vec<u8>) {
        todo!("step 1: write response")
    }

    #[cfg(test)]
    pub fn with(status: u16, fields: Fields) -> Response {
        Response {
            status,
            ..Response::new(Status::Ok, fields)
        }
    }
}

/// Reads the head of a response.
pub fn parse(octets: &[u8]) -> Parsed<Response> {
    todo!("step 1: response")
}

/// Reads `version SP status SP reason`. The reason may be empty, and some leave its space out too.
fn status_line(line: &[u8]) -> Result<(Version, u16, String), Error> {
    todo!("step 1: status line")
}

#[cfg(test)]
mod step1 {
    use super::super::trial::good;
    use super::*;

    #[test]
    fn a_response_is_read_and_written() {
        let head = b"HTTP/1.1 404 Not \xe9\r\nA: 1\r\n\r\n";
        let response = good(parse, head);
        assert_eq!(response.status, 404);
        let mut out = Vec::new();
        response.write(&mut out);
        assert_eq!(out, head[..head.len() - 2]);
    }

    #[test]
    fn a_reason_may_be_missing() {
        assert_eq!(good(parse, b"HTTP/1.0 200\r\n\r\n").reason, "");
        assert_eq!(good(parse, b"HTTP/1.1 599 \r\n\r\n").status, 599);
    }
}

#[cfg(test)]
mod step4 {
    use super::super::trial::bad;
    use super::*;

    #[test]
    fn what_is_no_response_is_refused() {
        for head in [
            &b"SSH-2.0-x\r\n\r\n"[..],
            b"HTTP/1.1 2000 OK\r\n\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1\r\n\r\n",
            b"HTTP/3.0 200 OK\r\n\r\n",
            b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        ] {
            bad(parse, head);
        }
    }
}
