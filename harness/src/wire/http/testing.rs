//! The one way in which every vector is tested: whole, at every prefix, and with octets after it.

use std::fmt::Debug;

use super::{Parsed, SyntaxError};

/// The vector is one message, no more and no less: what it reads as.
#[track_caller]
pub(crate) fn accepted<T: PartialEq + Debug>(vector: &[u8], parse: impl Fn(&[u8]) -> Parsed<T>) -> T {
    for end in 0..vector.len() {
        assert_eq!(
            parse(&vector[..end]),
            Ok(None),
            "a prefix of {end} octets of {:?}",
            vector.escape_ascii().to_string()
        );
    }
    let (value, taken) = parse(vector).expect("the vector is valid").expect("the vector is whole");
    assert_eq!(taken, vector.len(), "octets taken of the whole vector");
    for tail in [&b"\0"[..], b"\r\n", b" x", b"HTTP/1.1 200 OK\r\n\r\n"] {
        let (again, taken) = parse(&[vector, tail].concat()).expect("still valid").expect("still whole");
        assert_eq!(
            (&again, taken),
            (&value, vector.len()),
            "with {:?} after it",
            tail.escape_ascii().to_string()
        );
    }
    value
}

/// No continuation makes the vector valid: its error, the same from the first prefix that proves it.
#[track_caller]
pub(crate) fn refused<T: PartialEq + Debug>(
    vector: &[u8],
    parse: impl Fn(&[u8]) -> Parsed<T>,
) -> SyntaxError {
    let error = parse(vector).expect_err("the vector is broken");
    let proof = (error.offset + error.len + 1).min(vector.len());
    for end in 0..=vector.len() {
        match parse(&vector[..end]) {
            Ok(None) => assert!(end < proof, "{end} octets prove that {error}"),
            seen => assert_eq!(seen.as_ref().err(), Some(&error), "after {end} octets"),
        }
    }
    assert_eq!(parse(&[vector, b"\r\n\r\n"].concat()), Err(error.clone()), "with octets after it");
    error
}
