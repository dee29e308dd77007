//! `cargo xtask grade regrade RESULTS --course TOML`: the same verdicts under other rules; nothing is run.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use harness::report::exit;
use harness::report::human::{Page, visible};

use crate::grade::course::Course;
use crate::grade::publish::rules;
use crate::grade::record::{Record, Score};
use crate::grade::score::plain;
use crate::grade::store::{self, Header};
use crate::grade::{copies, course, score};
use crate::terminal;

const EXIT_STATUS: &str = "\
Exit status:
    0  every result is scored by the new rules
    2  the command line or the rules make no sense
    4  results could not be written";

/// Score the results of a class by other rules, and show whose points change and why
#[derive(clap::Args)]
#[command(after_help = EXIT_STATUS)]
#[group(id = "regrade")]
pub struct Args {
    /// A folder of results
    #[arg(value_name = "RESULTS")]
    results: PathBuf,
    /// The new rules
    #[arg(long, value_name = "TOML")]
    course: PathBuf,
    /// Write there, and leave RESULTS as they are
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only show what would change
    #[arg(long, conflicts_with = "out")]
    dry_run: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let header = store::header(&args.results)?;
    let ids: Vec<&str> = header.students.iter().map(|student| student.id.as_str()).collect();
    let course = course::load(&args.course, header.lab, &ids)?;
    let old = rules(&header)?;
    if old.limits != course.limits || old.allowed != course.allowed {
        terminal::print("other [limits] or [languages] take effect when the class is graded again\n")?;
    }
    match regrade(&args, &header, &course) {
        Ok(()) => Ok(ExitCode::from(exit::PASSED)),
        Err(error) => {
            eprintln!("error: {error:#}");
            Ok(ExitCode::from(exit::HARNESS))
        }
    }
}

/// One record at a time, since a class may be large.
fn regrade(args: &Args, header: &Header, course: &Course) -> Result<()> {
    let graded: BTreeSet<String> = store::ids(&args.results)?.into_iter().collect();
    let students = header.students.iter().filter(|student| graded.contains(&student.id));
    let (mut changed, mut total) = (0, 0);
    for student in students {
        let old = store::whole(&args.results, &student.id)?;
        let mut new = old.clone();
        score::apply(&mut new, course);
        total += 1;
        if differs(&old.score, &new.score) {
            changed += 1;
            terminal::show(|page| change(page, &old, &new))?;
        }
        if let Some(out) = &args.out {
            store::copy(&args.results, out, &student.id)?;
        }
        if !args.dry_run {
            store::write_record_soon(args.out.as_ref().unwrap_or(&args.results), &new)?;
        }
    }
    terminal::print(&format!("{changed} of {total} have other points\n"))?;
    if args.dry_run {
        return Ok(());
    }
    let out = args.out.as_ref().unwrap_or(&args.results);
    store::settle(out)?;
    copies::flag(out, header.lab, course.copies)?;
    let header = Header { points: course.points, course: course.text.clone(), ..header.clone() };
    store::write_header(out, &header)
}

fn differs(old: &Score, new: &Score) -> bool {
    (old.points, old.of, old.held, old.excused) != (new.points, new.of, new.held, new.excused)
}

/// `ada: 87.5 -> 78.75 of 100`, then the reasons that are new, and those that are no more.
fn change(page: &mut Page, old: &Record, new: &Record) {
    let (before, after) = (&old.score, &new.score);
    let of = if before.of == after.of { String::new() } else { format!(" of {}", plain(before.of)) };
    let held = |score: &Score| if score.held { " (held back)" } else { "" };
    page.line(&format!(
        "{}: {}{of}{} -> {} of {}{}",
        visible(&new.student.id),
        plain(before.points),
        held(before),
        plain(after.points),
        plain(after.of),
        held(after)
    ));
    for reason in after.because.iter().filter(|reason| !before.because.contains(reason)) {
        page.prose("    now: ", "         ", &visible(reason));
    }
    for reason in before.because.iter().filter(|reason| !after.because.contains(reason)) {
        page.prose("    was: ", "         ", &visible(reason));
    }
}
