//! `cargo xtask ci`: everything that must hold before a change is taken. `.ci/run` installs what that needs first.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result};
use harness::report::exit;

use crate::workspace;

/// Run everything that must hold before a change is taken.
#[derive(clap::Args)]
pub struct Args {}

/// One step of the gate, as one would type it.
struct Phase {
    name: &'static str,
    command: &'static [&'static str],
}

const PHASES: &[Phase] = &[
    Phase { name: "format", command: &["cargo", "fmt", "--check"] },
    Phase {
        name: "clippy",
        command: &["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    },
    Phase { name: "tests", command: &["cargo", "test"] },
    Phase { name: "lab 1", command: &["cargo", "xtask", "check", "lab1", "--solution"] },
    Phase { name: "lab 2", command: &["cargo", "xtask", "check", "lab2", "--solution"] },
    Phase { name: "lab 3", command: &["cargo", "xtask", "check", "lab3", "--solution"] },
    Phase { name: "lab 4", command: &["cargo", "xtask", "check", "lab4", "--solution"] },
    Phase { name: "starters", command: &["cargo", "xtask", "starters", "--check"] },
    Phase { name: "mutants", command: &["cargo", "xtask", "mutants"] },
    Phase { name: "the book", command: &["cargo", "xtask", "book"] },
    Phase { name: "the students' book", command: &["cargo", "xtask", "book", "--edition", "students"] },
    Phase { name: "handout", command: &["cargo", "xtask", "handout", "--trial"] },
    // After the mutants, whose warm builds it uses.
    Phase { name: "the book's runs", command: &["cargo", "xtask", "book", "--check"] },
];

pub fn run(_: Args) -> Result<ExitCode> {
    let began = Instant::now();
    let root = workspace::root();
    let mut failed = Vec::new();
    for phase in PHASES {
        println!("\n== {}: {}", phase.name, phase.command.join(" "));
        let started = Instant::now();
        let passed = phase.run(&root)?;
        let verdict = if passed { "passed" } else { "FAILED" };
        println!("== {} {verdict} in {:.1} s", phase.name, started.elapsed().as_secs_f32());
        if !passed {
            failed.push(phase.name);
        }
    }
    let seconds = began.elapsed().as_secs();
    if failed.is_empty() {
        println!("\nci: all {} phases passed in {seconds} s", PHASES.len());
        return Ok(ExitCode::from(exit::PASSED));
    }
    println!("\nci: FAILED in {seconds} s: {}", failed.join(", "));
    Ok(ExitCode::from(exit::FAILED))
}

impl Phase {
    fn run(&self, root: &Path) -> Result<bool> {
        let (program, args) = self.command.split_first().expect("a phase is a command");
        let status = Command::new(program)
            .args(args)
            .current_dir(root)
            .status()
            .with_context(|| format!("cannot run {program}"))?;
        Ok(status.success())
    }
}
