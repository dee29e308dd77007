//! What confines a submission while it is built and while it runs.
//!
//! ```text
//! cargo xtask grade                  makes control groups, reads the answer; no file of a submission runs here
//! └ judge of a submission            full: another user, a network of its own with only the loopback interface up
//!     ├ cargo build                  a room without any network
//!     └ program under test           a room that shares the judge's network and nothing else
//! ```
//!
//! Rooms are bubblewrap's ([`bwrap`]); in each, the last step before the program ([`confined`]) takes away what is left.
//! Where a machine cannot make rooms (a container on a hosted grader, say), tier reduced has that step alone, with
//! another user and Landlock. What the tiers promise is not read off the system but tried, once a run ([`probe`]).

pub mod bwrap;
pub mod confined;
mod groups;
mod plan;
pub mod probe;
mod rules;
mod template;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow};
use harness::check::Lab;
use harness::subject::RunDir;
use nix::unistd::Uid;

use self::bwrap::Words;
pub use self::groups::Paths as GroupPaths;
use self::groups::{Cap, Groups, Hierarchy};
pub use self::plan::{Plan, Rooms, copy, hand_over};
use self::template::{Template, Toolchain};
use super::judge::Limits;
use super::record::{Confinement, Tier};

/// A confinement that this machine can give; made once a run and never weaker than asked for.
pub struct Sandbox {
    confinement: Confinement,
    hierarchy: Option<Hierarchy>,
    toolchain: Toolchain,
    templates: Mutex<BTreeMap<Lab, Arc<Template>>>,
    tools: OnceLock<Result<Tools, String>>,
}

/// What a room is for.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// A package of this lab, put into our template.
    Package(Lab),
    /// A submission with a build command of its own, or none.
    Other,
    /// A lab's dependencies, built into this folder for others to build upon.
    WarmUp(&'a Path),
    /// To see what it keeps in.
    Probe,
}

/// What the judge of one submission is started in.
pub struct Room {
    pub plan: Plan,
    /// The words before the judge's.
    pub argv: Vec<OsString>,
    /// They go with everybody in them when this is dropped.
    groups: Option<Groups>,
}

/// The octets of the folder in which a judge keeps its files and those of the checks.
const JUDGES_TMP: u64 = 2 << 30;

/// A compiler needs more than a program.
const BUILD_MEMORY: u64 = 2 << 30;

/// Processes that a compiler and its linker may have between them.
const BUILD_PROCESSES: u64 = 256;

/// Programs of several checks run side by side; each is limited by itself.
const SIDE_BY_SIDE: u64 = 16;

/// The first user that programs run as; nobody has these numbers, and each judge takes another.
const FIRST_USER: u32 = 0x7000_0000;
/// How many a run takes in turn: more than there are submissions under way at once.
const EACH: u32 = 64;
/// Where a container has only so many.
const NOBODY: u32 = 65_534;

impl Sandbox {
    /// The best there is, or the tier asked for; `None` is only ever given by name.
    pub fn choose(asked: Option<Tier>) -> Result<Self, String> {
        let toolchain = Toolchain::find().map_err(|error| format!("{error:#}"))?;
        let with = |confinement, hierarchy| Sandbox {
            confinement,
            hierarchy,
            toolchain: toolchain.clone(),
            templates: Mutex::default(),
            tools: OnceLock::new(),
        };
        let mut lacking = Vec::new();
        if asked == Some(Tier::None) {
            lacking.push("everything, as was asked for".to_owned());
            return Ok(with(Confinement { tier: Tier::None, in_force: Vec::new(), lacking }, None));
        }
        if asked.is_none_or(|asked| asked == Tier::Full) {
            let hierarchy = Hierarchy::find();
            let sandbox = with(nothing(Tier::Full), hierarchy.clone().ok());
            match probe::full(&sandbox) {
                Ok(in_force) => {
                    lacking.extend(hierarchy.err().map(|why| format!("control groups: {why}")));
                    let confinement = Confinement { tier: Tier::Full, in_force, lacking };
                    return Ok(Sandbox { confinement, ..sandbox });
                }
                Err(why) if asked.is_some() => return Err(refusal(Tier::Full, &[why])),
                Err(why) => lacking.push(why),
            }
        }
        match probe::reduced(&with(nothing(Tier::Reduced), None)) {
            Ok(in_force) => Ok(with(Confinement { tier: Tier::Reduced, in_force, lacking }, None)),
            Err(why) => {
                lacking.push(why);
                Err(refusal(Tier::Reduced, &lacking))
            }
        }
    }

    /// What was in force, for the record.
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    fn tier(&self) -> Tier {
        self.confinement.tier
    }

    fn tools(&self) -> Result<&Tools> {
        let tools = self
            .tools
            .get_or_init(|| Tools::of(&self.toolchain, self.tier()).map_err(|error| format!("{error:#}")));
        tools.as_ref().map_err(|words| anyhow!("cannot lay the tools out: {words}"))
    }

    /// What is built already of a lab; built now if it is not, in a room like any submission's.
    fn template(&self, lab: Lab) -> Result<Arc<Template>> {
        let mut templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = templates.get(&lab) {
            return Ok(template.clone());
        }
        let template = Arc::new(Template::ready(lab, self)?);
        templates.insert(lab, template.clone());
        Ok(template)
    }

    /// A room for what lies in `submission`. `base` is an empty folder, `task` a file for the judge to read.
    pub fn room(
        &self,
        purpose: Purpose,
        submission: &Path,
        base: &Path,
        task: &Path,
        limits: &Limits,
    ) -> Result<Room> {
        let warm = match purpose {
            Purpose::Package(lab) => self.template(lab)?.dir.clone(),
            Purpose::WarmUp(warm) => warm.to_owned(),
            Purpose::Other | Purpose::Probe => base.join("nothing"),
        };
        fs::create_dir_all(&warm)?;
        let fill = matches!(purpose, Purpose::WarmUp(_));
        let root = Uid::effective().is_root();
        let user = root.then(|| a_user(base));
        let programs = Cap { memory: limits.memory, processes: u64::from(limits.processes) * SIDE_BY_SIDE };
        let build = Cap { memory: BUILD_MEMORY.max(limits.memory), processes: BUILD_PROCESSES };
        let groups = self.hierarchy.as_ref().map(|hierarchy| Groups::make(hierarchy, build, programs, user));
        let groups = groups.transpose().context("cannot make control groups")?;
        let rooms = match self.tier() {
            Tier::Full => Rooms::below(Path::new("/tmp")),
            _ => Rooms::below(base),
        };
        let mut plan = Plan {
            tier: self.tier(),
            cargo_home: rooms.build.join("cargo"),
            rooms,
            user,
            groups: groups.as_ref().map(|groups| groups.paths.clone()).unwrap_or_default(),
            fill,
            disk: limits.disk,
            memory: limits.memory,
            processes: limits.processes.into(),
            processor: limits.judge.as_secs().max(1),
        };
        let xtask = std::env::current_exe().context("cannot find this executable")?;
        let argv = match self.tier() {
            Tier::Full => {
                let rooms = &plan.rooms;
                let words = Words::around_the_judge(root, JUDGES_TMP)
                    .read_at(&xtask, &rooms.xtask)
                    .read_at(task, task_in(Path::new("/tmp")))
                    .read_at(submission, &rooms.submission)
                    .read_at(&self.toolchain.sysroot, &rooms.rust)
                    .read_at(&self.toolchain.registry, &rooms.registry)
                    .tmpfs("/tmp/build", limits.disk);
                let words = match fill {
                    true => words.write_at(&warm, rooms.target()),
                    false => words.read_at(&warm, &rooms.warm),
                };
                let mut argv = words.program();
                argv.extend([rooms.xtask.clone().into(), super::inner::JUDGE_ARG.into()]);
                argv.push(task_in(Path::new("/tmp")).into());
                argv
            }
            Tier::Reduced | Tier::None => {
                let rooms = &plan.rooms;
                let link = |from: &Path, to: &Path| {
                    symlink(from, to).with_context(|| format!("cannot make {}", to.display()))
                };
                link(submission, &rooms.submission)?;
                link(&warm, &rooms.warm)?;
                fs::hard_link(&xtask, &rooms.xtask).or_else(|_| fs::copy(&xtask, &rooms.xtask).map(drop))?;
                if !matches!(purpose, Purpose::Probe) {
                    let tools = self.tools()?;
                    link(&tools.rust, &rooms.rust)?;
                    link(&tools.registry, &rooms.registry)?;
                    plan.cargo_home = tools.home.clone();
                }
                vec![xtask.into(), super::inner::JUDGE_ARG.into(), task.into()]
            }
        };
        Ok(Room { plan, argv, groups })
    }
}

impl Room {
    /// How often something in there was killed because its memory was used up: while it was built, while it ran.
    pub fn killed(&self) -> [u64; 2] {
        self.groups.as_ref().map_or([0; 2], |groups| {
            [GroupPaths::killed(&groups.paths.build), GroupPaths::killed(&groups.paths.programs)]
        })
    }
}

/// The tools of a build outside rooms, always at the same paths: Cargo builds anew what lies elsewhere than before.
struct Tools {
    rust: PathBuf,
    registry: PathBuf,
    /// Cargo's home, with these crates in it.
    home: PathBuf,
    /// What was built with them.
    templates: PathBuf,
    /// Copies for users who cannot come to the originals go with the run.
    _copies: Option<RunDir>,
}

impl Tools {
    fn of(toolchain: &Toolchain, tier: Tier) -> Result<Self> {
        let Toolchain { sysroot, registry, .. } = toolchain;
        if tier == Tier::Reduced && Uid::effective().is_root() {
            let copies = RunDir::new()?;
            let (rust, registry) = (
                toolchain.sysroot_within_reach(copies.path())?,
                toolchain.registry_within_reach(copies.path())?,
            );
            let home = home(copies.path(), &registry)?;
            let templates = copies.path().join("templates");
            return Ok(Self { rust, registry, home, templates, _copies: Some(copies) });
        }
        let templates = template::place();
        let home = home(&templates, registry)?;
        Ok(Self { rust: sysroot.clone(), registry: registry.clone(), home, templates, _copies: None })
    }
}

/// A home for Cargo with nothing in it but crates.
fn home(place: &Path, registry: &Path) -> Result<PathBuf> {
    let home = place.join("cargo");
    fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    let _ = fs::remove_file(home.join("registry"));
    symlink(registry, home.join("registry"))?;
    Ok(home)
}

/// Where a judge's task lies that has a `/tmp` of its own.
fn task_in(base: &Path) -> PathBuf {
    base.join("task.json")
}

fn nothing(tier: Tier) -> Confinement {
    Confinement { tier, in_force: Vec::new(), lacking: Vec::new() }
}

fn refusal(tier: Tier, why: &[String]) -> String {
    let tier = match tier {
        Tier::Full => "in full",
        _ => "at all",
    };
    format!(
        "this machine cannot confine a program {tier}: {}; `--sandbox none` judges without, for programs that you trust",
        why.join("; ")
    )
}

/// The users that this run's programs are.
pub fn users() -> Range<u32> {
    let first = FIRST_USER + std::process::id() % (1 << 20) * EACH;
    first..first + EACH
}

/// A user that runs nothing else.
fn a_user(probe: &Path) -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let user = users().start + NEXT.fetch_add(1, Ordering::Relaxed) % EACH;
    // A container may not have that many.
    match std::os::unix::fs::chown(probe, Some(user), None)
        .and_then(|()| std::os::unix::fs::chown(probe, Some(0), None))
    {
        Ok(()) => user,
        Err(_) => NOBODY,
    }
}
