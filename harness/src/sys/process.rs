//! Processes: their families, sizes, threads and descriptors, read from `/proc` (`proc(5)`).

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::deadline::{Deadline, poll_until};

/// What `/proc/PID/status` says. Sizes are in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `R` running, `S` sleeping, `T` stopped, `Z` ended but not reaped by its parent …
    pub state: char,
    pub parent: i32,
    pub threads: usize,
    /// Memory in use; 0 for a process that has ended.
    pub resident: u64,
    /// The most memory it ever had in use; 0 for a process that has ended.
    pub peak_resident: u64,
}

impl Facts {
    pub fn is_zombie(&self) -> bool {
        self.state == 'Z'
    }
}

pub fn facts(pid: i32) -> io::Result<Facts> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|value| value.split_ascii_whitespace().next())
    };
    let number = |name: &str| value(name).and_then(|value| value.parse::<u64>().ok());
    Ok(Facts {
        state: value("State").and_then(|value| value.chars().next()).unwrap_or('?'),
        parent: number("PPid").unwrap_or(0) as i32,
        threads: number("Threads").unwrap_or(0) as usize,
        resident: number("VmRSS").unwrap_or(0) * 1024,
        peak_resident: number("VmHWM").unwrap_or(0) * 1024,
    })
}

/// Whether a process does anything: two looks that are equal, with everything asleep, say that it did nothing
/// in between and waits for something from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// No thread runs or is ready to run.
    pub asleep: bool,
    pub threads: usize,
    /// How often its threads gave up a processor, or had to.
    switches: u64,
}

pub fn activity(pid: i32) -> io::Result<Activity> {
    let mut seen = Activity { asleep: true, threads: 0, switches: 0 };
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread that has just ended is not counted; that changes the number.
        let Ok(status) = fs::read_to_string(task?.path().join("status")) else { continue };
        seen.threads += 1;
        for line in status.lines() {
            match line.split_once(':') {
                Some(("State", state)) => seen.asleep &= !state.trim_start().starts_with(['R', 'D']),
                Some(("voluntary_ctxt_switches" | "nonvoluntary_ctxt_switches", count)) => {
                    seen.switches += count.trim().parse::<u64>().unwrap_or(0);
                }
                _ => {}
            }
        }
    }
    Ok(seen)
}

/// How many descriptors the process has open.
pub fn fd_count(pid: i32) -> io::Result<usize> {
    Ok(descriptors(pid)?.count())
}

/// The process's entries in `/proc/PID/fd`. That folder of a process which is about to end, or has ended and was not
/// reaped, is root's: nobody else is let in, which says nothing of whose process it was.
fn descriptors(pid: i32) -> io::Result<fs::ReadDir> {
    fs::read_dir(format!("/proc/{pid}/fd")).map_err(|error| {
        let ends = || facts(pid).map_or(true, |facts| facts.resident == 0);
        if error.kind() == io::ErrorKind::PermissionDenied && ends() {
            io::ErrorKind::NotFound.into()
        } else {
            error
        }
    })
}

/// The inodes of the sockets the process has open: the key into the socket tables.
pub fn socket_inodes(pid: i32) -> io::Result<BTreeSet<u64>> {
    let targets = descriptors(pid)?.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Ok(targets.filter_map(inode_of_socket).collect())
}

/// Reads `socket:[4711]`.
fn inode_of_socket(target: PathBuf) -> Option<u64> {
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// The children of a process, ended ones that it has not reaped included.
pub fn children(pid: i32) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        match fs::read_to_string(task?.path().join("children")) {
            Ok(list) => found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok())),
            // A thread that has just ended, or a kernel without CONFIG_PROC_CHILDREN.
            Err(_) => return children_by_scan(pid),
        }
    }
    Ok(found)
}

fn children_by_scan(pid: i32) -> io::Result<Vec<i32>> {
    let all = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(all.filter(|&other| facts(other).is_ok_and(|facts| facts.parent == pid)).collect())
}

/// Children, their children and so on; not the process itself. Processes that end meanwhile may be missing.
pub fn descendants(pid: i32) -> io::Result<Vec<i32>> {
    let mut found = children(pid)?;
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next]).unwrap_or_default());
        next += 1;
    }
    Ok(found)
}

/// What this process and its descendants are doing, without those that end meanwhile.
pub fn family_activity(pid: i32) -> Vec<(i32, Activity)> {
    let family = [pid].into_iter().chain(descendants(pid).unwrap_or_default());
    family.filter_map(|pid| Some((pid, activity(pid).ok()?))).collect()
}

/// The most memory, in octets, that the largest of this process's descendants ever had in use; `None` where none may be
/// looked at.
pub fn family_peak(pid: i32) -> Option<u64> {
    let family = descendants(pid).unwrap_or_default();
    let peaks = family.into_iter().filter_map(|pid| Some(facts(pid).ok()?.peak_resident));
    peaks.max().filter(|&peak| peak > 0)
}

/// The memory of this process and its descendants in octets; a page that several share counts for each in part (PSS).
pub fn family_memory(pid: i32) -> io::Result<u64> {
    let family = [pid].into_iter().chain(descendants(pid)?);
    // Who has ended meanwhile uses none.
    Ok(family.filter_map(|pid| proportional(pid).ok()).sum())
}

fn proportional(pid: i32) -> io::Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib: Option<u64> = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The processor time of this process, of the children it has reaped and of its living descendants. Its own is known
/// to a hundredth of a second or so.
pub fn family_time(pid: i32) -> io::Result<Duration> {
    // SAFETY: the call only asks.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let own = Duration::from_secs(ticks(pid)?) / u32::try_from(per_second).unwrap_or(100).max(1);
    let living = descendants(pid)?.into_iter().filter_map(|pid| time_of_threads(pid).ok());
    Ok(own + living.sum::<Duration>())
}

/// What the living threads of a process have used (`/proc/PID/task/TID/schedstat`).
fn time_of_threads(pid: i32) -> io::Result<Duration> {
    let mut time = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
        let nanoseconds = schedstat.split_ascii_whitespace().next().and_then(|field| field.parse().ok());
        time += nanoseconds.map(Duration::from_nanos).unwrap_or_default();
    }
    Ok(time)
}

/// User and system time, and those of the children that it has reaped.
fn ticks(pid: i32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, which may hold anything, ends at the last parenthesis; the times are fields 14 to 17.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().skip(11).take(4);
    Ok(fields.filter_map(|field| field.parse::<u64>().ok()).sum())
}

/// How long a program is given to fall asleep.
pub const TO_SLEEP: Duration = Duration::from_millis(500);

/// Waits until every thread of this process and of its descendants sleeps and goes on sleeping: what was sent to them,
/// signals included, has had its effect. Those that never sleep are not waited for long.
pub fn wait_quiet(pid: i32) {
    quiet_within(pid, TO_SLEEP);
}

/// The same with a patience of one's own; whether they came to sleep.
pub fn quiet_within(pid: i32, patience: Duration) -> bool {
    const LOOKS: usize = 6;
    let (mut before, mut same) = (Vec::new(), 0);
    let quiet = poll_until(Deadline::within(patience), || {
        let now = family_activity(pid);
        let sleeps = now.iter().all(|(_, activity)| activity.asleep);
        same = if sleeps && now == before { same + 1 } else { 0 };
        before = now;
        (same == LOOKS).then_some(())
    });
    quiet.is_some()
}

/// From now on the orphans among this process's descendants become its own children (`PR_SET_CHILD_SUBREAPER`).
/// Where the system has no such thing, they go to init as ever.
pub fn become_subreaper() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return Ok(nix::sys::prctl::set_child_subreaper(true)?);
    #[cfg(not(target_os = "linux"))]
    Err(io::ErrorKind::Unsupported.into())
}

/// The command's process, though not its children, is killed if the starting thread ends first
/// (`PR_SET_PDEATHSIG`).
pub fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    // SAFETY: between fork and exec the closure makes one system call; it takes no lock and no memory.
    unsafe {
        command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// The command's process enters these control groups before it does anything else (`cgroups(7)`).
pub fn join_groups(command: &mut Command, groups: &[PathBuf]) -> io::Result<()> {
    for group in groups {
        let path = group.join("cgroup.procs");
        let members = fs::File::options().write(true).open(&path).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot open {}: {error}", path.display()))
        })?;
        // SAFETY: between fork and exec the closure makes one system call; it takes no lock and no memory.
        unsafe {
            command.pre_exec(move || (&members).write_all(b"0"));
        }
    }
    Ok(())
}

/// From now on no process of the same user may trace this one or look into its memory and its descriptors.
pub fn forbid_inspection() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false)?;
    Ok(())
}

/// Whatever descriptors above stderr this process was given, its own children shall not get them.
pub fn close_inherited_on_exec() {
    #[cfg(target_os = "linux")]
    // SAFETY: the call only sets a flag on descriptors. A kernel before 5.11 refuses it, and nothing changes.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Stdio, id};

    use super::*;

    #[test]
    fn a_process_is_told_from_its_status() {
        let facts = facts(id() as i32).unwrap();
        assert!(facts.threads >= 1);
        assert!(facts.resident > 0 && facts.peak_resident >= facts.resident);
        assert!(!facts.is_zombie());
        assert!(fd_count(id() as i32).unwrap() >= 3);
    }

    #[test]
    fn what_a_family_uses_includes_its_children() {
        let me = id() as i32;
        let mut child = Command::new("sh");
        child.args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; read x"]);
        let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id() as i32;
        let deadline = crate::deadline::Deadline::after(std::time::Duration::from_secs(20));
        let worked =
            crate::deadline::poll_until(deadline, || family_time(pid).ok().filter(|time| !time.is_zero()));
        let worked = worked.expect("it has worked for more than a tick");
        assert!(family_time(me).unwrap() >= worked);
        assert!(family_memory(me).unwrap() > family_memory(pid).unwrap());
        drop(child.stdin.take());
        child.wait().unwrap();
        // Reaped, its time is still known.
        assert!(family_time(me).unwrap() >= worked);
    }

    #[test]
    fn a_process_that_waits_is_told_from_one_that_was_given_something_to_do() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = child.id() as i32;
        let deadline = crate::deadline::Deadline::after(std::time::Duration::from_secs(5));
        let quiet = || {
            let first = activity(pid).unwrap();
            (first.asleep && first == activity(pid).unwrap()).then_some(first)
        };
        let before = crate::deadline::poll_until(deadline, quiet).unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"meow").unwrap();
        let after = crate::deadline::poll_until(deadline, quiet).unwrap();
        assert_eq!(before.threads, 1);
        assert_ne!(before, after);
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn children_are_listed_and_an_unreaped_one_is_a_zombie() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id() as i32;
        assert!(children(id() as i32).unwrap().contains(&pid));
        assert!(children_by_scan(id() as i32).unwrap().contains(&pid));
        assert!(descendants(id() as i32).unwrap().contains(&pid));

        drop(child.stdin.take());
        let deadline = crate::deadline::Deadline::after(std::time::Duration::from_secs(5));
        let zombie = crate::deadline::poll_until(deadline, || facts(pid).unwrap().is_zombie().then_some(()));
        assert!(zombie.is_some());
        // Root is let in; for anybody else it has ended.
        let descriptors = fd_count(pid).map_err(|error| error.kind());
        assert!(matches!(descriptors, Ok(0) | Err(io::ErrorKind::NotFound)), "{descriptors:?}");
        child.wait().unwrap();
        assert!(!children(id() as i32).unwrap().contains(&pid));
    }
}
