//! The harness in a process of its own: this executable run again, with a task in a file and its answer on stdout.
//!
//! | | |
//! |---|---|
//! | argv | [`JUDGE_ARG`], the path of the task |
//! | the task | a [`Task`] as JSON |
//! | stdout | one line: an [`Answer`] as JSON; no program under test writes there |
//! | `TMPDIR` | where it makes its directories; whoever started it removes them |
//!
//! It is run under the harness's supervisor, so whoever ends the run ends it, the programs and their descendants.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process;
use std::time::Duration;

use harness::check::Lab;
use harness::deadline::Deadline;
use harness::report::{Outcome, Program, Report};
use harness::runner::{self, Options, Selection};
use harness::subject::{Launch, Programs, RunDir, Supervisor};
use serde::{Deserialize, Serialize};

use super::judge::Job;

/// The first argument that makes this executable the judge of one submission.
pub const JUDGE_ARG: &str = "__judge";

/// Octets of a report; beyond, no report is believed.
const LONGEST: usize = 64 << 20;

/// Built programs, and how they are to be tried.
#[derive(Serialize, Deserialize)]
pub struct Task {
    pub lab: Lab,
    pub programs: Programs,
    pub program: Program,
    /// The command with which a failure's `again` line starts.
    pub again: String,
    pub seed: u64,
    pub checks: usize,
    pub patience: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Report(Box<Report>),
    /// The harness could not do its part.
    Failed(String),
}

/// Why there is no report.
pub enum Unanswered {
    TooLong,
    Failed(String),
}

impl Task {
    pub fn new(job: &Job, programs: Programs) -> Self {
        let build_ms = u64::try_from(programs.build_time.as_millis()).ok().filter(|&ms| ms > 0);
        Task {
            lab: job.lab,
            programs,
            program: Program { what: "your program".to_owned(), origin: job.student.clone(), build_ms },
            again: format!("cargo xtask check {}", job.lab),
            seed: job.seed,
            checks: job.limits.checks,
            patience: job.limits.patience,
        }
    }
}

/// Has the task done by another process.
pub fn ask(task: &Task, supervisor: &Supervisor, limit: Duration) -> Result<Box<Report>, Unanswered> {
    let run_dir = RunDir::new().map_err(failed)?;
    let file = run_dir.path().join("task.json");
    fs::write(&file, serde_json::to_vec(task).map_err(failed)?).map_err(failed)?;
    let launch = Launch::new([supervisor.exe.as_os_str(), JUDGE_ARG.as_ref(), file.as_os_str()], "/")
        .env("TMPDIR", run_dir.path())
        .keep(LONGEST);
    let deadline = Deadline::after(limit);
    let judge = launch.start(supervisor, deadline).map_err(failed)?;
    let Some(exit) = judge.wait_exit(deadline) else { return Err(Unanswered::TooLong) };
    answer(judge.stdout().head()).map_err(|words| {
        let said = judge.stderr().text();
        Unanswered::Failed(format!("the judge ended {}: {words}\n{said}", exit.status).trim_end().to_owned())
    })
}

/// Reads what the judge wrote.
pub fn answer(octets: &[u8]) -> Result<Box<Report>, String> {
    match serde_json::from_slice(octets).map_err(|error| format!("its answer is none: {error}"))? {
        Answer::Report(report) => Ok(report),
        Answer::Failed(words) => Err(words),
    }
}

/// Becomes the judge of one submission, and does not return, if this process was started as one.
pub fn run_if_asked() {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|first| first == JUDGE_ARG) {
        let answer = judge(&args.next().unwrap_or_default()).unwrap_or_else(Answer::Failed);
        println!("{}", serde_json::to_string(&answer).expect("a report is JSON"));
        process::exit(0);
    }
}

fn judge(path: &OsString) -> Result<Answer, String> {
    let path = Path::new(path);
    let text = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let task: Task = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let options = Options {
        seed: task.seed,
        jobs: task.checks,
        select: Selection::default(),
        model: None,
        timeout_factor: task.patience,
        rerun: true,
        records: env::temp_dir().join("records"),
        supervisor: Supervisor::current().map_err(|error| error.to_string())?,
    };
    let mut report =
        runner::run(task.lab, &task.programs, task.program, &task.again, &options, &|_, _, _| {})
            .map_err(|error| error.to_string())?;
    // Its files go with `TMPDIR`.
    for check in &mut report.checks {
        if let Outcome::Flaky { records, .. } = &mut check.outcome {
            records.clear();
        }
    }
    Ok(Answer::Report(Box::new(report)))
}

fn failed(error: impl std::fmt::Display) -> Unanswered {
    Unanswered::Failed(error.to_string())
}
