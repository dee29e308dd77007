//! A store of bounded size that forgets what has not been used for the longest time.
//!
//! ```text
//! places: key ─▶ index          slots: one arena, linked by indices instead of pointers
//!
//!   newest ─▶ ┌───┐ older ─▶ ┌───┐ older ─▶ ┌───┐ ◀─ oldest
//!             │ 4 │          │ 0 │          │ 2 │            unused: [1, 3]
//!             └───┘ ◀─ newer └───┘ ◀─ newer └───┘
//! ```
//!
//! The map finds an object, the list knows its rank, and an index leads from one to the other: to
//! look up, to insert and to evict takes the same time for ten objects and for a million.

use std::collections::HashMap;
use std::hash::Hash;

/// The index of no slot.
const NONE: usize = usize::MAX;

/// Objects by key, each with a weight.
#[derive(Debug)]
pub struct Lru<K, V> {
    places: HashMap<K, usize>,
    slots: Vec<Slot<K, V>>,
    unused: Vec<usize>,
    newest: usize,
    oldest: usize,
    weight: u64,
    max_weight: u64,
    max_objects: usize,
}

#[derive(Debug)]
struct Slot<K, V> {
    newer: usize,
    older: usize,
    /// `None` in an unused slot.
    object: Option<Object<K, V>>,
}

#[derive(Debug)]
struct Object<K, V> {
    key: K,
    value: V,
    weight: u64,
}

impl<K: Hash + Eq + Clone, V> Lru<K, V> {
    /// A store that holds at most that weight, and at most so many objects.
    pub fn new(max_weight: u64, max_objects: usize) -> Lru<K, V> {
        Lru {
            places: HashMap::new(),
            slots: Vec::new(),
            unused: Vec::new(),
            newest: NONE,
            oldest: NONE,
            weight: 0,
            max_weight,
            max_objects,
        }
    }

    /// The value of that key, which counts as a use.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        let &at = self.places.get(key)?;
        self.use_now(at);
        Some(&self.slots[at].object.as_ref()?.value)
    }

    /// Stores a value in place of what its key had; what weighs too much is not stored. Returns the
    /// keys of what had to go.
    pub fn insert(&mut self, key: K, value: V, weight: u64) -> Vec<K> {
        self.remove(&key);
        if weight > self.max_weight || self.max_objects == 0 {
            return vec![key];
        }
        let evicted = self.make_room(weight);
        let at = self.unused.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                newer: NONE,
                older: NONE,
                object: None,
            });
            self.slots.len() - 1
        });
        self.places.insert(key.clone(), at);
        self.slots[at].object = Some(Object { key, value, weight });
        self.weight += weight;
        self.link_newest(at);
        evicted
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.places.remove(key)?;
        self.unlink(at);
        self.unused.push(at);
        let object = self.slots[at].object.take()?;
        self.weight -= object.weight;
        Some(object.value)
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What all objects weigh together.
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// Makes an object the newest.
    fn use_now(&mut self, at: usize) {
        // step 9: use now
    }

    /// Evicts the oldest objects until another of that weight fits in.
    fn make_room(&mut self, weight: u64) -> Vec<K> {
        Vec::new() // step 9: make room
    }

    /// Puts a slot that is not in the list at its new end.
    fn link_newest(&mut self, at: usize) {
        // step 9: link newest
    }

    /// Takes a slot out of the list.
    fn unlink(&mut self, at: usize) {
        // step 9: unlink
    }
}

#[cfg(test)]
mod step9 {
    use proptest::prelude::*;

    use super::*;

    fn keys(lru: &mut Lru<char, u32>, of: &str) -> String {
        let has = |key: &char| lru.places.contains_key(key);
        of.chars().filter(has).collect()
    }

    fn filled(with: &str, max: u64) -> Lru<char, u32> {
        let mut lru = Lru::new(max, usize::MAX);
        for key in with.chars() {
            match lru.get(&key) {
                Some(_) => {}
                None => drop(lru.insert(key, 0, 1)),
            }
        }
        lru
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        assert_eq!(keys(&mut filled("abcad", 3), "abcd"), "acd");
        assert_eq!(keys(&mut filled("abcd", 3), "abcd"), "bcd");
    }

    #[test]
    fn how_often_something_was_used_does_not_count() {
        assert_eq!(keys(&mut filled("aaabcd", 3), "abcd"), "bcd");
    }

    #[test]
    fn one_place_is_enough() {
        assert_eq!(keys(&mut filled("abba", 1), "ab"), "a");
        assert_eq!(filled("abba", 1).len(), 1);
    }

    #[test]
    fn a_key_inserted_again_takes_one_place() {
        let mut lru = filled("abc", 3);
        lru.insert('a', 1, 1);
        assert_eq!((lru.len(), lru.weight()), (3, 3));
        assert_eq!(lru.get(&'a'), Some(&1));
        lru.insert('d', 1, 1);
        assert_eq!(keys(&mut lru, "abcd"), "acd");
    }

    #[test]
    fn what_is_too_heavy_pushes_nothing_out() {
        let mut lru = filled("abc", 3);
        assert_eq!(lru.insert('d', 0, 4), ['d']);
        assert_eq!(keys(&mut lru, "abcd"), "abc");
        assert_eq!(lru.insert('d', 0, 3), ['a', 'b', 'c']);
    }

    #[test]
    fn places_are_used_again() {
        let lru = filled(&"abcdefgh".repeat(100), 3);
        assert_eq!(lru.slots.len(), 3);
    }

    /// The same store, slow and plain: the newest object stands last.
    #[derive(Default)]
    struct Model(Vec<(u8, u32, u64)>);

    impl Model {
        fn get(&mut self, key: u8) -> Option<u32> {
            let at = self.0.iter().position(|object| object.0 == key)?;
            let object = self.0.remove(at);
            self.0.push(object);
            Some(object.1)
        }

        fn remove(&mut self, key: u8) -> Option<u32> {
            let at = self.0.iter().position(|object| object.0 == key)?;
            Some(self.0.remove(at).1)
        }

        fn weight(&self) -> u64 {
            self.0.iter().map(|object| object.2).sum()
        }

        fn insert(&mut self, key: u8, value: u32, weight: u64, max: (u64, usize)) {
            self.remove(key);
            if weight <= max.0 && max.1 > 0 {
                self.0.push((key, value, weight));
                while self.weight() > max.0 || self.0.len() > max.1 {
                    self.0.remove(0);
                }
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Operation {
        Get(u8),
        Insert(u8, u32, u64),
        Remove(u8),
    }

    fn operation() -> impl Strategy<Value = Operation> {
        let key = 0..12_u8;
        prop_oneof![
            3 => key.clone().prop_map(Operation::Get),
            3 => (key.clone(), any::<u32>(), 0..9_u64)
                .prop_map(|(key, value, weight)| Operation::Insert(key, value, weight)),
            1 => key.prop_map(Operation::Remove),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn it_does_what_a_plain_list_does(
            operations in prop::collection::vec(operation(), 0..200),
            max in (0..24_u64, 0..8_usize),
        ) {
            let (mut lru, mut model) = (Lru::new(max.0, max.1), Model::default());
            for operation in operations {
                match operation {
                    Operation::Get(key) => {
                        prop_assert_eq!(lru.get(&key).copied(), model.get(key));
                    }
                    Operation::Insert(key, value, weight) => {
                        lru.insert(key, value, weight);
                        model.insert(key, value, weight, max);
                    }
                    Operation::Remove(key) => {
                        prop_assert_eq!(lru.remove(&key), model.remove(key));
                    }
                }
                prop_assert_eq!(lru.len(), model.0.len());
                prop_assert_eq!(lru.weight(), model.weight());
            }
            let mut rank = Vec::new();
            let mut at = lru.oldest;
            while at != NONE {
                rank.extend(lru.slots[at].object.as_ref().map(|object| object.key));
                at = lru.slots[at].newer;
            }
            prop_assert_eq!(rank, model.0.iter().map(|object| object.0).collect::<Vec<_>>());
        }
    }
}
