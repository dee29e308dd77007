//! Grades a class, or a shard of it: each submission on its own, each result written as soon as it is there.
//!
//! Whatever one submission does, the next is graded. What an earlier run has found about the same submission, by
//! the same wirelab, stays. What ran out of time, or could not be judged, is looked at once more, alone.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use harness::check::Lab;
use harness::subject::{RunDir, aborted};
use sha2::{Digest, Sha256};

use super::assign::{Assigned, Chosen};
use super::copies::Given;
use super::course::Course;
use super::intake::{self, Refused, Taken};
use super::judge::{Job, Judged, judge};
use super::record::{self, Record, Score, Status, Submission};
use super::sandbox::Sandbox;
use super::secret::Secret;
use super::{score, store};

/// Characters that are kept of what is said of a submission.
const LONGEST_WORDS: usize = 16_000;

/// All that grading a class takes.
pub struct Plan {
    pub lab: Lab,
    pub course: Course,
    pub sandbox: Sandbox,
    pub secret: Secret,
    pub out: PathBuf,
    /// Submissions under way at once.
    pub jobs: usize,
    /// Judge again what has a record.
    pub again: bool,
}

/// How far one student's result is news.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum News {
    Fresh,
    /// An earlier run's, by the same rules or scored anew.
    Kept,
}

/// Called for each student as the result is written; with how many are done, of all.
pub type OnDone<'a> = &'a (dyn Fn(usize, usize, &Record, News, Duration) + Sync);

/// Grades everyone in `students` and writes their records. An error is one of the disk.
pub fn run(plan: &Plan, students: &[Assigned], done: OnDone<'_>) -> Result<()> {
    let grader = Grader {
        plan,
        run_dir: RunDir::new()?,
        given: Given::of(plan.lab),
        wirelab: version()?,
        count: AtomicUsize::new(0),
        total: students.len(),
        done,
        failed: Mutex::new(None),
    };
    let again = Mutex::new(Vec::new());
    let queue = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..plan.jobs.clamp(1, students.len().max(1)) {
            scope.spawn(|| {
                while let Some(assigned) = students.get(queue.fetch_add(1, Ordering::SeqCst)) {
                    if aborted() {
                        return;
                    }
                    if !grader.grade(assigned, false) {
                        again.lock().unwrap_or_else(PoisonError::into_inner).push(assigned);
                    }
                }
            });
        }
    });
    for assigned in again.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if !aborted() {
            grader.grade(assigned, true);
        }
    }
    match grader.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

struct Grader<'a> {
    plan: &'a Plan,
    run_dir: RunDir,
    given: Given,
    wirelab: String,
    count: AtomicUsize,
    total: usize,
    done: OnDone<'a>,
    /// The first result that could not be written.
    failed: Mutex<Option<anyhow::Error>>,
}

impl Grader<'_> {
    /// False where it should be looked at again, alone; nothing is told of it then.
    fn grade(&self, assigned: &Assigned, alone: bool) -> bool {
        let began = Instant::now();
        let (mut record, news) =
            catch_unwind(AssertUnwindSafe(|| self.record(assigned))).unwrap_or_else(|_| {
                let words = "wirelab itself panicked; its words are on stderr".to_owned();
                (self.blank(assigned, Status::InfraError, words), News::Fresh)
            });
        if aborted() {
            return true;
        }
        let second_look =
            matches!(record.status, Status::Timeout | Status::InfraError) && news == News::Fresh;
        if second_look && !alone {
            return false;
        }
        score::apply(&mut record, &self.plan.course);
        if let Err(error) = store::write_record(&self.plan.out, &record) {
            self.fail(error);
        }
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        (self.done)(count, self.total, &record, news, began.elapsed());
        true
    }

    fn record(&self, assigned: &Assigned) -> (Record, News) {
        let plan = self.plan;
        let Some(chosen) = &assigned.chosen else {
            store::remove_prints(&plan.out, &assigned.student.id);
            return (self.blank(assigned, Status::Missing, String::new()), News::Fresh);
        };
        let taken = match intake::take(&chosen.entry, plan.lab, &plan.course.allowed) {
            Ok(taken) => taken,
            Err(refused) => {
                store::remove_prints(&plan.out, &assigned.student.id);
                let (status, words) = match refused {
                    Refused::Nothing(words) => (Status::Missing, words),
                    Refused::Policy(words) => (Status::Policy, words),
                    Refused::Unreadable(words) => (Status::InfraError, words),
                };
                let mut record = self.blank(assigned, status, words);
                record.submission = Some(submission(chosen, None));
                return (record, News::Fresh);
            }
        };
        let id = &assigned.student.id;
        let seed = plan.secret.seed(plan.lab, id, &taken.digest);
        let prints = self.given.prints(&taken.files);
        if let Err(error) = store::write_prints(&plan.out, id, &prints) {
            self.fail(error);
        }
        let kept = store::record(&plan.out, id).filter(|_| !plan.again);
        if let Some(mut record) = kept.filter(|record| self.stands(record, &taken, seed)) {
            record.student = assigned.student.clone();
            record.submission = Some(submission(chosen, Some(&taken)));
            return (record, News::Kept);
        }
        let mut record = self.blank(assigned, Status::InfraError, String::new());
        record.submission = Some(submission(chosen, Some(&taken)));
        record.sandbox = Some(plan.sandbox.confinement().clone());
        match judged(plan, &self.run_dir, id, &taken, seed) {
            Ok(judged) => settle(&mut record, judged),
            Err(error) => record.words = error.to_string(),
        }
        (record, News::Fresh)
    }

    /// Whether judging again could come to nothing else.
    fn stands(&self, record: &Record, taken: &Taken, seed: u64) -> bool {
        let same_rules = record.course == self.plan.course.digest();
        let confined = |record: &Record| record.sandbox.as_ref().map(|sandbox| sandbox.tier);
        record.schema == record::SCHEMA
            && record.lab == self.plan.lab
            && record.wirelab == self.wirelab
            && record.submission.as_ref().is_some_and(|submission| submission.digest == taken.digest)
            && confined(record) == Some(self.plan.sandbox.confinement().tier)
            && match record.status {
                // New rules score the same report anew.
                Status::Graded => {
                    record.report.as_ref().is_some_and(|report| report.seed == format!("{seed:x}"))
                }
                // New rules may have new limits.
                Status::BuildError | Status::Timeout | Status::Resource => same_rules,
                Status::Missing | Status::Policy | Status::InfraError => false,
            }
    }

    fn fail(&self, error: anyhow::Error) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn blank(&self, assigned: &Assigned, status: Status, words: String) -> Record {
        Record {
            schema: record::SCHEMA.to_owned(),
            lab: self.plan.lab,
            student: assigned.student.clone(),
            submission: None,
            status,
            words,
            sandbox: None,
            build_ms: None,
            report: None,
            score: Score::default(),
            flags: Vec::new(),
            graded_at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            course: String::new(),
            wirelab: self.wirelab.clone(),
        }
    }
}

fn submission(chosen: &Chosen, taken: Option<&Taken>) -> Submission {
    Submission {
        source: chosen.entry.name.clone(),
        digest: taken.map(|taken| taken.digest.clone()).unwrap_or_default(),
        named_by: chosen.named_by.to_owned(),
        received: chosen.entry.told.as_ref().and_then(|told| told.created).map(|moment| moment.to_string()),
        modified: Some(chosen.entry.modified.to_string()),
        passed_over: chosen.passed_over.clone(),
        left_out: taken.map(|taken| taken.left_out.clone()).unwrap_or_default(),
    }
}

fn settle(record: &mut Record, judged: Judged) {
    let (status, words) = match judged {
        Judged::Report { report, build, flags } => {
            record.build_ms = u64::try_from(build.as_millis()).ok();
            record.report = Some(*report);
            record.flags = flags;
            (Status::Graded, String::new())
        }
        Judged::BuildError { words } => (Status::BuildError, words),
        Judged::Timeout { words } => (Status::Timeout, words),
        Judged::Resource { words } => (Status::Resource, words),
        Judged::Infra { words } => (Status::InfraError, words),
    };
    record.status = status;
    record.words = shortened(words);
}

/// A compiler may say a lot, and its first words are the ones that help.
fn shortened(mut words: String) -> String {
    if let Some((end, _)) = words.char_indices().nth(LONGEST_WORDS) {
        words.truncate(end);
        words.push_str("\n…");
    }
    words
}

/// Builds and tries one submission.
pub fn judged(plan: &Plan, run_dir: &RunDir, id: &str, taken: &Taken, seed: u64) -> io::Result<Judged> {
    let dir = Place(run_dir.subdir(id)?);
    intake::write(taken, plan.lab, &dir.0)?;
    let job = Job {
        lab: plan.lab,
        student: id.to_owned(),
        dir: dir.0.clone(),
        kind: taken.kind,
        seed,
        limits: plan.course.limits.clone(),
    };
    Ok(judge(&plan.sandbox, &job))
}

/// A directory of one submission, which goes with it.
struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed goes with the run's directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// wirelab's version, and which build of it this is.
pub fn version() -> Result<String> {
    let executable = fs::read(Path::new("/proc/self/exe")).or_else(|_| fs::read(std::env::current_exe()?))?;
    let digest = intake::hex(&Sha256::digest(executable));
    Ok(format!("{}+{}", env!("CARGO_PKG_VERSION"), &digest[..12]))
}
