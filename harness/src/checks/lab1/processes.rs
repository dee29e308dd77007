//! The processes and threads of the server under test, and who of them holds which connection, as Linux tells in
//! `/proc` and by `sock_diag`.

use std::io::{self, ErrorKind};

use super::serve::Server;
use crate::client::Conn;
use crate::deadline::{Deadline, poll_until};
use crate::sys::{self, Activity, TcpState};
use crate::trial::{Model, Trial};
use crate::verdict::{Fault, Verdict};

/// How long a program is given to fall asleep; one that never sleeps (it polls) is then taken as it is.
const TO_SLEEP: std::time::Duration = std::time::Duration::from_secs(1);

/// A server with all its processes: the started one and its descendants.
pub struct Family<'a> {
    server: &'a Server,
    deadline: Deadline,
}

/// Skips where the submission says that it lacks `model`, and elsewhere than on Linux.
pub fn need_model(t: &Trial, model: Model) -> Verdict {
    if !t.models().contains(&model) {
        return Err(Fault::Skipped(format!(
            "the submission has no `--model {}` (wirelab.toml)",
            model.name()
        )));
    }
    need_linux()
}

/// Skips elsewhere than on Linux.
pub fn need_linux() -> Verdict {
    match cfg!(target_os = "linux") {
        true => Ok(()),
        false => Err(Fault::Skipped("what processes a program has can be seen on Linux only".to_owned())),
    }
}

impl<'a> Family<'a> {
    pub fn of(t: &Trial, server: &'a Server) -> Family<'a> {
        Family { server, deadline: t.deadline() }
    }

    /// The process that was started.
    pub fn started(&self) -> i32 {
        self.server.running().pid()
    }

    /// All processes, ended ones that nobody has reaped included.
    pub fn pids(&self) -> Verdict<Vec<i32>> {
        sys::descendants(self.server.running().reaper_pid())
            .map_err(|error| Fault::Broken(format!("could not list the program's processes: {error}")))
    }

    /// Those that have ended and were not reaped.
    pub fn zombies(&self) -> Verdict<Vec<i32>> {
        let mut pids = self.pids()?;
        pids.retain(|&pid| sys::facts(pid).is_ok_and(|facts| facts.is_zombie()));
        Ok(pids)
    }

    /// Threads of all processes together; a process with one thread counts as one.
    pub fn threads(&self) -> Verdict<usize> {
        self.sum(|pid| sys::facts(pid).map(|facts| if facts.is_zombie() { 0 } else { facts.threads }))
    }

    /// Open descriptors of all processes together.
    pub fn descriptors(&self) -> Verdict<usize> {
        self.sum(sys::fd_count)
    }

    fn sum(&self, count: impl Fn(i32) -> io::Result<usize>) -> Verdict<usize> {
        let mut sum = 0;
        for pid in self.pids()? {
            sum += seen(count(pid))?.unwrap_or(0);
        }
        Ok(sum)
    }

    /// The processes that have the server's end of `conn` open; none once it is closed.
    pub fn holders(&self, conn: &Conn) -> Verdict<Vec<i32>> {
        let (ours, theirs) = conn.addresses()?;
        let socket = sys::tcp_socket(theirs, ours)
            .map_err(|error| Fault::Broken(format!("could not look for a socket: {error}")))?;
        let Some(socket) = socket.filter(|socket| socket.state != TcpState::Close && socket.inode != 0)
        else {
            return Ok(Vec::new());
        };
        let mut holders = Vec::new();
        for pid in self.pids()? {
            if seen(sys::socket_inodes(pid))?.is_some_and(|inodes| inodes.contains(&socket.inode)) {
                holders.push(pid);
            }
        }
        Ok(holders)
    }

    /// Whether the program accepts what has been connected so far: false if it waits for something else while
    /// connections stay in its queue.
    pub fn accepts(&self) -> bool {
        let accepted = poll_until(self.deadline, || {
            let waits = self.looks_asleep();
            match self.backlog() {
                0 => Some(true),
                _ => waits.then_some(false),
            }
        });
        accepted.unwrap_or(false)
    }

    /// Connections that are set up and not accepted.
    fn backlog(&self) -> u32 {
        let addr = self.server.addr();
        let listeners = sys::listeners(Some(addr.port())).unwrap_or_default();
        listeners.iter().filter(|listener| listener.takes(addr)).map(|listener| listener.backlog).sum()
    }

    /// Waits until every thread of the program and of its supervisor sleeps: what was sent to it, signals
    /// included, has had its effect.
    pub fn wait_quiet(&self) {
        let _ = poll_until(Deadline::within(TO_SLEEP), || self.looks_asleep().then_some(()));
    }

    /// Two equal looks with everything asleep: nothing ran in between, nothing was about to.
    fn looks_asleep(&self) -> bool {
        let first = self.activity();
        first.iter().all(|(_, activity)| activity.asleep) && first == self.activity()
    }

    fn activity(&self) -> Vec<(i32, Activity)> {
        sys::family_activity(self.server.running().supervisor_pid())
    }
}

/// `None` of a process that has ended meanwhile.
fn seen<T>(fact: io::Result<T>) -> Verdict<Option<T>> {
    match fact {
        Ok(fact) => Ok(Some(fact)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Fault::Skipped(
            "the program's processes may not be looked at: they run as another user".to_owned(),
        )),
        Err(_) => Ok(None),
    }
}
