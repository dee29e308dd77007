//! Replies (RFC 5321 §4.2): lines that begin with the same three digits, all but the last with a
//! hyphen behind them. They arrive in any pieces, and only the digits mean anything.

use std::mem;

/// No server says so much; one that does would fill the memory.
const MAX_LENGTH: usize = 1 << 20;

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// What stands behind the code, line by line, in whatever characters.
    pub lines: Vec<Vec<u8>>,
}

/// What came instead of a reply: a line, or its beginning.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(pub Vec<u8>);

/// Turns octets into replies.
#[derive(Debug, Default)]
pub struct Replies {
    /// What has arrived and is not yet a line.
    buffer: Vec<u8>,
    /// The lines of a reply that is not yet whole.
    begun: Option<Reply>,
    /// Octets in these lines.
    length: usize,
}

impl Replies {
    /// Takes octets that have arrived.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend(octets);
    }

    /// Forgets what has arrived.
    pub fn discard(&mut self) {
        *self = Replies::default();
    }

    /// The next reply, if it has arrived whole.
    pub fn take(&mut self) -> Result<Option<Reply>, Malformed> {
        let Some((line, used)) = parse_line(&self.buffer)? else {
            return Ok(None);
        };
        self.buffer.drain(..used);
        Ok(Some(Reply {
            code: line.code,
            lines: vec![line.text], // step 2: collect lines, up to the last
        }))
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    code: u16,
    is_last: bool,
    text: Vec<u8>,
}

/// The first line of what has arrived, and its length with the CRLF. Without one there may be an
/// error all the same: what does not begin like a reply becomes none.
fn parse_line(octets: &[u8]) -> Result<Option<(Line, usize)>, Malformed> {
    todo!("step 1: parse line")
}

#[cfg(test)]
mod step1 {
    use super::*;

    #[test]
    fn a_line_is_a_code_and_a_text() {
        let mut replies = Replies::default();
        replies.push(b"250 ready\r\n354");
        let reply = replies.take().unwrap().unwrap();
        assert_eq!((reply.code, &reply.lines[0][..]), (250, &b"ready"[..]));
        assert_eq!(replies.take(), Ok(None));
        replies.push(b" go on\r\n");
        assert_eq!(replies.take().unwrap().unwrap().code, 354);
    }
}

#[cfg(test)]
mod step2 {
    use super::*;

    /// The replies to octets that arrive in pieces of this size, and what ended them.
    fn replies(octets: &[u8], size: usize) -> (Vec<Reply>, Option<Malformed>) {
        let (mut replies, mut all) = (Replies::default(), Vec::new());
        for piece in octets.chunks(size) {
            replies.push(piece);
            loop {
                match replies.take() {
                    Ok(Some(reply)) => all.push(reply),
                    Ok(None) => break,
                    Err(error) => return (all, Some(error)),
                }
            }
        }
        (all, None)
    }

    #[test]
    fn replies_are_the_same_in_pieces_of_any_size() {
        let octets = b"220-one\r\n220-\r\n220 a\nb\r\n250\r\n250 \r\n451-a\r\n451\r\n";
        for size in 1..=octets.len() {
            let (replies, error) = replies(octets, size);
            assert_eq!(error, None);
            let codes: Vec<u16> = replies.iter().map(|reply| reply.code).collect();
            assert_eq!(codes, [220, 250, 250, 451]);
            assert_eq!(replies[0].lines, [&b"one"[..], b"", b"a\nb"]);
        }
    }

    #[test]
    fn a_reply_may_have_many_lines_and_long_ones() {
        let mut octets = b"250-x\r\n".repeat(1000);
        octets.extend([&b"250 "[..], &[b'y'; 3000], b"\r\n"].concat());
        let (replies, error) = replies(&octets, 100);
        assert_eq!((replies.len(), error), (1, None));
        assert_eq!(replies[0].lines.len(), 1001);
    }

    #[test]
    fn what_is_no_reply_is_seen_as_soon_as_it_begins() {
        for text in ["SSH-2.0-x", "2x0 ok", "2 ", " 250 ok", "\r\n"] {
            assert_eq!(
                replies(text.as_bytes(), 99).1,
                Some(Malformed(text.trim_end_matches("\r\n").into()))
            );
        }
        for text in [
            "25\r\n",
            "2500 ok\r\n",
            "250\tok\r\n",
            "150 ok\r\n",
            "650 ok\r\n",
            "250-a\r\n251 b\r\n",
        ] {
            assert!(replies(text.as_bytes(), 1).1.is_some(), "{text:?}");
        }
    }

    #[test]
    fn a_reply_without_end_is_not_kept_for_ever() {
        for endless in [&b"250-again\r\n"[..], b"250 x"] {
            let mut parser = Replies::default();
            parser.push(b"250 ");
            let mut octets = endless.iter().cycle().copied();
            let fails = (0..100).any(|_| {
                let piece: Vec<u8> = match endless.ends_with(b"\n") {
                    true => endless.repeat(10_000),
                    false => octets.by_ref().take(100_000).collect(),
                };
                parser.push(&piece);
                parser.take().is_err()
            });
            assert!(fails);
        }
    }
}
