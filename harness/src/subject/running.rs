//! A program under test as the harness sees it: started, heard, signalled, ended.
//!
//! Everything is waited for on a condition variable, which the thread in `watch.rs` signals.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use super::last_words::last_words;
use super::live;
use super::output::Output;
use super::ports;
use super::start_error::StartError;
use super::supervisor::{self, SUPERVISE_ARG, Supervisor};
use super::watch::{NotStarted, Shared};
use crate::deadline::Deadline;

/// A program, and how to run it.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program and its arguments. A name without `/` is looked up on `PATH`; a relative path is taken from `dir`.
    pub argv: Vec<OsString>,
    /// Where it runs.
    pub dir: PathBuf,
    /// Variables added to the harness's own environment.
    pub env: Vec<(OsString, OsString)>,
    /// How many octets of each stream are kept from the beginning; of the end, 32 KiB are.
    pub keep: usize,
    /// A program that prints more than this is ended.
    pub flood: u64,
    pub confinement: Option<Confinement>,
}

/// What a program is started in, where it is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The words before the program's own. In the end they call [`gate::start_as_init`](super::gate::start_as_init) or
    /// [`gate::start_in_place`](super::gate::start_in_place) with these.
    pub argv: Vec<OsString>,
    /// Directories of control groups that it enters first.
    pub groups: Vec<PathBuf>,
}

impl Launch {
    pub fn new(argv: impl IntoIterator<Item = impl Into<OsString>>, dir: impl Into<PathBuf>) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self { argv, dir: dir.into(), env: Vec::new(), keep: 1 << 20, flood: 64 << 20, confinement: None }
    }

    /// More arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    pub fn keep(mut self, octets: usize) -> Self {
        self.keep = octets;
        self
    }

    pub fn confined(mut self, confinement: Option<Confinement>) -> Self {
        self.confinement = confinement;
        self
    }

    /// Returns when the program runs, or the system has refused to run it.
    pub fn start(&self, supervisor: &Supervisor, deadline: Deadline) -> Result<Running, StartError> {
        if !self.dir.is_dir() {
            return Err(StartError::NoDirectory(self.dir.clone()));
        }
        let (control, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&supervisor.exe);
        command
            .arg0("wirelab-supervisor")
            .arg(SUPERVISE_ARG)
            .args(supervisor::words(&self.argv, self.confinement.as_ref()))
            .current_dir(&self.dir)
            // It would bury what a panic says.
            .env("RUST_BACKTRACE", "0")
            // A program that does not flush its lines must show it here as it does elsewhere.
            .env_remove("PYTHONUNBUFFERED")
            // A starter and its solution have one name: in one directory they would be taken for each other.
            .env_remove("CARGO_TARGET_DIR")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let spawned = {
            let _undisturbed = ports::undisturbed();
            command.spawn()
        };
        // It holds the other end of the control socket.
        drop(command);
        let mut child = spawned?;
        let started = Instant::now();
        let pipes = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
        let shared = Arc::new(Shared::new(control, started, self.keep, self.flood));
        let watcher = thread::Builder::new().name("watch".into()).spawn({
            let shared = shared.clone();
            move || shared.watch(pipes)
        })?;
        live::register(&shared);
        let mut running =
            Running { shared, child, watcher: Some(watcher), pid: 0, reaper: 0, argv: self.argv.clone() };
        if live::aborted() {
            return Err(StartError::Aborted);
        }
        match running.shared.wait(deadline, |state| state.started.clone()) {
            Some(Ok([pid, reaper])) => {
                (running.pid, running.reaper) = (pid, reaper);
                Ok(running)
            }
            Some(Err(NotStarted::Refused(errno))) => Err(StartError::refused(self, errno)),
            Some(Err(NotStarted::Unconfined(words))) => Err(StartError::Unconfined(words)),
            None => Err(StartError::Supervisor(io::ErrorKind::TimedOut.into())),
        }
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Code(i32),
    Signal(i32),
}

impl Status {
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

/// Completes "it ended …": `with status 101`, `by SIGKILL`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "with status {code}"),
            Self::Signal(number) => match Signal::try_from(number) {
                Ok(signal) => write!(f, "by {signal}"),
                Err(_) => write!(f, "by signal {number}"),
            },
        }
    }
}

/// The end of the started process itself; its descendants may live on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    pub status: Status,
    /// Since it was started.
    pub after: Duration,
    pub at: Instant,
    /// Descendants alive at that moment.
    pub left_behind: usize,
}

/// What was found when everything was ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Descendants, the program itself aside, that were alive and have been killed.
    pub left_behind: usize,
    /// Octets of memory that the largest of the processes ever had in use.
    pub peak_resident: u64,
    /// Processor time of all of them.
    pub processor: Duration,
}

/// A started program. Dropping it ends the program and all its descendants.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    child: Child,
    watcher: Option<JoinHandle<()>>,
    pid: i32,
    reaper: i32,
    argv: Vec<OsString>,
}

impl Running {
    /// The started process, which the system may have forgotten once it has ended.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The supervisor: all of the program's processes are its descendants, and so is what confines them.
    pub fn supervisor_pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Who has the program's processes as descendants, and no others.
    pub fn reaper_pid(&self) -> i32 {
        self.reaper
    }

    pub fn argv(&self) -> &[OsString] {
        &self.argv
    }

    pub fn started_at(&self) -> Instant {
        self.shared.started
    }

    /// To the started process alone. One that has ended gets nothing.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        (&self.shared.control).write_all(format!("signal {}\n", signal as i32).as_bytes())
    }

    pub fn exited(&self) -> Option<Exit> {
        self.shared.state().exit
    }

    pub fn wait_exit(&self, deadline: Deadline) -> Option<Exit> {
        self.shared.wait(deadline, |state| state.exit)
    }

    /// It was ended because it printed more than [`Launch::flood`].
    pub fn flooded(&self) -> bool {
        self.shared.state().flooded
    }

    pub(super) fn flood_limit(&self) -> u64 {
        self.shared.flood
    }

    pub fn stdout(&self) -> Output {
        self.shared.state().output[0].clone()
    }

    pub fn stderr(&self) -> Output {
        self.shared.state().output[1].clone()
    }

    /// Waits until `look` finds what it wants in the octets printed so far (up to [`Launch::keep`]); gives up at the
    /// deadline, and when no more can come.
    pub fn wait_stdout<T>(&self, deadline: Deadline, look: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        self.wait_output(0, deadline, look)
    }

    pub fn wait_stderr<T>(&self, deadline: Deadline, look: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        self.wait_output(1, deadline, look)
    }

    fn wait_output<T>(
        &self,
        stream: usize,
        deadline: Deadline,
        mut look: impl FnMut(&[u8]) -> Option<T>,
    ) -> Option<T> {
        self.shared
            .wait(deadline, |state| {
                let output = &state.output[stream];
                let found = look(output.head());
                (found.is_some() || output.is_closed()).then_some(found)
            })
            .flatten()
    }

    /// What it said before it ended, from stderr, or from stdout if that is empty.
    pub fn last_words(&self) -> String {
        let state = self.shared.state();
        let [stdout, stderr] = &state.output;
        last_words(&if stderr.total() > 0 { stderr } else { stdout }.text())
    }

    /// Ends the program and all its descendants, within a second. Doing it again does nothing.
    pub fn kill_and_reap(&mut self) -> Gone {
        let gone = self.shared.end();
        if let Some(watcher) = self.watcher.take() {
            if gone.is_none() {
                let _ = self.child.kill();
            }
            let _ = self.child.wait();
            let _ = watcher.join();
        }
        gone.unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill_and_reap();
    }
}
