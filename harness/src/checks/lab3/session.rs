//! One ping from its start to its end, next to what really happened on the wire.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::output::{Printed, Reply};
use crate::check::Role;
use crate::deadline::{load, steady_load};
use crate::fake::echo::{Far, Request, Sent, Trace};
use crate::fake::network::Network;
use crate::subject::{Exit, Running, Status};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Fault, Verdict};

/// What a time that a program prints or keeps may differ from the truth where the program is right: its clock is read
/// a moment before the datagram leaves, or after.
pub const TICK: Duration = Duration::from_micros(500);

/// How much longer than the wire a program may see, because it waits for the processor; twice that or more is a mistake.
const SLACK: Duration = Duration::from_millis(100);

/// Lines of the program's output that a failure shows.
const SHOWN: usize = 12;

/// So many milliseconds.
pub const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// As much longer as this machine is busier than it should be: for what is given to a program as its `-W` or `-i`.
pub fn stretched(span: Duration) -> Duration {
    span.mul_f64(steady_load())
}

/// The command line of a ping.
#[derive(Clone, Debug)]
pub struct Ping {
    pub host: String,
    pub count: u32,
    pub interval: Duration,
    pub timeout: Duration,
    /// `-s`; `None` leaves it out.
    pub size: Option<u32>,
}

impl Ping {
    /// To 127.0.0.1, every 20 ms, waiting a second.
    pub fn new(count: u32) -> Self {
        Ping {
            host: "127.0.0.1".to_owned(),
            count,
            interval: ms(20),
            timeout: stretched(ms(1000)),
            size: None,
        }
    }

    pub fn every(self, interval: Duration) -> Self {
        Ping { interval, ..self }
    }

    /// `-W`, to be [`stretched`] by the caller where something is to be later than that.
    pub fn timeout(self, timeout: Duration) -> Self {
        Ping { timeout, ..self }
    }

    pub fn size(self, octets: u32) -> Self {
        Ping { size: Some(octets), ..self }
    }

    pub fn host(self, host: &str) -> Self {
        Ping { host: host.to_owned(), ..self }
    }

    pub fn arguments(&self, port: u16) -> Vec<OsString> {
        let seconds = |span: Duration| span.as_secs_f64().to_string();
        let mut words = vec![self.host.clone(), "--port".into(), port.to_string()];
        words.extend(["-c".into(), self.count.to_string()]);
        words.extend(["-i".into(), seconds(self.interval), "-W".into(), seconds(self.timeout)]);
        words.extend(self.size.into_iter().flat_map(|size| ["-s".to_owned(), size.to_string()]));
        words.into_iter().map(Into::into).collect()
    }

    /// Starts it towards `addr`.
    pub fn start(&self, t: &mut Trial, addr: SocketAddr) -> Verdict<Arc<Running>> {
        t.scene().restart_clock();
        t.unwatch_all();
        t.run(Role::Ping, self.arguments(addr.port()))
    }

    /// Runs it to its end against a far end behind `network`.
    pub fn through(&self, t: &mut Trial, network: impl Into<Network>) -> Verdict<Ended> {
        let far = Far::start(t.scene(), network)?;
        let running = self.start(t, far.addr())?;
        ended(t, &running, far)
    }
}

/// Waits for the program's end, and puts the trace beside what it printed.
pub fn ended(t: &mut Trial, running: &Arc<Running>, far: Far) -> Verdict<Ended> {
    let exit = wait_exit(t, running);
    let trace = far.finish();
    Ok(Ended { trace, ..ended_alone(t, running, exit?) })
}

/// The same without a far end.
pub fn ended_alone(t: &mut Trial, running: &Arc<Running>, exit: Exit) -> Ended {
    let (printed, stderr) = (Printed::read(&running.stdout()), running.stderr().text());
    // That it ended, as a ping should, explains nothing.
    let explains_nothing = match exit.status {
        Status::Code(0) => true,
        Status::Code(1) => stderr.is_empty(),
        _ => false,
    };
    if explains_nothing {
        t.unwatch(running);
    }
    Ended { started: running.started_at(), exit, printed, stderr, trace: Trace::default() }
}

pub fn wait_exit(t: &Trial, running: &Running) -> Verdict<Exit> {
    t.wait_exit(running, "when every request is answered or given up").explain(|failure| {
        failure.excerpt(last_lines(&Printed::read(&running.stdout()))).note(
            "what does it wait for? A request that was not answered within -W is lost; nobody will say so",
        )
    })
}

/// A ping that has ended.
#[derive(Debug)]
pub struct Ended {
    pub started: Instant,
    pub exit: Exit,
    pub printed: Printed,
    pub stderr: String,
    pub trace: Trace,
}

impl Ended {
    /// A failure that shows what the program printed.
    pub fn failure(&self, expected: impl Into<String>, seen: impl Into<String>) -> Failure {
        Failure::new(expected, seen).excerpt(last_lines(&self.printed))
    }

    pub fn ensure(&self, holds: bool, expected: impl Into<String>, seen: impl Into<String>) -> Verdict {
        if holds { Ok(()) } else { Err(self.failure(expected, seen).into()) }
    }

    pub fn exits(&self, code: i32) -> Verdict {
        let meaning = match code {
            0 => "0, since something was received",
            1 => "1, since nothing was received",
            _ => "2, for any other error",
        };
        self.ensure(
            self.exit.status == Status::Code(code),
            format!("exit status {meaning}"),
            format!("it ended {}", self.exit.status),
        )
    }

    /// The requests on the wire with this sequence number.
    pub fn requests(&self, sequence: u16) -> impl Iterator<Item = &Request> {
        self.trace.requests.iter().filter(move |request| request.sequence() == Some(sequence))
    }

    /// Fails unless the far end was asked with this sequence number: what the network did to it never happened.
    pub fn request(&self, sequence: u16) -> Verdict<&Request> {
        self.requests(sequence).next().ok_or_else(|| {
            self.failure(
                format!("a request with sequence number {sequence}"),
                format!("{} datagrams, none of them that", self.trace.requests.len()),
            )
            .into()
        })
    }

    /// Fails if this request left earlier than `due` after the first. When that was meant to leave only the program
    /// knows, for it may have waited for the processor; it was not before the program's start. It waits for hardly
    /// the whole of `due`, so all requests at once are a mistake in any case.
    pub fn not_hurried(&self, sequence: u16, due: Duration) -> Verdict {
        let at = self.request(sequence)?.at;
        let passed = at.saturating_duration_since(self.started);
        let took = at.saturating_duration_since(self.request(1)?.at);
        self.ensure(
            passed >= due * 9 / 10 && took >= due / 10,
            format!("request {sequence} leaves {:.0} ms after the first", millis(due)),
            format!(
                "{:.0} ms after it, {:.0} ms after your program was started",
                millis(took),
                millis(passed)
            ),
        )
    }

    /// The first datagram that answered this request as it should.
    pub fn answer(&self, sequence: u16) -> Option<(&Request, &Sent)> {
        self.trace
            .sent
            .iter()
            .filter(|sent| sent.form.counts() && !sent.from_elsewhere)
            .map(|sent| (&self.trace.requests[sent.request], sent))
            .find(|(request, _)| request.sequence() == Some(sequence))
    }

    /// The reply lines with this number that are not marked as duplicates.
    pub fn firsts(&self, sequence: u16) -> Vec<&Reply> {
        self.printed.firsts().filter(|reply| reply.sequence == u64::from(sequence)).collect()
    }

    /// The lines marked as duplicates of this number.
    pub fn duplicates(&self, sequence: u16) -> usize {
        self.printed.replies.iter().filter(|r| r.duplicate && r.sequence == u64::from(sequence)).count()
    }

    /// Fails unless this request has its one reply line. Says that the harness could not do its part where the answer
    /// left so late that it may have missed `timeout`.
    pub fn received(&self, sequence: u16, ping: &Ping) -> Verdict<&Reply> {
        self.request(sequence)?;
        let lines = self.firsts(sequence);
        let [line] = lines[..] else {
            if let Some((request, sent)) = self.answer(sequence)
                && sent.at - request.at > ping.timeout * 4 / 5
            {
                return Err(Fault::Broken(format!("the answer to request {sequence} left too late")));
            }
            let seen = match lines.len() {
                0 if self.timed_out(sequence) > 0 => "it is said to have timed out".to_owned(),
                0 => "no such line".to_owned(),
                count => format!("{count} such lines"),
            };
            return Err(self
                .failure(
                    format!("one line `… bytes from …: seq={sequence} time=… ms`: its reply arrived"),
                    seen,
                )
                .into());
        };
        Ok(line)
    }

    /// Fails where a line says that this request is lost, which was answered.
    pub fn not_lost(&self, sequence: u16) -> Verdict {
        let seen = format!("a reply and a timeout, both for seq {sequence}");
        self.ensure(self.timed_out(sequence) == 0, "a request is answered or lost, not both", seen)
    }

    /// The lines that say that this request is lost.
    fn timed_out(&self, sequence: u16) -> usize {
        self.printed.timeouts.iter().filter(|line| line.sequence == u64::from(sequence)).count()
    }

    /// Fails where a line says that this request was answered.
    pub fn unanswered(&self, sequence: u16, why: &str) -> Verdict {
        self.request(sequence)?;
        match self.firsts(sequence).first() {
            None => Ok(()),
            Some(reply) => {
                let seen = format!("a reply to it, time={} ms", reply.time.value);
                Err(self.failure(format!("request {sequence} is lost: {why}"), seen).into())
            }
        }
    }

    /// Fails unless this request has its one timeout line, and no reply line.
    pub fn lost(&self, sequence: u16, why: &str) -> Verdict {
        self.unanswered(sequence, why)?;
        let lines = self.timed_out(sequence);
        let other = self.printed.timeouts.first().map(|line| line.sequence);
        let seen = match (lines, other) {
            (0, Some(other)) => format!("no such line, but one for seq {other}"),
            (0, None) => "no such line".to_owned(),
            _ => format!("{lines} such lines"),
        };
        self.ensure(lines == 1, format!("one line `Request timeout for seq {sequence}`: {why}"), seen)
    }

    /// Fails unless the time of this reply is what the wire says: not below, and not much above.
    pub fn timed(&self, sequence: u16, ping: &Ping) -> Verdict {
        let line = self.received(sequence, ping)?;
        let Some((request, sent)) = self.answer(sequence) else {
            return Err(Fault::Broken(format!("request {sequence} was answered and is not in the trace")));
        };
        let held = sent.at.saturating_duration_since(request.at);
        let least = millis(held.saturating_sub(TICK)) - line.time.rounding;
        let most = millis(held + SLACK.mul_f64(load())) + line.time.rounding;
        let expected = format!(
            "seq {sequence} took at least {:.1} ms: its reply left {:.1} ms after the request came",
            millis(held),
            millis(held)
        );
        let seen = format!("time={} ms", line.time.value);
        if line.time.value < least {
            return Err(self.failure(expected, seen).note(factor(line.time.value, millis(held))).into());
        }
        let expected =
            format!("seq {sequence} took about {:.1} ms, which is when its reply left", millis(held));
        self.ensure(line.time.value <= most, expected, seen).note(factor(line.time.value, millis(held)))
    }
}

pub fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// What a wrong time looks like.
fn factor(printed: f64, right: f64) -> String {
    let ratio = printed / right;
    if (0.0005..0.0021).contains(&ratio) {
        "that looks like seconds where milliseconds are due".to_owned()
    } else if (500.0..2100.0).contains(&ratio) {
        "that looks like microseconds where milliseconds are due".to_owned()
    } else if printed < right {
        "the clock starts just before the send, and stops when the reply has been received".to_owned()
    } else {
        "between the send and the reply nothing else is to be done: no sleep, no print, no look-up".to_owned()
    }
}

fn last_lines(printed: &Printed) -> Vec<String> {
    let lines = &printed.lines;
    let skipped = lines.len().saturating_sub(SHOWN);
    let left_out = (skipped > 0).then(|| format!("… {skipped} lines before"));
    left_out.into_iter().chain(lines[skipped..].iter().map(|line| format!("stdout  {line}"))).collect()
}
