//! Stage 10, the fork model: a process for each connection, which nobody else's fate touches.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::crowd::Half;
use super::processes::{Family, need_model};
use super::serve::{Fresh, Server};
use super::twins;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::{Deadline, poll_until};
use crate::sys;
use crate::trial::{Model, Trial};
use crate::verdict::{Explain, Failure, Fault, Verdict, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.fork.process",
        title: "with --model fork each connection belongs to a child process of its own",
        lab: Lab::Lab1,
        stage: 10,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "After `fork` both processes have the connection open. The child serves it; the parent closes its copy \
              at once, or the connection would stay open when the child closes it, and the parent would run out of \
              descriptors.",
        peers: "Apache 1.3 and sshd work like this; PostgreSQL still forks a process for each connection.",
        hints: &[
            "In which process do the lines after `fork` run? In both: its return value tells which one is meant.",
            "The parent closes (drops) the accepted socket; the child closes the listening one.",
        ],
        run: process,
    },
    Check {
        id: "web.fork.isolation",
        title: "killing one connection's process breaks that connection alone",
        lab: Lab::Lab1,
        stage: 10,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.fork.process"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "This is what processes are for: each has its own memory and descriptors, and one that dies, even of \
              SIGKILL, takes nothing of the others with it. The kernel closes what only it held.",
        peers: "sshd's children share nothing, and the others go on. PostgreSQL's share memory: when one is killed, its \
                parent ends all the others, for who knows what the dead one left behind there.",
        hints: &[
            "If other connections break as well: what do the processes share? A pipe, a lock in shared memory?",
            "If the connection stays open: which other process has a copy of its socket?",
            "If the whole server ends: a child's end sends its parent SIGCHLD, which interrupts `accept` (EINTR), and a \
             child that was killed is no reason to end.",
        ],
        run: isolation,
    },
    Check {
        id: "web.fork.reaped",
        title: "ended children are reaped",
        lab: Lab::Lab1,
        stage: 10,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.fork.isolation"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A child that has ended stays in the process table, as a zombie, until its parent has asked how it ended \
              (`wait`). A server that never asks fills the table, and then nobody can start a process any more.",
        peers: "",
        hints: &[
            "`ps -o pid,ppid,stat,cmd --ppid $(pidof web-server)` after some requests: what does the Z mean?",
            "Call `waitpid(-1, WNOHANG)` until it finds none: signals do not queue, one SIGCHLD may mean three children.",
            "`SIGCHLD` interrupts `accept` with EINTR: that is no error, go on accepting.",
        ],
        run: reaped,
    },
    Check {
        id: "web.fork.single-thread",
        title: "the forking server and its children have one thread each",
        lab: Lab::Lab1,
        stage: 10,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.fork.process"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "`fork` copies the memory and only the thread that calls it. A lock that another thread held at that \
              moment (of the allocator, of stdout) stays locked in the child for ever: it hangs one day in a thousand.",
        peers: "POSIX allows a child of a program with several threads only async-signal-safe functions until it calls exec.",
        hints: &[
            "Which threads run before the accepting loop begins? A signal thread, a log thread, the pool itself?",
            "Start the pool only in the pool model; in the fork model a signal handler or signalfd replaces the thread.",
        ],
        run: single_thread,
    },
    Check {
        id: "web.fork.same-answers",
        title: "both models answer byte for byte the same",
        lab: Lab::Lab1,
        stage: 10,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.fork.process"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "How connections are spread over threads or processes is no concern of HTTP: the code that answers is the \
              same. Only the Date may differ.",
        peers: "Apache's MPMs (prefork, worker, event) can be exchanged, and no client notices.",
        hints: &[
            "Is there one function that serves a connection, called by both models?",
            "What is done once at the start in one model, and for every connection in the other?",
        ],
        run: twins::same_answers,
    },
    Check {
        id: "web.fork.same-checks",
        title: "what the stages before ask for holds in the fork model, too",
        lab: Lab::Lab1,
        stage: 10,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.fork.process"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "Both models keep the whole contract. Checks of the stages before are run again with --model fork; one \
              that fails in both models is not counted here again.",
        peers: "",
        hints: &[
            "Run the named check alone with `--model fork` and compare it with `--model pool`.",
            "Children that inherit descriptors, buffered output or signal handlers are what differs most often.",
        ],
        run: twins::same_checks,
    },
];

/// Clients whose processes are looked at.
const CLIENTS: usize = 3;

fn start(t: &mut Trial) -> Verdict<Server> {
    need_model(t, Model::Fork)?;
    t.under(Model::Fork, |t| Fresh::new().start(t))
}

fn process(t: &mut Trial) -> Verdict {
    let server = start(t)?;
    let halves = Half::open_all(&server, CLIENTS)
        .note("a parent that waits for the end of its child accepts nobody meanwhile")?;
    owners(t, &Family::of(t, &server), &halves)?;
    for half in halves {
        half.finish()?;
    }
    Ok(())
}

/// The one process that holds each of these connections; fails unless each has one to itself, a child.
pub fn owners(t: &Trial, family: &Family, halves: &[Half]) -> Verdict<Vec<i32>> {
    let mut owners = Vec::with_capacity(halves.len());
    for half in halves {
        // The child may have read before the parent has closed its copy.
        let mut holders = Ok(Vec::new());
        let alone = poll_until(Deadline::within(SETTLING), || {
            holders = family.holders(&half.conn);
            holders.as_ref().map_or(true, |holders| holders.len() == 1).then_some(())
        });
        let holders = holders?;
        if alone.is_none() {
            return shared_failure(&holders);
        }
        owners.extend(holders);
    }
    t.step(format!("{} clients are connected; their sockets belong to {}", halves.len(), list(&owners)));
    for (at, &owner) in owners.iter().enumerate() {
        if let Some(other) = owners[..at].iter().position(|&before| before == owner) {
            return Err(Failure::new(
                "a child process for each connection",
                format!("process {owner} has both connection {} and connection {}", other + 1, at + 1),
            )
            .note(FORGOTTEN)
            .into());
        }
        if owner == family.started() {
            return Err(Failure::new(
                "a child process for each connection",
                format!("connection {} belongs to process {owner}, the one that was started", at + 1),
            )
            .note(FORGOTTEN)
            .into());
        }
    }
    Ok(owners)
}

const FORGOTTEN: &str = "does the program look at --model, and call `fork` for every connection it accepts?";

const SETTLING: std::time::Duration = std::time::Duration::from_secs(1);

fn shared_failure<T>(holders: &[i32]) -> Verdict<T> {
    match holders {
        [] => fail("a process has the connection open", "none has: it was closed before its request was whole"),
        _ => Err(Failure::new(
            "one process, the child, has the connection open",
            format!("{} have it", list(holders)),
        )
        .note("after `fork` the parent closes its copy of the accepted socket; a later child inherits what it forgets")
        .into()),
    }
}

fn list(pids: &[i32]) -> String {
    match pids {
        [pid] => format!("process {pid}"),
        _ => format!("processes {}", pids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn isolation(t: &mut Trial) -> Verdict {
    let server = start(t)?;
    let mut halves = Half::open_all(&server, CLIENTS)?;
    let owners = owners(t, &Family::of(t, &server), &halves)?;
    end(owners[1])?;
    t.step(format!("killed process {}, which has the second connection, with SIGKILL", owners[1]));

    let mut broken = halves.remove(1);
    broken.conn.expect_close().explain(|failure| Failure {
        expected: "the connection of the killed process is closed by the kernel".to_owned(),
        ..failure
    })?;
    for (half, name) in halves.into_iter().zip(["first", "third"]) {
        half.finish().explain(|failure| Failure {
            expected: format!("the {name} connection, whose process lives, is answered"),
            ..failure
        })?;
    }
    Half::send(&server, 0)?.finish().explain(|failure| Failure {
        expected: "a new connection is served after another's process was killed".to_owned(),
        ..failure
    })
}

pub fn end(pid: i32) -> Verdict {
    kill(Pid::from_raw(pid), Signal::SIGKILL)
        .map_err(|error| Fault::Broken(format!("could not kill process {pid} of the program: {error}")))
}

/// Clients that come and go.
const GONE: usize = 12;
/// A parent may look for ended children only when it accepts the next connection.
const UNREAPED: usize = 2;

fn reaped(t: &mut Trial) -> Verdict {
    let server = start(t)?;
    let family = Family::of(t, &server);
    Half::open(&server, 0)?.finish()?;
    family.wait_quiet();
    let before = family.pids()?.len();
    for client in 0..GONE {
        let half = Half::open(&server, client)?;
        let owner = owners(t, &family, std::slice::from_ref(&half))?[0];
        match client % 3 {
            0 => half.finish()?,
            1 => half.conn.reset()?,
            _ => end(owner)?,
        }
        // What becomes of the child has been seen to before the next connection comes.
        family.wait_quiet();
    }
    Half::send(&server, 0)?.finish()?;
    let mut left = Ok(Left::default());
    let few = poll_until(Deadline::within(SETTLING), || {
        left = Left::of(&family, before);
        left.as_ref().map_or(true, |left| left.zombies.max(left.more) <= UNREAPED).then_some(())
    });
    let left = left?;
    few.ok_or_else(|| left.failure().by_hand("ps -o pid,stat,cmd --ppid $(pidof web-server)").into())
}

/// What is left of the children whose connections are over.
#[derive(Default)]
struct Left {
    zombies: usize,
    /// Processes of any kind, more than before.
    more: usize,
}

impl Left {
    fn of(family: &Family, before: usize) -> Verdict<Left> {
        Ok(Left { zombies: family.zombies()?.len(), more: family.pids()?.len().saturating_sub(before) })
    }

    fn failure(&self) -> Failure {
        let expected =
            format!("of the children whose connections are over none stays, or the last {UNREAPED}");
        if self.zombies > UNREAPED {
            let seen =
                format!("{} are zombies: ended, and their parent has not waited for them", self.zombies);
            Failure::new(expected, seen)
        } else {
            Failure::new(
                expected,
                format!("{} processes more than before, and they have not ended", self.more),
            )
            .note("a child must end after its connection; one that returns into the accepting loop serves on")
        }
    }
}

fn single_thread(t: &mut Trial) -> Verdict {
    let server = start(t)?;
    let family = Family::of(t, &server);
    let halves = Half::open_all(&server, CLIENTS)?;
    let owners = owners(t, &family, &halves)?;
    let pids = family.pids()?;
    for &owner in &owners {
        let parent = sys::facts(owner).map_or(0, |facts| facts.parent);
        for (pid, who) in [(parent, "the process that forks"), (owner, "a child")] {
            let threads = sys::facts(pid).map_or(1, |facts| facts.threads);
            if pids.contains(&pid) && threads != 1 {
                return Err(Failure::new(
                    "one thread in each process",
                    format!("{who} ({pid}) has {threads}"),
                )
                .by_hand("grep Threads /proc/$(pidof -s web-server)/status")
                .into());
            }
        }
    }
    Ok(())
}
