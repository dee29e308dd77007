// SOLUTION ONLY
//! One submission built and judged, each in a sandbox of its own.
//!
//! What runs the checks is this executable again ([`inner`](super::inner)), so that a sandbox can put it, with the
//! program under test, into a network namespace of their own.

use std::path::PathBuf;
use std::time::Duration;

use harness::check::Lab;
use harness::deadline::Deadline;
use harness::report::Report;
use harness::subject::{BuildError, Programs, Subject, Supervisor};

use super::inner::{self, Task, Unanswered};
use super::record::Flag;
use super::sandbox::Sandbox;

/// What is to be judged: files that intake has copied, each a regular one.
pub struct Job {
    pub lab: Lab,
    /// Names it in messages.
    pub student: String,
    /// Its root: `Cargo.toml` (the template's) or `wirelab.toml` stand in it. Goes when it has been judged.
    pub dir: PathBuf,
    pub kind: Kind,
    /// The student's own values come from it.
    pub seed: u64,
    pub limits: Limits,
}

/// How it becomes programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    Policy {
        words: String,
    },
    /// Not the student's fault; worth another try.
    Infra {
        words: String,
    },
}

/// Builds and tries one submission. Whatever it does, an answer comes, a little after its limits at the latest.
pub fn judge(sandbox: &Sandbox, job: &Job) -> Judged {
    let supervisor = match Supervisor::current() {
        Ok(supervisor) => supervisor,
        Err(error) => return Judged::Infra { words: error.to_string() },
    };
    let programs = match build(sandbox, job, &supervisor) {
        Ok(programs) => programs,
        Err(judged) => return judged,
    };
    let build = programs.build_time;
    let task = Task::new(job, programs);
    match inner::ask(&task, &supervisor, job.limits.judge) {
        Ok(report) => Judged::Report { report, build, flags: Vec::new() },
        Err(Unanswered::TooLong) => Judged::Timeout {
            words: format!("its checks took longer than {} s together", job.limits.judge.as_secs()),
        },
        Err(Unanswered::Failed(words)) => Judged::Infra { words },
    }
}

fn build(_sandbox: &Sandbox, job: &Job, supervisor: &Supervisor) -> Result<Programs, Judged> {
    let subject =
        Subject::load(&job.dir, job.lab).map_err(|error| Judged::BuildError { words: error.to_string() })?;
    if let Some(program) = subject.missing() {
        return Err(Judged::Infra { words: format!("{program}, which it requires, is not installed") });
    }
    subject.build(supervisor, Deadline::after(job.limits.build), false).map_err(|error| {
        let words = error.to_string();
        match error {
            BuildError::TooLong { .. } => Judged::Timeout { words },
            BuildError::Flood { .. } => Judged::Resource { words },
            BuildError::Aborted => Judged::Infra { words },
            BuildError::NotStarted { .. } | BuildError::Failed { .. } | BuildError::NoBinary { .. } => {
                Judged::BuildError { words }
            }
        }
    })
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
