//! `cargo xtask mutants [LAB]`: proves that every check can fail, and fails for the right reason.
//!
//! Each mutant is the solution with one mistake. It is built, the lab's checks are run on it, and the checks that
//! failed are compared with those its file names. One worker builds while the others try what they have built.

pub mod bank;
mod trial;
pub mod workshop;

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use harness::check::{Check, Lab};
use harness::report::exit;
use harness::runner::{Options, Selection};
use harness::subject::{Programs, Supervisor};

use self::bank::Mutant;
use self::trial::Fate;
use self::workshop::Workshop;
use super::check::clean_up_when_interrupted;
use crate::{nearest, workspace};

/// Try the bank of broken programs, each of which must fail exactly the checks it names.
///
/// Exits with 0 when each does, 1 when one does not, 2 when a mutant cannot be made.
#[derive(clap::Args)]
pub struct Args {
    /// Only this lab's; all labs otherwise
    #[arg(value_parser = nearest::lab)]
    lab: Option<Lab>,
    /// Only the mutant of this name; may be repeated
    #[arg(long, value_name = "SLUG")]
    only: Vec<String>,
    /// Write what caught a mutant into its `caught_by`
    #[arg(long)]
    bless: bool,
    /// Mutants under way at once
    #[arg(long, value_name = "N", default_value_t = 3)]
    jobs: usize,
    /// Checks of one mutant under way at once
    #[arg(long, value_name = "N", default_value_t = 16)]
    check_jobs: usize,
    /// Shortens (or lengthens) every patience of the harness
    #[arg(long, value_name = "FACTOR", default_value_t = 0.5)]
    timeout_factor: f64,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let labs = args.lab.as_ref().map_or(Lab::ALL, std::slice::from_ref);
    let mut sound = true;
    clean_up_when_interrupted()?;
    for lab in labs {
        sound &= run_lab(*lab, &args).with_context(|| format!("cannot try the mutants of {lab}"))?;
    }
    Ok(ExitCode::from(if sound { exit::PASSED } else { exit::FAILED }))
}

/// Whether every mutant of the lab was caught as its file says, and the bank keeps its laws.
fn run_lab(lab: Lab, args: &Args) -> Result<bool> {
    let began = Instant::now();
    let whole = bank::read(&workspace::root(), lab)?;
    let checks: Vec<&Check> = lab.checks().collect();
    let faults = if args.only.is_empty() { bank::faults(&checks, &whole) } else { Vec::new() };
    let mutants = bank::select(whole, &args.only)?;
    for mutant in &mutants {
        mutant.apply(&workspace::solution(lab))?;
    }
    let options = options(args.check_jobs, args.timeout_factor)?;
    let workshop = Workshop::open(lab)?;
    let faulty = trial::failed(lab, &workshop.build(None, 0)?, &options)?;
    ensure!(faulty.is_empty(), "the solution itself fails {}", faulty.join(", "));

    let slugs = mutants.iter().map(|mutant| mutant.slug.len()).fold("mutant".len(), usize::max);
    let (mut amiss, mut blessed, mut second) = (0, 0, Vec::new());
    println!("{:<slugs$}  verdict    killed by", "mutant");
    let look = |mutant: &Mutant, programs: &Programs| look(lab, mutant, programs, &options);
    try_all(&workshop, &mutants, args.jobs, look, |mutant, looks| {
        let failed = looks.failed;
        if looks.disagree {
            second.push(mutant.slug.clone());
        }
        let fate = Fate::of(mutant, &failed);
        println!("{}", trial::rows(&mutant.slug, fate, &mutant.caught_by, &failed, slugs));
        match fate {
            Fate::Caught => {}
            Fate::Otherwise if args.bless => {
                mutant.bless(&failed)?;
                blessed += 1;
            }
            Fate::Otherwise | Fate::Survived => amiss += 1,
        }
        Ok(())
    })?;
    for fault in &faults {
        println!("{fault}");
    }
    if !second.is_empty() {
        println!("two looks did not agree, which is a race to be found: {}", second.join(", "));
    }
    let (tried, caught) = (mutants.len(), mutants.len() - amiss - blessed);
    let blessed = if blessed > 0 { format!(", {blessed} blessed") } else { String::new() };
    println!("{lab}: {caught} of {tried} mutants caught{blessed}, {} s", began.elapsed().as_secs());
    Ok(amiss == 0 && faults.is_empty())
}

/// What the checks said of a mutant.
struct Looks {
    failed: Vec<String>,
    /// A first look was not what the mutant's file says, and the second said something else.
    disagree: bool,
}

/// Looks again where a mutant does not come off as its file says: with several under way on a small machine, a moment
/// may have been the machine's.
fn look(lab: Lab, mutant: &Mutant, programs: &Programs, options: &Options) -> Result<Looks> {
    let first = trial::failed(lab, programs, options)?;
    if Fate::of(mutant, &first) == Fate::Caught {
        return Ok(Looks { failed: first, disagree: false });
    }
    let failed = trial::failed(lab, programs, options)?;
    Ok(Looks { disagree: failed != first, failed })
}

/// How the checks run on a mutant.
pub fn options(jobs: usize, timeout_factor: f64) -> Result<Options> {
    Ok(Options {
        seed: 1,
        jobs,
        select: Selection::default(),
        model: None,
        timeout_factor,
        rerun: false,
        supervisor: Supervisor::current().context("cannot find the program that watches over others")?,
        records: workspace::state().join("records"),
        captures: None,
    })
}

/// Builds the mutants one after the other, tries them side by side, and hands what came of it to `each`, in their order.
pub fn try_all<T: Send>(
    workshop: &Workshop,
    mutants: &[Mutant],
    jobs: usize,
    look: impl Fn(&Mutant, &Programs) -> Result<T> + Sync,
    mut each: impl FnMut(&Mutant, T) -> Result<()>,
) -> Result<()> {
    // Who holds the queue builds, so that only one build is under way in the workshop.
    let queue = Mutex::new(mutants.iter().enumerate());
    let (results, arrivals) = mpsc::channel();
    thread::scope(|scope| {
        for bench in 0..jobs.clamp(1, mutants.len().max(1)) {
            let (queue, look, results) = (&queue, &look, results.clone());
            scope.spawn(move || {
                loop {
                    let mut waiting = queue.lock().unwrap_or_else(PoisonError::into_inner);
                    let Some((at, mutant)) = waiting.next() else { return };
                    let built = workshop.build(Some(mutant), bench);
                    drop(waiting);
                    let looks = built
                        .and_then(|programs| look(mutant, &programs).with_context(|| mutant.slug.clone()));
                    if results.send((at, looks)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        let mut early: Vec<Option<Result<T>>> = mutants.iter().map(|_| None).collect();
        let mut next = 0;
        for (at, looks) in arrivals {
            early[at] = Some(looks);
            while let Some(looks) = early.get_mut(next).and_then(Option::take) {
                each(&mutants[next], looks?)?;
                next += 1;
            }
        }
        Ok(())
    })
}
