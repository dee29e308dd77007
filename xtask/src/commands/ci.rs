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
    /// What has to exist, from the repository's root, for the phase to make sense.
    given: Option<&'static str>,
}

const PHASES: &[Phase] = &[
    Phase { name: "format", command: &["cargo", "fmt", "--check"], given: None },
    Phase {
        name: "clippy",
        command: &["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        given: None,
    },
    Phase { name: "tests", command: &["cargo", "test"], given: None },
    Phase { name: "solution", command: &["cargo", "xtask", "check", "lab1", "--solution"], given: None },
    Phase { name: "starters", command: &["cargo", "xtask", "starters", "--check"], given: None },
    Phase { name: "mutants", command: &["cargo", "xtask", "mutants"], given: None },
    Phase { name: "book", command: &["mdbook", "build", "book"], given: Some("book/book.toml") },
];

pub fn run(_: Args) -> Result<ExitCode> {
    let began = Instant::now();
    let root = workspace::root();
    let phases: Vec<&Phase> = PHASES.iter().filter(|phase| phase.applies(&root)).collect();
    let mut failed = Vec::new();
    for phase in &phases {
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
        println!("\nci: all {} phases passed in {seconds} s", phases.len());
        return Ok(ExitCode::from(exit::PASSED));
    }
    println!("\nci: FAILED in {seconds} s: {}", failed.join(", "));
    Ok(ExitCode::from(exit::FAILED))
}

impl Phase {
    fn applies(&self, root: &Path) -> bool {
        self.given.is_none_or(|path| root.join(path).exists())
    }

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
