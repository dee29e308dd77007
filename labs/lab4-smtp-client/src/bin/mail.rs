//! `mail`: sends one mail by way of a submission server.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use clap::{Parser, ValueEnum};
use lab4_smtp_client::error::{OK, USAGE};
use lab4_smtp_client::{Address, Credentials, Error, Message, Receipt, Security, SmtpClient};

/// Sends one mail by way of a submission server, such as Gmail's
///
/// Exit status: 0 sent; 64 usage; 66 a file cannot be read; 67 sent, but some recipient was refused;
/// 69 refused, or nobody there; 75 try again later; 76 no SMTP, or no TLS; 77 not authenticated.
#[derive(Parser)]
#[command(name = "mail")]
struct Args {
    /// Name or address of the server
    #[arg(long, value_name = "HOST")]
    server: String,
    /// Port of the server [default: 587; with --tls implicit, 465]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Address of the sender
    #[arg(long, value_name = "ADDR")]
    from: Address,
    /// Addresses of recipients
    #[arg(long, value_name = "ADDR", required = true, num_args = 1..)]
    to: Vec<Address>,
    /// Addresses of recipients of a copy
    #[arg(long, value_name = "ADDR", num_args = 1..)]
    cc: Vec<Address>,
    /// Addresses of recipients of a copy whom the mail does not name
    #[arg(long, value_name = "ADDR", num_args = 1..)]
    bcc: Vec<Address>,
    /// What the mail is about, in one line
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    subject: String,
    /// What it says
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    text: String,
    /// File with what it says, in UTF-8
    #[arg(long, value_name = "PATH", conflicts_with = "text")]
    text_file: Option<PathBuf>,
    /// File that goes with it
    #[arg(long, value_name = "PATH")]
    attach: Vec<PathBuf>,
    /// Name of the user, who is asked for a password
    #[arg(long, value_name = "USER", requires = "password_env")]
    username: Option<String>,
    /// Environment variable with the password
    #[arg(long, value_name = "VAR", requires = "username")]
    password_env: Option<String>,
    /// When TLS begins
    #[arg(long, default_value = "starttls")]
    tls: TlsMode,
    /// Root certificates to use instead of the system's
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,
    /// Seconds in which nothing moves before it gives up
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TlsMode {
    /// After the greeting; a server that does not offer it gets no mail
    Starttls,
    /// From the start
    Implicit,
    /// Never
    None,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let is_sensible = |seconds: &f64| (1e-3..=1e9).contains(seconds);
    let seconds = text.parse().ok().filter(is_sensible);
    seconds
        .map(Duration::from_secs_f64)
        .ok_or("not a number of seconds above 0".into())
}

fn main() -> ExitCode {
    let status = match Args::try_parse() {
        Ok(args) => match send(args) {
            Ok(receipt) => {
                for refusal in &receipt.refused {
                    complain(refusal);
                }
                receipt.exit_status()
            }
            Err(Error::NoRecipient(refusals)) => {
                for refusal in &refusals {
                    complain(refusal);
                }
                Error::NoRecipient(refusals).exit_status()
            }
            Err(error) => {
                complain(&error);
                error.exit_status()
            }
        },
        Err(error) => {
            // Where nobody reads, there is nobody to tell.
            let _ = error.print();
            if error.use_stderr() { USAGE } else { OK }
        }
    };
    ExitCode::from(status)
}

fn complain(problem: &impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "mail: {problem}");
}

fn send(args: Args) -> Result<Receipt, Error> {
    let mut message = Message::new(args.from, args.to);
    message.cc = args.cc;
    message.bcc = args.bcc;
    message.set_subject(&args.subject)?;
    let credentials = match (args.username, args.password_env) {
        (Some(username), Some(variable)) => Some(Credentials::new(username, password(&variable)?)),
        _ => None,
    };
    message.text = match args.text_file {
        Some(path) => fs::read_to_string(&path).map_err(|error| Error::Unreadable(path, error))?,
        None => args.text,
    };
    for path in &args.attach {
        message.attach(path)?;
    }
    let (security, port) = match args.tls {
        TlsMode::Starttls => (Security::Starttls, 587),
        TlsMode::Implicit => (Security::Implicit, 465),
        TlsMode::None => (Security::None, 587),
    };
    let mut client = SmtpClient::new(args.server, args.port.unwrap_or(port), credentials);
    client.security = security;
    client.ca_file = args.ca_file;
    client.timeout = args.timeout;
    client.send(&message)
}

fn password(variable: &str) -> Result<String, Error> {
    let password = env::var(variable)
        .ok()
        .filter(|password| !password.is_empty());
    password.ok_or_else(|| Error::Usage(format!("{variable} holds no password, or none in UTF-8")))
}
