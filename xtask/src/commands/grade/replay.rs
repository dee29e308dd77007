//! `cargo xtask grade … --replay STUDENT`: the very run that a student was graded by, shown as `check` shows one.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use harness::report::{exit, human};
use harness::subject::RunDir;

use super::class::after_interrupt;
use crate::grade::assign::Assigned;
use crate::grade::intake::{self, Refused};
use crate::grade::judge::Judged;
use crate::grade::run::{self, Plan};
use crate::grade::store;
use crate::terminal;

/// Ends as `check` does.
pub fn run(plan: &Plan, students: &[Assigned], id: &str, all: bool) -> Result<ExitCode> {
    let assigned = students.iter().find(|assigned| assigned.student.id == id);
    let assigned = assigned.with_context(|| format!("there is no student {id:?}"))?;
    let Some(chosen) = &assigned.chosen else { bail!("{id} has handed in nothing") };
    let taken = match intake::take(&chosen.entry, plan.lab, &plan.course.allowed) {
        Ok(taken) => taken,
        Err(Refused::Nothing(words) | Refused::Policy(words) | Refused::Unreadable(words)) => {
            bail!("{}: {words}", chosen.entry.name)
        }
    };
    let seed = plan.secret.seed(plan.lab, id, &taken.digest);
    differences(plan, id, &taken.digest, seed);
    let judged = run::judged(plan, &RunDir::new()?, id, &taken, seed)?;
    after_interrupt();
    let (words, code) = match judged {
        Judged::Report { report, .. } => {
            terminal::print(&human::render(&report, &terminal::look(all)))?;
            return Ok(ExitCode::from(report.exit_code()));
        }
        Judged::BuildError { words } | Judged::Resource { words } => (words, exit::BUILD),
        Judged::Timeout { words } => (words, exit::FAILED),
        Judged::Infra { words } => (words, exit::HARNESS),
    };
    eprintln!("error: {}", human::visible(&words));
    Ok(ExitCode::from(code))
}

/// Says where this is not what the results tell of.
fn differences(plan: &Plan, id: &str, digest: &str, seed: u64) {
    let Some(record) = store::record(&plan.out, id) else {
        eprintln!("{id} has no result in {} yet", plan.out.display());
        return;
    };
    if record.submission.is_some_and(|submission| submission.digest != digest) {
        eprintln!("this is another submission than the one that was graded");
    } else if record.report.is_some_and(|report| report.seed != format!("{seed:x}")) {
        eprintln!("this is another secret than the one it was graded with: the values are others");
    }
}
