//! Stage 9, many clients: nobody waits for a client that is slow, and a worker outlives every client.

use nix::sys::signal::Signal;

use super::crowd::{Half, ask_until_served, expect_file};
use super::processes::Family;
use super::serve::{Fresh, Server};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::Conn;
use crate::stream::Arrival;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.many.concurrent",
        title: "three clients at once are answered in whatever order they finish",
        lab: Lab::Lab1,
        stage: 9,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: &["web.parse.bytewise"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A client may stop in the middle of its request for seconds; a server that waits for it there serves \
              nobody else meanwhile. So each connection gets a thread, a process, or a place in an event loop.",
        peers: "Apache gives a connection a thread of a pool; nginx, lighttpd and node hold thousands in one event \
                loop; Apache 1.3 gave each a process.",
        hints: &[
            "Open two connections with `nc`, type half a request in the first and a whole one in the second.",
            "Only the thread that accepts may call `accept`, and it must do nothing else that can wait, such as read.",
            "Workers take connections from a queue: a Mutex with a Condvar, or a bounded channel.",
        ],
        run: concurrent,
    },
    Check {
        id: "web.many.stalled",
        title: "with all workers but one stalled, the last one serves everybody",
        lab: Lab::Lab1,
        stage: 9,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.parse.bytewise"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "--workers N means N connections at the same time: N-1 clients that stall leave one worker for the rest.",
        peers: "",
        hints: &[
            "How many threads does your program start, and where does that number come from?",
            "Is a lock held while a worker reads from its connection? Then all others wait for it.",
        ],
        run: stalled,
    },
    Check {
        id: "web.many.queue",
        title: "three times as many clients as workers are all answered in the end",
        lab: Lab::Lab1,
        stage: 9,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.many.concurrent"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "While all workers are busy, new connections wait in your queue, and behind it in the kernel's (the \
              backlog of `listen`). They may wait or be told 503, but not be dropped without a word.",
        peers: "Apache lets them wait in the backlog (ListenBacklog 511); nginx answers 503 where limit_conn is set.",
        hints: &[
            "What does your accepting thread do when the queue is full?",
            "Waiting until there is room is enough: the kernel queues the next connections meanwhile.",
        ],
        run: queue,
    },
    Check {
        id: "web.many.slow-reader",
        title: "a client that does not read its answer holds up nobody else",
        lab: Lab::Lab1,
        stage: 9,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.many.concurrent"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "When the client does not read, the buffers on the way fill up and your write blocks. That may stop the \
              one worker that writes, and nobody else.",
        peers: "",
        hints: &[
            "Which locks are held while the body is written? A log or a counter must not be locked for that long.",
            "In an event loop: write what fits, and go on when the socket is writable again.",
        ],
        run: slow_reader,
    },
    Check {
        id: "web.many.survives",
        title: "no worker is lost to clients that reset, send garbage or vanish",
        lab: Lab::Lab1,
        stage: 9,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.many.stalled"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "One request never brings the server down, nor a part of it: a worker whose thread dies of one bad \
              client (an `unwrap`, an exception, SIGPIPE) is missing from then on, and the pool dies bit by bit.",
        peers: "Apache's parent process starts a new child when one dies; nginx's master does the same.",
        hints: &[
            "What does a worker do when a read or a write fails? That is an everyday event, not a panic.",
            "The loop of a worker goes on after every error of a connection: log it, close it, take the next.",
            "Writing to a connection that was reset raises SIGPIPE, which ends a C program unless it is ignored.",
        ],
        run: survives,
    },
    Check {
        id: "web.stop.in-flight",
        title: "on SIGTERM an answer under way is sent to its end",
        lab: Lab::Lab1,
        stage: 9,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.stops", "web.files.large"],
        basis: Basis::Contract,
        clause: "contract, submissions",
        why: "A server is restarted for every new version of it. It then stops accepting, finishes what it is \
              answering, and ends within 5 s; otherwise each restart cuts somebody's download.",
        peers: "nginx does it on SIGQUIT, Apache on SIGWINCH (`apachectl graceful-stop`); their SIGTERM cuts off. So does \
                `server.close()` of Node 20: to it a connection is idle once the answer has been handed over.",
        hints: &[
            "SIGTERM ends a program at once unless it is handled: let the handler only note that the end has come.",
            "After the accepting loop, wait for the workers (join them) before main returns.",
        ],
        run: in_flight,
    },
];

fn concurrent(t: &mut Trial) -> Verdict {
    let server = Fresh::new().start(t)?;
    let mut halves = (0..3).map(|client| Half::send(&server, client)).collect::<Verdict<Vec<_>>>()?;
    let names = ["first", "second", "third"];
    t.step("three clients have sent half a request each; now they finish, the last one first");
    while let Some(half) = halves.pop() {
        let (name, waiting) = (names[halves.len()], halves.len());
        half.finish().explain(|failure| match waiting {
            0 => failure,
            _ => Failure {
                expected: format!("the {name} client, whose request is whole, is answered"),
                seen: format!(
                    "{}; {waiting} that came before it have sent only half of theirs",
                    failure.seen
                ),
                ..failure
            }
            .note(
                "the program seems to wait for the rest of one client's request before it looks at the next",
            ),
        })?;
    }
    Ok(())
}

fn stalled(t: &mut Trial) -> Verdict {
    const WORKERS: usize = 5;
    let server = Fresh::new().workers(WORKERS).start(t)?;
    let stalled =
        Half::open_all(&server, WORKERS - 1).note(format!("it was started with --workers {WORKERS}"))?;
    t.step(format!("{} clients have sent half a request and stall", stalled.len()));
    for client in 0..3 {
        let file = server.site.crowd.file(client);
        let response = server.ask(&server.get(&file.target).close()).note(format!(
            "{} clients stall, and --workers is {WORKERS}: one worker is left, and should serve the rest",
            stalled.len()
        ))?;
        expect_file(&response, file)?;
    }
    Ok(())
}

fn queue(t: &mut Trial) -> Verdict {
    const WORKERS: usize = 2;
    const CLIENTS: usize = 3 * WORKERS;
    let server = Fresh::new().workers(WORKERS).start(t)?;
    let busy = Half::open_all(&server, WORKERS)?;
    let mut queued = Vec::new();
    for client in WORKERS..CLIENTS {
        let mut half = Half::send(&server, client)?;
        half.complete()?;
        queued.push(half);
    }
    t.step(format!(
        "{WORKERS} clients keep all workers busy, {} more have sent whole requests",
        queued.len()
    ));
    for half in busy {
        half.finish()?;
    }
    let mut refused = Vec::new();
    for (at, mut half) in queued.into_iter().enumerate() {
        let response = half.conn.response("GET").explain(|failure| {
            Failure {
                expected: "every client is answered in the end, or told 503 to try again".to_owned(),
                seen: format!("{}, for client {} of {CLIENTS}", failure.seen, WORKERS + at + 1),
                ..failure
            }
            .note("it came while all workers were busy; they are free by now")
        })?;
        match response.head.status {
            503 => refused.push(half.file),
            _ => expect_file(&response, &half.file)?,
        }
    }
    for file in refused {
        ask_until_served(t, &server, &file)?;
    }
    Ok(())
}

fn slow_reader(t: &mut Trial) -> Verdict {
    let server = Fresh::new().workers(3).start(t)?;
    let _slow = start_download(t, &server)?;
    t.step("that client stops reading");
    for client in 0..3 {
        let file = server.site.crowd.file(client);
        let response = server.ask(&server.get(&file.target).close()).note(
            "another client has asked for 8 MiB and does not read them: your program's write to it blocks",
        )?;
        expect_file(&response, file)?;
    }
    Ok(())
}

/// Several segments of loopback, which hold 64 KiB each: with less, the windows close and open by timers.
const WINDOW: usize = 256 << 10;

/// A client that has asked for the large file and read no more than its beginning.
pub fn start_download(t: &Trial, server: &Server) -> Verdict<Conn> {
    let mut conn = Conn::open_small(t.scene(), server.addr(), WINDOW)?;
    conn.send(server.get(&server.site.files.large.target).close().octets())?;
    conn.wait_for_octets(1)?;
    Ok(conn)
}

/// Something that a client does to a worker, and its name.
type Blow = (&'static str, fn(&Trial, &Server) -> Verdict);

const BLOWS: [Blow; 4] = [
    ("reset the connection in the middle of a large answer", |t, server| start_download(t, server)?.reset()),
    ("reset the connection in the middle of their request", |_, server| Half::open(server, 0)?.conn.reset()),
    ("sent half a request and closed the connection", |_, server| Half::open(server, 0).map(drop)),
    ("sent octets that are no HTTP (a TLS handshake, say)", |_, server| {
        let mut conn = server.connect()?;
        conn.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xff\xfe\x00\r\n\r\n")?;
        // What it answers is another check's matter, and so is whether it closes.
        conn.wait_drained().map(drop)
    }),
];

fn survives(t: &mut Trial) -> Verdict {
    const WORKERS: usize = 3;
    let server = Fresh::new().workers(WORKERS).start(t)?;
    for (what, blow) in BLOWS {
        t.step(format!("{} clients, one after the other, {what}", 2 * WORKERS));
        let lost = |failure: Failure| {
            Failure {
                expected: format!("{WORKERS} clients are served at the same time, as by --workers {WORKERS}"),
                seen: format!("{}; before that, some clients {what}", failure.seen),
                notes: Vec::new(),
                ..failure
            }
            .note("a worker that ends with its client's misdeed serves nobody any more")
        };
        for _ in 0..2 * WORKERS {
            blow(t, &server).explain(lost)?;
        }
        let mut halves = Half::open_all(&server, WORKERS).explain(lost)?;
        while let Some(half) = halves.pop() {
            half.finish().explain(lost)?;
        }
    }
    Ok(())
}

fn in_flight(t: &mut Trial) -> Verdict {
    let server = Fresh::new().start(t)?;
    let mut conn = start_download(t, &server)?;
    let sent = server.running().signal(Signal::SIGTERM);
    sent.map_err(|error| crate::verdict::Fault::Broken(format!("could not send a signal: {error}")))?;
    t.step("sent SIGTERM while the answer was under way");
    Family::of(t, &server).wait_quiet();
    let response = conn.response("GET").explain(|failure| Failure {
        expected: "the answer that was under way when SIGTERM came arrives whole".to_owned(),
        ..failure
    })?;
    expect_file(&response, &server.site.files.large)?;
    match conn.rest()?.1 {
        Arrival::Fin | Arrival::Reset => Ok(()),
        other => fail("the connection is closed after the answer", format!("{other:?}")),
    }
}
