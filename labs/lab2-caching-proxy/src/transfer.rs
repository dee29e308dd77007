//! Bodies on their way (RFC 9112 §6, §7). However long one is, no more of it is here than fits in a
//! buffer, and what has come is passed on before more is waited for.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::http::Error;
use crate::http::body::{Coding, Decoder, Framing};
use crate::http::chunked::Piece;
use crate::incoming::{Incoming, is_timeout};
use crate::origin::{Answering, Fault};

/// How long a client whose request has been answered may take to stop sending it.
const LINGER: Duration = Duration::from_secs(1);

/// Takes what has arrived of a body, and writes it as it is to be sent on. True at the body's end.
fn recode(
    incoming: &mut Incoming,
    decoder: &mut Decoder,
    coding: Coding,
    kept: &mut Kept,
    out: &mut Vec<u8>,
) -> Result<bool, Error> {
    todo!("step 1: recode")
}

/// Why a body did not arrive.
#[derive(Debug)]
pub enum Broken {
    /// It is not what it should be from the beginning: nobody has been told of it yet.
    Unsent,
    /// It was broken off, or is not what it should be.
    Source,
    /// Nobody takes it any more.
    Sink,
}

/// Passes the body of a response on, behind what `out` holds already. Returns the last piece, which
/// is not yet sent: whoever has seen the end of a response finds it in the cache, so it is stored
/// first.
pub fn download(
    origin: &mut Answering,
    framing: Framing,
    client: &TcpStream,
    coding: Coding,
    kept: &mut Kept,
    out: Vec<u8>,
) -> Result<Vec<u8>, Broken> {
    todo!("step 1: download")
}

/// What of a body is kept for the cache while it passes: all of it, or nothing.
#[derive(Debug)]
pub struct Kept {
    octets: Option<Vec<u8>>,
    max: u64,
}

impl Kept {
    /// Keeps a body of at most that many octets.
    pub fn up_to(max: u64) -> Kept {
        let octets = Some(Vec::new());
        Kept { octets, max }
    }

    pub fn nothing() -> Kept {
        let octets = None;
        Kept { octets, max: 0 }
    }

    /// What was kept, once the body is known to be whole.
    pub fn whole(self) -> Option<Vec<u8>> {
        self.octets
    }

    fn add(&mut self, data: &[u8]) {
        // step 7: add
    }
}

/// The body of a request on its way from the client to the origin, while another thread waits for
/// the answer.
#[derive(Debug)]
pub struct Upload {
    state: Mutex<State>,
    ended: Condvar,
}

/// ```text
/// HeldBack ──first octet──▶ Sending ──last octet read──▶ Read ──sent──▶ Sent
///    └─────────────────────────┴──────────────────────────┴──▶ Failed
/// ```
#[derive(Debug, Clone, Copy)]
enum State {
    /// The client may be waiting for a word of the origin's (RFC 9110 §10.1.1).
    HeldBack(Instant),
    Sending,
    /// Nothing more comes from the client.
    Read,
    /// The origin has all of it, or all that it will get, since then.
    Sent(Instant),
    Failed(Fault),
}

impl Upload {
    /// Of a request whose body, if there is one, is about to be sent.
    pub fn new(framing: Framing) -> Upload {
        let now = Instant::now();
        let state = match framing {
            Framing::Length(0) => State::Sent(now),
            _ => State::HeldBack(now),
        };
        Upload {
            state: Mutex::new(state),
            ended: Condvar::new(),
        }
    }

    /// Sends a body on. A body that breaks off breaks the connection to the origin off as well: it
    /// must not take what has come for the whole.
    pub fn run(&self, client: &mut Incoming, framing: Framing, origin: &TcpStream) {
        todo!("step 2: run")
    }

    fn send(
        &self,
        client: &mut Incoming,
        framing: Framing,
        origin: &TcpStream,
    ) -> Result<(), Fault> {
        todo!("step 2: send")
    }

    /// Since when the origin has all that it will get without a word; `None` while more is coming.
    pub fn sent_at(&self) -> Option<Instant> {
        match *self.state() {
            State::HeldBack(at) | State::Sent(at) => Some(at),
            State::Sending | State::Read | State::Failed(_) => None,
        }
    }

    /// Has the client sent all of its request?
    pub fn is_read(&self) -> bool {
        matches!(*self.state(), State::Read | State::Sent(_))
    }

    pub fn fault(&self) -> Option<Fault> {
        match *self.state() {
            State::Failed(fault) => Some(fault),
            _ => None,
        }
    }

    /// The request has been answered: no more of it is needed. A client that is still sending learns
    /// that there will be no other answer, and has a moment to see it; to close at once, with octets
    /// unread, could destroy the answer (RFC 9112 §9.6).
    pub fn dismiss(&self, client: &TcpStream) {
        if self.is_read() {
            return;
        }
        todo!("step 2: dismiss")
    }

    fn set(&self, state: State) {
        *self.state() = state;
        self.ended.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod step7 {
    use super::*;

    #[test]
    fn a_body_is_kept_whole_or_not_at_all() {
        let kept = |max| {
            let mut kept = Kept::up_to(max);
            kept.add(b"abc");
            kept.add(b"");
            kept.add(b"de");
            kept.whole()
        };
        assert_eq!(kept(5), Some(b"abcde".to_vec()));
        assert_eq!(kept(4), None);
        assert_eq!(kept(2), None);
        assert_eq!(Kept::up_to(0).whole(), Some(Vec::new()));
        assert_eq!(Kept::nothing().whole(), None);
    }
}
