//! Stage 6: nobody at the other end, nobody of that name, nothing that makes sense; and other addresses than one of
//! IPv4.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use super::output::Printed;
use super::session::{Ended, Ping, ended, ended_alone, ms, stretched, wait_exit};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::Deadline;
use crate::fake::echo::{Far, has_loopback};
use crate::fake::network::Script;
use crate::subject::Status;
use crate::subject::ports::{self, PortLease};
use crate::trial::Trial;
use crate::verdict::{Explain, Fault, Verdict, ensure};

pub const CHECKS: &[Check] = &[
    Check {
        id: "ping.errors.closed-port",
        title: "nobody on the port: everything is lost, and that is no crash",
        lab: Lab::Lab3,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.all-lost"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A datagram to a port that nobody has open is answered with ICMP Destination Unreachable, and the kernel \
              tells a connected socket of it: as an error of whatever is called next, be it a receive or the next \
              send. It is news about the network, as a lost reply is.",
        peers: "iputils prints a `From` line and goes on.",
        hints: &[
            "Which call returns ECONNREFUSED, and what does your program do then?",
            "Catch it around receive and around send. The send that reports it has sent nothing: call it once more.",
        ],
        run: closed_port,
    },
    Check {
        id: "ping.errors.unreachable",
        title: "a `From` line reports each refusal, and the statistics count them",
        lab: Lab::Lab3,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.errors.closed-port", "ping.stats.all-lost"],
        basis: Basis::Must,
        clause: "RFC 1122 §4.1.3.3",
        why: "UDP must pass the ICMP errors it gets up to the program: only so does one learn at once, and not after a \
              timeout, that the host is there and the service is not.",
        peers: "iputils: `From 127.0.0.1 icmp_seq=1 Destination Port Unreachable`, and `+1 errors`.",
        hints: &[
            "Linux tells only a connected socket: `connect` it to the address, then `send` and `recv`.",
            "`From {address}: seq={seq} Destination Port Unreachable` for each ECONNREFUSED; any number that is \
             outstanding will do.",
            "Count these lines: `+N errors` stands before the loss.",
        ],
        run: unreachable,
    },
    Check {
        id: "ping.errors.comes-up",
        title: "a server that comes up meanwhile is heard",
        lab: Lab::Lab3,
        stage: 6,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.errors.closed-port", "ping.wait.interval"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "One pings a machine that restarts in order to see it come back. A refusal concerns one datagram, not the \
              socket: the next request is sent as if nothing had been.",
        peers: "",
        hints: &[
            "After a refusal the same socket works: go on with the next number, at its moment.",
            "Does the flag that remembers an error decide about the exit status?",
        ],
        run: comes_up,
    },
    Check {
        id: "ping.errors.unknown-host",
        title: "a host that nobody knows is an error of its own: status 2",
        lab: Lab::Lab3,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Ping,
        needs: &["ping.packet.sent"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "1 says that nobody answered. Where nobody could even be asked a script must see the difference, and a \
              person a message.",
        peers: "iputils: `ping: nosuch: Name or service not known`, and status 2.",
        hints: &[
            "What does your program do with the error of the look-up (`getaddrinfo`, `to_socket_addrs`)?",
            "A message on stderr, and `exit(2)`. A panic ends with 101, an exception of Python or Java with 1.",
        ],
        run: unknown_host,
    },
    Check {
        id: "ping.errors.usage",
        title: "a wrong command line ends with status 2",
        lab: Lab::Lab3,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Ping,
        needs: &["ping.packet.sent"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "What was typed wrongly must not be taken for something else: no host, no number, no such option.",
        peers: "iputils and most others exit with 2 as well.",
        hints: &[
            "Parsers of command lines (clap, argparse, getopt) do this; 2 is what they exit with.",
            "More than 65499 octets of data fit into no datagram: no request could ever be sent, let alone be lost.",
        ],
        run: usage,
    },
    Check {
        id: "ping.name",
        title: "HOST may be a name",
        lab: Lab::Lab3,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A name is looked up once, before the first request; one of the addresses found is asked.",
        peers: "iputils takes the first address that the resolver gives.",
        hints: &[
            "`getaddrinfo` takes names and addresses alike; so does `to_socket_addrs`.",
            "The socket is of the family of the address: what `localhost` is differs from machine to machine.",
        ],
        run: name,
    },
    Check {
        id: "ping.ipv6",
        title: "HOST may be an address of IPv6",
        lab: Lab::Lab3,
        stage: 6,
        tier: Tier::Extension,
        points: 3,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "UDP is the same over both; only the address, and the socket's family with it, is another.",
        peers: "iputils used to have a `ping6` of its own.",
        hints: &[
            "Look HOST up first, and make the socket of the family that comes out of it.",
            "Bind to `[::]:0` for an address of IPv6, to `0.0.0.0:0` for one of IPv4.",
        ],
        run: ipv6,
    },
];

/// A port on which nobody is, and on which nobody will be while the lease lives.
fn nobody() -> Verdict<PortLease> {
    ports::lease().map_err(|error| Fault::Broken(format!("no port is free: {error}")))
}

fn loopback(lease: &PortLease) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, lease.port()).into()
}

/// Runs it to its end where there is no far end.
fn alone(t: &mut Trial, ping: &Ping) -> Verdict<Ended> {
    let lease = nobody()?;
    let running = ping.start(t, loopback(&lease))?;
    let exit = wait_exit(t, &running)?;
    Ok(ended_alone(t, &running, exit))
}

fn refused(t: &mut Trial) -> Verdict<Ended> {
    alone(t, &Ping::new(3).timeout(stretched(ms(100))))
}

fn closed_port(t: &mut Trial) -> Verdict {
    let ended = refused(t)?;
    judge_closed(&ended).note("nobody was on that port").by_hand("ping 127.0.0.1 --port 9; echo $?")
}

fn judge_closed(ended: &Ended) -> Verdict {
    let Printed { replies, timeouts, unreachable, counts, .. } = &ended.printed;
    ended.ensure(replies.is_empty(), "no reply lines", format!("{} of them", replies.len()))?;
    let lost = timeouts.len() + unreachable.len();
    ended.ensure(
        counts.is_some() || lost >= 3,
        "a run to the end: 3 requests given up, and statistics",
        format!("{lost} given up, and no statistics"),
    )?;
    if let Some(counts) = counts {
        ended.ensure(
            counts.received == 0,
            "`0 received` in the statistics",
            format!("`{} received`", counts.received),
        )?;
        ended.ensure(
            counts.transmitted <= 3,
            "at most `3 packets transmitted`: what was refused was not sent",
            format!("`{} packets transmitted`", counts.transmitted),
        )?;
    }
    ended.exits(1)
}

fn unreachable(t: &mut Trial) -> Verdict {
    let ended = refused(t)?;
    let lines = &ended.printed.unreachable;
    let near = ended.printed.lines.iter().find(|line| line.starts_with("From "));
    ended
        .ensure(
            !lines.is_empty(),
            "at least one line `From …: seq=… Destination Port Unreachable`",
            near.map_or("no such line".to_owned(), |line| format!("`{line}`")),
        )
        .note("the kernel tells of it only where the socket is connected (udp(7))")?;
    if let Some(line) = lines.iter().find(|line| !(1..=3).contains(&line.sequence)) {
        return ended.ensure(false, "the number of a request: 1 to 3", format!("seq {}", line.sequence));
    }
    let said = match ended.counts()?.errors {
        Some(count) => format!("`+{count} errors`"),
        None => "no word of them in the statistics".to_owned(),
    };
    let right = format!("`+{} errors`", lines.len());
    ended.ensure(said == right, format!("{right}: so many `From` lines are there"), said)
}

fn comes_up(t: &mut Trial) -> Verdict {
    let lease = nobody()?;
    let ping = Ping::new(13).every(stretched(ms(30))).timeout(stretched(ms(150)));
    let running = ping.start(t, loopback(&lease))?;
    // Whoever says nothing of it has sent some requests by then.
    let patience = Deadline::after(ping.interval * 10);
    let lost = running.wait_stdout(patience, |stdout| {
        let mut lines = stdout.split(|octet| *octet == b'\n');
        lines.find(|line| line.starts_with(b"From ") || line.starts_with(b"Request timeout")).map(|_| ())
    });
    t.step(match lost {
        Some(()) => "one request is lost, and a server starts on the port",
        None => "nothing is said to be lost yet, and a server starts on the port",
    });
    let far = Far::start_on(t.scene(), Script::answering(), loopback(&lease))?;
    let ended = ended(t, &running, far)?;
    let came = &ended.trace.requests;
    ended.ensure(
        came.len() > 1,
        "requests go on after a refusal, and arrive now that somebody is there",
        format!("{} of 13 requests arrived", came.len()),
    )?;
    // A refusal of earlier may have been laid to the charge of the first.
    let mut later = came.iter().skip(1).filter_map(|request| request.sequence());
    later.try_for_each(|sequence| {
        ended.received(sequence, &ping).map(|_| ()).note("it was sent when the server was up")
    })?;
    ended.exits(0)
}

fn unknown_host(t: &mut Trial) -> Verdict {
    let name = t.nobodys_name();
    let why = "a host of that name exists nowhere";
    let ended = alone(t, &Ping::new(2).timeout(stretched(ms(100))).host(&name)).note(why)?;
    status_2(ended.exit.status, why)?;
    let silent = ended.stderr.is_empty() && ended.printed.lines.is_empty();
    ensure(!silent, "a message on stderr that says so", "not a word")
}

fn usage(t: &mut Trial) -> Verdict {
    let lease = nobody()?;
    let right = Ping::new(1).every(ms(10)).timeout(stretched(ms(100))).arguments(lease.port());
    // An option that is there gets another value; given twice, it might be refused for that.
    let with = |words: &[&str]| {
        let mut line = right.clone();
        let there = words.first().and_then(|option| line.iter().position(|word| word == option));
        let at = there.map_or(line.len()..line.len(), |at| at..at + words.len());
        line.splice(at, words.iter().map(OsString::from));
        line
    };
    let mut without_host = right.clone();
    without_host.remove(0);
    let wrong = [
        ("there is no HOST", without_host),
        ("`-c` wants a number", with(&["-c", "x"])),
        ("`-i` wants seconds", with(&["-i", "x"])),
        ("`-W` wants seconds", with(&["-W", "x"])),
        ("`-s` wants a number", with(&["-s", "x"])),
        ("`-s` goes up to 65499", with(&["-s", "65500"])),
        ("`--port` wants a number", with(&["--port", "x"])),
        ("there is no such option", with(&["--no-such-option"])),
    ];
    for (why, arguments) in wrong {
        let running = t.run(Role::Ping, arguments)?;
        let exit = wait_exit(t, &running).note(why)?;
        status_2(exit.status, why)?;
        t.unwatch(&running);
    }
    Ok(())
}

fn status_2(status: Status, why: &str) -> Verdict {
    ensure(status == Status::Code(2), format!("exit status 2: {why}"), format!("it ended {status}"))
}

fn name(t: &mut Trial) -> Verdict {
    let found: Vec<IpAddr> = ("localhost", 0)
        .to_socket_addrs()
        .map(|addrs| addrs.map(|addr| addr.ip()).collect())
        .unwrap_or_default();
    if found.is_empty() || !found.iter().all(IpAddr::is_loopback) {
        return Err(Fault::Skipped("localhost is not the name of this machine's loopback".to_owned()));
    }
    let lease = nobody()?;
    let start = |ip: IpAddr| Far::start_on(t.scene(), Script::answering(), (ip, lease.port()).into());
    let v4 = start(Ipv4Addr::LOCALHOST.into())?;
    let v6 = Ipv6Addr::LOCALHOST.into();
    let v6 = if has_loopback(v6) { Some(start(v6)?) } else { None };
    let ping = Ping::new(3).every(ms(10)).host("localhost");
    let running = ping.start(t, v4.addr())?;
    let mut ended = ended(t, &running, v4)?;
    if let Some(v6) = v6 {
        let other = v6.finish();
        if ended.trace.requests.is_empty() {
            ended.trace = other;
        }
    }
    (1..=3).try_for_each(|sequence| ended.received(sequence, &ping).map(|_| ()))
}

fn ipv6(t: &mut Trial) -> Verdict {
    let address = Ipv6Addr::LOCALHOST;
    if !has_loopback(address.into()) {
        return Err(Fault::Skipped("this machine has no loopback of IPv6".to_owned()));
    }
    let far = Far::start_on(t.scene(), Script::answering(), (address, 0).into())?;
    let ping = Ping::new(3).every(ms(10)).host("::1");
    let running = ping.start(t, far.addr())?;
    let ended = ended(t, &running, far)?;
    for sequence in 1..=3 {
        let line = ended.received(sequence, &ping)?;
        // Written out, or with its interface, it is the same.
        let bare = line.address.split('%').next().unwrap_or_default().trim_matches(['[', ']']);
        ended.ensure(
            bare.parse() == Ok(address),
            "`from ::1:`, the address that was asked",
            format!("`from {}:`", line.address),
        )?;
    }
    ended.exits(0)
}
