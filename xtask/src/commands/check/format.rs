//! `--format` and `--out`: in which form a report leaves, where it goes, and what the form wants to know besides.

use std::collections::hash_map::RandomState;
use std::env;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use harness::report::classroom50::Submission;
use harness::report::human::{self, Look};
use harness::report::{Report, autolab, check50, classroom50, github, gradescope, json, junit, tap};

use super::Args;
use crate::{chapter, terminal};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading
    Human,
    /// For programs; harness/schema/report-1.schema.json describes it
    Json,
    /// JUnit XML, for GitLab, Jenkins and others
    Junit,
    /// The log of a GitHub Actions step, and its summary to $GITHUB_STEP_SUMMARY
    Github,
    /// Gradescope's results.json
    Gradescope,
    /// Classroom 50's result.json, for its runner's $CLASSROOM, $ASSIGNMENT, …
    Classroom50,
    /// Feedback, and Autolab's scores in the last line
    Autolab,
    /// The JSON of check50
    Check50,
    /// The Test Anything Protocol, version 14
    Tap,
}

/// From a report to its text; only what is for reading has a look.
type Renderer = Box<dyn Fn(&Report, &Look) -> String + Sync>;

/// Where a report goes and in which form.
pub struct Output {
    format: Format,
    render: Renderer,
    /// Every failure in full.
    all: bool,
    out: Option<PathBuf>,
}

impl Output {
    /// Before the run, so that nobody waits for a report that cannot be written.
    pub fn new(args: &Args) -> Result<Self> {
        let Args { format, all, ref out, repeat, .. } = *args;
        let repeatable = out.is_none() && matches!(format, Format::Human | Format::Json);
        ensure!(
            repeat == 1 || repeatable,
            "--repeat goes with the formats human and json, and without --out"
        );
        Ok(Output { format, render: renderer(format)?, all, out: out.clone() })
    }

    pub fn write(&self, report: &Report) -> Result<()> {
        if self.format == Format::Github {
            return self.write_github(report);
        }
        let Some(path) = &self.out else {
            return Ok(terminal::print(&(self.render)(report, &terminal::look(self.all)))?);
        };
        let plain = Look { all: self.all, ..Look::default() };
        fs::write(path, (self.render)(report, &plain)).with_context(|| cannot_write(path))?;
        // No more: a log that is read for commands must not have the program's words.
        Ok(terminal::print(&human::last_line(report, &terminal::look(false)))?)
    }

    /// Says why there is no report.
    pub fn refuse(&self, words: &str) -> Result<()> {
        if self.format == Format::Github {
            terminal::print(&github::refused(words, &token()))?;
        } else {
            eprintln!("{words}");
        }
        Ok(())
    }

    /// A step has one file for the summaries of all its commands, so that one is appended to.
    fn write_github(&self, report: &Report) -> Result<()> {
        let summary = (self.render)(report, &Look::default());
        let of_step = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from);
        if let Some(path) = &self.out {
            fs::write(path, summary).with_context(|| cannot_write(path))?;
        } else if let Some(path) = of_step {
            let file = File::options().append(true).create(true).open(&path);
            file.and_then(|mut file| file.write_all(summary.as_bytes()))
                .with_context(|| cannot_write(&path))?;
        }
        Ok(terminal::print(&github::log(report, &token()))?)
    }
}

/// A word that nobody guesses: a hasher's keys come from the system's randomness.
fn token() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// With the facts in it that the form wants and no report has.
fn renderer(format: Format) -> Result<Renderer> {
    let started = SystemTime::now();
    Ok(match format {
        Format::Human => Box::new(|report, look| human::render(&chapter::with_pages(report), look)),
        Format::Json => Box::new(|report, _| json::render(report)),
        Format::Junit => {
            let started = utc(started);
            Box::new(move |report, _| junit::render(report, started.trim_end_matches('Z')))
        }
        Format::Github => Box::new(|report, _| github::summary(report)),
        Format::Gradescope => Box::new(|report, _| gradescope::render(report)),
        Format::Classroom50 => {
            let submission = submission(started)?;
            Box::new(move |report, _| classroom50::render(report, &submission))
        }
        Format::Autolab => Box::new(|report, _| autolab::render(report)),
        Format::Check50 => Box::new(|report, _| check50::render(report)),
        Format::Tap => Box::new(|report, _| tap::render(report)),
    })
}

/// From the variables that the runner of Classroom 50 sets.
fn submission(now: SystemTime) -> Result<Submission> {
    let variable = |name: &str| {
        env::var(name).ok().filter(|value| !value.is_empty()).with_context(|| {
            format!(
                "${name} is not set: --format classroom50 is for the runner of Classroom 50, which sets it"
            )
        })
    };
    let commit = variable("COMMIT_URL")?;
    Ok(Submission {
        classroom: variable("CLASSROOM")?,
        assignment: variable("ASSIGNMENT")?,
        tag: variable("SUBMISSION_TAG")?,
        release: variable("RELEASE_URL")?,
        review: variable("REVIEW_URL").unwrap_or_else(|_| commit.clone()),
        commit,
        datetime: utc(now),
    })
}

fn utc(moment: SystemTime) -> String {
    humantime::format_rfc3339_seconds(moment).to_string()
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}
