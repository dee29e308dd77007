//! Runs of the solutions: a check on one of them, or a scene of the book's own, and the record of either.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use harness::check::{Check, Lab};
use harness::deadline::Deadline;
use harness::journal::Journal;
use harness::runner::PATIENCE;
use harness::subject::{Model, Programs, RunDir, Subject, Supervisor, Workbench};
use harness::trial::{Env, Gate, Shared, Trial};
use harness::verdict::{Fault, Verdict};

use crate::workspace;

/// What a book shows is the same each time.
const SEED: u64 = 1;

const BUILD: Duration = Duration::from_secs(600);

/// The solutions that were built so far.
pub struct Runs {
    supervisor: Supervisor,
    built: BTreeMap<Lab, Programs>,
}

impl Runs {
    pub fn new() -> Result<Self> {
        let supervisor = Supervisor::current().context("cannot find the program that watches over others")?;
        Ok(Runs { supervisor, built: BTreeMap::new() })
    }

    /// The record of a check that the solution passes.
    pub fn of(&mut self, check: &Check) -> Result<Arc<Journal>> {
        let (_, journal) = self.scene(check.lab, check.id, |trial| (check.run)(trial))?;
        Ok(journal)
    }

    /// What a scene gives, and its record. All that is random in it comes from its name.
    pub fn scene<T>(
        &mut self,
        lab: Lab,
        name: &str,
        play: impl FnOnce(&mut Trial<'_>) -> Verdict<T>,
    ) -> Result<(T, Arc<Journal>)> {
        self.build(lab)?;
        let run_dir = RunDir::new().context("cannot make a directory for the run")?;
        let env = Env {
            programs: &self.built[&lab],
            supervisor: &self.supervisor,
            run_dir: &run_dir,
            seed: SEED,
            model: Model::Pool,
            patience: PATIENCE,
            starts: Gate::new(1),
            dirs: AtomicUsize::new(0),
            prepared: OnceLock::new(),
        };
        let mut shared = Shared::default();
        let mut trial = Trial::new(&env, name, &mut shared, true);
        let journal = Arc::clone(&trial.scene().journal);
        let done = play(&mut trial);
        let (result, verdict) = match done {
            Ok(result) => (Some(result), Ok(())),
            Err(fault) => (None, Err(fault)),
        };
        trial.finish(verdict).map_err(|fault| anyhow!("{name}: {}", words(fault)))?;
        let result = result.context("a scene without a fault has a result")?;
        Ok((result, journal))
    }

    fn build(&mut self, lab: Lab) -> Result<()> {
        if !self.built.contains_key(&lab) {
            let subject = Subject::load(&workspace::solution(lab), lab)?;
            self.built
                .insert(lab, subject.build(&self.supervisor, Deadline::after(BUILD), &Workbench::default())?);
        }
        Ok(())
    }
}

fn words(fault: Fault) -> String {
    match fault {
        Fault::Failed(failure) => format!("expected {}; seen {}", failure.expected, failure.seen),
        Fault::Broken(why) | Fault::Skipped(why) => why,
    }
}
