//! The processes of the proxy under test, as Linux tells in `/proc`.

use crate::sys;
use crate::trial::Up;
use crate::verdict::{Fault, Verdict};

/// The most memory that the largest of its processes ever had in use, in octets.
pub fn peak_memory(proxy: &Up) -> Verdict<u64> {
    sys::family_peak(proxy.running.reaper_pid()).ok_or_else(|| {
        Fault::Skipped("the program's processes may not be looked at: they run as another user".to_owned())
    })
}

/// Waits until what was sent to the proxy has had its effect.
pub fn wait_quiet(proxy: &Up) {
    sys::wait_quiet(proxy.running.supervisor_pid());
}
