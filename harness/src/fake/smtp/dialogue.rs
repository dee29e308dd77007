//! One connection: commands in, replies out, in the order that RFC 5321 §4.1.4 prescribes.

use std::sync::PoisonError;
use std::time::Duration;

use super::channel::Channel;
use super::data::{self, Data, Extent};
use super::gmail;
use super::{
    Act, Agreed, Command, Delivery, Early, End, Mail, Plan, Point, Reply, Session, SessionFault, Shared,
    Wrong, line, reply,
};
use crate::deadline::poll_until;
use crate::fake::accepting::{SLICE, Stop};
use crate::stream::{Arrival, Sent, Stream};
use crate::sys;
use crate::verdict::{Failure, Verdict};
use crate::wire::smtp::{self, Parameters};

mod auth;

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

    /// Reads up to the end of data.
    fn read_mail(&mut self, mail: &mut Mail) -> Verdict<Then> {
        let mut search = Data::default();
        let mut ended = Then::GoOn;
        loop {
            let unread = &self.channel.unread;
            if let Some((after, act)) = &self.plan().broken_off
                && unread.len() >= *after
            {
                let act = act.clone();
                mail.wire = std::mem::take(&mut self.channel.unread);
                return self.act(&act);
            }
            if let Some(extent) = search.end(unread) {
                self.take_mail(mail, extent);
                return Ok(ended);
            }
            // Nobody waits for a reply to what has not ended: LF, dot, LF was meant as the end.
            if let Some(extent) = data::bare_end(unread) {
                let octets = unread.len();
                if ended == Then::GoOn && self.client_waits() {
                    self.channel.look()?;
                }
                if self.channel.unread.len() > octets {
                    continue;
                }
                mail.bare_lf = true;
                self.take_mail(mail, extent);
                return Ok(ended);
            }
            if ended == Then::End {
                mail.wire = std::mem::take(&mut self.channel.unread);
                mail.content = data::unstuffed(&mail.wire);
                self.record(&String::from_utf8_lossy(&mail.wire));
                return Ok(Then::End);
            }
            ended = self.read_more()?;
        }
    }

    fn take_mail(&mut self, mail: &mut Mail, extent: Extent) {
        let rest = self.channel.unread.split_off(extent.consumed);
        mail.wire = std::mem::replace(&mut self.channel.unread, rest);
        let stream = self.channel.stream();
        stream.scene().journal.received(stream.lane(), &mail.wire);
        mail.wire.truncate(extent.content);
        mail.content = data::unstuffed(&data::with_crlf(&mail.wire));
        mail.whole = true;
        mail.behind = self.channel.unread.len();
    }

    /// Waits until the client has come to rest; false where nobody says which program it is.
    fn client_waits(&mut self) -> bool {
        let deadline = self.channel.deadline();
        let Some(pid) = poll_until(deadline, || self.shared.client.get().copied()) else { return false };
        self.rest(pid);
        // By Nagle's algorithm, what the client wrote may wait in its system for the acknowledgement of what came.
        self.channel.stream().acknowledge_now();
        self.rest(pid);
        true
    }

    /// A program that never sleeps has the time of the whole check taken up, unless each wait in vain halves the next.
    fn rest(&mut self, pid: i32) {
        if !sys::quiet_within(pid, self.to_sleep) {
            self.to_sleep /= 2;
        }
    }

    /// Says it, the way this server delivers.
    fn say(&mut self, reply: &Reply) -> Verdict<Then> {
        for act in &reply.acts {
            if self.act(act)? == Then::End {
                return Ok(Then::End);
            }
        }
        Ok(Then::GoOn)
    }

    fn act(&mut self, act: &Act) -> Verdict<Then> {
        let sent = match act {
            Act::Send(octets) => match self.plan().delivery {
                Delivery::Whole => self.send(octets, &[])?,
                Delivery::Pieces(size) => {
                    let cuts: Vec<usize> = (size..octets.len()).step_by(size.max(1)).collect();
                    self.send(octets, &cuts)?
                }
                Delivery::Lockstep => {
                    for one in octets.split_inclusive(|&octet| octet == b'\n') {
                        self.wait_for_rest(one)?;
                        if self.send(one, &[])? == Sent::Refused {
                            return Ok(Then::End);
                        }
                    }
                    Sent::All
                }
                Delivery::Grouped => {
                    self.held.extend_from_slice(octets);
                    if self.channel.unread.contains(&b'\n') { Sent::All } else { self.send_held()? }
                }
            },
            Act::Pieces(octets, cuts) => self.send(octets, cuts)?,
            Act::Open(latch) => {
                latch.open();
                Sent::All
            }
            Act::Await(latch) => {
                let deadline = self.channel.deadline();
                while !latch.is_open_within(SLICE) {
                    if deadline.passed() || self.stop.is_set() {
                        return Ok(Then::End);
                    }
                }
                Sent::All
            }
            Act::Pause(span) => {
                let over = self.channel.deadline().earlier(*span);
                if poll_until(over, || self.stop.is_set().then_some(())).is_some() {
                    return Ok(Then::End);
                }
                Sent::All
            }
            Act::Hear => {
                if self.channel.unread.is_empty() && self.read_more()? == Then::End {
                    return Ok(Then::End);
                }
                Sent::All
            }
            Act::Close | Act::Cut => {
                self.close(matches!(act, Act::Cut))?;
                return Ok(Then::End);
            }
            Act::Reset => {
                self.channel.stream().reset_on_close()?;
                return Ok(Then::End);
            }
            Act::Hold => {
                self.read_to_end()?;
                return Ok(Then::End);
            }
        };
        Ok(if sent == Sent::All { Then::GoOn } else { Then::End })
    }

    fn send(&mut self, octets: &[u8], cuts: &[usize]) -> Verdict<Sent> {
        let stream = self.channel.stream();
        stream.scene().journal.sent(stream.lane(), octets);
        if cuts.is_empty() { self.channel.send(octets) } else { self.channel.send_pieces(octets, cuts) }
    }

    fn send_held(&mut self) -> Verdict<Sent> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() { Ok(Sent::All) } else { self.send(&held, &[]) }
    }

    /// Waits until the client does nothing, and notes what has come though it was the server's turn.
    fn wait_for_rest(&mut self, next: &[u8]) -> Verdict {
        if !self.client_waits() {
            return Ok(());
        }
        let before = self.channel.unread.len();
        let arrival = self.channel.look()?;
        let octets = self.channel.unread[before..].to_vec();
        let closed = matches!(arrival, Arrival::Fin | Arrival::Reset);
        if !octets.is_empty() || closed {
            let before = String::from_utf8_lossy(next).trim_end().to_owned();
            self.session.early.push(Early { before, octets, closed });
        }
        Ok(())
    }

    fn close(&mut self, cut: bool) -> Verdict {
        self.channel.half_close(cut)?;
        self.read_to_end()
    }

    fn read_to_end(&mut self) -> Verdict {
        while self.read_more()? == Then::GoOn {}
        let rest = std::mem::take(&mut self.channel.unread);
        self.note_strays(&rest);
        Ok(())
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
