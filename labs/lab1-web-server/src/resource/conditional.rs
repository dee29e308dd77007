//! Conditional requests (RFC 9110 §13): send it only if it has changed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use crate::http::{Fields, date};

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// A strong entity tag (RFC 9110 §8.8.3), quotes included.
    pub etag: String,
    /// Never in the future (RFC 9110 §8.8.2.1).
    pub modified: SystemTime,
}

/// What the conditions of a request say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Answer as if there were none.
    Proceed,
    /// The client has it already: 304.
    NotModified,
    /// The client wanted another state than there is: 412.
    Failed,
}

impl Validators {
    /// The validators of a file; the suffix keeps the tags of its codings apart.
    ///
    /// Step 3 needs the date; the tag can stay empty, and unsent, until step 13.
    pub fn new(metadata: &Metadata, suffix: &str, now: SystemTime) -> Validators {
        todo!("step 3: validators")
    }

    /// Has the file not changed since that date? `None` when it is no date.
    fn unchanged_since(&self, date: &str) -> Option<bool> {
        todo!("step 8: unchanged since")
    }
}

/// Weighs the conditions in the order of RFC 9110 §13.2.2: tags go before dates, and a date that
/// cannot be read is no condition.
pub fn evaluate(fields: &Fields, validators: &Validators) -> Verdict {
    let conditions = [
        "If-Match",
        "If-Unmodified-Since",
        "If-None-Match",
        "If-Modified-Since",
    ];
    match conditions.iter().any(|name| fields.get(name).is_some()) {
        false => Verdict::Proceed,
        true => todo!("step 8: evaluate"),
    }
}

/// Does `If-Range` (RFC 9110 §13.1.5) let a part be sent? A tag must be the same and strong, a date
/// exactly the one that was sent.
pub fn allows_range(fields: &Fields, validators: &Validators) -> bool {
    todo!("step 13: allows range")
}

/// The entity tags of a list. They are not split at every comma, for a tag may hold one.
fn tags<'a>(fields: &'a Fields, name: &str) -> Vec<&'a str> {
    todo!("step 13: tags")
}

/// The tag without its mark of weakness (RFC 9110 §8.8.3.2, weak comparison).
fn opaque(tag: &str) -> &str {
    todo!("step 13: opaque")
}

#[cfg(test)]
mod step8 {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// A file of Sun, 06 Nov 1994 08:49:37.9 GMT.
    pub(super) fn validators() -> Validators {
        let modified = UNIX_EPOCH + Duration::from_millis(784_111_777_900);
        Validators {
            etag: "\"a,b\"".into(),
            modified,
        }
    }

    pub(super) fn verdict(fields: &[(&str, &str)]) -> Verdict {
        evaluate(&fields.into(), &validators())
    }

    #[test]
    fn a_date_in_any_format_is_compared_to_the_second() {
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Mon, 07 Nov 1994 00:00:00 GMT",
        ] {
            assert_eq!(
                verdict(&[("If-Modified-Since", date)]),
                Verdict::NotModified,
                "{date}"
            );
        }
        // Earlier, though its text sorts later.
        for date in [
            "Sun, 06 Nov 1994 08:49:36 GMT",
            "Wed, 31 Dec 1980 00:00:00 GMT",
            "garbage",
        ] {
            assert_eq!(
                verdict(&[("If-Modified-Since", date)]),
                Verdict::Proceed,
                "{date}"
            );
        }
    }
}

#[cfg(test)]
mod step13 {
    use super::step8::{validators, verdict};
    use super::*;

    #[test]
    fn a_tag_in_the_list_is_not_modified_and_dates_no_longer_count() {
        for list in ["\"a,b\"", "\"x\", W/\"a,b\"", "*"] {
            assert_eq!(
                verdict(&[("If-None-Match", list)]),
                Verdict::NotModified,
                "{list}"
            );
        }
        let date = ("If-Modified-Since", "Mon, 07 Nov 1994 00:00:00 GMT");
        assert_eq!(
            verdict(&[("If-None-Match", "\"a\""), date]),
            Verdict::Proceed
        );
    }

    #[test]
    fn another_state_than_the_wanted_one_fails() {
        assert_eq!(verdict(&[("If-Match", "\"x\"")]), Verdict::Failed);
        assert_eq!(verdict(&[("If-Match", "W/\"a,b\"")]), Verdict::Failed);
        assert_eq!(verdict(&[("If-Match", "\"x\", \"a,b\"")]), Verdict::Proceed);
        let early = "Sun, 06 Nov 1994 08:49:36 GMT";
        assert_eq!(verdict(&[("If-Unmodified-Since", early)]), Verdict::Failed);
        assert_eq!(
            verdict(&[("If-Unmodified-Since", "garbage")]),
            Verdict::Proceed
        );
    }

    #[test]
    fn a_part_is_sent_only_of_the_same_state() {
        let allows = |value| allows_range(&Fields::from(&[("If-Range", value)][..]), &validators());
        assert!(allows("\"a,b\"") && allows("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(
            !allows("W/\"a,b\"") && !allows("\"x\"") && !allows("Mon, 07 Nov 1994 08:49:37 GMT")
        );
    }
}
