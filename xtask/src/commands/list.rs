//! `cargo xtask list [LAB]`: the checks, by stage.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use harness::check::{Check, Lab, Tier};
use harness::report::human::Page;
use serde_json::{Value, json};

use crate::{nearest, terminal};

/// List the checks: their ids, tiers and points, by stage
#[derive(clap::Args)]
pub struct Args {
    /// Only this lab's
    #[arg(value_parser = nearest::lab)]
    lab: Option<Lab>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// For reading
    Human,
    /// For programs
    Json,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let labs = args.lab.as_ref().map_or(Lab::ALL, std::slice::from_ref);
    match args.format {
        Format::Human => terminal::show(|page| {
            for lab in labs {
                page.gap();
                set(page, *lab, &lab.checks().collect::<Vec<_>>());
            }
        })?,
        Format::Json => {
            let checks: Vec<Value> = labs.iter().flat_map(|lab| lab.checks()).map(json).collect();
            terminal::print(&format!("{:#}\n", Value::Array(checks)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn set(page: &mut Page, lab: Lab, checks: &[&Check]) {
    let sum = |extension: bool| -> u32 {
        let side = |check: &&&Check| (check.tier == Tier::Extension) == extension;
        checks.iter().filter(side).map(|check| check.points).sum()
    };
    let total = format!("{} checks, {} points, and {} for extensions", checks.len(), sum(false), sum(true));
    page.line(&format!("{lab} {}: {total}", lab.title()));
    let width = checks.iter().map(|check| check.id.len()).max().unwrap_or(0);
    for stage in checks.chunk_by(|a, b| a.stage == b.stage) {
        let number = stage[0].stage;
        let title = lab.stages().get(usize::from(number).wrapping_sub(1)).copied().unwrap_or_default();
        page.gap();
        page.line(&format!("  stage {number}  {title}"));
        for check in stage {
            let Check { id, points, title, .. } = check;
            let before = format!("    {id:<width$}  {:<9}  {points:>2}  ", check.tier.name());
            page.prose(&before, &" ".repeat(before.len()), title);
        }
    }
}

fn json(check: &Check) -> Value {
    json!({
        "id": check.id,
        "title": check.title,
        "lab": check.lab,
        "stage": check.stage,
        "tier": check.tier,
        "points": check.points,
        "role": check.role,
        "needs": check.needs,
        "basis": check.basis,
        "clause": check.clause,
        "why": check.why,
    })
}
