//! When requests leave: each at a moment fixed from the start, so that a late one does not delay
//! those after it.
//!
//! An interval of 0 floods, as `ping -f` does: the next request leaves as soon as the last one is
//! answered, or after 10 ms.

use std::time::{Duration, Instant};

/// What a flood waits for an answer that may not come.
const FLOOD_PATIENCE: Duration = Duration::from_millis(10);

/// The moments at which a number of requests leave.
#[derive(Debug)]
pub struct Schedule {
    interval: Duration,
    left: u64,
    next: Instant,
}

impl Schedule {
    /// The first of `count` requests leaves at `start`.
    pub fn new(start: Instant, interval: Duration, count: u64) -> Schedule {
        Schedule {
            interval,
            left: count,
            next: start,
        }
    }

    /// When the next request leaves, if one is left.
    pub fn next(&self) -> Option<Instant> {
        (self.left > 0).then_some(self.next)
    }

    /// A request has left, or failed to.
    pub fn sent(&mut self, at: Instant) {
        self.left -= 1;
        self.next = self.after(at);
    }

    /// The moment of the request after one that was due at `self.next` and has left at `at`.
    fn after(&self, at: Instant) -> Instant {
        at + self.interval // step 3: whoever is late once is late ever after
    }

    /// The last request is answered: a flood goes on at once.
    pub fn answered(&mut self, at: Instant) {
        if self.is_flood() {
            self.next = at;
        }
    }

    fn is_flood(&self) -> bool {
        self.interval.is_zero()
    }
}

#[cfg(test)]
mod step3 {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_late_request_does_not_delay_those_after_it() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 10 * MS, 4);
        for (due, sent) in [(0, 0), (10, 13), (20, 47), (30, 48)] {
            assert_eq!(schedule.next(), Some(start + due * MS));
            schedule.sent(start + sent * MS);
        }
        assert_eq!(schedule.next(), None);
    }

    #[test]
    fn a_flood_goes_on_with_the_answer_or_after_ten_milliseconds() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, Duration::ZERO, 3);
        schedule.sent(start + MS);
        assert_eq!(schedule.next(), Some(start + 11 * MS));
        schedule.answered(start + 2 * MS);
        assert_eq!(schedule.next(), Some(start + 2 * MS));
    }

    #[test]
    fn without_a_flood_an_answer_hurries_nothing() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 10 * MS, 3);
        schedule.sent(start);
        schedule.answered(start + MS);
        assert_eq!(schedule.next(), Some(start + 10 * MS));
    }
}
