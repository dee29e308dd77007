//! `web-client`: sends one request; the body of the answer goes to stdout, its head to stderr.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use lab1_web_server::client::{self, Error, Order};

/// Sends one HTTP request and prints what is answered
///
/// Exit status: 0 for 2xx and 3xx, 1 for 4xx and 5xx, 2 for anything that is no answer.
#[derive(Parser)]
struct Args {
    method: String,
    host: String,
    port: u16,
    path: String,
}

fn main() -> ExitCode {
    let Args {
        method,
        host,
        port,
        path,
    } = Args::parse();
    let order = Order {
        method,
        host,
        port,
        path,
    };
    match client::run(&order, &mut io::stderr(), &mut io::stdout().lock()) {
        Ok(200..400) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            // Whoever reads our stdout may have seen enough: that needs no words.
            if !matches!(&error, Error::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe)
            {
                eprintln!("web-client: {error}");
            }
            ExitCode::from(2)
        }
    }
}
