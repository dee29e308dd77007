//! `cargo xtask book`: the book, from the chapters in `book/src` and from what they are about.
//!
//! ```text
//! book/src ──▶ pages (this edition's passages, listings, tables, links) ──▶ target/wirelab/book/EDITION
//!                                                                  mdBook ──▶ target/book/EDITION
//! ```

mod edition;
mod failures;
mod figures;
mod generated;
mod inspect;
mod links;
mod listing;
mod markdown;
mod pages;
mod redact;
mod reference;
mod runs;
#[cfg(test)]
mod shown;
mod tool;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, ensure};
use harness::report::exit;

use super::check::clean_up_when_interrupted;
use crate::{chapter, folder, workspace};
use edition::Edition;
use tool::Tool;

/// In a directory that holds a book, which may be written anew.
const MARK: &str = ".wirelab-book";

/// Build the book; the tool that sets it is built first, once
#[derive(clap::Args)]
pub struct Args {
    /// The edition
    #[arg(long, value_enum, default_value_t = Edition::Whole)]
    edition: Edition,
    /// Write the pages here; otherwise into target/book/EDITION
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Serve it on this machine, and set it again when a chapter changes
    #[arg(long)]
    serve: bool,
    /// Set nothing; make anew what runs of programs give, and fail where the book has something else
    #[arg(long, conflicts_with_all = ["serve", "out", "edition"])]
    check: bool,
    /// Set nothing; make anew what runs of programs give, and write it into book/generated
    #[arg(long, conflicts_with_all = ["serve", "out", "edition", "check"])]
    generate: bool,
    /// With --generate: only the files whose name has this in it
    #[arg(long, value_name = "TEXT", requires = "generate")]
    only: Option<String>,
    /// The port to serve at
    #[arg(long, value_name = "N", default_value_t = 3000, requires = "serve")]
    port: u16,
}

pub fn run(args: Args) -> Result<ExitCode> {
    if args.generate {
        clean_up_when_interrupted()?;
        generated::write(args.only.as_deref())?;
        return Ok(ExitCode::from(exit::PASSED));
    }
    if args.check {
        clean_up_when_interrupted()?;
        let sound = [are_narrow()?, generated::check()?];
        return Ok(ExitCode::from(if sound == [true; 2] { exit::PASSED } else { exit::FAILED }));
    }
    if args.serve {
        tool::can_serve(args.port)?;
    }
    let edition = args.edition;
    let out = args.out.unwrap_or_else(|| workspace::root().join("target/book").join(edition.name()));
    is_free(&out)?;
    let tool = Tool::ready()?;
    let Set { source, pages } = set(edition, &tool)?;
    folder::mirror(&pages, &out)?;
    println!("{}: {}", edition.title(), workspace::shown(&out.join("index.html")));
    if args.serve {
        let watched = source.clone();
        thread::spawn(move || set_on_change(edition, &watched));
        tool.serve(&source, &pages, args.port)?;
    }
    Ok(ExitCode::from(exit::PASSED))
}

/// An edition that was set.
struct Set {
    source: PathBuf,
    pages: PathBuf,
}

/// Sets an edition beside the one that readers have, and looks where its links lead.
fn set(edition: Edition, tool: &Tool) -> Result<Set> {
    let (source, pages) = (place(edition).join("source"), place(edition).join("pages"));
    pages::write(edition, &source)?;
    tool.build(&source, &pages)?;
    fs::write(pages.join(MARK), "").with_context(|| format!("cannot write into {}", pages.display()))?;
    let dead = inspect::dead_links(&pages)?;
    ensure!(dead.is_empty(), "{} has links that lead nowhere:\n  {}", edition.title(), dead.join("\n  "));
    Ok(Set { source, pages })
}

/// Writes the students' edition into a repository of theirs: its Markdown, and its pages where they are wanted.
pub fn hand_out(into: &Path, with_pages: bool) -> Result<()> {
    pages::write_source(Edition::Students, &into.join("book/src"))?;
    if with_pages {
        folder::mirror(&set(Edition::Students, &Tool::ready()?)?.pages, &into.join(chapter::HANDED_OUT))?;
    }
    Ok(())
}

/// Writes the pages again whenever the book changes; mdBook, which serves them, sees that.
fn set_on_change(edition: Edition, source: &Path) {
    let again = || {
        if let Err(error) = pages::write(edition, source) {
            eprintln!("error: {error:#}");
        }
    };
    if let Err(error) = watch::changes(&workspace::root().join("book"), again) {
        eprintln!("changes are not seen: {error:#}");
    }
}

/// Where an edition is made.
fn place(edition: Edition) -> PathBuf {
    workspace::state().join("book").join(edition.name())
}

/// Sets both editions; whether no page is wider than a telephone.
fn are_narrow() -> Result<bool> {
    let tool = Tool::ready()?;
    let mut narrow = true;
    for edition in [Edition::Whole, Edition::Students] {
        let found = inspect::wide_pages(&set(edition, &tool)?.pages)?;
        let title = edition.title();
        match found {
            Some(wide) if wide.is_empty() => {
                println!("{title}: every link leads somewhere, no page scrolls sideways")
            }
            Some(wide) => {
                narrow = false;
                println!("{title} has pages that scroll sideways:\n  {}", wide.join("\n  "));
            }
            None => println!(
                "{title}: every link leads somewhere; widths not measured: chromium is not installed"
            ),
        }
    }
    Ok(narrow)
}

/// Refuses a directory with something in it that is no book.
fn is_free(dir: &Path) -> Result<()> {
    let shown = workspace::shown(dir);
    if !dir.exists() || dir.join(MARK).is_file() {
        return Ok(());
    }
    let is_empty = fs::read_dir(dir).with_context(|| format!("cannot read {shown}"))?.next().is_none();
    ensure!(is_empty, "{shown} holds something that is no book, and stays as it is");
    Ok(())
}
