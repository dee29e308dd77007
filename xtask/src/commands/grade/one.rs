//! `cargo xtask grade one DIR --lab LAB --out results.json`: one submission, for a platform that hands in one at a time.
//!
//! It is judged as one of a class is, with values that are drawn anew each time.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use harness::check::Lab;
use harness::report::exit;
use harness::report::human::visible;
use jiff::Timestamp;

use super::class::{TIERS, after_interrupt, end_when_interrupted, tier};
use crate::grade::assign::{Assigned, Chosen};
use crate::grade::course::{self, Course};
use crate::grade::intake::entries::{Entry, Form};
use crate::grade::publish::hidden;
use crate::grade::record::{Status, Student, Tier};
use crate::grade::run::{self, Plan};
use crate::grade::sandbox::Sandbox;
use crate::grade::secret::Secret;
use crate::grade::{gradescope, store};
use crate::{nearest, terminal};

const EXIT_STATUS: &str = "\
Exit status:
    0  the results are written, whatever they are
    2  the command line or the course's rules make no sense
    4  it could not be judged: there are no results, and that is no zero";

/// Judge one submission, and write Gradescope's results.json
#[derive(clap::Args)]
#[command(after_help = EXIT_STATUS)]
#[group(id = "one")]
pub struct Args {
    /// The folder that was handed in
    #[arg(value_name = "DIR")]
    submission: PathBuf,
    /// The lab: `lab1`, `lab2`, `lab3`, `lab4`
    #[arg(long, value_parser = nearest::lab)]
    lab: Lab,
    /// The course's rules
    #[arg(long, value_name = "TOML")]
    course: Option<PathBuf>,
    /// How far programs are confined: the best there is, unless named
    #[arg(long, value_parser = PossibleValuesParser::new(TIERS.map(|(name, _)| name)).map(tier))]
    sandbox: Option<Tier>,
    /// The results are written there
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// The only student there is.
const ID: &str = "submission";

pub fn run(args: Args) -> Result<ExitCode> {
    ensure!(args.submission.is_dir(), "{} is no folder", args.submission.display());
    let course = match &args.course {
        Some(path) => course::load(path, args.lab, &[])?,
        None => Course::default(),
    };
    let hidden = hidden(&course, args.lab);
    let place = tempfile::tempdir().context("cannot make a directory")?;
    let sandbox = match Sandbox::choose(args.sandbox) {
        Ok(sandbox) => sandbox,
        Err(words) => bail!("{words}"),
    };
    let confinement = sandbox.confinement().clone();
    let (secret, _) = Secret::open(&place.path().join("seed"))?;
    let results = place.path().join("results");
    fs::create_dir(&results)?;
    let (lab, jobs, again) = (args.lab, 1, true);
    let plan = Plan { lab, course, sandbox, secret, out: results.clone(), jobs, again };
    end_when_interrupted()?;
    run::run(&plan, &[alone(&args)], &|_, _, _, _, _| {})?;
    after_interrupt();
    let record = store::record(&results, ID).context("it has no result")?;
    for (what, words) in [("confined by", &confinement.in_force), ("not by", &confinement.lacking)] {
        if !words.is_empty() {
            terminal::print(&format!("{what}: {}\n", visible(&words.join("; "))))?;
        }
    }
    match gradescope::results(&record, &hidden) {
        Ok(text) => {
            store::write_text(&args.out, &text)?;
            let score = &record.score;
            let status = if record.status == Status::Graded { "" } else { record.status.words() };
            terminal::print(format!("{lab}: {} of {} points {status}", score.points, score.of).trim_end())?;
            terminal::print("\n")?;
            Ok(ExitCode::from(exit::PASSED))
        }
        Err(words) => {
            eprintln!("error: it could not be judged: {words}");
            Ok(ExitCode::from(exit::HARNESS))
        }
    }
}

fn alone(args: &Args) -> Assigned {
    let student = Student { id: ID.to_owned(), name: String::new(), email: None, extra: [].into() };
    let entry = Entry {
        name: ID.to_owned(),
        path: args.submission.clone(),
        form: Form::Folder,
        modified: Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH),
        told: None,
    };
    let chosen = Chosen { entry, named_by: "it is the only one", received: None, passed_over: Vec::new() };
    Assigned { student, chosen: Some(chosen) }
}
