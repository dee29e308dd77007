//! From a submission to programs that can be started: its own build command, or Cargo's.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::live;
use super::manifest::Model;
use super::running::{Confinement, Launch, Running, Status};
use super::start_error::StartError;
use super::submission::{Source, Subject};
use super::supervisor::Supervisor;
use crate::check::{Lab, Role};
use crate::deadline::Deadline;

/// Built programs, ready to be started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Programs {
    /// Where they run.
    pub dir: PathBuf,
    pub models: Vec<Model>,
    /// The words with which each starts, before the contract's arguments. A role that is missing is not provided.
    pub argv: BTreeMap<Role, Vec<OsString>>,
    pub build_time: Duration,
    /// What every one of them is started in.
    pub confinement: Option<Confinement>,
}

impl Programs {
    /// The program of that role with the contract's arguments, if it is provided.
    pub fn launch<A: Into<OsString>>(&self, role: Role, args: impl IntoIterator<Item = A>) -> Option<Launch> {
        let launch = Launch::new(self.argv.get(&role)?, &self.dir).args(args);
        Some(launch.confined(self.confinement.clone()))
    }
}

/// Where and how a submission is built. The default: here, with the Cargo that runs this, if one does.
#[derive(Clone, Debug, Default)]
pub struct Workbench {
    pub cargo: Option<OsString>,
    /// Neither the network nor another version of a crate than its lock file names.
    pub frozen: bool,
    pub variables: Vec<(OsString, OsString)>,
    pub confinement: Option<Confinement>,
    /// A compiler that can is asked for colours in its words.
    pub colour: bool,
}

/// Why there are no programs.
#[derive(Debug)]
pub enum BuildError {
    NotStarted {
        command: String,
        error: StartError,
    },
    /// `words` are the compiler's own.
    Failed {
        command: String,
        status: Status,
        words: String,
    },
    TooLong {
        command: String,
        limit: Duration,
        words: String,
    },
    Flood {
        command: String,
    },
    NoBinary {
        dir: PathBuf,
        lab: Lab,
        found: Vec<String>,
    },
    /// Ctrl-C.
    Aborted,
}

impl Subject {
    /// Builds it, once.
    pub fn build(
        &self,
        supervisor: &Supervisor,
        deadline: Deadline,
        bench: &Workbench,
    ) -> Result<Programs, BuildError> {
        let started = Instant::now();
        let argv = match &self.source {
            Source::Commands { build, programs } => {
                if let Some(build) = build {
                    run(bench.launch(Launch::new(build, &self.dir)), words(build), supervisor, deadline)?;
                }
                programs
                    .iter()
                    .map(|(&role, argv)| (role, argv.iter().map(OsString::from).collect()))
                    .collect()
            }
            Source::Cargo => {
                let cargo = bench.launch(bench.cargo(&self.dir));
                let cargo = run(cargo, "cargo build".to_owned(), supervisor, deadline)?;
                self.binaries(cargo.stdout().head())?
            }
        };
        Ok(Programs {
            dir: self.dir.clone(),
            models: self.models.clone(),
            argv,
            build_time: started.elapsed(),
            confinement: None,
        })
    }

    fn binaries(&self, messages: &[u8]) -> Result<BTreeMap<Role, Vec<OsString>>, BuildError> {
        let mut found = executables(messages);
        let roles = self.lab.programs().iter();
        let argv: BTreeMap<_, _> =
            roles.filter_map(|&(role, binary)| Some((role, vec![found.remove(binary)?.into()]))).collect();
        if argv.is_empty() {
            let found = found.into_keys().collect();
            return Err(BuildError::NoBinary { dir: self.dir.clone(), lab: self.lab, found });
        }
        Ok(argv)
    }
}

impl Workbench {
    fn launch(&self, launch: Launch) -> Launch {
        let launch = self.variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
        launch.confined(self.confinement.clone())
    }

    fn cargo(&self, dir: &Path) -> Launch {
        let cargo = self.cargo.clone().or_else(|| env::var_os("CARGO")).unwrap_or_else(|| "cargo".into());
        let manifest = dir.join("Cargo.toml");
        let colour = if self.colour { "--color=always" } else { "--color=never" };
        Launch::new([cargo, "build".into(), "--quiet".into(), "--bins".into()], dir)
            .args(["--manifest-path".into(), manifest.into_os_string()])
            .args(["--message-format=json-render-diagnostics", colour])
            .args(self.frozen.then_some("--frozen"))
            .keep(16 << 20)
    }
}

/// The executables that Cargo names, one JSON object a line, by the name of the binary.
fn executables(messages: &[u8]) -> BTreeMap<String, String> {
    let artifact = |line: &[u8]| {
        let message: Value = serde_json::from_slice(line).ok()?;
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, message["executable"].as_str()?.to_owned()))
    };
    messages.split(|&octet| octet == b'\n').filter_map(artifact).collect()
}

fn words(argv: &[String]) -> String {
    shlex::try_join(argv.iter().map(String::as_str)).unwrap_or_else(|_| argv.join(" "))
}

/// `command` is what a person would have typed.
fn run(
    launch: Launch,
    command: String,
    supervisor: &Supervisor,
    deadline: Deadline,
) -> Result<Running, BuildError> {
    let limit = deadline.remaining();
    let building = match launch.start(supervisor, deadline) {
        Ok(building) => building,
        Err(StartError::Aborted) => return Err(BuildError::Aborted),
        Err(error) => return Err(BuildError::NotStarted { command, error }),
    };
    let exit = building.wait_exit(deadline);
    let words = || {
        let stdout = building.stdout().text();
        let own = stdout.lines().filter(|line| !line.starts_with("{\"reason\":"));
        own.map(|line| format!("{line}\n")).collect::<String>() + &building.stderr().text()
    };
    match exit {
        _ if live::aborted() => Err(BuildError::Aborted),
        _ if building.flooded() => Err(BuildError::Flood { command }),
        Some(exit) if exit.status.success() => Ok(building),
        Some(exit) => Err(BuildError::Failed { command, status: exit.status, words: words() }),
        None => Err(BuildError::TooLong { command, limit, words: words() }),
    }
}

/// The compiler's words last, as they are.
impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotStarted { command, error } => write!(f, "`{command}` could not be started: {error}"),
            Self::Failed { command, status, words } => {
                write!(f, "`{command}` ended {status}")?;
                said(f, words)
            }
            Self::TooLong { command, limit, words } => {
                write!(f, "`{command}` did not end within {} s", limit.as_secs_f32().ceil())?;
                said(f, words)
            }
            Self::Flood { command } => write!(f, "`{command}` printed without end"),
            Self::NoBinary { dir, lab, found } => {
                let wanted: Vec<&str> = lab.programs().iter().map(|&(_, binary)| binary).collect();
                write!(f, "the Cargo package in {} has no binary {}", dir.display(), wanted.join(" or "))?;
                if !found.is_empty() {
                    write!(f, "; it has {}", found.join(", "))?;
                }
                Ok(())
            }
            Self::Aborted => write!(f, "interrupted"),
        }
    }
}

fn said(f: &mut fmt::Formatter, words: &str) -> fmt::Result {
    match words.trim_end() {
        "" => write!(f, ", and said nothing"),
        words => write!(f, ":\n{words}"),
    }
}

impl std::error::Error for BuildError {}
