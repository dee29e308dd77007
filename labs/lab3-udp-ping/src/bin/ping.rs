//! `ping`: sends echo requests over UDP and times the replies.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use lab3_udp_ping::packet;
use lab3_udp_ping::pinger::{self, Error, Options};

/// Sends echo requests over UDP and times the replies
///
/// Exit status: 0 when anything was received, 1 when nothing was, 2 on any other error.
#[derive(Parser)]
#[command(allow_negative_numbers = true)]
struct Args {
    /// Name or address of the host
    host: String,
    /// Port of the echo service
    #[arg(long, default_value_t = 12000, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Requests to send, at least 1
    #[arg(short, default_value = "10", value_parser = count)]
    count: u64,
    /// Seconds from one request to the next; with 0, as fast as they are answered
    #[arg(short, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Seconds until a request without a reply is lost
    #[arg(short = 'W', value_name = "SECONDS", default_value = "1", value_parser = some_seconds)]
    patience: Duration,
    /// Octets of data in a request, 0 to 65499
    #[arg(short, value_name = "BYTES", default_value = "56", value_parser = size)]
    size: usize,
}

fn count(text: &str) -> Result<u64, String> {
    let count = text.parse().ok().filter(|&count| count > 0);
    count.ok_or("not a number of requests, 1 or more".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let is_sensible = |seconds: &f64| (0.0..=1e9).contains(seconds);
    let seconds = text.parse().ok().filter(is_sensible);
    seconds
        .map(Duration::from_secs_f64)
        .ok_or("not a number of seconds, 0 or more".into())
}

fn some_seconds(text: &str) -> Result<Duration, String> {
    let seconds = seconds(text).ok().filter(|seconds| !seconds.is_zero());
    seconds.ok_or("not a number of seconds above 0".into())
}

fn size(text: &str) -> Result<usize, String> {
    let size = text
        .parse()
        .ok()
        .filter(|size: &u16| *size <= packet::MAX_DATA);
    size.map(usize::from).ok_or(format!(
        "not a number of octets from 0 to {}",
        packet::MAX_DATA
    ))
}

fn main() -> ExitCode {
    let args = Args::parse();
    let options = Options {
        host: args.host,
        port: args.port,
        count: args.count,
        interval: args.interval,
        patience: args.patience,
        size: args.size,
    };
    match pinger::run(&options, io::stdout().lock()) {
        Ok(statistics) if statistics.received > 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            // Whoever reads our stdout may have seen enough: that needs no words.
            if !matches!(&error, Error::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe)
            {
                eprintln!("ping: {error}");
            }
            ExitCode::from(2)
        }
    }
}
