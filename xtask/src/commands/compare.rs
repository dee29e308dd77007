//! `cargo xtask compare`: a web server of lab 1 with a pool, with a thread a connection and with a process a
//! connection, under a growing number of clients.
//!
//! It writes a table (CSV) and its curves (SVG). Server and clients share one machine, so the figures compare
//! the models with each other and say little of what either could do elsewhere.

mod chart;
mod load;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use harness::check::Lab;
use harness::deadline::Deadline;
use harness::report::exit;
use harness::subject::{Launch, Readiness, RunDir, Supervisor, start_ready};
use serde_json::Value;

use crate::workspace;
use chart::{Chart, Line};
use load::{Load, Measured};

/// Measure threads, processes and a pool against each other, with your web server of lab 1
#[derive(clap::Args)]
pub struct Args {
    // ANCHOR: extra_step0_option
    /// With the reference solution
    #[arg(long)]
    solution: bool,
    // ANCHOR_END: extra_step0_option
    /// How many clients there are at once, one run each
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32, 64],
          value_parser = clap::value_parser!(u16).range(1..=256))]
    clients: Vec<u16>,
    /// How long each run lasts
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5, value_parser = seconds)]
    seconds: f64,
    /// How often each is run; the best of them counts, as on a busy machine the others show who else was busy
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Where the table and the curves are put
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// How the server shares out its work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Pool,
    Threads,
    Processes,
}

impl Shape {
    const ALL: [Shape; 3] = [Shape::Pool, Shape::Threads, Shape::Processes];

    fn name(self) -> &'static str {
        match self {
            Shape::Pool => "pool of 8",
            Shape::Threads => "a thread each",
            Shape::Processes => "a process each",
        }
    }

    fn arguments(self, clients: u16) -> [String; 4] {
        let (model, workers) = match self {
            Shape::Pool => ("pool", POOL),
            // Nobody waits for a worker, so each client has one.
            Shape::Threads => ("pool", clients),
            Shape::Processes => ("fork", POOL),
        };
        ["--model".to_owned(), model.to_owned(), "--workers".to_owned(), workers.to_string()]
    }
}

const PROGRAM: &str = "web-server";

/// Threads of the pool.
const POOL: u16 = 8;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(10);

/// The file that is asked for: 4 KiB, as a small page has.
const PAGE: (&str, usize) = ("page.html", 4096);

struct Row {
    shape: Shape,
    load: Load,
    clients: u16,
    measured: Measured,
}

pub fn run(args: Args) -> Result<ExitCode> {
    super::check::clean_up_when_interrupted()?;
    let out = args.out.clone().unwrap_or_else(|| workspace::state().join("compare"));
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let package = workspace::lab(Lab::Lab1);
    // ANCHOR: extra_step0_solution
    let package = if args.solution { workspace::solution(Lab::Lab1) } else { package };
    // ANCHOR_END: extra_step0_solution
    let server = build(&package)?;
    let site = RunDir::new().context("cannot make a directory for the run")?;
    fs::write(site.path().join(PAGE.0), "x".repeat(PAGE.1)).context("cannot write a page")?;
    let supervisor = Supervisor::current().context("cannot find the program that watches over others")?;

    let span = Duration::from_secs_f64(args.seconds);
    let trial = |shape: Shape, load, clients| {
        let launch = |port: u16| Launch {
            flood: u64::MAX,
            ..Launch::new([&server], site.path())
                .args(["--root", ".", "--port", &port.to_string()])
                .args(shape.arguments(clients))
        };
        let (host, deadline) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Deadline::after(START));
        let started = start_ready(&supervisor, Readiness::Listening, host, deadline, launch);
        let (running, lease) = started.map_err(|error| anyhow!("the server {error}"))?;
        let addr = SocketAddr::new(host, lease.port());
        let measured = load::measure(load, addr, clients, span, running.pid());
        super::check::after_interrupt();
        measured
    };

    let mut rows = Vec::new();
    println!("{HEADINGS}");
    for &clients in &args.clients {
        for load in Load::ALL {
            let mut best: [Option<Measured>; Shape::ALL.len()] = Default::default();
            // In turn, so that a busy moment of the machine does not meet one shape alone.
            for _ in 0..args.rounds {
                for (best, shape) in best.iter_mut().zip(Shape::ALL) {
                    let measured = trial(shape, load, clients)?;
                    *best = Some(best.map_or(measured, |best| best.best(measured)));
                }
            }
            for (measured, shape) in best.into_iter().flatten().zip(Shape::ALL) {
                let row = Row { shape, load, clients, measured };
                println!("{}", row.line());
                rows.push(row);
            }
        }
    }
    write(&out, &rows)?;
    println!("\nThe table and the curves are in {}.", workspace::shown(&out));
    Ok(ExitCode::from(exit::PASSED))
}

/// The server as one would run it: optimised.
fn build(package: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--bin", PROGRAM, "--message-format=json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(package.join("Cargo.toml"))
        // A starter and its solution have one name: in one directory they would be taken for each other.
        .env_remove("CARGO_TARGET_DIR")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(built.status.success(), "{} does not build", workspace::shown(package));
    let executable = |line: &[u8]| {
        let message: Value = serde_json::from_slice(line).ok()?;
        (message["target"]["name"] == PROGRAM).then_some(())?;
        message["executable"].as_str().map(PathBuf::from)
    };
    let found = built.stdout.split(|&octet| octet == b'\n').find_map(executable);
    found.with_context(|| format!("{} has no program {PROGRAM}", workspace::shown(package)))
}

const HEADINGS: &str = "\
clients  load                            server          requests/s  longest wait  time/request  memory";

impl Row {
    fn line(&self) -> String {
        format!(
            "{:<8} {:<31} {:<15} {:>10.0} {:>10.1} ms {:>10.1} µs {:>5} KiB",
            self.clients,
            self.load.name(),
            self.shape.name(),
            self.measured.requests_per_second,
            milliseconds(self.measured.longest_wait),
            microseconds(self.measured.time_per_request),
            self.measured.memory / 1024,
        )
    }

    fn csv(&self) -> String {
        format!(
            "{},{},{},{:.0},{:.3},{:.1},{}\n",
            self.load.name(),
            self.shape.name(),
            self.clients,
            self.measured.requests_per_second,
            milliseconds(self.measured.longest_wait),
            microseconds(self.measured.time_per_request),
            self.measured.memory / 1024,
        )
    }
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn microseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

fn write(out: &Path, rows: &[Row]) -> Result<()> {
    let mut table =
        "load,server,clients,requests_per_second,longest_wait_ms,time_per_request_us,memory_kib\n".to_owned();
    table.extend(rows.iter().map(Row::csv));
    let put = |name: &str, text: &str| {
        let path = out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    put("compare.csv", &table)?;
    let chart = |title, load, unit, value: fn(&Measured) -> f64| {
        let line = |shape: Shape| {
            let points = rows.iter().filter(|row| row.shape == shape && row.load == load);
            let points = points.map(|row| (f64::from(row.clients), value(&row.measured))).collect();
            Line { name: shape.name(), points }
        };
        Chart { title, unit, lines: Shape::ALL.map(line).to_vec() }.svg()
    };
    let time = |measured: &Measured| microseconds(measured.time_per_request);
    let wait = |measured: &Measured| milliseconds(measured.longest_wait);
    let memory = |measured: &Measured| measured.memory as f64 / 1024.0;
    put("short-time.svg", &chart("Processor time, a connection for each request", Load::Short, "µs", time))?;
    put("kept-time.svg", &chart("Processor time, one connection for each client", Load::Kept, "µs", time))?;
    put("kept-wait.svg", &chart("The longest wait, one connection for each client", Load::Kept, "ms", wait))?;
    put("kept-memory.svg", &chart("Memory, one connection for each client", Load::Kept, "KiB", memory))?;
    Ok(())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=60.0).contains(&seconds) { Ok(seconds) } else { Err("not between 0.01 and 60".to_owned()) }
}
