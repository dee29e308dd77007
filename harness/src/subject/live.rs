//! What exists at this moment and must not outlive the run, so that Ctrl-C can end it all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::run_dir;
use super::watch::Shared;
use crate::deadline::Deadline;

static LIVE: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());
static ABORTED: AtomicBool = AtomicBool::new(false);

/// Ends every running program and its descendants and removes every [`RunDir`](super::RunDir), within a second; no
/// program can be started from then on.
pub fn abort_all() {
    ABORTED.store(true, Ordering::SeqCst);
    let live: Vec<_> =
        LIVE.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
    for program in &live {
        program.hang_up();
    }
    let deadline = Deadline::after(Duration::from_secs(1));
    for program in &live {
        program.wait(deadline, |state| state.gone);
    }
    run_dir::remove_all();
}

/// Whether [`abort_all`] has been called: what fails from then on says nothing about the program.
pub fn aborted() -> bool {
    ABORTED.load(Ordering::SeqCst)
}

pub(super) fn register(program: &Arc<Shared>) {
    let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    live.retain(|program| program.strong_count() > 0);
    live.push(Arc::downgrade(program));
}
