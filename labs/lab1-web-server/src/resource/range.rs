//! Parts of a file (RFC 9110 §14): one range of octets. Several at once are answered with the
//! whole, which is always right.

use std::ops::Range;

use super::conditional::{Validators, allows_range};
use crate::http::{Method, Request};

/// What of a file is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it: no part was asked for, or not in a way that must be understood.
    Whole,
    /// These octets.
    Of(Range<u64>),
    /// The part asked for lies outside: 416.
    Unsatisfiable,
}

/// Finds the part that is asked for, of a file of that length. Only `GET` can ask for one
/// (RFC 9110 §14.2).
pub fn select(request: &Request, validators: &Validators, length: u64) -> Part {
    Part::Whole // step 13: select
}

/// Reads `bytes=0-499`, `bytes=500-`, `bytes=-500` (RFC 9110 §14.1.2).
fn parse(value: &str, length: u64) -> Part {
    todo!("step 13: range")
}

/// Reads a position; one that no file reaches is as good as the largest number.
fn position(digits: &str) -> Option<u64> {
    todo!("step 13: position")
}

#[cfg(test)]
mod step13 {
    use super::*;

    #[test]
    fn a_range_is_counted_from_the_front_or_from_the_end() {
        assert_eq!(parse("bytes=0-0", 10), Part::Of(0..1));
        assert_eq!(parse("BYTES=2-4", 10), Part::Of(2..5));
        assert_eq!(parse("bytes=2-", 10), Part::Of(2..10));
        assert_eq!(parse("bytes=-3", 10), Part::Of(7..10));
    }

    #[test]
    fn what_lies_beyond_the_end_is_cut_off() {
        assert_eq!(
            parse("bytes=8-99999999999999999999999", 10),
            Part::Of(8..10)
        );
        assert_eq!(parse("bytes=-11", 10), Part::Of(0..10));
    }

    #[test]
    fn a_range_outside_is_unsatisfiable() {
        assert_eq!(parse("bytes=10-", 10), Part::Unsatisfiable);
        assert_eq!(
            parse("bytes=99999999999999999999999-", 10),
            Part::Unsatisfiable
        );
        assert_eq!(parse("bytes=-0", 10), Part::Unsatisfiable);
        assert_eq!(parse("bytes=0-", 0), Part::Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_range_is_the_whole() {
        for value in [
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=4-2",
            "bytes=0-1,3-4",
            "bytes=a-b",
            "lines=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(parse(value, 10), Part::Whole, "{value}");
        }
        assert_eq!(parse("bytes=-5", 0), Part::Whole);
    }
}
