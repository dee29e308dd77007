//! What every TCP server of the harness has in common: one thread that accepts, and one a connection.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::latch::Latch;
use crate::deadline::Deadline;
use crate::stream::{Arrival, Stream};
use crate::verdict::Verdict;

/// How long a stop may go unnoticed.
const SLICE: Duration = Duration::from_millis(20);

/// Set once the server is to end.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether the latch was open before the deadline, and before the server is to end.
    pub fn wait_open(&self, latch: &Latch, deadline: Deadline) -> bool {
        while !latch.is_open_within(SLICE) {
            if deadline.passed() || self.is_set() {
                return false;
            }
        }
        true
    }

    /// Reads what comes next, until the check's deadline; silence once the server is to end.
    pub fn receive(&self, stream: &mut Stream, into: &mut Vec<u8>) -> Verdict<Arrival> {
        loop {
            // Anew each time: the check may have restarted its clock.
            let deadline = stream.scene().deadline();
            let arrival = stream.receive(into, deadline.earlier(SLICE))?;
            if arrival != Arrival::Silence || deadline.passed() || self.is_set() {
                return Ok(arrival);
            }
        }
    }
}

/// On drop it stops, wakes and joins its thread, which joins those of the connections.
#[derive(Debug)]
pub struct Accepting {
    addr: SocketAddr,
    stop: Stop,
    /// The connection after which there are no others.
    mark: Arc<Mutex<Option<SocketAddr>>>,
    thread: Option<JoinHandle<()>>,
}

impl Accepting {
    /// Hands each connection to `serve`, on a thread of its own.
    pub fn start(
        listener: TcpListener,
        stop: Stop,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let mark = Arc::<Mutex<Option<SocketAddr>>>::default();
        let thread = thread::spawn({
            let (stop, mark) = (stop.clone(), Arc::clone(&mark));
            move || {
                thread::scope(|scope| {
                    while let Ok((socket, peer)) = listener.accept() {
                        if *mark.lock().unwrap_or_else(PoisonError::into_inner) == Some(peer) {
                            stop.0.store(true, Ordering::SeqCst);
                        }
                        if stop.is_set() {
                            break;
                        }
                        let serve = &serve;
                        scope.spawn(move || serve(socket));
                    }
                });
            }
        });
        Ok(Accepting { addr, stop, mark, thread: Some(thread) })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends it once all that has been sent to it is read: those who have connected before are served.
    pub fn finish(mut self) -> io::Result<()> {
        let local = match self.addr {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        };
        let socket = Socket::new(Domain::for_address(local), Type::STREAM, None)?;
        socket.bind(&local.into())?;
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = socket.local_addr()?.as_socket();
        // Those who have connected before it are accepted before it.
        socket.connect(&self.addr.into())?;
        self.join();
        Ok(())
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::SeqCst);
        // A connection wakes the thread that waits in accept.
        let _ = TcpStream::connect(self.addr);
        self.join();
    }
}
