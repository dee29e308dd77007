//! `SmtpClient`: hands one mail to a server.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;
use crate::message::Message;
use crate::mime;
use crate::smtp::auth::Credentials;
use crate::smtp::commands::Task;
use crate::smtp::session::{self, Receipt};
use crate::tls::Tls;
use crate::transport::{self, Clock, Connection, Transport, WallClock};

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// After the greeting; without it, nothing is sent (RFC 3207).
    Starttls,
    /// Before it (RFC 8314 §3.3).
    Implicit,
    /// Never.
    None,
}

/// A server, and how to talk to it.
#[derive(Debug)]
pub struct SmtpClient {
    /// A name or an address.
    pub server: String,
    pub port: u16,
    /// Without TLS, only this machine is told of them.
    pub credentials: Option<Credentials>,
    pub security: Security,
    /// Root certificates in PEM, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// How long nothing may move.
    pub timeout: Duration,
}

impl SmtpClient {
    /// With STARTTLS, the system's certificates, and half a minute of patience.
    pub fn new(
        server: impl Into<String>,
        port: u16,
        credentials: Option<Credentials>,
    ) -> SmtpClient {
        SmtpClient {
            server: server.into(),
            port,
            credentials,
            security: Security::Starttls,
            ca_file: None,
            timeout: Duration::from_secs(30),
        }
    }

    /// Sends the mail to all of its recipients that the server accepts.
    pub fn send(&self, message: &Message) -> Result<Receipt, Error> {
        todo!("step 1: send")
    }

    /// Sends the mail over a connection that stands.
    fn deliver(
        &self,
        transport: &mut impl Transport,
        clock: &impl Clock,
        local_ip: IpAddr,
        message: &Message,
    ) -> Result<Receipt, Error> {
        let task = Task {
            local_ip,
            needs_starttls: self.security == Security::Starttls,
            credentials: self.credentials.as_ref(),
            from: &message.from,
            recipients: message.recipients(),
            mail: mime::compose(message, clock.now()),
        };
        if self.security == Security::Implicit {
            transport.secure().map_err(Error::handshake)?;
        }
        session::play(transport, &task)
    }

    /// What TLS needs, if there is to be any.
    fn tls(&self) -> Result<Option<Tls>, Error> {
        Ok(None) // step 7: unless there is to be TLS
    }

    /// Credentials in clear never leave this machine.
    fn forbid_disclosure(&self, addresses: &[SocketAddr]) -> Result<(), Error> {
        Ok(()) // step 8: unless a password would be sent in clear
    }
}

#[cfg(test)]
mod step1 {
    use std::io::ErrorKind;
    use std::net::Ipv4Addr;

    use super::*;
    use crate::error::{TEMP_FAIL, USAGE};
    use crate::transport::{MockClock, MockTransport};

    #[test]
    fn a_mail_without_recipients_goes_nowhere() {
        let message = Message::new("a@b".parse().unwrap(), vec![]);
        let client = SmtpClient::new("localhost", 1, None);
        assert_eq!(client.send(&message).unwrap_err().exit_status(), USAGE);
    }

    #[test]
    fn nothing_is_said_to_a_server_that_says_nothing() {
        let mut transport = MockTransport::new();
        transport
            .expect_read()
            .once()
            .returning(|_| Err(ErrorKind::TimedOut.into()));
        transport.expect_write_all().never();
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .once()
            .return_const(std::time::UNIX_EPOCH);
        let message = Message::new("a@b".parse().unwrap(), vec!["x@y".parse().unwrap()]);
        let mut client = SmtpClient::new("localhost", 1, None);
        client.security = Security::None;
        let local_ip = Ipv4Addr::LOCALHOST.into();
        let error = client
            .deliver(&mut transport, &clock, local_ip, &message)
            .unwrap_err();
        assert_eq!(error.exit_status(), TEMP_FAIL);
    }
}

#[cfg(test)]
mod step5 {
    use std::net::Ipv4Addr;
    use std::time::{Duration, UNIX_EPOCH};

    use mockall::Sequence;

    use super::*;
    use crate::transport::{MockClock, MockTransport};

    #[test]
    fn a_mail_has_the_date_at_which_it_is_sent() {
        let (mut transport, mut order) = (MockTransport::new(), Sequence::new());
        for (says, hears) in [
            ("220 hi\r\n", "EHLO [127.0.0.1]\r\n"),
            ("250 me\r\n", "MAIL FROM:<a@b>\r\n"),
            ("250 ok\r\n", "RCPT TO:<x@y>\r\n"),
            ("250 ok\r\n", "DATA\r\n"),
            ("354 go\r\n", "Date: Sun, 06 Nov 1994 08:49:37 +0000\r\n"),
            ("250 taken\r\n", "QUIT\r\n"),
        ] {
            let read = transport.expect_read().once().in_sequence(&mut order);
            read.returning(move |buffer| {
                buffer[..says.len()].copy_from_slice(says.as_bytes());
                Ok(says.len())
            });
            let write = transport.expect_write_all().once().in_sequence(&mut order);
            write
                .withf(move |octets| octets.starts_with(hears.as_bytes()))
                .returning(|_| Ok(()));
        }
        transport
            .expect_read()
            .once()
            .in_sequence(&mut order)
            .returning(|_| Ok(0));
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .once()
            .return_const(UNIX_EPOCH + Duration::from_secs(784_111_777));
        let message = Message::new("a@b".parse().unwrap(), vec!["x@y".parse().unwrap()]);
        let mut client = SmtpClient::new("localhost", 1, None);
        client.security = Security::None;
        let local_ip = Ipv4Addr::LOCALHOST.into();
        assert!(
            client
                .deliver(&mut transport, &clock, local_ip, &message)
                .is_ok()
        );
    }
}

#[cfg(test)]
mod step8 {
    use super::*;

    #[test]
    fn a_password_leaves_this_machine_under_tls_only() {
        let credentials = Some(Credentials::new("me", "secret"));
        let mut client = SmtpClient::new("mail.example.org", 587, credentials);
        let is_forbidden = |client: &SmtpClient, address: &str| {
            client
                .forbid_disclosure(&[address.parse().unwrap()])
                .is_err()
        };
        assert!(!is_forbidden(&client, "192.0.2.1:587"));
        client.security = Security::None;
        assert!(is_forbidden(&client, "192.0.2.1:587"));
        for address in ["127.0.0.2:587", "[::1]:587", "[::ffff:127.0.0.1]:587"] {
            assert!(!is_forbidden(&client, address));
        }
        client.credentials = None;
        assert!(!is_forbidden(&client, "192.0.2.1:587"));
    }
}
