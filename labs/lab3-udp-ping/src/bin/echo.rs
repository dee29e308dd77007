//! `echo`: answers the echo requests of `ping`.

use std::net::UdpSocket;
use std::process::ExitCode;

use clap::Parser;
use lab3_udp_ping::echo;

/// Answers echo requests over UDP
#[derive(Parser)]
struct Args {
    /// Address to receive on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port to receive on
    #[arg(long, default_value_t = 12000)]
    port: u16,
}

fn main() -> ExitCode {
    let Args { host, port } = Args::parse();
    let socket = match UdpSocket::bind((host.as_str(), port)) {
        Ok(socket) => socket,
        Err(error) => return fail(&format!("failed to receive on {host} port {port}"), &error),
    };
    match echo::run(&socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail("failed to wait", &error),
    }
}

fn fail(what: &str, error: &std::io::Error) -> ExitCode {
    eprintln!("echo: {what}: {error}");
    ExitCode::FAILURE
}
