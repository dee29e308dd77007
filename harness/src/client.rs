//! Plays an HTTP client: requests exact to the octet, responses read by the judge's own strict parser.
//!
//! What goes wrong on the way becomes a failure in words: which octet broke which rule, what is still
//! missing, what a FIN or an RST at this point means.

mod request;

pub use request::Request;

use std::net::SocketAddr;
use std::time::Duration;

use crate::deadline::{Deadline, poll_until};
use crate::scene::Scene;
use crate::stream::{Arrival, Sent, Stream};
use crate::sys;
use crate::verdict::{Failure, Fault, Verdict, fail};
use crate::wire::http::SyntaxError;
use crate::wire::http::message::{Progress, Response, read_response};
use crate::wire::{bytes, difference};

/// Columns an excerpt may take.
const EXCERPT: usize = 66;

/// A connection to an HTTP server under test.
#[derive(Debug)]
pub struct Conn {
    stream: Stream,
    /// Received and not yet part of a response.
    buffer: Vec<u8>,
    /// How the peer ended its direction.
    end: Option<Arrival>,
    /// Whether the peer refused some of what was written.
    refused: bool,
    responses: usize,
}

impl Conn {
    pub fn open(scene: &Scene, peer: SocketAddr) -> Verdict<Conn> {
        Ok(Conn::over(Stream::connect(scene, peer, "client")?))
    }

    /// With a receive buffer of about `octets`, so that a large answer cannot be sent before it is read.
    pub fn open_small(scene: &Scene, peer: SocketAddr, octets: usize) -> Verdict<Conn> {
        Ok(Conn::over(Stream::connect_with(scene, peer, "client", Some(octets))?))
    }

    /// Over a stream that is there already.
    pub fn over(stream: Stream) -> Conn {
        Conn { stream, buffer: Vec::new(), end: None, refused: false, responses: 0 }
    }

    /// The same connection once more, to write to while this one is read.
    pub fn another(&self) -> Verdict<Stream> {
        self.stream.another()
    }

    pub fn scene(&self) -> &Scene {
        self.stream.scene()
    }

    /// Our address and the peer's.
    pub fn addresses(&self) -> Verdict<(SocketAddr, SocketAddr)> {
        self.stream.addresses()
    }

    /// Writes in one piece. A peer that has already closed is found out by the next read.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) -> Verdict {
        self.refused |= self.stream.send(octets.as_ref())? == Sent::Refused;
        Ok(())
    }

    /// Writes in the pieces that end at `cuts`, each read by the server before the next is sent.
    pub fn send_pieces(&mut self, octets: impl AsRef<[u8]>, cuts: &[usize]) -> Verdict {
        self.refused |= self.stream.send_pieces(octets.as_ref(), cuts)? == Sent::Refused;
        Ok(())
    }

    /// Waits until the server has read all that was sent.
    pub fn wait_drained(&self) -> Verdict<bool> {
        self.stream.wait_drained()
    }

    /// Waits until nothing moves: what this end takes without reading has come, and the server can write no more
    /// or has no more to write. Where the system cannot be asked, it does not wait.
    pub fn wait_until_stuck(&self) -> Verdict {
        const LOOKS: usize = 8;
        let (ours, theirs) = self.addresses()?;
        let (mut before, mut same) = ((0, 0), 0);
        poll_until(self.scene().deadline(), || {
            let (Ok(Some(here)), Ok(Some(there))) =
                (sys::tcp_socket(ours, theirs), sys::tcp_socket(theirs, ours))
            else {
                return Some(());
            };
            let queues = (here.receive_queue, there.send_queue);
            same = if queues == before && here.receive_queue > 0 { same + 1 } else { 0 };
            before = queues;
            (same == LOOKS).then_some(())
        });
        Ok(())
    }

    /// Sends FIN and goes on reading.
    pub fn half_close(&mut self) {
        self.stream.half_close();
    }

    /// Ends the connection with RST.
    pub fn reset(self) -> Verdict {
        self.stream.reset()
    }

    /// One request and its response.
    pub fn ask(&mut self, request: &Request) -> Verdict<Response> {
        self.send(request.octets())?;
        self.response(request.method())
    }

    /// The next whole response, of a request with this method.
    pub fn response(&mut self, method: &str) -> Verdict<Response> {
        let response = self.await_response(method)?;
        self.buffer.drain(..response.consumed);
        Ok(response)
    }

    /// The next whole response, octet for octet.
    pub fn response_octets(&mut self, method: &str) -> Verdict<Vec<u8>> {
        let response = self.await_response(method)?;
        Ok(self.buffer.drain(..response.consumed).collect())
    }

    /// Reads until the buffer holds a whole response.
    fn await_response(&mut self, method: &str) -> Verdict<Response> {
        loop {
            let ended = self.end.is_some();
            match read_response(&self.buffer, method, ended) {
                Ok(Progress::Complete(response)) => {
                    self.responses += 1;
                    return Ok(response);
                }
                Ok(Progress::NeedMore(missing) | Progress::Truncated(missing)) => {
                    if ended {
                        return Err(self.ended_early(&missing));
                    }
                    if self.read_on(self.turn())? == Arrival::Silence {
                        return Err(self.silence(&missing));
                    }
                }
                Err(error) => return Err(syntax_failure(&self.buffer, &error)),
            }
        }
    }

    /// The next whole response, or `None` where the connection ends without another octet.
    pub fn response_or_end(&mut self, method: &str) -> Verdict<Option<Response>> {
        while self.buffer.is_empty() {
            if self.end.is_some() {
                return Ok(None);
            }
            if self.read_on(self.turn())? == Arrival::Silence {
                return Err(self.silence("no octet of the response has come"));
            }
        }
        self.response(method).map(Some)
    }

    /// The head of the next response, without waiting for its body.
    pub fn wait_for_octets(&mut self, count: usize) -> Verdict {
        while self.buffer.len() < count {
            if self.end.is_some() {
                return Err(self.ended_early(&format!("{} of {count} octets came", self.buffer.len())));
            }
            if self.read_on(self.turn())? == Arrival::Silence {
                return Err(self.silence(&format!("{} of {count} octets came", self.buffer.len())));
            }
        }
        Ok(())
    }

    /// The next octets, whatever they are.
    pub fn take(&mut self, count: usize) -> Verdict<Vec<u8>> {
        self.wait_for_octets(count)?;
        Ok(self.buffer.drain(..count).collect())
    }

    /// Received and not yet part of a response.
    pub fn pending(&self) -> &[u8] {
        &self.buffer
    }

    /// Whether the server has closed its direction, as far as has been read.
    pub fn ended(&self) -> bool {
        self.end.is_some()
    }

    /// Everything up to the end of the connection, and how it ended.
    pub fn rest(&mut self) -> Verdict<(Vec<u8>, Arrival)> {
        loop {
            if let Some(end) = self.end {
                return Ok((std::mem::take(&mut self.buffer), end));
            }
            if self.read_on(self.turn())? == Arrival::Silence {
                return fail_open(self.scene().silence());
            }
        }
    }

    /// Nothing more comes, and the server closes the connection (FIN or RST) before the deadline.
    pub fn expect_close(&mut self) -> Verdict {
        let (rest, _) = self.rest()?;
        if rest.is_empty() {
            return Ok(());
        }
        let (line, carets) = bytes::excerpt(&rest, 0, rest.len().min(16), EXCERPT);
        Err(Failure::new("nothing after the response but the close", format!("{} more octets", rest.len()))
            .excerpt([line, carets])
            .into())
    }

    /// Whether the server has closed within `wait`; octets that come meanwhile stay pending.
    pub fn closes_within(&mut self, wait: Duration) -> Verdict<bool> {
        let deadline = Deadline::after(wait);
        while self.end.is_none() {
            if self.read_on(deadline)? == Arrival::Silence {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// When it is the server's turn: until then something must come.
    fn turn(&self) -> Deadline {
        self.scene().deadline().earlier(self.scene().silence())
    }

    fn read_on(&mut self, deadline: Deadline) -> Verdict<Arrival> {
        let arrival = self.stream.receive(&mut self.buffer, deadline)?;
        if matches!(arrival, Arrival::Fin | Arrival::Reset) {
            self.end = Some(arrival);
        }
        Ok(arrival)
    }

    fn silence(&self, missing: &str) -> Fault {
        let waited = self.scene().silence().as_secs_f64();
        let failure = if self.buffer.is_empty() {
            Failure::new(self.expected(), format!("nothing within {waited:.1} s"))
        } else {
            self.cut_short(format!(
                "{} octets, then nothing more within {waited:.1} s: {missing}",
                self.buffer.len()
            ))
        };
        failure.silent().into()
    }

    fn ended_early(&self, missing: &str) -> Fault {
        let reset = self.end == Some(Arrival::Reset);
        let how = if reset { "the connection was reset (RST)" } else { "the connection was closed (FIN)" };
        let failure = if self.buffer.is_empty() {
            Failure::new(self.expected(), format!("{how} without an answer"))
        } else {
            self.cut_short(format!("{} octets, then {how}: {missing}", self.buffer.len()))
        };
        let failure = if reset && self.buffer.is_empty() && self.responses > 0 {
            failure.note(
                "your program had closed the connection after the response before, or died: to what arrives \
                 then the kernel answers with RST",
            )
        } else if reset {
            failure.note(
                "an RST instead of a FIN: your program died, or closed a socket with unread data in its \
                 receive buffer; the kernel then sends RST, and what you had sent may be lost on the way",
            )
        } else if self.refused {
            failure.note("it closed before it had read the whole request")
        } else {
            failure
        };
        failure.into()
    }

    fn expected(&self) -> String {
        match self.responses {
            0 => "a whole response".to_owned(),
            1 => "a whole second response on the same connection".to_owned(),
            n => format!("a whole response, after the {n} before on the same connection"),
        }
    }

    fn cut_short(&self, seen: String) -> Failure {
        let end = self.buffer.len();
        let (line, _) = bytes::excerpt(&self.buffer, end.saturating_sub(1), 1, EXCERPT);
        Failure::new(self.expected(), seen).excerpt([line])
    }
}

fn fail_open<T>(silence: Duration) -> Verdict<T> {
    Err(Failure::new(
        "the connection is closed",
        format!("it is still open after {:.1} s", silence.as_secs_f64()),
    )
    .silent()
    .into())
}

/// The octet that broke the rule, with a caret under it.
pub fn syntax_failure(octets: &[u8], error: &SyntaxError) -> Fault {
    error.failure(octets, "a well-formed message").into()
}

/// Fails unless `response` has this status.
pub fn expect_status(response: &Response, status: u16) -> Verdict {
    expect_status_in(response, &[status])
}

/// Fails unless `response` has one of these statuses.
pub fn expect_status_in(response: &Response, statuses: &[u16]) -> Verdict {
    if statuses.contains(&response.head.status) {
        return Ok(());
    }
    let wanted = statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let wanted =
        wanted.rfind(", ").map_or(wanted.clone(), |at| format!("{} or {}", &wanted[..at], &wanted[at + 2..]));
    fail(format!("status {wanted}"), format!("status {}", response.head.status))
}

/// Fails unless the body is exactly these octets.
pub fn expect_body(response: &Response, expected: &[u8], whose: &str) -> Verdict {
    if response.body == expected {
        return Ok(());
    }
    let difference = difference::describe(expected, &response.body);
    let (seen, more) = difference.split_once('\n').unwrap_or((&difference, ""));
    let failure = Failure::new(format!("{whose}, {} octets", expected.len()), seen);
    Err(match more.lines().count() {
        0 => failure,
        1 => failure.note(more),
        _ => failure.excerpt(more.lines()),
    }
    .into())
}

#[cfg(test)]
mod tests;
