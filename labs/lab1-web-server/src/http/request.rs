//! The head of a request (RFC 9112 §3): its first line and its header section.
//!
//! What the target stands for is `resource::target`'s business, and the body is `body`'s.

use super::{Error, Fields, Parsed, Version, fields, is_token, line, parse_version};

/// Octets in a request line, without its CRLF. RFC 9112 §3 asks for at least 8000.
pub const MAX_LINE: usize = 16 * 1024;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The request line as it came, for the log.
    pub line: String,
    pub method: Method,
    /// The target as it came: visible ASCII, at least one octet.
    pub target: String,
    pub version: Version,
    pub fields: Fields,
}

/// What this server makes of a method. Methods are case-sensitive (RFC 9110 §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    /// A method of RFC 9110 §9.3 or RFC 5789 that is not served: 405.
    Refused,
    /// Any other: 501.
    Unknown,
}

impl Request {
    /// May the client send another request on this connection (RFC 9112 §9.3)?
    pub fn persists(&self) -> bool {
        false // step 6: persists
    }
}

/// Reads the head of a request.
///
/// Empty lines before it are skipped (RFC 9112 §2.2). Step 2 reads good requests, step 4 says what
/// is wrong with the others, step 7 sets the limits.
pub fn parse(bytes: &[u8]) -> Parsed<Request> {
    todo!("step 2: parse")
}

/// Reads `method SP target SP version`, with exactly one space each (RFC 9112 §3).
pub fn request_line(line: &[u8]) -> Result<(Method, String, Version), Error> {
    todo!("step 2: request line")
}

/// RFC 9112 §3.2: exactly one `Host` in HTTP/1.1, at most one in HTTP/1.0, and a valid one.
pub fn check_host(version: Version, fields: &Fields) -> Result<(), Error> {
    Ok(()) // step 4: host
}

/// Is this `host [":" port]` (RFC 3986 §3.2), without user information (RFC 9110 §4.2.4)?
pub fn is_authority(text: &str) -> bool {
    true // step 4: authority
}

#[cfg(test)]
mod step2 {
    use super::super::tests::accepts;
    use super::*;

    #[test]
    fn a_request_is_read_into_its_parts() {
        let request = accepts(parse, b"GET /a?b HTTP/1.1\r\nHost: h:8080\r\nX: y\r\n\r\n");
        assert_eq!(request.line, "GET /a?b HTTP/1.1");
        assert_eq!(request.method, Method::Get);
        assert_eq!(request.target, "/a?b");
        assert_eq!(request.version, Version::Http11);
        assert_eq!(request.fields.get("x"), Some("y"));
    }

    #[test]
    fn good_requests_of_many_kinds_are_taken() {
        for vector in [
            &b"GET / HTTP/1.0\r\n\r\n"[..],
            b"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
            b"GET / HTTP/1.9\r\nHost:\r\n\r\n",
            b"GET http://h/a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nhOST: 127.0.0.1:\r\n\r\n",
        ] {
            accepts(parse, vector);
        }
    }

    #[test]
    fn methods_are_served_refused_or_unknown() {
        let method = |line: &[u8]| request_line(line).unwrap().0;
        assert_eq!(method(b"HEAD / HTTP/1.1"), Method::Head);
        assert_eq!(method(b"DELETE / HTTP/1.1"), Method::Refused);
        assert_eq!(method(b"get / HTTP/1.1"), Method::Unknown);
    }
}

#[cfg(test)]
mod step4 {
    use super::super::tests::{accepts, rejects};
    use super::*;

    #[test]
    fn malformed_request_lines_are_400() {
        for vector in [
            &b"hello\r\n\r\n"[..],
            b"GET /\r\n\r\n",
            b"GET  / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1 \r\n\r\n",
            b" GET / HTTP/1.1\r\n\r\n",
            b"GET /a b HTTP/1.1\r\n\r\n",
            b"GET /\0 HTTP/1.1\r\n\r\n",
            b"GET /\xe9 HTTP/1.1\r\n\r\n",
            b"G(T / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.10\r\n\r\n",
            b"GET / http/1.1\r\n\r\n",
            b"GET / HTTP/1\r\n\r\n",
            b"GET / HTTP/1.1\n\r\n",
            b"GET /\r HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(rejects(parse, vector).status().code(), 400);
        }
    }

    #[test]
    fn another_major_version_is_505() {
        assert_eq!(
            rejects(parse, b"GET / HTTP/2.0\r\n\r\n").status().code(),
            505
        );
        assert_eq!(
            rejects(parse, b"PRI * HTTP/2.0\r\n\r\n").status().code(),
            505
        );
    }

    #[test]
    fn host_is_owed_once() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        ] {
            assert_eq!(rejects(parse, head.as_bytes()).status().code(), 400);
        }
        accepts(parse, b"GET / HTTP/1.0\r\n\r\n");
    }

    #[test]
    fn host_must_be_a_host() {
        for section in [
            "Host: a b\r\n",
            "Host: a/b\r\n",
            "Host: u@a\r\n",
            "Host: a:b\r\n",
            "Host: a:1:2\r\n",
            "Host: [::1\r\n",
            "Host: []\r\n",
            "Host: [::1]x\r\n",
        ] {
            let vector = format!("GET / HTTP/1.1\r\n{section}\r\n");
            assert_eq!(rejects(parse, vector.as_bytes()).status().code(), 400);
        }
    }
}

#[cfg(test)]
mod step6 {
    use super::super::tests::accepts;
    use super::*;

    #[test]
    fn persistence_follows_the_version_and_the_connection_field() {
        let persists = |version: &str, field: &str| {
            let head = format!("GET / {version}\r\nHost: h\r\n{field}\r\n");
            accepts(parse, head.as_bytes()).persists()
        };
        assert!(persists("HTTP/1.1", ""));
        assert!(!persists("HTTP/1.1", "Connection: foo, CLOSE\r\n"));
        assert!(!persists(
            "HTTP/1.1",
            "Connection: foo\r\nconnection: close\r\n"
        ));
        assert!(!persists("HTTP/1.0", ""));
        assert!(persists("HTTP/1.0", "Connection: Keep-Alive\r\n"));
    }
}

#[cfg(test)]
mod step7 {
    use super::*;

    #[test]
    fn a_request_line_has_a_limit() {
        let with = |octets: usize| {
            let target = "a".repeat(octets - "GET / HTTP/1.1".len());
            format!("GET /{target} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes()
        };
        assert!(parse(&with(MAX_LINE)).unwrap().is_some());
        assert_eq!(parse(&with(MAX_LINE + 1)), Err(Error::LineTooLong));
        assert_eq!(parse(&vec![b'a'; MAX_LINE + 3]), Err(Error::LineTooLong));
    }
}
