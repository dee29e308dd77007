//! From what was handed in to programs: what is built, where, and how it failed.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use harness::check::Lab;
use harness::deadline::Deadline;
use harness::subject::{BuildError, Programs, Subject, Supervisor, Workbench};

use super::{Answer, Trial};
use crate::grade::judge::Kind;
use crate::grade::record::Tier;
use crate::grade::sandbox::{Plan, copy, hand_over};

/// Builds what was handed in; the programs lie where nothing of the build is seen, and are confined.
pub fn build(plan: &Plan, trial: &Trial, supervisor: &Supervisor) -> Result<Result<Programs, Answer>> {
    let package = plan.rooms.package();
    match trial.kind {
        Kind::Cargo => {
            for file in ["Cargo.toml", "Cargo.lock"] {
                fs::copy(plan.rooms.warm.join(file), package.join(file))
                    .with_context(|| format!("cannot copy {file}"))?;
            }
            let sources = plan.rooms.submission.join("src");
            take(&sources, &package.join("src")).context("cannot take the sources in")?;
        }
        Kind::Manifest => take(&plan.rooms.submission, &package).context("cannot take it in")?,
    }
    let subject = match Subject::load(&package, trial.lab) {
        Ok(subject) => subject,
        Err(error) => return Ok(Err(Answer::BuildError(shown(plan, error.to_string())))),
    };
    if let Some(program) = subject.missing() {
        return Ok(Err(Answer::Failed(format!("{program}, which it requires, is not installed"))));
    }
    let mut programs = match run(plan, &subject, supervisor, trial.build) {
        Ok(programs) => programs,
        Err(answer) => return Ok(Err(answer)),
    };
    move_out(plan, trial.kind, &mut programs).context("cannot move the programs out")?;
    Ok(Ok(programs))
}

/// Builds a lab's dependencies, and a program that does nothing.
pub fn warm_up(plan: &Plan, lab: Lab, supervisor: &Supervisor, limit: Duration) -> Result<(), Answer> {
    let failed = |error: &dyn std::fmt::Display| Answer::Failed(error.to_string());
    take(&plan.rooms.submission, &plan.rooms.package()).map_err(|error| failed(&error))?;
    let subject = Subject::load(&plan.rooms.package(), lab).map_err(|error| failed(&error))?;
    match subject.build(supervisor, Deadline::after(limit), &bench(plan, limit)) {
        // It has another name than the lab's programs.
        Ok(_) | Err(BuildError::NoBinary { .. }) => {}
        Err(error) => return Err(failed(&error)),
    }
    // Where it lies is not for the user who has built it to reach.
    match plan.tier {
        Tier::Full => Ok(()),
        _ => copy(&plan.rooms.target(), &plan.rooms.warm).map_err(|error| failed(&error)),
    }
}

fn bench(plan: &Plan, limit: Duration) -> Workbench {
    Workbench {
        cargo: Some(plan.rooms.rust.join("bin/cargo").into()),
        frozen: true,
        variables: plan.build_variables(),
        confinement: plan.around_the_build(limit.as_secs().max(1)),
        colour: false,
    }
}

fn run(plan: &Plan, subject: &Subject, supervisor: &Supervisor, limit: Duration) -> Result<Programs, Answer> {
    subject.build(supervisor, Deadline::after(limit), &bench(plan, limit)).map_err(|error| {
        let words = shown(plan, error.to_string());
        match error {
            BuildError::TooLong { .. } => Answer::TooLong(words),
            BuildError::Flood { .. } => Answer::Resource(words),
            BuildError::Aborted => Answer::Failed(words),
            BuildError::NotStarted { error, .. } if error.is_the_harness_s_fault() => Answer::Failed(words),
            BuildError::Failed { .. } if met_a_limit(&words) => Answer::Resource(words),
            BuildError::NotStarted { .. } | BuildError::Failed { .. } | BuildError::NoBinary { .. } => {
                Answer::BuildError(words)
            }
        }
    })
}

/// What the compiler or its linker says when it was killed, or had no more room.
fn met_a_limit(words: &str) -> bool {
    const SIGNS: &[&str] = &[
        "No space left on device",
        "(signal: 9, SIGKILL",
        "(signal: 24, SIGXCPU",
        "(signal: 25, SIGXFSZ",
        "File too large (os error 27)",
        "Cannot allocate memory",
        "memory allocation of",
    ];
    SIGNS.iter().any(|sign| words.contains(sign))
}

/// A student knows of no room.
fn shown(plan: &Plan, words: String) -> String {
    let package = plan.rooms.package();
    words.replace(&format!("{}/", package.display()), "").replace(&*package.to_string_lossy(), ".")
}

/// Regular files, folders and links, nothing else; times are those of now, rights those of a plain file.
fn take(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            take(&entry.path(), &target)?;
        } else if kind.is_file() {
            let runs = entry.metadata()?.permissions().mode() & 0o100 != 0;
            fs::write(&target, fs::read(entry.path())?)?;
            fs::set_permissions(&target, Permissions::from_mode(if runs { 0o755 } else { 0o644 }))?;
        } else if kind.is_symlink() {
            // Followed by nobody but the program, and by it in its own room.
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        }
    }
    Ok(())
}

/// A submission of another language is taken out whole; of a package, its programs.
fn move_out(plan: &Plan, kind: Kind, programs: &mut Programs) -> Result<()> {
    let room = &plan.rooms.programs;
    match kind {
        Kind::Cargo => {
            for argv in programs.argv.values_mut() {
                let [program, ..] = &mut argv[..] else { continue };
                let built = PathBuf::from(&*program);
                let target = room.join(built.file_name().unwrap_or_default());
                fs::copy(&built, &target)?;
                fs::set_permissions(&target, Permissions::from_mode(0o755))?;
                *program = target.into();
            }
            programs.dir = if plan.tier == Tier::Full { "/tmp".into() } else { plan.rooms.tmp.clone() };
        }
        Kind::Manifest => {
            take(&programs.dir, room)?;
            programs.dir = room.clone();
        }
    }
    if plan.tier == Tier::Reduced
        && let Some(user) = plan.user
    {
        hand_over(room, user)?;
    }
    programs.confinement = plan.around_a_program(kind == Kind::Manifest);
    Ok(())
}
