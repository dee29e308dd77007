//! A mail server for clients that submit (RFC 5321, 6409), strict and scripted:
//! `Smtp::builder().offers(["SIZE 1000"]).at(Point::Mail, line(451, "not now")).start(&scene)?`.
//!
//! Where no reply is scripted it answers as a friendly server does, and it keeps the order of commands: what comes out of
//! turn, or has another syntax than the RFC's, is refused and noted as a fault. Everything that a client said is kept as
//! [`Session`]s, which are the oracle of lab 4; a mail is compared octet for octet with what was to be sent.
//!
//! Credentials stay out of the record (the journal has a placeholder in their place).

mod channel;
mod data;
mod dialogue;
mod gmail;
mod script;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::fake::accepting::{Accepting, Stop};
use crate::fake::certificates::{self, Shown, Versions};
use crate::scene::Scene;
use crate::stream::Stream;
use crate::verdict::{Failure, Fault, Verdict};
use crate::wire::SyntaxError;
use crate::wire::smtp;

pub use script::{Act, Delivery, Point, Reply, line, reply};

use script::Script;

/// What a client said on one connection.
#[derive(Clone, Debug, Default)]
pub struct Session {
    pub commands: Vec<Command>,
    /// What came between DATA's 354 and the end of data, accepted or not.
    pub mails: Vec<Mail>,
    pub credentials: Vec<Credentials>,
    /// What was out of turn, or not in the RFC's syntax, in the order in which it came.
    pub faults: Vec<SessionFault>,
    /// What the client said before it was its turn (only with [`Delivery::Lockstep`]).
    pub early: Vec<Early>,
    /// How the handshake ended, where there was one. `Err` has the TLS library's words.
    pub handshake: Option<Result<Agreed, String>>,
    pub end: End,
    /// What came behind the last command and was none.
    pub strays: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Command {
    /// Without its line end, and without credentials.
    pub line: String,
    pub parsed: Result<smtp::Command, SyntaxError>,
    /// It ended with LF alone.
    pub bare_lf: bool,
    pub tls: bool,
    /// Octets that had come behind it when it was read.
    pub behind: usize,
}

impl Command {
    /// In upper case.
    pub fn verb(&self) -> String {
        self.line.split(' ').next().unwrap_or_default().to_ascii_uppercase()
    }
}

/// A mail as it came.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// The reverse-path, without angle brackets.
    pub from: String,
    /// Of MAIL, with the names in upper case.
    pub parameters: Vec<(String, Option<String>)>,
    /// The forward-paths that were accepted, in order.
    pub recipients: Vec<String>,
    /// Without the dots that transparency adds (RFC 5321 §4.5.2), to the last line end. Where lines ended with LF alone,
    /// which [`Mail::wire`] shows, CRLF stands here.
    pub content: Vec<u8>,
    /// As it came, without the end of data.
    pub wire: Vec<u8>,
    pub tls: bool,
    /// The end of data has come, which is CRLF, dot, CRLF.
    pub whole: bool,
    /// Its end was LF, dot, LF.
    pub bare_lf: bool,
    /// Octets that had come behind it when it was read.
    pub behind: usize,
}

#[derive(Clone)]
pub struct Credentials {
    pub mechanism: String,
    pub user: Vec<u8>,
    pub password: Vec<u8>,
    pub tls: bool,
    /// Whether they are those of the account.
    pub right: bool,
}

/// Without the password.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("mechanism", &self.mechanism).field("right", &self.right).finish()
    }
}

#[derive(Clone, Debug)]
pub struct SessionFault {
    /// Of the command, in upper case.
    pub verb: String,
    pub what: Wrong,
    pub failure: Failure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Syntax,
    Order,
    /// An extension that the server has not offered.
    NotOffered,
}

#[derive(Clone, Debug)]
pub struct Early {
    /// The server's line that the client did not wait for.
    pub before: String,
    pub octets: Vec<u8>,
    /// It closed the connection.
    pub closed: bool,
}

#[derive(Clone, Debug)]
pub struct Agreed {
    pub version: String,
    /// The name that the client asked for (RFC 6066 §3).
    pub server_name: Option<String>,
}

/// How a connection ended, seen from the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It has not, as far as is known.
    #[default]
    Open,
    Fin,
    Reset,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    plan: Plan,
    shown: Shown,
    versions: Versions,
    records: Option<usize>,
}

/// What every connection begins with.
#[derive(Clone, Debug, Default)]
struct Plan {
    script: Script,
    /// What its reply to EHLO begins with; `None`: `mail.example`.
    name: Option<&'static str>,
    offers: Vec<String>,
    offers_under_tls: Option<Vec<String>>,
    delivery: Delivery,
    implicit_tls: bool,
    account: Option<(String, String)>,
    /// The texts of LOGIN's two challenges, before base64; `None`: `Username:` and `Password:`.
    prompts: Option<[String; 2]>,
    /// MAIL is refused with 530 before TLS, and before AUTH.
    demands: Demands,
    /// After so many octets of a mail the server does this.
    broken_off: Option<(usize, Act)>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Demands {
    tls: bool,
    auth: bool,
}

impl Builder {
    /// What EHLO's reply lists, a line each.
    pub fn offers<S: Into<String>>(mut self, keywords: impl IntoIterator<Item = S>) -> Self {
        self.plan.offers = keywords.into_iter().map(Into::into).collect();
        self
    }

    /// The same once TLS is up; without it, all of [`Builder::offers`] but STARTTLS.
    pub fn offers_under_tls<S: Into<String>>(mut self, keywords: impl IntoIterator<Item = S>) -> Self {
        self.plan.offers_under_tls = Some(keywords.into_iter().map(Into::into).collect());
        self
    }

    /// The reply at this point; called again, the reply of the next time, on whatever connection. The last one stays.
    pub fn at(mut self, point: Point, reply: Reply) -> Self {
        self.plan.script.add(point, reply);
        self
    }

    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.plan.delivery = delivery;
        self
    }

    /// TLS from the first octet on (RFC 8314 §3.3).
    pub fn implicit_tls(mut self) -> Self {
        self.plan.implicit_tls = true;
        self
    }

    pub fn shows(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }

    /// Each record of TLS has at most so many octets, 32 or more, with its header; those of one reply come together.
    pub fn records(mut self, octets: usize) -> Self {
        self.records = Some(octets);
        self
    }

    pub fn speaks(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// The one account there is; MAIL is refused without it.
    pub fn account(mut self, user: &str, password: &str) -> Self {
        self.plan.account = Some((user.to_owned(), password.to_owned()));
        self.plan.demands.auth = true;
        self
    }

    /// The texts of LOGIN's two challenges.
    pub fn prompts(mut self, user: &str, password: &str) -> Self {
        self.plan.prompts = Some([user.to_owned(), password.to_owned()]);
        self
    }

    /// After so many octets of a mail the server does this.
    pub fn breaks_off(mut self, octets: usize, act: Act) -> Self {
        self.plan.broken_off = Some((octets, act));
        self
    }

    pub fn start(mut self, scene: &Scene) -> Verdict<Smtp> {
        let broken = |error: io::Error| Fault::Broken(format!("could not start a mail server: {error}"));
        let offers_tls = self.plan.offers.iter().any(|keyword| keyword.eq_ignore_ascii_case("STARTTLS"));
        if offers_tls || self.plan.implicit_tls {
            let mut tls = certificates::server(self.shown, self.versions);
            tls.max_fragment_size = self.records;
            self.plan.tls = Some(Arc::new(tls));
        }
        let shared = Arc::new(Shared {
            script: Mutex::new(std::mem::take(&mut self.plan.script)),
            plan: self.plan,
            sessions: Mutex::default(),
            client: OnceLock::new(),
        });
        let stop = Stop::default();
        let accept = |listener| {
            let (shared, scene, stop_too) = (Arc::clone(&shared), scene.clone(), stop.clone());
            Accepting::start(listener, stop.clone(), move |socket| {
                if let Ok(stream) = Stream::over(&scene, socket, "server") {
                    shared.serve(stream, stop_too.clone());
                }
            })
            .map_err(broken)
        };
        let (v4, v6) = listen().map_err(broken)?;
        let accepting = accept(v4)?;
        let accepting_v6 = v6.map(accept).transpose()?;
        Ok(Smtp { shared, accepting, accepting_v6 })
    }
}

/// On both loopback addresses, as `localhost` may be either; without the second where the system has no IPv6.
fn listen() -> io::Result<(TcpListener, Option<TcpListener>)> {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        match TcpListener::bind((Ipv6Addr::LOCALHOST, v4.local_addr()?.port())) {
            Ok(v6) => return Ok((v4, Some(v6))),
            // Somebody else has that port there.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(_) => return Ok((v4, None)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port is free on both 127.0.0.1 and ::1"))
}

/// A running mail server.
#[derive(Debug)]
pub struct Smtp {
    shared: Arc<Shared>,
    accepting: Accepting,
    accepting_v6: Option<Accepting>,
}

#[derive(Debug)]
struct Shared {
    plan: Plan,
    script: Mutex<Script>,
    sessions: Mutex<Vec<Session>>,
    /// The supervisor of the client under test.
    client: OnceLock<i32>,
}

impl Smtp {
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub fn port(&self) -> u16 {
        self.accepting.addr().port()
    }

    /// Names the client's supervisor, which [`Delivery::Lockstep`] has to look at.
    pub fn watch(&self, supervisor: i32) {
        // Whoever runs the second client of a check has a second server.
        let _ = self.shared.client.set(supervisor);
    }

    /// Ends it once all that has been sent to it is read.
    pub fn finish(self) -> Verdict<Vec<Session>> {
        let ended =
            self.accepting.finish().and_then(|()| self.accepting_v6.map_or(Ok(()), Accepting::finish));
        ended.map_err(|error| Fault::Broken(format!("could not end a mail server: {error}")))?;
        Ok(std::mem::take(&mut *self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests;
