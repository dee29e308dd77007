//! Does with a handout what a student does: builds it, runs its tests, checks an untouched lab.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::check::Lab;
use harness::report::{Report, exit};

use crate::workspace;

/// The lab that is checked: the one that builds fastest.
const LAB: Lab = Lab::Lab3;

pub fn run(handout: &Path) -> Result<()> {
    let tried = tried(handout);
    // What the trial has built is no part of it.
    for built in Lab::ALL.iter().map(|lab| handout.join("labs").join(lab.folder())).chain([handout.into()]) {
        let _ = fs::remove_dir_all(built.join("target"));
    }
    tried
}

fn tried(handout: &Path) -> Result<()> {
    cargo(handout, &["build", "--locked", "--workspace", "--all-targets"])?;
    let unused = ["--", "-D", "unused_crate_dependencies"];
    cargo(handout, &[&["rustc", "--locked", "--package", "xtask", "--bin", "xtask"][..], &unused].concat())?;
    cargo(handout, &["test", "--locked", "--quiet"])?;
    let mut check = command(handout);
    check.args(["xtask", "check", LAB.name(), "--format", "json"]);
    let output = check.output().context("cannot run cargo")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(exit::FAILED.into()), "an untouched {LAB} ended so:\n{words}");
    let report: Report = serde_json::from_slice(&output.stdout).context("an untouched lab has no report")?;
    let first = report.checks.first().context("a report without a check")?;
    let begins = serde_json::to_string(&first.outcome)?.contains("step 1: ");
    ensure!(begins, "the first check of an untouched {LAB} does not name step 1");
    Ok(())
}

fn cargo(handout: &Path, words: &[&str]) -> Result<()> {
    println!("the handout: cargo {}", words.join(" "));
    let output = command(handout).args(words).output().context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "the handout: `cargo {}` failed:\n{}{}",
        words.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Cargo as a student calls it, whose build is kept for the next trial. What only the kit uses would be a warning.
fn command(handout: &Path) -> Command {
    let mut command = Command::new(workspace::cargo());
    command
        .current_dir(handout)
        .env("CARGO_TARGET_DIR", workspace::state().join("handout"))
        .env("RUSTFLAGS", "-D warnings");
    command
}
