//! What everything that plays in one check shares: the record and the deadline.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::journal::Journal;

/// A check's journal and its one deadline; clones share both.
#[derive(Clone, Debug)]
pub struct Scene {
    pub journal: Arc<Journal>,
    clock: Arc<Clock>,
}

#[derive(Debug)]
struct Clock {
    deadline: Mutex<Deadline>,
    patience: Duration,
}

impl Scene {
    /// A scene whose deadline is `patience` from now.
    pub fn new(patience: Duration) -> Self {
        let clock = Clock { deadline: Mutex::new(Deadline::after(patience)), patience };
        Scene { journal: Arc::new(Journal::default()), clock: Arc::new(clock) }
    }

    pub fn deadline(&self) -> Deadline {
        *self.clock.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the deadline anew: what a program takes to start is not the check's time.
    pub fn restart_clock(&self) {
        *self.clock.deadline.lock().unwrap_or_else(PoisonError::into_inner) =
            Deadline::after(self.clock.patience);
    }

    /// Puts the deadline off: the program was allowed to let that time pass.
    pub fn put_off(&self, span: Duration) {
        let mut deadline = self.clock.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        *deadline = deadline.later(span);
    }

    /// How long a check may wait in all.
    pub fn patience(&self) -> Duration {
        self.clock.patience
    }

    /// How long the program may be silent where it is its turn: who has said nothing for so long will not.
    pub fn silence(&self) -> Duration {
        self.clock.patience.mul_f64(0.6)
    }
}
