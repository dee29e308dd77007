//! The thread that listens to one program: to its supervisor, and to both streams of its output.

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, read};

use super::output::Output;
use super::running::{Exit, Gone, Status};
use crate::deadline::Deadline;

/// How long the end of a program and all its descendants may take.
const ENDING: Duration = Duration::from_millis(950);
/// How much is read from the pipes before the news that the program has ended is passed on: more than they hold.
const LAST_OUTPUT: usize = 2 << 20;

/// What the listening thread and everyone else share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    pub(super) control: UnixStream,
    pub(super) started: Instant,
    pub(super) flood: u64,
}

#[derive(Debug)]
pub(super) struct State {
    /// The process, and whose descendants the program's processes are.
    pub(super) started: Option<Result<[i32; 2], NotStarted>>,
    pub(super) exit: Option<Exit>,
    pub(super) gone: Option<Gone>,
    pub(super) flooded: bool,
    /// stdout, stderr.
    pub(super) output: [Output; 2],
}

#[derive(Clone, Debug)]
pub(super) enum NotStarted {
    /// The number of the error with which the system refused to run it; 0: the supervisor failed.
    Refused(i32),
    /// What should have confined it could not.
    Unconfined(String),
}

impl Shared {
    pub(super) fn new(control: UnixStream, started: Instant, keep: usize, flood: u64) -> Self {
        let output = [Output::keeping(keep), Output::keeping(keep)];
        let state = State { started: None, exit: None, gone: None, flooded: false, output };
        Self { state: Mutex::new(state), changed: Condvar::new(), control, started, flood }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at once and after every change.
    pub(super) fn wait<T>(&self, deadline: Deadline, mut look: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let mut state = self.state();
        loop {
            let found = look(&state);
            if found.is_some() || deadline.passed() {
                return found;
            }
            let waited = self.changed.wait_timeout(state, deadline.remaining());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Tells the supervisor to kill everything.
    pub(super) fn hang_up(&self) {
        let _ = self.control.shutdown(Shutdown::Write);
    }

    /// `None` if the supervisor does not say in time that all are gone.
    pub(super) fn end(&self) -> Option<Gone> {
        self.hang_up();
        self.wait(Deadline::after(ENDING), |state| state.gone)
    }

    /// Until the supervisor has gone and the pipes are empty.
    pub(super) fn watch(&self, pipes: [Option<OwnedFd>; 2]) {
        let mut pipes = Pipes(pipes);
        let mut words = String::new();
        let mut listening = true;
        while listening {
            let spoken = pipes.wait(Some(&self.control), PollTimeout::NONE);
            let Ok((spoken, readable)) = spoken else { break };
            self.hear(&mut pipes, readable);
            if spoken {
                // What the program printed before it ended comes before the news that it has.
                self.drain(&mut pipes);
                listening = self.heed(&mut words);
            }
        }
        self.drain(&mut pipes);
        self.supervisor_ended();
    }

    fn drain(&self, pipes: &mut Pipes) {
        let mut octets = 0;
        while octets < LAST_OUTPUT
            && let Ok((_, readable)) = pipes.wait(None, PollTimeout::ZERO)
            && readable != [false; 2]
        {
            octets += self.hear(pipes, readable);
        }
    }

    fn hear(&self, pipes: &mut Pipes, readable: [bool; 2]) -> usize {
        let mut buffer = [0; 64 * 1024];
        let mut octets = 0;
        for stream in [0, 1] {
            if !readable[stream] {
                continue;
            }
            let count = pipes.read(stream, &mut buffer);
            octets += count;
            let mut state = self.state();
            if count == 0 {
                state.output[stream].close();
            }
            state.output[stream].push(&buffer[..count], Instant::now());
            if state.output[stream].total() > self.flood && !state.flooded {
                state.flooded = true;
                self.hang_up();
            }
            self.changed.notify_all();
        }
        octets
    }

    /// Reads what the supervisor says; false when it says no more.
    fn heed(&self, words: &mut String) -> bool {
        let mut buffer = [0; 1024];
        let count = match (&self.control).read(&mut buffer) {
            Ok(0) | Err(_) => return false,
            Ok(count) => count,
        };
        words.push_str(&String::from_utf8_lossy(&buffer[..count]));
        while let Some(end) = words.find('\n') {
            self.note(&words[..end]);
            words.drain(..=end);
        }
        true
    }

    fn note(&self, report: &str) {
        let at = Instant::now();
        if let Some(why) = report.strip_prefix("unconfined ") {
            self.state().started = Some(Err(NotStarted::Unconfined(why.to_owned())));
            self.changed.notify_all();
            return;
        }
        let mut words = report.split(' ');
        let kind = words.next();
        let code = kind == Some("exited") && words.next() == Some("code");
        let mut number = || words.next().and_then(|word| word.parse::<i64>().ok()).unwrap_or(0);
        let mut state = self.state();
        match kind {
            Some("started") => state.started = Some(Ok([number() as i32, number() as i32])),
            Some("refused") => state.started = Some(Err(NotStarted::Refused(number() as i32))),
            Some("exited") => {
                let status = number() as i32;
                let status = if code { Status::Code(status) } else { Status::Signal(status) };
                let after = at - self.started;
                state.exit = Some(Exit { status, after, at, left_behind: number() as usize });
            }
            Some("gone") => {
                state.gone = Some(Gone {
                    left_behind: number() as usize,
                    peak_resident: number() as u64 * 1024,
                    processor: Duration::from_micros(number() as u64),
                });
            }
            _ => {}
        }
        self.changed.notify_all();
    }

    /// It ended by itself, or somebody killed it: then at least the program's own group goes too.
    fn supervisor_ended(&self) {
        let mut state = self.state();
        if state.gone.is_none() {
            if let Some(Ok([pid, _])) = state.started {
                let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
            }
            state.gone = Some(Gone::default());
        }
        state.started.get_or_insert(Err(NotStarted::Refused(0)));
        state.output.iter_mut().for_each(Output::close);
        self.changed.notify_all();
    }
}

/// stdout and stderr, each until its end.
struct Pipes([Option<OwnedFd>; 2]);

impl Pipes {
    /// Whether `control` has something to say, and which pipes have something to read.
    fn wait(&self, control: Option<&UnixStream>, timeout: PollTimeout) -> io::Result<(bool, [bool; 2])> {
        let sources = [
            control.map(AsFd::as_fd),
            self.0[0].as_ref().map(AsFd::as_fd),
            self.0[1].as_ref().map(AsFd::as_fd),
        ];
        let mut fds: Vec<PollFd> =
            sources.iter().flatten().map(|&fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        while let Err(errno) = poll(&mut fds, timeout) {
            if errno != nix::errno::Errno::EINTR {
                return Err(errno.into());
            }
        }
        let mut ready = fds.iter().map(|fd| fd.any().unwrap_or(true));
        let [spoken, stdout, stderr] = sources.map(|source| source.is_some() && ready.next() == Some(true));
        Ok((spoken, [stdout, stderr]))
    }

    /// Closes the pipe at its end.
    fn read(&mut self, stream: usize, buffer: &mut [u8]) -> usize {
        let count = self.0[stream].as_ref().and_then(|pipe| read(pipe, buffer).ok()).unwrap_or(0);
        if count == 0 {
            self.0[stream] = None;
        }
        count
    }
}
