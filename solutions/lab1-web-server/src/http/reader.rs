//! The response a client receives, read as it arrives (RFC 9112 §4, §6.3).
//!
//! ```text
//! Head ──┬─ 1xx ────────────────▶ Head
//!        ├─ no body ────────────▶ Done
//!        ├─ chunked ────────────▶ Chunks ──last chunk──▶ Done
//!        ├─ Content-Length ─────▶ Length ──all of it───▶ Done
//!        └─ neither ────────────▶ UntilClose            (the end of the connection ends it)
//! ```

use super::chunked::{Decoder, Piece};
use super::{Error, Fields, Parsed, body, fields, line, parse_version, request};

/// A reader of one response: feed it what has arrived, and it says what the front of that is.
#[derive(Debug)]
pub struct Reader {
    state: State,
    /// Was it a request whose answer has no body?
    bodiless: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Head,
    Chunks(Decoder),
    /// Octets still to come.
    Length(u64),
    UntilClose,
    Done,
}

/// What the octets at the front are.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// More must arrive before anything can be said.
    NeedMore,
    /// Framing, or an interim response (RFC 9110 §15.2): of no interest to anyone else.
    Skipped,
    /// The head of the answer: its status, and all its lines as they came.
    Head { status: u16, lines: &'a [u8] },
    /// Octets of the body.
    Data(&'a [u8]),
    /// The response is over.
    End,
}

impl Reader {
    /// A reader of the response to a request with that method.
    pub fn new(method: &str) -> Reader {
        Reader {
            state: State::Head,
            bodiless: method == "HEAD",
        }
    }

    /// Looks at the front of what has arrived: what it is, and how many octets to take off.
    pub fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<(usize, Event<'a>), Error> {
        // ANCHOR: step12_next
        match &mut self.state {
            State::Head => {
                let Some(((status, fields), used)) = head(bytes)? else {
                    return Ok((0, Event::NeedMore));
                };
                match status {
                    101 => return Err(Error::Malformed("protocol switched unasked")),
                    100..200 => return Ok((used, Event::Skipped)),
                    _ => {}
                }
                self.state = match self.bodiless || matches!(status, 204 | 304) {
                    true => State::Done,
                    false => framing(&fields)?,
                };
                let lines = &bytes[..used];
                Ok((used, Event::Head { status, lines }))
            }
            State::Chunks(decoder) => {
                let (used, piece) = decoder.next(bytes)?;
                let event = match piece {
                    Piece::NeedMore => Event::NeedMore,
                    Piece::Framing => Event::Skipped,
                    Piece::Data(data) => Event::Data(data),
                    Piece::End => Event::End,
                };
                Ok((used, event))
            }
            State::Length(0) | State::Done => Ok((0, Event::End)),
            State::Length(_) | State::UntilClose if bytes.is_empty() => Ok((0, Event::NeedMore)),
            State::Length(left) => {
                let here = bytes
                    .len()
                    .min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= here as u64;
                Ok((here, Event::Data(&bytes[..here])))
            }
            State::UntilClose => Ok((bytes.len(), Event::Data(bytes))),
        }
        // ANCHOR_END: step12_next
    }

    /// The connection has ended before the response was over: was that its way to end?
    pub fn finish(&self) -> Result<(), Error> {
        // ANCHOR: step12_finish
        match self.state {
            State::UntilClose => Ok(()),
            State::Head => Err(Error::Malformed(
                "connection closed before the answer's head ended",
            )),
            _ => Err(Error::Malformed(
                "connection closed before the answer's body ended",
            )),
        }
        // ANCHOR_END: step12_finish
    }
}

/// Reads a status line and a header section.
fn head(bytes: &[u8]) -> Parsed<(u16, Fields)> {
    // ANCHOR: step12_head
    let Some((first, at)) = line(bytes)? else {
        return match bytes.len() > request::MAX_LINE {
            true => Err(Error::LineTooLong),
            false => Ok(None),
        };
    };
    let status = status_line(first)?;
    let fields = fields::parse(&bytes[at..])?;
    Ok(fields.map(|(fields, used)| ((status, fields), at + used)))
    // ANCHOR_END: step12_head
}

/// Reads `version SP status SP reason`; the reason may be missing, and often its space too.
fn status_line(line: &[u8]) -> Result<u16, Error> {
    // ANCHOR: step12_status_line
    let mut words = line.splitn(3, |&octet| octet == b' ');
    parse_version(words.next().unwrap_or_default())?;
    match words.next() {
        Some(&[a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9']) => {
            let digit = |octet: u8| u16::from(octet - b'0');
            Ok(digit(a) * 100 + digit(b) * 10 + digit(c))
        }
        _ => Err(Error::Malformed("status is not three digits")),
    }
    // ANCHOR_END: step12_status_line
}

/// Finds out where the body ends, if there is one (RFC 9112 §6.3, from rule 4 on).
fn framing(fields: &Fields) -> Result<State, Error> {
    // ANCHOR: step12_framing
    if fields.get("Transfer-Encoding").is_some() {
        let mut codings = fields.list("Transfer-Encoding");
        return match (codings.next(), codings.next()) {
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => {
                Ok(State::Chunks(Decoder::new()))
            }
            _ => Err(Error::UnknownCoding),
        };
    }
    let mut lengths = fields
        .all("Content-Length")
        .flat_map(|value| value.split(','));
    let Some(length) = lengths.next() else {
        return Ok(State::UntilClose);
    };
    // The same length twice is one length; two different ones are none.
    let length = body::content_length(length.trim())?;
    for another in lengths {
        if body::content_length(another.trim())? != length {
            return Err(Error::Malformed("two different Content-Lengths"));
        }
    }
    Ok(State::Length(length))
    // ANCHOR_END: step12_framing
}

#[cfg(test)]
mod step12 {
    use super::super::tests::{accepts, rejects};
    use super::*;

    /// Reads a whole response, as a parser in this module's sense: its status and its body.
    fn read(method: &str) -> impl Fn(&[u8]) -> Parsed<(u16, Vec<u8>)> {
        move |mut bytes: &[u8]| {
            let (all, mut reader) = (bytes.len(), Reader::new(method));
            let (mut answer, mut body) = (0, Vec::new());
            loop {
                let (used, event) = reader.next(bytes)?;
                match event {
                    Event::NeedMore => return Ok(None),
                    Event::Skipped => {}
                    Event::Head { status, .. } => answer = status,
                    Event::Data(data) => body.extend_from_slice(data),
                    Event::End => return Ok(Some(((answer, body), all - bytes.len()))),
                }
                bytes = &bytes[used..];
            }
        }
    }

    fn good(vector: &[u8]) -> (u16, Vec<u8>) {
        accepts(read("GET"), vector)
    }

    #[test]
    fn a_body_ends_after_its_length_or_its_last_chunk() {
        let ok = |body: &[u8]| (200, body.to_vec());
        assert_eq!(
            good(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
            ok(b"hi")
        );
        assert_eq!(
            good(b"HTTP/1.0 200\r\nContent-Length: 2, 2\r\n\r\nhi"),
            ok(b"hi")
        );
        assert_eq!(good(b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), ok(b""));
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n2;x\r\nhi\r\n0\r\nA: b\r\n\r\n";
        assert_eq!(good(chunked), ok(b"hi"));
        let both =
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(good(both), ok(b""));
    }

    #[test]
    fn some_responses_have_no_body_whatever_they_announce() {
        assert_eq!(
            good(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
            (304, vec![])
        );
        assert_eq!(good(b"HTTP/1.1 204 No Content\r\n\r\n"), (204, vec![]));
        let head = accepts(
            read("HEAD"),
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        );
        assert_eq!(head, (200, vec![]));
    }

    #[test]
    fn interim_responses_are_skipped() {
        let vector = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
                       HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n!";
        assert_eq!(good(vector), (404, b"!".to_vec()));
    }

    #[test]
    fn what_is_no_response_is_an_error() {
        for vector in [
            &b"SSH-2.0-x\r\n"[..],
            b"HTTP/2.0 200 OK\r\n\r\n",
            b"HTTP/1.1 2000 OK\r\n\r\n",
            b"HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            rejects(read("GET"), vector);
        }
    }

    #[test]
    fn only_a_body_without_length_may_end_with_the_connection() {
        let finish = |mut bytes: &[u8]| {
            let mut reader = Reader::new("GET");
            loop {
                let (used, event) = reader.next(bytes).unwrap();
                bytes = &bytes[used..];
                if event == Event::NeedMore {
                    return reader.finish().is_ok();
                }
            }
        };
        assert!(finish(b"HTTP/1.1 200 OK\r\n\r\nall of it"));
        assert!(!finish(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
        assert!(!finish(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
        ));
        assert!(!finish(b"HTTP/1.1 200 OK\r\n"));
        assert!(!finish(b""));
    }
}
