//! The bank of hostile submissions: `fixtures/attacks/SLUG/`, each with an `attack.toml` that says what it does and what
//! must hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use nix::sys::stat::Mode;
use serde::Deserialize;

use crate::grade::record::{Status, Tier};

/// A submission, and what must hold. In its files `@CANARY@` is the path of a file outside that anybody may read and
/// write, `@PORT@` a port of the machine's own loopback interface.
pub struct Attack {
    pub slug: String,
    dir: PathBuf,
    form: Form,
    /// It may earn so many points honestly.
    pub points: u32,
    /// The last words by which it shows that it has come to its end. Where it got through, it says `LEAKED`.
    pub says: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(rename = "story")]
    _story: String,
    #[serde(rename = "holds")]
    _holds: String,
    /// How judging it may end; empty: with a report.
    #[serde(default)]
    status: Vec<Status>,
    #[serde(default)]
    points: u32,
    says: Option<String>,
    runs: Option<usize>,
    /// Where what it tries is promised; empty: in each.
    #[serde(default)]
    tiers: Vec<Tier>,
    /// FIFOs, and links to the canary, which a repository cannot hold.
    #[serde(default)]
    fifo: Vec<PathBuf>,
    #[serde(default)]
    link: Vec<PathBuf>,
    /// Its files are as old as can be.
    #[serde(default)]
    old: bool,
}

/// All of them, by slug.
pub fn read(bank: &Path) -> Result<Vec<Attack>> {
    let mut attacks = Vec::new();
    for entry in fs::read_dir(bank).with_context(|| format!("cannot read {}", bank.display()))? {
        let dir = entry?.path();
        let file = dir.join("attack.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let form: Form = toml::from_str(&text).with_context(|| file.display().to_string())?;
        let slug = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        attacks.push(Attack { slug, dir, points: form.points, says: form.says.clone(), form });
    }
    attacks.sort_by(|one, other| one.slug.cmp(&other.slug));
    Ok(attacks)
}

/// Those named in `only`; all of them where it is empty.
pub fn select(bank: Vec<Attack>, only: &[String]) -> Result<Vec<Attack>> {
    if let Some(unknown) = only.iter().find(|slug| bank.iter().all(|attack| attack.slug != **slug)) {
        let slugs: Vec<_> = bank.iter().map(|attack| attack.slug.as_str()).collect();
        bail!("there is no attack {unknown:?}; there are {}", slugs.join(", "));
    }
    Ok(bank.into_iter().filter(|attack| only.is_empty() || only.contains(&attack.slug)).collect())
}

impl Attack {
    pub fn is_for(&self, tier: Tier) -> bool {
        self.form.tiers.is_empty() || self.form.tiers.contains(&tier)
    }

    pub fn may_end(&self, status: Status) -> bool {
        match &self.form.status[..] {
            [] => status == Status::Graded,
            allowed => allowed.contains(&status),
        }
    }

    pub fn runs(&self) -> usize {
        self.form.runs.unwrap_or(1)
    }

    /// Writes the submission into the empty folder `to`, with each name replaced by what it stands for.
    pub fn lay_out(&self, to: &Path, names: &[(&str, String)]) -> Result<()> {
        copy(&self.dir, to, names).with_context(|| format!("cannot lay {} out", self.slug))?;
        for fifo in &self.form.fifo {
            nix::unistd::mkfifo(&to.join(fifo), Mode::S_IRWXU)?;
        }
        for link in &self.form.link {
            std::os::unix::fs::symlink(&names[0].1, to.join(link))?;
        }
        if self.form.old {
            make_old(to)?;
        }
        Ok(())
    }
}

fn copy(from: &Path, to: &Path, names: &[(&str, String)]) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy(&entry.path(), &target, names)?;
        } else if entry.file_name() != "attack.toml" {
            let text = fs::read_to_string(entry.path())?;
            let text = names.iter().fold(text, |text, (name, value)| text.replace(name, value));
            fs::write(&target, text)?;
        }
    }
    Ok(())
}

fn make_old(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_old(&entry.path())?;
        } else {
            fs::File::options().write(true).open(entry.path())?.set_modified(SystemTime::UNIX_EPOCH)?;
        }
    }
    Ok(())
}
