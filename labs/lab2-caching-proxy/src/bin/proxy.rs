//! `proxy`: forwards HTTP requests, and keeps what may be used again.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use lab2_caching_proxy::cache::Cache;
use lab2_caching_proxy::server::{self, Proxy};

/// Forwards HTTP requests, and keeps what may be used again
#[derive(Parser)]
struct Args {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on
    #[arg(long, default_value_t = 8888)]
    port: u16,
    /// Octets of all bodies in the cache
    #[arg(long, default_value_t = 16 * 1024 * 1024)]
    cache_bytes: u64,
    /// Octets of the longest body that is cached
    #[arg(long, default_value_t = 1024 * 1024)]
    max_object_bytes: u64,
    /// Seconds an origin may take to be reached, and may be silent
    #[arg(long, default_value = "10", value_parser = seconds)]
    timeout: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok();
    match seconds.filter(|seconds| (0.001..=1e6).contains(seconds)) {
        Some(seconds) => Ok(Duration::from_secs_f64(seconds)),
        None => Err("seconds are a number above 0".into()),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let cache = Cache::new(args.cache_bytes, args.max_object_bytes);
    let proxy = Proxy::new(cache, args.timeout);
    let listener = match server::bind(&args.host, args.port) {
        Ok(listener) => listener,
        Err(error) => {
            let Args { host, port, .. } = args;
            eprintln!("proxy: failed to listen on {host} port {port}: {error}");
            return ExitCode::FAILURE;
        }
    };
    match server::run(listener, proxy) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy: failed to serve: {error}");
            ExitCode::FAILURE
        }
    }
}
