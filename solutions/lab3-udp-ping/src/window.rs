//! The requests that were sent, and what a datagram is to them.
//!
//! ```text
//!              ┌─ a valid reply in time ──▶ Answered ── another ──▶ a duplicate
//!   Waiting ───┼─ its time has passed ────▶ Lost
//!              └─ an error, or not sent ──▶ Lost
//! ```
//!
//! Requests are numbered one after the other, so that a number says by itself where in the window
//! its request is. Of each only two times are kept: what it carried follows from its stamp. The
//! window forgets requests that are long settled, and never holds more than have a number of their
//! own, so its memory is bounded whatever the network does.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::packet::{self, Message};

/// So many requests are remembered after they are settled, to know their duplicates.
const MEMORY: usize = 4096;
/// With one more, two requests could have the same sequence number.
const CAPACITY: usize = u16::MAX as usize;

/// The requests of one run, the oldest first.
#[derive(Debug)]
pub struct Window {
    identifier: u16,
    /// Octets of data in each request.
    size: usize,
    /// How long a request waits for its reply.
    patience: Duration,
    requests: VecDeque<Request>,
    /// So many requests at the front are known to be settled.
    settled: usize,
    /// The sequence number of the next request.
    next: u16,
}

#[derive(Debug)]
struct Request {
    /// The time stamp it carried.
    stamp: u64,
    sent: Instant,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Answered,
    Lost,
}

/// What a datagram is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The first valid reply to a request still waiting.
    Reply { sequence: u16, rtt: Duration },
    /// Another valid reply to a request already answered.
    Duplicate { sequence: u16, rtt: Duration },
    /// Not for us, or not to be believed.
    Ignored(Reason),
}

/// Why a datagram is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Too short for a message: its length.
    Short(usize),
    Checksum,
    /// Neither a reply nor a request come back: its type and code.
    Kind(u8, u8),
    Identifier(u16),
    /// No request of that number is remembered.
    Sequence(u16),
    /// The data is not what the request of that number carried.
    Data(u16),
    /// The request of that number was given up.
    Late(u16),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Short(length) => write!(f, "{length} octets are no message"),
            Reason::Checksum => write!(f, "its checksum is wrong"),
            Reason::Kind(kind, code) => write!(f, "type {kind}, code {code} is no reply"),
            Reason::Identifier(other) => write!(f, "it replies to another program, {other}"),
            Reason::Sequence(number) => write!(f, "no request waits for seq {number}"),
            Reason::Data(number) => write!(f, "its data is not that of seq {number}"),
            Reason::Late(number) => write!(f, "it is too late for seq {number}"),
        }
    }
}

impl Window {
    /// No requests yet; the first one's number will be 1.
    pub fn new(identifier: u16, size: usize, patience: Duration) -> Window {
        Window {
            identifier,
            size,
            patience,
            requests: VecDeque::new(),
            settled: 0,
            next: 1,
        }
    }

    /// The sequence number of the next request.
    pub fn next_sequence(&self) -> u16 {
        self.next
    }

    /// The sequence number of the last request.
    pub fn last_sequence(&self) -> u16 {
        self.next.wrapping_sub(1)
    }

    /// The next request has left.
    pub fn sent(&mut self, stamp: u64, at: Instant) {
        self.push(stamp, at, State::Waiting);
    }

    /// The next request could not be sent, which uses up its number.
    pub fn not_sent(&mut self, stamp: u64, at: Instant) {
        self.push(stamp, at, State::Lost);
    }

    fn push(&mut self, stamp: u64, sent: Instant, state: State) {
        while self.settled > MEMORY || self.requests.len() == CAPACITY {
            self.requests.pop_front();
            self.settled = self.settled.saturating_sub(1);
        }
        self.requests.push_back(Request { stamp, sent, state });
        self.next = self.next.wrapping_add(1);
    }

    /// What a datagram is that arrived at that moment.
    pub fn judge(&mut self, datagram: &[u8], at: Instant) -> Received {
        // ANCHOR: step2_judge
        let Some(reply) = Message::decode(datagram) else {
            return Received::Ignored(Reason::Short(datagram.len()));
        };
        if let Some(reason) = self.objection(datagram, &reply) {
            return Received::Ignored(reason);
        }
        let sequence = reply.sequence;
        let Some(index) = self.find(sequence) else {
            return Received::Ignored(Reason::Sequence(sequence));
        };
        let request = &mut self.requests[index];
        let rtt = at.saturating_duration_since(request.sent);
        match request.state {
            State::Waiting if rtt <= self.patience => {
                request.state = State::Answered;
                Received::Reply { sequence, rtt }
            }
            State::Waiting | State::Lost => Received::Ignored(Reason::Late(sequence)),
            State::Answered => repeated(sequence, rtt),
        }
        // ANCHOR_END: step2_judge
    }

    /// Gives up the oldest request that waits, if its time has passed: its number.
    pub fn expire(&mut self, now: Instant) -> Option<u16> {
        // ANCHOR: step2_expire
        let oldest = self.oldest()?;
        // A full window needs the number of its first request again.
        let is_needed = oldest == 0 && self.requests.len() == CAPACITY;
        let is_over = self.requests[oldest].sent + self.patience <= now;
        (is_over || is_needed).then(|| self.give_up(oldest))
        // ANCHOR_END: step2_expire
    }

    /// When the oldest request that waits is given up; `None` if none waits.
    pub fn deadline(&mut self) -> Option<Instant> {
        // ANCHOR: step2_deadline
        let oldest = self.oldest()?;
        Some(self.requests[oldest].sent + self.patience)
        // ANCHOR_END: step2_deadline
    }

    /// The network reports an error, without saying for which request: gives up the oldest that
    /// waits. Its number, or the last one if none waits.
    pub fn fail(&mut self) -> u16 {
        // ANCHOR: step6_fail
        match self.oldest() {
            Some(oldest) => self.give_up(oldest),
            None => self.last_sequence(),
        }
        // ANCHOR_END: step6_fail
    }

    /// Why a message is not to be believed, if there is a reason.
    fn objection(&self, datagram: &[u8], reply: &Message) -> Option<Reason> {
        // ANCHOR: step4_objection
        // STARTER: None // step 4: believe it only if all of it is right
        if !packet::is_intact(datagram) {
            return Some(Reason::Checksum);
        }
        // An echo service in the manner of RFC 862 sends the request back as it is.
        if !matches!(reply.kind, packet::REPLY | packet::REQUEST) || reply.code != 0 {
            return Some(Reason::Kind(reply.kind, reply.code));
        }
        if reply.identifier != self.identifier {
            return Some(Reason::Identifier(reply.identifier));
        }
        let request = &self.requests[self.find(reply.sequence)?];
        let is_same = reply.data == packet::data(request.stamp, self.size);
        (!is_same).then_some(Reason::Data(reply.sequence))
        // ANCHOR_END: step4_objection
    }

    /// Where the request of that number is, if it is remembered.
    fn find(&self, sequence: u16) -> Option<usize> {
        // ANCHOR: step3_find
        // STARTER: let last = self.requests.len().checked_sub(1)?;
        // STARTER: (sequence == self.last_sequence()).then_some(last) // step 3: any of them
        // From 1 for the last request; numbers come round again after 65,535.
        let back = usize::from(self.next.wrapping_sub(sequence));
        let index = self.requests.len().checked_sub(back)?;
        (back > 0).then_some(index)
        // ANCHOR_END: step3_find
    }

    /// Where the oldest request is that still waits.
    fn oldest(&mut self) -> Option<usize> {
        // ANCHOR: step3_oldest
        // STARTER: let last = self.requests.len().checked_sub(1)?;
        // STARTER: (self.requests[last].state == State::Waiting).then_some(last) // step 3: of all
        // What is settled stays settled, so no request is looked at twice.
        while self.requests.get(self.settled)?.state != State::Waiting {
            self.settled += 1;
        }
        Some(self.settled)
        // ANCHOR_END: step3_oldest
    }

    fn give_up(&mut self, index: usize) -> u16 {
        self.requests[index].state = State::Lost;
        let back = self.requests.len() - index; // at most CAPACITY, so it fits
        self.next.wrapping_sub(back as u16)
    }
}

/// What a valid reply is when its request is answered already.
fn repeated(sequence: u16, rtt: Duration) -> Received {
    // ANCHOR: step4_repeated
    // STARTER: Received::Ignored(Reason::Sequence(sequence)) // step 4: say what it is
    Received::Duplicate { sequence, rtt }
    // ANCHOR_END: step4_repeated
}

#[cfg(test)]
mod tests;
