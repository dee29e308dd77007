//! Given, not a step: what the operating system offers beyond the standard library.
//!
//! `UdpSocket::set_read_timeout` waits for one thing only, and rounds up to whole ticks of the
//! kernel, often 4 ms. pselect(2) waits for several, and to the nanosecond.
//!
//! How a signal becomes something to wait for: it is blocked in every thread but one, which does
//! nothing but wait for it and then closes its end of a pair of sockets. At the other end that is
//! something to read.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::select::{FdSet, pselect};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::time::TimeSpec;

/// What came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// SIGINT or SIGTERM came, now or before.
    Signal,
    /// The socket has a datagram, or an error, to be received without waiting.
    Datagram,
    /// The moment has come, or might have: look at the clock.
    Moment,
}

/// The signals SIGINT and SIGTERM, as something to wait for.
#[derive(Debug)]
pub struct Signals(UnixStream);

impl Signals {
    /// Begins to catch them. Once in a process, before it has other threads.
    pub fn catch() -> io::Result<Signals> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        let (ours, theirs) = UnixStream::pair()?;
        signals.thread_block()?;
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                while signals.wait().is_err() {}
                drop(theirs);
            })?;
        Ok(Signals(ours))
    }

    /// Waits for a signal, a datagram or a moment. Without a moment, for the others alone.
    pub fn wait(&self, socket: &UdpSocket, until: Option<Instant>) -> io::Result<Event> {
        let mut readable = FdSet::new();
        readable.insert(self.0.as_fd());
        readable.insert(socket.as_fd());
        let limit = until
            .map(|until| until.saturating_duration_since(Instant::now()))
            .map(TimeSpec::from);
        match pselect(None, &mut readable, None, None, limit.as_ref(), None) {
            Ok(0) | Err(Errno::EINTR) => Ok(Event::Moment),
            Ok(_) if readable.contains(self.0.as_fd()) => Ok(Event::Signal),
            Ok(_) => Ok(Event::Datagram),
            Err(error) => Err(error.into()),
        }
    }
}
