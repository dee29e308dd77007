//! One moment by which something must have happened.
//!
//! A check has one deadline; everything it waits for takes its time-out from it. What the system announces is waited
//! for as an event (a socket's time-out, a condition variable). [`poll_until`] is for those states of the kernel that
//! announce nothing, such as LISTEN or an empty receive queue, and is the only place in the harness that sleeps.

use std::thread;
use std::time::{Duration, Instant};

/// At most this many times longer than on an idle machine.
const MOST_LOAD: f64 = 4.0;

const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    /// What takes at most `span` on an idle machine is over by then: [`load`] times as long from now.
    pub fn within(span: Duration) -> Self {
        Self::after(span.mul_f64(load()))
    }

    /// Zero once it has passed: a socket's time-out must then not be set, since zero would mean "for ever".
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub fn passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// This deadline, or `span` from now where that comes first.
    pub fn earlier(self, span: Duration) -> Self {
        self.min(Self::after(span))
    }

    pub fn later(self, span: Duration) -> Self {
        Self(self.0 + span)
    }
}

/// How many times longer than on an idle machine a program may take, because others want the processors too: tasks that
/// could run for each processor, 1 at least. An upper limit is multiplied by it; a lower one never is.
pub fn load() -> f64 {
    wanted(1.0)
}

/// The same where it makes a program wait longer: of the tasks that could run at this very moment, the most are the
/// other checks' programs, which have just been started and are soon at rest.
pub fn steady_load() -> f64 {
    wanted(0.25)
}

/// Tasks for each processor: the last minute's mean, or the share `now` of those at this moment if that is more.
fn wanted(now: f64) -> f64 {
    let processors = thread::available_parallelism().map_or(1, usize::from) as f64;
    let tasks = std::fs::read_to_string("/proc/loadavg").ok().and_then(|line| tasks(&line));
    let (mean, moment) = tasks.unwrap_or_default();
    (mean.max(now * moment) / processors).clamp(1.0, MOST_LOAD)
}

/// From `/proc/loadavg`, the last minute's mean and the number at this moment: `2.51 1.90 1.02 5/312 4711`.
fn tasks(line: &str) -> Option<(f64, f64)> {
    let mut words = line.split(' ');
    let mean = words.next()?.parse().ok()?;
    let moment = words.nth(2)?.split('/').next()?.parse().ok()?;
    Some((mean, moment))
}

/// Asks until there is an answer, at growing intervals of at most 2 ms; asks at least once, and once more when the
/// deadline has passed.
pub fn poll_until<T>(deadline: Deadline, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let mut pause = FIRST_PAUSE;
    loop {
        let last = deadline.passed();
        let answer = ask();
        if answer.is_some() || last {
            return answer;
        }
        thread::sleep(pause.min(deadline.remaining()));
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_read_from_the_kernel_s_line() {
        assert_eq!(tasks("2.51 1.90 1.02 5/312 4711"), Some((2.51, 5.0)));
        assert_eq!(tasks(""), None);
        assert!((1.0..=MOST_LOAD).contains(&load()));
        assert!((1.0..=MOST_LOAD).contains(&steady_load()));
    }

    #[test]
    fn the_earlier_of_two_deadlines_wins() {
        let deadline = Deadline::after(Duration::from_secs(60));
        assert!(deadline.earlier(Duration::from_secs(1)) < deadline);
        assert_eq!(deadline.earlier(Duration::from_secs(100)), deadline);
    }

    #[test]
    fn a_deadline_that_has_passed_has_nothing_remaining() {
        let deadline = Deadline::after(Duration::ZERO);
        assert!(deadline.passed());
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }

    #[test]
    fn polling_asks_once_even_after_the_deadline() {
        assert_eq!(poll_until(Deadline::after(Duration::ZERO), || Some(7)), Some(7));
    }

    #[test]
    fn polling_ends_at_the_deadline() {
        let started = Instant::now();
        let mut asked = 0;
        let answer: Option<()> = poll_until(Deadline::after(Duration::from_millis(20)), || {
            asked += 1;
            None
        });
        assert_eq!(answer, None);
        assert!(started.elapsed() >= Duration::from_millis(20));
        assert!(asked > 5, "asked {asked} times");
    }
}
