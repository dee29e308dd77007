//! Control groups (`cgroups(7)`), version 1 or 2, whichever is there: memory and processes of all that a submission
//! starts, counted together.
//!
//! ```text
//! wirelab-4711-3          one a submission
//! ├── harness             what judges it; not limited
//! ├── build               the compiler and whatever it runs
//! └── programs            the programs under test, all at once
//! ```

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use harness::deadline::{Deadline, poll_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// Where this machine lets us make groups.
#[derive(Clone, Debug)]
pub enum Hierarchy {
    /// A tree for memory and one for processes.
    V1 { memory: PathBuf, pids: PathBuf },
    /// One for both.
    V2 { both: PathBuf },
}

/// The directories of a group, one a hierarchy.
pub type Group = Vec<PathBuf>;

/// How long processes may take to leave a group once they are killed.
const LEAVING: Duration = Duration::from_secs(2);

/// The groups of one submission; they go, with everybody in them, when this is dropped.
#[derive(Debug)]
pub struct Groups {
    roots: Group,
    pub paths: Paths,
}

/// How the judge of a submission finds them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Paths {
    pub harness: Group,
    pub build: Group,
    pub programs: Group,
}

/// What a group may use.
#[derive(Clone, Copy, Debug)]
pub struct Cap {
    pub memory: u64,
    pub processes: u64,
}

impl Hierarchy {
    /// The place nearest to this process's own group where a group can be made, limited and entered.
    pub fn find() -> Result<Self, String> {
        let mounts = fs::read_to_string("/proc/self/mounts").map_err(|error| error.to_string())?;
        let own = fs::read_to_string("/proc/self/cgroup").map_err(|error| error.to_string())?;
        let first = [v1(&mounts, &own), v2(&mounts, &own)].into_iter().flatten().flatten();
        let mut why = "no control groups for memory and processes are mounted".to_owned();
        for hierarchy in first {
            match hierarchy.tried() {
                Ok(()) => return Ok(hierarchy),
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }

    fn tried(&self) -> io::Result<()> {
        let cap = Cap { memory: 64 << 20, processes: 16 };
        let groups = Groups::make(self, cap, cap, None)?;
        // A process has to get in, too.
        let mut command = process::Command::new("true");
        harness::sys::join_groups(&mut command, &groups.paths.programs)?;
        command.status().map(drop)
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::V1 { .. } => "cgroup v1",
            Self::V2 { .. } => "cgroup v2",
        }
    }

    fn roots(&self) -> Vec<&Path> {
        match self {
            Self::V1 { memory, pids } => vec![memory, pids],
            Self::V2 { both } => vec![both],
        }
    }
}

/// Two trees, from the own groups upwards.
fn v1(mounts: &str, own: &str) -> Option<Vec<Hierarchy>> {
    let place = |controller: &str| {
        let mount = mounts.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (dir, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            (kind == "cgroup" && options.split(',').any(|option| option == controller)).then_some(dir)
        })?;
        let group = own.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            fields.next()?.split(',').any(|name| name == controller).then_some(fields.next()?)
        })?;
        Some(upwards(mount, group))
    };
    let (memory, pids) = (place("memory")?, place("pids")?);
    let last = memory.len().max(pids.len());
    let at = |places: &[PathBuf], step: usize| places[step.min(places.len() - 1)].clone();
    Some((0..last).map(|step| Hierarchy::V1 { memory: at(&memory, step), pids: at(&pids, step) }).collect())
}

fn v2(mounts: &str, own: &str) -> Option<Vec<Hierarchy>> {
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let dir = fields.next()?;
        (fields.next()? == "cgroup2").then_some(dir)
    })?;
    let group = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(upwards(mount, group).into_iter().map(|both| Hierarchy::V2 { both }).collect())
}

/// A group, the one above it, and so on to the mount.
fn upwards(mount: &str, group: &str) -> Vec<PathBuf> {
    let group = Path::new(group.trim_start_matches('/'));
    group.ancestors().map(|above| Path::new(mount).join(above)).collect()
}

impl Groups {
    /// `user` may move processes from group to group.
    pub fn make(hierarchy: &Hierarchy, build: Cap, programs: Cap, user: Option<u32>) -> io::Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("wirelab-{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let roots: Group = hierarchy.roots().into_iter().map(|root| root.join(&name)).collect();
        let mut groups = Self { roots, paths: Paths::default() };
        let v2 = matches!(hierarchy, Hierarchy::V2 { .. });
        for root in &groups.roots {
            if v2 && let Some(above) = root.parent() {
                hand_down(above);
            }
            fs::create_dir(root)?;
            if v2 {
                hand_down(root);
            }
        }
        for (leaf, cap) in [("harness", None), ("build", Some(build)), ("programs", Some(programs))] {
            let paths: Group = groups.roots.iter().map(|root| root.join(leaf)).collect();
            for path in &paths {
                fs::create_dir(path)?;
            }
            if let Some(cap) = cap {
                limit(hierarchy, &paths, cap)?;
            }
            match leaf {
                "harness" => groups.paths.harness = paths,
                "build" => groups.paths.build = paths,
                _ => groups.paths.programs = paths,
            }
        }
        if let Some(user) = user {
            let Paths { harness, build, programs } = &groups.paths;
            for path in [&groups.roots, harness, build, programs].into_iter().flatten() {
                chown(path.join("cgroup.procs"), Some(user), None)?;
            }
        }
        Ok(groups)
    }
}

impl Paths {
    /// How often a process of the group was killed because its memory was used up.
    pub fn killed(group: &[PathBuf]) -> u64 {
        let count = |path: PathBuf| {
            let text = fs::read_to_string(path).ok()?;
            text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok())
        };
        let files = ["memory.oom_control", "memory.events"];
        let counts = group.iter().flat_map(|dir| files.map(|file| count(dir.join(file))));
        counts.flatten().max().unwrap_or(0)
    }
}

fn limit(hierarchy: &Hierarchy, group: &[PathBuf], cap: Cap) -> io::Result<()> {
    match (hierarchy, group) {
        (Hierarchy::V1 { .. }, [memory, pids]) => {
            fs::write(memory.join("memory.limit_in_bytes"), cap.memory.to_string())?;
            // Not there without accounting of swap.
            let _ = fs::write(memory.join("memory.memsw.limit_in_bytes"), cap.memory.to_string());
            fs::write(pids.join("pids.max"), cap.processes.to_string())
        }
        (Hierarchy::V2 { .. }, [both]) => {
            fs::write(both.join("memory.max"), cap.memory.to_string())?;
            let _ = fs::write(both.join("memory.swap.max"), "0");
            fs::write(both.join("pids.max"), cap.processes.to_string())
        }
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Lets groups below have both controllers; where that cannot be, they lack the files that are written next.
fn hand_down(group: &Path) {
    let _ = fs::write(group.join("cgroup.subtree_control"), "+memory +pids");
}

impl Drop for Groups {
    /// Kills whoever is left, and removes the groups. A process that is being killed keeps its group for a moment.
    fn drop(&mut self) {
        let Paths { harness, build, programs } = &self.paths;
        let all: Vec<&PathBuf> = [harness, build, programs, &self.roots].into_iter().flatten().collect();
        poll_until(Deadline::after(LEAVING), || {
            all.iter().for_each(|group| kill_members(group));
            let left = all.iter().filter(|group| fs::remove_dir(group).is_err() && group.exists()).count();
            (left == 0).then_some(())
        });
    }
}

fn kill_members(group: &Path) {
    let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in members.lines().filter_map(|line| line.parse().ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str =
        "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n";

    #[test]
    fn both_trees_of_version_1_are_climbed_from_the_own_group() {
        let found = v1(V1, "8:pids:/\n4:memory:/a/b\n").unwrap();
        let text: Vec<String> = found
            .iter()
            .map(|found| {
                found.roots().iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
            })
            .collect();
        assert_eq!(
            text,
            [
                "/sys/fs/cgroup/memory/a/b /sys/fs/cgroup/pids/",
                "/sys/fs/cgroup/memory/a /sys/fs/cgroup/pids/",
                "/sys/fs/cgroup/memory/ /sys/fs/cgroup/pids/",
            ]
        );
        assert!(v1("", "").is_none());
    }

    #[test]
    fn the_tree_of_version_2_is_climbed_too() {
        let found = v2("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "0::/user.slice/x.scope\n").unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[2].roots()[0], Path::new("/sys/fs/cgroup/"));
    }

    #[test]
    fn a_group_s_processes_go_with_it() {
        let Ok(hierarchy) = Hierarchy::find() else {
            eprintln!("skipped: this machine lets us make no control groups");
            return;
        };
        let cap = Cap { memory: 64 << 20, processes: 8 };
        let groups = Groups::make(&hierarchy, cap, cap, None).unwrap();
        let roots = groups.roots.clone();
        let mut command = process::Command::new("sleep");
        harness::sys::join_groups(command.arg("600"), &groups.paths.programs).unwrap();
        let mut sleeping = command.spawn().unwrap();
        drop(groups);
        assert!(!sleeping.wait().unwrap().success());
        assert!(roots.iter().all(|root| !root.exists()));
    }
}
