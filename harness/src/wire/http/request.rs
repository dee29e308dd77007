//! The head of a request: request line and header section (RFC 9112 §3, §5).
//!
//! Left out: whether `Host` is there and right (§3.2), which the checks judge.

use super::cursor::{Cursor, Stop, settle};
use super::{Fields, Parsed, SyntaxError, fields};
use crate::wire::uri;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// Case-sensitive.
    pub method: String,
    /// As sent: `/path?query`, `http://host/path`, `host:port` or `*`.
    pub target: Vec<u8>,
    /// (1, 1) for `HTTP/1.1`.
    pub version: (u8, u8),
    pub fields: Fields,
}

/// The head that begins at the first octet, and its length up to the end of the empty line.
pub fn parse_head(input: &[u8]) -> Parsed<RequestHead> {
    let mut cursor = Cursor::new(input, 0);
    let head = settle(head(&mut cursor))?;
    Ok(head.map(|head| (head, cursor.taken())))
}

fn head(cursor: &mut Cursor<'_>) -> Result<RequestHead, Stop> {
    if matches!(cursor.peek()?, b'\r' | b'\n') {
        return Err(cursor.refuse("no line end stands before or after a request", "RFC 9112 §2.2"));
    }
    let method = String::from_utf8_lossy(cursor.token()?).into_owned();
    if method.is_empty() {
        return Err(cursor.refuse("a request begins with its method", "RFC 9112 §3"));
    }
    cursor.expect(b' ', "one space follows the method", "RFC 9112 §3")?;
    let target = target(cursor, &method)?;
    cursor.expect(b' ', "one space and the HTTP version follow the request target", "RFC 9112 §3")?;
    let version = cursor.version("the request line ends with the HTTP version, \"HTTP/\" in capitals")?;
    cursor.end_of_line(
        "the request line",
        "nothing follows the HTTP version in a request line",
        "RFC 9112 §3",
    )?;
    let fields = fields::section(cursor, "the header section")?;
    Ok(RequestHead { method, target, version, fields })
}

fn target(cursor: &mut Cursor<'_>, method: &str) -> Result<Vec<u8>, Stop> {
    let at = cursor.offset();
    let mut target = Vec::new();
    while !matches!(cursor.peek()?, b' ' | b'\r' | b'\n') {
        if cursor.peek()? == b'#' {
            let rule = "a fragment stays with the client: a request target ends before \"#\"";
            return Err(cursor.refuse(rule, "RFC 9112 §3.2"));
        }
        let length = uri::character(cursor.rest()).map_err(|error| error.shifted(cursor.offset()))?;
        target.extend(cursor.take(length.ok_or(Stop::More)?));
    }
    if target.is_empty() {
        return Err(cursor.refuse("a request target is never empty", "RFC 9112 §3.2"));
    }
    let form = match target.as_slice() {
        b"*" if method == "OPTIONS" => None,
        b"*" => Some(("the target \"*\" goes with OPTIONS only", "RFC 9112 §3.2.4")),
        _ if method == "CONNECT" => match target.iter().rposition(|&octet| octet == b':') {
            Some(colon) if colon > 0 && target[colon + 1..].iter().all(u8::is_ascii_digit) => None,
            _ => Some(("the target of CONNECT is host, colon, port", "RFC 9112 §3.2.3")),
        },
        [b'/', ..] => None,
        _ if uri::split_absolute(&target).is_some() => None,
        _ => Some(("a request target is a path that begins with \"/\", or a whole URI", "RFC 9112 §3.2")),
    };
    match form {
        None => Ok(target),
        Some((rule, clause)) => Err(SyntaxError::new(at, target.len(), rule, clause).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::testing::{accepted, refused};

    #[test]
    fn a_head_reads_whole_at_every_prefix_and_with_octets_after_it() {
        let head = accepted(b"GET /a%20b?c=d HTTP/1.1\r\nHost: localhost:80\r\n\r\n", parse_head);
        assert_eq!((head.method.as_str(), head.target.as_slice()), ("GET", &b"/a%20b?c=d"[..]));
        assert_eq!((head.version, head.fields.get("host")), ((1, 1), Some(&b"localhost:80"[..])));
    }

    #[test]
    fn all_four_forms_of_target_pass() {
        for line in
            ["GET /", "GET http://h:1/a", "GET http://h", "CONNECT h:443", "CONNECT [::1]:1", "OPTIONS *"]
        {
            accepted(format!("{line} HTTP/1.0\r\n\r\n").as_bytes(), parse_head);
        }
    }

    #[test]
    fn each_broken_request_line_is_refused_at_its_octet() {
        for (line, offset, clause) in [
            ("\r\nGET / HTTP/1.1\r\n", 0, "RFC 9112 §2.2"),
            (" GET / HTTP/1.1\r\n", 0, "RFC 9112 §3"),
            ("GET\t/ HTTP/1.1\r\n", 3, "RFC 9112 §3"),
            ("GET  / HTTP/1.1\r\n", 4, "RFC 9112 §3.2"),
            ("GET /\r\n", 5, "RFC 9112 §3"),
            ("GET /  HTTP/1.1\r\n", 6, "RFC 9112 §2.3"),
            ("GET / http/1.1\r\n", 6, "RFC 9112 §2.3"),
            ("GET / HTTP/1.1 \r\n", 14, "RFC 9112 §3"),
            ("GET / HTTP/1.1\n", 14, "RFC 9112 §2.2"),
            ("GET /a\"b HTTP/1.1\r\n", 6, "RFC 3986 §2"),
            ("GET /é HTTP/1.1\r\n", 5, "RFC 3986 §2"),
            ("GET /%4 HTTP/1.1\r\n", 5, "RFC 3986 §2.1"),
            ("GET /a#b HTTP/1.1\r\n", 6, "RFC 9112 §3.2"),
            ("GET a/b HTTP/1.1\r\n", 4, "RFC 9112 §3.2"),
            ("GET * HTTP/1.1\r\n", 4, "RFC 9112 §3.2.4"),
            ("CONNECT /a HTTP/1.1\r\n", 8, "RFC 9112 §3.2.3"),
        ] {
            let error = refused(line.as_bytes(), parse_head);
            assert_eq!((error.offset, error.clause), (offset, clause), "{line:?}: {error}");
        }
    }
}
