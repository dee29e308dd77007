//! One submission built and judged, each in a sandbox of its own.

use std::path::PathBuf;
use std::time::Duration;

use harness::check::Lab;
use harness::report::Report;

/// What is to be judged: files that intake has copied, each a regular one.
pub struct Job {
    pub lab: Lab,
    /// Names it in messages.
    pub student: String,
    pub dir: PathBuf,
    pub kind: Kind,
    /// The student's own values come from it.
    pub seed: u64,
    pub limits: Limits,
}

/// How it becomes programs.
pub enum Kind {
    /// `src/**` of a Cargo package, in our own template of the lab.
    Cargo,
    /// By its `wirelab.toml`; the instructor allows its build command.
    Manifest,
}

/// What one submission may take.
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
}

/// How that ended.
pub enum Judged {
    Report { report: Box<Report>, build: Duration },
    BuildError { words: String },
    Timeout { words: String },
    Resource { words: String },
    Policy { words: String },
    /// Not the student's fault; worth another try.
    Infra { words: String },
}
