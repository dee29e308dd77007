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
    // ANCHOR: step10_part
    // STARTER: Part::Whole // step 10: part
    let range = request
        .fields
        .get("Range")
        .and_then(|value| value.strip_prefix("bytes="));
    let Some(range) = range.filter(|_| request.method == "GET" && entry.response.status == 200)
    else {
        return Part::Whole;
    };
    if !is_same(entry, &request.fields) || !request.fields.agree("Range") {
        return Part::Whole;
    }
    octets(range.trim(), entry.body.len())
    // ANCHOR_END: step10_part
}

/// `If-Range`: is the part wanted that belongs to what the client has (RFC 9110 §13.1.5)?
fn is_same(entry: &Entry, request: &Fields) -> bool {
    // ANCHOR: step10_if_range
    let stored = |name| entry.response.fields.get(name);
    match request.get("If-Range") {
        None => true,
        Some(weak) if weak.starts_with("W/") => false,
        Some(tag) if tag.starts_with('"') => stored("ETag") == Some(tag),
        Some(date) => stored("Last-Modified") == Some(date),
    }
    // ANCHOR_END: step10_if_range
}

/// Reads `first-last`, `first-` or `-suffix`; what is malformed asks for nothing in particular.
fn octets(range: &str, length: usize) -> Part {
    // ANCHOR: step10_octets
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
        is_number.then(|| digits.parse().unwrap_or(usize::MAX))
    };
    let Some((first, last)) = range.split_once('-') else {
        return Part::Whole;
    };
    let range = match (number(first), number(last)) {
        (None, Some(suffix)) if first.is_empty() => length.saturating_sub(suffix)..length,
        (Some(first), None) if last.is_empty() => first..length,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
        _ => return Part::Whole,
    };
    match range.start < range.end {
        true => Part::Octets(range),
        false => Part::Nothing,
    }
    // ANCHOR_END: step10_octets
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
