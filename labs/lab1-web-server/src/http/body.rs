//! How long the body of a request is (RFC 9112 §6.3).
//!
//! Nothing a client sends here is wanted, but it must be taken off the connection all the same, or
//! the next request would begin in the middle of it.

use super::chunked::{Decoder, Piece};
use super::{Error, Fields, Version};

/// Octets of a request body that are read and thrown away; a longer one is refused.
pub const MAX_BODY: u64 = 1024 * 1024;

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After that many octets.
    Length(u64),
    /// Where its chunks say so.
    Chunked,
}

/// Does a request with these fields carry a body, even an empty one (RFC 9112 §6)?
pub fn is_announced(fields: &Fields) -> bool {
    fields.get("Content-Length").is_some() || fields.get("Transfer-Encoding").is_some()
}

/// Does the client hold its body back until it hears `100 Continue` (RFC 9110 §10.1.1)?
pub fn is_held_back(version: Version, fields: &Fields) -> bool {
    version == Version::Http11 && fields.lists("Expect", "100-continue")
}

/// Finds out where the body of a request ends.
///
/// Whatever could be read in two ways is an error: this is what request smuggling lives on.
pub fn framing(version: Version, fields: &Fields) -> Result<Framing, Error> {
    todo!("step 7: framing")
}

/// Reads a `Content-Length`: digits and nothing else (RFC 9110 §8.6), no sign, no list.
pub fn content_length(value: &str) -> Result<u64, Error> {
    todo!("step 7: content length")
}

/// What of a body has yet to be read and thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// So many octets.
    Length(u64),
    /// Chunks, and how many octets they may take at most, their framing included.
    Chunks(Decoder, u64),
}

impl Rest {
    /// All of a body, unless it is too long to be worth it.
    pub fn new(framing: Framing) -> Result<Rest, Error> {
        match framing {
            Framing::Length(length) if length > MAX_BODY => Err(Error::BodyTooLarge),
            Framing::Length(length) => Ok(Rest::Length(length)),
            Framing::Chunked => Ok(Rest::Chunks(Decoder::new(), MAX_BODY)),
        }
    }

    /// Looks at the front of what has arrived: how many octets to take off, and whether the body
    /// ends with them.
    pub fn skip(&mut self, bytes: &[u8]) -> Result<(usize, bool), Error> {
        todo!("step 7: skip")
    }
}

#[cfg(test)]
mod step7 {
    use super::super::tests::accepts;
    use super::*;

    fn framed(fields: &[(&str, &str)]) -> Result<Framing, u16> {
        framing(Version::Http11, &fields.into()).map_err(|error| error.status().code())
    }

    #[test]
    fn a_body_ends_after_its_length_or_its_chunks() {
        assert_eq!(framed(&[]), Ok(Framing::Length(0)));
        assert_eq!(framed(&[("content-length", "12")]), Ok(Framing::Length(12)));
        assert_eq!(
            framed(&[("Transfer-Encoding", "Chunked")]),
            Ok(Framing::Chunked)
        );
    }

    #[test]
    fn a_length_that_is_not_one_number_is_400() {
        for value in [
            "",
            "+5",
            "-1",
            "0x3",
            "3x",
            "5, 5",
            "5 5",
            "100000000000000000000",
        ] {
            assert_eq!(framed(&[("Content-Length", value)]), Err(400), "{value}");
        }
        assert_eq!(
            framed(&[("Content-Length", "5"), ("Content-Length", "6")]),
            Err(400)
        );
    }

    #[test]
    fn length_and_coding_together_are_400() {
        assert_eq!(
            framed(&[("Content-Length", "5"), ("Transfer-Encoding", "chunked")]),
            Err(400)
        );
    }

    #[test]
    fn unknown_codings_are_501_and_misplaced_ones_400() {
        assert_eq!(framed(&[("Transfer-Encoding", "xyz")]), Err(501));
        assert_eq!(framed(&[("Transfer-Encoding", "gzip, chunked")]), Err(501));
        assert_eq!(framed(&[("Transfer-Encoding", "")]), Err(501));
        assert_eq!(framed(&[("Transfer-Encoding", "chunked, gzip")]), Err(400));
        assert_eq!(
            framed(&[
                ("Transfer-Encoding", "chunked"),
                ("Transfer-Encoding", "chunked")
            ]),
            Err(400)
        );
    }

    #[test]
    fn http_1_0_knows_no_transfer_codings() {
        let fields = Fields::from(&[("Transfer-Encoding", "chunked")][..]);
        assert!(framing(Version::Http10, &fields).is_err());
    }

    #[test]
    fn a_body_is_skipped_up_to_its_last_octet() {
        let skip = |framing| {
            move |bytes: &[u8]| {
                let (used, is_over) = Rest::new(framing)?.skip(bytes)?;
                Ok(is_over.then_some(((), used)))
            }
        };
        accepts(skip(Framing::Length(0)), b"");
        accepts(skip(Framing::Length(3)), b"abc");
        accepts(
            skip(Framing::Chunked),
            b"3\r\nabc\r\n1;x\r\nd\r\n0\r\nA: b\r\n\r\n",
        );
    }

    #[test]
    fn a_body_too_long_is_refused() {
        assert_eq!(
            Rest::new(Framing::Length(MAX_BODY + 1)),
            Err(Error::BodyTooLarge)
        );
        let mut rest = Rest::new(Framing::Chunked).unwrap();
        let chunks = b"1\r\na\r\n".repeat(1024 * 1024);
        assert_eq!(rest.skip(&chunks), Err(Error::BodyTooLarge));
    }
}
