//! One line that tells on a terminal how far the run is; nothing where nobody watches.

use std::io::{Write, stderr};
use std::sync::{Mutex, PoisonError};

use super::human::cut;

/// The columns it may take; the last stays free, since some terminals wrap there.
const WIDTH: usize = 79;

/// Writes to stderr and starts each time at the line's beginning.
pub struct Progress {
    live: bool,
    /// The columns that are taken on the terminal.
    shown: Mutex<usize>,
}

impl Progress {
    pub fn new(is_terminal: bool) -> Self {
        Progress { live: is_terminal, shown: Mutex::new(0) }
    }

    /// ` 31/74  web.files.binary`.
    pub fn update(&self, done: usize, total: usize, id: &str) {
        let digits = total.to_string().len();
        self.say(&format!(" {done:>digits$}/{total}  {id}"));
    }

    /// Shows these words until the next.
    pub fn say(&self, words: &str) {
        if self.live {
            self.write(&cut(words, WIDTH, '~'));
        }
    }

    /// Leaves no trace of it.
    pub fn clear(&self) {
        if self.live {
            self.write("");
        }
    }

    fn write(&self, line: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown == 0 && line.is_empty() {
            return;
        }
        let blank = " ".repeat(*shown);
        *shown = line.chars().count();
        let mut stderr = stderr().lock();
        // A lost line of progress is no loss.
        let _ = write!(stderr, "\r{blank}\r{line}").and_then(|()| stderr.flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
