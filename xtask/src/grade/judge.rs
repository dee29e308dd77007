//! One submission built and judged, each in a sandbox of its own.
//!
//! What runs the checks is this executable again ([`inner`](super::inner)), so that a sandbox can put it, with the
//! program under test, into a network namespace of their own.

use std::path::PathBuf;
use std::time::Duration;

use harness::check::Lab;
use harness::report::Report;
use serde::{Deserialize, Serialize};

use super::inner::{self, Answer};
use super::record::Flag;
use super::sandbox::Sandbox;

/// What is to be judged: files that intake has copied, each a regular one.
pub struct Job {
    pub lab: Lab,
    /// Names it in messages.
    pub student: String,
    /// Its root: `src/` or `wirelab.toml` stand in it. It is only read.
    pub dir: PathBuf,
    pub kind: Kind,
    /// The student's own values come from it.
    pub seed: u64,
    pub limits: Limits,
}

/// How it becomes programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `src/**` of a Cargo package, in our own template of the lab.
    Cargo,
    /// By its `wirelab.toml`; the instructor allows its build command.
    Manifest,
}

/// What one submission may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Wall time of the build.
    pub build: Duration,
    /// Wall time of all checks together.
    pub judge: Duration,
    /// Octets of memory, of all its processes together.
    pub memory: u64,
    pub processes: u32,
    /// Octets of disk.
    pub disk: u64,
    /// Multiplies every patience of the harness, for slow machines.
    pub patience: f64,
    /// Checks under way at once.
    pub checks: usize,
}

/// How that ended.
pub enum Judged {
    Report {
        report: Box<Report>,
        build: Duration,
        flags: Vec<Flag>,
    },
    BuildError {
        words: String,
    },
    Timeout {
        words: String,
    },
    Resource {
        words: String,
    },
    /// Not the student's fault; worth another try.
    Infra {
        words: String,
    },
}

/// Builds and tries one submission. Whatever it does, an answer comes, a little after its limits at the latest.
pub fn judge(sandbox: &Sandbox, job: &Job) -> Judged {
    let (answer, [while_built, _]) = match inner::judge(sandbox, job) {
        Ok(answered) => answered,
        Err(error) => return Judged::Infra { words: format!("{error:#}") },
    };
    match answer {
        Answer::Report { report, build } => Judged::Report { report, build, flags: Vec::new() },
        Answer::BuildError(words) | Answer::TooLong(words) if while_built > 0 => {
            Judged::Resource { words: format!("it used up the memory while it was built: {words}") }
        }
        Answer::BuildError(words) => Judged::BuildError { words },
        Answer::TooLong(words) => Judged::Timeout { words },
        Answer::Resource(words) => Judged::Resource { words },
        Answer::Failed(words) => Judged::Infra { words },
        Answer::Done(_) => Judged::Infra { words: "the judge did something else".to_owned() },
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            build: Duration::from_secs(120),
            judge: Duration::from_secs(600),
            memory: 1 << 30,
            processes: 256,
            disk: 512 << 20,
            patience: 1.0,
            checks: 16,
        }
    }
}
