//! HTTP/1.1 messages as octets (RFC 9112): no socket, no clock, no file.
//!
//! A parser here takes what has arrived so far and returns [`Parsed`].

pub mod body;
pub mod chunked;
pub mod date;
pub mod fields;
pub mod reader;
pub mod request;
pub mod response;
pub mod status;

use std::fmt;

pub use fields::Fields;
pub use request::{Method, Request};
pub use response::{Body, Response};
pub use status::Status;

/// What a parser makes of what has arrived: a value and the number of octets it took, or `None` when
/// the octets are a good beginning and more must come.
pub type Parsed<T> = Result<Option<(T, usize)>, Error>;

/// The two versions that matter: every minor version from 1 up is spoken to as 1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Http10,
    Http11,
}

/// Why octets are not a message this program takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The grammar is broken; the text says where.
    Malformed(&'static str),
    /// The start line is longer than [`request::MAX_LINE`].
    LineTooLong,
    /// The header section passes [`fields::MAX_SECTION`] or [`fields::MAX_FIELDS`].
    FieldsTooLarge,
    /// The body is longer than anyone here wants to read.
    BodyTooLarge,
    /// A transfer coding other than `chunked`.
    UnknownCoding,
    /// A major version other than 1.
    UnsupportedVersion,
}

impl Error {
    /// The status with which a server answers such a request.
    pub fn status(self) -> Status {
        match self {
            Error::Malformed(_) => Status::BadRequest,
            Error::LineTooLong => Status::UriTooLong,
            Error::FieldsTooLarge => Status::FieldsTooLarge,
            Error::BodyTooLarge => Status::ContentTooLarge,
            Error::UnknownCoding => Status::NotImplemented,
            Error::UnsupportedVersion => Status::VersionNotSupported,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Malformed(what) => what,
            Error::LineTooLong => "start line too long",
            Error::FieldsTooLarge => "header section too large",
            Error::BodyTooLarge => "body too large",
            Error::UnknownCoding => "unknown transfer coding",
            Error::UnsupportedVersion => "unsupported HTTP version",
        })
    }
}

impl std::error::Error for Error {}

/// Takes one line off the front: its octets without the CRLF, and how many octets it took with it.
///
/// A CR or LF on its own is an error, not an end of line: a program that takes it for one may read
/// another message than its neighbour does (RFC 9112 §2.2).
pub fn line(bytes: &[u8]) -> Parsed<&[u8]> {
    todo!("step 2: line")
}

/// Reads `HTTP/1.1`: two digits, a point between, the name in capitals (RFC 9112 §2.3).
pub fn parse_version(word: &[u8]) -> Result<Version, Error> {
    todo!("step 2: version")
}

/// Is this a token (RFC 9110 §5.6.2), the alphabet of methods and field names?
pub fn is_token(bytes: &[u8]) -> bool {
    let symbol = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(octet);
    !bytes.is_empty() && bytes.iter().all(symbol)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Runs a good vector whole, at every prefix, and with octets after it.
    pub(crate) fn accepts<T>(parse: impl Fn(&[u8]) -> Parsed<T>, vector: &[u8]) -> T {
        for end in 0..vector.len() {
            let prefix = vector[..end].escape_ascii();
            match parse(&vector[..end]) {
                Ok(None) => {}
                Ok(Some((_, used))) => panic!("{used} octets were enough of {prefix}"),
                Err(error) => panic!("{error} at {prefix}"),
            }
        }
        let trailed = [vector, b"GET /trailing"].concat();
        let (_, used) = parse(&trailed).unwrap().expect("a whole message");
        assert_eq!(used, vector.len(), "octets of the next message taken");
        let (value, used) = parse(vector).unwrap().expect("a whole message");
        assert_eq!(used, vector.len());
        value
    }

    /// Runs a bad vector whole, at every prefix, and with octets after it: the error may show
    /// early, but it is always the same, and no part of the vector passes for a message.
    pub(crate) fn rejects<T>(parse: impl Fn(&[u8]) -> Parsed<T>, vector: &[u8]) -> Error {
        let whole = parse(vector).err();
        let error = whole.unwrap_or_else(|| panic!("took {}", vector.escape_ascii()));
        for end in 0..vector.len() {
            match parse(&vector[..end]) {
                Ok(None) => {}
                Ok(Some(_)) => panic!("took {}", vector[..end].escape_ascii()),
                Err(early) => assert_eq!(early, error, "at {}", vector[..end].escape_ascii()),
            }
        }
        let trailed = [vector, b"GET /trailing"].concat();
        assert_eq!(parse(&trailed).err(), Some(error));
        error
    }
}

#[cfg(test)]
mod step2 {
    use super::*;

    #[test]
    fn a_line_ends_with_crlf() {
        assert_eq!(line(b"one\r\ntwo\r\n"), Ok(Some((&b"one"[..], 5))));
        assert_eq!(line(b"\r\n"), Ok(Some((&b""[..], 2))));
        assert_eq!(line(b"one\r"), Ok(None));
    }

    #[test]
    fn a_cr_or_lf_alone_ends_no_line() {
        assert_eq!(line(b"one\ntwo\r\n"), Err(Error::Malformed("bare LF")));
        assert_eq!(line(b"\n"), Err(Error::Malformed("bare LF")));
        assert_eq!(line(b"one\rtwo\r\n"), Err(Error::Malformed("bare CR")));
    }
}
