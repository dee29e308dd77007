//! `cargo xtask reset LAB`: puts a lab's starter back, and keeps what was there.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use harness::check::Lab;
use harness::report::exit;

// ANCHOR: extra_step0_generator
use super::starters::Starter;
// ANCHOR_END: extra_step0_generator
use crate::folder::{self, listed};
use crate::nearest;
use crate::workspace::{self, shown, state};

/// Put a lab's starter back; your work is kept in a backup.
#[derive(clap::Args)]
pub struct Args {
    /// The lab: `lab1`
    #[arg(value_parser = nearest::lab)]
    lab: Lab,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let lab = workspace::lab(args.lab);
    // STARTER: let starter = workspace::root().join("fixtures/starters").join(args.lab.folder());
    // STARTER: let starter = starter.as_path();
    // ANCHOR: extra_step0_generated
    let starter = Starter::untouched(args.lab)?;
    let starter = starter.path();
    // ANCHOR_END: extra_step0_generated
    let differing = match lab.exists() {
        true => folder::different(&folder::digests(starter)?, &folder::digests(&lab)?),
        false => Vec::new(),
    };
    if differing.is_empty() {
        folder::mirror(starter, &lab)?;
        println!("{} is the untouched starter", shown(&lab));
        return Ok(ExitCode::from(exit::PASSED));
    }
    println!("{} differs from the starter: {}", shown(&lab), listed(&differing));
    if !args.yes && !confirmed()? {
        println!("nothing was changed");
        return Ok(ExitCode::from(exit::USAGE));
    }
    let backup = unused_backup(args.lab);
    folder::mirror(&lab, &backup)?;
    folder::mirror(starter, &lab)?;
    println!("{} is the untouched starter again; what was there is in {}", shown(&lab), shown(&backup));
    Ok(ExitCode::from(exit::PASSED))
}

/// Asks on a terminal; elsewhere nobody could answer, and `--yes` is named.
fn confirmed() -> Result<bool> {
    if !io::stdin().is_terminal() {
        println!("to put the starter back: the same command with --yes");
        return Ok(false);
    }
    print!("put the starter back? A backup is kept. [y/N] ");
    io::stdout().flush().context("cannot ask")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// `target/wirelab/reset-backup-lab1-1`, or the first number that is free.
fn unused_backup(lab: Lab) -> PathBuf {
    (1..)
        .map(|number| state().join(format!("reset-backup-{lab}-{number}")))
        .find(|path| !path.exists())
        .expect("some number is free")
}
