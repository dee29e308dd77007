//! The commands of wirelab: `cargo xtask check lab1`. This file only dispatches; each command is a file of its own.

mod commands;
mod grade;
mod nearest;
mod terminal;
mod workspace;

use std::process::ExitCode;

use clap::Parser;
use harness::report::exit;
use harness::subject::supervisor;

use commands::{
    attacks, check, ci, doctor, explain, grade as class, hint, list, mutants, reset, starters, throughput,
};

/// Network programming in four labs: build a program, and see what works on the wire, what does not, and why.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 80)]
enum Command {
    Check(check::Args),
    List(list::Args),
    Explain(explain::Args),
    Hint(hint::Args),
    Doctor(doctor::Args),
    Starters(starters::Args),
    Reset(reset::Args),
    Mutants(mutants::Args),
    Attacks(attacks::Args),
    Throughput(throughput::Args),
    Grade(class::Args),
    Ci(ci::Args),
}

fn main() -> ExitCode {
    supervisor::run_if_asked();
    grade::sandbox::confined::run_if_asked();
    grade::sandbox::probe::run_if_asked();
    grade::inner::run_if_asked();
    let done = match Command::parse() {
        Command::Check(args) => check::run(args),
        Command::List(args) => list::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Hint(args) => hint::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Starters(args) => starters::run(args),
        Command::Reset(args) => reset::run(args),
        Command::Mutants(args) => mutants::run(args),
        Command::Attacks(args) => attacks::run(args),
        Command::Throughput(args) => throughput::run(args),
        Command::Grade(args) => class::run(args),
        Command::Ci(args) => ci::run(args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(exit::USAGE)
    })
}
