//! `cargo xtask handout --out DIR`: the students' repository, without the solutions and what needs them.
//!
//! It is made from this one as a starter is made from its solution: regions that are marked as the solution's are left
//! out (`starters/regions.rs`), and so are the files of [`LEFT_OUT`]. The labs are untouched starters, whatever stands in `labs/`
//! here. Before anything is written where it was asked for, every text in it is searched for what students are to
//! write (`handout/leaks.rs`).

pub mod leaks;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use harness::check::Lab;
use harness::report::exit;

use super::book;
use super::starters::{Starter, generate, regions};
use crate::{folder, workspace};

/// Write the students' repository: the labs and all they need, and no solution
#[derive(clap::Args)]
pub struct Args {
    /// The directory to write, which is empty or not there yet
    #[arg(long, value_name = "DIR", required_unless_present = "trial")]
    out: Option<PathBuf>,
    /// Leave out the book's pages; its Markdown is there all the same
    #[arg(long)]
    no_pages: bool,
    /// Try it, as a student will: build it, run its tests, check an untouched lab
    #[arg(long)]
    trial: bool,
}

/// What of the repository goes into the handout; the rest is for those who carry the kit on.
const KEPT: &[&str] = &[
    ".cargo",
    ".gitignore",
    ".vscode/settings.json",
    "CONTRACTS.md",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "harness",
    "rustfmt.toml",
    "xtask/Cargo.toml",
    "xtask/src",
    "xtask/tests",
];

/// What makes the labs and the book, and what grades a class.
const LEFT_OUT: &[&str] = &[
    "xtask/src/commands/attacks",
    "xtask/src/commands/attacks.rs",
    "xtask/src/commands/book",
    "xtask/src/commands/book.rs",
    "xtask/src/commands/ci.rs",
    "xtask/src/commands/grade",
    "xtask/src/commands/grade.rs",
    "xtask/src/commands/handout",
    "xtask/src/commands/handout.rs",
    "xtask/src/commands/mutants",
    "xtask/src/commands/mutants.rs",
    "xtask/src/commands/package",
    "xtask/src/commands/package.rs",
    "xtask/src/commands/starters",
    "xtask/src/commands/starters.rs",
    "xtask/src/commands/synthetic.rs",
    "xtask/src/commands/throughput.rs",
    "xtask/src/grade",
    "xtask/src/grade.rs",
    "xtask/tests/attacks.rs",
    "xtask/tests/book.rs",
    "xtask/tests/grade.rs",
    "xtask/tests/handout.rs",
    "xtask/tests/mutants.rs",
    "xtask/tests/package.rs",
    "xtask/tests/pages.rs",
    "xtask/tests/peers.rs",
    "xtask/tests/scale.rs",
    "xtask/tests/snapshots",
    "xtask/tests/snapshots.rs",
    "xtask/tests/starters.rs",
];

/// Written for the handout.
const OWN: &[(&str, &str)] = &[
    ("README.md", include_str!("../../handout/README.md")),
    (".github/workflows/labs.yml", include_str!("../../handout/labs.yml")),
];

pub fn run(args: Args) -> Result<ExitCode> {
    let place = args.out.as_deref().map(place).transpose()?.unwrap_or_else(workspace::state);
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    // Written beside its place and then moved there, so that it is there whole or not at all.
    let made = tempfile::Builder::new()
        .prefix(".handout-")
        .tempdir_in(&place)
        .with_context(|| format!("cannot write into {}", place.display()))?;
    write(made.path(), !args.no_pages)?;
    leaks::refuse(made.path())?;
    if args.trial {
        trial::run(made.path())?;
        println!("the handout builds, its tests pass, and its check says where to begin");
    }
    let Some(out) = &args.out else { return Ok(ExitCode::from(exit::PASSED)) };
    publish(made.path(), out)?;
    // Its directory is no longer there to be removed.
    let _ = made.keep();
    println!("{}: the students' repository, {} labs and no solution", workspace::shown(out), Lab::ALL.len());
    println!("  make it a repository of its own (`git init`), or zip it");
    Ok(ExitCode::from(exit::PASSED))
}

/// The folder in which `out` is to be.
fn place(out: &Path) -> Result<PathBuf> {
    let there = fs::read_dir(out).map(|mut entries| entries.next().is_some());
    ensure!(!there.unwrap_or(false), "{} is not empty; give a new directory", out.display());
    ensure!(!out.is_file(), "{} is a file; give a new directory", out.display());
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(parent.to_path_buf())
}

/// Temporary directories are their owner's alone; a handout is to be read.
fn publish(made: &Path, out: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(made, fs::Permissions::from_mode(0o755))
        .and_then(|()| fs::rename(made, out))
        .with_context(|| format!("cannot write {}", out.display()))
}

fn write(into: &Path, with_pages: bool) -> Result<()> {
    let root = workspace::root();
    let mut kept = files_of(&root, KEPT)?;
    kept.retain(|path| !LEFT_OUT.iter().any(|left| path.starts_with(left)));
    for path in kept {
        let from = root.join(&path);
        let bytes = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        let marked = path.extension().is_some_and(|extension| extension == "rs" || extension == "toml");
        if !marked {
            folder::write(into, &path, &bytes)?;
            continue;
        }
        let text = String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", from.display()))?;
        if let Some(kept) = regions::strip(&text, 0).with_context(|| from.display().to_string())? {
            folder::write(into, &path, kept.text.as_bytes())?;
        }
    }
    for (path, text) in OWN {
        folder::write(into, Path::new(path), text.as_bytes())?;
    }
    for lab in Lab::ALL {
        let starter = Starter::untouched(*lab)?;
        for place in ["labs", "fixtures/starters"] {
            folder::mirror(starter.path(), &into.join(place).join(lab.folder()))?;
        }
    }
    book::hand_out(into, with_pages)?;
    generate::lock(&root, into)?;
    generate::cargo(into, &["fmt"])
}

/// Every file that these files and folders of the repository are, relative to it.
pub fn files_of(root: &Path, parts: &[&str]) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for part in parts.iter().map(Path::new) {
        match root.join(part).is_dir() {
            true => paths.extend(folder::files(&root.join(part))?.into_iter().map(|path| part.join(path))),
            false => paths.push(part.to_path_buf()),
        }
    }
    Ok(paths)
}
