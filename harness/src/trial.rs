//! What a check's function is given: the program under test to start and to talk to, a seeded source of
//! randomness, a record and a deadline.

use std::any::Any;
use std::cell::Cell;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::check::Role;
use crate::deadline::{Deadline, load};
use crate::journal::{self, HIDDEN};
use crate::runner::PATIENCE;
use crate::scene::Scene;
use crate::subject::ports::PortLease;
use crate::subject::{
    Exit, Launch, NotReady, Programs, Readiness, RunDir, Running, StartError, Supervisor, last_words,
    start_ready,
};
use crate::verdict::{Failure, Fault, Verdict};

pub use crate::subject::Model;

/// A server is up within this time (contract, "Submissions"), before `timeout_factor`.
const START: Duration = Duration::from_secs(5);

/// What every trial of one run shares.
pub struct Env<'a> {
    pub programs: &'a Programs,
    pub supervisor: &'a Supervisor,
    pub run_dir: &'a RunDir,
    pub seed: u64,
    /// The model under which programs are started unless a check asks for another.
    pub model: Model,
    /// How long one check may wait in all.
    pub patience: Duration,
    /// Programs that start at the same time would pay for each other's start.
    pub starts: Gate,
    /// Directories made for single checks so far.
    pub dirs: AtomicUsize,
    /// What a lab prepares once a run, such as its document root.
    pub prepared: OnceLock<Result<Arc<dyn Any + Send + Sync>, String>>,
}

/// Lets so many through at a time.
pub struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place behind a [`Gate`], given back on drop.
pub struct Pass<'a>(&'a Gate);

impl Gate {
    pub fn new(places: usize) -> Self {
        Gate { free: Mutex::new(places.max(1)), freed: Condvar::new() }
    }

    pub fn enter(&self) -> Pass<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Pass(self)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// A server under test that is up.
#[derive(Clone)]
pub struct Up {
    pub running: Arc<Running>,
    pub addr: SocketAddr,
    /// Its command line, for the record.
    pub command: String,
    /// Nobody else is given the port while this lives.
    pub lease: Arc<PortLease>,
}

/// The server that a worker keeps for the checks that only read. One worker runs one check at a time, so a
/// shared server never serves two checks at once.
#[derive(Default)]
pub struct Shared(Option<(String, Up)>);

/// The record of a part of a trial, and the programs that played in it.
pub struct Part {
    record: journal::Part,
    watched: Vec<(Arc<Running>, u64)>,
}

/// See the module.
pub struct Trial<'a> {
    /// Names, bodies and lengths that a check verifies come from here: never a default, nor guessable.
    pub rng: fastrand::Rng,
    env: &'a Env<'a>,
    scene: Scene,
    shared: &'a mut Shared,
    model: Model,
    /// What was started or used, and how much it had said on stderr before this check.
    watched: Vec<(Arc<Running>, u64)>,
    used_shared: bool,
    /// What no report may show.
    secrets: Vec<String>,
    /// What programs are started with besides.
    variables: Vec<(&'static str, &'static str)>,
    /// Another look at a failed check: everything fresh.
    alone: bool,
}

impl<'a> Trial<'a> {
    pub fn new(env: &'a Env<'a>, id: &str, shared: &'a mut Shared, alone: bool) -> Self {
        Trial {
            rng: fastrand::Rng::with_seed(env.seed ^ fnv1a(id)),
            env,
            scene: Scene::new(env.patience.mul_f64(load())),
            shared,
            model: env.model,
            watched: Vec::new(),
            used_shared: false,
            secrets: Vec::new(),
            variables: Vec::new(),
            alone,
        }
    }

    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    pub fn deadline(&self) -> Deadline {
        self.scene.deadline()
    }

    /// Notes a step that no wire shows.
    pub fn step(&self, sentence: impl Into<String>) {
        self.scene.journal.step(sentence);
    }

    /// A host's name that nobody has. With 254 octets it is one too long (RFC 1035 §2.3.4), so that no name server is
    /// ever asked for it; every program is told that it does not exist. One of more than 255 Node refuses as an
    /// argument that makes no sense.
    pub fn nobodys_name(&mut self) -> String {
        let mut label = || (0..50).map(|_| self.rng.lowercase()).collect::<String>();
        [label(), label(), label(), label(), label()].join(".")
    }

    /// The model under which servers are started.
    pub fn model(&self) -> Model {
        self.model
    }

    /// The models that the submission says it has.
    pub fn models(&self) -> &[Model] {
        &self.env.programs.models
    }

    /// Runs `part` with servers under another model.
    pub fn under<T>(&mut self, model: Model, part: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.model, model);
        let result = part(self);
        self.model = before;
        result
    }

    /// Begins a part that stands for itself, with the whole patience, and returns what was before it.
    pub fn begin_part(&mut self) -> Part {
        self.scene.restart_clock();
        Part { record: self.scene.journal.begin_part(), watched: std::mem::take(&mut self.watched) }
    }

    /// Goes back to an earlier part: it is what a failure is about.
    pub fn go_back_to(&mut self, part: Part) {
        self.scene.journal.go_back_to(part.record);
        self.watched = part.watched;
    }

    /// What a lab prepares once a run from its seed (its document root, say).
    pub fn prepared<T: Any + Send + Sync>(
        &self,
        prepare: impl FnOnce(&Path, fastrand::Rng) -> std::io::Result<T>,
    ) -> Verdict<Arc<T>> {
        let made = self.env.prepared.get_or_init(|| {
            prepare(self.env.run_dir.path(), fastrand::Rng::with_seed(self.env.seed))
                .map(|made| Arc::new(made) as Arc<dyn Any + Send + Sync>)
                .map_err(|error| format!("could not prepare the files of the lab: {error}"))
        });
        let made = made.clone().map_err(Fault::Broken)?;
        made.downcast::<T>().map_err(|_| Fault::Broken("two kinds of files prepared in one run".to_owned()))
    }

    /// A fresh directory for this check alone, readable by all (0755), gone at the end of the run.
    pub fn dir(&mut self) -> Verdict<PathBuf> {
        self.env
            .run_dir
            .subdir(&format!("own-{}", self.env.dirs.fetch_add(1, Ordering::Relaxed)))
            .map_err(|error| Fault::Broken(format!("could not make a directory: {error}")))
    }

    /// Starts a fresh server on a port of its own and waits until it is up. `arguments` makes the
    /// contract's arguments for a port; it may be called again when the race for a port is lost.
    pub fn start(&mut self, role: Role, arguments: impl Fn(u16) -> Vec<OsString>) -> Verdict<Up> {
        let up = self.launch_server(role, &arguments)?;
        self.step(format!("started your program: {}", up.command));
        Ok(up)
    }

    /// A server for checks that only read: kept for the worker's next check with the same `arguments`.
    pub fn share(&mut self, role: Role, arguments: impl Fn(u16) -> Vec<OsString>) -> Verdict<Up> {
        if self.alone {
            return self.start(role, arguments);
        }
        let key = format!("{role} {:?}", arguments(0));
        self.used_shared = true;
        if let Some((same, up)) = &self.shared.0
            && *same == key
            && up.running.exited().is_none()
        {
            let up = up.clone();
            self.watch(&up.running);
            self.step(format!("your program runs: {}", up.command));
            return Ok(up);
        }
        self.shared.0 = None;
        let up = self.start(role, arguments)?;
        self.shared.0 = Some((key, up.clone()));
        Ok(up)
    }

    /// Starts a program that is not a server; the caller waits for its end.
    pub fn run(&mut self, role: Role, arguments: Vec<OsString>) -> Verdict<Arc<Running>> {
        let launch = self.launch(role, arguments)?;
        self.run_launch(&launch)
    }

    /// The same with a variable whose value no report may show.
    pub fn run_with_secret(
        &mut self,
        role: Role,
        arguments: Vec<OsString>,
        variable: &str,
        secret: &str,
    ) -> Verdict<Arc<Running>> {
        self.hide(secret);
        let launch = self.launch(role, arguments)?.env(variable, secret);
        self.run_launch(&launch)
    }

    /// From now on no report shows this.
    pub fn hide(&mut self, secret: &str) {
        self.scene.journal.hide(secret);
        self.secrets.push(secret.to_owned());
    }

    fn run_launch(&mut self, launch: &Launch) -> Verdict<Arc<Running>> {
        self.step(format!("started your program: {}", command(launch)));
        let started = launch.start(self.env.supervisor, self.start_deadline());
        self.scene.restart_clock();
        let running = Arc::new(started.map_err(|error| not_started(&error))?);
        // It may have ended already: all it said counts.
        self.watched.push((Arc::clone(&running), 0));
        Ok(running)
    }

    /// Starts programs with this variable from now on.
    pub fn set_variable(&mut self, name: &'static str, value: &'static str) {
        self.variables.push((name, value));
    }

    /// Waits for a program that ends by itself, `when` saying when it should.
    pub fn wait_exit(&self, running: &Running, when: &str) -> Verdict<Exit> {
        if let Some(exit) = running.wait_exit(self.deadline()) {
            self.step(format!("your program ended {}", exit.status));
            return Ok(exit);
        }
        let waited = self.scene.patience().as_secs_f64();
        let seen = format!("it still runs after {waited:.1} s");
        Err(Failure::new(format!("your program ends by itself, {when}"), seen).silent().into())
    }

    /// Starts a server on the port of one that has ended, and waits until it is up.
    pub fn start_again(&mut self, role: Role, ended: &Up, arguments: Vec<OsString>) -> Verdict<Up> {
        self.unwatch(&ended.running);
        let running = {
            let _pass = self.env.starts.enter();
            let running = self.run(role, arguments)?;
            if let Err(error) = running.wait_ready(readiness(role), ended.addr, self.start_deadline()) {
                self.unwatch(&running);
                return Err(
                    Failure::new("your program is up on the same port again", format!("it {error}")).into()
                );
            }
            running
        };
        self.scene.restart_clock();
        Ok(Up { running, ..ended.clone() })
    }

    fn start_deadline(&self) -> Deadline {
        Deadline::within(START.mul_f64(self.env.patience.div_duration_f64(PATIENCE)))
    }

    fn launch_server(&mut self, role: Role, arguments: &dyn Fn(u16) -> Vec<OsString>) -> Verdict<Up> {
        let launch = self.launch(role, Vec::new())?;
        let tried = Cell::new(0);
        let launch_on = |port| {
            tried.set(port);
            launch.clone().args(arguments(port))
        };
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let started = {
            let _pass = self.env.starts.enter();
            let deadline = self.start_deadline();
            start_ready(self.env.supervisor, readiness(role), host, deadline, launch_on)
        };
        self.scene.restart_clock();
        match started {
            Ok((running, lease)) => {
                let running = Arc::new(running);
                self.watch(&running);
                let addr = SocketAddr::new(host, lease.port());
                Ok(Up { command: command(&launch_on(lease.port())), running, addr, lease: Arc::new(lease) })
            }
            Err(error) if error.is_the_harness_s_fault() => Err(Fault::Broken(error.to_string())),
            Err(error) => {
                self.step(format!("started your program: {}", command(&launch_on(tried.get()))));
                Err(match error {
                    NotReady::NotStarted(error) => not_started(&error),
                    error => Failure::new(
                        match readiness(role) {
                            Readiness::Listening => "your program listens on the port it is given",
                            Readiness::Answering => {
                                "your program answers echo requests on the port it is given"
                            }
                        },
                        format!("it {error}"),
                    )
                    .into(),
                })
            }
        }
    }

    /// Programs run in another time zone than GMT, so that a local time where GMT is due shows, and in a locale
    /// in which file names are UTF-8: without one, a Java program cannot open a file named é. What they leave in
    /// `TMPDIR` goes with the run.
    fn launch(&self, role: Role, arguments: Vec<OsString>) -> Verdict<Launch> {
        let launch = self.env.programs.launch(role, arguments);
        let launch = launch.ok_or_else(|| Fault::Skipped(no_program(role)))?;
        let launch =
            launch.env("TZ", "Asia/Kolkata").env("LC_ALL", "C.UTF-8").env("TMPDIR", self.env.run_dir.path());
        Ok(self.variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value)))
    }

    fn watch(&mut self, running: &Arc<Running>) {
        self.watched.push((Arc::clone(running), running.stderr().total()));
    }

    /// From now on the end of this program is the check's own doing, and explains nothing.
    pub fn unwatch(&mut self, running: &Arc<Running>) {
        self.watched.retain(|(watched, _)| !Arc::ptr_eq(watched, running));
    }

    /// The programs that have run so far did what they should.
    pub fn unwatch_all(&mut self) {
        self.watched.clear();
    }

    /// Ends the trial: what the watched programs said and did meanwhile is added to a failure.
    pub fn finish(self, verdict: Verdict) -> Verdict {
        let Err(Fault::Failed(mut failure)) = verdict else { return verdict };
        if self.used_shared {
            self.shared.0 = None;
        }
        for (running, before) in &self.watched {
            failure.notes.extend(obituary(running, *before));
        }
        for secret in &self.secrets {
            failure.texts().for_each(|text| *text = text.replace(secret, HIDDEN));
        }
        Err(Fault::Failed(failure))
    }
}

/// How a server in this role shows that it is up (contract, "Submissions").
fn readiness(role: Role) -> Readiness {
    match role {
        Role::Echo => Readiness::Answering,
        _ => Readiness::Listening,
    }
}

/// Why a check of a role that is not provided is skipped.
pub fn no_program(role: Role) -> String {
    format!("no program for the role {role}")
}

fn not_started(error: &StartError) -> Fault {
    if error.is_the_harness_s_fault() {
        Fault::Broken(format!("could not start the program: {error}"))
    } else {
        Failure::new("your program starts", error.to_string()).into()
    }
}

/// How long the last words of a program that has just died may take to arrive.
const WORDS: Duration = Duration::from_millis(50);

/// Characters that are shown of a line of stderr.
const LINE: usize = 200;

/// What a program said and did since its stderr was `before` octets long, where that explains a failure: it
/// ended, or one of its threads panicked.
fn obituary(running: &Running, before: u64) -> Option<String> {
    let since = |stderr: &[u8]| {
        let new = stderr.get(usize::try_from(before).unwrap_or(usize::MAX)..).unwrap_or_default();
        let words = last_words(&String::from_utf8_lossy(new));
        let lines: Vec<String> = words.lines().map(|line| line.chars().take(LINE).collect()).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    };
    let words = running.wait_stderr(Deadline::after(WORDS), since).unwrap_or_default();
    // Who dies closes its stderr first; the news of the end comes behind.
    let exit = match running.stderr().is_closed() {
        true => running.wait_exit(Deadline::within(WORDS)),
        false => running.exited(),
    };
    match exit {
        Some(exit) if words.is_empty() => {
            Some(format!("your program ended {}, without a word on stderr", exit.status))
        }
        Some(exit) => Some(format!("your program ended {}; its last words:\n{words}", exit.status)),
        None if words.is_empty() => None,
        None => Some(format!("meanwhile your program wrote to stderr:\n{words}")),
    }
}

/// As one would type it.
fn command(launch: &Launch) -> String {
    launch.argv.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// A check's own seed must not depend on the order of the tables.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
