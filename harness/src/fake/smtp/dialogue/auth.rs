//! AUTH with PLAIN and LOGIN (RFC 4954, RFC 4616, draft-murchison-sasl-login-00).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

use super::super::gmail;
use super::{Dialogue, Then};
use crate::fake::smtp::{Command, Credentials, Point, Wrong, line, reply};
use crate::verdict::{Failure, Verdict};
use crate::wire::smtp;

/// What stands in the record for credentials.
const HIDDEN: &str = "[credentials]";

/// A client's line as it may be shown: without what follows AUTH and its mechanism, and without the account's password
/// wherever else that stands.
pub(super) fn without_credentials(octets: &[u8], account: Option<&(String, String)>) -> String {
    let tells = |octets: &[u8]| {
        account.is_some_and(|(_, password)| memmem::find(octets, password.as_bytes()).is_some())
    };
    if tells(octets) || STANDARD.decode(octets.trim_ascii()).is_ok_and(|plain| tells(&plain)) {
        return HIDDEN.to_owned();
    }
    let text = String::from_utf8_lossy(octets);
    match text.splitn(3, ' ').collect::<Vec<_>>()[..] {
        [verb, mechanism, _] if verb.eq_ignore_ascii_case("AUTH") => format!("{verb} {mechanism} {HIDDEN}"),
        _ => text.into_owned(),
    }
}

impl Dialogue<'_> {
    pub(super) fn auth(
        &mut self,
        command: &Command,
        mechanism: &str,
        initial: Option<Vec<u8>>,
    ) -> Verdict<Then> {
        if !self.has_offered("AUTH") {
            let failure = Failure::new(
                "AUTH only where EHLO's reply lists it",
                "AUTH, which the last EHLO did not list",
            );
            return self.fault(command, Wrong::NotOffered, failure, line(502, "not offered"));
        }
        if self.authenticated || self.mail.is_some() {
            let failure = Failure::new("AUTH once, and before MAIL", "AUTH again, or in a transaction");
            return self.fault(command, Wrong::Order, failure.rule("RFC 4954 §4."), line(503, "not now"));
        }
        let offered =
            self.offers().iter().any(|offer| offer.split(' ').skip(1).any(|word| word == mechanism));
        if !offered || !matches!(mechanism, "PLAIN" | "LOGIN") {
            let seen = format!("AUTH {mechanism}");
            let failure = Failure::new("PLAIN or LOGIN, whichever the server lists", seen);
            return self.fault(command, Wrong::NotOffered, failure, line(504, "no such mechanism"));
        }
        let responses = match mechanism {
            "PLAIN" => self.plain(command, initial)?,
            _ => self.login(command, initial)?,
        };
        let Some((user, password)) = responses else { return Ok(Then::GoOn) };
        let account = self.plan().account.clone();
        let right =
            account.is_some_and(|(name, secret)| name.as_bytes() == user && secret.as_bytes() == password);
        let (mechanism, tls) = (mechanism.to_owned(), self.channel.under_tls());
        self.session.credentials.push(Credentials { mechanism, user, password, tls, right });
        let reply = self.reply_at(Point::Auth, || match right {
            true => line(235, "2.7.0 Accepted"),
            false => reply(&gmail::bad_credentials()),
        });
        self.authenticated = reply.accepts;
        self.say(&reply)
    }

    /// User and password; `None`: the client has cancelled, or gone.
    fn plain(&mut self, command: &Command, initial: Option<Vec<u8>>) -> Verdict<Option<(Vec<u8>, Vec<u8>)>> {
        let message = match initial {
            Some(message) => message,
            None => match self.challenge(command, "")? {
                Some(message) => message,
                None => return Ok(None),
            },
        };
        let parts: Vec<&[u8]> = message.split(|&octet| octet == 0).collect();
        match parts[..] {
            [authorization, user, password] if authorization.is_empty() || authorization == user => {
                Ok(Some((user.to_vec(), password.to_vec())))
            }
            _ => {
                let seen = match parts.len() {
                    1 => "no NUL at all".to_owned(),
                    2 => "one NUL, so that the user stands in the place of the authorization identity"
                        .to_owned(),
                    3 => "an authorization identity that is not the user".to_owned(),
                    more => format!("{} NULs", more - 1),
                };
                let failure = Failure::new("NUL, user, NUL, password, and all of it in base64", seen)
                    .rule("RFC 4616 §2.");
                self.note_fault(command, Wrong::Syntax, failure);
                Ok(Some((Vec::new(), Vec::new())))
            }
        }
    }

    fn login(&mut self, command: &Command, initial: Option<Vec<u8>>) -> Verdict<Option<(Vec<u8>, Vec<u8>)>> {
        let prompts = self.plan().prompts.clone();
        let [first, second] = prompts.unwrap_or_else(|| ["Username:".to_owned(), "Password:".to_owned()]);
        let user = match initial {
            Some(user) => Some(user),
            None => self.challenge(command, &first)?,
        };
        let Some(user) = user else { return Ok(None) };
        let Some(password) = self.challenge(command, &second)? else { return Ok(None) };
        Ok(Some((user, password)))
    }

    /// One 334 and the answer to it; what is no base64 is noted, and counts as empty.
    fn challenge(&mut self, command: &Command, text: &str) -> Verdict<Option<Vec<u8>>> {
        if self.say(&line(334, &STANDARD.encode(text)))? == Then::End {
            return Ok(None);
        }
        let Some((octets, _)) = self.read_line()? else { return Ok(None) };
        self.record(&format!("{HIDDEN}\r\n"));
        if octets == b"*" {
            self.say(&line(501, "cancelled"))?;
            return Ok(None);
        }
        match smtp::auth_response(&octets) {
            Ok(response) => Ok(Some(response)),
            Err(error) => {
                let failure = Failure::new("an answer to the challenge in base64", error.rule.clone());
                let failure = failure.rule(format!("{} ({}).", error.rule, error.clause));
                self.note_fault(command, Wrong::Syntax, failure);
                Ok(Some(Vec::new()))
            }
        }
    }
}
