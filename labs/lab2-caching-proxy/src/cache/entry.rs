//! A stored response: what it says, and how fresh it is.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::control::Control;
use super::freshness::{age_on_arrival, lifetime, since};
use crate::http::Response;

/// A response and its whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it was passed on, without `Age`.
    pub response: Response,
    pub body: Arc<[u8]>,
    times: Times,
    /// Must be asked for at each use.
    no_cache: bool,
    /// Must not be used stale, whatever happens.
    is_strict: bool,
    lifetime: Duration,
    age_on_arrival: Duration,
}

/// When a response was asked for, and when its head came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub asked: SystemTime,
    pub received: SystemTime,
}

impl Entry {
    pub fn new(response: Response, body: Arc<[u8]>, times: Times) -> Entry {
        todo!("step 7: entry")
    }

    /// RFC 9111 §4.2.3: its age on arrival and the time since.
    pub fn age(&self, now: SystemTime) -> Duration {
        todo!("step 7: age")
    }

    /// May it be used without asking, for a request with these directives?
    pub fn is_fresh(&self, asked: &Control, now: SystemTime) -> bool {
        todo!("step 7: is fresh")
    }

    /// May it be used though it is stale, because the origin cannot be asked (RFC 9111 §4.2.4)? Not if
    /// the response forbids it (§5.2.2.2, §5.2.2.8, §5.2.2.10) or was never fresh, and not for who
    /// wants it fresher than that.
    pub fn may_serve_stale(&self, asked: &Control) -> bool {
        todo!("step 8: may serve stale")
    }

    /// What it costs to keep: its body, and what its head has beyond what each object may have.
    pub fn weight(&self) -> u64 {
        const FREE: usize = 1024;
        let lines = self.response.fields.iter();
        let head: usize = lines
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum();
        (self.body.len() + head.saturating_sub(FREE)) as u64
    }
}

#[cfg(test)]
pub(super) fn entry<const N: usize>(fields: [(&str, &str); N], received: SystemTime) -> Entry {
    let asked = received;
    let times = Times { asked, received };
    Entry::new(
        Response::with(200, fields.into()),
        b"body".as_slice().into(),
        times,
    )
}

#[cfg(test)]
mod step7 {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn fresh(response: &str, asked: &str, age: u64) -> bool {
        let entry = entry([("Cache-Control", response)], UNIX_EPOCH);
        let asked = Control::of(&[("Cache-Control", asked)].into());
        entry.is_fresh(&asked, UNIX_EPOCH + Duration::from_secs(age))
    }

    #[test]
    fn a_response_is_fresh_until_its_lifetime_is_over() {
        assert!(fresh("max-age=60", "", 59));
        assert!(!fresh("max-age=60", "", 60));
        assert!(!fresh("max-age=0", "", 0));
        assert!(!fresh("foo", "", 0));
        assert!(!fresh("max-age=60, no-cache", "", 0));
        assert!(fresh("max-age=60, must-revalidate", "", 0));
    }

    #[test]
    fn a_request_may_want_it_fresher() {
        assert!(!fresh("max-age=60", "no-cache", 0));
        assert!(!fresh("max-age=60", "max-age=5", 10));
        assert!(fresh("max-age=60", "max-age=5", 5));
        assert!(!fresh("max-age=60", "min-fresh=51", 10));
        assert!(fresh("max-age=60", "min-fresh=50", 10));
    }

    #[test]
    fn age_grows_from_what_it_was_on_arrival() {
        let entry = entry([("Age", "30"), ("Cache-Control", "max-age=60")], UNIX_EPOCH);
        assert_eq!(entry.age(UNIX_EPOCH).as_secs(), 30);
        assert_eq!(entry.age(UNIX_EPOCH + Duration::from_secs(2)).as_secs(), 32);
        assert_eq!(entry.response.fields.get("Age"), None);
        assert_eq!(entry.response.fields.get("Content-Length"), Some("4"));
    }
}

#[cfg(test)]
mod step8 {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn stale_is_better_than_nothing_unless_the_response_forbids_it() {
        let serves = |control, asked| {
            let asked = Control::of(&[("Cache-Control", asked)].into());
            entry([("Cache-Control", control)], UNIX_EPOCH).may_serve_stale(&asked)
        };
        let may = |control| serves(control, "");
        assert!(may("max-age=1"));
        assert!(!serves("max-age=1", "no-cache"));
        for control in [
            "max-age=1, must-revalidate",
            "max-age=1, proxy-revalidate",
            "max-age=1, no-cache",
            "s-maxage=1",
            "max-age=0",
            "public",
        ] {
            assert!(!may(control), "{control}");
        }
    }
}
