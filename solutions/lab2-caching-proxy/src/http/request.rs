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
        // ANCHOR: step6_persists
        // STARTER: false // step 6: persists
        self.version == Version::Http11 && !self.fields.lists("Connection", "close")
        // ANCHOR_END: step6_persists
    }

    /// Is nothing but retrieval asked for (RFC 9110 §9.2.1)? Of an unknown method, nobody knows.
    pub fn is_safe(&self) -> bool {
        matches!(&*self.method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// Writes the head as an HTTP/1.1 request.
    pub fn write(&self, out: &mut Vec<u8>) {
        // ANCHOR: step1_write_request
        out.extend_from_slice(self.method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        self.fields.write(out);
        out.extend_from_slice(b"\r\n");
        // ANCHOR_END: step1_write_request
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
    // ANCHOR: step1_request
    let Some((line, at)) = start_line(octets, Sender::Client)? else {
        return Ok(None);
    };
    let (method, target, version) = request_line(line)?;
    let Some((fields, used)) = fields::parse(&octets[at..], Sender::Client)? else {
        return Ok(None);
    };
    check_host(version, &fields)?;
    let request = Request {
        method,
        target,
        version,
        fields,
    };
    Ok(Some((request, at + used)))
    // ANCHOR_END: step1_request
}

/// Reads `method SP target SP version`.
fn request_line(line: &[u8]) -> Result<(String, String, Version), Error> {
    // ANCHOR: step1_request_line
    let mut words = line.split(|&octet| octet == b' ');
    let words = [words.next(), words.next(), words.next(), words.next()];
    let [Some(method), Some(target), Some(protocol), None] = words else {
        return Err(Error::Malformed("request line is not three words"));
    };
    if !is_token(method) {
        return Err(Error::Malformed("method is not a token"));
    }
    if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
        return Err(Error::Malformed("target is not visible ASCII"));
    }
    Ok((text(method), text(target), version(protocol)?))
    // ANCHOR_END: step1_request_line
}

/// RFC 9112 §3.2: one `Host`, a valid one, which HTTP/1.0 may leave out. What it says does not matter:
/// the target says more.
fn check_host(version: Version, fields: &Fields) -> Result<(), Error> {
    // ANCHOR: step4_check_host
    // STARTER: Ok(()) // step 4: check host
    let mut hosts = fields.all("Host");
    match (hosts.next(), hosts.next(), version) {
        (Some(host), None, _) => target::check_authority(host),
        (None, None, Version::Http10) => Ok(()),
        _ => Err(Error::Malformed("not one Host")),
    }
    // ANCHOR_END: step4_check_host
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
