//! How long a message body is: one enum, found from the head alone (RFC 9112 §6).

use super::request::RequestHead;
use super::response::ResponseHead;
use super::{Fields, SyntaxError, is_token_octet};

/// What delimits a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// No body, whatever the fields announce.
    Empty,
    /// So many octets.
    Length(u64),
    /// The chunked coding is the last; see [`super::chunked::Decoder`].
    Chunked,
    /// All octets until the server closes the connection.
    UntilClose,
}

impl Framing {
    /// The body of the answer to a request with `method` (RFC 9112 §6.3). A framing field that no server may send
    /// is an error even where the recipient would know what to do. See also [`answers_version`].
    pub fn of_response(head: &ResponseHead, method: &str) -> Result<Framing, SyntaxError> {
        let coding = coding(&head.fields, head.version)?;
        let length = content_length(&head.fields)?;
        let connected = method == "CONNECT" && head.status / 100 == 2;
        if head.status / 100 == 1 || head.status == 204 || connected {
            let kind = if connected {
                "a 2xx answer to CONNECT".to_owned()
            } else {
                format!("a {} response", head.status)
            };
            refuse(&head.fields, "transfer-encoding", &kind, "RFC 9112 §6.1")?;
            refuse(&head.fields, "content-length", &kind, "RFC 9110 §8.6")?;
            return Ok(Framing::Empty);
        }
        if method == "HEAD" || head.status == 304 {
            return Ok(Framing::Empty);
        }
        Ok(match (coding, length) {
            (Some(Coding::Chunked), _) => Framing::Chunked,
            (None, Some(length)) => Framing::Length(length),
            (Some(Coding::Other { .. }), _) | (None, None) => Framing::UntilClose,
        })
    }

    /// The body of a request (RFC 9112 §6.3): none unless a field announces one.
    pub fn of_request(head: &RequestHead) -> Result<Framing, SyntaxError> {
        let coding = coding(&head.fields, head.version)?;
        let length = content_length(&head.fields)?;
        match (coding, length) {
            (Some(Coding::Chunked), _) => Ok(Framing::Chunked),
            (Some(Coding::Other { at, len }), _) => Err(SyntaxError::new(
                at,
                len,
                "the last transfer coding of a request is chunked",
                "RFC 9112 §6.1",
            )),
            (None, Some(length)) => Ok(Framing::Length(length)),
            (None, None) => Ok(Framing::Empty),
        }
    }
}

/// Whether the framing suits the version of the request that this response answers: an HTTP/1.0 client is not sent
/// a transfer coding (RFC 9112 §6.1).
pub fn answers_version(head: &ResponseHead, request_version: (u8, u8)) -> Result<(), SyntaxError> {
    if request_version >= (1, 1) {
        return Ok(());
    }
    refuse(&head.fields, "transfer-encoding", "the answer to an HTTP/1.0 request", "RFC 9112 §6.1")
}

fn refuse(fields: &Fields, name: &str, kind: &str, clause: &'static str) -> Result<(), SyntaxError> {
    match fields.field(name) {
        None => Ok(()),
        Some(field) => {
            let rule = format!("{kind} carries no {}", String::from_utf8_lossy(&field.name));
            Err(SyntaxError::new(field.name_at, field.name.len(), rule, clause))
        }
    }
}

enum Coding {
    Chunked,
    /// The last coding is another one, and stands there.
    Other {
        at: usize,
        len: usize,
    },
}

fn coding(fields: &Fields, version: (u8, u8)) -> Result<Option<Coding>, SyntaxError> {
    const CLAUSE: &str = "RFC 9112 §6.1";
    let Some(first) = fields.field("transfer-encoding") else {
        return Ok(None);
    };
    if version < (1, 1) {
        let rule =
            "an HTTP/1.0 message has no transfer codings: its recipient must take the framing for faulty";
        return Err(SyntaxError::new(first.name_at, first.name.len(), rule, CLAUSE));
    }
    refuse(fields, "content-length", "a message with Transfer-Encoding", "RFC 9112 §6.2")?;
    let mut last = None;
    for (member, at) in fields.members("transfer-encoding") {
        let name = member.split(|&octet| octet == b';').next().unwrap_or(member).trim_ascii_end();
        if let Some(wrong) = name.iter().position(|&octet| !is_token_octet(octet)) {
            return Err(SyntaxError::new(at + wrong, 1, "the name of a transfer coding is a token", CLAUSE));
        }
        if matches!(last, Some(Coding::Chunked)) && name.eq_ignore_ascii_case(b"chunked") {
            return Err(SyntaxError::new(at, name.len(), "the chunked coding is applied only once", CLAUSE));
        }
        last = Some(match name.eq_ignore_ascii_case(b"chunked") {
            true => Coding::Chunked,
            false => Coding::Other { at, len: member.len() },
        });
    }
    match last {
        Some(_) => Ok(last),
        None => {
            Err(SyntaxError::new(first.value_at, 0, "Transfer-Encoding names a coding; here is none", CLAUSE))
        }
    }
}

/// The value of `Content-Length`, if the field is there: digits, and the same ones wherever it is repeated
/// (RFC 9110 §8.6, RFC 9112 §6.3).
pub fn content_length(fields: &Fields) -> Result<Option<u64>, SyntaxError> {
    const CLAUSE: &str = "RFC 9110 §8.6";
    let mut length = None;
    for field in fields.all("content-length") {
        if field.value.is_empty() {
            return Err(SyntaxError::new(
                field.value_at,
                0,
                "Content-Length is a number; here is none",
                CLAUSE,
            ));
        }
    }
    for (member, at) in fields.members("content-length") {
        if let Some(wrong) = member.iter().position(|octet| !octet.is_ascii_digit()) {
            return Err(SyntaxError::new(
                at + wrong,
                1,
                "Content-Length is a number, in digits alone",
                CLAUSE,
            ));
        }
        let value: u64 = String::from_utf8_lossy(member).parse().map_err(|_| {
            SyntaxError::new(at, member.len(), "Content-Length is larger than any body can be", CLAUSE)
        })?;
        if length.is_some_and(|length| length != value) {
            let rule =
                "Content-Length comes twice with different values: no one can tell where the body ends";
            return Err(SyntaxError::new(at, member.len(), rule, "RFC 9112 §6.3"));
        }
        length = Some(value);
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::{request, response};

    fn of_response(method: &str, text: &str) -> Result<Framing, SyntaxError> {
        let text = format!("{text}\r\n\r\n").replace('|', "\r\n");
        let (head, _) = response::parse_head(text.as_bytes()).expect("a valid head").expect("a whole head");
        Framing::of_response(&head, method)
    }

    fn of_request(text: &str) -> Result<Framing, SyntaxError> {
        let text = format!("{text}\r\n\r\n").replace('|', "\r\n");
        let (head, _) = request::parse_head(text.as_bytes()).expect("a valid head").expect("a whole head");
        Framing::of_request(&head)
    }

    #[test]
    fn a_response_is_framed_in_the_order_of_precedence() {
        for (method, text, framing) in [
            ("GET", "HTTP/1.1 200 OK|Content-Length: 12", Framing::Length(12)),
            ("GET", "HTTP/1.1 200 OK|Content-Length: 12|content-length: 12, 12", Framing::Length(12)),
            ("GET", "HTTP/1.1 200 OK|Transfer-Encoding: Chunked", Framing::Chunked),
            ("GET", "HTTP/1.1 200 OK|Transfer-Encoding: gzip, chunked", Framing::Chunked),
            ("GET", "HTTP/1.1 200 OK|Transfer-Encoding: gzip;q=\"a,b\"", Framing::UntilClose),
            ("GET", "HTTP/1.1 200 OK|Connection: close", Framing::UntilClose),
            ("HEAD", "HTTP/1.1 200 OK|Content-Length: 12", Framing::Empty),
            ("HEAD", "HTTP/1.1 200 OK|Transfer-Encoding: chunked", Framing::Empty),
            ("GET", "HTTP/1.1 304 Not Modified|Content-Length: 12", Framing::Empty),
            ("GET", "HTTP/1.1 204 No Content", Framing::Empty),
            ("GET", "HTTP/1.1 100 Continue", Framing::Empty),
            ("CONNECT", "HTTP/1.1 200 OK", Framing::Empty),
            ("CONNECT", "HTTP/1.1 403 No|Content-Length: 1", Framing::Length(1)),
        ] {
            assert_eq!(of_response(method, text), Ok(framing), "{method}: {text}");
        }
    }

    #[test]
    fn what_no_server_may_send_is_refused_at_its_octet() {
        for (text, offset, clause) in [
            ("HTTP/1.1 200 OK|Content-Length: 12|Content-Length: 13", 53, "RFC 9112 §6.3"),
            ("HTTP/1.1 200 OK|Content-Length: 12, 13", 37, "RFC 9112 §6.3"),
            ("HTTP/1.1 200 OK|Content-Length: +12", 33, "RFC 9110 §8.6"),
            ("HTTP/1.1 200 OK|Content-Length: 12 bytes", 35, "RFC 9110 §8.6"),
            ("HTTP/1.1 200 OK|Content-Length:", 32, "RFC 9110 §8.6"),
            ("HTTP/1.1 200 OK|Content-Length: 99999999999999999999", 33, "RFC 9110 §8.6"),
            ("HTTP/1.1 200 OK|Content-Length: 1|Transfer-Encoding: chunked", 17, "RFC 9112 §6.2"),
            ("HTTP/1.1 204 No|Content-Length: 0", 17, "RFC 9110 §8.6"),
            ("HTTP/1.1 103 Hints|Transfer-Encoding: chunked", 20, "RFC 9112 §6.1"),
            ("HTTP/1.0 200 OK|Transfer-Encoding: chunked", 17, "RFC 9112 §6.1"),
            ("HTTP/1.1 200 OK|Transfer-Encoding: chunked, chunked", 45, "RFC 9112 §6.1"),
            ("HTTP/1.1 200 OK|Transfer-Encoding: ,", 36, "RFC 9112 §6.1"),
        ] {
            let error = of_response("GET", text).expect_err(text);
            assert_eq!((error.offset, error.clause), (offset, clause), "{text}: {error}");
        }
    }

    #[test]
    fn a_request_has_a_body_only_if_a_field_says_so() {
        assert_eq!(of_request("POST / HTTP/1.1|Content-Length: 3"), Ok(Framing::Length(3)));
        assert_eq!(of_request("POST / HTTP/1.1|Transfer-Encoding: chunked"), Ok(Framing::Chunked));
        assert_eq!(of_request("POST / HTTP/1.1"), Ok(Framing::Empty));
        let error = of_request("POST / HTTP/1.1|Transfer-Encoding: chunked, gzip").expect_err("not framed");
        assert_eq!((error.offset, error.len), (45, 4));
    }

    #[test]
    fn an_http_1_0_request_gets_no_transfer_coding() {
        let (head, _) = response::parse_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .expect("a valid head")
            .expect("a whole head");
        assert_eq!(answers_version(&head, (1, 1)), Ok(()));
        assert_eq!(answers_version(&head, (1, 0)).expect_err("refused").offset, 17);
    }
}
