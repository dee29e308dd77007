//! The commands of wirelab: `cargo xtask check lab1`. This file only dispatches; each command is a file of its own.

mod chapter;
mod commands;
mod folder;
mod nearest;
mod terminal;
mod workspace;
// ANCHOR: extra_step0_grade
mod grade;
// ANCHOR_END: extra_step0_grade

use std::process::ExitCode;

use clap::Parser;
use harness::report::exit;
use harness::subject::supervisor;

use commands::{check, compare, doctor, explain, hint, list, reset};
// ANCHOR: extra_step0_uses
use commands::{
    attacks, book, ci, grade as class, handout, mutants, package, starters, synthetic, throughput,
};
// ANCHOR_END: extra_step0_uses

/// Network programming in four labs: build a program, and see what works on the wire, what does not, and why.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 80)]
enum Command {
    Check(check::Args),
    Compare(compare::Args),
    List(list::Args),
    Explain(explain::Args),
    Hint(hint::Args),
    Doctor(doctor::Args),
    Reset(reset::Args),
    // ANCHOR: extra_step0_commands
    Starters(starters::Args),
    Handout(handout::Args),
    Mutants(mutants::Args),
    Attacks(attacks::Args),
    Throughput(throughput::Args),
    Grade(class::Args),
    Package(package::Args),
    Book(book::Args),
    Ci(ci::Args),
    Synthetic(synthetic::Args),
    // ANCHOR_END: extra_step0_commands
}

fn main() -> ExitCode {
    supervisor::run_if_asked();
    // ANCHOR: extra_step0_inner
    grade::sandbox::confined::run_if_asked();
    grade::sandbox::probe::run_if_asked();
    grade::inner::run_if_asked();
    // ANCHOR_END: extra_step0_inner
    let done = match Command::parse() {
        Command::Check(args) => check::run(args),
        Command::Compare(args) => compare::run(args),
        Command::List(args) => list::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Hint(args) => hint::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Reset(args) => reset::run(args),
        // ANCHOR: extra_step0_runs
        Command::Starters(args) => starters::run(args),
        Command::Handout(args) => handout::run(args),
        Command::Mutants(args) => mutants::run(args),
        Command::Attacks(args) => attacks::run(args),
        Command::Throughput(args) => throughput::run(args),
        Command::Grade(args) => class::run(args),
        Command::Package(args) => package::run(args),
        Command::Book(args) => book::run(args),
        Command::Ci(args) => ci::run(args),
        Command::Synthetic(args) => synthetic::run(args),
        // ANCHOR_END: extra_step0_runs
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(exit::USAGE)
    })
}
