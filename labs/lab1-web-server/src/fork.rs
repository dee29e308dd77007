//! Many connections at once, with a process for each.
//!
//! Parent and children have one thread each: a lock that another thread held at the fork would stay
//! held for ever in the child. The parent alone counts connections, one more at a fork and one
//! less at a child's end, however it ends; so the count is right even for a child that is killed.

use std::collections::HashSet;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::connection;
use crate::server::{GRACE, Server};
use crate::sys::{self, Pid, Signals};

/// Children at one time; further connections wait in the kernel's backlog.
const MAX_CHILDREN: usize = 512;

/// Serves connections, each by a child of its own, until a signal stops it.
pub fn run(listener: TcpListener, server: &Server) -> io::Result<()> {
    todo!("step 10: run")
}

/// Who one is after a fork, and what one needs to know.
enum Side {
    Parent(Pid),
    Child(TcpStream),
}

/// Accepts a connection and gives it to a new child. The parent closes its copy of the socket, by
/// dropping it here: otherwise the client would never see the connection end.
fn accept(listener: &TcpListener, server: &Server) -> io::Result<Side> {
    todo!("step 10: accept")
}

/// What a child does: serves its connection and ends.
fn serve(stream: &TcpStream, server: &Server) -> ! {
    todo!("step 10: serve")
}

/// Takes leave of all children that have ended. One SIGCHLD may stand for several.
fn reap(children: &mut HashSet<Pid>, server: &Server) {
    todo!("step 10: reap")
}

/// Passes the stop on, waits for the exchanges in flight, and cuts off what is left.
fn stop(children: HashSet<Pid>, signals: &Signals, server: &Server) -> io::Result<()> {
    todo!("step 10: stop")
}
