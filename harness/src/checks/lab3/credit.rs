//! Which datagram a reply line is about. The true reply leaves late enough that whoever counts another one in its place
//! prints the line too early, or a time that cannot be, or has a duplicate where there was none.

use std::time::{Duration, Instant};

use super::output::Reply;
use super::session::{Ended, Ping, TICK, millis};
use crate::fake::echo::{Request, Sent};
use crate::fake::network::Form;
use crate::verdict::Verdict;

/// Said where a datagram that is no reply has ended the wait for one.
pub const KEEP_WAITING: &str =
    "a datagram that is no reply leaves the request waiting: receive again, for what is left of -W";

impl Ended {
    /// Fails if another datagram than its reply was counted for this request: the line was printed before that had
    /// left. `mistake` completes "it counted another datagram:".
    pub fn credited(&self, sequence: u16, mistake: &str) -> Verdict {
        let Some(request) = self.requests(sequence).next() else { return Ok(()) };
        let own = self.answer(sequence).map(|(_, sent)| sent.at);
        let is_early = |line: &&Reply| own.is_none_or(|own| printed(line, request) < own);
        let Some(line) = self.lines(sequence).find(is_early) else { return Ok(()) };
        let left = own.map_or("had not left when your program ended".to_owned(), |own| {
            format!("left {:.1} ms after it", millis(own.saturating_duration_since(request.at)))
        });
        let expected = format!("nothing counts for seq {sequence} but its own reply, which {left}");
        let failure = self.failure(expected, format!("time={} ms", line.time.value));
        let counted = self.last_before(printed(line, request), sequence);
        let note = counted.map(|other| format!("it counted {}: {mistake}", self.name(other)));
        Err(failure.note(note.unwrap_or(mistake.to_owned())).into())
    }

    /// Fails also if the time of a line is less than its reply was held back.
    pub fn credited_in_time(&self, sequence: u16, mistake: &str) -> Verdict {
        self.credited(sequence, mistake)?;
        let Some((request, own)) = self.answer(sequence) else { return Ok(()) };
        let held = own.at.saturating_duration_since(request.at);
        let least = |line: &Reply| millis(held.saturating_sub(TICK)) - line.time.rounding;
        let Some(line) = self.lines(sequence).find(|line| line.time.value < least(line)) else {
            return Ok(());
        };
        let expected =
            format!("seq {sequence} took at least {:.1} ms: its reply left so long after it", millis(held));
        let failure = self.failure(expected, format!("time={} ms", line.time.value));
        Err(failure
            .note("its time runs from the send of another request: keep the start of each by its number")
            .into())
    }

    /// Fails where a line is about a request that was never sent, or says that a reply came twice.
    pub fn nothing_made_up(&self, ping: &Ping, mistake: &str) -> Verdict {
        let unknown = |line: &&Reply| !(1..=u64::from(ping.count)).contains(&line.sequence);
        if let Some(line) = self.printed.replies.iter().find(unknown) {
            let seen = format!("a reply to seq {}", line.sequence);
            let expected = format!("replies to 1 to {}, which were sent", ping.count);
            return Err(self.failure(expected, seen).note(mistake).into());
        }
        match self.printed.replies.iter().find(|line| line.duplicate) {
            None => Ok(()),
            Some(line) => {
                let seen = format!("seq {} marked as a duplicate", line.sequence);
                let expected = "no duplicates: no valid reply came twice";
                Err(self.failure(expected, seen).note(mistake).into())
            }
        }
    }

    fn lines(&self, sequence: u16) -> impl Iterator<Item = &Reply> {
        self.printed.replies.iter().filter(move |line| line.sequence == u64::from(sequence))
    }

    /// The last datagram that had left at that moment: for this request, if there is one.
    fn last_before(&self, moment: Instant, sequence: u16) -> Option<&Sent> {
        let is_for_it = |sent: &&Sent| self.trace.requests[sent.request].sequence() == Some(sequence);
        let last = || self.trace.sent.iter().rev().filter(|sent| sent.at <= moment);
        last().find(is_for_it).or_else(|| last().next())
    }

    fn name(&self, sent: &Sent) -> String {
        let number = self.trace.requests[sent.request].sequence().unwrap_or_default();
        let elsewhere = if sent.from_elsewhere { ", from another port" } else { "" };
        match sent.form {
            Form::Reply => format!("the reply to request {number}{elsewhere}"),
            _ => format!("what came for request {number}{elsewhere}, {}", sent.form.describe()),
        }
    }
}

/// When this line about that request was printed, as far as that is known.
fn printed(line: &Reply, request: &Request) -> Instant {
    line.seen.unwrap_or(request.at + Duration::from_secs_f64(line.time.value / 1e3))
}
