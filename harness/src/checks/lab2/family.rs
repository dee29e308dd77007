//! The processes of the proxy under test, as Linux tells in `/proc`.

use std::time::Duration;

use crate::deadline::{Deadline, poll_until};
use crate::sys;
use crate::trial::Up;
use crate::verdict::{Fault, Verdict};

fn pids(proxy: &Up) -> Vec<i32> {
    sys::descendants(proxy.running.supervisor_pid()).unwrap_or_default()
}

/// The most memory that the largest of its processes ever had in use, in octets.
pub fn peak_memory(proxy: &Up) -> Verdict<u64> {
    let peaks = pids(proxy).into_iter().filter_map(|pid| Some(sys::facts(pid).ok()?.peak_resident));
    peaks.max().filter(|&peak| peak > 0).ok_or_else(|| {
        Fault::Skipped("the program's processes may not be looked at: they run as another user".to_owned())
    })
}

/// Waits until every thread of the program and of its supervisor sleeps and goes on sleeping: what was sent to it,
/// signals included, has had its effect. One that never sleeps is not waited for long.
pub fn wait_quiet(proxy: &Up) {
    const LOOKS: usize = 6;
    const PATIENCE: Duration = Duration::from_millis(500);
    let (mut before, mut same) = (Vec::new(), 0);
    poll_until(Deadline::within(PATIENCE), || {
        let now = sys::family_activity(proxy.running.supervisor_pid());
        let sleeps = now.iter().all(|(_, activity)| activity.asleep);
        same = if sleeps && now == before { same + 1 } else { 0 };
        before = now;
        (same == LOOKS).then_some(())
    });
}
