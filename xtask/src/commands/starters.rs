//! `cargo xtask starters`: writes `labs/` from `solutions/`, the single source of both.
//!
//! A lab that was changed since it was generated is its student's and is never overwritten; `cargo xtask reset`
//! is how to start over.

pub mod generate;
mod ownership;
pub mod regions;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use harness::check::Lab;
use harness::report::exit;

use crate::folder::{self, listed};
use crate::{nearest, workspace};

/// Write the labs' starters from the solutions.
#[derive(clap::Args)]
pub struct Args {
    /// Only the starters of these labs
    #[arg(value_parser = nearest::lab)]
    labs: Vec<Lab>,
    /// Write nothing; fail when a lab is not what its solution makes it
    #[arg(long)]
    check: bool,
    /// Write them into this directory instead of labs/
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    into: Option<PathBuf>,
    /// Write steps 1 to N as the solution has them, to see what a student sees who has come that far
    #[arg(long, value_name = "N", requires = "into")]
    through: Option<u32>,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let labs = if args.labs.is_empty() { Lab::ALL } else { &args.labs };
    let into = args.into.unwrap_or_else(|| workspace::root().join("labs"));
    let mut refused = 0;
    for lab in labs {
        let starter = Starter::through(*lab, args.through.unwrap_or(0))?;
        let to = into.join(lab.folder());
        if args.check {
            let differing = folder::different(&folder::digests(starter.path())?, &folder::digests(&to)?);
            if differing.is_empty() {
                println!("{lab}: {} is what its solution makes it", workspace::shown(&to));
            } else {
                refused += 1;
                println!(
                    "{lab}: {} is not what its solution makes it: {}",
                    workspace::shown(&to),
                    listed(&differing)
                );
                println!("  where the solution changed, `cargo xtask starters` writes it anew");
            }
            continue;
        }
        let changed = ownership::changed(&to)?;
        if changed.is_empty() {
            folder::mirror(starter.path(), &to)?;
            println!("{lab}: {} written, {}", workspace::shown(&to), starter.progress());
        } else {
            refused += 1;
            println!(
                "{lab}: {} holds someone's work and stays as it is: {}",
                workspace::shown(&to),
                listed(&changed)
            );
            println!("  `cargo xtask reset {lab}` puts the starter back and keeps a copy of the work");
        }
    }
    Ok(ExitCode::from(if refused == 0 { exit::PASSED } else { exit::FAILED }))
}

/// A lab's starter, freshly generated in a directory of its own.
pub struct Starter {
    dir: tempfile::TempDir,
    /// The number of the last step that is written already.
    through: u32,
    /// The number of the last step.
    steps: u32,
}

impl Starter {
    pub fn untouched(lab: Lab) -> Result<Self> {
        Starter::through(lab, 0)
    }

    /// The starter in which a student has written the steps up to this one.
    fn through(lab: Lab, through: u32) -> Result<Self> {
        let solution = workspace::solution(lab);
        ensure!(
            solution.join("Cargo.toml").exists(),
            "there is no solution in {}",
            workspace::shown(&solution)
        );
        let place = workspace::state();
        let dir = fs::create_dir_all(&place)
            .and_then(|()| tempfile::Builder::new().prefix("starter-").tempdir_in(&place))
            .with_context(|| format!("cannot make a directory in {}", workspace::shown(&place)))?;
        let steps = generate::starter(&workspace::root(), &solution, dir.path(), through)
            .with_context(|| format!("cannot make the starter of {lab}"))?;
        let steps = steps.last().map_or(0, |step| step.number);
        ensure!(through <= steps, "{lab} has no step {through}; its last is {steps}");
        Ok(Starter { dir, through, steps })
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    fn progress(&self) -> String {
        match self.through {
            0 => format!("steps 1 to {}", self.steps),
            through => format!("with steps 1 to {through} of {} written", self.steps),
        }
    }
}
