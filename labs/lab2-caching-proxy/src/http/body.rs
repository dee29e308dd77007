//! Where a body ends (RFC 9112 §6.3), on both sides of the proxy.
//!
//! ```text
//!                 request from the client      response from the origin
//! Content-Length  Length                       Length
//! chunked         Chunked                      Chunked
//! neither         Length(0)                    UntilClose
//! HEAD, 204, 304                               Length(0), whatever is announced
//! ```

use super::chunked::{self, LAST_CHUNK, Piece, write_chunk};
use super::{Error, Fields, Request, Response, Version};

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After so many octets.
    Length(u64),
    /// Where the chunks say so.
    Chunked,
    /// Where the connection ends.
    UntilClose,
}

/// Finds out where the body of a request ends. What would let a neighbour see another end is refused
/// (RFC 9112 §11.2: this is what request smuggling lives on).
pub fn of_request(request: &Request) -> Result<Framing, Error> {
    Ok(Framing::Length(0)) // step 2: of request
}

/// Finds out where the body of the response to a request with that method ends.
pub fn of_response(method: &str, response: &Response) -> Result<Framing, Error> {
    Ok(Framing::UntilClose) // step 2: of response
}

/// Is `chunked` all the coding there is?
fn is_chunked(fields: &Fields) -> Result<Framing, Error> {
    todo!("step 2: is chunked")
}

/// What to make of more than one `Content-Length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    Refused,
    /// Allowed if they all say the same.
    Same,
}

/// Reads `Content-Length`: digits and nothing else (RFC 9110 §8.6).
pub fn content_length(fields: &Fields, repeated: Repeated) -> Result<Option<u64>, Error> {
    todo!("step 2: content length")
}

/// A body being read: feed it what has arrived, and it says what the front of that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoder {
    /// So many octets are still to come.
    Length(u64),
    Chunked(chunked::Decoder),
    UntilClose,
}

impl Decoder {
    pub fn new(framing: Framing) -> Decoder {
        match framing {
            Framing::Length(length) => Decoder::Length(length),
            Framing::Chunked => Decoder::Chunked(chunked::Decoder::Size),
            Framing::UntilClose => Decoder::UntilClose,
        }
    }

    /// How many octets to take off the front, and what they are.
    pub fn next<'a>(&mut self, octets: &'a [u8]) -> Result<(usize, Piece<'a>), Error> {
        match octets {
            [] => Ok((0, Piece::NeedMore)),
            _ => Ok((octets.len(), Piece::Data(octets))), // step 2: next
        }
    }

    /// The connection has ended here: is the body whole?
    pub fn is_whole_at_close(&self) -> bool {
        matches!(self, Decoder::UntilClose)
    }
}

/// The octets among these that belong to the next `left`, and how many are missing.
pub(super) fn split(octets: &[u8], left: u64) -> (&[u8], u64) {
    let here = octets
        .len()
        .min(usize::try_from(left).unwrap_or(usize::MAX));
    (&octets[..here], left - here as u64)
}

/// How a body is sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is: the length was announced, or the end of the connection ends it.
    Plain,
    Chunked,
}

impl Coding {
    pub fn write(self, data: &[u8], out: &mut Vec<u8>) {
        match self {
            Coding::Plain => out.extend_from_slice(data),
            Coding::Chunked => write_chunk(data, out),
        }
    }

    /// Says that the body is whole.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self == Coding::Chunked {
            out.extend_from_slice(LAST_CHUNK);
        }
    }
}

#[cfg(test)]
mod step2 {
    use super::*;

    fn request<const N: usize>(fields: [(&str, &str); N]) -> Result<Framing, u16> {
        of_request(&Request::with("POST", fields)).map_err(|fault| fault.status().code())
    }

    fn response<const N: usize>(status: u16, fields: [(&str, &str); N]) -> Result<Framing, Error> {
        of_response("GET", &Response::with(status, fields.into()))
    }

    const CHUNKED: (&str, &str) = ("Transfer-Encoding", "chunked");

    #[test]
    fn a_request_without_framing_has_no_body() {
        assert_eq!(request([]), Ok(Framing::Length(0)));
        assert_eq!(request([("content-length", "7")]), Ok(Framing::Length(7)));
        assert_eq!(request([CHUNKED]), Ok(Framing::Chunked));
    }

    #[test]
    fn a_response_without_framing_ends_with_its_connection() {
        assert_eq!(response(200, []), Ok(Framing::UntilClose));
        assert_eq!(
            response(404, [("Content-Length", "7")]),
            Ok(Framing::Length(7))
        );
        assert_eq!(response(200, [CHUNKED]), Ok(Framing::Chunked));
    }

    #[test]
    fn some_responses_have_no_body_whatever_they_announce() {
        for status in [204, 304] {
            assert_eq!(
                response(status, [("Content-Length", "7")]),
                Ok(Framing::Length(0))
            );
        }
        let ok = Response::with(200, [CHUNKED].into());
        assert_eq!(of_response("HEAD", &ok), Ok(Framing::Length(0)));
    }

    #[test]
    fn a_length_takes_so_many_octets_and_no_more() {
        let mut decoder = Decoder::new(Framing::Length(3));
        assert_eq!(decoder.next(b"ab"), Ok((2, Piece::Data(b"ab"))));
        assert!(!decoder.is_whole_at_close());
        assert_eq!(decoder.next(b""), Ok((0, Piece::NeedMore)));
        assert_eq!(decoder.next(b"cde"), Ok((1, Piece::Data(b"c"))));
        assert_eq!(decoder.next(b"de"), Ok((0, Piece::End)));
        assert!(Decoder::new(Framing::UntilClose).is_whole_at_close());
    }
}

#[cfg(test)]
mod step5 {
    use super::*;

    fn refused<const N: usize>(fields: [(&str, &str); N]) -> (Option<u16>, bool) {
        let status = of_request(&Request::with("POST", fields))
            .err()
            .map(|fault| fault.status().code());
        (
            status,
            of_response("GET", &Response::with(200, fields.into())).is_err(),
        )
    }

    #[test]
    fn a_length_that_is_not_one_number_is_refused() {
        for length in [
            "",
            "+5",
            "-1",
            "0x5",
            "5x",
            "5 5",
            "100000000000000000000",
            "5, 6",
        ] {
            assert_eq!(
                refused([("Content-Length", length)]),
                (Some(400), true),
                "{length}"
            );
        }
        let twice = [("Content-Length", "5"), ("content-length", "6")];
        assert_eq!(refused(twice), (Some(400), true));
    }

    #[test]
    fn the_same_length_twice_is_refused_from_a_client_only() {
        let twice = [("Content-Length", "5"), ("Content-Length", "5")];
        assert_eq!(refused(twice), (Some(400), false));
        assert_eq!(refused([("Content-Length", "5, 5")]), (Some(400), false));
    }

    #[test]
    fn codings_other_than_chunked_are_refused() {
        let coded = |coding| refused([("Transfer-Encoding", coding)]);
        assert_eq!(coded("chunked, x"), (Some(400), true));
        assert_eq!(coded("chunked, chunked"), (Some(400), true));
        assert_eq!(coded("gzip, chunked"), (Some(501), true));
        assert_eq!(coded("xchunked"), (Some(501), true));
        assert_eq!(coded(""), (Some(501), true));
    }

    #[test]
    fn length_and_coding_together_are_refused_from_a_client_only() {
        let both = [("Content-Length", "5"), ("Transfer-Encoding", "chunked")];
        assert_eq!(refused(both), (Some(400), false));
    }
}
