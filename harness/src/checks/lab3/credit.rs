//! Which datagram a reply line is about. The true reply leaves late enough that whoever counted another one in its
//! place shows a time that cannot be.

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
    /// Fails if a line says of this request that it was answered before its reply had left. `mistake` completes "it
    /// counted another datagram:".
    pub fn credited(&self, sequence: u16, mistake: &str) -> Verdict {
        let Some((request, sent)) = self.answer(sequence) else { return Ok(()) };
        let held = sent.at.saturating_duration_since(request.at);
        let is_early =
            |line: &Reply| line.time.value < millis(held.saturating_sub(TICK)) - line.time.rounding;
        let lines = self.printed.replies.iter().filter(|line| line.sequence == u64::from(sequence));
        let Some(line) = lines.into_iter().find(|line| is_early(line)) else { return Ok(()) };
        let expected =
            format!("seq {sequence} is answered by its reply, which left {:.1} ms after it", millis(held));
        let note = match self.taken_for(request, sent, line) {
            Some(other) => format!("it counted {}: {mistake}", self.name(other)),
            None => {
                "its time runs from the send of another request: keep the start of each by its number".into()
            }
        };
        Err(self.failure(expected, format!("time={} ms", line.time.value)).note(note).into())
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

    /// What was counted in place of the true answer `own`: a lie told of the same request, or what had come last when
    /// the line was printed. `None` if the true answer had left by then.
    fn taken_for(&self, request: &Request, own: &Sent, line: &Reply) -> Option<&Sent> {
        let seen = line.seen.unwrap_or(request.at + Duration::from_secs_f64(line.time.value / 1e3));
        let is_lie = |sent: &&Sent| {
            let about = &self.trace.requests[sent.request];
            let is_true = sent.form.counts() && !sent.from_elsewhere;
            !is_true && about.sequence() == request.sequence()
        };
        let last = || self.trace.sent.iter().rev().filter(|sent| sent.at <= seen.min(own.at));
        last().find(is_lie).or_else(|| if seen < own.at { last().next() } else { None })
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
