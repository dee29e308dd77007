//! The last step before a program that is not trusted: this executable, run inside the room that was made for it, takes
//! away what is left and then starts the program behind the supervisor's gate.
//!
//! | | |
//! |---|---|
//! | argv | [`CONFINED_ARG`], [`Spec`] as JSON, the program's words |
//! | stdin, stderr | the gate (`harness::subject::gate`) |

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process;

use anyhow::{Context, Result};
use harness::subject::gate;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use serde::{Deserialize, Serialize};

use super::rules;

/// The first argument that makes this executable the last step before a program.
pub const CONFINED_ARG: &str = "__confined";

/// What is taken away.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Spec {
    /// It is the first process of a namespace, and the program its child.
    pub init: bool,
    /// Whom to become first.
    pub uid: Option<u32>,
    pub limits: Limits,
    /// Where files may be read and where written, if Landlock is to see to it; whatever else there is, may not.
    pub files: Option<Files>,
    pub seccomp: bool,
    /// The program's variables, besides those of [`KEPT`] that this process has.
    pub variables: Vec<(OsString, OsString)>,
}

/// Of a process each, but for `processes`, which the system counts by user and user namespace.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Octets of a file that it writes.
    pub file: u64,
    /// Seconds of processor time.
    pub processor: u64,
    pub processes: Option<u64>,
    /// Octets of memory that only it has, where nothing counts them for all its processes together.
    pub memory: Option<u64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Files {
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
}

/// What the harness gives to a program by its environment.
const KEPT: &[&str] = &["TZ", "LC_ALL", "RUST_BACKTRACE", "WIRELAB_MAIL_PASSWORD"];

/// Descriptors that a program may have open: so many, and so many if it asks for more.
const OPEN: (u64, u64) = (1024, 4096);

/// Becomes the last step before a program, and does not return, if this process was started as one.
pub fn run_if_asked() {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|first| first == CONFINED_ARG) {
        let spec = args.next().unwrap_or_default();
        let argv: Vec<OsString> = args.collect();
        let Err(error) = start(&spec.to_string_lossy(), &argv);
        eprintln!("{error:#}");
        process::exit(1);
    }
}

fn start(spec: &str, argv: &[OsString]) -> Result<std::convert::Infallible> {
    let spec: Spec = serde_json::from_str(spec).context("its orders are none")?;
    // The first to be killed when memory runs out, long before the harness.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    limit(&spec.limits).context("cannot limit what it uses")?;
    if let Some(uid) = spec.uid {
        become_user(uid).with_context(|| format!("cannot become user {uid}"))?;
    }
    if let Some(files) = &spec.files {
        rules::restrict_files(files).context("cannot restrict files with Landlock")?;
    }
    if spec.seccomp {
        rules::restrict_calls().context("cannot restrict system calls with seccomp")?;
    }
    let kept = KEPT.iter().filter_map(|name| Some((OsString::from(name), env::var_os(name)?)));
    let variables: Vec<_> = kept.chain(spec.variables).collect();
    let error = match spec.init {
        true => gate::start_as_init(argv, &variables),
        false => gate::start_in_place(argv, &variables),
    };
    Err(error).context("cannot start it")
}

fn limit(limits: &Limits) -> nix::Result<()> {
    let Limits { file, processor, processes, memory } = limits;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    setrlimit(Resource::RLIMIT_FSIZE, *file, *file)?;
    // One second more ends it whatever it does with SIGXCPU.
    setrlimit(Resource::RLIMIT_CPU, *processor, processor + 1)?;
    setrlimit(Resource::RLIMIT_NOFILE, OPEN.0, OPEN.1)?;
    setrlimit(Resource::RLIMIT_MSGQUEUE, 0, 0)?;
    if let Some(processes) = processes {
        setrlimit(Resource::RLIMIT_NPROC, *processes, *processes)?;
    }
    if let Some(memory) = memory {
        setrlimit(Resource::RLIMIT_DATA, *memory, *memory)?;
    }
    Ok(())
}

/// All three numbers of each, and no further groups: there is no way back.
pub fn become_user(uid: u32) -> nix::Result<()> {
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
    setgroups(&[])?;
    setresgid(group, group, group)?;
    setresuid(user, user, user)
}
