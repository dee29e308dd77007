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
    // ANCHOR: step10_run
    let signals = Signals::catch()?;
    listener.set_nonblocking(true)?;
    let mut children = HashSet::new();
    while !sys::stopping() {
        reap(&mut children, server);
        let room = children.len() < MAX_CHILDREN;
        if !signals.wait(room.then_some(&listener), None)? {
            continue;
        }
        match accept(&listener, server) {
            Ok(Side::Parent(child)) => drop(children.insert(child)),
            Ok(Side::Child(stream)) => {
                drop(listener); // or the port would stay taken for as long as this child lives
                serve(&stream, server)
            }
            Err(error) if connection::is_passing(&error) => {}
            Err(error) => {
                eprintln!("failed to take a connection: {error}");
                // Out of descriptors, memory or processes: the end of a child frees some.
                signals.wait(None, Some(Duration::from_millis(100)))?;
            }
        }
    }
    drop(listener);
    stop(children, &signals, server)
    // ANCHOR_END: step10_run
}

/// Who one is after a fork, and what one needs to know.
enum Side {
    Parent(Pid),
    Child(TcpStream),
}

/// Accepts a connection and gives it to a new child. The parent closes its copy of the socket, by
/// dropping it here: otherwise the client would never see the connection end.
fn accept(listener: &TcpListener, server: &Server) -> io::Result<Side> {
    // ANCHOR: step10_accept
    let (stream, _) = listener.accept()?;
    stream.set_nonblocking(false)?; // some systems hand the listener's mode down
    server.counters.opened();
    match sys::fork() {
        Ok(Some(child)) => Ok(Side::Parent(child)),
        Ok(None) => Ok(Side::Child(stream)),
        Err(error) => {
            server.counters.closed();
            Err(error)
        }
    }
    // ANCHOR_END: step10_accept
}

/// What a child does: serves its connection and ends.
fn serve(stream: &TcpStream, server: &Server) -> ! {
    // ANCHOR: step10_serve
    sys::shut_on_stop(stream);
    connection::serve_or_survive(stream, server);
    std::process::exit(0)
    // ANCHOR_END: step10_serve
}

/// Takes leave of all children that have ended. One SIGCHLD may stand for several.
fn reap(children: &mut HashSet<Pid>, server: &Server) {
    // ANCHOR: step10_reap
    while let Some(child) = sys::reap() {
        children.remove(&child);
        server.counters.closed();
    }
    // ANCHOR_END: step10_reap
}

/// Passes the stop on, waits for the exchanges in flight, and cuts off what is left.
fn stop(children: HashSet<Pid>, signals: &Signals, server: &Server) -> io::Result<()> {
    // ANCHOR: step10_stop
    let mut children = children;
    children.iter().copied().for_each(sys::terminate);
    let deadline = Instant::now() + GRACE;
    loop {
        reap(&mut children, server);
        let left = deadline.saturating_duration_since(Instant::now());
        if children.is_empty() || left.is_zero() {
            break;
        }
        signals.wait(None, Some(left))?;
    }
    children.iter().copied().for_each(sys::kill);
    Ok(())
    // ANCHOR_END: step10_stop
}
