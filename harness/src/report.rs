//! What a run found, as data. Every format is a rendering of this one report.

pub mod autolab;
pub mod capture;
pub mod check50;
pub mod classroom50;
pub mod github;
pub mod gradescope;
#[cfg(test)]
mod hostile;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod plain;
pub mod progress;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod schema;
pub mod tap;
pub mod unwritten;

use serde::{Deserialize, Serialize};

use crate::check::{Basis, Check, Lab, Tier};
use crate::verdict::Failure;

/// The version of the JSON form; `harness/schema/report-1.schema.json` describes it.
pub const SCHEMA: &str = "wirelab.report/1";

/// One run of one lab's checks against one program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    pub lab: Lab,
    pub program: Program,
    /// Everything random in the run came from it; `--seed` takes it back.
    pub seed: String,
    /// The options that narrowed or changed the run, as one would type them; empty for a whole run.
    pub narrowed: Vec<String>,
    /// In the order of the tables.
    pub checks: Vec<CheckReport>,
    pub points: Points,
    /// Whole run without the build, in milliseconds.
    pub elapsed_ms: u64,
}

/// The program that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// `your program`, `the reference solution`, or the name of the directory.
    pub what: String,
    /// The directory, relative to the working directory where that is shorter; the command for `--cmd`.
    pub origin: String,
    /// `None` where nothing was to be built.
    pub build_ms: Option<u64>,
}

/// Points earned and to be had. Skipped and broken checks leave neither `of` nor `extension_of`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    /// Core and robust, of `of`.
    pub earned: u32,
    pub of: u32,
    pub extension_earned: u32,
    pub extension_of: u32,
}

/// One check's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    pub id: String,
    pub title: String,
    pub stage: u8,
    pub tier: Tier,
    pub points: u32,
    pub basis: Basis,
    /// `RFC 9110 §9.3.2` or `contract, lab 1`.
    pub clause: String,
    pub outcome: Outcome,
    /// Wall time of the deciding attempt, in milliseconds.
    pub elapsed_ms: u64,
}

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Outcome {
    Passed,
    /// The program's fault.
    Failed {
        failure: Box<FailureReport>,
    },
    /// A check it needs did not pass.
    Blocked {
        by: String,
    },
    /// Failed, then passed with the same seed: full points and a flag. `records` are the paths of both journals.
    Flaky {
        failure: Box<FailureReport>,
        records: Vec<String>,
    },
    /// The harness's fault.
    Broken {
        why: String,
    },
    /// Nothing to try.
    Skipped {
        why: String,
    },
}

impl Outcome {
    pub fn earns(&self) -> bool {
        matches!(self, Outcome::Passed | Outcome::Flaky { .. })
    }

    /// Whether the check's points were to be had; they were not where there was nothing to try or the harness failed.
    pub fn counts(&self) -> bool {
        !matches!(self, Outcome::Skipped { .. } | Outcome::Broken { .. })
    }
}

/// A failure with all that a person needs to mend it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureReport {
    /// What was done and what came, in order, one short line each (may hold line breaks).
    pub steps: Vec<String>,
    #[serde(flatten)]
    pub failure: Failure,
    /// The rule and its reason, with its clause.
    pub why: String,
    /// `book/src/lab1/stage-02.md`.
    pub chapter: String,
    /// The first hint.
    pub hint: String,
    /// The command that reruns only this check with the same seed.
    pub again: String,
}

impl CheckReport {
    /// The row of `check`, which took so many milliseconds.
    pub fn new(check: &Check, outcome: Outcome, elapsed_ms: u64) -> Self {
        CheckReport {
            id: check.id.to_owned(),
            title: check.title.to_owned(),
            stage: check.stage,
            tier: check.tier,
            points: check.points,
            basis: check.basis,
            clause: check.clause.to_owned(),
            outcome,
            elapsed_ms,
        }
    }

    /// Of the points that were to be had, [`CheckReport::of`].
    pub fn earned(&self) -> u32 {
        if self.outcome.earns() { self.points } else { 0 }
    }

    pub fn of(&self) -> u32 {
        if self.outcome.counts() { self.points } else { 0 }
    }

    /// What went wrong, where the check failed; not where it is flaky.
    pub fn failure(&self) -> Option<&FailureReport> {
        match &self.outcome {
            Outcome::Failed { failure } => Some(failure),
            _ => None,
        }
    }
}

impl Report {
    /// Failed and flaky checks, in order.
    pub fn failures(&self) -> impl Iterator<Item = (&CheckReport, &FailureReport)> {
        self.checks.iter().filter_map(|check| match &check.outcome {
            Outcome::Failed { failure } | Outcome::Flaky { failure, .. } => Some((check, &**failure)),
            _ => None,
        })
    }

    /// The check to mend next: the first that failed.
    pub fn next(&self) -> Option<&CheckReport> {
        self.checks.iter().find(|check| matches!(check.outcome, Outcome::Failed { .. }))
    }

    /// Sums the points of `checks`.
    pub fn count(checks: &[CheckReport]) -> Points {
        let mut points = Points::default();
        for check in checks {
            if check.tier == Tier::Extension {
                points.extension_earned += check.earned();
                points.extension_of += check.of();
            } else {
                points.earned += check.earned();
                points.of += check.of();
            }
        }
        points
    }
}

/// What the process that ran the checks exits with.
pub mod exit {
    /// Every check that was tried passed.
    pub const PASSED: u8 = 0;
    /// Some check failed, was blocked or is flaky.
    pub const FAILED: u8 = 1;
    /// The command line made no sense.
    pub const USAGE: u8 = 2;
    /// The program under test did not build, or its manifest is wrong.
    pub const BUILD: u8 = 3;
    /// The harness itself failed.
    pub const HARNESS: u8 = 4;
}

impl Report {
    /// The exit status of a run that came to this report.
    pub fn exit_code(&self) -> u8 {
        let outcomes = || self.checks.iter().map(|check| &check.outcome);
        if outcomes().any(|outcome| matches!(outcome, Outcome::Broken { .. })) {
            exit::HARNESS
        } else if outcomes()
            .any(|o| matches!(o, Outcome::Failed { .. } | Outcome::Blocked { .. } | Outcome::Flaky { .. }))
        {
            exit::FAILED
        } else {
            exit::PASSED
        }
    }
}
