//! Runs the checks of a lab: side by side, each after what it needs, each once more alone when it fails.
//!
//! A check that fails is run again with the same seed on a program of its own. If it then passes, the verdict
//! is *flaky*. What the harness could not do is tried once more too, and then simply passes. Failures by evidence (a wrong octet) are looked at again one at a time; failures by silence
//! (nothing came in time) side by side, since they only wait.

use std::cmp::Reverse;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::check::{Basis, Check, Lab, Tier, lies_below};
use crate::journal::Journal;
use crate::report::capture;
use crate::report::{CheckReport, FailureReport, Outcome, Program, Report, SCHEMA};
use crate::subject::{Model, Programs, RunDir, Supervisor};
use crate::trial::{Env, Gate, Shared, Trial, no_program};
use crate::verdict::{Failure, Fault, Verdict};

/// How long one check may wait in all, before `timeout_factor`. Generous: it only ever fails a check.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How a run is to be done.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything random comes from it.
    pub seed: u64,
    /// Checks under way at once.
    pub jobs: usize,
    pub select: Selection,
    /// The model under which the general checks run; `None`: the first that the submission declares.
    pub model: Option<Model>,
    /// Multiplies every patience of the harness, for slow machines (or, below 1, for mutants).
    pub timeout_factor: f64,
    /// Whether a failed check is run once more.
    pub rerun: bool,
    pub supervisor: Supervisor,
    /// Where both records of a flaky check are kept.
    pub records: PathBuf,
    /// Where a capture file of every attempt is put.
    pub captures: Option<PathBuf>,
}

/// Which checks run; the default is all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Ids or prefixes of ids.
    pub only: Vec<String>,
    pub stage: Option<u8>,
    pub tier: Option<Tier>,
    /// Only what an RFC asks for.
    pub rfc_only: bool,
}

impl Selection {
    pub fn takes(&self, check: &Check) -> bool {
        (self.only.is_empty() || self.only.iter().any(|prefix| lies_below(check.id, prefix)))
            && self.stage.is_none_or(|stage| check.stage == stage)
            && self.tier.is_none_or(|tier| check.tier == tier)
            && (!self.rfc_only || check.basis != Basis::Contract)
    }

    /// The options as one would type them.
    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.only.iter().map(|prefix| format!("--only {prefix}")).collect();
        words.extend(self.stage.map(|stage| format!("--stage {stage}")));
        words.extend(self.tier.map(|tier| format!("--tier {}", tier.name())));
        words.extend(self.rfc_only.then(|| "--basis rfc".to_owned()));
        words
    }
}

/// Why there is no report.
#[derive(Debug, PartialEq, Eq)]
pub enum RunError {
    NothingSelected,
    /// No temporary directory could be made.
    RunDir(String),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RunError::NothingSelected => f.write_str("no check fits these options together"),
            RunError::RunDir(error) => write!(f, "could not make a directory for the run: {error}"),
        }
    }
}

impl std::error::Error for RunError {}

/// Called with the number of checks done, of all, and the id of the one that ended.
pub type OnProgress<'a> = &'a (dyn Fn(usize, usize, &str) + Sync);

/// Runs the selected checks of `lab` and reports. `again` is the command that a failure's `again` line
/// starts with: `cargo xtask check lab1 --solution`.
pub fn run(
    lab: Lab,
    programs: &Programs,
    program: Program,
    again: &str,
    options: &Options,
    progress: OnProgress<'_>,
) -> Result<Report, RunError> {
    let checks: Vec<&'static Check> = lab.checks().filter(|check| options.select.takes(check)).collect();
    if checks.is_empty() {
        return Err(RunError::NothingSelected);
    }
    let began = Instant::now();
    let run_dir = RunDir::new().map_err(|error| RunError::RunDir(error.to_string()))?;
    let model = options.model.or(programs.models.first().copied()).unwrap_or(Model::Pool);
    let env = Env {
        programs,
        supervisor: &options.supervisor,
        run_dir: &run_dir,
        seed: options.seed,
        model,
        patience: PATIENCE.mul_f64(options.timeout_factor),
        starts: Gate::new(std::thread::available_parallelism().map_or(2, usize::from)),
        dirs: AtomicUsize::new(0),
        prepared: OnceLock::new(),
    };
    let heights = (0..checks.len()).map(|at| height(&checks, at)).collect();
    let run = Run { env: &env, checks: &checks, heights, options, progress, again };
    let rows = run.rows();
    drop(env);

    Ok(Report {
        schema: SCHEMA.to_owned(),
        lab,
        program,
        seed: format!("{:x}", options.seed),
        narrowed: narrowed(options),
        points: Report::count(&rows),
        checks: rows,
        elapsed_ms: millis(began.elapsed()),
    })
}

fn narrowed(options: &Options) -> Vec<String> {
    let mut words = options.select.words();
    words.extend(options.model.map(|model| format!("--model {}", model.name())));
    words
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A check that waits for time to pass takes as long as so many others in a row.
const A_WAIT: usize = 10;

/// How many checks wait one for the other, the first of them for this one.
fn height(checks: &[&Check], at: usize) -> usize {
    let own = if checks[at].lab.waiting().contains(&checks[at].id) { A_WAIT } else { 0 };
    let waiting = checks.iter().enumerate().filter(|(_, check)| check.needs.contains(&checks[at].id));
    waiting.map(|(other, _)| 1 + height(checks, other)).max().unwrap_or(0).max(own)
}

struct Run<'a> {
    env: &'a Env<'a>,
    checks: &'a [&'static Check],
    /// For each check, its [`height`].
    heights: Vec<usize>,
    options: &'a Options,
    progress: OnProgress<'a>,
    again: &'a str,
}

/// How one attempt ended.
struct Attempt {
    verdict: Verdict,
    journal: Arc<Journal>,
    elapsed: Duration,
}

/// What is known of a check while the run is under way.
enum State {
    Waiting,
    Running,
    Failed(Attempt),
    Done(Outcome, Duration),
}

struct Board {
    states: Vec<State>,
    done: usize,
}

impl Run<'_> {
    fn rows(&self) -> Vec<CheckReport> {
        let board =
            Mutex::new(Board { states: self.checks.iter().map(|_| State::Waiting).collect(), done: 0 });
        let changed = Condvar::new();
        loop {
            std::thread::scope(|scope| {
                for _ in 0..self.options.jobs.clamp(1, self.checks.len()) {
                    scope.spawn(|| self.work(&board, &changed));
                }
            });
            // A check that passes on the second look unblocks those that need it.
            if !self.look_again(&board) {
                break;
            }
        }
        let board = board.into_inner().unwrap_or_else(PoisonError::into_inner);
        let verdicts: Vec<(Outcome, Duration)> =
            (0..self.checks.len()).map(|at| self.settle(at, &board.states)).collect();
        self.checks
            .iter()
            .zip(verdicts)
            .map(|(check, (outcome, elapsed))| CheckReport::new(check, outcome, millis(elapsed)))
            .collect()
    }

    /// What is left waiting in the end is blocked, or skipped with what it needs.
    fn settle(&self, at: usize, states: &[State]) -> (Outcome, Duration) {
        if let State::Done(outcome, elapsed) = &states[at] {
            return (outcome.clone(), *elapsed);
        }
        let outcome = match self.needs(at, states) {
            Needs::Unmet(by) => match &states[by] {
                State::Done(Outcome::Skipped { why }, _) => Outcome::Skipped { why: why.clone() },
                _ => Outcome::Blocked { by: self.checks[by].id.to_owned() },
            },
            Needs::Met | Needs::Open => Outcome::Broken { why: "it was never run".to_owned() },
        };
        (outcome, Duration::ZERO)
    }

    /// A worker: takes the next check that is ready until none is or will be.
    fn work(&self, board: &Mutex<Board>, changed: &Condvar) {
        let mut shared = Shared::default();
        let mut guard = lock(board);
        loop {
            match self.next(&guard.states) {
                Next::Ready(at) => {
                    guard.states[at] = State::Running;
                    drop(guard);
                    let attempt = self.attempt(self.checks[at], &mut shared, false);
                    guard = lock(board);
                    guard.states[at] = match attempt.verdict {
                        Ok(()) => State::Done(Outcome::Passed, attempt.elapsed),
                        Err(Fault::Skipped(why)) => State::Done(Outcome::Skipped { why }, attempt.elapsed),
                        Err(Fault::Failed(_) | Fault::Broken(_)) => State::Failed(attempt),
                    };
                    self.report_progress(&mut guard, at);
                    changed.notify_all();
                }
                Next::Later => guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
                Next::Nothing => return,
            }
        }
    }

    fn report_progress(&self, board: &mut Board, at: usize) {
        board.done += 1;
        (self.progress)(board.done, self.checks.len(), self.checks[at].id);
    }

    /// The checks that most others wait for in a row come first, and those that wait for time to pass: they set the
    /// pace of the whole.
    fn next(&self, states: &[State]) -> Next {
        let is_ready = |at: &usize| {
            matches!(states[*at], State::Waiting) && matches!(self.needs(*at, states), Needs::Met)
        };
        let ready = (0..states.len()).filter(is_ready);
        if let Some(at) = ready.min_by_key(|at| (Reverse(self.heights[*at]), *at)) {
            return Next::Ready(at);
        }
        // What waits may become ready as long as something runs.
        match (0..states.len()).any(|at| matches!(states[at], State::Running)) {
            true => Next::Later,
            false => Next::Nothing,
        }
    }

    /// Whether what a check needs has passed. What was not selected is taken for granted.
    fn needs(&self, at: usize, states: &[State]) -> Needs {
        let mut open = false;
        for need in self.checks[at].needs {
            let Some(needed) = self.checks.iter().position(|check| check.id == *need) else { continue };
            match &states[needed] {
                State::Waiting => match self.needs(needed, states) {
                    Needs::Unmet(by) => return Needs::Unmet(by),
                    Needs::Met | Needs::Open => open = true,
                },
                State::Running => open = true,
                State::Done(outcome, _) if outcome.earns() => {}
                State::Failed(_) | State::Done(..) => return Needs::Unmet(needed),
            }
        }
        if open { Needs::Open } else { Needs::Met }
    }

    /// Runs what failed once more. Says whether any of it passed this time.
    fn look_again(&self, board: &Mutex<Board>) -> bool {
        let mut guard = lock(board);
        let mut failed = Vec::new();
        for (at, state) in guard.states.iter_mut().enumerate() {
            if matches!(state, State::Failed(_))
                && let State::Failed(attempt) = std::mem::replace(state, State::Running)
            {
                failed.push((at, attempt));
            }
        }
        drop(guard);
        let (silent, shown): (Vec<_>, Vec<_>) = failed
            .into_iter()
            .partition(|(_, attempt)| failure_of(&attempt.verdict).is_some_and(|f| f.silent));
        let mut settled: Vec<(usize, Outcome, Duration)> =
            shown.into_iter().map(|(at, first)| self.second_look(at, first)).collect();
        std::thread::scope(|scope| {
            let looks: Vec<_> = silent
                .into_iter()
                .map(|(at, first)| scope.spawn(move || self.second_look(at, first)))
                .collect();
            settled.extend(looks.into_iter().filter_map(|look| look.join().ok()));
        });
        let any_passed = settled.iter().any(|(_, outcome, _)| outcome.earns());
        let mut guard = lock(board);
        for (at, outcome, elapsed) in settled {
            guard.states[at] = State::Done(outcome, elapsed);
        }
        any_passed
    }

    fn second_look(&self, at: usize, first: Attempt) -> (usize, Outcome, Duration) {
        let check = self.checks[at];
        // Where the harness could not do its part, it tries once more in any case.
        if !self.options.rerun && failure_of(&first.verdict).is_some() {
            return (at, self.failed(check, &first), first.elapsed);
        }
        let second = self.attempt(check, &mut Shared::default(), true);
        let outcome = match &second.verdict {
            Err(Fault::Failed(_)) => self.failed(check, &second),
            Ok(()) => match failure_of(&first.verdict) {
                Some(failure) => Outcome::Flaky {
                    failure: Box::new(self.explain(check, failure, &first.journal)),
                    records: self.keep_records(check, &first, &second),
                },
                None => Outcome::Passed,
            },
            Err(Fault::Broken(why)) => Outcome::Broken { why: why.clone() },
            Err(Fault::Skipped(why)) => Outcome::Skipped { why: why.clone() },
        };
        (at, outcome, second.elapsed)
    }

    fn attempt(&self, check: &Check, shared: &mut Shared, alone: bool) -> Attempt {
        let began = Instant::now();
        let mut trial = Trial::new(self.env, check.id, shared, alone);
        let scene = trial.scene().clone();
        let ran = if self.env.programs.argv.contains_key(&check.role) {
            catch_unwind(AssertUnwindSafe(|| {
                let verdict = (check.run)(&mut trial);
                trial.finish(verdict)
            }))
        } else {
            Ok(Err(Fault::Skipped(no_program(check.role))))
        };
        let verdict = ran.unwrap_or_else(|panic| Err(Fault::Broken(panic_message(&*panic))));
        self.capture(check, &scene.journal, &verdict, alone);
        Attempt { verdict, journal: scene.journal, elapsed: began.elapsed() }
    }

    /// Writes what went by, a file for each look; a disk that is full must not cost the verdict.
    fn capture(&self, check: &Check, journal: &Journal, verdict: &Verdict, alone: bool) {
        let Some(dir) = &self.options.captures else { return };
        let look = if alone { "-again" } else { "" };
        let ended = match verdict {
            Ok(()) => "it passed".to_owned(),
            Err(Fault::Failed(failure)) => format!("expected {}; seen {}", failure.expected, failure.seen),
            Err(Fault::Broken(why)) => format!("the harness failed: {why}"),
            Err(Fault::Skipped(_)) => return,
        };
        let comment = format!("{}: {ended}", check.id);
        if let Ok(file) = capture::of(journal, &comment) {
            let _ = fs::write(dir.join(format!("{}{look}.pcapng", check.id)), file);
        }
    }

    fn failed(&self, check: &Check, attempt: &Attempt) -> Outcome {
        match failure_of(&attempt.verdict) {
            Some(failure) => {
                Outcome::Failed { failure: Box::new(self.explain(check, failure, &attempt.journal)) }
            }
            None => Outcome::Passed,
        }
    }

    fn explain(&self, check: &Check, failure: &Failure, journal: &Journal) -> FailureReport {
        FailureReport {
            steps: journal.steps(),
            failure: failure.clone(),
            why: format!("{} ({})", check.why, check.authority()),
            chapter: check.chapter(),
            hint: check.hints.first().copied().unwrap_or_default().to_owned(),
            again: format!("{} --only {} --seed {:x}", self.again, check.id, self.options.seed),
        }
    }

    /// Keeps both records of a flaky check; a disk that is full must not cost the verdict.
    fn keep_records(&self, check: &Check, first: &Attempt, second: &Attempt) -> Vec<String> {
        let dir = &self.options.records;
        if fs::create_dir_all(dir).is_err() {
            return Vec::new();
        }
        [("failed", first), ("passed", second)]
            .into_iter()
            .filter_map(|(how, attempt)| {
                let path = dir.join(format!("{}-{:x}-{how}.txt", check.id, self.options.seed));
                fs::write(&path, attempt.journal.transcript()).ok()?;
                Some(path.display().to_string())
            })
            .collect()
    }
}

enum Next {
    Ready(usize),
    /// Something runs whose end may make a check ready.
    Later,
    Nothing,
}

enum Needs {
    Met,
    Open,
    /// By the check at this place.
    Unmet(usize),
}

fn failure_of(verdict: &Verdict) -> Option<&Failure> {
    match verdict {
        Err(Fault::Failed(failure)) => Some(failure),
        _ => None,
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    format!("a check panicked: {words}")
}

fn lock(board: &Mutex<Board>) -> std::sync::MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
