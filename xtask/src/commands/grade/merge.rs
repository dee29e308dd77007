//! `cargo xtask grade merge RESULTS… --roster CSV --out DIR`: one class of its shards, if nobody is missing or double.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use harness::report::exit;

use crate::grade::course::Course;
use crate::grade::publish::rules;
use crate::grade::store::{self, Header};
use crate::grade::{copies, roster};
use crate::terminal;

const EXIT_STATUS: &str = "\
Exit status:
    0  everyone on the roster is in exactly one of the results, and nobody else
    1  somebody is missing, double, or on no roster: nothing is written
    2  the command line or the roster makes no sense, or the results are of different classes
    4  results could not be written";

/// Put the results of a class's shards together
#[derive(clap::Args)]
#[command(after_help = EXIT_STATUS)]
#[group(id = "merge")]
pub struct Args {
    /// Folders of results
    #[arg(value_name = "RESULTS", required = true)]
    results: Vec<PathBuf>,
    /// The class list that the proof is against
    #[arg(long, value_name = "CSV")]
    roster: PathBuf,
    /// A folder for the whole class, not there yet or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let header = header(&args)?;
    let mut places: BTreeMap<String, Vec<&PathBuf>> = BTreeMap::new();
    for dir in &args.results {
        for id in store::ids(dir)? {
            places.entry(id).or_default().push(dir);
        }
    }
    let faults = faults(&header, &places);
    if !faults.is_empty() {
        terminal::print(&faults.iter().map(|fault| format!("{fault}\n")).collect::<String>())?;
        terminal::print(&format!(
            "nothing is written: {} of the roster's {} are not there exactly once\n",
            faults.len(),
            header.students.len()
        ))?;
        return Ok(ExitCode::from(exit::FAILED));
    }
    let empty = store::ids(&args.out)?.is_empty();
    ensure!(empty, "{} holds results already", args.out.display());
    let course = rules(&header)?;
    let done = write(&args, &header, &places, &course);
    if let Err(error) = done {
        eprintln!("error: {error:#}");
        return Ok(ExitCode::from(exit::HARNESS));
    }
    let (students, shards) = (header.students.len(), args.results.len());
    terminal::print(&format!(
        "{students} of {students} students, each in exactly one of {shards} results: {}\n",
        args.out.display()
    ))?;
    Ok(ExitCode::from(exit::PASSED))
}

/// The one that all results and the roster have.
fn header(args: &Args) -> Result<Header> {
    let mut headers = args.results.iter().map(|dir| store::header(dir).map(|header| (dir, header)));
    let (first, header) = headers.next().context("no results to merge")??;
    for other in headers {
        let (dir, other) = other?;
        if other != header {
            let what = difference(&header, &other);
            bail!("{} and {} are of different classes: {what}", first.display(), dir.display());
        }
    }
    let roster = roster::load(&args.roster)?;
    ensure!(
        roster.students == header.students,
        "{} is not the roster that {} was graded with",
        args.roster.display(),
        first.display()
    );
    Ok(header)
}

fn difference(one: &Header, other: &Header) -> &'static str {
    match () {
        () if one.lab != other.lab => "another lab",
        () if one.students != other.students => "another roster",
        () if one.course != other.course => "other rules",
        () => "other submissions that are nobody's",
    }
}

/// Who is not there exactly once.
fn faults(header: &Header, places: &BTreeMap<String, Vec<&PathBuf>>) -> Vec<String> {
    let mut faults = Vec::new();
    for student in &header.students {
        match places.get(&student.id).map(Vec::as_slice) {
            None => faults.push(format!("{}: missing", student.id)),
            Some([_]) => {}
            Some(several) => {
                let dirs: Vec<String> = several.iter().map(|dir| dir.display().to_string()).collect();
                faults.push(format!("{}: in {}", student.id, dirs.join(" and in ")));
            }
        }
    }
    let known: BTreeSet<&String> = header.students.iter().map(|student| &student.id).collect();
    faults.extend(places.keys().filter(|id| !known.contains(id)).map(|id| format!("{id}: on no roster")));
    faults
}

fn write(
    args: &Args,
    header: &Header,
    places: &BTreeMap<String, Vec<&PathBuf>>,
    course: &Course,
) -> Result<()> {
    for (id, dirs) in places {
        store::copy(dirs[0], &args.out, id)?;
    }
    store::settle(&args.out)?;
    // Copies across shards are seen only now.
    copies::flag(&args.out, header.lab, course.copies)?;
    // Last: a folder without it is no class.
    store::write_header(&args.out, header)
}
