//! `web-server`: serves the files of a directory over HTTP/1.1.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use lab1_web_server::log::Log;
use lab1_web_server::server::{self, Model, Server};

/// Serves the files of a directory over HTTP/1.1
#[derive(Parser)]
struct Args {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Directory to serve
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Threads of the pool: each serves one connection at a time, and waits most of that time
    // Enough for the six connections each that ten browsers keep open; a waiting thread costs
    // little more than its stack.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// How connections are served at the same time
    #[arg(long, value_enum, default_value_t = Model::Pool)]
    model: Model,
    /// Seconds a client may be idle, or take to send a request
    #[arg(long, default_value = "10", value_parser = seconds)]
    timeout: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let is_sensible = |seconds: &f64| (0.001..=1e9).contains(seconds);
    match text.parse().ok().filter(is_sensible) {
        Some(seconds) => Ok(Duration::from_secs_f64(seconds)),
        None => Err("not a number of seconds above 0".into()),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let log = Log::to_stdout();
    let server = match log.and_then(|log| Server::new(&args.root, log, args.timeout)) {
        Ok(server) => server,
        Err(error) => return fail(&format!("failed to open {}", args.root.display()), &error),
    };
    let listener = match server::bind(&args.host, args.port) {
        Ok(listener) => listener,
        Err(error) => {
            let place = format!("failed to listen on {} port {}", args.host, args.port);
            return fail(&place, &error);
        }
    };
    match server::run(listener, server, args.model, args.workers.into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail("failed to serve", &error),
    }
}

fn fail(what: &str, error: &std::io::Error) -> ExitCode {
    eprintln!("web-server: {what}: {error}");
    ExitCode::FAILURE
}
