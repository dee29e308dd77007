//! What confines one submission, as data: made outside, by whoever may make control groups and knows where things lie,
//! and carried out inside, by the judge of the submission.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use harness::subject::Confinement;
use nix::mount::{MsFlags, mount};
use serde::{Deserialize, Serialize};

use super::bwrap::{self, Words};
use super::confined::{CONFINED_ARG, Files, Limits, Spec, become_user};
use super::groups::Paths;
use crate::grade::record::Tier;

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub tier: Tier,
    pub rooms: Rooms,
    /// Cargo's own; the same for all submissions.
    pub cargo_home: PathBuf,
    /// Whom the judge becomes in tier full, and the programs in tier reduced; `None`: nobody else may be had.
    pub user: Option<u32>,
    pub groups: Paths,
    /// What is built stays, for others to build upon.
    pub fill: bool,
    /// Octets on disk, and of memory where no group counts them.
    pub disk: u64,
    pub memory: u64,
    pub processes: u64,
    /// Seconds of processor time of one process.
    pub processor: u64,
}

/// Where things lie, as the judge sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rooms {
    /// This executable.
    pub xtask: PathBuf,
    /// What was handed in; read only.
    pub submission: PathBuf,
    /// The toolchain: `bin/cargo`.
    pub rust: PathBuf,
    /// Cargo's downloaded crates.
    pub registry: PathBuf,
    /// The lab's dependencies, built; read only.
    pub warm: PathBuf,
    /// Where the submission is built; nothing of it is seen when its programs run.
    pub build: PathBuf,
    /// Its programs, when they run.
    pub programs: PathBuf,
    /// The harness's own: folders to serve, files to send. Its programs may read it.
    pub files: PathBuf,
    /// The machine's configuration, as far as a room has one of its own.
    pub etc: PathBuf,
    /// Where a program may write, as it sees it.
    pub tmp: PathBuf,
}

/// Names without which a library looks for help elsewhere: who one is, and which machine.
const ETC: &[(&str, &str)] = &[
    ("passwd", "student:x:65534:65534::/tmp:/bin/sh\n"),
    ("group", "student:x:65534:\n"),
    ("hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"),
    ("host.conf", "multi on\n"),
    ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n"),
    ("services", "http 80/tcp\nhttps 443/tcp\nsmtp 25/tcp\nsubmission 587/tcp\necho 7/udp\n"),
    ("protocols", "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\n"),
];

/// Octets of what programs may write while they run.
const SCRATCH: u64 = 64 << 20;

impl Rooms {
    /// All below one folder.
    pub fn below(base: &Path) -> Self {
        let at = |name: &str| base.join(name);
        Self {
            xtask: at("xtask"),
            submission: at("submission"),
            rust: at("rust"),
            registry: at("registry"),
            warm: at("warm"),
            build: at("build"),
            programs: at("programs"),
            files: at("files"),
            etc: at("etc"),
            tmp: at("scratch"),
        }
    }

    pub fn package(&self) -> PathBuf {
        self.build.join("package")
    }

    pub fn target(&self) -> PathBuf {
        self.build.join("target")
    }
}

impl Plan {
    /// Makes the rooms and takes the judge's place in them: from here on nothing in this process is privileged, but for
    /// tier reduced.
    pub fn enter(&self) -> Result<()> {
        enter_groups(&self.groups.harness).context("cannot enter its control group")?;
        let rooms = &self.rooms;
        for dir in [&rooms.build, &rooms.package(), &rooms.target(), &self.cargo_home, &rooms.files] {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        for dir in [&rooms.programs, &rooms.etc, &rooms.tmp] {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        for (name, text) in ETC {
            fs::write(rooms.etc.join(name), text).context("cannot write the room's configuration")?;
        }
        match self.tier {
            Tier::Full => {
                let laid_over = if self.fill { Ok(()) } else { self.lay_over() };
                self.hand_over(&[&rooms.package(), &self.cargo_home, &rooms.files, &rooms.programs])?;
                if let Some(user) = self.user {
                    become_user(user).with_context(|| format!("cannot become user {user}"))?;
                    // Another user's process may not be looked into, by itself either.
                    nix::sys::prctl::set_dumpable(true)?;
                }
                drop_ambient()?;
                if laid_over.is_err() {
                    copy(&rooms.warm, &rooms.target()).context("cannot copy what is built already")?;
                }
            }
            Tier::Reduced | Tier::None => {
                if !self.fill {
                    copy(&rooms.warm, &rooms.target()).context("cannot copy what is built already")?;
                }
                self.hand_over(&[&rooms.build, &rooms.tmp])?;
            }
        }
        Ok(())
    }

    /// What is built already, under a layer in memory that takes what is written.
    fn lay_over(&self) -> Result<()> {
        let Rooms { build, warm, .. } = &self.rooms;
        let (upper, work) = (build.join("upper"), build.join("work"));
        for dir in [&upper, &work] {
            fs::create_dir(dir)?;
            fs::set_permissions(dir, Permissions::from_mode(0o777))?;
        }
        let options = |more: &str| {
            let (warm, upper, work) = (warm.display(), upper.display(), work.display());
            format!("lowerdir={warm},upperdir={upper},workdir={work}{more}")
        };
        let laid = |more: &str| {
            let options = options(more);
            let (kind, flags) = (Some("overlay"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV);
            mount(Some("overlay"), &self.rooms.target(), kind, flags, Some(options.as_str()))
        };
        // Without the right to trusted attributes it keeps its own with the users'.
        Ok(laid("").or_else(|_| laid(",userxattr"))?)
    }

    fn hand_over(&self, dirs: &[&PathBuf]) -> Result<()> {
        let Some(user) = self.user else { return Ok(()) };
        dirs.iter().try_for_each(|dir| hand_over(dir, user)).context("cannot hand the rooms over")
    }

    /// Around the compiler. It reaches no network, not even the loopback interface.
    pub fn around_the_build(&self, words: u64) -> Option<Confinement> {
        let Rooms { build, rust, registry, .. } = &self.rooms;
        let limits = self.limits(self.disk, words);
        match self.tier {
            Tier::None => None,
            Tier::Full => {
                let room = Words::around_a_program(SCRATCH)
                    .without_network()
                    .read(&self.rooms.xtask)
                    .read(rust)
                    .write_at(build, build)
                    .read_at(registry, self.cargo_home.join("registry"));
                Some(self.full(room, limits, &self.groups.build, self.build_variables()))
            }
            Tier::Reduced => {
                let read = [rust, registry, &self.cargo_home, &self.rooms.xtask].map(Clone::clone);
                let files = Files { read: read.into(), write: vec![build.clone(), self.rooms.tmp.clone()] };
                Some(self.reduced(files, limits, self.build_variables()))
            }
        }
    }

    /// Around a program under test. `own` is its folder, which it may write to in `writable` alone.
    pub fn around_a_program(&self, writable: bool) -> Option<Confinement> {
        let Rooms { programs, files, .. } = &self.rooms;
        let limits = self.limits(SCRATCH, self.processor);
        match self.tier {
            Tier::None => None,
            Tier::Full => {
                let room = Words::around_a_program(SCRATCH).read(&self.rooms.xtask).read(files);
                let room = if writable { room.write_at(programs, programs) } else { room.read(programs) };
                Some(self.full(room, limits, &self.groups.programs, self.variables(Path::new("/tmp"))))
            }
            Tier::Reduced => {
                let tmp = &self.rooms.tmp;
                let mut access = Files {
                    read: vec![files.clone(), programs.clone(), self.rooms.xtask.clone()],
                    write: vec![tmp.clone()],
                };
                if writable {
                    access.write.push(programs.clone());
                }
                Some(self.reduced(access, limits, self.variables(tmp)))
            }
        }
    }

    fn limits(&self, file: u64, processor: u64) -> Limits {
        // Without a user of its own a submission would be counted with all that its user runs.
        let counted = self.tier == Tier::Full || self.user.is_some();
        Limits {
            file,
            processor,
            processes: counted.then_some(self.processes),
            memory: self.groups.programs.is_empty().then_some(self.memory),
        }
    }

    fn variables(&self, tmp: &Path) -> Vec<(OsString, OsString)> {
        let tmp: OsString = tmp.into();
        vec![
            ("PATH".into(), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into()),
            ("HOME".into(), tmp.clone()),
            ("TMPDIR".into(), tmp),
        ]
    }

    /// A build's, whether it is confined or not.
    pub fn build_variables(&self) -> Vec<(OsString, OsString)> {
        let Rooms { rust, build, .. } = &self.rooms;
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", rust.join("bin").display());
        let mut variables = self.variables(&build.join("package"));
        variables[0].1 = path.into();
        variables.extend([
            ("CARGO_HOME".into(), self.cargo_home.clone().into()),
            ("CARGO_TARGET_DIR".into(), self.rooms.target().into()),
            ("CARGO_NET_OFFLINE".into(), "true".into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ]);
        variables
    }

    fn full(
        &self,
        room: Words,
        limits: Limits,
        group: &[PathBuf],
        variables: Vec<(OsString, OsString)>,
    ) -> Confinement {
        let room = ETC.iter().fold(room, |room, (name, _)| {
            room.read_at(self.rooms.etc.join(name), Path::new("/etc").join(name))
        });
        let spec = Spec { init: true, uid: None, limits, files: None, seccomp: true, variables };
        let mut argv = room.sealed();
        argv.extend(self.last_step(&spec));
        Confinement { argv, groups: group.to_vec() }
    }

    fn reduced(&self, mut files: Files, limits: Limits, variables: Vec<(OsString, OsString)>) -> Confinement {
        let system = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/proc"];
        let devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
        files.read.extend(system.iter().map(PathBuf::from));
        files
            .read
            .extend(["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"].map(PathBuf::from));
        files.read.extend(bwrap::configuration());
        files.write.extend(devices.iter().map(PathBuf::from));
        let spec = Spec { init: false, uid: self.user, limits, files: Some(files), seccomp: true, variables };
        Confinement { argv: self.last_step(&spec), groups: Vec::new() }
    }

    fn last_step(&self, spec: &Spec) -> Vec<OsString> {
        let spec = serde_json::to_string(spec).expect("orders are JSON");
        vec![self.rooms.xtask.clone().into(), CONFINED_ARG.into(), spec.into()]
    }
}

fn enter_groups(groups: &[PathBuf]) -> io::Result<()> {
    groups.iter().try_for_each(|group| fs::write(group.join("cgroup.procs"), "0"))
}

/// What bubblewrap has left to this process it hands on to nobody: a bubblewrap that is started with any refuses to
/// work.
fn drop_ambient() -> Result<()> {
    // SAFETY: the call changes a set of flags of this thread, the only one.
    let done = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    nix::errno::Errno::result(done).map(drop).context("cannot drop capabilities")
}

/// A folder with all it holds.
pub fn hand_over(path: &Path, user: u32) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        for entry in fs::read_dir(path)? {
            hand_over(&entry?.path(), user)?;
        }
    }
    std::os::unix::fs::lchown(path, Some(user), Some(user)).or_else(|_| chown(path, Some(user), Some(user)))
}

/// A folder with all it holds, times included: Cargo goes by them.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let data = entry.metadata()?;
        if data.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry.path(), &target)?;
        } else if data.is_file() {
            fs::copy(entry.path(), &target)?;
            let times = fs::FileTimes::new().set_modified(data.modified()?);
            fs::File::options().write(true).open(&target)?.set_times(times)?;
        }
    }
    Ok(())
}
