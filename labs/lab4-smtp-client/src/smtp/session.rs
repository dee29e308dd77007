//! Plays the table of `machine` over a connection: turns what comes into rows, and rows into deeds.

use std::io::{self, ErrorKind};
use std::mem;

use super::capabilities::Capabilities;
use super::commands::Task;
use super::dots::Stuffer;
use super::machine::{self, Action, Came, Command, State};
use super::reply::{Malformed, Replies, Reply};
use crate::error::{Answer, Error, NO_USER, OK, Refusal};
use crate::tls;
use crate::transport::Transport;

/// Octets that are sent at a time.
const WRITE: usize = 128 * 1024;

/// Of a group of commands that is sent at once (RFC 2920 §3.1): were it longer than what the
/// connection takes, each side could wait for the other to read.
const GROUP: usize = 4096;

/// The mail is the server's now.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Who will not get it.
    pub refused: Vec<Refusal>,
}

impl Receipt {
    pub fn exit_status(&self) -> u8 {
        match self.refused.is_empty() {
            true => OK,
            false => NO_USER,
        }
    }
}

/// Plays the dialogue from the greeting to the end.
pub fn play(transport: &mut impl Transport, task: &Task) -> Result<Receipt, Error> {
    todo!("step 1: play")
}

/// What the machine moves on.
#[derive(Debug)]
enum Event {
    Reply(Reply),
    /// The answer to a state's question.
    Case(Came),
    Lost(Error),
}

impl Event {
    fn came(&self) -> Came {
        match self {
            Event::Reply(reply) => Came::with(reply.code),
            Event::Case(came) => *came,
            Event::Lost(_) => Came::Lost,
        }
    }
}

struct Session<'a, T> {
    transport: &'a mut T,
    task: &'a Task<'a>,
    replies: Replies,
    capabilities: Capabilities,
    is_secure: bool,
    /// Recipients whose reply has come.
    answered: usize,
    refused: Vec<Refusal>,
    /// Commands of a group that are sent, counted from `MAIL`.
    sent: usize,
    /// And those whose reply is read.
    heard: usize,
    is_delivered: bool,
    /// The first.
    failure: Option<Error>,
}

impl<'a, T: Transport> Session<'a, T> {
    fn new(transport: &'a mut T, task: &'a Task<'a>) -> Session<'a, T> {
        Session {
            transport,
            task,
            replies: Replies::default(),
            capabilities: Capabilities::default(),
            is_secure: false,
            answered: 0,
            refused: Vec::new(),
            sent: 0,
            heard: 0,
            is_delivered: false,
            failure: None,
        }
    }

    /// What has become of the mail.
    fn end(self) -> Result<Receipt, Error> {
        match self.failure {
            _ if self.is_delivered => Ok(Receipt {
                refused: self.refused,
            }),
            Some(error) => Err(error),
            None => Err(Error::Protocol("it ended before the mail was sent".into())),
        }
    }

    /// What comes in this state: a reply, or the answer to its question.
    fn event(&mut self, state: State) -> Event {
        match state {
            State::Hello | State::Leave => Event::Case(Came::Always),
            State::ChooseTls => Event::Case(self.tls_case()),
            State::ChooseAuth => Event::Case(self.auth_case()),
            State::ChooseMail => Event::Case(self.mail_case()),
            State::ChooseRcpt | State::GroupNext => Event::Case(self.recipient_case()),
            State::GroupContent => Event::Case(self.content_case()),
            State::GroupMail | State::GroupRcpt | State::GroupData => self
                .group_reply(state)
                .map_or_else(Event::Lost, Event::Reply),
            _ => self.reply(state).map_or_else(Event::Lost, Event::Reply),
        }
    }

    fn tls_case(&self) -> Came {
        Came::NotDue // step 7: unless it is needed
    }

    fn auth_case(&self) -> Came {
        Came::NotDue // step 8: unless there are credentials
    }

    fn mail_case(&self) -> Came {
        Came::Lockstep // step 4: unless the mail is too large
    }

    fn pace(&self) -> Came {
        Came::Lockstep // step 9: unless the server takes a group at once
    }

    /// Once the last has its reply, the question is whether the mail is for anyone.
    fn recipient_case(&self) -> Came {
        match self.answered < self.task.recipients.len() {
            true => Came::RecipientLeft,
            false => self.content_case(),
        }
    }

    fn content_case(&self) -> Came {
        match self.failure.is_none() && self.refused.len() < self.answered {
            true => Came::SomeAccepted,
            false => Came::NoneAccepted,
        }
    }

    fn act(&mut self, action: Action, state: State, event: Event) -> Result<(), Error> {
        match (action, event) {
            (Action::Nothing, _) => {}
            (Action::Say(command), _) => self.say(state, &self.line(command))?,
            (Action::Learn, Event::Reply(reply)) => {
                self.capabilities = Capabilities::read(&reply);
            }
            (Action::Handshake, _) => self.shake_hands()?,
            (Action::Accept, _) => self.answered += 1,
            (Action::Refuse, Event::Reply(reply)) => self.refuse(&reply),
            (Action::Send, _) => self.send()?,
            (Action::Deliver, _) => self.is_delivered = true,
            (_, event) => {
                let error = self.failure_in(state, event);
                self.failure.get_or_insert(error);
            }
        }
        Ok(())
    }

    /// Waits for a reply.
    fn reply(&mut self, state: State) -> Result<Reply, Error> {
        todo!("step 1: reply")
    }

    /// Waits for the reply to the next command of a group. When all that are sent have theirs, as
    /// many as may be are sent first.
    fn group_reply(&mut self, state: State) -> Result<Reply, Error> {
        todo!("step 9: group reply")
    }

    fn say(&mut self, state: State, line: &str) -> Result<(), Error> {
        let written = self.transport.write_all(line.as_bytes());
        written.map_err(|error| self.cut_off(state, error))
    }

    fn line(&self, command: Command) -> String {
        self.task.line(command, &self.capabilities, self.answered)
    }

    /// Sends the mail, and the dot that ends it.
    fn send(&mut self) -> Result<(), Error> {
        todo!("step 1: send mail")
    }

    /// What has arrived in clear is not from whom TLS is with (CVE-2011-0411), nor is what the server
    /// has said of itself.
    fn shake_hands(&mut self) -> Result<(), Error> {
        todo!("step 7: shake hands")
    }

    fn refuse(&mut self, reply: &Reply) {
        todo!("step 3: refuse")
    }

    /// Why a row fails.
    fn failure_in(&mut self, state: State, event: Event) -> Error {
        match (state, event) {
            (_, Event::Lost(error)) => error,
            (_, Event::Reply(reply)) => self.refusal(state, &reply),
            (State::ChooseTls, _) => Error::Tls("the server does not offer STARTTLS".into()),
            (State::ChooseAuth, _) => {
                Error::Authentication("the server offers neither PLAIN nor LOGIN".into())
            }
            (State::ChooseMail, _) => Error::TooLarge {
                size: self.task.mail.size(),
                limit: self.capabilities.size.unwrap_or_default(),
            },
            _ => Error::NoRecipient(mem::take(&mut self.refused)),
        }
    }

    /// What a reply means that the dialogue does not go on with.
    fn refusal(&self, state: State, reply: &Reply) -> Error {
        Error::Refused(state.name(), self.answer(reply)) // step 3: unless it is worse
    }

    /// Writing failed. A server that closes the connection may have said why.
    fn cut_off(&mut self, state: State, error: io::Error) -> Error {
        lost(state, error) // step 3: unless the server has said why
    }

    fn answer(&self, reply: &Reply) -> Answer {
        Answer {
            code: reply.code,
            words: self.words(&reply.lines.join(&b' ')),
        }
    }

    /// A server's words, fit to be printed.
    fn words(&self, octets: &[u8]) -> String {
        let words = String::from_utf8_lossy(octets);
        let words = words.replace(char::is_control, " ");
        match self.task.credentials {
            Some(credentials) => credentials.redacted(&words),
            None => words,
        }
    }
}

/// Where a connection is no more, or never was a secure one.
fn lost(state: State, error: io::Error) -> Error {
    match tls::is_violated(&error) {
        true => Error::Tls(error.to_string()),
        false => Error::Lost(state.name(), error),
    }
}

#[cfg(test)]
mod tests;
