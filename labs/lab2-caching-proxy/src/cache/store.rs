//! The stored responses: by URI, and where `Vary` makes a difference, by what the request said.
//!
//! ```text
//! variants: URI ─▶ [selector and what it selected, …] ─▶ key     objects: key ─▶ response (an LRU)
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use super::Entry;
use super::lru::Lru;
use super::vary::Selector;
use crate::http::Fields;

/// Objects that are kept however small the cache is, so that small objects find room in a small one.
const MIN_OBJECTS: usize = 1024;
/// What the head of an object may take: there are no more objects than fit with heads of this size.
const HEAD: u64 = 1024;

/// All stored responses.
#[derive(Debug)]
pub struct Store {
    objects: Lru<Key, Arc<Entry>>,
    /// By URI: how the requests are told apart for which there is a response, the newest last.
    variants: HashMap<Arc<str>, Vec<Variant>>,
}

/// What an object is stored under: a URI, and what a request says in the fields that `Vary` names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    uri: Arc<str>,
    selected: Arc<str>,
}

#[derive(Debug)]
struct Variant {
    selector: Selector,
    selected: Arc<str>,
}

/// Responses of one URI; beyond them the oldest goes, so that no look-up takes long.
const MAX_VARIANTS: usize = 64;

impl Store {
    /// A store of at most that many octets.
    pub fn new(max_octets: u64) -> Store {
        let objects = usize::try_from(max_octets / HEAD).unwrap_or(usize::MAX);
        Store {
            objects: Lru::new(max_octets, objects.saturating_add(MIN_OBJECTS)),
            variants: HashMap::new(),
        }
    }

    /// The newest stored response that a request with these fields may get.
    pub fn find(&mut self, uri: &str, request: &Fields) -> Option<Arc<Entry>> {
        todo!("step 7: find")
    }

    /// Stores the response to a request with these fields.
    pub fn insert(&mut self, uri: &str, request: &Fields, selector: Selector, entry: Arc<Entry>) {
        todo!("step 7: insert")
    }

    /// Forgets all responses of a URI.
    pub fn invalidate(&mut self, uri: &str) {
        // step 10: invalidate
    }

    /// Takes an evicted object's variant out of the list.
    fn forget(&mut self, key: &Key) {
        // step 9: forget
    }
}

#[cfg(test)]
mod step9 {
    use super::super::Cache;
    use super::super::tests::{fresh, has};
    use super::*;

    #[test]
    fn what_is_evicted_leaves_nothing_behind() {
        let cache = Cache::new(12, 1000);
        for number in 0..100 {
            cache.insert(
                &format!("http://h:80/{number}"),
                &Fields::default(),
                fresh(),
            );
        }
        let store = cache.store();
        assert_eq!((store.objects.len(), store.objects.weight()), (3, 12));
        assert_eq!(store.variants.len(), 3);
    }

    #[test]
    fn a_use_keeps_and_an_update_takes_no_second_place() {
        let cache = Cache::new(12, 1000);
        for uri in ["a", "b", "a", "c"] {
            cache.insert(uri, &Fields::default(), fresh());
        }
        assert!(has(&cache, "b"));
        cache.insert("d", &Fields::default(), fresh());
        assert_eq!(
            ["a", "b", "c", "d"].map(|uri| has(&cache, uri)),
            [false, true, true, true]
        );
    }
}

#[cfg(test)]
mod step10 {
    use std::time::UNIX_EPOCH;

    use super::super::entry::entry;
    use super::super::tests::{URI, fresh, has};
    use super::super::{Answer, Cache};
    use super::*;
    use crate::http::Request;

    #[test]
    fn each_variant_answers_its_own_requests() {
        let cache = Cache::new(1000, 1000);
        let answer = |language| {
            let asked = Request::with("GET", [("Accept-Language", language)]);
            match cache.answer(&asked, false, URI, UNIX_EPOCH) {
                Answer::Fresh(entry) => entry.response.fields.get("L").map(str::to_owned),
                _ => None,
            }
        };
        for language in ["en", "fr"] {
            let fields = [
                ("Vary", "accept-language"),
                ("L", language),
                ("Cache-Control", "max-age=60"),
            ];
            cache.insert(
                URI,
                &[("Accept-Language", language)].into(),
                entry(fields, UNIX_EPOCH),
            );
        }
        assert_eq!(
            ["en", "fr", "de"].map(answer),
            [Some("en".into()), Some("fr".into()), None]
        );
        cache.invalidate(URI);
        assert_eq!(["en", "fr"].map(answer), [None, None]);
        assert!(cache.store().objects.is_empty());
    }

    #[test]
    fn variants_of_one_uri_are_not_endless() {
        let cache = Cache::new(1_000_000, 1000);
        for number in 0..1000 {
            let stored = entry([("Vary", "A"), ("Cache-Control", "max-age=60")], UNIX_EPOCH);
            cache.insert(URI, &[("A", &*number.to_string())].into(), stored);
        }
        assert_eq!(cache.store().objects.len(), MAX_VARIANTS);
    }

    #[test]
    fn an_invalidated_uri_is_gone_and_others_stay() {
        let cache = Cache::new(1000, 1000);
        for uri in ["a", "b"] {
            cache.insert(uri, &Fields::default(), fresh());
        }
        cache.invalidate("a");
        assert!(!has(&cache, "a"));
        assert!(has(&cache, "b"));
    }
}
