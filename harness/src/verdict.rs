//! How a check ends: it returns `Ok(())`, or a [`Fault`] that says whose fault it was.
//!
//! That the student's program failed and that the harness failed are two different outcomes and never mix.

use serde::{Deserialize, Serialize};

/// What a check's function returns.
pub type Verdict<T = ()> = Result<T, Fault>;

/// Why a check did not pass.
#[derive(Debug)]
pub enum Fault {
    /// The program under test did something wrong.
    Failed(Box<Failure>),
    /// The harness could not do its part; never the student's fault.
    Broken(String),
    /// There was nothing to try: a role that is not provided, a platform that cannot show it.
    Skipped(String),
}

/// What was expected and what was seen, in words that teach. The steps that led there are the journal's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Completes "expected …": `256 octets, the file as it is on disk`.
    pub expected: String,
    /// Completes "seen …": `384 octets; the first that differs is octet 128`.
    pub seen: String,
    /// Lines under `seen`, as they are: an excerpt, then carets under the offending octets.
    pub excerpt: Vec<String>,
    /// Further readings: what the TCP stack did and why, a likely cause.
    pub notes: Vec<String>,
    /// The rule that was broken, where it is another than the check's own.
    pub rule: Option<String>,
    /// The same by hand, for a shell: `curl -sI http://127.0.0.1:8080/`.
    pub by_hand: Option<String>,
    /// Nothing came before the deadline: a slow machine could be the cause, so the rerun may wait longer.
    pub silent: bool,
}

impl Failure {
    pub fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Failure { expected: expected.into(), seen: seen.into(), ..Failure::default() }
    }

    pub fn excerpt<S: Into<String>>(mut self, lines: impl IntoIterator<Item = S>) -> Self {
        self.excerpt.extend(lines.into_iter().map(Into::into));
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    pub fn by_hand(mut self, command: impl Into<String>) -> Self {
        self.by_hand = Some(command.into());
        self
    }

    /// Everything in it that a person reads.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.expected, &mut self.seen]
            .into_iter()
            .chain(&mut self.excerpt)
            .chain(&mut self.notes)
            .chain(&mut self.rule)
            .chain(&mut self.by_hand)
    }

    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Fault::Failed(Box::new(failure))
    }
}

/// Ends a check: `return fail("a 404", format!("a {status}"))`.
pub fn fail<T>(expected: impl Into<String>, seen: impl Into<String>) -> Verdict<T> {
    Err(Failure::new(expected, seen).into())
}

/// Fails unless `holds`.
pub fn ensure(holds: bool, expected: impl Into<String>, seen: impl Into<String>) -> Verdict {
    if holds { Ok(()) } else { fail(expected, seen) }
}

/// Adds to a failure on its way up, and leaves every other fault as it is.
pub trait Explain: Sized {
    fn explain(self, add: impl FnOnce(Failure) -> Failure) -> Self;

    fn note(self, note: impl Into<String>) -> Self {
        self.explain(|failure| failure.note(note))
    }

    fn by_hand(self, command: impl Into<String>) -> Self {
        self.explain(|failure| failure.by_hand(command))
    }
}

impl<T> Explain for Verdict<T> {
    fn explain(self, add: impl FnOnce(Failure) -> Failure) -> Self {
        self.map_err(|fault| match fault {
            Fault::Failed(failure) => Fault::Failed(Box::new(add(*failure))),
            other => other,
        })
    }
}
