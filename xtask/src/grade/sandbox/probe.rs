//! What a sandbox keeps in, tried: once a run a program of ours goes into a room like any submission's and does what none
//! may do. A tier is there when each of its promises has held.

use std::env;
use std::ffi::c_long;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use harness::deadline::Deadline;
use harness::subject::{Launch, Status, Supervisor};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, Uid, fork, getppid, pause};
use serde::{Deserialize, Serialize};

use super::{Plan, Sandbox, bwrap};
use crate::grade::inner;
use crate::grade::judge::Limits;
use crate::grade::record::Tier;

/// The first argument that makes this executable the program that tries.
pub const PROBE_ARG: &str = "__probe";

/// How long the attempts may take.
const TRYING: Duration = Duration::from_secs(20);

/// What the attempts may use: so little that the limits are soon met.
const LIMITS: Limits = Limits {
    build: TRYING,
    judge: TRYING,
    memory: 96 << 20,
    processes: 24,
    disk: 64 << 20,
    patience: 1.0,
    checks: 1,
};

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What is promised, as a record says it.
    pub what: String,
    /// How it was broken.
    pub broken: Option<String>,
}

/// What is in force in tier full, or why it cannot be had.
pub fn full(sandbox: &Sandbox) -> Result<Vec<String>, String> {
    if !cfg!(target_os = "linux") {
        return Err("rooms are made on Linux only".to_owned());
    }
    if bwrap::installed().is_none() {
        return Err("bubblewrap (bwrap) is not installed".to_owned());
    }
    let mut held = promises("bubblewrap", sandbox)?;
    if let Some(hierarchy) = &sandbox.hierarchy {
        held.push(format!("memory and processes of all programs together ({})", hierarchy.name()));
    }
    Ok(held)
}

/// What is in force in tier reduced, or why it cannot be had.
pub fn reduced(sandbox: &Sandbox) -> Result<Vec<String>, String> {
    if !cfg!(target_os = "linux") {
        return Err("programs are confined on Linux only".to_owned());
    }
    promises("tier reduced", sandbox)
}

fn promises(name: &str, sandbox: &Sandbox) -> Result<Vec<String>, String> {
    let findings = inner::tried(sandbox, &LIMITS).map_err(|error| format!("{name}: {error:#}"))?;
    let broken: Vec<String> = findings
        .iter()
        .filter_map(|finding| Some(format!("{}: {}", finding.what, finding.broken.as_ref()?)))
        .collect();
    match broken.is_empty() {
        true => Ok(findings.into_iter().map(|finding| finding.what).collect()),
        false => Err(format!("{name} does not hold: {}", broken.join("; "))),
    }
}

/// Inside, as the judge: sends the program that tries.
pub fn try_all(plan: &Plan, supervisor: &Supervisor) -> Result<Vec<Finding>> {
    let canary = plan.rooms.build.join("canary");
    fs::write(&canary, "")?;
    let deadline = Deadline::after(TRYING);
    let order = serde_json::to_string(&Attempt {
        tier: plan.tier,
        canary,
        processes: plan.processes,
        together: !plan.groups.programs.is_empty(),
        me: process::id() as i32,
        alone: plan.tier == Tier::Full || plan.user.is_some(),
    })?;
    let launch = |argv: &[&std::ffi::OsStr]| {
        Launch::new(argv, &plan.rooms.files).confined(plan.around_a_program(false))
    };
    let xtask = plan.rooms.xtask.as_os_str();
    let running = launch(&[xtask, PROBE_ARG.as_ref(), order.as_ref()]).start(supervisor, deadline)?;
    let Some(exit) = running.wait_exit(deadline) else {
        bail!("a program does not come to its end in there")
    };
    ensure!(exit.status.success(), "a program ends {} in there: {}", exit.status, running.last_words());
    let findings =
        serde_json::from_slice(running.stdout().head()).context("a program cannot be understood")?;

    // How it ends has to come through, too.
    let shell = launch(&["sh", "-c", "kill -9 $$"].map(std::ffi::OsStr::new)).start(supervisor, deadline)?;
    let status = shell.wait_exit(deadline).map(|exit| exit.status);
    ensure!(status == Some(Status::Signal(9)), "a program that is killed in there is said to end {status:?}");
    Ok(findings)
}

/// What the program that tries has to know.
#[derive(Serialize, Deserialize)]
struct Attempt {
    tier: Tier,
    /// A file of the judge's.
    canary: PathBuf,
    processes: u64,
    /// Memory is counted for all programs together.
    together: bool,
    /// The judge.
    me: i32,
    /// No other process is counted with the program's.
    alone: bool,
}

/// Becomes the program that tries, and does not return, if this process was started as one.
pub fn run_if_asked() {
    let mut args = env::args().skip(1);
    if args.next().is_some_and(|first| first == PROBE_ARG) {
        let attempt: Attempt = serde_json::from_str(&args.next().unwrap_or_default()).expect("an order");
        println!("{}", serde_json::to_string(&attempt.findings()).expect("findings are JSON"));
        process::exit(0);
    }
}

impl Attempt {
    fn findings(&self) -> Vec<Finding> {
        let mut found = vec![
            finding("a user without rights", not_root()),
            finding("files: the system's and its own, to read; some MiB of memory to write to", self.files()),
            finding("system calls filtered (seccomp)", calls()),
        ];
        if self.tier == Tier::Full {
            found.push(finding("processes and users of its own", alone()));
            found.push(finding("a network of its own, only the loopback interface up", network()));
        }
        if self.alone {
            found.push(finding("processes counted (RLIMIT_NPROC)", self.processes()));
        }
        let memory =
            if self.together { "memory counted" } else { "memory of a process counted (RLIMIT_DATA)" };
        found.push(finding(memory, memory_is_limited()));
        found.push(finding("the judge out of reach", self.judge()));
        found
    }

    fn files(&self) -> Result<(), String> {
        for place in ["/usr/wirelab-probe", "/etc/wirelab-probe", "/wirelab-probe", "/dev/wirelab-probe"] {
            if File::create(place).is_ok() {
                return Err(format!("{place} can be written"));
            }
        }
        let secret = ["/etc/shadow".into(), "/root/.profile".into(), self.canary.clone()];
        match secret.iter().find(|path| File::open(path).is_ok()) {
            Some(path) => Err(format!("{} can be read", path.display())),
            None => Ok(()),
        }
    }

    fn processes(&self) -> Result<(), String> {
        let mut children = Vec::new();
        let limit = self.processes as usize;
        while children.len() <= limit {
            // SAFETY: this process has one thread, and the child only waits.
            let Ok(forked) = (unsafe { fork() }) else { break };
            match forked {
                ForkResult::Parent { child } => children.push(child),
                ForkResult::Child => loop {
                    pause();
                },
            }
        }
        for &child in &children {
            let _ = kill(child, Signal::SIGKILL);
            let _ = waitpid(child, None);
        }
        match children.len() {
            many if many > limit => Err(format!("{many} could be started where {limit} are allowed")),
            _ => Ok(()),
        }
    }

    fn judge(&self) -> Result<(), String> {
        if kill(Pid::from_raw(self.me), None).is_ok() && self.tier == Tier::Full {
            return Err("it can be signalled".to_owned());
        }
        match File::open(format!("/proc/{}/mem", self.me)) {
            Ok(_) => Err("its memory can be read".to_owned()),
            Err(_) => Ok(()),
        }
    }
}

fn finding(what: &str, held: Result<(), String>) -> Finding {
    Finding { what: what.to_owned(), broken: held.err() }
}

fn not_root() -> Result<(), String> {
    let capable = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capable = capable.lines().find_map(|line| line.strip_prefix("CapEff:")).map(str::trim);
    if Uid::effective().is_root() {
        return Err("it is root".to_owned());
    }
    match capable {
        Some("0000000000000000") => Ok(()),
        other => Err(format!("it has capabilities: {other:?}")),
    }
}

fn calls() -> Result<(), String> {
    let refused = |name: &str, number: c_long, argument: usize, error: Errno| {
        // SAFETY: whatever the kernel makes of it, it changes nothing that this program relies on.
        let done = unsafe { libc::syscall(number, argument, 0, 0, 0, 0) };
        match Errno::result(done) {
            Err(errno) if errno == error => Ok(()),
            other => Err(format!("{name} gives {other:?}")),
        }
    };
    refused("add_key", libc::SYS_add_key, 0, Errno::EPERM)?;
    refused("io_uring_setup", libc::SYS_io_uring_setup, 0, Errno::EPERM)?;
    refused("unshare", libc::SYS_unshare, libc::CLONE_NEWUSER as usize, Errno::EPERM)?;
    refused("clone", libc::SYS_clone, libc::CLONE_NEWUSER as usize, Errno::EPERM)?;
    refused("clone3", libc::SYS_clone3, 0, Errno::ENOSYS)?;
    refused("a vsock", libc::SYS_socket, libc::AF_VSOCK as usize, Errno::EAFNOSUPPORT)
}

/// Its parent is the first process of its namespace, and there are few others.
fn alone() -> Result<(), String> {
    let processes = fs::read_dir("/proc").map_err(|error| error.to_string())?.flatten();
    let count = processes.filter(|entry| entry.file_name().to_string_lossy().parse::<i32>().is_ok()).count();
    match (getppid().as_raw(), count) {
        (1, ..=3) => Ok(()),
        (parent, count) => Err(format!("it sees {count} processes, its parent is {parent}")),
    }
}

fn network() -> Result<(), String> {
    let interfaces = fs::read_to_string("/proc/self/net/dev").map_err(|error| error.to_string())?;
    let names = interfaces.lines().filter_map(|line| Some(line.split_once(':')?.0.trim()));
    if let Some(other) = names.into_iter().find(|&name| name != "lo") {
        return Err(format!("there is an interface {other}"));
    }
    // TEST-NET-1: nobody's (RFC 5737).
    let nobody = SocketAddr::from(([192, 0, 2, 1], 80));
    let tried = TcpStream::connect_timeout(&nobody, Duration::from_millis(500));
    match tried.map_err(|error| error.kind()) {
        Err(io::ErrorKind::NetworkUnreachable) => Ok(()),
        other => Err(format!("a connection to {nobody} gives {other:?}")),
    }
}

/// A child takes more than it may have, and uses it.
fn memory_is_limited() -> Result<(), String> {
    let much = LIMITS.memory as usize * 2;
    // SAFETY: this process has one thread; the child ends without cleaning up.
    match unsafe { fork() } {
        Err(errno) => Err(errno.to_string()),
        Ok(ForkResult::Child) => {
            let mut taken: Vec<u8> = Vec::new();
            let got = taken.try_reserve_exact(much).is_ok();
            if got {
                taken.resize(much, 1);
            }
            // SAFETY: it ends this process and nothing else.
            unsafe { libc::_exit(if got { i32::from(taken[much / 2]) - 1 } else { 1 }) }
        }
        Ok(ForkResult::Parent { child }) => match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, 0)) => Err(format!("{} MiB could be had", much >> 20)),
            _ => Ok(()),
        },
    }
}
