//! `cargo xtask package gradescope LAB --out autograder.zip`: what an instructor uploads to a platform that judges.
//!
//! ```text
//! setup.sh            makes the image: Rust, the kit built once, the untouched starter judged
//! run_autograder      judges one submission, in the best sandbox that the platform's container allows
//! wirelab/            the kit as source: harness, xtask, the lab's starter; no solution and no mutant
//!   lab  course.toml  which lab, and the course's rules where there are any
//! ```

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::ValueEnum;
use harness::check::Lab;
use harness::report::exit;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::handout::{self, leaks};
use super::starters::{Starter, generate, regions};
use crate::folder;
use crate::grade::course;
use crate::{nearest, workspace};

/// Write what an instructor uploads to a platform that judges
#[derive(clap::Args)]
pub struct Args {
    #[arg(value_enum)]
    platform: Platform,
    /// The lab: `lab1`, `lab2`, `lab3`, `lab4`
    #[arg(value_parser = nearest::lab)]
    lab: Lab,
    /// The course's rules; exceptions for single students are the platform's to make
    #[arg(long, value_name = "TOML")]
    course: Option<PathBuf>,
    #[arg(long, value_name = "ZIP", default_value = "autograder.zip")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Platform {
    Gradescope,
}

/// What of the repository the judge is built of.
const KIT: &[&str] = &[
    ".cargo",
    "CONTRACTS.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "harness/Cargo.toml",
    "harness/schema",
    "harness/src",
    "xtask/Cargo.toml",
    "xtask/handout",
    "xtask/package",
    "xtask/src",
];

const SCRIPTS: [(&str, &str); 2] = [
    ("setup.sh", include_str!("../../package/setup.sh")),
    ("run_autograder", include_str!("../../package/run_autograder")),
];

pub fn run(args: Args) -> Result<ExitCode> {
    let Platform::Gradescope = args.platform;
    let dir = tempfile::tempdir().context("cannot make a directory")?;
    let kit = dir.path().join("wirelab");
    write(&kit, args.lab)?;
    leaks::refuse(&kit)?;
    if let Some(path) = &args.course {
        course::load(path, args.lab, &[])?;
        fs::copy(path, kit.join("course.toml")).with_context(|| format!("cannot copy {}", path.display()))?;
    }
    for (name, text) in SCRIPTS {
        fs::write(dir.path().join(name), text)?;
    }
    pack(dir.path(), &args.out).with_context(|| format!("cannot write {}", args.out.display()))?;
    let size = fs::metadata(&args.out)?.len().div_ceil(1024);
    println!("{}: {size} KiB; upload it as the autograder of {}", args.out.display(), args.lab);
    Ok(ExitCode::from(exit::PASSED))
}

/// The kit without solutions, in which the lab is the untouched starter.
fn write(kit: &Path, lab: Lab) -> Result<()> {
    let root = workspace::root();
    for path in handout::files_of(&root, KIT)? {
        let octets = fs::read(root.join(&path)).with_context(|| format!("cannot read {}", path.display()))?;
        folder::write(kit, &path, &octets)?;
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let without = regions::strip(&manifest, 0).context("Cargo.toml")?.context("Cargo.toml is left out")?;
    fs::write(kit.join("Cargo.toml"), without.text)?;
    let starter = Starter::untouched(lab)?;
    folder::mirror(starter.path(), &kit.join("labs").join(lab.folder()))?;
    fs::write(kit.join("lab"), format!("{lab} {}\n", lab.folder()))?;
    generate::lock(&root, kit)
}

/// The same octets for the same files: names in order, and no times.
fn pack(dir: &Path, out: &Path) -> Result<()> {
    let mut files = folder::files(dir)?;
    files.sort();
    let mut zip = ZipWriter::new(File::create(out)?);
    for file in files {
        let name = file.to_str().context("a name that is not UTF-8")?;
        let script = SCRIPTS.iter().any(|(script, _)| *script == name);
        let mode =
            if script || name.ends_with(".sh") || name.ends_with("run_autograder") { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(mode);
        zip.start_file(name, options)?;
        zip.write_all(&fs::read(dir.join(&file))?)?;
    }
    zip.finish()?;
    Ok(())
}
