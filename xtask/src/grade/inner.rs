//! The judge of one submission, in a process of its own: this executable run again, in the room that the sandbox has made
//! for it, with a task in a file and its answer on stdout.
//!
//! | | |
//! |---|---|
//! | argv | [`JUDGE_ARG`], the path of the task |
//! | the task | a [`Task`] as JSON |
//! | stdout | one line: an [`Answer`] as JSON; no program under test writes there |
//!
//! It is run under the harness's supervisor, so whoever ends the run ends it, the programs and their descendants.

mod build;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use harness::check::Lab;
use harness::deadline::Deadline;
use harness::report::{Outcome, Program, Report};
use harness::runner::{self, Options, Selection};
use harness::subject::{Launch, RunDir, Supervisor};
use serde::{Deserialize, Serialize};

use super::judge::{Job, Kind, Limits};
use super::sandbox::{Plan, Purpose, Room, Sandbox, probe};

/// The first argument that makes this executable the judge of one submission.
pub const JUDGE_ARG: &str = "__judge";

/// Octets of an answer; beyond, none is believed.
const LONGEST: usize = 64 << 20;

/// What making a room and taking it down may take.
const AROUND: Duration = Duration::from_secs(30);

/// What is to be done, and in what.
#[derive(Serialize, Deserialize)]
pub struct Task {
    pub plan: Plan,
    pub work: Work,
}

#[derive(Serialize, Deserialize)]
pub enum Work {
    Judge(Box<Trial>),
    /// Builds a lab's dependencies, for others to build upon.
    WarmUp {
        lab: Lab,
        limit: Duration,
    },
    /// Tries what the room keeps in.
    Probe,
}

/// A submission, and how it is to be tried.
#[derive(Serialize, Deserialize)]
pub struct Trial {
    pub lab: Lab,
    pub kind: Kind,
    pub program: Program,
    /// The command with which a failure's `again` line starts.
    pub again: String,
    pub seed: u64,
    pub checks: usize,
    pub patience: f64,
    /// Wall time of the build, and of all checks together.
    pub build: Duration,
    pub judge: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Report {
        report: Box<Report>,
        build: Duration,
    },
    BuildError(String),
    TooLong(String),
    /// It met a limit while it was built.
    Resource(String),
    /// What was asked for is done: built, or tried with these findings.
    Done(Vec<probe::Finding>),
    /// The harness could not do its part.
    Failed(String),
}

impl Trial {
    fn of(job: &Job) -> Self {
        let Limits { build, judge, patience, checks, .. } = job.limits;
        Self {
            lab: job.lab,
            kind: job.kind,
            program: Program { what: "your program".to_owned(), origin: job.student.clone(), build_ms: None },
            again: format!("cargo xtask check {}", job.lab),
            seed: job.seed,
            checks,
            patience,
            build,
            judge,
        }
    }
}

/// Has a submission judged by another process; and how often something was killed meanwhile because memory was used up,
/// while it was built and while it ran.
pub fn judge(sandbox: &Sandbox, job: &Job) -> Result<(Answer, [u64; 2])> {
    let (base, task) = place()?;
    let purpose = if job.kind == Kind::Cargo { Purpose::Package(job.lab) } else { Purpose::Other };
    let dir = job.dir.canonicalize().with_context(|| format!("cannot find {}", job.dir.display()))?;
    let room = sandbox.room(purpose, &dir, base.path(), &task, &job.limits)?;
    let limit = job.limits.build + job.limits.judge + AROUND;
    let answer = ask(&room, Work::Judge(Box::new(Trial::of(job))), &task, base.path(), limit)?;
    Ok((answer, room.killed()))
}

/// Builds the dependencies of a lab into `warm`, for others to build upon; `package` depends on them.
pub fn warm_up(lab: Lab, sandbox: &Sandbox, warm: &Path, package: &Path, limits: &Limits) -> Result<()> {
    let (base, task) = place()?;
    let room = sandbox.room(Purpose::WarmUp(warm), package, base.path(), &task, limits)?;
    let limit = limits.build;
    match ask(&room, Work::WarmUp { lab, limit }, &task, base.path(), limit + AROUND)? {
        Answer::Done(_) => Ok(()),
        Answer::BuildError(words) | Answer::TooLong(words) | Answer::Resource(words) => bail!(words),
        Answer::Failed(words) => bail!(words),
        Answer::Report { .. } => bail!("a report, where none was asked for"),
    }
}

/// What a sandbox keeps in.
pub fn tried(sandbox: &Sandbox, limits: &Limits) -> Result<Vec<probe::Finding>> {
    let (base, task) = place()?;
    let room = sandbox.room(Purpose::Probe, base.path(), base.path(), &task, limits)?;
    match ask(&room, Work::Probe, &task, base.path(), AROUND)? {
        Answer::Done(findings) => Ok(findings),
        Answer::Failed(words) => bail!(words),
        _ => bail!("an answer to another question"),
    }
}

/// A folder for the room, and the path of its task.
fn place() -> Result<(RunDir, std::path::PathBuf)> {
    let base = RunDir::new().context("cannot make a folder")?;
    let task = base.path().join("task.json");
    fs::write(&task, "")?;
    Ok((base, task))
}

fn ask(room: &Room, work: Work, path: &Path, base: &Path, limit: Duration) -> Result<Answer> {
    let task = Task { plan: room.plan.clone(), work };
    fs::write(path, serde_json::to_vec(&task)?)?;
    let supervisor = Supervisor::current().context("cannot find the program that watches over others")?;
    let launch = Launch::new(&room.argv, base).keep(LONGEST);
    let deadline = Deadline::after(limit);
    let judge = launch.start(&supervisor, deadline).context("cannot start the judge")?;
    let Some(exit) = judge.wait_exit(deadline) else {
        bail!("the judge gave no answer within {} s", limit.as_secs());
    };
    serde_json::from_slice(judge.stdout().head()).with_context(|| {
        let said = judge.stderr().text();
        format!("the judge ended {} without an answer: {}", exit.status, said.trim_end())
    })
}

/// Becomes the judge of one submission, and does not return, if this process was started as one.
pub fn run_if_asked() {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|first| first == JUDGE_ARG) {
        let answer = answer(&args.next().unwrap_or_default());
        tell(&answer.unwrap_or_else(|error| Answer::Failed(format!("{error:#}"))));
    }
}

/// The last thing this process does: with it go all programs it has started.
fn tell(answer: &Answer) -> ! {
    println!("{}", serde_json::to_string(answer).expect("an answer is JSON"));
    process::exit(0);
}

fn answer(path: &OsString) -> Result<Answer> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Task { plan, work } = serde_json::from_slice(&text).context("its task is none")?;
    plan.enter()?;
    // SAFETY: this process has one thread.
    unsafe { env::set_var("TMPDIR", &plan.rooms.files) };
    let supervisor = Supervisor::current()?;
    match work {
        Work::Judge(trial) => build_and_try(&plan, *trial, supervisor),
        Work::WarmUp { lab, limit } => {
            let warm = build::warm_up(&plan, lab, &supervisor, limit);
            Ok(warm.map_or_else(|refused| refused, |()| Answer::Done(Vec::new())))
        }
        Work::Probe => Ok(Answer::Done(probe::try_all(&plan, &supervisor)?)),
    }
}

fn build_and_try(plan: &Plan, trial: Trial, supervisor: Supervisor) -> Result<Answer> {
    let programs = match build::build(plan, &trial, &supervisor)? {
        Ok(programs) => programs,
        Err(refused) => return Ok(refused),
    };
    let build = programs.build_time;
    let build_ms = u64::try_from(build.as_millis()).ok().filter(|&ms| ms > 0);
    let options = Options {
        seed: trial.seed,
        jobs: trial.checks,
        select: Selection::default(),
        model: None,
        timeout_factor: trial.patience,
        rerun: true,
        records: plan.rooms.files.join("records"),
        captures: None,
        supervisor,
    };
    thread::spawn(move || {
        thread::sleep(trial.judge);
        let words = format!("its checks took longer than {} s together", trial.judge.as_secs());
        tell(&Answer::TooLong(words));
    });
    let program = Program { build_ms, ..trial.program };
    let mut report = runner::run(trial.lab, &programs, program, &trial.again, &options, &|_, _, _| {})?;
    // Its files go with the room.
    for check in &mut report.checks {
        if let Outcome::Flaky { records, .. } = &mut check.outcome {
            records.clear();
        }
    }
    Ok(Answer::Report { report: Box::new(report), build })
}
