//! A part of a stored response for a client that asks for one (RFC 9110 §14): a single range of
//! octets. Whoever asks for several gets the whole, which is always allowed.

use std::ops::Range;

use super::entry::Entry;
use crate::http::{Fields, Request};

/// What a client gets of a stored body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Whole,
    Octets(Range<usize>),
    /// There is nothing where the client looks: 416.
    Nothing,
}

/// Finds out what part of a stored response a request asks for.
pub fn part(entry: &Entry, request: &Request) -> Part {
    Part::Whole // step 10: part
}

/// `If-Range`: is the part wanted that belongs to what the client has (RFC 9110 §13.1.5)?
fn is_same(entry: &Entry, request: &Fields) -> bool {
    todo!("step 10: if range")
}

/// Reads `first-last`, `first-` or `-suffix`; what is malformed asks for nothing in particular.
fn octets(range: &str, length: usize) -> Part {
    todo!("step 10: octets")
}

#[cfg(test)]
mod step10 {
    use super::*;

    #[test]
    fn a_range_is_cut_at_the_end() {
        for (range, expected) in [
            ("0-1", 0..2),
            ("1-", 1..10),
            ("-1", 9..10),
            ("-99", 0..10),
            ("9-99", 9..10),
        ] {
            assert_eq!(octets(range, 10), Part::Octets(expected), "{range}");
        }
    }

    #[test]
    fn beyond_the_end_is_nothing() {
        for range in ["10-", "10-11", "-0", "99999999999999999999999-"] {
            assert_eq!(octets(range, 10), Part::Nothing, "{range}");
        }
    }

    #[test]
    fn several_ranges_and_no_range_are_the_whole() {
        for range in ["0-1,3-4", "2-1", "-", "a-b", "1", ""] {
            assert_eq!(octets(range, 10), Part::Whole, "{range}");
        }
    }
}
