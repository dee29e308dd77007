//! What the program under test is told to send.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::session::{Ended, ended};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::check::Role;
use crate::deadline::steady_load;
use crate::fake::certificates;
use crate::fake::smtp::{Builder, Smtp};
use crate::subject::Running;
use crate::trial::Trial;
use crate::verdict::{Fault, Verdict};

/// The variable in which the program finds the password.
const PASSWORD: &str = "WIRELAB_MAIL_PASSWORD";

/// What `--tls` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    None,
    StartTls,
    Implicit,
}

/// Where the text comes from.
#[derive(Clone, Debug)]
pub enum Text {
    Inline(String),
    File(PathBuf),
}

/// What the program is told on its command line.
#[derive(Clone, Debug)]
pub struct Letter {
    pub from: String,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    /// `None` leaves the option out.
    pub subject: Option<String>,
    pub text: Text,
    pub attach: Vec<PathBuf>,
    pub tls: Security,
    /// `--ca-file`; `None` leaves it out, and so the system's roots count.
    pub ca_file: Option<PathBuf>,
    /// User and password.
    pub account: Option<(String, String)>,
    pub timeout: Duration,
}

impl Letter {
    /// One recipient, a subject and a text that nobody can know, without TLS.
    pub fn new(t: &mut Trial) -> Self {
        Letter {
            from: address(t),
            to: vec![address(t)],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: Some(words(t, 3)),
            text: Text::Inline(words(t, 12)),
            attach: Vec::new(),
            tls: Security::None,
            ca_file: None,
            account: None,
            timeout: stretched(5.0),
        }
    }

    /// The same over STARTTLS, with the authority that the server's certificate is from.
    pub fn under_tls(t: &mut Trial) -> Verdict<Self> {
        let ca_file = t.dir()?.join("authority.pem");
        write(&ca_file, certificates::authority_pem().as_bytes())?;
        Ok(Letter { tls: Security::StartTls, ca_file: Some(ca_file), ..Letter::new(t) })
    }

    pub fn to<S: Into<String>>(self, to: impl IntoIterator<Item = S>) -> Self {
        Letter { to: to.into_iter().map(Into::into).collect(), ..self }
    }

    pub fn subject(self, subject: &str) -> Self {
        Letter { subject: Some(subject.to_owned()), ..self }
    }

    pub fn text(self, text: &str) -> Self {
        Letter { text: Text::Inline(text.to_owned()), ..self }
    }

    pub fn text_file(self, path: &Path) -> Self {
        Letter { text: Text::File(path.to_owned()), ..self }
    }

    pub fn attach(mut self, path: &Path) -> Self {
        self.attach.push(path.to_owned());
        self
    }

    pub fn account(self, user: &str, password: &str) -> Self {
        Letter { account: Some((user.to_owned(), password.to_owned())), ..self }
    }

    /// With an account that nobody can know; also its user and password.
    pub fn with_account(self, t: &mut Trial) -> (Self, String, String) {
        let (user, password) = (address(t), password(t));
        (self.account(&user, &password), user, password)
    }

    /// `--timeout`, to be [`stretched`] by the caller.
    pub fn timeout(self, timeout: Duration) -> Self {
        Letter { timeout, ..self }
    }

    /// A certificate names `localhost`; without TLS the address will do.
    pub fn host(&self) -> &'static str {
        if self.tls == Security::None { "127.0.0.1" } else { certificates::HOST }
    }

    pub fn arguments(&self, port: u16) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["--server".into(), self.host().into()];
        let mut option = |name: &str, value: OsString| words.extend([name.into(), value]);
        option("--port", port.to_string().into());
        option("--from", (&self.from).into());
        let recipients = [("--to", &self.to), ("--cc", &self.cc), ("--bcc", &self.bcc)];
        for (name, addresses) in recipients {
            addresses.iter().for_each(|address| option(name, address.into()));
        }
        if let Some(subject) = &self.subject {
            option("--subject", subject.into());
        }
        match &self.text {
            Text::Inline(text) => option("--text", text.into()),
            Text::File(path) => option("--text-file", path.into()),
        }
        self.attach.iter().for_each(|path| option("--attach", path.into()));
        if let Some((user, _)) = &self.account {
            option("--username", user.into());
            option("--password-env", PASSWORD.into());
        }
        let tls = match self.tls {
            Security::None => "none",
            Security::StartTls => "starttls",
            Security::Implicit => "implicit",
        };
        option("--tls", tls.into());
        if let Some(path) = &self.ca_file {
            option("--ca-file", path.into());
        }
        option("--timeout", self.timeout.as_secs_f64().to_string().into());
        words
    }

    /// Starts the program towards this server.
    pub fn start(&self, t: &mut Trial, server: &Smtp) -> Verdict<Arc<Running>> {
        self.start_with(t, self.arguments(server.port()), Some(server))
    }

    /// The same with other arguments, and perhaps no server.
    pub fn start_with(
        &self,
        t: &mut Trial,
        arguments: Vec<OsString>,
        server: Option<&Smtp>,
    ) -> Verdict<Arc<Running>> {
        t.scene().restart_clock();
        t.unwatch_all();
        let running = match &self.account {
            None => t.run(Role::Mail, arguments)?,
            Some((user, password)) => {
                for shown in forms(user, password) {
                    t.hide(&shown);
                }
                t.run_with_secret(Role::Mail, arguments, PASSWORD, password)?
            }
        };
        if let Some(server) = server {
            server.watch(running.supervisor_pid());
        }
        Ok(running)
    }

    /// Runs the program to its end against this server.
    pub fn send(&self, t: &mut Trial, server: Builder) -> Verdict<Ended> {
        let server = server.start(t.scene())?;
        let running = self.start(t, &server)?;
        ended(t, &running, server)
    }

    /// The addresses to which a RCPT is due.
    pub fn recipients(&self) -> impl Iterator<Item = &String> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }
}

/// The password's forms on the wire: what PLAIN sends (RFC 4616 §2), and what LOGIN does.
pub fn forms(user: &str, password: &str) -> [String; 2] {
    [format!("\0{user}\0{password}"), password.to_owned()].map(|secret| STANDARD.encode(secret))
}

/// So many seconds, as much longer as this machine is busier than it should be: for `--timeout`.
pub fn stretched(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds * steady_load())
}

/// A word of eight letters that nobody can know.
pub fn word(t: &mut Trial) -> String {
    (0..8).map(|_| t.rng.lowercase()).collect()
}

pub fn words(t: &mut Trial, count: usize) -> String {
    (0..count).map(|_| word(t)).collect::<Vec<_>>().join(" ")
}

/// An address that nobody can know.
pub fn address(t: &mut Trial) -> String {
    format!("{}@{}.example", word(t), word(t))
}

/// With what a shell or a URL would stumble over, and what makes `+` and `/` of base64; with an [`address`] short enough
/// for one line of MIME.
pub fn password(t: &mut Trial) -> String {
    format!("{} \"='>>>???%{}", word(t), word(t))
}

/// A file of the check's own.
pub fn write(path: &Path, octets: &[u8]) -> Verdict {
    std::fs::write(path, octets)
        .map_err(|error| Fault::Broken(format!("could not write {}: {error}", path.display())))
}
