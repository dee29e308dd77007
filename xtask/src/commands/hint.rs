//! `cargo xtask hint ID`: one hint a call, from a nudge to nearly the answer.
//!
//! How many of a check's hints were shown is kept below the target directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use harness::check::Check;
use harness::report::human::Page;

use crate::{nearest, terminal, workspace};

/// Give a hint for a check; each call goes one step further
#[derive(clap::Args)]
pub struct Args {
    /// The check: `web.files.binary`
    #[arg(value_name = "ID", value_parser = nearest::check)]
    check: &'static Check,
    /// Begin again with the first hint
    #[arg(long)]
    from_start: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let step = advance(&workspace::state().join("hints.json"), args.check, args.from_start)?;
    terminal::show(|page| set(page, args.check, step))?;
    Ok(ExitCode::SUCCESS)
}

/// Which hint a call shows.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    /// Counted from 1.
    number: usize,
    /// It was the last already.
    again: bool,
}

/// Takes the next step and remembers it.
fn advance(memory: &Path, check: &Check, from_start: bool) -> Result<Step> {
    // A memory that cannot be read is one of nothing: at worst a hint is shown twice.
    let mut shown: BTreeMap<String, usize> =
        fs::read(memory).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let before = if from_start { 0 } else { shown.get(check.id).copied().unwrap_or(0) };
    let number = (before + 1).min(check.hints.len());
    shown.insert(check.id.to_owned(), number);
    let remember = || {
        fs::create_dir_all(memory.parent().unwrap_or(Path::new(".")))?;
        fs::write(memory, serde_json::to_vec_pretty(&shown)?)
    };
    remember().with_context(|| format!("cannot keep count of the hints in {}", memory.display()))?;
    Ok(Step { number, again: before >= check.hints.len() })
}

fn set(page: &mut Page, check: &Check, step: Step) {
    let total = check.hints.len();
    page.heading(&format!("{} · {}", check.id, check.title), &format!("hint {} of {total}", step.number));
    page.gap();
    page.prose("  ", "  ", check.hints.get(step.number.wrapping_sub(1)).copied().unwrap_or_default());
    page.gap();
    if step.again {
        page.prose("  ", "  ", "That is the last hint once more.");
        page.gap();
    }
    if step.number < total {
        page.command("next", &format!("cargo xtask hint {}", check.id));
    } else {
        page.command("rule", &format!("cargo xtask explain {}", check.id));
        page.command("again", &format!("cargo xtask hint {} --from-start", check.id));
        page.field("book", &check.chapter());
    }
}

#[cfg(test)]
mod tests {
    use harness::check::{Basis, Lab, Role, Tier};

    use super::*;

    const CHECK: Check = Check {
        id: "web.files.binary",
        title: "a file of all 256 byte values arrives unchanged",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &[],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "Content is octets.",
        peers: "",
        hints: &["a nudge", "nearly the answer"],
        run: |_| Ok(()),
    };

    #[test]
    fn each_call_goes_one_step_further_and_the_last_is_repeated() {
        let dir = tempfile::tempdir().expect("a directory");
        let memory = dir.path().join("new/hints.json");
        let step = |from_start| advance(&memory, &CHECK, from_start).expect("a place to write");
        assert_eq!(step(false), Step { number: 1, again: false });
        assert_eq!(step(false), Step { number: 2, again: false });
        assert_eq!(step(false), Step { number: 2, again: true });
        assert_eq!(step(true), Step { number: 1, again: false });
        assert_eq!(step(false), Step { number: 2, again: false });
    }

    #[test]
    fn a_spoilt_memory_is_an_empty_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let memory = dir.path().join("hints.json");
        fs::write(&memory, "{").expect("a place to write");
        assert_eq!(advance(&memory, &CHECK, false).expect("a step").number, 1);
    }
}
