//! Lab 4: an SMTP submission client, as used with Gmail's server.
//!
//! ```no_run
//! use lab4_smtp_client::{Credentials, Message, SmtpClient};
//!
//! # fn main() -> Result<(), lab4_smtp_client::Error> {
//! let mut message = Message::new("me@example.com".parse()?, vec!["you@example.com".parse()?]);
//! message.set_subject("Grüße")?;
//! message.text = "Bis bald!\n".into();
//! let credentials = Credentials::new("me@example.com", "an app password");
//! SmtpClient::new("smtp.gmail.com", 587, Some(credentials)).send(&message)?;
//! # Ok(())
//! # }
//! ```
//!
//! | module      | its job                                                             |
//! |-------------|---------------------------------------------------------------------|
//! | `client`    | `SmtpClient`: one mail, from a name and a port to a receipt          |
//! | `message`   | what is to be sent, and its attachments                              |
//! | `address`   | mailboxes (RFC 5321 §4.1.2)                                          |
//! | `smtp`      | the dialogue: a table of transitions, and what plays it              |
//! | `mime`      | the message as octets                                                |
//! | `transport` | the connection: octets, in clear or not, and how long to wait        |
//! | `tls`       | given: TLS, around any stream                                        |
//! | `error`     | what can go wrong, and the exit status for it                        |
//!
//! `smtp` and `mime` open no socket and read no clock. Left out: `BDAT`, delivery reports, addresses
//! outside ASCII (`SMTPUTF8`), display names, HTML, and other mechanisms than `PLAIN` and `LOGIN`.

#![forbid(unsafe_code)]
#![allow(dead_code, unused_variables, unused_imports)] // delete when the last step is done

pub mod address;
pub mod client;
pub mod error;
pub mod message;
pub mod mime;
pub mod smtp;
pub mod tls;
pub mod transport;

pub use address::Address;
pub use client::{Security, SmtpClient};
pub use error::Error;
pub use message::Message;
pub use smtp::auth::Credentials;
pub use smtp::session::Receipt;
