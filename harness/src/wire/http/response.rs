//! The head of a response: status line and header section (RFC 9112 §4, §5).

use super::cursor::{Cursor, Stop, settle};
use super::fields::{self, is_text_octet};
use super::{Fields, Parsed};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// (1, 1) for `HTTP/1.1`.
    pub version: (u8, u8),
    pub status: u16,
    /// Any text, or none.
    pub reason: Vec<u8>,
    pub fields: Fields,
}

/// The head that begins at the first octet, and its length up to the end of the empty line.
pub fn parse_head(input: &[u8]) -> Parsed<ResponseHead> {
    let mut cursor = Cursor::new(input, 0);
    let head = settle(head(&mut cursor))?;
    Ok(head.map(|head| (head, cursor.taken())))
}

fn head(cursor: &mut Cursor<'_>) -> Result<ResponseHead, Stop> {
    let version = cursor.version("a response begins with \"HTTP/\", in capitals")?;
    cursor.expect(b' ', "one space follows the HTTP version", "RFC 9112 §4")?;
    let status = status_code(cursor)?;
    let reason = match cursor.peek()? {
        b' ' => {
            cursor.advance();
            cursor.take_while(is_text_octet)?.to_vec()
        }
        b'\r' | b'\n' => Vec::new(),
        _ => {
            return Err(cursor.refuse("a space follows the three digits of the status code", "RFC 9112 §4"));
        }
    };
    cursor.end_of_line("the status line", "a reason phrase holds no control octets", "RFC 9112 §4")?;
    let fields = fields::section(cursor, "the header section")?;
    Ok(ResponseHead { version, status, reason, fields })
}

fn status_code(cursor: &mut Cursor<'_>) -> Result<u16, Stop> {
    if matches!(cursor.peek()?, b'0' | b'6'..=b'9') {
        return Err(cursor.refuse("a status code is a number from 100 to 599", "RFC 9110 §15"));
    }
    (0..3).try_fold(0, |code, _| {
        Ok(code * 10 + u16::from(cursor.digit("a status code is three digits", "RFC 9112 §4")?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::testing::{accepted, refused};

    #[test]
    fn a_head_reads_whole_at_every_prefix_and_with_a_body_after_it() {
        let head = accepted(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nDate:x\r\n\r\n", parse_head);
        assert_eq!((head.version, head.status, head.reason.as_slice()), ((1, 1), 404, &b"Not Found"[..]));
        assert_eq!(head.fields.names(), ["content-length", "date"]);
    }

    #[test]
    fn any_reason_phrase_or_none_passes() {
        for (line, reason) in [
            ("HTTP/1.0 200 ", ""),
            ("HTTP/1.0 200", ""),
            ("HTTP/1.1 200 tout va très bien", "tout va très bien"),
            ("HTTP/1.1 200  \t ", " \t "),
        ] {
            let head = accepted(format!("{line}\r\n\r\n").as_bytes(), parse_head);
            assert_eq!(head.reason, reason.as_bytes());
        }
    }

    #[test]
    fn each_broken_status_line_is_refused_at_its_octet() {
        for (line, offset, clause) in [
            ("<html>hello", 0, "RFC 9112 §2.3"),
            ("http/1.1 200 OK\r\n", 0, "RFC 9112 §2.3"),
            ("\r\nHTTP/1.1 200 OK\r\n", 0, "RFC 9112 §2.3"),
            ("HTTP/11 200 OK\r\n", 6, "RFC 9112 §2.3"),
            ("HTTP/1.1  200 OK\r\n", 9, "RFC 9112 §4"),
            ("HTTP/1.1\r\n", 8, "RFC 9112 §4"),
            ("HTTP/1.1 20 OK\r\n", 11, "RFC 9112 §4"),
            ("HTTP/1.1 2000 OK\r\n", 12, "RFC 9112 §4"),
            ("HTTP/1.1 099 OK\r\n", 9, "RFC 9110 §15"),
            ("HTTP/1.1 OK\r\n", 9, "RFC 9112 §4"),
            ("HTTP/1.1 200 OK\nA: b\r\n\r\n", 15, "RFC 9112 §2.2"),
            ("HTTP/1.1 200 OK\rA: b\r\n\r\n", 15, "RFC 9112 §2.2"),
            ("HTTP/1.1 200 O\0K\r\n", 14, "RFC 9112 §4"),
        ] {
            let error = refused(line.as_bytes(), parse_head);
            assert_eq!((error.offset, error.clause), (offset, clause), "{line:?}: {error}");
        }
    }

    #[test]
    fn a_lone_lf_says_so_in_plain_words() {
        let error = refused(b"HTTP/1.1 200 OK\r\nDate: x\n\r\n", parse_head);
        assert_eq!(error.rule, "a header line ends with CR LF; here LF came alone");
    }
}
