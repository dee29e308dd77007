//! The chunked transfer coding (RFC 9112 §7.1), read piece by piece and written.
//!
//! ```text
//!            ┌──────────────CRLF───────────────┐
//!            ▼                                 │
//! start ─▶ Size ──size > 0──▶ Data ──all──▶ DataEnd
//!            └────size = 0──▶ Trailer ──empty line──▶ End
//! ```
//!
//! Chunk extensions are for one hop (RFC 9112 §7.1.1), and trailer fields may be dropped
//! (RFC 9110 §6.5.1): both end here.

use super::fields::MAX_SECTION;
use super::{Error, line};

/// Octets in a line of size and extensions.
const MAX_SIZE_LINE: usize = 4 * 1024;

/// Where in the coding the next octet stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoder {
    Size,
    /// So many octets of the chunk are still to come.
    Data(u64),
    DataEnd,
    /// So many octets of trailer fields may still come.
    Trailer(usize),
    End,
}

/// What stands at the front of the octets of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Too few octets to tell.
    NeedMore,
    /// Octets that carry no data.
    Framing,
    Data(&'a [u8]),
    /// The body is over.
    End,
}

impl Decoder {
    /// Looks at the octets that have arrived: how many to take off, and what they are.
    pub fn next<'a>(&mut self, octets: &'a [u8]) -> Result<(usize, Piece<'a>), Error> {
        todo!("step 2: chunks")
    }
}

/// Reads a chunk's size: hexadecimal digits, and what follows a semicolon is an extension.
fn size(line: &[u8]) -> Result<u64, Error> {
    todo!("step 2: size")
}

/// Writes data as one chunk. An empty one would be the last, so there is none.
pub fn write_chunk(data: &[u8], out: &mut Vec<u8>) {
    todo!("step 2: write chunk")
}

/// The last chunk, and no trailer fields. To write it is to say that the body is whole.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[cfg(test)]
mod step2 {
    use super::super::Parsed;
    use super::super::trial::{bad, good};
    use super::*;

    fn decode(octets: &[u8]) -> Parsed<Vec<u8>> {
        let (mut at, mut body, mut decoder) = (0, Vec::new(), Decoder::Size);
        loop {
            let (used, piece) = decoder.next(&octets[at..])?;
            at += used;
            match piece {
                Piece::NeedMore => return Ok(None),
                Piece::Framing => {}
                Piece::Data(data) => body.extend_from_slice(data),
                Piece::End => return Ok(Some((body, at))),
            }
        }
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(good(decode, b"0\r\n\r\n"), b"");
        let chunks = b"5\r\nhello\r\n0002;x=\"y\"\r\n, \r\nA\r\n\r\n3456789\0\r\n0\r\n\r\n";
        assert_eq!(good(decode, chunks), b"hello, \r\n3456789\0");
    }

    #[test]
    fn trailer_fields_and_extensions_are_dropped() {
        let chunks = b"2 ; a=b;c\r\nhi\r\n000;last\r\nA: 1\r\nB: 2\r\n\r\n";
        assert_eq!(good(decode, chunks), b"hi");
    }

    #[test]
    fn broken_chunks_are_refused() {
        for chunks in [
            &b"zz\r\n"[..],
            b"\r\n",
            b"-1\r\n",
            b"0x1\r\n",
            b"1 2\r\n",
            b"5\nhello\r\n",
            b"2\r\nhello\r\n",
            b"10000000000000000\r\n",
            b";a\r\n",
        ] {
            assert!(matches!(bad(decode, chunks), Error::Malformed(_)));
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        for data in [&b"hello"[..], b"", b"0\r\n\r\n"] {
            write_chunk(data, &mut out);
        }
        out.extend_from_slice(LAST_CHUNK);
        assert_eq!(good(decode, &out), b"hello0\r\n\r\n");
    }
}

#[cfg(test)]
mod step5 {
    use super::*;

    #[test]
    fn endless_lines_and_trailers_are_refused() {
        let digits = vec![b'1'; MAX_SIZE_LINE + 1];
        assert!(Decoder::Size.next(&digits).is_err());
        let mut decoder = Decoder::Trailer(MAX_SECTION);
        let flood = b"A: 1\r\n".repeat(MAX_SECTION);
        let fault = (0..)
            .step_by(6)
            .find_map(|at| decoder.next(&flood[at..]).err());
        assert_eq!(fault, Some(Error::FieldsTooLarge));
    }
}
