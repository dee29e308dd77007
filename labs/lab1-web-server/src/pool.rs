//! Many connections at once, with a fixed number of threads.
//!
//! ```text
//! acceptor ──push──▶ queue ──pop──▶ worker 1 … worker N       main thread: waits for the signal
//! ```
//!
//! However many clients there are, there are N + 2 threads. At a stop the main thread shuts the
//! reading side of every socket: who waits for a request sees the end, who answers one finishes.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use crate::queue::Queue;
use crate::server::{GRACE, Server};
use crate::{connection, sys};

/// Serves connections with that many threads until a signal stops it.
pub fn run(listener: TcpListener, server: Arc<Server>, workers: usize) -> io::Result<()> {
    todo!("step 9: run")
}

/// The producer: accepts connections and hands them on, waiting while the queue is full.
fn accept(listener: &TcpListener, queue: &Queue<Connection>, open: &Arc<Open>) {
    todo!("step 9: accept")
}

/// A consumer: serves one connection after another.
fn work(queue: &Queue<Connection>, server: &Server) {
    todo!("step 9: work")
}

/// An accepted connection, in the books until it is dropped.
struct Connection {
    stream: Arc<TcpStream>,
    open: Arc<Open>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.leave(&self.stream);
    }
}

/// The connections that are open, waiting in the queue or being served.
struct Open {
    server: Arc<Server>,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    streams: HashMap<RawFd, Arc<TcpStream>>,
    shut: bool,
}

impl Open {
    fn new(server: Arc<Server>) -> Open {
        Open {
            server,
            books: Mutex::default(),
        }
    }

    fn enter(self: &Arc<Open>, stream: TcpStream) -> Connection {
        todo!("step 9: enter")
    }

    fn leave(&self, stream: &TcpStream) {
        todo!("step 9: leave")
    }

    /// Shuts the reading side of all connections, present and to come.
    fn shut(&self) {
        todo!("step 9: shut")
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
