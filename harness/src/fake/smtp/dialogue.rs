//! One connection: commands in, replies out, in the order that RFC 5321 §4.1.4 prescribes.

use std::sync::PoisonError;
use std::time::Duration;

use super::channel::Channel;
use super::gmail;
use super::{
    Agreed, Command, Delivery, End, Mail, Plan, Point, Reply, Session, SessionFault, Shared, Wrong, line,
    reply,
};
use crate::fake::accepting::Stop;
use crate::stream::{Arrival, Sent, Stream};
use crate::sys;
use crate::verdict::{Failure, Verdict};
use crate::wire::smtp::{self, Parameters};

mod auth;
mod delivery;
mod mail;

/// A line that is longer is no command, and is not waited for.
const LONGEST_LINE: usize = 1 << 20;

/// A connection and where its dialogue stands.
pub(super) struct Dialogue<'a> {
    shared: &'a Shared,
    channel: Channel,
    stop: Stop,
    session: Session,
    greeted: Option<Hello>,
    authenticated: bool,
    /// The transaction that MAIL began.
    mail: Option<Mail>,
    /// Replies to a group of which commands are still unread.
    held: Vec<u8>,
    /// How long the client is given to come to rest.
    to_sleep: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hello {
    Ehlo,
    Helo,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

impl Shared {
    pub(super) fn serve(&self, stream: Stream, stop: Stop) {
        let mut dialogue = Dialogue {
            shared: self,
            channel: Channel::new(stream, stop.clone()),
            stop,
            session: Session::default(),
            greeted: None,
            authenticated: false,
            mail: None,
            held: Vec::new(),
            to_sleep: sys::TO_SLEEP,
        };
        // What goes wrong here shows in what the client under test then does.
        let _ = dialogue.play();
        if let Some(mail) = dialogue.mail.take().filter(|mail| !mail.wire.is_empty()) {
            dialogue.session.mails.push(mail);
        }
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(dialogue.session);
    }
}

impl Dialogue<'_> {
    fn play(&mut self) -> Verdict {
        if self.plan().implicit_tls && self.start_tls()? == Then::End {
            return Ok(());
        }
        let greeting = self.scripted(Point::Greeting).unwrap_or_else(|| line(220, "mail.example ESMTP"));
        if self.say(&greeting)? == Then::End {
            return Ok(());
        }
        while let Some(command) = self.read_command()? {
            if self.obey(command)? == Then::End {
                break;
            }
        }
        Ok(())
    }

    fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    fn scripted(&self, point: Point) -> Option<Reply> {
        self.shared.script.lock().unwrap_or_else(PoisonError::into_inner).next(point)
    }

    /// The scripted reply, else this.
    fn reply_at(&self, point: Point, otherwise: impl FnOnce() -> Reply) -> Reply {
        self.scripted(point).unwrap_or_else(otherwise)
    }

    fn offers(&self) -> Vec<String> {
        let plan = self.plan();
        match (&plan.offers_under_tls, self.channel.under_tls()) {
            (_, false) => plan.offers.clone(),
            (Some(offers), true) => offers.clone(),
            (None, true) => plan
                .offers
                .iter()
                .filter(|keyword| !keyword.eq_ignore_ascii_case("STARTTLS"))
                .cloned()
                .collect(),
        }
    }

    /// Whether EHLO has been told this keyword.
    fn has_offered(&self, keyword: &str) -> bool {
        let is_it =
            |offer: &String| offer.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        self.greeted == Some(Hello::Ehlo) && self.offers().iter().any(is_it)
    }

    fn read_command(&mut self) -> Verdict<Option<Command>> {
        let Some((octets, bare_lf)) = self.read_line()? else { return Ok(None) };
        if self.plan().delivery == Delivery::Grouped && self.held.is_empty() && self.client_waits() {
            self.channel.look()?;
        }
        let parsed = smtp::parse(&octets);
        let line = auth::without_credentials(&octets, self.plan().account.as_ref());
        self.record(&format!("{line}{}", if bare_lf { "\n" } else { "\r\n" }));
        let (tls, behind) = (self.channel.under_tls(), self.channel.unread.len());
        let command = Command { line, parsed, bare_lf, tls, behind };
        self.session.commands.push(command.clone());
        Ok(Some(command))
    }

    /// Without its end, and whether that was LF alone.
    fn read_line(&mut self) -> Verdict<Option<(Vec<u8>, bool)>> {
        loop {
            let unread = &mut self.channel.unread;
            if let Some(at) = memchr::memchr(b'\n', unread) {
                let mut line: Vec<u8> = unread.drain(..=at).collect();
                line.pop();
                let bare_lf = line.last() != Some(&b'\r');
                if !bare_lf {
                    line.pop();
                }
                return Ok(Some((line, bare_lf)));
            }
            if unread.len() > LONGEST_LINE || self.read_more()? == Then::End {
                let rest = std::mem::take(&mut self.channel.unread);
                self.note_strays(&rest);
                return Ok(None);
            }
        }
    }

    fn read_more(&mut self) -> Verdict<Then> {
        if self.send_held()? == Sent::Refused {
            return Ok(Then::End);
        }
        match self.channel.receive()? {
            Arrival::Octets(_) => return Ok(Then::GoOn),
            Arrival::Fin => self.session.end = End::Fin,
            Arrival::Reset => self.session.end = End::Reset,
            Arrival::Silence => {}
        }
        Ok(Then::End)
    }

    fn note_strays(&mut self, octets: &[u8]) {
        if !octets.is_empty() {
            self.record(&auth::without_credentials(octets, self.plan().account.as_ref()));
            self.session.strays.extend_from_slice(octets);
        }
    }

    fn record(&mut self, received: &str) {
        let stream = self.channel.stream();
        stream.scene().journal.received(stream.lane(), received.as_bytes());
    }

    fn obey(&mut self, command: Command) -> Verdict<Then> {
        let parsed = match &command.parsed {
            Ok(parsed) => parsed.clone(),
            Err(error) => {
                let failure = match command.verb().as_str() {
                    // Its line has what must not be shown.
                    "AUTH" => Failure::new("the AUTH command in its syntax", error.rule.clone())
                        .rule(format!("{} ({}).", error.rule, error.clause)),
                    _ => error.failure(command.line.as_bytes(), "a command in the RFC's syntax"),
                };
                self.note_fault(&command, Wrong::Syntax, failure);
                match forgiven(&command) {
                    Some(meant) => meant,
                    None => {
                        return self.say(&line(501, "this is no such command's syntax").accepting(false));
                    }
                }
            }
        };
        match parsed {
            smtp::Command::Ehlo(_) => self.hello(Hello::Ehlo),
            smtp::Command::Helo(_) => self.hello(Hello::Helo),
            smtp::Command::StartTls => self.upgrade(&command),
            smtp::Command::Auth { mechanism, initial } => self.auth(&command, &mechanism, initial),
            smtp::Command::Mail { from, parameters } => self.begin(&command, &from, &parameters),
            smtp::Command::Rcpt { to, .. } => self.recipient(&command, &to),
            smtp::Command::Data => self.data(&command),
            smtp::Command::Rset => {
                self.mail = None;
                self.say(&line(250, "forgotten"))
            }
            smtp::Command::Noop => self.say(&line(250, "nothing done")),
            smtp::Command::Quit => {
                let reply = self.reply_at(Point::Quit, || line(221, "bye"));
                if self.say(&reply)? == Then::GoOn {
                    self.close(false)?;
                }
                Ok(Then::End)
            }
            smtp::Command::Other(_) => {
                let seen = format!("{:?}", command.line);
                let failure = Failure::new("a command of SMTP", seen).rule(
                    "A server answers 500 to what it does not know; a client sends what RFC 5321 and the extensions \
                     that were offered have.",
                );
                self.fault(&command, Wrong::Syntax, failure, line(500, "there is no such command"))
            }
        }
    }

    /// Notes a fault and refuses.
    fn fault(&mut self, command: &Command, what: Wrong, failure: Failure, refusal: Reply) -> Verdict<Then> {
        self.note_fault(command, what, failure);
        self.say(&refusal.accepting(false))
    }

    fn note_fault(&mut self, command: &Command, what: Wrong, failure: Failure) {
        self.session.faults.push(SessionFault { verb: command.verb(), what, failure });
    }

    fn out_of_order(&mut self, command: &Command, first: &str, clause: &str) -> Verdict<Then> {
        let verb = command.verb();
        let failure =
            Failure::new(format!("{first} before {verb}"), format!("{verb} without it")).rule(clause);
        self.fault(command, Wrong::Order, failure, line(503, &format!("{first} first")))
    }

    fn hello(&mut self, hello: Hello) -> Verdict<Then> {
        let point = if hello == Hello::Ehlo { Point::Ehlo } else { Point::Helo };
        let reply = self.reply_at(point, || match hello {
            Hello::Helo => line(250, "mail.example"),
            Hello::Ehlo => {
                let mut lines = vec![self.plan().name.unwrap_or("mail.example").to_owned()];
                lines.extend(self.offers());
                many_lines(250, &lines)
            }
        });
        if reply.accepts {
            self.greeted = Some(hello);
            // RFC 5321 §4.1.4: it resets the transaction.
            self.mail = None;
        }
        self.say(&reply)
    }

    fn upgrade(&mut self, command: &Command) -> Verdict<Then> {
        if self.channel.under_tls() || !self.has_offered("STARTTLS") {
            let failure =
                Failure::new("STARTTLS where it is offered", "STARTTLS, which the last EHLO did not list");
            return self.fault(command, Wrong::NotOffered, failure, line(502, "not offered"));
        }
        let reply = self.reply_at(Point::StartTls, || line(220, "go ahead"));
        if self.say(&reply)? == Then::End {
            return Ok(Then::End);
        }
        // A client that takes a refusal for a go-ahead is let in, so that what it then says can be seen.
        if !reply.accepts && !self.begins_handshake()? {
            return Ok(Then::GoOn);
        }
        // RFC 3207 §4.2: all that was said before is forgotten.
        self.greeted = None;
        self.authenticated = false;
        self.mail = None;
        self.start_tls()
    }

    /// Whether what comes next is a record of a handshake (RFC 8446 §5.1).
    fn begins_handshake(&mut self) -> Verdict<bool> {
        const HANDSHAKE: u8 = 22;
        while self.channel.unread.is_empty() && self.read_more()? == Then::GoOn {}
        Ok(self.channel.unread.first() == Some(&HANDSHAKE))
    }

    fn start_tls(&mut self) -> Verdict<Then> {
        let Some(config) = self.plan().tls.clone() else { return Ok(Then::End) };
        let journal = self.channel.stream().scene().journal.clone();
        let done = self.channel.accept_tls(config)?;
        let then = match &done {
            Ok(()) => {
                journal.step("the TLS handshake is done; from here on the record has what was said under it");
                Then::GoOn
            }
            Err(why) => {
                journal.step(format!("the TLS handshake failed: {why}"));
                self.close(true)?;
                Then::End
            }
        };
        let agreed = self.channel.agreed();
        self.session.handshake = Some(done.map(|()| {
            let (version, server_name) = agreed.unwrap_or_default();
            Agreed { version, server_name }
        }));
        Ok(then)
    }

    fn begin(&mut self, command: &Command, from: &str, parameters: &Parameters) -> Verdict<Then> {
        if self.greeted.is_none() {
            return self.out_of_order(
                command,
                "EHLO or HELO",
                "RFC 5321 §4.1.4, and after STARTTLS RFC 3207 §4.2.",
            );
        }
        if self.mail.is_some() {
            return self.out_of_order(
                command,
                "the end of the transaction",
                "RFC 5321 §4.1.4: one MAIL a transaction.",
            );
        }
        for (name, _) in parameters {
            let keyword = if name == "BODY" { "8BITMIME" } else { name };
            if !self.has_offered(keyword) {
                let failure = Failure::new(
                    format!("the parameter {name} only where EHLO's reply lists {keyword}"),
                    format!("{:?}, and it does not", command.line),
                )
                .rule("RFC 5321 §4.1.1.11: parameters belong to the extensions that the server offers.");
                return self.fault(command, Wrong::NotOffered, failure, line(555, "no such parameter here"));
            }
        }
        let demands = self.plan().demands;
        if demands.tls && !self.channel.under_tls() {
            return self.say(&reply(&gmail::needs_tls()));
        }
        if demands.auth && !self.authenticated {
            return self.say(&reply(&gmail::needs_auth()));
        }
        let size = parameters.iter().find(|(name, _)| name == "SIZE").and_then(|(_, value)| value.as_deref());
        let declared: u64 = size.and_then(|size| size.parse().ok()).unwrap_or(0);
        if self.limit().is_some_and(|limit| declared > limit) {
            return self.say(&reply(&gmail::too_large()));
        }
        let reply = self.reply_at(Point::Mail, || line(250, "sender taken"));
        if reply.accepts {
            let tls = self.channel.under_tls();
            self.mail =
                Some(Mail { from: from.to_owned(), parameters: parameters.clone(), tls, ..Mail::default() });
        }
        self.say(&reply)
    }

    /// Octets of a mail, where the server has said so (RFC 1870 §3).
    fn limit(&self) -> Option<u64> {
        self.offers()
            .iter()
            .find_map(|offer| offer.strip_prefix("SIZE ")?.trim().parse().ok())
            .filter(|&limit| limit > 0)
    }

    fn recipient(&mut self, command: &Command, to: &str) -> Verdict<Then> {
        if self.mail.is_none() {
            return self.without_mail(command);
        }
        let reply = self.reply_at(Point::Rcpt, || line(250, "recipient taken"));
        if let Some(mail) = self.mail.as_mut().filter(|_| reply.accepts) {
            mail.recipients.push(to.to_owned());
        }
        self.say(&reply)
    }

    /// RCPT or DATA with no transaction: a fault, unless the client could not yet know.
    fn without_mail(&mut self, command: &Command) -> Verdict<Then> {
        if self.has_offered("PIPELINING") {
            return self.say(&line(503, "MAIL first"));
        }
        self.out_of_order(command, "a MAIL that was accepted", "RFC 5321 §3.3.")
    }

    fn data(&mut self, command: &Command) -> Verdict<Then> {
        let Some(mail) = &self.mail else { return self.without_mail(command) };
        let nobody = mail.recipients.is_empty();
        let scripted = self.scripted(Point::Data);
        if nobody && scripted.is_none() {
            if self.has_offered("PIPELINING") {
                return self.say(&line(554, "no valid recipients"));
            }
            return self.out_of_order(command, "a RCPT that was accepted", "RFC 5321 §3.3.");
        }
        let reply = scripted.unwrap_or_else(|| line(354, "go on, and end with a dot"));
        let goes_on = self.say(&reply)? == Then::GoOn;
        if !goes_on || !reply.accepts {
            return Ok(if goes_on { Then::GoOn } else { Then::End });
        }
        let Some(mut mail) = self.mail.take() else { return Ok(Then::End) };
        let then = self.read_mail(&mut mail)?;
        let whole = mail.whole;
        self.session.mails.push(mail);
        if then == Then::End || !whole {
            return Ok(Then::End);
        }
        let reply = self.reply_at(Point::EndOfData, || line(250, "taken"));
        self.say(&reply)
    }
}

/// What was meant by a line with a wrong name of the client's, or with a path without its brackets or with white space
/// before them: noted, but no reason to end the dialogue there, of which other checks want to see the rest.
fn forgiven(command: &Command) -> Option<smtp::Command> {
    let meant = |line: String| smtp::parse(line.as_bytes()).ok();
    let verb = command.verb();
    match verb.as_str() {
        "EHLO" | "HELO" => meant(format!("{verb} localhost")),
        "MAIL" | "RCPT" => {
            let (direction, path) = command.line.split_once(':')?;
            let (direction, path) = (direction.trim_end(), path.trim().trim_start_matches('<'));
            let (address, parameters) = path.split_once(['>', ' ']).unwrap_or((path, ""));
            let whole = format!("{direction}:<{address}> {}", parameters.trim());
            meant(whole.trim_end().to_owned()).or_else(|| meant(format!("{direction}:<{address}>")))
        }
        _ => None,
    }
}

/// A reply of several lines.
fn many_lines(code: u16, lines: &[String]) -> Reply {
    let last = lines.len().saturating_sub(1);
    let separator = |at| if at == last { ' ' } else { '-' };
    let lines: Vec<_> =
        lines.iter().enumerate().map(|(at, text)| format!("{code}{}{text}", separator(at))).collect();
    reply(&lines.join("\r\n"))
}
