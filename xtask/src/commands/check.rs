//! `cargo xtask check LAB`: builds a program, tries it, and says what works, what does not, and why.

mod format;
mod programs;
mod repeat;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use harness::check::{Lab, Tier, lies_below};
use harness::report::progress::Progress;
use harness::report::{Program, Report, exit};
use harness::runner::{self, Options, RunError, Selection};
use harness::subject::{self, Model, Programs, Supervisor};

use crate::{nearest, workspace};
use format::{Format, Output};
use programs::Refused;

/// Checks under way at once: they mostly wait.
const JOBS: usize = 16;

/// What a process ends with that was interrupted (128 + SIGINT).
const INTERRUPTED: i32 = 130;

const EXIT_STATUS: &str = "\
Exit status:
    0  every check that was tried passed
    1  some check failed, is blocked or flaky
    2  the command line made no sense
    3  the program did not build, or its wirelab.toml is wrong
    4  the harness itself failed
  130  interrupted";

/// Try a program against a lab's checks; without further options, your own in labs/
#[derive(clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub struct Args {
    /// The lab: `lab1`, `lab2`, `lab3`, `lab4`
    #[arg(value_parser = nearest::lab)]
    lab: Lab,
    #[command(flatten)]
    which: Which,
    /// Lab 1: how the server shares out its work; the program's first otherwise
    #[arg(long, value_parser = PossibleValuesParser::new(Model::ALL.map(Model::name)).map(model))]
    model: Option<Model>,
    /// Take everything random from it again
    #[arg(long, value_name = "HEX", value_parser = seed)]
    seed: Option<u64>,
    /// Checks under way at once
    #[arg(long, value_name = "N", default_value_t = JOBS)]
    jobs: usize,
    /// Only these checks; `web.files` takes all that begin with it
    #[arg(long, value_name = "ID", num_args = 1..)]
    only: Vec<String>,
    /// Only the checks of this stage
    #[arg(long, value_name = "N")]
    stage: Option<u8>,
    /// Only the checks of this tier
    #[arg(long, value_parser = PossibleValuesParser::new(TIERS.map(Tier::name)).map(tier))]
    tier: Option<Tier>,
    /// Only what an RFC asks for with MUST or SHOULD
    #[arg(long)]
    basis: Option<OnlyBasis>,
    /// Run this often, each time with another seed unless one is given, and compare the verdicts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Multiply every patience of the harness, for a slow machine
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = factor)]
    timeout_factor: f64,
    /// Show every failure in full, not the first alone
    #[arg(long)]
    all: bool,
    /// With json and --repeat, one report a line
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write a capture file of each check into this directory, for Wireshark
    #[arg(long, value_name = "DIR")]
    capture: Option<PathBuf>,
    /// Write the report to this file, and only its last line here; with github, the step's summary
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The program to try.
#[derive(clap::Args)]
struct Which {
    // ANCHOR: extra_step0_option
    /// Try the reference solution
    #[arg(long, conflicts_with_all = ["dir", "cmd", "client_cmd"])]
    solution: bool,
    // ANCHOR_END: extra_step0_option
    /// Try the implementation in this directory, by its wirelab.toml or as a Cargo package
    #[arg(long = "impl", value_name = "DIR", conflicts_with_all = ["cmd", "client_cmd"])]
    dir: Option<PathBuf>,
    /// Try this command, started here: "python3 server.py"
    #[arg(long, value_name = "COMMAND")]
    cmd: Option<String>,
    /// Try this command as the client
    #[arg(long, value_name = "COMMAND")]
    client_cmd: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnlyBasis {
    /// RFCs, not the lab's contract
    Rfc,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let select = selection(&args)?;
    if let Some(dir) = &args.capture {
        let writable = || fs::create_dir_all(dir).and_then(|()| tempfile::tempfile_in(dir));
        writable().with_context(|| format!("cannot write captures into {}", dir.display()))?;
    }
    let output = Output::new(&args)?;
    let done = try_program(&args, select, output);
    match done.as_ref().err().map(|error| error.downcast_ref::<RunError>()) {
        None | Some(Some(RunError::NothingSelected)) => done,
        Some(_) => {
            done.inspect_err(|error| eprintln!("error: {error:#}")).or(Ok(ExitCode::from(exit::HARNESS)))
        }
    }
}

fn try_program(args: &Args, select: Selection, output: Output) -> Result<ExitCode> {
    let supervisor = Supervisor::current().context("cannot find the program that watches over others")?;
    clean_up_when_interrupted()?;
    let progress = Progress::new(io::stderr().is_terminal() && args.format == Format::Human);
    match programs::ready(args.lab, &args.which, &supervisor, &progress) {
        Ok((programs, program)) => {
            let run = Run { args, supervisor, select, output, programs, program, progress };
            if args.repeat > 1 { repeat::run(&run) } else { run.once() }
        }
        Err(refused) => {
            after_interrupt();
            output.refuse(&refused.to_string())?;
            Ok(ExitCode::from(match refused {
                Refused::Usage(_) => exit::USAGE,
                Refused::Build(_) => exit::BUILD,
                Refused::Skipped(_) => exit::PASSED,
            }))
        }
    }
}

/// All that one run of the checks takes, to be done once or often.
struct Run<'a> {
    args: &'a Args,
    supervisor: Supervisor,
    select: Selection,
    output: Output,
    programs: Programs,
    program: Program,
    progress: Progress,
}

impl Run<'_> {
    fn once(&self) -> Result<ExitCode> {
        let report = self.report(self.seed())?;
        self.output.write(&report)?;
        Ok(ExitCode::from(report.exit_code()))
    }

    /// The one that was asked for, or a fresh one.
    fn seed(&self) -> u64 {
        self.args.seed.unwrap_or_else(|| fastrand::u32(..).into())
    }

    fn report(&self, seed: u64) -> Result<Report> {
        let options = Options {
            seed,
            jobs: self.args.jobs,
            select: self.select.clone(),
            model: self.args.model,
            timeout_factor: self.args.timeout_factor,
            rerun: true,
            records: workspace::shown(&workspace::state().join("records")).into(),
            captures: self.args.capture.clone(),
            supervisor: self.supervisor.clone(),
        };
        let again = again(self.args);
        let tell = |done: usize, total: usize, id: &str| self.progress.update(done, total, id);
        let report =
            runner::run(self.args.lab, &self.programs, self.program.clone(), &again, &options, &tell);
        self.progress.clear();
        after_interrupt();
        Ok(report?)
    }
}

/// The command that tries the same program again.
fn again(args: &Args) -> String {
    let mut command = format!("cargo xtask check {}", args.lab);
    // ANCHOR: extra_step0_again
    if args.which.solution {
        command.push_str(" --solution");
    }
    // ANCHOR_END: extra_step0_again
    let Which { dir, cmd, client_cmd, .. } = &args.which;
    let dir = dir.as_ref().map(|dir| dir.display().to_string());
    let model = args.model.map(|model| model.name().to_owned());
    let factor = (args.timeout_factor != 1.0).then(|| args.timeout_factor.to_string());
    let options = [
        ("--impl", &dir),
        ("--cmd", cmd),
        ("--client-cmd", client_cmd),
        ("--model", &model),
        ("--timeout-factor", &factor),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            // What no shell can be given (a NUL) came from no shell.
            let quoted = shlex::try_quote(value).unwrap_or_default();
            command.push_str(&format!(" {option} {quoted}"));
        }
    }
    command
}

fn selection(args: &Args) -> Result<Selection> {
    for id in &args.only {
        if !args.lab.checks().any(|check| lies_below(check.id, id)) {
            bail!("{}", nearest::unknown(id, args.lab.checks()));
        }
    }
    ensure!(args.model.is_none() || args.lab == Lab::Lab1, "--model is for servers: {} has none", args.lab);
    let stages = args.lab.stages().len();
    if let Some(stage) = args.stage {
        ensure!(
            (1..=stages).contains(&stage.into()),
            "{} has stages 1 to {stages}, and no {stage}",
            args.lab
        );
    }
    Ok(Selection {
        only: args.only.clone(),
        stage: args.stage,
        tier: args.tier,
        rfc_only: matches!(args.basis, Some(OnlyBasis::Rfc)),
    })
}

/// Ctrl-C ends every program and removes what the run made, within a second.
pub(super) fn clean_up_when_interrupted() -> Result<()> {
    ctrlc::set_handler(|| {
        subject::abort_all();
        // Whoever read it may have been ended, too.
        let _ = writeln!(io::stderr(), "\ninterrupted: nothing is left running");
        process::exit(INTERRUPTED);
    })
    .context("cannot listen for Ctrl-C")
}

/// What a run found while it was being ended is no finding: leaves the last word to the handler.
pub(super) fn after_interrupt() {
    while subject::aborted() {
        thread::park();
    }
}

const TIERS: [Tier; 3] = [Tier::Core, Tier::Robust, Tier::Extension];

// Clap has let none but these names pass.
fn tier(name: String) -> Tier {
    TIERS.into_iter().find(|tier| tier.name() == name).unwrap_or(Tier::Core)
}

fn model(name: String) -> Model {
    Model::ALL.into_iter().find(|model| model.name() == name).unwrap_or(Model::Pool)
}

fn seed(hex: &str) -> Result<u64, String> {
    u64::from_str_radix(hex.trim_start_matches("0x"), 16)
        .map_err(|_| "a seed is at most 16 hexadecimal digits, as a report shows it".to_owned())
}

fn factor(number: &str) -> Result<f64, String> {
    let factor: f64 = number.parse().map_err(|_| "not a number".to_owned())?;
    if factor.is_finite() && factor > 0.0 { Ok(factor) } else { Err("not above 0".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        let words = shlex::split(line).expect("a line as a shell would take it");
        Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args
    }

    #[test]
    fn again_tries_the_same_program_in_the_same_way() {
        let again = |line: &str| again(&args(line));
        assert_eq!(again("check lab1 --only web.start"), "cargo xtask check lab1");
        // ANCHOR: extra_step0_again_test
        assert_eq!(
            again("check lab1 --solution --model fork"),
            "cargo xtask check lab1 --solution --model fork"
        );
        // ANCHOR_END: extra_step0_again_test
        assert_eq!(
            again("check lab1 --cmd 'python3 s.py' --timeout-factor 2.5"),
            "cargo xtask check lab1 --cmd 'python3 s.py' --timeout-factor 2.5"
        );
    }

    #[test]
    fn only_takes_several_ids() {
        assert_eq!(args("check lab1 --only a b --only c").only, ["a", "b", "c"]);
    }

    #[test]
    fn a_seed_is_read_as_a_report_shows_it() {
        assert_eq!(seed("7f3a"), Ok(0x7f3a));
        assert_eq!(seed("0xff"), Ok(255));
        assert!(seed("grass").is_err());
    }

    #[test]
    fn a_patience_of_nothing_is_refused() {
        assert_eq!(factor("0.5"), Ok(0.5));
        for none in ["0", "-1", "inf", "NaN", "x"] {
            assert!(factor(none).is_err(), "{none}");
        }
    }
}
