//! `Cache-Control` (RFC 9111 §5.2), of a request or of a response.
//!
//! Where a field can be read in two ways, the reading that stores less and reuses less counts.

use crate::http::Fields;

/// Seconds beyond which all are the same (RFC 9111 §1.2.2).
const MAX_SECONDS: u64 = 1 << 31;

/// The directives that mean something to a shared cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control {
    pub no_store: bool,
    /// Also with names of fields: it then asks for less, but may be taken for the whole
    /// (RFC 9111 §5.2.2.4).
    pub no_cache: bool,
    /// The same (RFC 9111 §5.2.2.7).
    pub private: bool,
    pub public: bool,
    pub must_revalidate: bool,
    pub proxy_revalidate: bool,
    pub must_understand: bool,
    pub only_if_cached: bool,
    pub max_age: Option<u64>,
    pub s_maxage: Option<u64>,
    pub min_fresh: Option<u64>,
}

impl Control {
    /// Reads all `Cache-Control` lines of a message.
    pub fn of(fields: &Fields) -> Control {
        let mut control = Control::default();
        for value in fields.all("Cache-Control") {
            for directive in members(value) {
                control.add(directive);
            }
        }
        control
    }

    fn add(&mut self, directive: &str) {
        todo!("step 7: directive")
    }
}

/// Takes a directive's seconds over. What is no number is 0, and so are two that differ
/// (RFC 9111 §4.2.1).
fn add_seconds(known: &mut Option<u64>, argument: Option<&str>) {
    todo!("step 7: seconds")
}

/// Reads a number of seconds (RFC 9111 §1.2.2).
pub fn seconds(digits: &str) -> Option<u64> {
    todo!("step 7: digits")
}

/// The members of a list.
fn members(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || (!rest.is_empty()).then(|| next_member(&mut rest)))
}

/// Takes a member off the front of a list, whose quoted strings may hold commas. A quote that nothing
/// closes is a character like any other: it hides nothing.
fn next_member<'a>(list: &mut &'a str) -> &'a str {
    todo!("step 7: next member")
}

/// Where a quoted string ends whose beginning has been read (RFC 9110 §5.6.4).
fn closing_quote(rest: &str) -> Option<usize> {
    todo!("step 7: closing quote")
}

#[cfg(test)]
mod step7 {
    use super::*;

    fn control<const N: usize>(lines: [&str; N]) -> Control {
        Control::of(&lines.map(|line| ("Cache-Control", line)).into())
    }

    fn max_age(line: &str) -> Option<u64> {
        control([line]).max_age
    }

    #[test]
    fn directives_are_read_in_any_case_and_from_all_lines() {
        let all = control(["Max-Age=5,foo , NO-STORE", "private,S-MaxAge=7, ,"]);
        let expected = Control {
            no_store: true,
            private: true,
            max_age: Some(5),
            s_maxage: Some(7),
            ..Control::default()
        };
        assert_eq!(all, expected);
    }

    #[test]
    fn seconds_are_digits_maybe_quoted() {
        assert_eq!(max_age("max-age=3600"), Some(3600));
        assert_eq!(max_age("max-age=\"3600\""), Some(3600));
        assert_eq!(max_age("max-age=003600"), Some(3600));
        assert_eq!(
            max_age("max-age=99999999999999999999999"),
            Some(MAX_SECONDS)
        );
    }

    #[test]
    fn what_is_no_number_of_seconds_is_none_at_all() {
        for argument in [
            "", "=", "=a5", "=5a", "=-5", "=5.0", "='5'", " =5", "= 5", "=\"5",
        ] {
            assert_eq!(
                max_age(&format!("max-age{argument}")),
                Some(0),
                "{argument}"
            );
        }
        assert_eq!(max_age("xmax-age=5"), None);
    }

    #[test]
    fn numbers_that_differ_are_worth_nothing() {
        assert_eq!(max_age("max-age=5, max-age=5"), Some(5));
        assert_eq!(control(["max-age=5", "max-age=6"]).max_age, Some(0));
    }

    #[test]
    fn quoted_strings_hide_their_commas() {
        let hidden = control(["x=\"max-age=9, \\\", no-store\", max-age=1"]);
        assert_eq!((hidden.max_age, hidden.no_store), (Some(1), false));
        assert!(control(["no-cache=\"a, b\", max-age=1"]).no_cache);
        assert!(control(["x=\"open, no-store"]).no_store);
    }
}
