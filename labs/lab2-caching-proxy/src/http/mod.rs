//! HTTP/1.1 messages as octets (RFC 9112): no socket, no clock.
//!
//! A proxy reads on both sides and writes on both sides, and whatever it passes on must mean to the
//! next program what it meant to this one. So reading is strict: what two programs could read in two
//! ways is refused, not repaired.

pub mod body;
pub mod chunked;
pub mod date;
pub mod fields;
pub mod hop;
pub mod request;
pub mod response;
pub mod status;
pub mod target;

use std::fmt;

pub use fields::Fields;
pub use request::Request;
pub use response::Response;
pub use status::Status;
pub use target::Target;

/// What a parser says to the octets that have arrived so far: a value and how many octets it took;
/// `None` if more must come; or why no more will help.
pub type Parsed<T> = Result<Option<(T, usize)>, Error>;

/// Octets in a start line, without its CRLF. RFC 9112 §3 asks for at least 8000.
pub const MAX_START_LINE: usize = 16 * 1024;

/// The version a message came in. Minor versions from 1 up are spoken to as 1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Http10,
    Http11,
}

impl Version {
    /// As `Via` names it.
    pub fn number(self) -> &'static str {
        match self {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
        }
    }
}

/// Whose message it is. What one of them may do is a fault of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    Client,
    Origin,
}

/// Why octets are not a message this proxy takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The grammar is broken; the text says where.
    Malformed(&'static str),
    /// A start line longer than [`MAX_START_LINE`].
    LineTooLong,
    /// A header section beyond [`fields::MAX_SECTION`] or [`fields::MAX_FIELDS`].
    FieldsTooLarge,
    /// A transfer coding other than `chunked`.
    UnknownCoding,
    /// A URI of a scheme other than `http`.
    UnknownScheme,
    /// A major version other than 1.
    UnknownVersion,
}

impl Error {
    /// How a client's message is answered that has this fault. An origin's is always a 502.
    pub fn status(self) -> Status {
        match self {
            Error::Malformed(_) => Status::BadRequest,
            Error::LineTooLong => Status::UriTooLong,
            Error::FieldsTooLarge => Status::FieldsTooLarge,
            Error::UnknownCoding | Error::UnknownScheme => Status::NotImplemented,
            Error::UnknownVersion => Status::VersionNotSupported,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Malformed(fault) => fault,
            Error::LineTooLong => "start line too long",
            Error::FieldsTooLarge => "header section too large",
            Error::UnknownCoding => "unknown transfer coding",
            Error::UnknownScheme => "only http is forwarded",
            Error::UnknownVersion => "unknown version of HTTP",
        })
    }
}

impl std::error::Error for Error {}

/// Takes a line off the front: what it says, and how many octets it took with its CRLF.
pub fn line(octets: &[u8]) -> Parsed<&[u8]> {
    todo!("step 1: line")
}

/// Takes the start line off the front.
fn start_line(octets: &[u8], sender: Sender) -> Parsed<&[u8]> {
    todo!("step 1: start line")
}

/// Reads `HTTP/1.1`, exactly so (RFC 9112 §2.3).
fn version(word: &[u8]) -> Result<Version, Error> {
    todo!("step 1: version")
}

/// Is it a token (RFC 9110 §5.6.2): a method, a field name, a directive?
pub fn is_token(word: &[u8]) -> bool {
    let is_good = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(octet);
    !word.is_empty() && word.iter().all(is_good)
}

/// Octets as text, each the character of its number (ISO 8859-1): nothing is lost, and
/// [`Fields::write`] has the way back.
fn text(octets: &[u8]) -> String {
    octets.iter().map(|&octet| char::from(octet)).collect()
}

#[cfg(test)]
mod trial {
    //! How every parser here is tried: on the whole, on each beginning, and with something behind.

    use super::{Error, Parsed};

    pub(crate) fn good<T>(parse: impl Fn(&[u8]) -> Parsed<T>, message: &[u8]) -> T {
        for cut in 0..message.len() {
            let part = &message[..cut];
            assert!(
                matches!(parse(part), Ok(None)),
                "after {}",
                part.escape_ascii()
            );
        }
        let with_next = [message, b"HTTP/1.1 next"].concat();
        let (_, used) = parse(&with_next).unwrap().unwrap();
        assert_eq!(used, message.len(), "of {}", with_next.escape_ascii());
        parse(message).unwrap().unwrap().0
    }

    pub(crate) fn bad<T>(parse: impl Fn(&[u8]) -> Parsed<T>, message: &[u8]) -> Error {
        let fault = (0..=message.len()).find_map(|cut| match parse(&message[..cut]) {
            Ok(None) => None,
            Ok(Some(_)) => panic!("took {}", message[..cut].escape_ascii()),
            Err(fault) => Some((cut, fault)),
        });
        let (found, fault) = fault.unwrap_or_else(|| panic!("waits: {}", message.escape_ascii()));
        for cut in found..=message.len() {
            assert_eq!(parse(&message[..cut]).err(), Some(fault));
        }
        fault
    }
}

#[cfg(test)]
mod step1 {
    use super::*;

    #[test]
    fn a_line_ends_with_crlf() {
        assert_eq!(line(b"a b\r\nc\r\n"), Ok(Some((&b"a b"[..], 5))));
        assert_eq!(line(b"\r\n"), Ok(Some((&b""[..], 2))));
        assert_eq!(line(b"a b\r"), Ok(None));
    }

    #[test]
    fn versions_are_two_digits_with_a_point() {
        assert_eq!(version(b"HTTP/1.0"), Ok(Version::Http10));
        assert_eq!(version(b"HTTP/1.1"), Ok(Version::Http11));
        assert_eq!(version(b"HTTP/1.7"), Ok(Version::Http11));
        assert_eq!(version(b"HTTP/2.0"), Err(Error::UnknownVersion));
        for word in [&b"http/1.1"[..], b"HTTP/1", b"HTTP/1.10", b"HTTP/1.x", b""] {
            assert!(matches!(version(word), Err(Error::Malformed(_))));
        }
    }
}

#[cfg(test)]
mod step5 {
    use super::*;

    #[test]
    fn nothing_but_crlf_ends_a_line() {
        for octets in [&b"a\nb\r\n"[..], b"a\rb\r\n", b"\n"] {
            assert!(matches!(line(octets), Err(Error::Malformed(_))));
        }
    }

    #[test]
    fn a_start_line_has_a_limit() {
        let endless = vec![b'x'; MAX_START_LINE + 3];
        assert_eq!(
            start_line(&endless, Sender::Origin),
            Err(Error::LineTooLong)
        );
        assert_eq!(start_line(b"\r\n\r\nGET", Sender::Client), Ok(None));
    }
}
