//! What can go wrong, and the exit status for it, one of `sysexits.h`.
//!
//! What a server said stands in here with its secrets taken out, ready to be printed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::address::Address;

pub const OK: u8 = 0;
/// What was asked for cannot be done.
pub const USAGE: u8 = 64;
/// A file cannot be read.
pub const NO_INPUT: u8 = 66;
/// Some recipient was refused; the others have the mail.
pub const NO_USER: u8 = 67;
/// Refused for good, or nobody there.
pub const UNAVAILABLE: u8 = 69;
/// It may work later.
pub const TEMP_FAIL: u8 = 75;
/// What came is no SMTP, or no TLS.
pub const PROTOCOL: u8 = 76;
/// The server does not let us in.
pub const NO_PERM: u8 = 77;

/// A reply in words: one line, without control characters and secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub code: u16,
    pub words: String,
}

impl Answer {
    /// 4yz: the same may be accepted later (RFC 5321 §4.2.1).
    pub fn is_transient(&self) -> bool {
        false // step 2: the first digit says so
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.words)
    }
}

/// A recipient whom the server does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub recipient: Address,
    pub answer: Answer,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was refused: {}", self.recipient, self.answer)
    }
}

/// Why a mail was not sent.
#[derive(Debug)]
pub enum Error {
    /// What is to be sent, or how, makes no sense.
    Usage(String),
    /// A file cannot be read, or has changed while it was.
    Unreadable(PathBuf, io::Error),
    /// The server has no address, or nobody listens there.
    Unreachable(String, io::Error),
    /// A command, or the mail, was not accepted.
    Refused(&'static str, Answer),
    /// No recipient was accepted.
    NoRecipient(Vec<Refusal>),
    /// The mail has more octets than the server takes.
    TooLarge { size: u64, limit: u64 },
    /// The connection broke, or nothing moved on it for too long.
    Lost(&'static str, io::Error),
    /// What came is no SMTP.
    Protocol(String),
    /// There is no TLS with this server.
    Tls(String),
    /// The server does not believe who we are, or cannot be told.
    Authentication(String),
}

impl Error {
    /// Why a handshake failed.
    pub fn handshake(cause: io::Error) -> Error {
        match cause.kind() {
            io::ErrorKind::TimedOut => Error::Lost("the TLS handshake", cause),
            _ => Error::Tls(cause.to_string()),
        }
    }

    pub fn exit_status(&self) -> u8 {
        match self {
            Error::Usage(_) => USAGE,
            Error::Refused(_, answer) if answer.is_transient() => TEMP_FAIL,
            Error::Refused(..) => UNAVAILABLE,
            _ => PROTOCOL, // step 3: a status for everything that can go wrong
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(what) => f.write_str(what),
            Error::Unreadable(path, cause) => write!(f, "cannot read {path:?}: {cause}"),
            Error::Unreachable(server, cause) => write!(f, "cannot reach {server}: {cause}"),
            Error::Refused(what, answer) => write!(f, "{what} was refused: {answer}"),
            Error::NoRecipient(refusals) => {
                let refusals: Vec<String> = refusals.iter().map(Refusal::to_string).collect();
                write!(f, "no recipient is left: {}", refusals.join("; "))
            }
            Error::TooLarge { size, limit } => write!(
                f,
                "the mail has {size} octets, and the server takes {limit}"
            ),
            Error::Lost(place, cause) if cause.kind() == io::ErrorKind::TimedOut => {
                write!(f, "timed out at {place}: nothing moved for too long")
            }
            Error::Lost(place, cause) => write!(f, "lost the connection at {place}: {cause}"),
            Error::Protocol(what) => write!(f, "this is no SMTP: {what}"),
            Error::Tls(what) => write!(f, "no TLS: {what}"),
            Error::Authentication(what) => write!(f, "not authenticated: {what}"),
        }
    }
}

impl std::error::Error for Error {}
