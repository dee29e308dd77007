//! `course.toml`: what a course makes of the harness's verdicts.
//!
//! Strict, since a misspelt rule would silently cost points: an unknown key, check, stage or student is an error
//! with its line and its column.

mod file;

use std::collections::BTreeMap;
use std::time::Duration;

use harness::check::{Tier, lies_below};
use harness::report::CheckReport;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::intake::hex;
use super::judge::Limits;

pub use file::{load, parse};

/// A course's rules; the default is what holds without a `course.toml`.
#[derive(Clone, Debug)]
pub struct Course {
    /// As it was written.
    pub text: String,
    /// Points of a submission without a fault, extensions aside.
    pub points: f64,
    pub tiers: Vec<Tier>,
    /// Ids of checks, or beginnings of ids, that do not count.
    pub off: Vec<String>,
    pub weights: Weights,
    pub due: Option<Timestamp>,
    /// In which moments are shown.
    pub zone: TimeZone,
    /// Whether the time of an entry in the file system says when it was handed in.
    pub file_times: bool,
    pub late: Late,
    /// By the student's id.
    pub students: BTreeMap<String, Override>,
    pub allowed: Allowed,
    pub limits: Limits,
    /// Ids of checks, or beginnings of ids, that students are not shown.
    pub hidden: Vec<String>,
    /// The title of the assignment's column in a grade book: `Lab 1 (12345)`.
    pub column: Option<String>,
    /// From this share on two submissions are flagged as copies.
    pub copies: f64,
}

/// Factors of a check's points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    pub tier: BTreeMap<Tier, f64>,
    pub stage: BTreeMap<u8, f64>,
    /// Ids, or beginnings of ids; the longest that fits holds.
    pub check: BTreeMap<String, f64>,
}

/// What lateness costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Late {
    /// So much later is not late.
    pub grace: Duration,
    /// Per cent of the points for each day that has begun since the due date.
    pub per_day: f64,
    /// Per cent; no more is taken.
    pub at_most: Option<f64>,
    /// So much later nothing counts.
    pub cutoff: Option<Duration>,
}

/// What holds for one student alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Override {
    pub due: Option<Timestamp>,
    pub received: Option<Timestamp>,
    /// Instead of all others.
    pub points: Option<f64>,
    /// Added in the end.
    pub add: Option<f64>,
    pub excused: bool,
    pub reason: String,
}

/// Which programs other than the lab's Cargo package may be built and run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allowed {
    /// Programs without a build command.
    pub scripts: bool,
    /// Build commands, word by word; a last word `*` stands for any more.
    pub build: Vec<Vec<String>>,
}

impl Default for Course {
    fn default() -> Self {
        Course {
            text: String::new(),
            points: 100.0,
            tiers: TIERS.into(),
            off: Vec::new(),
            weights: Weights::default(),
            due: None,
            zone: TimeZone::UTC,
            file_times: false,
            late: Late::default(),
            students: BTreeMap::new(),
            allowed: Allowed::default(),
            limits: Limits::default(),
            hidden: Vec::new(),
            column: None,
            copies: 0.8,
        }
    }
}

const TIERS: [Tier; 3] = [Tier::Core, Tier::Robust, Tier::Extension];

impl Course {
    /// SHA-256 of the rules.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(&self.text))
    }

    /// What a check counts: its points times all weights, nothing where it is switched off.
    pub fn worth(&self, check: &CheckReport) -> f64 {
        if !self.tiers.contains(&check.tier) || self.off.iter().any(|id| lies_below(&check.id, id)) {
            return 0.0;
        }
        f64::from(check.points) * self.weights.of(&check.id, check.stage, check.tier)
    }
}

impl Weights {
    fn of(&self, id: &str, stage: u8, tier: Tier) -> f64 {
        let below = self.check.iter().filter(|(prefix, _)| lies_below(id, prefix));
        let check = below.max_by_key(|(prefix, _)| prefix.len()).map(|(_, weight)| *weight);
        let factor = |weight: Option<f64>| weight.unwrap_or(1.0);
        factor(check) * factor(self.stage.get(&stage).copied()) * factor(self.tier.get(&tier).copied())
    }
}

impl Allowed {
    /// An error says what is not allowed.
    pub fn check(&self, build: Option<&[String]>) -> Result<(), String> {
        let Some(build) = build else {
            return if self.scripts {
                Ok(())
            } else {
                Err("the course takes no programs without a build command ([languages] scripts = true)"
                    .to_owned())
            };
        };
        let fits = |rule: &Vec<String>| match rule.split_last() {
            Some((last, words)) if last == "*" => build.starts_with(words),
            _ => rule == build,
        };
        if self.build.iter().any(fits) {
            return Ok(());
        }
        let words = shlex::try_join(build.iter().map(String::as_str)).unwrap_or_default();
        Err(format!(
            "the course does not allow its build command `{}` ([languages] build)",
            words.escape_debug()
        ))
    }
}
