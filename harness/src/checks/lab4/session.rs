//! One run of the program under test, next to what the server was told.

use std::sync::Arc;
use std::time::Duration;

use super::letter::Letter;
use crate::deadline::load;
use crate::fake::smtp::{Command, Mail, Session, Smtp};
use crate::subject::{Exit, Running, Status};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, fail};
use crate::wire::mail::{self as message, Message};
use crate::wire::{SyntaxError, difference};

/// How much longer than on a machine of its own a program may take to start, and to end.
const SLACK: Duration = Duration::from_secs(3);

/// Lines of stderr that a failure shows.
const SHOWN: usize = 6;

/// Waits for the program's end, and then for the server's.
pub fn ended(t: &mut Trial, running: &Arc<Running>, server: Smtp) -> Verdict<Ended> {
    let exit = wait_exit(t, running);
    let sessions = server.finish()?;
    Ok(Ended { sessions, ..ended_alone(t, running, exit?) })
}

/// The same without a server.
pub fn ended_alone(t: &mut Trial, running: &Arc<Running>, exit: Exit) -> Ended {
    let (stdout, stderr) = (running.stdout().text(), running.stderr().text());
    if exit.status.success() && stderr.is_empty() {
        t.unwatch(running);
    }
    Ended { exit, stdout, stderr, sessions: Vec::new() }
}

pub fn wait_exit(t: &Trial, running: &Running) -> Verdict<Exit> {
    t.wait_exit(running, "when the mail is sent or cannot be")
        .note("the last step above is where the two wait for each other: whose turn is it?")
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    pub exit: Exit,
    pub stdout: String,
    pub stderr: String,
    /// One a connection.
    pub sessions: Vec<Session>,
}

impl Ended {
    /// Fails unless the exit status is one of these.
    pub fn exits(&self, codes: &[i32], why: &str) -> Verdict {
        if codes.iter().any(|&code| self.exit.status == Status::Code(code)) {
            return Ok(());
        }
        let codes: Vec<String> = codes.iter().map(i32::to_string).collect();
        Err(self
            .failure(
                format!("exit status {}: {why}", codes.join(" or ")),
                format!("it ended {}", self.exit.status),
            )
            .into())
    }

    /// It ended with 75 when `--timeout` was over and not long after: to say QUIT in vain may take another.
    pub fn given_up_after(&self, timeout: Duration, why: &str) -> Verdict {
        self.exits(&[75], why)?;
        let (after, limit) = (self.exit.after, timeout * 2 + SLACK.mul_f64(load()));
        self.ensure(
            timeout <= after && after <= limit,
            format!("an end after {:.2} s, which is --timeout: {why}", timeout.as_secs_f64()),
            format!("it ended after {:.2} s", after.as_secs_f64()),
        )
    }

    /// A failure that shows what the program said.
    pub fn failure(&self, expected: impl Into<String>, seen: impl Into<String>) -> Failure {
        let lines: Vec<&str> = self.stderr.lines().collect();
        let last = &lines[lines.len().saturating_sub(SHOWN)..];
        Failure::new(expected, seen).excerpt(last.iter().map(|line| format!("stderr  {line}")))
    }

    pub fn ensure(&self, holds: bool, expected: impl Into<String>, seen: impl Into<String>) -> Verdict {
        if holds { Ok(()) } else { Err(self.failure(expected, seen).into()) }
    }

    /// The one connection.
    pub fn session(&self) -> Verdict<&Session> {
        match &self.sessions[..] {
            [session] => Ok(session),
            [] => Err(self.failure("a connection to the server", "none came").into()),
            more => Err(self
                .failure("one connection to the server", format!("{} connections", more.len()))
                .into()),
        }
    }

    /// The one mail that came whole.
    pub fn mail(&self) -> Verdict<&Mail> {
        let session = self.session()?;
        let whole: Vec<&Mail> = session.mails.iter().filter(|mail| mail.whole).collect();
        match whole[..] {
            [mail] => Ok(mail),
            [] => Err(self.no_mail_because(session).into()),
            _ => fail("one mail", format!("{} mails on one connection", whole.len())),
        }
    }

    /// Why there is no mail, as far as the server can tell.
    fn no_mail_because(&self, session: &Session) -> Failure {
        let expected = "the whole mail, up to a line with a dot alone";
        if let Some(fault) = session.faults.first() {
            let before = fault.failure.clone();
            return self
                .failure(before.expected, before.seen)
                .excerpt(before.excerpt)
                .rule(before.rule.unwrap_or_default())
                .note("the server refused that, and no mail came");
        }
        if let Some(Err(why)) = &session.handshake {
            return self.failure(expected, format!("none: the TLS handshake failed: {why}"));
        }
        if session.mails.iter().any(|mail| !mail.wire.is_empty()) {
            return self.failure(expected, "the beginning of one, and no end of data");
        }
        match session.commands.last() {
            Some(command) => self.failure(expected, format!("the last that came was {:?}", command.line)),
            None => self.failure(expected, "not one command came"),
        }
    }

    /// Fails if a command with this verb came.
    pub fn never(&self, verb: &str, why: &str) -> Verdict {
        let came = self.commands().find(|command| command.verb() == verb);
        came.map_or(Ok(()), |command| {
            Err(self.failure(format!("no {verb}: {why}"), format!("{:?}", command.line)).into())
        })
    }

    /// Fails if the server was told anything. Whether it was connected to is free.
    pub fn said_nothing(&self, why: &str) -> Verdict {
        let command = self.commands().next().map(|command| format!("{:?}", command.line));
        let stray = self.sessions.iter().find(|session| !session.strays.is_empty());
        let said = command.or_else(|| stray.map(|session| format!("{} octets", session.strays.len())));
        said.map_or(Ok(()), |said| Err(self.failure(format!("nothing is sent: {why}"), said).into()))
    }

    /// Fails if a server that was not to be trusted was given credentials or a mail.
    pub fn nothing_given_away(&self, why: &str) -> Verdict {
        self.never("AUTH", why)?;
        self.never("MAIL", why)
    }

    /// Every command of every connection.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.sessions.iter().flat_map(|session| &session.commands)
    }

    /// Accepted for every recipient: the mail is whole, has these recipients, and the exit status is 0.
    pub fn delivered(&self, letter: &Letter) -> Verdict<&Mail> {
        let mail = self.mail()?;
        let mut expected: Vec<&str> = letter.recipients().map(String::as_str).collect();
        let mut seen: Vec<&str> = mail.recipients.iter().map(String::as_str).collect();
        for list in [&mut expected, &mut seen] {
            list.sort_unstable();
            list.dedup();
        }
        if expected != seen || mail.from != letter.from {
            return fail(
                format!("a mail from {} to {}", letter.from, expected.join(", ")),
                format!("one from {} to {}", mail.from, seen.join(", ")),
            );
        }
        self.exits(&[0], "the server has taken the mail for every recipient")?;
        Ok(mail)
    }
}

/// The mail as the strict parser reads it.
pub fn read(mail: &Mail) -> Verdict<Message> {
    message::parse(&mail.content).map_err(|error| message::failure(&mail.content, &error).into())
}

/// What the strict parser says, as a failure that shows where.
pub fn syntax<T>(mail: &Mail, read: Result<T, SyntaxError>) -> Verdict<T> {
    read.map_err(|error| message::failure(&mail.content, &error).into())
}

/// The mail's text, decoded: its first leaf.
pub fn text_of(mail: &Mail) -> Verdict<String> {
    let message = read(mail)?;
    let leaves = message.entity.leaves();
    let Some(leaf) = leaves.first() else { return fail("a text", "a multipart without a part") };
    syntax(mail, leaf.text())
}

/// Fails unless the mail's text is the letter's, up to its last line end.
pub fn text_is(mail: &Mail, text: &str) -> Verdict {
    let seen = text_of(mail)?;
    let lines = |text: &str| text.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
    same_text(&lines(text), &lines(&seen))
}

/// Fails unless they are equal, and says how they differ.
pub fn same_text(expected: &str, seen: &str) -> Verdict {
    if expected == seen {
        return Ok(());
    }
    let difference = difference::describe(expected.as_bytes(), seen.as_bytes());
    let (first, more) = difference.split_once('\n').unwrap_or((&difference, ""));
    Err(Failure::new("the text that was to be sent, once it is decoded", first).excerpt(more.lines()).into())
}
