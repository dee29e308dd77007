//! `cargo xtask attacks`: submissions that try to cheat, to break out or to wear the machine down. Each is judged as any
//! other would be, and what must hold is looked at from outside.

mod bank;

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::check::Lab;
use harness::report::exit;

use self::bank::Attack;
use super::check::clean_up_when_interrupted;
use crate::grade::judge::{Job, Judged, Kind, Limits, judge};
use crate::grade::record::{Status, Tier};
use crate::grade::sandbox::{Sandbox, users};
use crate::workspace;

/// Try the hostile submissions: none earns more than it should, reaches out of its room, or harms the next.
///
/// Exits with 0 when all that must hold holds, or where this machine cannot confine a program; 1 otherwise.
#[derive(clap::Args)]
pub struct Args {
    /// Only the attack of this name; may be repeated
    #[arg(long, value_name = "SLUG")]
    only: Vec<String>,
    /// full or reduced; the best there is otherwise
    #[arg(long, value_name = "TIER", value_parser = ["full", "reduced"])]
    sandbox: Option<String>,
    /// Submissions under way at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    jobs: usize,
}

/// The lab in whose name all attacks come.
const LAB: Lab = Lab::Lab1;

/// How many attacks come before a good submission is judged, which none of them may have harmed.
const BETWEEN: usize = 8;

/// What is outside of all rooms, and watched.
struct Outside {
    dir: tempfile::TempDir,
    secret: String,
    listener: TcpListener,
}

enum Turn<'a> {
    Attack(&'a Attack),
    /// The reference solution, which must earn everything.
    Good,
}

pub fn run(args: Args) -> Result<ExitCode> {
    clean_up_when_interrupted()?;
    let attacks = bank::select(bank::read(&workspace::root().join("fixtures/attacks"))?, &args.only)?;
    let tier = args.sandbox.as_deref().map(|tier| if tier == "full" { Tier::Full } else { Tier::Reduced });
    let sandbox = match Sandbox::choose(tier) {
        Ok(sandbox) => sandbox,
        Err(why) => {
            println!("skipped: {why}");
            return Ok(ExitCode::from(exit::PASSED));
        }
    };
    let tier = sandbox.confinement().tier;
    let (here, elsewhere): (Vec<_>, Vec<_>) = attacks.iter().partition(|attack| attack.is_for(tier));
    for attack in elsewhere {
        println!("{:<26} skipped: what it tries is not promised in this tier", attack.slug);
    }

    let began = Instant::now();
    let outside = Outside::new()?;
    let mut turns = VecDeque::from([Turn::Good]);
    for (at, &attack) in here.iter().enumerate() {
        turns.extend((0..attack.runs()).map(|_| Turn::Attack(attack)));
        if (at + 1) % BETWEEN == 0 {
            turns.push_back(Turn::Good);
        }
    }
    let (turns, harm) = (Mutex::new(turns), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| {
                let next = || lock(&turns).pop_front();
                while let Some(turn) = next() {
                    let found = turn.take(&sandbox, &outside);
                    lock(&harm).extend(found);
                }
            });
        }
    });
    // All lanes are at their end: this one comes after every attack.
    let mut harm = harm.into_inner().unwrap_or_else(PoisonError::into_inner);
    harm.extend(Turn::Good.take(&sandbox, &outside));
    harm.extend(outside.harm());
    harm.extend(left_behind());
    for words in &harm {
        println!("FAILED: {words}");
    }
    println!("{} attacks, {} faults, {} s", here.len(), harm.len(), began.elapsed().as_secs());
    Ok(ExitCode::from(if harm.is_empty() { exit::PASSED } else { exit::FAILED }))
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turn<'_> {
    /// Judges it, and says what has not held.
    fn take(&self, sandbox: &Sandbox, outside: &Outside) -> Vec<String> {
        let began = Instant::now();
        let (slug, tried) = match self {
            Turn::Good => ("the reference solution", good(sandbox)),
            Turn::Attack(attack) => (attack.slug.as_str(), hostile(attack, sandbox, outside)),
        };
        let (ended, harm) = tried.unwrap_or_else(|error| ("untried".to_owned(), vec![format!("{error:#}")]));
        println!("{slug:<26} {ended:<24} {:.1} s", began.elapsed().as_secs_f32());
        harm.into_iter().map(|words| format!("{slug}: {words}")).collect()
    }
}

fn good(sandbox: &Sandbox) -> Result<(String, Vec<String>)> {
    let limits = Limits { checks: 8, ..Limits::default() };
    let job = job(workspace::solution(LAB), Kind::Cargo, limits);
    let judged = judge(sandbox, &job);
    let mut harm = Vec::new();
    match &judged {
        Judged::Report { report, .. } => {
            // A check that is skipped or broken costs nothing, and yet something is wrong.
            let lost = report.checks.iter().filter(|check| !check.outcome.earns());
            harm.extend(lost.map(|check| format!("{}: {:?}", check.id, check.outcome)));
        }
        other => harm.push(words(other)),
    }
    Ok((shown(&judged), harm))
}

/// How it ended, and what has not held.
fn hostile(attack: &Attack, sandbox: &Sandbox, outside: &Outside) -> Result<(String, Vec<String>)> {
    let dir = tempfile::tempdir()?;
    attack.lay_out(dir.path(), &[("@CANARY@", outside.canary()), ("@PORT@", outside.port()?)])?;
    let kind = if dir.path().join("wirelab.toml").exists() { Kind::Manifest } else { Kind::Cargo };
    let limits = Limits {
        build: Duration::from_secs(15),
        judge: Duration::from_secs(90),
        memory: 512 << 20,
        processes: 64,
        disk: 512 << 20,
        patience: 0.4,
        checks: 16,
    };
    let judged = judge(sandbox, &job(dir.path().to_owned(), kind, limits));
    let said = words(&judged);
    let mut harm = Vec::new();
    if !attack.may_end(status(&judged)) {
        harm.push(format!("it ended {}: {said}", status(&judged)));
    }
    if let Judged::Report { report, .. } = &judged {
        let earned = report.points.earned + report.points.extension_earned;
        if earned > attack.points {
            harm.push(format!("it earned {earned} points"));
        }
    }
    if said.contains(&outside.secret) || said.contains("LEAKED") {
        let line = said.split("\\n").find(|line| line.contains("LEAKED")).unwrap_or("the canary");
        harm.push(format!("something got out: {line}"));
    }
    if let Some(says) = attack.says.as_deref().filter(|says| !said.contains(*says)) {
        harm.push(format!("it does not come to say {says:?}: {said}"));
    }
    harm.extend(outside.harm());
    Ok((shown(&judged), harm))
}

fn job(dir: PathBuf, kind: Kind, limits: Limits) -> Job {
    Job { lab: LAB, student: "somebody".to_owned(), dir, kind, seed: fastrand::u64(..), limits }
}

fn status(judged: &Judged) -> Status {
    match judged {
        Judged::Report { .. } => Status::Graded,
        Judged::BuildError { .. } => Status::BuildError,
        Judged::Timeout { .. } => Status::Timeout,
        Judged::Resource { .. } => Status::Resource,
        Judged::Infra { .. } => Status::InfraError,
    }
}

/// All that a person would read of it.
fn words(judged: &Judged) -> String {
    match judged {
        Judged::Report { report, .. } => serde_json::to_string(report).unwrap_or_default(),
        Judged::BuildError { words }
        | Judged::Timeout { words }
        | Judged::Resource { words }
        | Judged::Infra { words } => words.clone(),
    }
}

fn shown(judged: &Judged) -> String {
    match judged {
        Judged::Report { report, .. } => {
            format!("{} of {}", report.points.earned + report.points.extension_earned, report.points.of)
        }
        other => status(other).to_string(),
    }
}

impl Outside {
    fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let secret = format!("{:032x}", fastrand::u128(..));
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        fs::write(dir.path().join("canary"), &secret)?;
        fs::set_permissions(dir.path().join("canary"), fs::Permissions::from_mode(0o666))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen")?;
        listener.set_nonblocking(true)?;
        Ok(Self { dir, secret, listener })
    }

    fn canary(&self) -> String {
        self.dir.path().join("canary").display().to_string()
    }

    fn port(&self) -> io::Result<String> {
        Ok(self.listener.local_addr()?.port().to_string())
    }

    /// What has happened out here.
    fn harm(&self) -> Vec<String> {
        let mut harm = Vec::new();
        if fs::read_to_string(self.canary()).ok().as_deref() != Some(&self.secret) {
            harm.push("the canary was changed".to_owned());
        }
        if self.listener.accept().is_ok() {
            harm.push("a connection came out".to_owned());
        }
        harm
    }
}

/// Processes of the users that exist for this run's submissions alone. Without such users (this process is not root's)
/// there are only rooms, whose processes end with their first.
fn left_behind() -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let theirs = processes.filter_map(|entry| {
        let owner = entry.metadata().ok()?.uid();
        let words = fs::read(entry.path().join("cmdline")).ok()?;
        users().contains(&owner).then(|| String::from_utf8_lossy(&words).replace('\0', " "))
    });
    theirs.map(|words| format!("a process is left: {words}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bank_is_sound() {
        let bank = bank::read(&workspace::root().join("fixtures/attacks")).unwrap();
        assert!(bank.len() >= 25);
        for attack in &bank {
            let dir = tempfile::tempdir().unwrap();
            attack
                .lay_out(dir.path(), &[("@CANARY@", "/canary".to_owned()), ("@PORT@", "1".to_owned())])
                .unwrap();
            assert!(
                dir.path().join("src").is_dir() || dir.path().join("wirelab.toml").is_file(),
                "{}",
                attack.slug
            );
        }
    }
}
