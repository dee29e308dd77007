//! What is said to a server: commands, each a line (RFC 5321 §4.1.1).

use std::net::IpAddr;

use super::auth::Credentials;
use super::capabilities::Capabilities;
use super::machine::Command;
use crate::address::Address;
use crate::mime::Composed;

/// The most octets of a command with its line end (RFC 5321 §4.5.3.1.4).
const LONGEST: usize = 512;

/// What a mail's way is to be.
#[derive(Debug)]
pub struct Task<'a> {
    /// This end's address, which is our name.
    pub local_ip: IpAddr,
    /// Nothing but `EHLO` is said before TLS.
    pub needs_starttls: bool,
    pub credentials: Option<&'a Credentials>,
    pub from: &'a Address,
    pub recipients: Vec<&'a Address>,
    pub mail: Composed<'a>,
}

impl Task<'_> {
    /// A command, with its line end; `RCPT` is for the recipient of that number, from 0.
    pub fn line(&self, command: Command, offered: &Capabilities, recipient: usize) -> String {
        // ANCHOR: step1_line
        match command {
            Command::Ehlo => format!("EHLO {}\r\n", self.our_name()),
            Command::Helo => format!("HELO {}\r\n", self.our_name()),
            Command::StartTls => "STARTTLS\r\n".into(),
            Command::Mail => {
                format!(
                    "MAIL FROM:<{}>{}\r\n",
                    self.from,
                    self.mail_parameters(offered)
                )
            }
            Command::Rcpt => self.rcpt(recipient),
            Command::Data => "DATA\r\n".into(),
            Command::Dot => ".\r\n".into(),
            Command::Quit => "QUIT\r\n".into(),
            _ => self.auth_line(command),
        }
        // ANCHOR_END: step1_line
    }

    pub fn rcpt(&self, recipient: usize) -> String {
        format!("RCPT TO:<{}>\r\n", self.recipients[recipient])
    }

    /// An address literal: not every machine has a name that others know (RFC 5321 §4.1.3).
    fn our_name(&self) -> String {
        // ANCHOR: step1_our_name
        match self.local_ip.to_canonical() {
            IpAddr::V4(address) => format!("[{address}]"),
            IpAddr::V6(address) => format!("[IPv6:{address}]"),
        }
        // ANCHOR_END: step1_our_name
    }

    /// RFC 1870 §4.
    fn mail_parameters(&self, offered: &Capabilities) -> String {
        // ANCHOR: step4_mail_parameters
        // STARTER: String::new() // step 4: the size, where the server wants to know it
        match offered.size {
            Some(_) => format!(" SIZE={}", self.mail.size()),
            None => String::new(),
        }
        // ANCHOR_END: step4_mail_parameters
    }

    fn auth_line(&self, command: Command) -> String {
        // ANCHOR: step8_auth_line
        let tell = |secret: fn(&Credentials) -> String| {
            let credentials = self.credentials;
            credentials.map(secret).unwrap_or_default()
        };
        match command {
            Command::AuthPlain => {
                let line = format!("AUTH PLAIN {}\r\n", tell(Credentials::plain));
                // What is longer waits to be asked for it.
                match line.len() <= LONGEST {
                    true => line,
                    false => "AUTH PLAIN\r\n".into(),
                }
            }
            Command::AuthLogin => "AUTH LOGIN\r\n".into(),
            Command::PlainMessage => tell(Credentials::plain) + "\r\n",
            Command::Name => tell(Credentials::username) + "\r\n",
            Command::Password => tell(Credentials::password) + "\r\n",
            _ => "*\r\n".into(), // ends what AUTH began (RFC 4954 §4)
        }
        // ANCHOR_END: step8_auth_line
    }
}
