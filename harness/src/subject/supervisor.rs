//! The process between the harness and a program under test, which leaves nothing behind.
//!
//! It is the harness's own executable, run again with [`SUPERVISE_ARG`] and the program's words as arguments. It
//! leads a process group of its own and starts the program in another one; on Linux it is a child subreaper, so that
//! descendants which fork twice or call `setsid` come back to it. Its stdin is a socket to the harness:
//!
//! | from the harness | to the harness |
//! |---|---|
//! | | `started PID REAPER` or `refused ERRNO`, once; or `unconfined` and why |
//! | `signal N`: to the program alone, not its children | `exited KIND NUMBER LEFT`: the program ended, LEFT children live |
//! | end of file: kill all and end | `gone LEFT KIB MICROSECONDS`: killed LEFT children; memory, processor time |
//!
//! The end of the harness, however it comes, closes that socket too. Elsewhere than on Linux only the program's
//! process group is killed.
//!
//! A program that is to be confined ([`Confinement`]) is not started here but behind a [`gate`](super::gate), which
//! tells its number and its end. REAPER is then the first process in there, and this one otherwise: whose descendants
//! are the program's processes, and no others.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::time::TimeValLike;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdout};

use super::gate::{Gate, News};
use super::running::{Confinement, Status};
use crate::deadline::Deadline;
use crate::sys;

/// The first argument that makes an executable of ours the supervisor.
pub const SUPERVISE_ARG: &str = "__supervise";

/// How long the supervisor goes on killing. Only a program that forks faster than it can be killed comes near.
const KILLING: Duration = Duration::from_millis(900);

/// The executable to run as the supervisor; its `main` calls [`run_if_asked`] first.
#[derive(Clone, Debug)]
pub struct Supervisor {
    pub exe: PathBuf,
}

impl Supervisor {
    /// The current executable; on Linux even if a rebuild has replaced its file.
    pub fn current() -> io::Result<Self> {
        let exe = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { env::current_exe()? };
        Ok(Self { exe })
    }
}

/// Becomes the supervisor, and does not return, if this process was started as one.
pub fn run_if_asked() {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|first| first == SUPERVISE_ARG) {
        match supervise(args.collect()) {
            Ok(()) => process::exit(0),
            Err(error) => {
                eprintln!("the supervisor failed: {error}");
                process::exit(1)
            }
        }
    }
}

/// The words after [`SUPERVISE_ARG`] that have this program started.
pub(super) fn words(argv: &[OsString], confinement: Option<&Confinement>) -> Vec<OsString> {
    let mut words = Vec::new();
    if let Some(Confinement { argv, groups }) = confinement {
        words.push(CONFINED.into());
        words.extend(groups.iter().map(|group| group.as_os_str().to_owned()));
        words.push(END.into());
        words.extend_from_slice(argv);
    } else {
        words.push(END.into());
    }
    words.extend_from_slice(argv);
    words
}

/// The control groups of a confined program stand between these two words.
const CONFINED: &str = "--confined";
const END: &str = "--";

fn supervise(words: Vec<OsString>) -> io::Result<()> {
    let end = words.iter().position(|word| word == END).ok_or(io::ErrorKind::InvalidInput)?;
    let (before, argv) = (&words[..end], &words[end + 1..]);
    let [program, args @ ..] = argv else { return Err(io::ErrorKind::InvalidInput.into()) };
    sys::close_inherited_on_exec();
    let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let _ = sys::become_subreaper();

    // The program inherits the mask.
    SigSet::empty().thread_set_mask()?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).process_group(0);
    sys::die_with_parent(&mut command);
    let mut gate = match before {
        [] => None,
        [_, groups @ ..] => {
            let groups: Vec<PathBuf> = groups.iter().map(PathBuf::from).collect();
            sys::join_groups(&mut command, &groups)?;
            Some(Gate::before(&mut command)?)
        }
    };
    let spawned = command.spawn();
    drop(command);
    // No signal but SIGKILL shall end this process before its charges.
    SigSet::all().thread_set_mask()?;
    // The program's pipes end when the program's side ends, not when this process does.
    let null = File::options().write(true).open("/dev/null")?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    let me = process::id() as i32;
    let (program, reaper) = match (spawned, &mut gate) {
        (Ok(child), None) => (child.id() as i32, me),
        (Err(error), None) => {
            return writeln!(&control, "refused {}", error.raw_os_error().unwrap_or(0));
        }
        (Err(error), Some(_)) => return writeln!(&control, "unconfined {error}"),
        (Ok(child), Some(gate)) => match gate.opened() {
            News::Started { program, reaper: Some(reaper) } => (program, reaper),
            News::Started { program, reaper: None } => (program, me),
            News::Refused(errno) => return writeln!(&control, "refused {errno}"),
            other => {
                // It may still be under way, or hang.
                let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
                return writeln!(&control, "unconfined {}", other.to_string().replace('\n', "; "));
            }
        },
    };
    let gate = gate.filter(|_| reaper != me);
    let charge = Charge { program: Pid::from_raw(program), reaper, running: true, control, gate };
    charge.report(format_args!("started {program} {reaper}"));
    charge.watch(&ring_at_every_child()?);
    Ok(())
}

/// A stream that becomes readable whenever a child has ended.
fn ring_at_every_child() -> io::Result<UnixStream> {
    let (bell, mut hammer) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    hammer.set_nonblocking(true)?;
    thread::spawn(move || {
        let child_ended = SigSet::from(Signal::SIGCHLD);
        while child_ended.wait().is_ok() {
            // A full socket rings as well.
            let _ = hammer.write(&[0]);
        }
    });
    Ok(bell)
}

struct Charge {
    program: Pid,
    /// Whose descendants the program's processes are.
    reaper: i32,
    /// Not reaped yet: its number still means this process.
    running: bool,
    control: UnixStream,
    /// Where its end is told if somebody else reaps it.
    gate: Option<Gate>,
}

impl Charge {
    fn watch(mut self, bell: &UnixStream) {
        let mut words = String::new();
        // Whoever ended before the bell was there.
        self.reap();
        loop {
            let told = self.gate.as_ref().map_or(bell.as_fd(), Gate::as_fd);
            let mut fds =
                [self.control.as_fd(), bell.as_fd(), told].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            if poll(&mut fds, PollTimeout::NONE).is_err_and(|errno| errno != Errno::EINTR) {
                break;
            }
            let [spoken, rung, told] = fds.map(|fd| fd.any().unwrap_or(true));
            if rung {
                quiet(bell);
                self.reap();
            }
            if told {
                self.listen();
            }
            if spoken {
                let mut buffer = [0; 256];
                match (&self.control).read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => words.push_str(&String::from_utf8_lossy(&buffer[..count])),
                }
                while let Some(end) = words.find('\n') {
                    self.obey(&words[..end]);
                    words.drain(..=end);
                }
            }
        }
        self.finish(bell);
    }

    fn obey(&self, order: &str) {
        let signal = order.strip_prefix("signal ").and_then(|number| number.parse::<i32>().ok());
        if let Some(Ok(signal)) = signal.map(Signal::try_from)
            && self.running
        {
            // It may have ended just now; then its exit is reported next.
            let _ = kill(self.program, signal);
        }
    }

    /// Hears at the gate that the program has ended; a gate with nobody behind it has no more to tell.
    fn listen(&mut self) {
        match self.gate.as_mut().map(Gate::next) {
            Some(News::Exited(status)) => {
                self.ended(status);
            }
            // What confined it is gone, and took the program along.
            Some(News::Closed(_)) => {
                self.gate = None;
                self.ended(Status::Signal(Signal::SIGKILL as i32));
            }
            _ => {}
        }
    }

    fn ended(&mut self, status: Status) {
        if !std::mem::replace(&mut self.running, false) {
            return;
        }
        let (kind, number) = match status {
            Status::Code(code) => ("code", code),
            Status::Signal(signal) => ("signal", signal),
        };
        self.report(format_args!("exited {kind} {number} {}", self.left().len()));
    }

    /// Reaps whoever has ended; false when no child is left, and so no descendant either.
    fn reap(&mut self) -> bool {
        loop {
            let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, Status::Code(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, Status::Signal(signal as i32)),
                Ok(WaitStatus::StillAlive) => return true,
                Err(Errno::ECHILD) => return false,
                // Interrupted, or killed by a signal that has no name.
                Ok(_) | Err(_) => continue,
            };
            if pid == self.program {
                self.ended(status);
            }
        }
    }

    /// The descendants that live on without the program.
    fn left(&self) -> Vec<i32> {
        let mut pids = sys::descendants(self.reaper).unwrap_or_default();
        pids.retain(|&pid| {
            (!self.running || pid != self.program.as_raw())
                && sys::facts(pid).is_ok_and(|facts| !facts.is_zombie())
        });
        pids
    }

    /// Kills in rounds, since a process may fork while the others are looked for, until none is left to wait for.
    fn finish(&mut self, bell: &UnixStream) {
        let deadline = Deadline::after(KILLING);
        let left = self.left().len();
        loop {
            let _ = killpg(self.program, Signal::SIGKILL);
            for pid in sys::descendants(process::id() as i32).unwrap_or_default() {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            if !self.reap() || deadline.passed() {
                break;
            }
            let mut fds = [PollFd::new(bell.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, 5_u8);
            quiet(bell);
        }
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok();
        let processor = usage.map_or(0, |usage| (usage.user_time() + usage.system_time()).num_microseconds());
        self.report(format_args!("gone {left} {} {processor}", usage.map_or(0, |usage| usage.max_rss())));
    }

    /// A harness that no longer listens is no reason to stop.
    fn report(&self, words: std::fmt::Arguments) {
        let _ = (&self.control).write_all(format!("{words}\n").as_bytes());
    }
}

fn quiet(mut bell: &UnixStream) {
    let mut buffer = [0; 64];
    while bell.read(&mut buffer).is_ok_and(|count| count == buffer.len()) {}
}
