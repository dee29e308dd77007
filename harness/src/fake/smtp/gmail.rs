//! smtp.gmail.com, as it is documented to behave: what it offers before and after TLS, its words, its refusals.

use super::{Builder, Point, line};

/// The largest mail that it takes, in octets.
pub const SIZE: u64 = 35_882_577;

const TAIL: &str = "4fb4d7f45d1cf-5a1b2c3d4e5sm1234567a12.7 - gsmtp";

/// The refusal of a wrong app password.
pub fn bad_credentials() -> String {
    format!(
        "535-5.7.8 Username and Password not accepted. For more information, go to\r\n535 5.7.8  \
         https://support.google.com/mail/?p=BadCredentials {TAIL}"
    )
}

impl Builder {
    /// With this one account.
    pub fn gmail(self, user: &str, app_password: &str) -> Self {
        let common = ["ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING", "SMTPUTF8"];
        let offers = |third: &str| {
            let first = [format!("SIZE {SIZE}"), "8BITMIME".to_owned(), third.to_owned()];
            first.into_iter().chain(common.map(str::to_owned)).collect::<Vec<_>>()
        };
        let mut gmail = self
            .offers(offers("STARTTLS"))
            .offers_under_tls(offers("AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH"))
            .account(user, app_password)
            .prompts("Username:", "Password:")
            .at(Point::Greeting, line(220, &format!("smtp.gmail.com ESMTP {TAIL}")))
            .at(Point::StartTls, line(220, "2.0.0 Ready to start TLS"))
            .at(Point::Mail, line(250, &format!("2.1.0 OK {TAIL}")))
            .at(Point::Rcpt, line(250, &format!("2.1.5 OK {TAIL}")))
            .at(Point::Data, line(354, &format!("Go ahead {TAIL}")))
            .at(Point::EndOfData, line(250, &format!("2.0.0 OK  1794978000 {TAIL}")))
            .at(Point::Quit, line(221, &format!("2.0.0 closing connection {TAIL}")));
        gmail.plan.name = Some("smtp.gmail.com at your service, [127.0.0.1]");
        gmail.plan.demands.tls = true;
        gmail
    }
}

/// What it answers to MAIL before STARTTLS.
pub fn needs_tls() -> String {
    format!(
        "530-5.7.0 Must issue a STARTTLS command first. For more information, go to\r\n530 5.7.0  \
         https://support.google.com/a/answer/3221692 {TAIL}"
    )
}

/// What it answers to MAIL before AUTH.
pub fn needs_auth() -> String {
    format!(
        "530-5.7.0 Authentication Required. For more information, go to\r\n530 5.7.0  \
         https://support.google.com/accounts/troubleshooter/2402620 {TAIL}"
    )
}

/// What it answers to a mail that is too large.
pub fn too_large() -> String {
    format!(
        "552-5.3.4 Your message exceeded Google's message size limits. For more information,\r\n552-5.3.4 go \
         to\r\n552 5.3.4  https://support.google.com/mail/?p=MaxSizeError {TAIL}"
    )
}
