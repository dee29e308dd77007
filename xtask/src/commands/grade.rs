//! `cargo xtask grade DIR`: judges a class, and what there is to do with its results.

mod class;
mod merge;
mod one;
mod publish;
mod regrade;
mod replay;

use std::process::ExitCode;

use anyhow::Result;

const EXIT_STATUS: &str = "\
Exit status:
    0  everyone on the roster (of this shard) has a result that can be published
    1  somebody has to look: results are held back, or submissions are nobody's
    2  the command line, the roster or the course's rules make no sense
    4  results could not be written
  130  interrupted; what is finished is written, and the next run goes on from there";

/// Judge the submissions of a class
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = EXIT_STATUS)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    class: Option<class::Args>,
}

#[derive(clap::Subcommand)]
enum Command {
    Merge(merge::Args),
    One(one::Args),
    Publish(publish::Args),
    Regrade(regrade::Args),
}

pub fn run(args: Args) -> Result<ExitCode> {
    match (args.command, args.class) {
        (Some(Command::Merge(args)), _) => merge::run(args),
        (Some(Command::One(args)), _) => one::run(args),
        (Some(Command::Publish(args)), _) => publish::run(args),
        (Some(Command::Regrade(args)), _) => regrade::run(args),
        (None, Some(class)) => class::run(class),
        // Clap has let neither pass.
        (None, None) => anyhow::bail!("nothing to grade"),
    }
}
