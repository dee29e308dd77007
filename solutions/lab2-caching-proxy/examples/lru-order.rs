// SOLUTION ONLY
//! In which order a store forgets its objects: at first, after one of them was used, and when another comes.
//!
//!     cargo run --example lru-order
//!
//! A line is what happened and the keys, the oldest first; behind a bar stands what had to go.

use lab2_caching_proxy::cache::lru::Lru;

const PLACES: usize = 4;

fn main() {
    println!("a, b, c and d have come: {}", order(filled()));

    let mut used = filled();
    used.get(&'b');
    println!("b is used: {}", order(used));

    let mut fuller = filled();
    fuller.get(&'b');
    let gone = listed(fuller.insert('e', (), 1));
    println!("e comes: {} | {gone}", order(fuller));
}

fn filled() -> Lru<char, ()> {
    let mut store = Lru::new(PLACES as u64, PLACES);
    for key in ['a', 'b', 'c', 'd'] {
        store.insert(key, (), 1);
    }
    store
}

/// What has to go, one after the other, when something comes that takes all the room.
fn order(mut store: Lru<char, ()>) -> String {
    listed(store.insert('z', (), PLACES as u64))
}

fn listed(keys: Vec<char>) -> String {
    keys.iter()
        .map(char::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}
