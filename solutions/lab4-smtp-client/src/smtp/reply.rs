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
        // ANCHOR: step2_take
        // STARTER: let Some((line, used)) = parse_line(&self.buffer)? else {
        // STARTER:     return Ok(None);
        // STARTER: };
        // STARTER: self.buffer.drain(..used);
        // STARTER: Ok(Some(Reply {
        // STARTER:     code: line.code,
        // STARTER:     lines: vec![line.text], // step 2: collect lines, up to the last
        // STARTER: }))
        while let Some((line, used)) = parse_line(&self.buffer)? {
            self.length += used;
            let octets: Vec<u8> = self.buffer.drain(..used).collect();
            let reply = self.begun.get_or_insert_with(|| Reply {
                code: line.code,
                lines: Vec::new(),
            });
            if reply.code != line.code || self.length > MAX_LENGTH {
                return Err(Malformed(octets));
            }
            reply.lines.push(line.text);
            if line.is_last {
                self.length = 0;
                return Ok(mem::take(&mut self.begun));
            }
        }
        match self.buffer.len() > MAX_LENGTH {
            true => Err(Malformed(mem::take(&mut self.buffer))),
            false => Ok(None),
        }
        // ANCHOR_END: step2_take
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
    // ANCHOR: step1_parse_line
    let end = octets.windows(2).position(|two| two == b"\r\n");
    let line = &octets[..end.unwrap_or(octets.len())];
    let malformed = || Malformed(line.to_vec());
    let (digits, rest) = line.split_at(line.len().min(3));
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(malformed());
    }
    let Some(end) = end else {
        return Ok(None);
    };
    let code = digits
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let (is_last, text) = match rest {
        // The text may be missing, and with it the space (RFC 5321 §4.2).
        [] => (true, rest),
        [b' ', text @ ..] => (true, text),
        [b'-', text @ ..] => (false, text),
        _ => return Err(malformed()),
    };
    // The first digit says whether it has worked (RFC 5321 §4.2.1): 1 is not for SMTP.
    match (2..=5).contains(&(code / 100)) && digits.len() == 3 {
        true => Ok(Some((
            Line {
                code,
                is_last,
                text: text.into(),
            },
            end + 2,
        ))),
        false => Err(malformed()),
    }
    // ANCHOR_END: step1_parse_line
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
