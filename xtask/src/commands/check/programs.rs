//! From the options to programs that are ready to run.

use std::fmt;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use harness::check::{Lab, Role};
use harness::deadline::Deadline;
use harness::report::Program;
use harness::report::progress::Progress;
use harness::subject::{BuildError, LoadError, Programs, Subject, Supervisor, Workbench};

use super::Which;
use crate::workspace;

/// How long a build may take: Cargo may have a registry's worth of crates to fetch.
const BUILD: Duration = Duration::from_secs(600);

/// Why there is no program to try.
pub enum Refused {
    /// What was asked for does not exist.
    Usage(String),
    /// It exists, and does not build or is not what it should be.
    Build(String),
    /// It needs a program that is not installed here.
    Skipped(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Usage(words) | Refused::Build(words) => write!(f, "error: {words}"),
            Refused::Skipped(words) => f.write_str(words),
        }
    }
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::NoDirectory(_) | LoadError::Command(_) => Refused::Usage(error.to_string()),
            _ => Refused::Build(error.to_string()),
        }
    }
}

impl From<BuildError> for Refused {
    fn from(error: BuildError) -> Self {
        Refused::Build(error.to_string())
    }
}

/// Finds and builds what the options name.
pub fn ready(
    lab: Lab,
    which: &Which,
    supervisor: &Supervisor,
    progress: &Progress,
) -> Result<(Programs, Program), Refused> {
    let commands = [(lab.programs()[0].0, &which.cmd), (Role::Client, &which.client_cmd)];
    let commands: Vec<(Role, &str)> =
        commands.into_iter().filter_map(|(role, command)| Some((role, command.as_deref()?))).collect();
    if !commands.is_empty() {
        return one_liners(lab, &commands, supervisor);
    }
    let (what, dir) = match &which.dir {
        Some(dir) => (name(dir), dir.clone()),
        // ANCHOR: extra_step0_solution
        None if which.solution => ("the reference solution".to_owned(), workspace::solution(lab)),
        // ANCHOR_END: extra_step0_solution
        None => ("your program".to_owned(), workspace::lab(lab)),
    };
    if which.dir.is_none() && !dir.is_dir() {
        return Err(Refused::Usage(format!(
            "there is no {}; `cargo xtask reset {lab}` makes it",
            workspace::shown(&dir)
        )));
    }
    let origin = workspace::shown(&dir);
    let subject = Subject::load(&dir, lab)?;
    if let Some(program) = subject.missing() {
        return Err(Refused::Skipped(format!("{what} is skipped: {program} is not installed")));
    }
    progress.say(&format!(" building {origin} …"));
    let bench = Workbench { colour: io::stderr().is_terminal(), ..Workbench::default() };
    let built = subject.build(supervisor, Deadline::after(BUILD), &bench);
    progress.clear();
    let programs = built?;
    // Without a build command nothing takes as long as a millisecond.
    let build_ms = u64::try_from(programs.build_time.as_millis()).ok().filter(|&ms| ms > 0);
    Ok((programs, Program { what, origin, build_ms }))
}

/// Commands as programs, each in the role it is to play.
fn one_liners(
    lab: Lab,
    commands: &[(Role, &str)],
    supervisor: &Supervisor,
) -> Result<(Programs, Program), Refused> {
    let mut all: Option<Programs> = None;
    for (role, command) in commands {
        if lab.programs().iter().all(|(known, _)| known != role) {
            return Err(Refused::Usage(format!("{lab} has no {role} to try")));
        }
        let mut programs = Subject::from_command(command, lab)?.build(
            supervisor,
            Deadline::after(BUILD),
            &Workbench::default(),
        )?;
        let argv = std::mem::take(&mut programs.argv).into_values().next().unwrap_or_default();
        all.get_or_insert(programs).argv.insert(*role, argv);
    }
    let origin = commands.iter().map(|(_, command)| *command).collect::<Vec<_>>().join(" and ");
    let program = Program { what: "your command".to_owned(), origin, build_ms: None };
    all.map(|programs| (programs, program)).ok_or_else(|| Refused::Usage("no command to try".to_owned()))
}

/// `fixtures/peers/nginx` is nginx.
fn name(dir: &Path) -> String {
    let full = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    full.file_name().map_or_else(|| full.display().to_string(), |name| name.to_string_lossy().into_owned())
}
