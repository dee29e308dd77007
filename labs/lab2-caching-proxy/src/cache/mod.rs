//! The cache (RFC 9111): what may be stored, what may be used again, and what must be asked about.
//!
//! | module       | its job                                           | RFC 9111  |
//! |--------------|---------------------------------------------------|-----------|
//! | `control`    | `Cache-Control`                                   | §5.2      |
//! | `freshness`  | lifetime and age                                  | §4.2      |
//! | `storing`    | may it be stored?                                 | §3        |
//! | `entry`      | a stored response                                 | §4        |
//! | `validation` | conditional requests, and 304 in both directions  | §4.3      |
//! | `vary`       | several responses of one resource                 | §4.1      |
//! | `range`      | parts of what is stored                           |           |
//! | `store`      | responses by URI and variant                      |           |
//! | `lru`        | what it forgets: what is not used                 |           |
//!
//! None of them has a socket, and time is passed in. [`Cache`] puts a lock around the store; nobody
//! waits for anything while holding it.

pub mod control;
pub mod entry;
pub mod freshness;
pub mod lru;
pub mod range;
mod store;
pub mod storing;
pub mod validation;
pub mod vary;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use control::Control;
use store::Store;
use vary::Selector;

pub use entry::{Entry, Times};

use crate::http::{Fields, Request};

/// What the cache has to say to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This, without asking.
    Fresh(Arc<Entry>),
    /// This, if the origin says that it is still right, or perhaps if it says nothing.
    Stale(Arc<Entry>),
    /// Nothing, and the origin may be asked, because of that.
    Forward(Why),
    /// Nothing, and the client does not want anybody asked.
    Nothing,
}

/// Why a request goes on to the origin (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nothing stored fits.
    Miss,
    /// What is stored is too old.
    Stale,
    /// Its method has nothing to do with what is stored.
    Method,
    /// It is not for a cache.
    Bypass,
}

impl Why {
    /// As `Cache-Status` has it.
    pub fn word(self) -> &'static str {
        match self {
            Why::Miss => "fwd=miss",
            Why::Stale => "fwd=stale",
            Why::Method => "fwd=method",
            Why::Bypass => "fwd=bypass",
        }
    }
}

/// The cache, shared by all connections.
#[derive(Debug)]
pub struct Cache {
    store: Mutex<Store>,
    /// Octets of the longest body that is stored.
    pub max_object: u64,
}

impl Cache {
    /// A cache of at most that many octets, in objects of at most that many.
    pub fn new(max_octets: u64, max_object: u64) -> Cache {
        Cache {
            store: Mutex::new(Store::new(max_octets)),
            max_object,
        }
    }

    /// What to do about a request.
    pub fn answer(&self, request: &Request, has_body: bool, uri: &str, now: SystemTime) -> Answer {
        Answer::Forward(Why::Bypass) // step 7: answer
    }

    /// Stores what a request was answered with.
    pub fn insert(&self, uri: &str, request: &Fields, entry: Entry) {
        if let Some(selector) = Selector::new(&entry.response.fields) {
            self.store().insert(uri, request, selector, Arc::new(entry));
        }
    }

    /// Puts a freshened response in the place of the stored one it was made of, unless that has gone
    /// meanwhile: it may have been invalidated.
    pub fn replace(&self, uri: &str, request: &Fields, stored: &Arc<Entry>, fresh: Entry) {
        todo!("step 8: replace")
    }

    /// Forgets all responses of a URI (RFC 9111 §4.4).
    pub fn invalidate(&self, uri: &str) {
        self.store().invalidate(uri);
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::entry::entry;
    use super::*;

    pub const URI: &str = "http://h:80/";

    pub fn fresh() -> Entry {
        entry(
            [("Cache-Control", "max-age=60"), ("ETag", "\"a\"")],
            UNIX_EPOCH,
        )
    }

    /// What a cache says that holds this for a plain GET.
    pub fn answer<const N: usize>(
        stored: Entry,
        method: &str,
        fields: [(&str, &str); N],
    ) -> Answer {
        let cache = Cache::new(1000, 1000);
        cache.insert(URI, &Fields::default(), stored);
        cache.answer(&Request::with(method, fields), false, URI, UNIX_EPOCH)
    }

    pub fn has(cache: &Cache, uri: &str) -> bool {
        let answer = cache.answer(&Request::with("GET", []), false, uri, UNIX_EPOCH);
        matches!(answer, Answer::Fresh(_))
    }
}

#[cfg(test)]
mod step7 {
    use std::time::UNIX_EPOCH;

    use super::entry::entry;
    use super::tests::{URI, answer, fresh};
    use super::*;

    #[test]
    fn what_is_stored_and_fresh_answers_get_and_head() {
        for method in ["GET", "HEAD"] {
            assert!(matches!(answer(fresh(), method, []), Answer::Fresh(_)));
        }
        for method in ["POST", "DELETE", "OPTIONS", "X"] {
            assert_eq!(answer(fresh(), method, []), Answer::Forward(Why::Method));
        }
    }

    #[test]
    fn another_uri_is_a_miss() {
        let cache = Cache::new(1000, 1000);
        cache.insert(URI, &Fields::default(), fresh());
        let asked = |uri| cache.answer(&Request::with("GET", []), false, uri, UNIX_EPOCH);
        assert_eq!(asked("http://h:80/?"), Answer::Forward(Why::Miss));
        assert_eq!(asked("http://h:81/"), Answer::Forward(Why::Miss));
    }

    #[test]
    fn some_requests_go_past_the_cache() {
        for (name, value) in [
            ("Cache-Control", "no-store"),
            ("If-Match", "\"a\""),
            ("If-Unmodified-Since", "x"),
        ] {
            let answer = answer(fresh(), "GET", [(name, value)]);
            assert_eq!(answer, Answer::Forward(Why::Bypass));
        }
    }

    #[test]
    fn only_if_cached_asks_nobody() {
        let only = [("Cache-Control", "only-if-cached")];
        assert!(matches!(answer(fresh(), "GET", only), Answer::Fresh(_)));
        let stale = entry([("ETag", "\"a\"")], UNIX_EPOCH);
        assert_eq!(answer(stale, "GET", only), Answer::Nothing);
        let empty = Cache::new(1000, 1000);
        assert_eq!(
            empty.answer(&Request::with("GET", only), false, URI, UNIX_EPOCH),
            Answer::Nothing
        );
    }
}

#[cfg(test)]
mod step8 {
    use std::time::UNIX_EPOCH;

    use super::entry::entry;
    use super::tests::{URI, answer, fresh, has};
    use super::*;

    #[test]
    fn what_is_stale_is_asked_about() {
        let stale = entry(
            [("Cache-Control", "max-age=0"), ("ETag", "\"a\"")],
            UNIX_EPOCH,
        );
        assert!(matches!(answer(stale, "GET", []), Answer::Stale(_)));
        let sure = [("Cache-Control", "no-cache")];
        assert!(matches!(answer(fresh(), "GET", sure), Answer::Stale(_)));
    }

    #[test]
    fn a_freshened_response_replaces_what_it_was_made_of_and_nothing_else() {
        let cache = Cache::new(1000, 1000);
        let none = Fields::default();
        let old = entry([("ETag", "\"a\"")], UNIX_EPOCH);
        cache.insert(URI, &none, old);
        let stored = cache.store().find(URI, &none).unwrap();
        cache.replace(URI, &none, &stored, fresh());
        assert!(has(&cache, URI));
        cache.insert(URI, &none, entry([("ETag", "\"b\"")], UNIX_EPOCH));
        cache.replace(URI, &none, &stored, fresh());
        assert!(!has(&cache, URI));
    }
}
