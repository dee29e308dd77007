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
        todo!("step 1: line")
    }

    pub fn rcpt(&self, recipient: usize) -> String {
        format!("RCPT TO:<{}>\r\n", self.recipients[recipient])
    }

    /// An address literal: not every machine has a name that others know (RFC 5321 §4.1.3).
    fn our_name(&self) -> String {
        todo!("step 1: our name")
    }

    /// RFC 1870 §4.
    fn mail_parameters(&self, offered: &Capabilities) -> String {
        String::new() // step 4: the size, where the server wants to know it
    }

    fn auth_line(&self, command: Command) -> String {
        todo!("step 8: auth line")
    }
}
