//! HTTP/1.x as its grammar binds the sender (RFC 9110, RFC 9112).
//!
//! Every parser takes the octets from the start of a message (or of the part it reads) and answers with the value
//! and the number of octets it took, with `None` when more octets are needed, or with the first octet that no valid
//! continuation could repair. Lenient only where the grammar is: optional whitespace, any reason phrase, field names
//! in any case, chunk extensions, trailers. One exception: a missing space after the status code is let pass,
//! although RFC 9112 §4 asks for it, since common clients do.
//!
//! Left out: what fields mean, apart from framing and dates; HTTP/0.9; obsolete line folding, which no sender may use.

pub mod body;
pub mod chunked;
mod cursor;
pub mod date;
pub mod fields;
pub mod message;
pub mod request;
pub mod response;
#[cfg(test)]
mod testing;

pub use fields::{Field, Fields};

pub use super::syntax::SyntaxError;

/// A value and how many octets it took, or `None` if more octets are needed.
pub type Parsed<T> = Result<Option<(T, usize)>, SyntaxError>;

/// An octet of a `token`: a method, a field name, a transfer coding (RFC 9110 §5.6.2).
pub fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}
