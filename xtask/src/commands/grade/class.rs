//! `cargo xtask grade DIR --lab LAB --roster CSV --out DIR`.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use harness::check::Lab;
use harness::report::exit;
use harness::report::human::{cut, visible};
use harness::subject;

use super::replay;
use crate::grade::assign::{Assigned, assign};
use crate::grade::copies;
use crate::grade::course::{self, Course};
use crate::grade::intake::entries;
use crate::grade::record::{Record, Status, Tier};
use crate::grade::roster;
use crate::grade::run::{self, News, Plan};
use crate::grade::sandbox::Sandbox;
use crate::grade::secret::Secret;
use crate::grade::shard::Asked;
use crate::grade::store::{self, Header};
use crate::{nearest, terminal};

/// The columns of a line; the last stays free, since some terminals wrap there.
const WIDTH: usize = 79;

pub const TIERS: [(&str, Tier); 3] = [("full", Tier::Full), ("reduced", Tier::Reduced), ("none", Tier::None)];

#[derive(clap::Args)]
#[group(id = "class")]
pub struct Args {
    /// The folder of submissions: a folder, .zip, .tar, .tar.gz or checkout each
    #[arg(value_name = "DIR")]
    submissions: PathBuf,
    /// The lab: `lab1`, `lab2`, `lab3`, `lab4`
    #[arg(long, value_parser = nearest::lab)]
    lab: Lab,
    /// The class list, as Canvas, Moodle or Gradescope exports it, or `id,name,email`
    #[arg(long, value_name = "CSV")]
    roster: PathBuf,
    /// Where the results are, and are added to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The course's rules
    #[arg(long, value_name = "TOML")]
    course: Option<PathBuf>,
    /// How far programs are confined: the best there is, unless named
    #[arg(long, value_parser = PossibleValuesParser::new(TIERS.map(|(name, _)| name)).map(tier))]
    sandbox: Option<Tier>,
    /// Submissions under way at once; one a processor, unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Only a part of the class: hash:K/N, or auto for what a cluster's or CI's variables say
    #[arg(long, value_name = "SHARD")]
    shard: Option<Asked>,
    /// The class's secret, made at first use; next to the results, unless given
    #[arg(long, value_name = "FILE")]
    seed_file: Option<PathBuf>,
    /// Only these students
    #[arg(long, value_name = "ID", num_args = 1..)]
    only: Vec<String>,
    /// Judge again what has a result
    #[arg(long)]
    again: bool,
    /// Show what this student's program came to, on exactly what it saw; nothing is written
    #[arg(long, value_name = "ID", conflicts_with_all = ["only", "again", "shard", "jobs"])]
    replay: Option<String>,
    /// With --replay: every failure in full, not the first alone
    #[arg(long, requires = "replay")]
    all: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let class = Class::read(&args)?;
    let plan = class.plan(&args)?;
    end_when_interrupted()?;
    if let Some(id) = &args.replay {
        return replay::run(&plan, &class.students, id, args.all);
    }
    store::write_header(&plan.out, &class.header)?;
    let tally = std::sync::Mutex::new(Vec::new());
    let done = |count: usize, total: usize, record: &Record, news: News, took: Duration| {
        let _ = terminal::print(&line(count, total, record, news, took));
        tally
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push((record.status, record.score.held));
    };
    let ran = run::run(&plan, &class.students, &done);
    after_interrupt();
    let copies = || copies::flag(&plan.out, plan.lab, plan.course.copies);
    if let Err(error) = ran.and_then(|()| copies()) {
        eprintln!("error: {error:#}");
        return Ok(ExitCode::from(exit::HARNESS));
    }
    let tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let known: BTreeSet<&str> = class.header.students.iter().map(|student| student.id.as_str()).collect();
    for id in store::ids(&plan.out)?.iter().filter(|id| !known.contains(id.as_str())) {
        terminal::print(&format!("the result of {id} stays, who is not on the roster\n"))?;
    }
    let sound = summary(&class.header, &tally, &plan.out)?;
    Ok(ExitCode::from(if sound { exit::PASSED } else { exit::FAILED }))
}

/// What was read of the command line's files.
struct Class {
    header: Header,
    course: Course,
    /// Those of this shard.
    students: Vec<Assigned>,
}

impl Class {
    fn read(args: &Args) -> Result<Self> {
        let roster = roster::load(&args.roster)?;
        for note in &roster.notes {
            terminal::print(&format!("roster: {}\n", visible(note)))?;
        }
        let ids: Vec<&str> = roster.students.iter().map(|student| student.id.as_str()).collect();
        let course = match &args.course {
            Some(path) => course::load(path, args.lab, &ids)?,
            None => Course::default(),
        };
        for id in args.only.iter().chain(&args.replay) {
            ensure!(ids.contains(&id.as_str()), "there is no student {id:?} on the roster");
        }
        let shard = args.shard.map(|asked| asked.shard(|name| env::var(name).ok()));
        let shard = shard.transpose().map_err(|words| anyhow!("--shard: {words}"))?;
        let (mut students, strangers) = assign(entries::scan(&args.submissions)?, &roster, &course);
        let header = Header {
            schema: store::SCHEMA.to_owned(),
            lab: args.lab,
            students: roster.students.clone(),
            points: course.points,
            course: course.text.clone(),
            strangers,
        };
        students.retain(|assigned| {
            let id = &assigned.student.id;
            shard.is_none_or(|shard| shard.takes(id)) && (args.only.is_empty() || args.only.contains(id))
        });
        Ok(Class { header, course, students })
    }

    fn plan(&self, args: &Args) -> Result<Plan> {
        let seed_file = args.seed_file.clone().unwrap_or_else(|| beside(&args.out));
        let (out, seed) = (absolute(&args.out)?, absolute(&seed_file)?);
        ensure!(!seed.starts_with(&out), "the class's secret must not lie among the results");
        let sandbox = Sandbox::choose(args.sandbox).map_err(|words| anyhow!("{words}"))?;
        let (secret, made) = Secret::open(&seed_file)?;
        if made {
            terminal::print(&format!("made {}: keep it, and keep it secret\n", seed_file.display()))?;
        }
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Ok(Plan {
            lab: args.lab,
            course: self.course.clone(),
            sandbox,
            secret,
            out: args.out.clone(),
            jobs: args.jobs.map_or(processors, usize::from),
            again: args.again,
        })
    }
}

/// `results.seed` for `results/`.
fn beside(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or("results".as_ref()).to_owned();
    name.push(".seed");
    out.with_file_name(name)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    // What is not there yet has no canonical name.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let there = path
        .canonicalize()
        .or_else(|_| Ok::<_, io::Error>(parent.canonicalize()?.join(path.file_name().unwrap_or_default())));
    there.with_context(|| format!("there is no folder for {}", path.display()))
}

/// ` 3/40  ada  87.5 of 100  12.3 s`.
fn line(count: usize, total: usize, record: &Record, news: News, took: Duration) -> String {
    let digits = total.to_string().len();
    let said = match record.status {
        Status::Graded => {
            let score = &record.score;
            format!("{} of {}{}", score.points, score.of, if score.held { ", held back" } else { "" })
        }
        status => {
            let words = record.words.lines().next().unwrap_or_default();
            if words.is_empty() { status.to_string() } else { format!("{status}: {}", visible(words)) }
        }
    };
    let time = match news {
        News::Kept => "kept".to_owned(),
        News::Fresh => format!("{:.1} s", took.as_secs_f64()),
    };
    let line = format!(" {count:>digits$}/{total}  {:<16} {time:>7}  {said}", record.student.id);
    format!("{}\n", cut(&line, WIDTH, '~'))
}

/// Whether nobody has to look.
fn summary(header: &Header, tally: &[(Status, bool)], out: &Path) -> Result<bool> {
    let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
    for (status, _) in tally {
        *counts.entry(*status).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let held = tally.iter().filter(|(_, held)| *held).count();
    let strangers = header.strangers.len();
    terminal::show(|page| {
        page.gap();
        for stranger in &header.strangers {
            page.prose("", "  ", &format!("not graded: {}", visible(stranger)));
        }
        if held > 0 {
            page.prose(
                "",
                "  ",
                &format!("{held} held back: not to be published before somebody has looked"),
            );
        }
        let words = format!("{}: {}; results in {}", header.lab, counts.join(", "), out.display());
        page.prose("", "  ", &words);
    })?;
    Ok(held == 0 && strangers == 0)
}

/// Ctrl-C ends every program, lets the result that is being written be written, and removes what the run made.
pub fn end_when_interrupted() -> Result<()> {
    ctrlc::set_handler(|| {
        subject::abort_all();
        store::finish_writing();
        let words = "\ninterrupted: nothing is left running; the same command goes on from here";
        // Whoever read it may have been ended, too.
        let _ = writeln!(io::stderr(), "{words}");
        process::exit(130);
    })
    .context("cannot listen for Ctrl-C")
}

pub fn after_interrupt() {
    while subject::aborted() {
        thread::park();
    }
}

// Clap has let none but these names pass.
pub fn tier(name: String) -> Tier {
    TIERS.into_iter().find(|(known, _)| *known == name).map_or(Tier::Full, |(_, tier)| tier)
}
