//! The chunked transfer coding (RFC 9112 §7.1), read as it arrives.
//!
//! ```text
//! Size ──size > 0──▶ Data ──all read──▶ DataEnd ──CRLF──▶ Size
//!   └────size = 0──▶ Trailer ──empty line──▶ Done
//! ```
//!
//! Chunk extensions and trailer fields are checked for their line ends and thrown away.

use super::fields::MAX_SECTION;
use super::{Error, line};

/// Octets in a line of chunk size and extensions.
const MAX_SIZE_LINE: usize = 4 * 1024;

/// A decoder: feed it what has arrived, and it says what the front of that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoder(State);

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Size,
    /// Octets of this chunk still to come.
    Data(u64),
    DataEnd,
    /// Octets of trailer fields that may still come.
    Trailer(usize),
    Done,
}

/// What the octets at the front are.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// More must arrive before anything can be said.
    NeedMore,
    /// Framing, of no interest to anyone else.
    Framing,
    /// Octets of the body.
    Data(&'a [u8]),
    /// The body is over; what follows is the next message.
    End,
}

impl Decoder {
    #[expect(
        clippy::new_without_default,
        reason = "a default decoder says less than a new one"
    )]
    pub fn new() -> Decoder {
        Decoder(State::Size)
    }

    /// Looks at the front of what has arrived: what it is, and how many octets to take off.
    pub fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<(usize, Piece<'a>), Error> {
        todo!("step 7: chunked")
    }
}

/// Reads a chunk's size, in hexadecimal, up to the extensions.
pub fn chunk_size(line: &[u8]) -> Result<u64, Error> {
    todo!("step 7: chunk size")
}

#[cfg(test)]
mod step7 {
    use super::super::Parsed;
    use super::super::tests::{accepts, rejects};
    use super::*;

    /// Decodes a whole body, as a parser in this module's sense.
    fn decode(mut bytes: &[u8]) -> Parsed<Vec<u8>> {
        let (all, mut body, mut decoder) = (bytes.len(), Vec::new(), Decoder::new());
        loop {
            let (used, piece) = decoder.next(bytes)?;
            match piece {
                Piece::NeedMore => return Ok(None),
                Piece::Framing => {}
                Piece::Data(data) => body.extend_from_slice(data),
                Piece::End => return Ok(Some((body, all - bytes.len()))),
            }
            bytes = &bytes[used..];
        }
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(accepts(decode, b"0\r\n\r\n"), b"");
        assert_eq!(
            accepts(decode, b"5\r\nhello\r\n0001\r\n!\r\n0\r\n\r\n"),
            b"hello!"
        );
        assert_eq!(
            accepts(
                decode,
                b"A\r\n0123456789\r\na\r\n\r\n\r\n\r\n\r\n\r\n\r\n00\r\n\r\n"
            )
            .len(),
            20
        );
    }

    #[test]
    fn extensions_and_trailers_are_thrown_away() {
        let vector = b"2 ; a=\"b\"\r\nhi\r\n0;last\r\nExpires: never\r\nX: y\r\n\r\n";
        assert_eq!(accepts(decode, vector), b"hi");
    }

    #[test]
    fn broken_framing_is_an_error() {
        for vector in [
            &b"zz\r\n"[..],
            b"\r\n",
            b"-1\r\n",
            b"+1\r\n",
            b"0x5\r\n",
            b"5\nhello\r\n",
            b"2\r\nhello\r\n",
            b"10000000000000000\r\n",
            b"; no size\r\n",
        ] {
            rejects(decode, vector);
        }
    }

    #[test]
    fn trailers_and_extensions_have_limits() {
        let endless = [b"0\r\n".to_vec(), b"A: b\r\n".repeat(MAX_SECTION)].concat();
        assert_eq!(decode(&endless), Err(Error::FieldsTooLarge));
        assert!(decode(&vec![b'1'; MAX_SIZE_LINE + 1]).is_err());
    }
}
