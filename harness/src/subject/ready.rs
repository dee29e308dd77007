//! Waiting until a server is up, without touching it, and saying what went wrong when it is not.
//!
//! A server is up when its socket is in LISTEN, which the kernel tells without a connection: one made just to try
//! would be counted, logged, or taken for the only client. Where the kernel does not tell, a connection is tried.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use super::live;
use super::ports::{self, PortLease};
use super::running::{Exit, Launch, Running};
use super::start_error::StartError;
use super::supervisor::Supervisor;
use crate::deadline::{Deadline, poll_until};
use crate::sys::{self, Listener};

/// How often a start is repeated when a foreign program has taken the port in the meantime.
const RACES: usize = 4;
/// How long a connection to this host may take where LISTEN cannot be seen.
const CONNECTING: Duration = Duration::from_millis(200);

/// Why a server is not up.
#[derive(Debug)]
pub enum NotReady {
    NotStarted(StartError),
    /// It ended before it listened.
    Exited {
        exit: Exit,
        last_words: String,
    },
    /// It ended well and left descendants: a daemon.
    LeftForeground {
        exit: Exit,
        left_behind: usize,
    },
    /// By the deadline it listened on other ports only.
    OtherPort {
        wanted: u16,
        found: Vec<SocketAddr>,
    },
    /// By the deadline it listened on the port, but not where a connection to `wanted` arrives.
    OtherAddress {
        wanted: SocketAddr,
        found: Vec<SocketAddr>,
    },
    /// By the deadline it ran and listened nowhere.
    NotListening {
        wanted: SocketAddr,
        waited: Duration,
        last_words: String,
    },
    Flood {
        limit: u64,
    },
    /// Ctrl-C.
    Aborted,
    /// The harness's own fault.
    Ports(io::Error),
}

impl Running {
    /// Waits until the program listens where connections to `addr` arrive; returns how long after its start that was
    /// seen.
    pub fn wait_listening(&self, addr: SocketAddr, deadline: Deadline) -> Result<Duration, NotReady> {
        let ready = poll_until(deadline, || {
            if live::aborted() {
                return Some(Err(NotReady::Aborted));
            }
            if self.flooded() {
                return Some(Err(NotReady::Flood { limit: self.flood_limit() }));
            }
            if let Some(exit) = self.exited() {
                return Some(Err(self.ended(exit)));
            }
            self.listens(addr).then(|| Ok(self.started_at().elapsed()))
        });
        ready.unwrap_or_else(|| Err(self.deaf(addr)))
    }

    /// The listening sockets of the program and all its descendants.
    pub fn listeners(&self) -> io::Result<Vec<Listener>> {
        sys::listeners_of(&sys::descendants(self.supervisor_pid())?)
    }

    fn listens(&self, addr: SocketAddr) -> bool {
        let Ok(listeners) = sys::listeners(Some(addr.port())) else {
            return TcpStream::connect_timeout(&addr, CONNECTING).is_ok();
        };
        let inodes: BTreeSet<u64> =
            listeners.iter().filter(|listener| listener.takes(addr)).map(|listener| listener.inode).collect();
        !inodes.is_empty() && self.holds_one_of(&inodes)
    }

    /// Whether the program, or a descendant, has one of these sockets; yes if the system does not let us look, as
    /// after a change of user.
    fn holds_one_of(&self, inodes: &BTreeSet<u64>) -> bool {
        let pids = sys::descendants(self.supervisor_pid()).unwrap_or_default();
        pids.into_iter().any(|pid| match sys::socket_inodes(pid) {
            Ok(own) => !own.is_disjoint(inodes),
            Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
        })
    }

    fn ended(&self, exit: Exit) -> NotReady {
        if exit.status.success() && exit.left_behind > 0 {
            NotReady::LeftForeground { exit, left_behind: exit.left_behind }
        } else {
            NotReady::Exited { exit, last_words: self.last_words() }
        }
    }

    fn deaf(&self, wanted: SocketAddr) -> NotReady {
        let found: Vec<SocketAddr> =
            self.listeners().unwrap_or_default().iter().map(|found| found.addr).collect();
        let waited = self.started_at().elapsed();
        if found.is_empty() {
            NotReady::NotListening { wanted, waited, last_words: self.last_words() }
        } else if found.iter().any(|found| found.port() == wanted.port()) {
            NotReady::OtherAddress { wanted, found }
        } else {
            NotReady::OtherPort { wanted: wanted.port(), found }
        }
    }
}

/// Leases a port, starts what `launch` says for it and waits until it listens there on `host`; again on another port
/// if somebody else was quicker to take that one.
pub fn start_listening(
    supervisor: &Supervisor,
    host: IpAddr,
    deadline: Deadline,
    launch: impl Fn(u16) -> Launch,
) -> Result<(Running, PortLease), NotReady> {
    let mut races = 0;
    loop {
        let lease = ports::lease().map_err(NotReady::Ports)?;
        let mut running = launch(lease.port()).start(supervisor, deadline).map_err(NotReady::NotStarted)?;
        match running.wait_listening((host, lease.port()).into(), deadline) {
            Ok(_) => return Ok((running, lease)),
            Err(NotReady::Exited { .. }) if races < RACES && taken(&mut running, &lease) => races += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Whether somebody holds the port who is not of this program.
fn taken(running: &mut Running, lease: &PortLease) -> bool {
    running.kill_and_reap();
    !ports::is_free(lease.port())
}

impl NotReady {
    pub fn is_the_harness_s_fault(&self) -> bool {
        match self {
            Self::NotStarted(error) => error.is_the_harness_s_fault(),
            Self::Ports(_) => true,
            _ => false,
        }
    }
}

/// Completes "your program …", except for what never became a program.
impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotStarted(error) => error.fmt(f),
            Self::Exited { exit, last_words } => {
                write!(f, "ended after {} {}, before it listened", Millis(exit.after), exit.status)?;
                words(f, last_words)
            }
            Self::LeftForeground { left_behind, .. } => write!(
                f,
                "left the foreground: the started process ended and left {left_behind} running; the server must stay \
                 the process that was started (no daemon; a launcher ends with exec)"
            ),
            Self::OtherPort { wanted, found } => {
                write!(f, "listens on {}, not on port {wanted}: is --port read?", List(found))
            }
            Self::OtherAddress { wanted, found } => {
                write!(
                    f,
                    "listens on {}, where connections to {wanted} do not arrive: is --host read?",
                    List(found)
                )
            }
            Self::NotListening { wanted, waited, last_words } => {
                write!(f, "runs, but after {} listens nowhere; {wanted} was wanted", Millis(*waited))?;
                words(f, last_words)
            }
            Self::Flood { limit } => write!(f, "printed more than {} MiB and was ended", limit >> 20),
            Self::Aborted => write!(f, "was interrupted"),
            Self::Ports(error) => write!(f, "could not be given a port: {error}"),
        }
    }
}

impl std::error::Error for NotReady {}

fn words(f: &mut fmt::Formatter, last_words: &str) -> fmt::Result {
    if last_words.is_empty() {
        return write!(f, "; it said nothing");
    }
    write!(f, "; its last words:")?;
    last_words.lines().try_for_each(|line| write!(f, "\n  {line}"))
}

struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0.as_millis() {
            millis @ ..1000 => write!(f, "{millis} ms"),
            millis => write!(f, "{:.1} s", millis as f64 / 1000.0),
        }
    }
}

struct List<'a>(&'a [SocketAddr]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (index, addr) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{addr}")?;
        }
        Ok(())
    }
}
