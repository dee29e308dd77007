//! One failure in full: what was done, what was expected and seen, why it matters, and what to try.

use super::page::{Page, glued};
use super::{BAD, DIM, ID, ODD, points};
use crate::report::unwritten::{self, Unwritten};
use crate::report::{CheckReport, FailureReport, Outcome, Report};

/// More steps than this lose their middle, unless all was asked for.
const STEPS: usize = 16;
/// How many of them then stand at the start.
const FIRST_STEPS: usize = 4;

/// `✘ web.files.binary · a file of all 256 byte values arrives unchanged   3 points`.
pub fn heading(page: &mut Page, check: &CheckReport) {
    let mark = match check.outcome {
        Outcome::Failed { .. } => page.paint(BAD, "✘"),
        Outcome::Broken { .. } => page.paint(ODD, "!"),
        _ => page.paint(ODD, "~"),
    };
    let id = page.paint(ID, &check.id);
    page.heading(&format!("{mark} {id} · {}", check.title), &points(check));
}

pub fn full(page: &mut Page, report: &Report, check: &CheckReport, failure: &FailureReport) {
    heading(page, check);
    page.gap();
    steps(page, failure);
    if let Some(gap) = unwritten::find(failure, &report.program) {
        page.gap();
        let Unwritten { step, name, .. } = &gap;
        let at = place(&gap);
        page.prose("  ", "  ", &format!("Step {step}, `{name}`, is not written yet{at}."));
    }
    page.gap();
    page.field("expected", &failure.failure.expected);
    seen(page, failure);
    page.gap();
    if let Some(rule) = &failure.failure.rule {
        page.field("rule", rule);
    }
    let stop = if failure.why.ends_with(['.', ')']) { "" } else { "." };
    page.field("why", &format!("{}{stop} See {}.", failure.why, glued(&failure.chapter)));
    hint(page, check, failure);
    if let Some(command) = &failure.failure.by_hand {
        page.command("by hand", command);
    }
    page.command("again", &failure.again);
}

/// Whether nothing of the starter is written: the first check and all others that failed stopped at gaps.
pub fn untouched(report: &Report) -> bool {
    report.checks.first().is_some_and(|first| first.failure().is_some())
        && report.checks.iter().filter_map(CheckReport::failure).all(unwritten::stopped)
}

/// The first failure of an untouched starter: no fault, but the place where the work begins.
pub fn begin(page: &mut Page, report: &Report, check: &CheckReport, failure: &FailureReport) {
    heading(page, check);
    page.gap();
    steps(page, failure);
    let Some(gap) = unwritten::find(failure, &report.program) else { return };
    let gap_was_shown = failure.steps.iter().any(|step| step.contains("not yet implemented"));
    if !gap_was_shown {
        page.gap();
        seen(page, failure);
    }
    page.gap();
    let Unwritten { step, name, at } = &gap;
    let open = match at {
        Some(at) => format!("Open {at} and write step {step}, `{name}`"),
        None => format!("Write step {step}, `{name}`"),
    };
    let chapter = &failure.chapter;
    page.prose(
        "  ",
        "  ",
        &format!("So far so good: this is where you begin. {open}; the chapter is {chapter}."),
    );
    page.gap();
    hint(page, check, failure);
    page.command("again", &failure.again);
}

fn hint(page: &mut Page, check: &CheckReport, failure: &FailureReport) {
    let command = glued(&format!("(cargo xtask hint {})", check.id));
    page.field("hint", &format!("{} {command}", failure.hint));
}

fn seen(page: &mut Page, failure: &FailureReport) {
    page.field("seen", &failure.failure.seen);
    for line in failure.failure.excerpt.iter().flat_map(|lines| lines.lines()) {
        page.verbatim(line);
    }
    for note in &failure.failure.notes {
        page.field("note", note);
    }
}

/// Numbered; a step's further lines stand below its first.
fn steps(page: &mut Page, failure: &FailureReport) {
    let count = failure.steps.len();
    let left_out = if page.look.all || count <= STEPS { 0 } else { count + 1 - STEPS };
    for (index, step) in failure.steps.iter().enumerate() {
        if (FIRST_STEPS..FIRST_STEPS + left_out).contains(&index) {
            if index == FIRST_STEPS {
                let line = page.paint(DIM, &format!("… {left_out} more (--all shows them)"));
                page.prose("     ", "     ", &line);
            }
            continue;
        }
        let mut before = format!("{:>3}. ", index + 1);
        for line in step.lines() {
            page.prose(&before, "     ", line);
            before = "     ".to_owned();
        }
    }
}

/// `: src/server.rs:18`.
fn place(gap: &Unwritten) -> String {
    gap.at.as_ref().map(|at| format!(": {at}")).unwrap_or_default()
}
