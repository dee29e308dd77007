//! Stage 1: listen and answer.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::serve::{Fresh, Server, shared};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, expect_status};
use crate::deadline::{Deadline, poll_until};
use crate::subject::Status;
use crate::sys;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.start.listens",
        title: "your server listens on its port within 5 s",
        lab: Lab::Lab1,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &[],
        basis: Basis::Contract,
        clause: "contract, submissions",
        why: "A server is up as soon as its port accepts connections: bind, listen, then accept for ever.",
        peers: "",
        hints: &[
            "`TcpListener::bind` makes the socket, binds and listens in one call; which address does it get?",
            "The address comes from --host and --port, not from a constant.",
        ],
        run: listens,
    },
    Check {
        id: "web.start.answers",
        title: "a GET of a file is answered with a well-formed 200",
        lab: Lab::Lab1,
        stage: 1,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: &["web.start.listens"],
        basis: Basis::Must,
        clause: "RFC 9112 §2.1",
        why: "A response is a status line, field lines and an empty line, each ended by CR LF, then the body.",
        peers: "",
        hints: &[
            "Look at it with `curl -v`: which line is the first that curl does not understand?",
            "Every line of the head ends with \\r\\n, and the head itself with an empty line.",
        ],
        run: answers,
    },
    Check {
        id: "web.start.port-taken",
        title: "a second copy on the same port ends with a message, and the first goes on",
        lab: Lab::Lab1,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, submissions",
        why: "Whoever starts a server must learn at once that it is not serving: from its exit status if a script \
              has started it, from stderr if a person has.",
        peers: "nginx: \"bind() to 127.0.0.1:8080 failed (98: Address already in use)\", and status 1.",
        hints: &[
            "What does your program do with the error that bind returns?",
            "Print it to stderr and exit with 1. SO_REUSEPORT would let both copies listen and share the \
             connections out between them: leave it off.",
        ],
        run: port_taken,
    },
    Check {
        id: "web.start.restarts",
        title: "killed and started again at once, your server gets its port back",
        lab: Lab::Lab1,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "When a server ends, its connections linger in the kernel (FIN_WAIT_2, TIME_WAIT) for a minute and \
              keep the port from being bound, unless the socket says SO_REUSEADDR before it binds.",
        peers: "Every server sets it; so do the standard libraries of Rust, Go, Java and Node by themselves. C and \
                Python do not.",
        hints: &[
            "Set SO_REUSEADDR on the listening socket.",
            "Set it between making the socket and bind; afterwards it is too late.",
        ],
        run: restarts,
    },
    Check {
        id: "web.start.stops",
        title: "SIGTERM and SIGINT end your server within 5 s, though a client stays connected",
        lab: Lab::Lab1,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, submissions",
        why: "A service manager asks with SIGTERM, Ctrl-C with SIGINT; what does not end is killed, whatever it was \
              doing. A client that keeps an idle connection open must not hold it up.",
        peers: "With an idle connection nginx ends at once, lighttpd after 1 s, Apache after 4 s at most.",
        hints: &[
            "Without any handler both signals end a program at once; that passes here.",
            "A thread that waits in accept or read does not see a flag that a handler sets: wake it, with a \
             connection to yourself, by shutting the sockets down, or by waiting with poll.",
        ],
        run: stops,
    },
];

const ANSWERS: &[&str] = &["web.start.answers"];
/// What a loaded machine adds to the contract's 5 s.
const STOP_GRACE: Duration = Duration::from_secs(1);

fn listens(t: &mut Trial) -> Verdict {
    Fresh::new().start(t).map(|_| ())
}

fn answers(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let response = server.ask(&server.get(&server.site.text.target).close())?;
    expect_status(&response, 200)
}

fn port_taken(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let arguments = Fresh::new().arguments(server.addr().port(), &server.site.root, t.model());
    t.step("your program is started once more, on the same port");
    let second = t.run(Role::Server, arguments)?;
    let Some(exit) = second.wait_exit(t.deadline()) else {
        let failure = Failure::new("the second copy ends, since the port is taken", "it goes on running");
        let listening = second.listeners().is_ok_and(|listeners| !listeners.is_empty());
        return Err(if listening {
            failure.note("it listens as well: SO_REUSEPORT, or another port than the one it was given")
        } else {
            failure.silent()
        }
        .into());
    };
    t.unwatch(&second);
    ensure(!exit.status.success(), "the second copy exits with another status than 0", "it exits with 0")?;
    ensure(second.stderr().total() > 0, "a message on stderr", "not a word there")?;
    let response = server.ask(&server.get(&server.site.text.target));
    response
        .and_then(|response| expect_status(&response, 200))
        .note("this was the first copy, after the second had failed to start")
}

fn restarts(t: &mut Trial) -> Verdict {
    let first = Fresh::new().start(t)?;
    let open = keep_a_connection(&first)?;
    kill_all(t, &first);
    // The kernel still holds the server's side of the connection, in FIN_WAIT_2.
    let second =
        start_again(t, &first).note("a client had not closed its connection to the killed server yet")?;

    let closed = keep_a_connection(&second)?;
    kill_all(t, &second);
    drop((open, closed));
    // The server closed first, so its side stays in TIME_WAIT.
    start_again(t, &second).map(|_| ()).note("all connections to the killed server had been closed")
}

/// A connection on which one response has come.
fn keep_a_connection(server: &Server) -> Verdict<Conn> {
    let mut conn = server.connect()?;
    conn.ask(&server.get(&server.site.text.target))?;
    Ok(conn)
}

/// kill -9 for all of the server's processes, and waits until none is left.
fn kill_all(t: &Trial, server: &Server) {
    t.step("killed your program (kill -9), all of its processes");
    poll_until(t.deadline(), || {
        let left = sys::descendants(server.running().reaper_pid()).unwrap_or_default();
        for &pid in &left {
            // It may have ended meanwhile.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        left.is_empty().then_some(())
    });
}

fn start_again(t: &mut Trial, server: &Server) -> Verdict<Server> {
    let arguments = Fresh::new().arguments(server.addr().port(), &server.site.root, t.model());
    let mut again = server.clone();
    again.up = t.start_again(Role::Server, &server.up, arguments)?;
    Ok(again)
}

fn stops(t: &mut Trial) -> Verdict {
    let signals = [Signal::SIGTERM, Signal::SIGINT];
    let servers = [Fresh::new().start(t)?, Fresh::new().start(t)?];
    let _idle = [keep_a_connection(&servers[0])?, keep_a_connection(&servers[1])?];
    for (server, signal) in servers.iter().zip(signals) {
        t.step(format!("sent {signal} to your program; a client's connection to it is open and idle"));
        t.unwatch(server.running());
        // One that has ended already says so below.
        let _ = server.running().signal(signal);
    }
    let deadline = Deadline::after(t.scene().patience() + STOP_GRACE);
    servers.iter().zip(signals).try_for_each(|(server, signal)| stopped(server, signal, deadline))
}

fn stopped(server: &Server, signal: Signal, deadline: Deadline) -> Verdict {
    let number = signal as i32;
    let expected = format!("it ends within 5 s of {signal}, with 0 or {}, or by the signal", 128 + number);
    match server.running().wait_exit(deadline).map(|exit| exit.status) {
        Some(Status::Code(code)) if code == 0 || code == 128 + number => Ok(()),
        Some(Status::Signal(by)) if by == number => Ok(()),
        Some(status) => fail(expected, format!("it ended {status}")),
        None => Err(Failure::new(expected, "it still runs").silent().into()),
    }
    .by_hand("nc 127.0.0.1 8080 & kill -TERM $(pidof web-server); wait")
}
