//! Stage 9, many clients: what a client costs is given back when it has gone, and threads are counted.

use std::time::Duration;

use super::crowd::Half;
use super::many::start_download;
use super::processes::{Family, need_linux, need_model};
use super::serve::{Fresh, Server};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::{Deadline, poll_until};
use crate::trial::{Model, Trial};
use crate::verdict::{Failure, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.many.bounded",
        title: "the number of threads does not grow with the number of clients",
        lab: Lab::Lab1,
        stage: 9,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.parse.bytewise"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A thread for each connection lets every client take memory and scheduling from all others: some \
              thousand of them and the server stands still. A pool has a fixed number, and the rest waits.",
        peers: "Apache's event MPM: 25 threads a process, 400 in all, unless configured otherwise. nginx: \
                as many processes as `worker_processes` says, whatever the number of clients.",
        hints: &[
            "Start the threads once, before the first `accept`, and as many as --workers says.",
            "Where do connections wait while all workers are busy? In a bounded queue between accept and workers.",
        ],
        run: bounded,
    },
    Check {
        id: "web.many.leaks",
        title: "descriptors, threads and processes are given back after each client",
        lab: Lab::Lab1,
        stage: 9,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.many.survives"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A descriptor that is not closed on one path through the code is lost until the program ends. At 1024 \
              of them (`ulimit -n`) `accept` fails for every client.",
        peers: "",
        hints: &[
            "Which paths leave the function that serves a connection without closing it? Early returns, exceptions.",
            "`ls -l /proc/$(pidof web-server)/fd` shows what is open; do some requests and look again.",
        ],
        run: leaks,
    },
];

const WORKERS: usize = 4;
/// Threads and descriptors that a language's runtime may start or open by the way.
const SLACK: usize = 8;

fn bounded(t: &mut Trial) -> Verdict {
    need_model(t, Model::Pool)?;
    t.under(Model::Pool, threads_are_bounded)
}

fn threads_are_bounded(t: &mut Trial) -> Verdict {
    const CLIENTS: usize = 3 * (WORKERS + SLACK);
    let server = Fresh::new().workers(WORKERS).start(t)?;
    let family = Family::of(t, &server);
    // What a program loads for its first request is there from then on.
    Half::send(&server, 0)?.finish()?;
    family.wait_quiet();
    let before = family.threads()?;

    let mut crowd = Vec::new();
    while crowd.len() < CLIENTS && family.accepts() {
        crowd.push(Half::send(&server, crowd.len())?);
    }
    family.wait_quiet();
    let after = family.threads()?;
    t.step(format!("opened {} connections, each with half a request", crowd.len()));
    if after <= before + WORKERS + SLACK {
        return Ok(());
    }
    let failure = Failure::new(
        format!("threads and processes stay about as many with {CLIENTS} clients as with none"),
        format!("{before} before, {after} with {} connections open", crowd.len()),
    );
    Err(failure
        .note(format!(
            "allowed is the growth to --workers {WORKERS} and {SLACK} more for the language's runtime"
        ))
        .by_hand("watch grep Threads /proc/$(pidof web-server)/status")
        .into())
}

/// Clients of each kind: more than the slack, so that one thing lost a client shows.
const EACH: usize = 30;

fn leaks(t: &mut Trial) -> Verdict {
    need_linux()?;
    let server = Fresh::new().workers(WORKERS).start(t)?;
    // All workers have worked, and each kind of client has been there: a lazy pool is full now.
    let together: Vec<_> = (0..WORKERS).map(|client| Half::send(&server, client)).collect::<Verdict<_>>()?;
    for half in together {
        half.finish()?;
    }
    for (_, client) in CLIENTS {
        client(t, &server)?;
    }
    let family = Family::of(t, &server);
    family.wait_quiet();
    let before = Holdings::of(&family)?;
    for (what, client) in CLIENTS {
        t.scene().restart_clock();
        t.step(format!("{EACH} clients that {what}"));
        for _ in 0..EACH {
            client(t, &server)?;
        }
        let mut last = Ok(before);
        let back = poll_until(Deadline::within(SETTLING), || {
            last = Holdings::of(&family);
            last.as_ref().map_or(true, |now| now.within(&before)).then_some(())
        });
        let now = last?;
        let failure = Failure::new(
            format!("no more than {SLACK} above what it was before: {before}"),
            format!("after {EACH} clients that {what}: {now}"),
        );
        back.ok_or_else(|| failure.note(now.excess(&before)))?;
    }
    Ok(())
}

const SETTLING: Duration = Duration::from_secs(2);

/// What a client does, and its name.
type Client = (&'static str, fn(&Trial, &Server) -> Verdict);

const CLIENTS: [Client; 4] = [
    ("asked for a file and went", |_, server| Half::send(server, 0)?.finish()),
    ("asked for a file that is not there", |_, server| {
        server.ask(&server.get("/no-such-file-here").close()).map(drop)
    }),
    ("reset the connection in the middle of their request", |_, server| Half::open(server, 0)?.conn.reset()),
    ("reset the connection in the middle of a large answer", |t, server| start_download(t, server)?.reset()),
];

/// What all processes of a program have together. Ended ones that nobody has reaped are another check's matter.
#[derive(Clone, Copy)]
struct Holdings {
    descriptors: usize,
    threads: usize,
}

impl Holdings {
    fn of(family: &Family) -> Verdict<Holdings> {
        Ok(Holdings { descriptors: family.descriptors()?, threads: family.threads()? })
    }

    fn within(&self, before: &Holdings) -> bool {
        self.excess_of(before).is_none()
    }

    fn excess(&self, before: &Holdings) -> &'static str {
        self.excess_of(before).unwrap_or_default()
    }

    /// What to look for, if there is more of anything.
    fn excess_of(&self, before: &Holdings) -> Option<&'static str> {
        if self.descriptors > before.descriptors + SLACK {
            Some("an open descriptor is left over from each client: a socket or a file that is not closed")
        } else if self.threads > before.threads + SLACK {
            Some("a thread or a process is left over from each client")
        } else {
            None
        }
    }
}

impl std::fmt::Display for Holdings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Holdings { descriptors, threads } = self;
        write!(f, "{descriptors} descriptors, {threads} threads")
    }
}
