//! The server's side of a connection, in clear and then perhaps under TLS.
//!
//! The record has what was said, not its cipher, and has it from whoever understands it: the dialogue, which leaves out
//! credentials.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

use crate::deadline::Deadline;
use crate::fake::accepting::Stop;
use crate::stream::{Arrival, Sent, Stream};
use crate::verdict::Verdict;

pub struct Channel {
    stream: Stream,
    stop: Stop,
    tls: Option<Box<ServerConnection>>,
    /// How TLS has ended, if it has: with `close_notify`, or with an alert or what is no TLS.
    ended: Option<Arrival>,
    /// What has come and is not yet taken.
    pub unread: Vec<u8>,
}

impl Channel {
    pub fn new(mut stream: Stream, stop: Stop) -> Self {
        stream.leave_octets_out();
        Channel { stream, stop, tls: None, ended: None, unread: Vec::new() }
    }

    pub fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    pub fn deadline(&self) -> Deadline {
        self.stream.scene().deadline()
    }

    pub fn under_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The version that was agreed on, and the name that the client asked for (RFC 6066 §3).
    pub fn agreed(&self) -> Option<(String, Option<String>)> {
        let tls = self.tls.as_ref()?;
        let version = tls.protocol_version().map(|version| format!("{version:?}")).unwrap_or_default();
        Some((version, tls.server_name().map(str::to_owned)))
    }

    /// Reads what comes next to the end of [`Channel::unread`].
    pub fn receive(&mut self) -> Verdict<Arrival> {
        if !self.under_tls() {
            return self.stop.receive(&mut self.stream, &mut self.unread);
        }
        let before = self.unread.len();
        while self.unread.len() == before {
            if let Some(ended) = self.ended {
                return Ok(ended);
            }
            let mut cipher = Vec::new();
            let arrival = self.stop.receive(&mut self.stream, &mut cipher)?;
            if !matches!(arrival, Arrival::Octets(_)) {
                return Ok(arrival);
            }
            self.decipher(&cipher)?;
        }
        Ok(Arrival::Octets(self.unread.len() - before))
    }

    /// What has arrived already; waits for nothing.
    pub fn look(&mut self) -> Verdict<Arrival> {
        if !self.under_tls() {
            return self.stream.receive_arrived(&mut self.unread);
        }
        let mut cipher = Vec::new();
        let arrival = self.stream.receive_arrived(&mut cipher)?;
        self.decipher(&cipher)?;
        Ok(self.ended.unwrap_or(arrival))
    }

    /// To the end of [`Channel::unread`]; answers a `close_notify` with one (RFC 5246 §7.2.1).
    fn decipher(&mut self, cipher: &[u8]) -> Verdict {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        self.ended = match take_in(tls, cipher, &mut self.unread) {
            Ok(false) => return Ok(()),
            Ok(true) => Some(Arrival::Fin),
            Err(_) => Some(Arrival::Reset),
        };
        tls.send_close_notify();
        let wire = pending(tls);
        // Who has gone needs no farewell.
        let _ = self.stream.send(&wire)?;
        Ok(())
    }

    pub fn send(&mut self, octets: &[u8]) -> Verdict<Sent> {
        let wire = self.wire(octets);
        self.stream.send(&wire)
    }

    /// In the pieces that end at these offsets, each read before the next is sent. Under TLS each is a record, and that
    /// again comes in two pieces.
    pub fn send_pieces(&mut self, octets: &[u8], cuts: &[usize]) -> Verdict<Sent> {
        let mut start = 0;
        let mut wire = Vec::new();
        let mut ends = Vec::new();
        for end in cuts.iter().copied().filter(|&cut| 0 < cut && cut < octets.len()).chain([octets.len()]) {
            let piece = self.wire(&octets[start..end]);
            if self.under_tls() {
                ends.push(wire.len() + piece.len() / 2);
            }
            wire.extend(piece);
            ends.push(wire.len());
            start = end;
        }
        self.stream.send_pieces(&wire, &ends)
    }

    fn wire(&mut self, octets: &[u8]) -> Vec<u8> {
        match &mut self.tls {
            None => octets.to_vec(),
            Some(tls) => {
                // A Vec takes all, and a connection whose handshake is done encrypts whatever it is given.
                let _ = tls.writer().write_all(octets);
                pending(tls)
            }
        }
    }

    /// The server's part of a handshake. `Err`: what went wrong, as the TLS library says it.
    pub fn accept_tls(&mut self, config: Arc<ServerConfig>) -> Verdict<Result<(), String>> {
        let mut tls = match ServerConnection::new(config) {
            Ok(tls) => Box::new(tls),
            Err(error) => return Ok(Err(error.to_string())),
        };
        tls.set_buffer_limit(None);
        let mut cipher = std::mem::take(&mut self.unread);
        while tls.is_handshaking() {
            let taken = take_in(&mut tls, &cipher, &mut self.unread);
            // An answer, or the alert that says why there is none.
            let answer = pending(&mut tls);
            if !answer.is_empty() && self.stream.send(&answer)? == Sent::Refused {
                return Ok(Err("the client closed the connection".to_owned()));
            }
            match taken {
                Ok(false) => {}
                Ok(true) => return Ok(Err("the client ended TLS".to_owned())),
                Err(why) => return Ok(Err(why)),
            }
            cipher.clear();
            if tls.is_handshaking()
                && !matches!(self.stop.receive(&mut self.stream, &mut cipher)?, Arrival::Octets(_))
            {
                return Ok(Err("the client closed the connection".to_owned()));
            }
        }
        self.tls = Some(tls);
        Ok(Ok(()))
    }

    /// Says that no more will come, first in TLS, unless `cut`.
    pub fn half_close(&mut self, cut: bool) -> Verdict {
        if let Some(tls) = &mut self.tls
            && !cut
        {
            tls.send_close_notify();
            let wire = pending(tls);
            // Who has gone needs no farewell.
            let _ = self.stream.send(&wire)?;
        }
        self.stream.half_close();
        Ok(())
    }
}

/// Deciphers; whether the peer has said that no more will come.
fn take_in(tls: &mut ServerConnection, mut cipher: &[u8], into: &mut Vec<u8>) -> Result<bool, String> {
    let mut closed = false;
    while !cipher.is_empty() {
        match tls.read_tls(&mut cipher) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        let state = tls.process_new_packets().map_err(|error| error.to_string())?;
        closed |= state.peer_has_closed();
        match tls.reader().read_to_end(into) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(closed)
}

fn pending(tls: &mut ServerConnection) -> Vec<u8> {
    let mut wire = Vec::new();
    while tls.wants_write() {
        if tls.write_tls(&mut wire).is_err() {
            break;
        }
    }
    wire
}
