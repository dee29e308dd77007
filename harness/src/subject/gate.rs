//! The socket between a supervisor and a program that runs confined, maybe in a process namespace of its own.
//!
//! The supervisor starts what confines the program (`bwrap`, say) and has the [`Gate`]; what is started in there
//! ([`start_as_init`] or [`start_in_place`]) has the other end as its stdin and its stderr, and so has everything between
//! the two: what `bwrap` complains about arrives here as well. The kernel says with each message who sent it, by the
//! number that the process has *out here*. So nobody has to guess which of the processes is the program.
//!
//! | message | its sender |
//! |---|---|
//! | `init` | the first process of the namespace, which reaps all others and lives until it is killed |
//! | `program` | the program's process, about to become the program |
//! | `started`, `refused ERRNO` | `init`: the program runs, or the system has refused to run it |
//! | `exited KIND NUMBER` | `init`: the program has ended, and will be reaped next |
//! | end of file, after `program` alone | nobody: in a namespace of ours, the program has begun |
//!
//! Between them the program's own stdout and stderr go through as descriptors of fixed numbers, so that nobody but the
//! program holds these pipes open.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, send, setsockopt, socketpair,
    sockopt::PassCred,
};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};

use super::running::Status;
use crate::sys;

/// Where the program's stdout and stderr pass through.
const PASSED: [RawFd; 2] = [100, 101];
/// More complaints than this are cut off.
const WORDS: usize = 4096;

/// The supervisor's end.
pub(super) struct Gate {
    near: OwnedFd,
    /// Ours until the program's side has been started.
    passed: Vec<OwnedFd>,
    words: String,
}

/// What is heard at a gate.
pub(super) enum News {
    Started {
        program: i32,
        /// The first process of the program's own namespace, if it has one.
        reaper: Option<i32>,
    },
    /// The number of the system's error.
    Refused(i32),
    Exited(Status),
    /// Nobody is left behind it. What was complained about.
    Closed(String),
}

impl Gate {
    /// Puts a gate before what `command` starts.
    pub(super) fn before(command: &mut Command) -> io::Result<Self> {
        let kind = SockType::SeqPacket;
        let (near, far) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
        setsockopt(&near, PassCred, &true)?;
        let mut passed = Vec::new();
        for (stream, number) in [(io::stdout().as_fd(), PASSED[0]), (io::stderr().as_fd(), PASSED[1])] {
            let copy = fcntl(stream, FcntlArg::F_DUPFD(number))?;
            // SAFETY: the system has just made this descriptor, and nobody else has its number.
            passed.push(unsafe { OwnedFd::from_raw_fd(copy) });
            if copy != number {
                return Err(io::Error::other(format!("descriptor {number} is in use")));
            }
        }
        command.stdin(far.try_clone()?).stdout(Stdio::null()).stderr(far);
        Ok(Self { near, passed, words: String::new() })
    }

    /// Waits until the program runs or it is certain that it will not.
    pub(super) fn opened(&mut self) -> News {
        self.passed.clear();
        let (mut program, mut reaper) = (None, None);
        loop {
            let Some((sender, message)) = self.receive() else {
                return match (program, reaper) {
                    (Some(program), None) => News::Started { program, reaper },
                    _ => News::Closed(std::mem::take(&mut self.words)),
                };
            };
            match (message.as_str(), program) {
                ("init", _) => reaper = Some(sender),
                ("program", _) => program = Some(sender),
                ("started", Some(program)) => return News::Started { program, reaper },
                _ => match message.strip_prefix("refused ").and_then(|errno| errno.parse().ok()) {
                    Some(errno) => return News::Refused(errno),
                    None => self.note(&message),
                },
            }
        }
    }

    /// The next thing that is told of a program which runs.
    pub(super) fn next(&mut self) -> News {
        let Some((_, message)) = self.receive() else {
            return News::Closed(std::mem::take(&mut self.words));
        };
        match exited(&message) {
            Some(status) => News::Exited(status),
            None => {
                self.note(&message);
                News::Closed(message)
            }
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.near.as_fd()
    }

    fn note(&mut self, complaint: &str) {
        if self.words.len() < WORDS {
            self.words.push_str(complaint);
        }
    }

    /// `None` when nobody is left to say anything.
    fn receive(&self) -> Option<(i32, String)> {
        let mut octets = [0; WORDS];
        let mut space = nix::cmsg_space!(libc::ucred);
        let (length, sender) = loop {
            let mut parts = [IoSliceMut::new(&mut octets)];
            match recvmsg::<()>(self.near.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                Err(_) => return None,
                Ok(message) => {
                    let sender = message.cmsgs().ok()?.find_map(|part| match part {
                        ControlMessageOwned::ScmCredentials(who) => Some(who.pid()),
                        _ => None,
                    });
                    break (message.bytes, sender.unwrap_or(0));
                }
            }
        };
        (length > 0).then(|| (sender, String::from_utf8_lossy(&octets[..length]).into_owned()))
    }
}

/// Completes "the program could not be confined: …".
impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Closed(words) if words.trim().is_empty() => write!(f, "it ended without a word"),
            Self::Closed(words) => write!(f, "{}", words.trim()),
            Self::Started { .. } => write!(f, "it started"),
            Self::Refused(errno) => write!(f, "{}", io::Error::from_raw_os_error(*errno)),
            Self::Exited(status) => write!(f, "it ended {status}"),
        }
    }
}

fn exited(message: &str) -> Option<Status> {
    let (kind, number) = message.strip_prefix("exited ")?.split_once(' ')?;
    let number = number.parse().ok()?;
    match kind {
        "code" => Some(Status::Code(number)),
        "signal" => Some(Status::Signal(number)),
        _ => None,
    }
}

/// Behind a gate, as the first process of a process namespace: starts the program with these variables alone, reaps
/// everybody, tells how the program ended, and stays until it is killed.
///
/// The program may not look into this process, which could speak in its name.
pub fn start_as_init(argv: &[OsString], variables: &[(OsString, OsString)]) -> io::Error {
    fn run(argv: &[OsString], variables: &[(OsString, OsString)]) -> io::Result<()> {
        let gate = behind()?;
        sys::forbid_inspection()?;
        // The first process of a namespace is given all orphans anyway.
        let _ = sys::become_subreaper();
        say(&gate, "init");
        let child = command(argv, variables, &gate)?.spawn();
        // The program alone holds its streams.
        close_passed();
        match child {
            Ok(child) => {
                say(&gate, "started");
                reap(&gate, child.id() as i32);
            }
            Err(error) => say(&gate, &format!("refused {}", error.raw_os_error().unwrap_or(0))),
        }
        Ok(())
    }
    match run(argv, variables) {
        Ok(()) => process::exit(0),
        Err(error) => error,
    }
}

/// Behind a gate, becomes the program. Returns only if that cannot be.
pub fn start_in_place(argv: &[OsString], variables: &[(OsString, OsString)]) -> io::Error {
    let start = || -> io::Result<io::Error> {
        let gate = behind()?;
        let error = command(argv, variables, &gate)?.exec();
        say(&gate, &format!("refused {}", error.raw_os_error().unwrap_or(0)));
        process::exit(1)
    };
    start().unwrap_or_else(|error| error)
}

/// This end of the gate, which no program inherits.
fn behind() -> io::Result<OwnedFd> {
    io::stdin().as_fd().try_clone_to_owned()
}

fn command(argv: &[OsString], variables: &[(OsString, OsString)], gate: &OwnedFd) -> io::Result<Command> {
    let [program, args @ ..] = argv else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut command = Command::new(program);
    // SAFETY: whoever started this process has put the two descriptors there for this.
    let [stdout, stderr] =
        PASSED.map(|number| unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned());
    command
        .args(args)
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(stdout?)
        .stderr(stderr?)
        .process_group(0);
    for number in PASSED {
        // SAFETY: as above.
        fcntl(unsafe { BorrowedFd::borrow_raw(number) }, FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    }
    let gate = gate.as_raw_fd();
    // SAFETY: between fork and exec the closure makes one system call; it takes no lock and no memory.
    unsafe {
        command.pre_exec(move || {
            send(gate, b"program", MsgFlags::MSG_NOSIGNAL)?;
            Ok(())
        });
    }
    Ok(command)
}

fn close_passed() {
    for number in PASSED {
        // SAFETY: nothing in this process uses them from here on.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }
}

/// A supervisor that no longer listens is no reason to stop.
fn say(gate: &OwnedFd, words: &str) {
    let _ = send(gate.as_raw_fd(), words.as_bytes(), MsgFlags::MSG_NOSIGNAL);
}

/// Tells of the program's end before its number is free for another process. Then there is nothing left but to wait for
/// one's own end: with this process goes the namespace.
fn reap(gate: &OwnedFd, program: i32) {
    loop {
        let ended = match waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Err(Errno::ECHILD) => break,
            Err(_) => continue,
            Ok(ended) => ended,
        };
        if ended.pid().is_some_and(|pid| pid.as_raw() == program) {
            match ended {
                WaitStatus::Exited(_, code) => say(gate, &format!("exited code {code}")),
                WaitStatus::Signaled(_, signal, _) => say(gate, &format!("exited signal {}", signal as i32)),
                _ => say(gate, &format!("exited signal {}", Signal::SIGKILL as i32)),
            }
        }
        let _ = ended.pid().map(|pid| waitpid(pid, Some(WaitPidFlag::WNOHANG)));
    }
    let mut nothing = [0];
    while nix::sys::socket::recv(gate.as_raw_fd(), &mut nothing, MsgFlags::empty())
        .is_ok_and(|count| count > 0)
    {}
}
