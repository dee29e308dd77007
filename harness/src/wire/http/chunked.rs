//! The chunked transfer coding, read strictly and in any pieces (RFC 9112 §7.1).
//!
//! ```text
//! Size ──size > 0──▶ Data ──size octets──▶ DataEnd ──CR LF──▶ Size
//!   └────size = 0──▶ Trailers ──empty line──▶ Done
//! ```

use super::cursor::{Cursor, Stop, settle};
use super::fields::{self, is_text_octet};
use super::{Fields, SyntaxError};

const CLAUSE: &str = "RFC 9112 §7.1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    Data { left: u64 },
    DataEnd,
    Trailers,
    Done,
}

/// Takes the octets after the head as they come, and keeps the decoded body.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    /// Offset of the next octet in what the caller counts from.
    at: usize,
    body: Vec<u8>,
    chunks: Vec<u64>,
    trailers: Fields,
}

impl Decoder {
    /// `at` is the offset of the first octet of the body, for the offsets in errors.
    pub fn new(at: usize) -> Self {
        Decoder { state: State::Size, at, body: Vec::new(), chunks: Vec::new(), trailers: Fields::default() }
    }

    /// Takes what it can of `input` and says how many octets that were. The rest, a line that has not ended or what
    /// follows the body, is to be offered again with more behind it.
    pub fn take(&mut self, input: &[u8]) -> Result<usize, SyntaxError> {
        let mut taken = 0;
        while self.state != State::Done {
            let mut cursor = Cursor::new(&input[taken..], self.at);
            let step = match self.state {
                State::Data { left } => {
                    let here = left.min((input.len() - taken) as u64) as usize;
                    self.body.extend_from_slice(&input[taken..taken + here]);
                    taken += here;
                    self.at += here;
                    match left - here as u64 {
                        0 => self.state = State::DataEnd,
                        left => {
                            self.state = State::Data { left };
                            return Ok(taken);
                        }
                    }
                    continue;
                }
                State::Size => settle(size_line(&mut cursor))?.map(|size| self.begin_chunk(size)),
                State::DataEnd => settle(data_end(&mut cursor, self.chunks.last()))?.map(|()| State::Size),
                State::Trailers => {
                    settle(fields::section(&mut cursor, "the trailer section"))?.map(|trailers| {
                        self.trailers = trailers;
                        State::Done
                    })
                }
                State::Done => break,
            };
            let Some(next) = step else { break };
            self.state = next;
            taken += cursor.taken();
            self.at += cursor.taken();
        }
        Ok(taken)
    }

    fn begin_chunk(&mut self, size: u64) -> State {
        if size == 0 {
            return State::Trailers;
        }
        self.chunks.push(size);
        State::Data { left: size }
    }

    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The content so far.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The sizes of the chunks begun so far, without the last one of size 0.
    pub fn chunks(&self) -> &[u64] {
        &self.chunks
    }

    pub fn into_parts(self) -> (Vec<u8>, Fields) {
        (self.body, self.trailers)
    }

    /// What the body still lacks, as a fragment; empty when it is whole.
    pub fn missing(&self) -> String {
        let got = self.body.len();
        match self.state {
            State::Size => format!(
                "after {got} octets of chunked body, the size line of the next chunk, or of the last, 0"
            ),
            State::Data { left } => format!("{left} octets of chunk {}", self.chunks.len()),
            State::DataEnd => format!("the CR LF after the data of chunk {}", self.chunks.len()),
            State::Trailers => "the empty line after the last chunk".to_owned(),
            State::Done => String::new(),
        }
    }
}

/// `chunk-size [ chunk-ext ] CRLF`
fn size_line(cursor: &mut Cursor<'_>) -> Result<u64, Stop> {
    let mut size: u64 = 0;
    let mut digits = 0;
    while let Some(digit) = char::from(cursor.peek()?).to_digit(16) {
        size = size
            .checked_mul(16)
            .ok_or_else(|| cursor.refuse("a chunk size is larger than any body can be", CLAUSE))?
            + u64::from(digit);
        digits += 1;
        cursor.advance();
    }
    if digits == 0 {
        return Err(cursor.refuse("a chunk begins with its size in hexadecimal digits", CLAUSE));
    }
    extensions(cursor)?;
    end_of_chunk_line(
        cursor,
        "a chunk size line ends with CR LF",
        "only an extension, after a semicolon, stands between a chunk size and CR LF",
    )?;
    Ok(size)
}

/// `*( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112 §7.1.1)
fn extensions(cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    const CLAUSE: &str = "RFC 9112 §7.1.1";
    loop {
        let blank = !cursor.whitespace()?.is_empty();
        match cursor.peek()? {
            b';' => cursor.advance(),
            _ if blank => {
                return Err(cursor.refuse("after whitespace in a chunk size line comes a semicolon", CLAUSE));
            }
            _ => return Ok(()),
        }
        cursor.whitespace()?;
        if cursor.token()?.is_empty() {
            return Err(cursor.refuse("a chunk extension has a name", CLAUSE));
        }
        if !value_follows(cursor)? {
            continue;
        }
        if cursor.peek()? == b'"' {
            quoted_string(cursor)?;
        } else if cursor.token()?.is_empty() {
            return Err(cursor.refuse("a chunk extension has a value after \"=\"", CLAUSE));
        }
    }
}

/// Moves past `BWS "=" BWS` if that comes next; whitespace before a semicolon is left to the caller.
fn value_follows(cursor: &mut Cursor<'_>) -> Result<bool, Stop> {
    let before = cursor.clone();
    cursor.whitespace()?;
    if cursor.peek()? != b'=' {
        *cursor = before;
        return Ok(false);
    }
    cursor.advance();
    cursor.whitespace()?;
    Ok(true)
}

/// RFC 9110 §5.6.4, with the cursor on the opening quote.
fn quoted_string(cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    cursor.advance();
    loop {
        cursor.take_while(|octet| is_text_octet(octet) && !matches!(octet, b'"' | b'\\'))?;
        match cursor.peek()? {
            b'"' => {
                cursor.advance();
                return Ok(());
            }
            b'\\' => {
                cursor.advance();
                if !is_text_octet(cursor.peek()?) {
                    return Err(cursor.refuse("a backslash quotes a printable character", "RFC 9110 §5.6.4"));
                }
                cursor.advance();
            }
            _ => {
                return Err(
                    cursor.refuse("a quoted string ends with a quote, on its line", "RFC 9110 §5.6.4")
                );
            }
        }
    }
}

fn data_end(cursor: &mut Cursor<'_>, size: Option<&u64>) -> Result<(), Stop> {
    let size = size.copied().unwrap_or_default();
    let rule = format!(
        "CR LF follows the {size} (hexadecimal {size:x}) octets of chunk data that the size announced"
    );
    end_of_chunk_line(cursor, &rule, &rule)
}

fn end_of_chunk_line(cursor: &mut Cursor<'_>, ends: &str, not_allowed: &str) -> Result<(), Stop> {
    match cursor.peek()? {
        b'\n' => Err(cursor.refuse(format!("{ends}; here LF came alone"), CLAUSE)),
        _ => cursor.end_of_line("", not_allowed, CLAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::Parsed;
    use crate::wire::http::testing::{accepted, refused};

    fn decode(input: &[u8]) -> Parsed<(Vec<u8>, Fields)> {
        let mut decoder = Decoder::new(0);
        let taken = decoder.take(input)?;
        Ok(decoder.is_done().then(|| (decoder.into_parts(), taken)))
    }

    const VECTOR: &[u8] =
        b"5\r\nhello\r\n00B ; a;b=\"x\\\";\"; c = d\r\n\r\n 0\r\n\r\n123\r\n00\r\nDigest: x\r\n\r\n";

    #[test]
    fn chunks_extensions_and_trailers_read_at_every_prefix() {
        let (body, trailers) = accepted(VECTOR, decode);
        assert_eq!(body, b"hello\r\n 0\r\n\r\n123"[..16].to_vec());
        assert_eq!(trailers.names(), ["digest"]);
        accepted(b"0\r\n\r\n", decode);
    }

    #[test]
    fn octets_may_come_in_pieces_of_any_size() {
        for piece in 1..VECTOR.len() {
            let mut decoder = Decoder::new(0);
            let mut waiting = Vec::new();
            for octets in VECTOR.chunks(piece) {
                waiting.extend_from_slice(octets);
                let taken = decoder.take(&waiting).expect("the vector is valid");
                waiting.drain(..taken);
            }
            assert!(decoder.is_done() && waiting.is_empty(), "in pieces of {piece}");
            assert_eq!(decoder.chunks(), [5, 11]);
        }
    }

    #[test]
    fn each_broken_chunk_is_refused_at_its_octet() {
        for (text, offset, clause) in [
            ("\r\n5\r\nhello\r\n", 0, CLAUSE),
            ("0x5\r\nhello\r\n", 1, CLAUSE),
            ("5\nhello\r\n", 1, CLAUSE),
            ("5\r\nhello world\r\n", 8, CLAUSE),
            ("5\r\nhell\r\n0\r\n\r\n", 8, CLAUSE),
            ("5\r\nhello\n0\r\n\r\n", 8, CLAUSE),
            ("-1\r\n", 0, CLAUSE),
            ("10000000000000000\r\n", 16, CLAUSE),
            ("5 \r\nhello\r\n", 2, "RFC 9112 §7.1.1"),
            ("5;\r\nhello\r\n", 2, "RFC 9112 §7.1.1"),
            ("5;a=\r\nhello\r\n", 4, "RFC 9112 §7.1.1"),
            ("5;a=\"b\r\n", 6, "RFC 9110 §5.6.4"),
            ("0\r\nA : b\r\n\r\n", 4, "RFC 9112 §5.1"),
        ] {
            let error = refused(text.as_bytes(), decode);
            assert_eq!((error.offset, error.clause), (offset, clause), "{text:?}: {error}");
        }
    }

    #[test]
    fn what_is_missing_is_said_in_words() {
        for (text, missing) in [
            ("5", "after 0 octets of chunked body, the size line of the next chunk, or of the last, 0"),
            ("5\r\nhe", "3 octets of chunk 1"),
            ("5\r\nhello", "the CR LF after the data of chunk 1"),
            ("0\r\n", "the empty line after the last chunk"),
            ("0\r\n\r\n", ""),
        ] {
            let mut decoder = Decoder::new(0);
            decoder.take(text.as_bytes()).expect("a valid prefix");
            assert_eq!(decoder.missing(), missing, "{text:?}");
        }
    }
}
