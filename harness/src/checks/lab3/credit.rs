//! Which datagram a reply line is about. The true reply leaves late enough that whoever counts another one in its place
//! prints the line too early, or a time that cannot be, or has a duplicate where there was none.

use std::time::Duration;

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
        let Some((request, own)) = self.answer(sequence) else { return Ok(()) };
        let taken = |line| Some((line, self.taken_for(request, own, line)?));
        let Some((line, other)) = self.lines(sequence).find_map(taken) else { return Ok(()) };
        let held = millis(own.at.saturating_duration_since(request.at));
        let expected =
            format!("nothing counts for seq {sequence} but its own reply, which left {held:.1} ms after it");
        let failure = self.failure(expected, format!("time={} ms", line.time.value));
        Err(failure.note(format!("it counted {}: {mistake}", self.name(other))).into())
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

    /// What was counted in place of the true answer `own`, which had not left when the line was printed: a lie told of
    /// the same request, or what had come last.
    fn taken_for(&self, request: &Request, own: &Sent, line: &Reply) -> Option<&Sent> {
        let seen = line.seen.unwrap_or(request.at + Duration::from_secs_f64(line.time.value / 1e3));
        if seen >= own.at {
            return None;
        }
        let is_for_it = |sent: &&Sent| self.trace.requests[sent.request].sequence() == request.sequence();
        let last = || self.trace.sent.iter().rev().filter(|sent| sent.at <= seen);
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
