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
    // ANCHOR: step9_run
    let signals = sys::Signals::catch()?;
    sys::shut_on_stop(&listener);
    let queue = Arc::new(Queue::new(workers));
    let open = Arc::new(Open::new(Arc::clone(&server)));

    // Nothing is ever sent: receiving ends when the last thread has dropped its sender.
    let (working, all_done) = mpsc::channel::<()>();
    for number in 1..=workers {
        let (queue, server, working) = (Arc::clone(&queue), Arc::clone(&server), working.clone());
        thread::Builder::new()
            .name(format!("worker {number}"))
            .spawn(move || {
                let _working = working;
                work(&queue, &server);
            })?;
    }
    {
        let (queue, open) = (Arc::clone(&queue), Arc::clone(&open));
        let acceptor = thread::Builder::new().name("acceptor".into());
        acceptor.spawn(move || {
            let _working = working;
            accept(&listener, &queue, &open);
        })?;
    }

    while !sys::stopping() {
        signals.wait(None, None)?;
    }
    queue.close();
    open.shut();
    let _ = all_done.recv_timeout(GRACE);
    Ok(())
    // ANCHOR_END: step9_run
}

/// The producer: accepts connections and hands them on, waiting while the queue is full.
fn accept(listener: &TcpListener, queue: &Queue<Connection>, open: &Arc<Open>) {
    // ANCHOR: step9_accept
    while !sys::stopping() {
        match listener.accept() {
            Ok((stream, _)) => {
                if let Err(connection) = queue.push(open.enter(stream)) {
                    // Stopped with one in hand: its request may be here already.
                    connection::serve_or_survive(&connection.stream, &open.server);
                }
            }
            Err(_) if sys::stopping() => {}
            Err(error) if connection::is_passing(&error) => {}
            Err(error) => {
                eprintln!("failed to accept: {error}");
                // Out of descriptors or memory: no event tells when there are some again.
                thread::park_timeout(Duration::from_millis(100));
            }
        }
    }
    // ANCHOR_END: step9_accept
}

/// A consumer: serves one connection after another.
fn work(queue: &Queue<Connection>, server: &Server) {
    // ANCHOR: step9_work
    while let Some(connection) = queue.pop() {
        connection::serve_or_survive(&connection.stream, server);
    }
    // ANCHOR_END: step9_work
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
        // ANCHOR: step9_enter
        let stream = Arc::new(stream);
        let mut books = self.books();
        books
            .streams
            .insert(stream.as_raw_fd(), Arc::clone(&stream));
        if books.shut {
            let _ = stream.shutdown(Shutdown::Read);
        }
        self.server.counters.opened();
        Connection {
            stream,
            open: Arc::clone(self),
        }
        // ANCHOR_END: step9_enter
    }

    fn leave(&self, stream: &TcpStream) {
        // ANCHOR: step9_leave
        self.books().streams.remove(&stream.as_raw_fd());
        self.server.counters.closed();
        // ANCHOR_END: step9_leave
    }

    /// Shuts the reading side of all connections, present and to come.
    fn shut(&self) {
        // ANCHOR: step9_shut
        let mut books = self.books();
        books.shut = true;
        for stream in books.streams.values() {
            let _ = stream.shutdown(Shutdown::Read); // the client may have gone
        }
        // ANCHOR_END: step9_shut
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
