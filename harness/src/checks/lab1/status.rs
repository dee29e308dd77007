//! Stage 11, `GET /server-status?auto`: what the server tells of itself, in Apache's machine-readable form.

use std::time::Duration;

use super::crowd::Half;
use super::fork::owners;
use super::processes::{Family, need_model};
use super::serve::{Fresh, Server};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status;
use crate::deadline::{Deadline, poll_until};
use crate::trial::{Model, Trial};
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure, fail};
use crate::wire::bytes;
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.status.page",
        title: "/server-status?auto has the numbers, and its requests are counted right",
        lab: Lab::Lab1,
        stage: 11,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.parse.bytewise"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "Monitoring programs read this page every few seconds: `Name: value` lines in text/plain, among them \
              `Total Accesses`, the requests answered so far, and `ConnsTotal`, the connections open now.",
        peers: "Apache's mod_status has both in this form; lighttpd has `Total Accesses`; nginx's stub_status has a \
                form of its own.",
        hints: &[
            "The counter belongs to all threads: an atomic number (AtomicU64), or a number behind a lock.",
            "Count where a response has been sent, whatever its status was, and count each once.",
        ],
        run: page,
    },
    Check {
        id: "web.status.connections",
        title: "ConnsTotal follows the connections as they open, close and are reset",
        lab: Lab::Lab1,
        stage: 11,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.status.page", "web.many.stalled"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A number of things that are open now must go down on every way out: FIN, RST, error. If one way is \
              forgotten, it creeps up for ever.",
        peers: "",
        hints: &[
            "Where is the number decremented? A value whose Drop (finally, defer, with) does it cannot be forgotten.",
            "What happens in your program when a read returns an error instead of 0?",
        ],
        run: connections,
    },
    Check {
        id: "web.status.fork",
        title: "in the fork model the numbers are those of all processes",
        lab: Lab::Lab1,
        stage: 11,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.status.connections", "web.fork.reaped"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "After `fork` a child increments its own copy of a variable; the parent's stays what it was. What all \
              must see lies in shared memory, or is sent to the parent. And a child that is killed runs no clean-up: \
              only its parent, when it reaps it, can count its connection as closed.",
        peers: "Apache's scoreboard is shared memory that the parent and all children have mapped.",
        hints: &[
            "Anonymous shared memory (`mmap` with MAP_SHARED) made before the first fork is seen by all children.",
            "Who counts down when a child dies of SIGKILL? The one who reaps it: children living = connections open.",
        ],
        run: fork,
    },
];

const TARGET: &str = "/server-status?auto";

/// The two numbers that are owed.
#[derive(Clone, Copy)]
struct Status {
    accesses: u64,
    connections: u64,
}

impl Status {
    fn ask(server: &Server) -> Verdict<Status> {
        let response = server.ask(&server.get(TARGET).close())?;
        expect_status(&response, 200)?;
        let kind = response.head.fields.text("Content-Type").unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        ensure(
            essence.eq_ignore_ascii_case("text/plain"),
            "Content-Type: text/plain",
            if kind.is_empty() { "no Content-Type".to_owned() } else { format!("Content-Type: {kind}") },
        )?;
        Ok(Status {
            accesses: number(&response, "Total Accesses")?,
            connections: number(&response, "ConnsTotal")?,
        })
    }
}

/// The number of the line `name: number`.
fn number(response: &Response, name: &str) -> Verdict<u64> {
    let text = String::from_utf8_lossy(&response.body);
    let expected = format!("a line `{name}: ` with a whole number");
    let Some(value) = text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    }) else {
        let (line, _) = bytes::excerpt(&response.body, 0, 0, 70);
        return Err(Failure::new(expected, "no such line").excerpt([line]).into());
    };
    value.parse().or_else(|_| fail(expected, format!("`{name}: {value}`")))
}

/// The contract's second, and half of one for a busy machine.
const LAG: Duration = Duration::from_millis(1500);

/// Asks for the page until `right` finds nothing wrong, at growing intervals; `right` is given the page and how
/// many were asked for before it, and says what it expected.
fn settle(server: &Server, right: impl Fn(Status, u64) -> Verdict) -> Verdict {
    server.restart_clock();
    let deadline = Deadline::within(LAG);
    let (mut pages, mut pause, mut next) = (0, Duration::from_millis(5), Deadline::after(Duration::ZERO));
    let mut last = Ok(());
    let settled = poll_until(deadline, || {
        if !next.passed() && !deadline.passed() {
            return None;
        }
        last = Status::ask(server).and_then(|status| right(status, pages));
        pages += 1;
        pause *= 2;
        next = Deadline::after(pause);
        match &last {
            Err(Fault::Failed(_)) => None,
            _ => Some(()),
        }
    });
    match settled {
        Some(()) => last,
        None => last.map_err(|fault| match fault {
            Fault::Failed(failure) => {
                failure.note("the page was asked for again and again meanwhile; it stayed wrong").into()
            }
            other => other,
        }),
    }
}

fn page(t: &mut Trial) -> Verdict {
    let server = Fresh::new().start(t)?;
    count_accesses(t, &server)
}

/// Clients that ask at the same time; no more than workers.
const AT_ONCE: usize = 6;

fn count_accesses(t: &mut Trial, server: &Server) -> Verdict {
    let before = Status::ask(server)?.accesses;
    let requests = t.rng.u64(7..15);
    for at in 0..requests {
        // An error is an answer, too; two of them are more than the one request of grace.
        let target = if at % 3 == 2 { "/no/such/file" } else { &server.site.text.target };
        server.ask(&server.get(target).close())?;
    }
    t.step(format!("asked for {requests} files, one after the other, between two status pages"));
    expect_growth(server, before, requests)?;

    let before = Status::ask(server)?.accesses;
    let mut together: Vec<_> =
        (0..AT_ONCE).map(|client| Half::send(server, client)).collect::<Verdict<_>>()?;
    together.iter_mut().try_for_each(Half::complete)?;
    together.iter_mut().try_for_each(Half::answer)?;
    t.step(format!("asked for {AT_ONCE} files at the same time"));
    expect_growth(server, before, AT_ONCE as u64).note(
        "one after the other they were counted right: two that read the counter, add 1 and write it back at the same \
         time count once (an atomic `fetch_add`, or a lock around all three)",
    )
}

fn expect_growth(server: &Server, before: u64, requests: u64) -> Verdict {
    settle(server, |status, pages| {
        let between = requests + pages;
        let growth = status.accesses.checked_sub(before);
        ensure(
            growth.is_some_and(|growth| growth == between || growth == between + 1),
            format!(
                "`Total Accesses` grows from {before} by {between}, the requests in between, or one more"
            ),
            format!("`Total Accesses: {}`", status.accesses),
        )
    })
}

/// Fails unless `ConnsTotal` becomes `open` and the page's own connection.
fn expect_connections(server: &Server, open: usize, when: &str) -> Verdict {
    settle(server, |status, _| {
        ensure(
            status.connections == open as u64 + 1,
            format!("`ConnsTotal: {}` {when}: {open} and the one that asks for the page", open + 1),
            format!("`ConnsTotal: {}`", status.connections),
        )
    })
}

fn connections(t: &mut Trial) -> Verdict {
    let server = Fresh::new().start(t)?;
    follow_connections(t, &server).map(drop)
}

/// Opens and closes connections; the last three stay open.
fn follow_connections(t: &mut Trial, server: &Server) -> Verdict<Vec<Half>> {
    expect_connections(server, 0, "with no other connection")?;
    let mut halves = Half::open_all(server, 6)?;
    t.step("opened 6 connections, each with half a request");
    expect_connections(server, 6, "with 6 connections open")?;
    halves.pop();
    t.step("closed one of them");
    expect_connections(server, 5, "when one of 6 has been closed (FIN)")?;
    for half in halves.drain(3..) {
        half.conn.reset()?;
    }
    expect_connections(server, 3, "when two of 5 have been reset (RST)")?;
    Ok(halves)
}

fn fork(t: &mut Trial) -> Verdict {
    need_model(t, Model::Fork)?;
    let server = t.under(Model::Fork, |t| Fresh::new().start(t))?;
    count_accesses(t, &server)?;
    let halves = follow_connections(t, &server)?;
    let family = Family::of(t, &server);
    let owners = owners(t, &family, &halves)?;
    super::fork::end(owners[0])?;
    t.step(format!("killed process {}, which has one of them, with SIGKILL", owners[0]));
    expect_connections(&server, 2, "when the process of one of 3 has been killed")
}
