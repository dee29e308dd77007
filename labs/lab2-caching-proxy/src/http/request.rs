//! The head of a request (RFC 9112 §3): read from a client, written to an origin.

use super::{
    Error, Fields, Parsed, Sender, Version, fields, is_token, start_line, target, text, version,
};

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// As it came: visible ASCII. What it stands for is [`Target`](super::Target)'s business.
    pub target: String,
    pub version: Version,
    pub fields: Fields,
}

impl Request {
    /// May another request follow on the client's connection (RFC 9112 §9.3)?
    ///
    /// Only in HTTP/1.1: what keeps a 1.0 connection open is understood hop by hop or not at all, and
    /// a proxy cannot know by whom (RFC 9112 §C.2.2).
    pub fn persists(&self) -> bool {
        false // step 6: persists
    }

    /// Is nothing but retrieval asked for (RFC 9110 §9.2.1)? Of an unknown method, nobody knows.
    pub fn is_safe(&self) -> bool {
        matches!(&*self.method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// Writes the head as an HTTP/1.1 request.
    pub fn write(&self, out: &mut Vec<u8>) {
        todo!("step 1: write request")
    }
}

#[cfg(test)]
impl Request {
    /// A request for `http://h/`.
    pub fn with<const N: usize>(method: &str, fields: [(&str, &str); N]) -> Request {
        Request {
            method: method.into(),
            target: "http://h/".into(),
            version: Version::Http11,
            fields: fields.into(),
        }
    }
}

/// Reads the head of a request.
pub fn parse(octets: &[u8]) -> Parsed<Request> {
    todo!("step 1: request")
}

/// Reads `method SP target SP version`.
fn request_line(line: &[u8]) -> Result<(String, String, Version), Error> {
    todo!("step 1: request line")
}

/// RFC 9112 §3.2: one `Host`, a valid one, which HTTP/1.0 may leave out. What it says does not matter:
/// the target says more.
fn check_host(version: Version, fields: &Fields) -> Result<(), Error> {
    Ok(()) // step 4: check host
}

#[cfg(test)]
mod step1 {
    use super::super::trial::good;
    use super::*;

    #[test]
    fn a_request_is_read_and_written() {
        let head = b"GET http://a/b?c HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n";
        let request = good(parse, head);
        assert_eq!(request.method, "GET");
        assert_eq!(request.target, "http://a/b?c");
        assert_eq!(request.fields.get("x"), Some("1"));
        let mut out = Vec::new();
        request.write(&mut out);
        assert_eq!(out, head);
    }
}

#[cfg(test)]
mod step4 {
    use super::super::trial::{bad, good};
    use super::*;

    #[test]
    fn malformed_request_lines_are_refused() {
        for head in [
            &b"hello\r\n\r\n"[..],
            b"GET http://a/\r\n\r\n",
            b"GET  http://a/ HTTP/1.1\r\n\r\n",
            b"GET http://a/ HTTP/1.1 \r\n\r\n",
            b" GET http://a/ HTTP/1.1\r\n\r\n",
            b"GET http://a/b c HTTP/1.1\r\n\r\n",
            b"GET http://a/\0 HTTP/1.1\r\n\r\n",
            b"GET http://a/\xe9 HTTP/1.1\r\n\r\n",
            b"G,T http://a/ HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(bad(parse, head).status().code(), 400);
        }
        let head = b"GET http://a/ HTTP/2.0\r\n\r\n";
        assert_eq!(bad(parse, head).status().code(), 505);
    }

    #[test]
    fn one_host_is_owed() {
        good(parse, b"GET http://a/ HTTP/1.0\r\n\r\n");
        for section in [
            "",
            "Host: a\r\nHost: a\r\n",
            "Host: a b\r\n",
            "Host: a/b\r\n",
        ] {
            let head = format!("GET http://a/ HTTP/1.1\r\n{section}\r\n");
            assert_eq!(bad(parse, head.as_bytes()).status().code(), 400);
        }
    }
}

#[cfg(test)]
mod step5 {
    use super::super::trial::good;
    use super::*;

    #[test]
    fn empty_lines_before_a_request_are_skipped() {
        good(parse, b"\r\n\r\nGET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
    }
}

#[cfg(test)]
mod step6 {
    use super::super::trial::good;
    use super::*;

    #[test]
    fn a_connection_persists_in_http_1_1_unless_it_says_close() {
        let persists = |version: &str, connection: &str| {
            let head =
                format!("GET http://a/ {version}\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
            good(parse, head.as_bytes()).persists()
        };
        assert!(persists("HTTP/1.1", "x"));
        assert!(!persists("HTTP/1.1", "x, CLOSE"));
        assert!(!persists("HTTP/1.0", "keep-alive"));
    }
}
