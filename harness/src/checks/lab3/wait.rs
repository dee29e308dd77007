//! Stage 2: one request at a time, its reply or its timeout, and what is printed of either.
//!
//! A program that sends the next request only when the last is answered or given up passes all of it.

use std::net::Ipv4Addr;

use super::session::{Ping, millis, ms, stretched};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::load;
use crate::fake::network::{Answer, Script};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict};

const ADDRESS: Ipv4Addr = Ipv4Addr::LOCALHOST;

pub const CHECKS: &[Check] = &[
    Check {
        id: "ping.wait.replies",
        title: "each reply is printed, with its sequence number and time",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 4,
        role: Role::Ping,
        needs: &["ping.packet.sequence"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "`64 bytes from 127.0.0.1: seq=1 time=0.045 ms` says that the way there and back is open, and how long \
              it takes. Scripts read these lines, so their form is fixed.",
        peers: "iputils says `icmp_seq=` and adds `ttl=`; both are taken here.",
        hints: &[
            "Send, receive on the same socket, print; COUNT times.",
            "`{n} bytes from {address}: seq={seq} time={ms} ms`, to the letter.",
        ],
        run: replies,
    },
    Check {
        id: "ping.wait.address",
        title: "the line has the address that the reply came from, without its port",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A name may stand for several addresses; the line says which of them has answered.",
        peers: "iputils shows the name too, with the address in parentheses, unless given `-n`.",
        hints: &["An address of a socket is a pair: print the first half of it."],
        run: address,
    },
    Check {
        id: "ping.wait.timeout",
        title: "a request without a reply is given up, and the next ones go on",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 4,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "UDP loses datagrams and tells nobody (RFC 768). Without a time limit of its own the program would wait \
              for ever: after `-W` seconds it prints `Request timeout for seq N`.",
        peers: "iputils is silent about lost replies unless `-O` is given.",
        hints: &[
            "What does your receive do when nothing ever comes?",
            "Give the receive a limit (`set_read_timeout`, `settimeout`, `poll`), take its error for a timeout, and \
             go on with the next number.",
        ],
        run: timeout,
    },
    Check {
        id: "ping.wait.all-lost",
        title: "when nothing is answered, each request times out and the exit status is 1",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 3,
        role: Role::Ping,
        needs: &["ping.wait.timeout"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A script asks by the exit status whether anybody is there: 1 when nothing was received.",
        peers: "iputils exits with 1 too.",
        hints: &["Does something divide by the number of replies, or take the minimum of none?"],
        run: all_lost,
    },
    Check {
        id: "ping.wait.exit",
        title: "the exit status is 0 when anything was received",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "One reply is enough to know that somebody is there; a lost one is no error.",
        peers: "iputils exits with 0 too, unless `-w` asks for all.",
        hints: &["The status depends on whether the number of replies is 0, not on the last one."],
        run: exit,
    },
    Check {
        id: "ping.wait.time",
        title: "the time is that from the send to the receipt, in milliseconds",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 4,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "The round-trip time is what ping is for. It is measured by a clock that only goes forward, and has \
              nothing in it but the way.",
        peers: "iputils has the kernel stamp both ends.",
        hints: &[
            "Read the clock as the last thing before the send, and as the first thing after the receive.",
            "`Instant::elapsed().as_secs_f64() * 1000.0`; in Python `time.monotonic()`; never the time of day.",
        ],
        run: time,
    },
    Check {
        id: "ping.wait.not-early",
        title: "no request is given up before -W has passed",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.timeout"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A reply that takes 0.3 s with `-W 0.4` has arrived in time.",
        peers: "",
        hints: &["`-W` counts in seconds, with decimals, from the send of that request."],
        run: not_early,
    },
    Check {
        id: "ping.wait.interval",
        title: "requests leave every -i seconds",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A ping is a guest on the network: it sends as often as it was asked to, however fast the replies are.",
        peers: "iputils refuses intervals below 2 ms to all but root.",
        hints: &[
            "What happens between a reply and the next send? If nothing does, the replies set the pace.",
            "The next send is due `-i` after the one before: wait for the rest of it.",
        ],
        run: interval,
    },
    Check {
        id: "ping.wait.flush",
        title: "a line is out before the next request leaves, pipe or not",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.interval"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Whoever watches a ping wants each line when it happens. Standard libraries keep back what goes into a \
              pipe until some thousand octets are together.",
        peers: "iputils sets its output to line buffering.",
        hints: &[
            "On a terminal it looks right; look at `ping … | cat`.",
            "Flush after each line: `print(…, flush=True)`, `fflush(stdout)`, `process.stdout` of Node does it by \
             itself.",
        ],
        run: flush,
    },
    Check {
        id: "ping.wait.sizes",
        title: "replies of every size are received: without data, with an odd octet, the largest",
        lab: Lab::Lab3,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies", "ping.packet.largest"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A reply is as long as its request. What does not fit into the buffer of who receives is cut off without \
              a word, and what is left is no reply; and there is no time stamp in a reply without data.",
        peers: "iputils makes its buffer as large as its requests; its times need the stamp.",
        hints: &[
            "How large is the buffer that you receive into? The largest datagram has 65507 octets.",
            "Take the time of the send from your own notes, by the sequence number, and not from the reply.",
        ],
        run: sizes,
    },
];

fn replies(t: &mut Trial) -> Verdict {
    let ping = Ping::new(10).every(ms(10));
    let ended = ping.through(t, Script::answering())?;
    for sequence in 1..=10 {
        ended.received(sequence, &ping)?;
    }
    ended.ensure(
        ended.printed.replies.len() == 10,
        "10 reply lines, one for each reply",
        format!("{} of them", ended.printed.replies.len()),
    )?;
    ended.exits(0)
}

fn sizes(t: &mut Trial) -> Verdict {
    let odd = 2 * t.rng.u32(30..500) + 1;
    for size in [0, odd, 1400, 65_499] {
        let ping = Ping::new(2).every(ms(10)).size(size);
        let ended = ping.through(t, Script::answering())?;
        for sequence in 1..=2 {
            ended.received(sequence, &ping).map(drop).note(format!("this is with `-s {size}`"))?;
        }
    }
    Ok(())
}

fn address(t: &mut Trial) -> Verdict {
    let ended = Ping::new(2).every(ms(10)).through(t, Script::answering())?;
    let expected = ADDRESS.to_string();
    match ended.printed.replies.iter().find(|line| line.address != expected) {
        None => Ok(()),
        Some(line) => {
            let seen = format!("`from {}:`", line.address);
            ended.ensure(false, format!("`from {expected}:`, the address that was asked"), seen)
        }
    }
}

fn flush(t: &mut Trial) -> Verdict {
    let ping = Ping::new(2).every(stretched(ms(250)));
    let ended = ping.through(t, Script::answering())?;
    let line = ended.received(1, &ping)?;
    let second = ended.request(2)?;
    let in_time = line.seen.is_none_or(|seen| seen < second.at);
    ended
        .ensure(in_time, "the line for seq 1 before request 2 leaves", "it came later, together with others")
        .note("lines in a pipe are held back unless each is flushed")
}

fn timeout(t: &mut Trial) -> Verdict {
    let ping = Ping::new(4).timeout(stretched(ms(200)));
    let lost = t.rng.u16(2..=3);
    let ended = ping.through(t, Script::answering().dropping([lost]))?;
    ended.lost(lost, "it was not answered")?;
    for sequence in (1..=4).filter(|sequence| *sequence != lost) {
        ended.received(sequence, &ping)?;
        ended.not_lost(sequence)?;
    }
    Ok(())
}

fn all_lost(t: &mut Trial) -> Verdict {
    let ping = Ping::new(3).timeout(stretched(ms(100)));
    let ended = ping.through(t, Script::silent())?;
    for sequence in 1..=3 {
        ended.lost(sequence, "nothing was answered")?;
    }
    ended.exits(1)
}

fn exit(t: &mut Trial) -> Verdict {
    let ping = Ping::new(3).timeout(stretched(ms(150)));
    for answered in [1, 3] {
        let lost = (1..=3).filter(|sequence| *sequence != answered);
        let ended = ping.through(t, Script::answering().dropping(lost))?;
        ended.request(answered)?;
        ended.exits(0).note(format!("of three requests, number {answered} was answered"))?;
    }
    Ok(())
}

fn time(t: &mut Trial) -> Verdict {
    let held = |base: u64| Answer::reply().after(ms(base));
    let base = t.rng.u64(20..30);
    // Later than what a program may lose by waiting for the processor, so that a sleep in the time shows.
    let ping = Ping::new(3).every(stretched(ms(250)));
    let script = Script::answering().at(2, [held(base)]).at(3, [held(2 * base)]);
    let ended = ping.through(t, script)?;
    // The first send may load and look up what the others find ready.
    (2..=3).try_for_each(|sequence| ended.timed(sequence, &ping))
}

fn not_early(t: &mut Trial) -> Verdict {
    let timeout = stretched(ms(400));
    let ping = Ping::new(2).timeout(timeout);
    let ended = ping.through(t, Script::silent())?;
    for sequence in 1..=2 {
        ended.lost(sequence, "nothing was answered")?;
        let sent = ended.request(sequence)?.at;
        let line = ended.printed.timeouts.iter().find(|line| line.sequence == u64::from(sequence));
        if let Some(seen) = line.and_then(|line| line.seen) {
            let waited = seen.saturating_duration_since(sent);
            ended.ensure(
                waited >= timeout * 9 / 10,
                format!("seq {sequence} is given up {:.0} ms after it was sent, as -W says", millis(timeout)),
                format!("after {:.0} ms", millis(waited)),
            )?;
        }
    }
    Ok(())
}

fn interval(t: &mut Trial) -> Verdict {
    let interval = ms(t.rng.u64(80..120));
    let ping = Ping::new(5).every(interval);
    let ended = ping.through(t, Script::answering())?;
    let took = ended.request(5)?.at.saturating_duration_since(ended.request(1)?.at);
    let due = interval * 4;
    let gaps = ended.trace.requests.windows(2).map(|pair| pair[1].at.saturating_duration_since(pair[0].at));
    // One that was held up makes up for it; the others keep their distance.
    let keeps_it = gaps.max().is_some_and(|longest| longest >= interval * 9 / 10);
    ended.ensure(
        keeps_it && took <= due + ms(300).mul_f64(load()),
        format!(
            "about {:.0} ms from the first request to request 5, -i being {}",
            millis(due),
            interval.as_secs_f64()
        ),
        format!("{:.0} ms", millis(took)),
    )
}
