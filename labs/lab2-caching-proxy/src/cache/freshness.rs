//! How long a response may be used without asking, and how old it is (RFC 9111 §4.2).
//!
//! ```text
//!  created            received                now
//!  ───●───────────────────●────────────────────●───▶
//!     └─ age on arrival ──┴── time in the cache ┘      fresh while the whole is below the lifetime
//! ```
//!
//! Left out on purpose: heuristics (RFC 9111 §4.2.2). What says nothing is asked for each time.

use std::time::{Duration, SystemTime};

use super::control::{Control, seconds};
use crate::http::{Fields, date};

/// For how long a response may be used, if it says so (RFC 9111 §4.2.1).
pub fn lifetime(fields: &Fields, control: &Control, received: SystemTime) -> Option<Duration> {
    todo!("step 7: lifetime")
}

/// How old a response was when it came (RFC 9111 §4.2.3): what its `Age` and the way here say, or
/// what its `Date` says, if that is more.
pub fn age_on_arrival(fields: &Fields, asked: SystemTime, received: SystemTime) -> Duration {
    todo!("step 7: age on arrival")
}

/// The time between two moments; none if they are the wrong way round.
pub fn since(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

#[cfg(test)]
mod step7 {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT
    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    fn ago(seconds: i64) -> String {
        let shift = Duration::from_secs(seconds.unsigned_abs());
        date::format(if seconds < 0 {
            now() + shift
        } else {
            now() - shift
        })
    }

    fn lives<const N: usize>(fields: [(&str, &str); N]) -> Option<u64> {
        let fields = Fields::from(fields);
        let control = Control::of(&fields);
        lifetime(&fields, &control, now()).map(|time| time.as_secs())
    }

    fn age<const N: usize>(fields: [(&str, &str); N]) -> Duration {
        age_on_arrival(&fields.into(), now() - Duration::from_millis(300), now())
    }

    #[test]
    fn s_maxage_comes_before_max_age_and_that_before_expires() {
        let (later, past) = (ago(-60), ago(60));
        assert_eq!(lives([("Cache-Control", "max-age=5, s-maxage=7")]), Some(7));
        assert_eq!(lives([("Cache-Control", "s-maxage=0, max-age=7")]), Some(0));
        assert_eq!(
            lives([("Cache-Control", "max-age=5"), ("Expires", &past)]),
            Some(5)
        );
        assert_eq!(
            lives([("Cache-Control", "max-age=x"), ("Expires", &later)]),
            Some(0)
        );
        assert_eq!(lives([("Expires", &later)]), Some(60));
        assert_eq!(lives([]), None);
    }

    #[test]
    fn expires_counts_from_date() {
        assert_eq!(
            lives([("Expires", &ago(-60)), ("Date", &ago(10))]),
            Some(70)
        );
        assert_eq!(
            lives([("Expires", &ago(-60)), ("Date", &ago(-70))]),
            Some(0)
        );
        assert_eq!(lives([("Expires", &ago(-60)), ("Date", "foo")]), Some(60));
    }

    #[test]
    fn an_invalid_expires_is_past() {
        for expires in [
            "0",
            "-1",
            "",
            "Thu, 18 Aug 2050 02:01:18 UTC",
            "Thu, 18 Aug 50 02:01:18 GMT",
        ] {
            assert_eq!(lives([("Expires", expires)]), Some(0), "{expires}");
        }
        assert_eq!(
            lives([("Expires", &ago(-60)), ("Expires", &ago(-90))]),
            Some(0)
        );
    }

    #[test]
    fn age_is_what_age_or_date_says() {
        assert_eq!(
            age([("Age", "30"), ("Date", &ago(10))]),
            Duration::from_millis(30_300)
        );
        assert_eq!(
            age([("Age", "5"), ("Date", &ago(10))]),
            Duration::from_secs(10)
        );
        assert_eq!(age([("Date", &ago(-10))]), Duration::from_millis(300));
        assert_eq!(age([("Age", "7200, 0")]).as_secs(), 7200);
        for invalid in ["-7200", "abc", "7200.0", ""] {
            assert_eq!(age([("Age", invalid)]).as_secs(), 0, "{invalid}");
        }
    }
}
