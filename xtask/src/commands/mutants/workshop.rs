//! Where mutants are built: one copy of the solution, one warm target directory.
//!
//! A build recompiles only the solution's own crate. The programs are moved out to a bench, from where they are
//! tried while the next mutant is being built.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::check::Lab;
use harness::subject::{Model, Programs};

use super::bank::Mutant;
use crate::commands::starters::generate;
use crate::folder;
use crate::workspace;

/// A stand-alone package with no debug information, for speed.
const MANIFEST_TAIL: &str = "\n[profile.dev]\ndebug = false\n\n[workspace]\n";

pub struct Workshop {
    lab: Lab,
    /// The solution as a package on its own; never built.
    pristine: PathBuf,
    /// What is built.
    copy: PathBuf,
    /// Holds a folder of programs a worker.
    benches: PathBuf,
}

impl Workshop {
    pub fn open(lab: Lab) -> Result<Self> {
        let place = workspace::state().join("mutants").join(lab.name());
        let pristine = place.join("pristine");
        folder::mirror(&workspace::solution(lab), &pristine)?;
        let manifest = pristine.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).context("cannot read the solution's Cargo.toml")?;
        fs::write(&manifest, format!("{text}{MANIFEST_TAIL}")).context("cannot write a Cargo.toml")?;
        generate::lock(&workspace::root(), &pristine)?;
        Ok(Workshop { lab, pristine, copy: place.join("copy"), benches: place })
    }

    /// Builds the mutant, or the solution itself, and lays its programs out on the bench of that number.
    pub fn build(&self, mutant: Option<&Mutant>, bench: usize) -> Result<Programs> {
        folder::mirror(&self.pristine, &self.copy)?;
        if let Some(mutant) = mutant {
            for (file, text) in mutant.apply(&self.pristine)? {
                fs::write(self.copy.join(&file), text)
                    .with_context(|| format!("cannot write {}", file.display()))?;
            }
        }
        let built = Command::new(workspace::cargo())
            .args(["build", "--bins", "--quiet", "--locked", "--color=never"])
            .current_dir(&self.copy)
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .context("cannot run cargo")?;
        let slug = mutant.map_or("the solution", |mutant| &mutant.slug);
        let words = String::from_utf8_lossy(&built.stderr);
        ensure!(built.status.success(), "{slug} does not compile:\n{}", words.trim_end());
        self.lay_out(bench)
    }

    fn lay_out(&self, bench: usize) -> Result<Programs> {
        let dir = self.benches.join(format!("bench-{bench}"));
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let mut argv = BTreeMap::new();
        for (role, program) in self.lab.programs() {
            let (built, to) = (self.copy.join("target/debug").join(program), dir.join(program));
            fs::copy(&built, &to).with_context(|| format!("cannot copy {}", built.display()))?;
            argv.insert(*role, vec![to.into_os_string()]);
        }
        Ok(Programs { dir, models: Model::ALL.into(), argv, build_time: Duration::ZERO, confinement: None })
    }
}
