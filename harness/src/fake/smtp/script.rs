//! What a mail server says, as data: the reply at each point of the dialogue, octet for octet.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::fake::latch::Latch;

/// A point of the dialogue at which the server is to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    /// Where the credentials are complete.
    Auth,
    Mail,
    Rcpt,
    Data,
    EndOfData,
    Quit,
}

/// One act of the server.
#[derive(Clone, Debug)]
pub enum Act {
    Send(Vec<u8>),
    /// In the pieces that end at these offsets, each read by the client before the next is sent.
    Pieces(Vec<u8>, Vec<usize>),
    Open(Latch),
    /// Waits until the latch is open.
    Await(Latch),
    /// Says nothing for so long.
    Pause(Duration),
    /// Waits until the client says something, and leaves it unread.
    Hear,
    /// Sends FIN, under TLS after a `close_notify`, then reads until the client closes.
    Close,
    /// Sends FIN and no `close_notify`: as somebody on the way could.
    Cut,
    Reset,
    /// Says nothing more, and reads until the client closes.
    Hold,
}

/// What the server does at one point.
#[derive(Clone, Debug)]
pub struct Reply {
    pub acts: Vec<Act>,
    /// Whether the server goes on as after a success.
    pub accepts: bool,
}

/// A reply of these lines (without the last CRLF), in one piece: `reply("250-mail.example\r\n250 SIZE 1000")`. The
/// first digit says whether it is a success.
pub fn reply(lines: &str) -> Reply {
    Reply::octets(format!("{lines}\r\n"))
}

/// As one line.
pub fn line(code: u16, text: &str) -> Reply {
    reply(&format!("{code} {text}"))
}

impl Reply {
    /// These octets in one piece, whatever they are.
    pub fn octets(octets: impl Into<Vec<u8>>) -> Self {
        let octets = octets.into();
        let last = octets.trim_ascii_end().rsplit(|&octet| octet == b'\n').next().unwrap_or_default();
        let accepts = matches!(last.first(), Some(b'2' | b'3'));
        Reply { acts: vec![Act::Send(octets)], accepts }
    }

    /// No reply but this.
    pub fn act(act: Act) -> Self {
        Reply { acts: vec![act], accepts: false }
    }

    /// And this behind it.
    pub fn then(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }

    /// This first.
    pub fn after(mut self, act: Act) -> Self {
        self.acts.insert(0, act);
        self
    }

    /// Whatever the octets look like.
    pub fn accepting(self, accepts: bool) -> Self {
        Reply { accepts, ..self }
    }
}

/// How the octets of every reply travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// A reply, a segment.
    #[default]
    Whole,
    /// Pieces of so many octets, each read by the client before the next is sent; under TLS a record each.
    Pieces(usize),
    /// A line at a time. Before each the server waits until the client does nothing, and notes what it has said though
    /// it was not its turn.
    Lockstep,
    /// As where commands come in groups (RFC 2920 §3.2): the server reads a group once the client does nothing, and all
    /// its replies leave in one segment. [`Command::behind`](super::Command::behind) tells what came together.
    Grouped,
}

/// The replies that a check wants; what is not here is answered as a friendly server would.
#[derive(Clone, Debug, Default)]
pub struct Script {
    replies: HashMap<Point, VecDeque<Reply>>,
}

impl Script {
    pub fn add(&mut self, point: Point, reply: Reply) {
        self.replies.entry(point).or_default().push_back(reply);
    }

    /// The next reply for this point; the last one stays.
    pub fn next(&mut self, point: Point) -> Option<Reply> {
        let replies = self.replies.get_mut(&point)?;
        if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
    }
}
