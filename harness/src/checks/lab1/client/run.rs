//! Runs the client under test to its end, and looks at what it left.

use std::ffi::OsString;

use crate::check::Role;
use crate::fake::origin::Origin;
use crate::subject::Status;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure, fail};
use crate::wire::difference;

/// How the client ended, and what it had printed.
pub struct Ended {
    status: Status,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    by_hand: String,
}

/// Asks `origin` for `path`, as `web-client METHOD HOST PORT PATH`.
pub fn ask(t: &mut Trial, origin: &Origin, method: &str, path: &str) -> Verdict<Ended> {
    let addr = origin.addr();
    run(t, &[method, &addr.ip().to_string(), &addr.port().to_string(), path])
}

/// Runs the client to its end. Each run has the check's whole patience.
pub fn run(t: &mut Trial, arguments: &[&str]) -> Verdict<Ended> {
    t.scene().restart_clock();
    t.unwatch_all();
    let running = t.run(Role::Client, arguments.iter().map(OsString::from).collect())?;
    let Some(exit) = running.wait_exit(t.deadline()) else {
        let waited = t.scene().patience().as_secs_f64();
        return Err(Failure::new("your client ends by itself", format!("it still runs after {waited:.1} s"))
            .note(
                "what does it wait for? A server may keep the connection open after its answer: the head says \
                 where the answer ends",
            )
            .silent()
            .into());
    };
    t.step(format!("your program ended {}", exit.status));
    let by_hand = arguments.iter().enumerate().map(|(at, word)| if at == 2 { "8080" } else { word });
    let by_hand = shlex::try_join(by_hand).unwrap_or_else(|_| arguments.join(" "));
    Ok(Ended {
        status: exit.status,
        stdout: running.stdout().head().to_vec(),
        stderr: running.stderr().head().to_vec(),
        by_hand: format!("web-client {by_hand}; echo $?"),
    })
}

impl Ended {
    /// Fails unless it ended with this status; `what` it was given is part of the failure.
    pub fn exits(&self, code: i32, what: &str) -> Verdict {
        let meaning = match code {
            0 => "0, for a whole answer of 2xx or 3xx",
            1 => "1, for a whole answer of 4xx or 5xx",
            _ => "2, for an error of usage, network or protocol",
        };
        let seen = format!("it ended {}", self.status);
        ensure(self.status == Status::Code(code), format!("exit status {meaning}; here: {what}"), seen)
            .by_hand(&self.by_hand)
    }

    /// Fails unless stdout holds `body`, octet for octet.
    pub fn prints(&self, body: &[u8], what: &str) -> Verdict {
        if self.stdout == body {
            return Ok(());
        }
        let expected = match body.len() {
            0 => format!("nothing on stdout; here: {what}"),
            octets => format!("{octets} octets on stdout, the body; here: {what}"),
        };
        // Whoever gives up says why: where the octets differ is then of no interest.
        if !matches!(self.status, Status::Code(0 | 1)) {
            let seen = format!("{} octets on stdout, and it ended {}", self.stdout.len(), self.status);
            return fail(expected, seen).by_hand(&self.by_hand);
        }
        if self.stdout.is_empty() {
            return fail(expected, "nothing on stdout").by_hand(&self.by_hand);
        }
        let difference = difference::describe(body, &self.stdout);
        let mut lines = difference.lines();
        let failure = Failure::new(expected, lines.next().unwrap_or_default());
        Err(lines.fold(failure, Failure::note).into())
    }

    /// Fails unless one line on stderr holds all of `words`, in any case.
    pub fn shows(&self, words: &[&str], what: &str) -> Verdict {
        let stderr = String::from_utf8_lossy(&self.stderr).to_ascii_lowercase();
        if stderr.lines().any(|line| words.iter().all(|word| line.contains(&word.to_ascii_lowercase()))) {
            return Ok(());
        }
        let seen = match stderr.lines().count() {
            0 => "nothing on stderr".to_owned(),
            lines => format!("{lines} lines on stderr, none of them with it"),
        };
        fail(format!("{what} on stderr"), seen)
    }
}
