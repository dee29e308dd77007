//! `cargo xtask explain ID`: the rule behind a check, why it is graded, and what real servers do.

use std::process::ExitCode;

use anyhow::Result;
use harness::check::Check;
use harness::report::human::Page;

use crate::{chapter, nearest, terminal};

/// Tell the rule behind a check, why it is graded, where to read, and what real servers do
#[derive(clap::Args)]
pub struct Args {
    /// The check: `web.files.binary`
    #[arg(value_name = "ID", value_parser = nearest::check)]
    check: &'static Check,
}

pub fn run(args: Args) -> Result<ExitCode> {
    terminal::show(|page| set(page, args.check))?;
    Ok(ExitCode::SUCCESS)
}

fn set(page: &mut Page, check: &Check) {
    let points = format!("{} point{}", check.points, if check.points == 1 { "" } else { "s" });
    page.heading(&format!("{} · {}", check.id, check.title), &points);
    page.gap();
    page.field("rule", &check.authority());
    page.field("why", check.why);
    page.field("tries", &format!("the {}; {}", check.role, kind(check)));
    if !check.needs.is_empty() {
        page.field("needs", &check.needs.join(", "));
    }
    if !check.peers.is_empty() {
        page.field("others", check.peers);
    }
    page.field("book", &check.chapter());
    if let Some(built) = chapter::page(check) {
        page.field("page", &built);
    }
    page.gap();
    page.command("hints", &format!("cargo xtask hint {}", check.id));
    page.command("try", &format!("cargo xtask check {} --only {}", check.lab, check.id));
}

fn kind(check: &Check) -> &'static str {
    use harness::check::Tier;
    match check.tier {
        Tier::Core => "core: asked of everyone",
        Tier::Robust => "robust: an edge case",
        Tier::Extension => "extension: a bonus on top of the 100 points",
    }
}
