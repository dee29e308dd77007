//! `cargo xtask throughput`: how many submissions an hour this machine judges, and that each comes off as it does without
//! a sandbox.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use harness::check::Lab;
use harness::report::exit;

use super::check::clean_up_when_interrupted;
use super::mutants::bank;
use crate::grade::judge::{Job, Judged, Kind, Limits, judge};
use crate::grade::record::Tier;
use crate::grade::sandbox::Sandbox;
use crate::{folder, nearest, workspace};

/// Judge a mix of reference solutions, starters and mutants, whose verdicts are known, and measure how long that takes.
///
/// Exits with 0 when each comes off as it should, 1 otherwise.
#[derive(clap::Args)]
pub struct Args {
    /// Only this lab's; all labs in turn otherwise
    #[arg(value_parser = nearest::lab)]
    lab: Option<Lab>,
    /// How many submissions
    #[arg(long, value_name = "N", default_value_t = 100)]
    count: usize,
    /// Submissions under way at once
    #[arg(long, value_name = "N", default_value_t = 3)]
    jobs: usize,
    /// full, reduced or none; the best there is otherwise, but none
    #[arg(long, value_name = "TIER", value_parser = ["full", "reduced", "none"])]
    sandbox: Option<String>,
    /// Multiplies every patience of the harness
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    patience: f64,
}

/// A submission, and the checks that must fail.
struct Known {
    lab: Lab,
    name: String,
    dir: tempfile::TempDir,
    /// `None`: some do, and whichever do is no matter.
    fails: Option<BTreeSet<String>>,
}

pub fn run(args: Args) -> Result<ExitCode> {
    clean_up_when_interrupted()?;
    let tier = args.sandbox.as_deref().map(|tier| match tier {
        "full" => Tier::Full,
        "reduced" => Tier::Reduced,
        _ => Tier::None,
    });
    let sandbox = Sandbox::choose(tier).map_err(anyhow::Error::msg)?;
    let labs = args.lab.as_ref().map_or(Lab::ALL, std::slice::from_ref);
    let class = class(labs, args.count)?;
    // What is built once a class is no part of what a submission costs.
    for known in class.iter().take(labs.len()) {
        known.judged(&sandbox, args.patience);
    }
    let total = class.len();
    let (queue, amiss) = (Mutex::new(VecDeque::from(class)), Mutex::new(0_usize));
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..args.jobs.max(1))
            .map(|_| {
                scope.spawn(|| {
                    let mut longest = Duration::ZERO;
                    let next = || lock(&queue).pop_front();
                    while let Some(known) = next() {
                        let started = Instant::now();
                        let wrong = known.wrong(&known.judged(&sandbox, args.patience));
                        let took = started.elapsed();
                        longest = longest.max(took);
                        *lock(&amiss) += usize::from(wrong.is_some());
                        let words = wrong.unwrap_or_else(|| "as it should".to_owned());
                        println!(
                            "{:<6} {:<28} {:>5.1} s  {words}",
                            known.lab.name(),
                            known.name,
                            took.as_secs_f32()
                        );
                    }
                    longest
                })
            })
            .collect();
        longest = lanes.into_iter().filter_map(|lane| lane.join().ok()).max().unwrap_or_default();
    });
    let (took, amiss) = (began.elapsed(), amiss.into_inner().unwrap_or_else(PoisonError::into_inner));
    let hourly = total as f64 / took.as_secs_f64() * 3600.0;
    println!(
        "{total} submissions in {:.0} s, {hourly:.0} an hour, the longest {:.1} s; {amiss} came off otherwise",
        took.as_secs_f64(),
        longest.as_secs_f64()
    );
    Ok(ExitCode::from(if amiss == 0 { exit::PASSED } else { exit::FAILED }))
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of ten submissions three are right, two are starters, and five are mutants, from all over the bank.
fn class(labs: &[Lab], count: usize) -> Result<Vec<Known>> {
    let mut banks = Vec::new();
    for &lab in labs {
        banks.push(bank::read(&workspace::root(), lab)?);
    }
    let mut class = Vec::new();
    for number in 0..count {
        let (lab, turn) = (labs[number % labs.len()], number / labs.len());
        let bank = &banks[number % labs.len()];
        class.push(match turn % 10 {
            0 | 4 | 7 => Known::new(lab, "the solution", &workspace::solution(lab), Some(BTreeSet::new()))?,
            2 | 8 => Known::new(lab, "the starter", &workspace::lab(lab), None)?,
            _ => {
                let Some(mutant) = bank.get(turn * 37 % bank.len().max(1)) else {
                    bail!("{lab} has no mutants")
                };
                let solution = workspace::solution(lab);
                let known = Known::new(lab, &mutant.slug, &solution, Some(mutant.caught_by.clone()))?;
                for (file, text) in mutant.apply(&solution)? {
                    fs::write(known.dir.path().join(file), text)?;
                }
                known
            }
        });
    }
    Ok(class)
}

impl Known {
    fn new(lab: Lab, name: &str, from: &Path, fails: Option<BTreeSet<String>>) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        folder::mirror(from, dir.path()).with_context(|| format!("cannot copy {}", from.display()))?;
        Ok(Self { lab, name: name.to_owned(), dir, fails })
    }

    fn judged(&self, sandbox: &Sandbox, patience: f64) -> Judged {
        let job = Job {
            lab: self.lab,
            student: self.name.clone(),
            dir: self.dir.path().to_owned(),
            kind: Kind::Cargo,
            // That of the bank: a mutant may fail by one seed and not by another.
            seed: 1,
            limits: Limits { patience, ..Limits::default() },
        };
        judge(sandbox, &job)
    }

    /// What has not come off as it should.
    fn wrong(&self, judged: &Judged) -> Option<String> {
        let report = match judged {
            Judged::Report { report, .. } => report,
            Judged::BuildError { words }
            | Judged::Timeout { words }
            | Judged::Resource { words }
            | Judged::Infra { words } => return Some(words.clone()),
        };
        let failed: BTreeSet<String> = report.failures().map(|(check, _)| check.id.clone()).collect();
        let points = &report.points;
        match &self.fails {
            None if failed.is_empty() => Some("it fails nothing".to_owned()),
            Some(fails) if fails.is_empty() && (points.earned, points.extension_earned) != (100, 20) => {
                let lost = report.checks.iter().filter(|check| !check.outcome.earns());
                Some(lost.map(|check| format!("{}: {:?}; ", check.id, check.outcome)).collect())
            }
            Some(fails) if *fails != failed => {
                let more = failed.difference(fails).map(|id| format!("+{id} "));
                let less = fails.difference(&failed).map(|id| format!("-{id} "));
                Some(more.chain(less).collect())
            }
            _ => None,
        }
    }
}
