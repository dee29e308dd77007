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
    // ANCHOR: step1_recode
    loop {
        let (used, piece) = decoder.next(incoming.octets())?;
        match piece {
            Piece::NeedMore => return Ok(false),
            Piece::End => return Ok(true),
            Piece::Framing => {}
            Piece::Data(data) => {
                coding.write(data, out);
                kept.add(data);
            }
        }
        incoming.take(used);
    }
    // ANCHOR_END: step1_recode
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
    // ANCHOR: step1_download
    let (mut client, mut out) = (client, out);
    let mut decoder = Decoder::new(framing);
    let mut broken = Broken::Unsent;
    loop {
        match recode(&mut origin.incoming, &mut decoder, coding, kept, &mut out) {
            Ok(false) => {}
            Ok(true) => break,
            Err(_) => return Err(broken),
        }
        client.write_all(&out).map_err(|_| Broken::Sink)?;
        out.clear();
        broken = Broken::Source;
        match origin.receive() {
            Ok(true) => {}
            Ok(false) if decoder.is_whole_at_close() => break,
            Ok(false) | Err(_) => return Err(broken),
        }
    }
    coding.finish(&mut out);
    Ok(out)
    // ANCHOR_END: step1_download
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
        // ANCHOR: step7_add
        // STARTER: // step 7: add
        match &mut self.octets {
            Some(octets) if (octets.len() + data.len()) as u64 <= self.max => {
                octets.extend_from_slice(data);
            }
            octets => *octets = None,
        }
        // ANCHOR_END: step7_add
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
        // ANCHOR: step2_run
        match self.send(client, framing, origin) {
            Ok(()) => self.set(State::Sent(Instant::now())),
            Err(fault) => {
                self.set(State::Failed(fault));
                let _ = origin.shutdown(Shutdown::Both); // it may have closed already
            }
        }
        // ANCHOR_END: step2_run
    }

    fn send(
        &self,
        client: &mut Incoming,
        framing: Framing,
        origin: &TcpStream,
    ) -> Result<(), Fault> {
        // ANCHOR: step2_send
        let mut origin = origin;
        let coding = match framing {
            Framing::Chunked => Coding::Chunked,
            Framing::Length(_) | Framing::UntilClose => Coding::Plain,
        };
        let (mut decoder, mut out) = (Decoder::new(framing), Vec::new());
        let mut is_wanted = true;
        loop {
            let is_whole = recode(client, &mut decoder, coding, &mut Kept::nothing(), &mut out);
            let is_whole = is_whole.map_err(|_| Fault::Client)?;
            if is_whole {
                coding.finish(&mut out);
                self.set(State::Read);
            } else if !out.is_empty() {
                self.set(State::Sending);
            }
            if is_wanted {
                match origin.write_all(&out) {
                    Ok(()) => {}
                    Err(error) if is_timeout(&error) => return Err(Fault::Silent),
                    // It has heard enough, and may have said why. The rest is read all the same:
                    // the next request stands behind it.
                    Err(_) => is_wanted = false,
                }
            }
            out.clear();
            if is_whole {
                return Ok(());
            }
            if !matches!(client.receive(), Ok(1..)) {
                return Err(Fault::Client);
            }
        }
        // ANCHOR_END: step2_send
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
        // ANCHOR: step2_dismiss
        let _ = client.shutdown(Shutdown::Write); // it may have gone
        let has_not_ended = |state: &mut State| !matches!(state, State::Sent(_) | State::Failed(_));
        drop(
            self.ended
                .wait_timeout_while(self.state(), LINGER, has_not_ended),
        );
        let _ = client.shutdown(Shutdown::Read); // ends the waiting for more
        // ANCHOR_END: step2_dismiss
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
