//! `book/generated`: what runs of programs have given, committed, so that a book is set without running anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{failures, figures, pages};
use crate::folder;
use crate::workspace;

/// How to make it anew.
const COMMAND: &str = "cargo xtask book --generate";

/// Texts by file, below `book/generated`.
pub type Generated = BTreeMap<PathBuf, String>;

/// The text of a file there.
pub fn read(file: &Path) -> Result<String> {
    let path = place().join(file);
    fs::read_to_string(&path)
        .with_context(|| format!("there is no {}; `{COMMAND}` makes it", workspace::shown(&path)))
}

/// Makes everything anew, or only the files whose name has `only` in it, and writes it.
pub fn write(only: Option<&str>) -> Result<()> {
    let made = make(only)?;
    let gone = |file: &&PathBuf| only.is_none() && !made.contains_key(*file);
    for stale in committed()?.keys().filter(gone) {
        fs::remove_file(place().join(stale)).with_context(|| format!("cannot remove {}", stale.display()))?;
    }
    for (file, text) in &made {
        folder::write(&place(), file, text.as_bytes())?;
    }
    println!("{}: {} files written", workspace::shown(&place()), made.len());
    Ok(())
}

/// Makes everything anew and says what is not as it was; whether all is.
pub fn check() -> Result<bool> {
    let (made, committed) = (make(None)?, committed()?);
    let mut same = true;
    for file in made.keys().chain(committed.keys().filter(|file| !made.contains_key(*file))) {
        let (now, then) = (made.get(file), committed.get(file));
        if now == then {
            continue;
        }
        same = false;
        println!(
            "{} is not what a run gives; `{COMMAND}` writes it anew",
            workspace::shown(&place().join(file))
        );
        let (now, then) = (now.map_or("", String::as_str), then.map_or("", String::as_str));
        print!("{}", similar::TextDiff::from_lines(then, now).unified_diff().context_radius(1));
    }
    if same {
        println!("{}: all {} files are what runs give", workspace::shown(&place()), made.len());
    }
    Ok(same)
}

fn make(only: Option<&str>) -> Result<Generated> {
    let directives = pages::directives()?;
    let asked = |file: PathBuf| only.is_none_or(|only| file.display().to_string().contains(only));
    let figures = directives.iter().filter_map(|directive| directive.figure().transpose());
    let mut figures = figures.collect::<Result<Vec<_>>>()?;
    figures.retain(|figure| asked(figure.file()));
    let failures = directives.iter().filter_map(|directive| directive.failure().transpose());
    let mut failures = failures.collect::<Result<Vec<_>>>()?;
    failures.retain(|failure| asked(failure.file()));
    let mut made = figures::run(&figures)?;
    made.extend(failures::run(&failures)?);
    Ok(made)
}

pub fn place() -> PathBuf {
    workspace::root().join("book/generated")
}

fn committed() -> Result<Generated> {
    if !place().exists() {
        return Ok(Generated::new());
    }
    let read = |file: PathBuf| Ok((file.clone(), read(&file)?));
    folder::files(&place())?.into_iter().map(read).collect()
}
