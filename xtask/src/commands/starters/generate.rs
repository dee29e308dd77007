//! From a solution to its starter: the files, what stands in them, and the package around them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::ownership;
use super::regions::{self, Step};
use crate::folder::{self, DIGESTS, write};
use crate::workspace;

/// Written for maintainers, or written anew for the starter.
const LEFT_OUT: &[&str] = &["README.md", "STARTER.md", "Cargo.lock", "benches", "rustfmt.toml"];

/// What makes the lab a package on its own, wherever its folder is copied.
const OWN_WORKSPACE: &str = r#"
# The loop from saving a file to the verdict is what one feels: a light debug build.
[profile.dev]
debug = "line-tables-only"

[profile.dev.package."*"]
debug = false

[workspace]
"#;

const CARGO_CONFIG: &str = r#"# `cargo xtask` works from this folder too.
[alias]
xtask = "run --quiet --manifest-path ../../Cargo.toml --package xtask --"
"#;

/// Writes the starter of `solution` into the empty directory `out`, with the steps up to `through` written already;
/// gives all steps in their order.
///
/// `repository` lends its lock file and its formatting rules.
pub fn starter(repository: &Path, solution: &Path, out: &Path, through: u32) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for path in folder::files(solution)? {
        if path
            .components()
            .next()
            .is_some_and(|first| LEFT_OUT.iter().any(|left| first.as_os_str() == *left))
        {
            continue;
        }
        let from = solution.join(&path);
        let bytes = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        let marked = path.extension().is_some_and(|extension| extension == "rs" || extension == "toml");
        if !marked {
            write(out, &path, &bytes)?;
            continue;
        }
        let text = String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", from.display()))?;
        let Some(stripped) = regions::strip(&text, through).with_context(|| from.display().to_string())?
        else {
            continue;
        };
        steps.extend(stripped.steps.into_iter().map(|step| (from.clone(), step)));
        let tail = if path == Path::new("Cargo.toml") { OWN_WORKSPACE } else { "" };
        write(out, &path, format!("{}{tail}", stripped.text).as_bytes())?;
    }
    let steps = in_order(steps)?;
    let readme = solution.join("STARTER.md");
    let readme = fs::read(&readme).with_context(|| format!("cannot read {}", readme.display()))?;
    write(out, Path::new("README.md"), &readme)?;
    write(out, Path::new(".gitignore"), b"/target\n")?;
    write(out, Path::new(".cargo/config.toml"), CARGO_CONFIG.as_bytes())?;
    let rules = fs::read(repository.join("solutions/rustfmt.toml")).context("cannot read rustfmt.toml")?;
    write(out, Path::new("rustfmt.toml"), &rules)?;
    lock(repository, out)?;
    cargo(out, &["fmt"])?;
    let digests = folder::digests(out)?;
    write(out, Path::new(DIGESTS), ownership::render(&digests).as_bytes())?;
    Ok(steps)
}

/// Gives the package in `dir` the versions that the repository's lock file holds, and no others.
pub fn lock(repository: &Path, dir: &Path) -> Result<()> {
    fs::copy(repository.join("Cargo.lock"), dir.join("Cargo.lock")).context("cannot copy Cargo.lock")?;
    cargo(dir, &["update", "--workspace", "--quiet", "--offline"])
        .or_else(|_| cargo(dir, &["update", "--workspace", "--quiet"]))
}

/// Sorted by number; refuses gaps and a step that is announced twice.
fn in_order(mut steps: Vec<(PathBuf, Step)>) -> Result<Vec<Step>> {
    steps.sort_by_key(|(_, step)| step.number);
    let mut seen: BTreeMap<(u32, &str), &Path> = BTreeMap::new();
    let mut last = 0;
    for (file, step) in &steps {
        let place = || format!("{}: line {}", file.display(), step.line);
        ensure!(step.number <= last + 1, "{}: there is no step {} before it", place(), step.number - 1);
        last = step.number;
        if let Some(other) = seen.insert((step.number, &step.name), file) {
            bail!("{}: step {} is called {:?} in {} too", place(), step.number, step.name, other.display());
        }
    }
    Ok(steps.into_iter().map(|(_, step)| step).collect())
}

pub fn cargo(dir: &Path, args: &[&str]) -> Result<()> {
    let done =
        Command::new(workspace::cargo()).args(args).current_dir(dir).output().context("cannot run cargo")?;
    ensure!(
        done.status.success(),
        "cargo {} in {}:\n{}",
        args.join(" "),
        dir.display(),
        String::from_utf8_lossy(&done.stderr).trim_end()
    );
    Ok(())
}
