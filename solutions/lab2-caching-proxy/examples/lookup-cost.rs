// SOLUTION ONLY
//! What a look-up and an insertion that evicts cost, for stores of a thousand objects to a million.
//!
//!     cargo run --release --example lookup-cost
//!
//! Keys are drawn at random in both measurements, so a large store also pays for memory that is not
//! in the processor's caches; `near` looks up the same thousand keys again and again, in stores of all
//! sizes, and shows what the algorithm alone costs. An insertion makes its key first.

use std::hint::black_box;
use std::time::{Duration, Instant};

use lab2_caching_proxy::cache::lru::Lru;

const ROUNDS: u32 = 1_000_000;

fn main() {
    println!(
        "{:>9} {:>8} {:>8} {:>8}   (ns)",
        "objects", "near", "look-up", "insert"
    );
    for objects in [1_000, 10_000, 100_000, 1_000_000] {
        let key = |number: u64| format!("http://example.test:80/{number:020}");
        let mut lru = Lru::new(objects, usize::MAX);
        for number in 0..objects {
            lru.insert(key(number), number, 1);
        }
        let keys: Vec<String> = (0..objects).map(key).collect();
        let mut look_up = |among: u64| {
            measure(|random| {
                black_box(lru.get(&keys[(random % among) as usize]));
            })
        };
        let (near, far) = (look_up(1000), look_up(objects));
        let mut next = objects;
        let insert = measure(|_| {
            lru.insert(key(next), next, 1);
            next += 1;
        });
        let nanos = |time: Duration| time.as_nanos() / u128::from(ROUNDS);
        println!(
            "{objects:>9} {:>8} {:>8} {:>8}",
            nanos(near),
            nanos(far),
            nanos(insert)
        );
    }
}

/// How long so many rounds take, each with a random number (xorshift, the same each time).
fn measure(mut round: impl FnMut(u64)) -> Duration {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let started = Instant::now();
    for _ in 0..ROUNDS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        round(random);
    }
    started.elapsed()
}
