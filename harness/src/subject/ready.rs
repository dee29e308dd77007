//! Waiting until a server is up, and saying what went wrong when it is not.
//!
//! A TCP server is up when its socket is in LISTEN, which the kernel tells without a connection: one made just to try
//! would be counted, logged, or taken for the only client. Where the kernel does not tell, a connection is tried.
//!
//! UDP has no LISTEN: an echo server is up when it answers a request (contract, "Submissions").

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use super::live;
use super::ports::{self, PortLease};
use super::running::{Exit, Launch, Running};
use super::start_error::StartError;
use super::supervisor::Supervisor;
use crate::deadline::{Deadline, poll_until};
use crate::sys::{self, Listener};
use crate::wire::icmp::{ECHO_REQUEST, Echo};

/// How often a start is repeated when a foreign program has taken the port in the meantime.
const RACES: usize = 4;
/// How long a connection to this host may take where LISTEN cannot be seen.
const CONNECTING: Duration = Duration::from_millis(200);
/// An echo server is asked at intervals that grow from the first to the second.
const ASKING: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

/// How a server shows that it is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It listens for TCP connections.
    Listening,
    /// It answers an echo request over UDP.
    Answering,
}

/// Why a server is not up.
#[derive(Debug)]
pub enum NotReady {
    NotStarted(StartError),
    /// It ended before it was up.
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
    /// By the deadline it ran and had answered no echo request.
    NotAnswering {
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
    pub fn wait_ready(
        &self,
        readiness: Readiness,
        addr: SocketAddr,
        deadline: Deadline,
    ) -> Result<Duration, NotReady> {
        match readiness {
            Readiness::Listening => self.wait_listening(addr, deadline),
            Readiness::Answering => self.wait_answering(addr, deadline),
        }
    }

    /// Waits until the program listens where connections to `addr` arrive; returns how long after its start that was
    /// seen.
    pub fn wait_listening(&self, addr: SocketAddr, deadline: Deadline) -> Result<Duration, NotReady> {
        let ready = poll_until(deadline, || match self.hopeless() {
            Some(error) => Some(Err(error)),
            None => self.listens(addr).then(|| Ok(self.started_at().elapsed())),
        });
        ready.unwrap_or_else(|| Err(self.deaf(addr)))
    }

    /// Asks the program for an echo until it answers, whatever the answer, and from whatever port.
    fn wait_answering(&self, addr: SocketAddr, deadline: Deadline) -> Result<Duration, NotReady> {
        let unspecified = if addr.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(unspecified).map_err(NotReady::Ports)?;
        let request = Echo { kind: ECHO_REQUEST, code: 0, identifier: 0, sequence: 0, data: Vec::new() };
        let request = request.to_octets();
        let [mut interval, longest] = ASKING;
        while !deadline.passed() {
            if let Some(error) = self.hopeless() {
                return Err(error);
            }
            // A socket that is not connected hears nothing of a closed port, and so waits the interval out.
            let asked = socket.send_to(&request, addr).and_then(|_| socket.set_read_timeout(Some(interval)));
            asked.map_err(NotReady::Ports)?;
            if socket.recv_from(&mut [0; 64]).is_ok() {
                return Ok(self.started_at().elapsed());
            }
            interval = (interval * 2).min(longest);
        }
        let waited = self.started_at().elapsed();
        Err(NotReady::NotAnswering { wanted: addr, waited, last_words: self.last_words() })
    }

    /// Why there is nothing more to wait for.
    fn hopeless(&self) -> Option<NotReady> {
        if live::aborted() {
            return Some(NotReady::Aborted);
        }
        if self.flooded() {
            return Some(NotReady::Flood { limit: self.flood_limit() });
        }
        self.exited().map(|exit| self.ended(exit))
    }

    /// The listening sockets of the program and all its descendants.
    pub fn listeners(&self) -> io::Result<Vec<Listener>> {
        sys::listeners_of(&sys::descendants(self.reaper_pid())?)
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
        let pids = sys::descendants(self.reaper_pid()).unwrap_or_default();
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

/// Leases a port, starts what `launch` says for it and waits until it is up there on `host`; again on another port if
/// somebody else was quicker to take that one.
pub fn start_ready(
    supervisor: &Supervisor,
    readiness: Readiness,
    host: IpAddr,
    deadline: Deadline,
    launch: impl Fn(u16) -> Launch,
) -> Result<(Running, PortLease), NotReady> {
    let mut races = 0;
    loop {
        let lease = ports::lease().map_err(NotReady::Ports)?;
        let mut running = launch(lease.port()).start(supervisor, deadline).map_err(NotReady::NotStarted)?;
        match running.wait_ready(readiness, (host, lease.port()).into(), deadline) {
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
                write!(f, "ended after {} {}, before it was up", Millis(exit.after), exit.status)?;
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
            Self::NotAnswering { wanted, waited, last_words } => {
                write!(
                    f,
                    "runs, but after {} it has answered no echo request sent to {wanted}",
                    Millis(*waited)
                )?;
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
