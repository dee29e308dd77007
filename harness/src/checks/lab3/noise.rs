//! Stage 4, continued: datagrams that look like nothing, come from elsewhere, or never stop.

use std::time::Duration;

use super::liars::lie;
use super::session::{Ping, ms, stretched};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::network::{Answer, Form, Script};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "ping.liars.short",
        title: "datagrams that are too short are ignored",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Anybody may send anything to a UDP port: also nothing at all, since a datagram may have no octets \
              (RFC 768). Half a reply is none.",
        peers: "",
        hints: &[
            "What does your parser do with seven octets? Look at the length before the first field.",
            "Of the buffer only what was received belongs to the datagram; behind it stands the one before.",
        ],
        run: short,
    },
    Check {
        id: "ping.liars.giant",
        title: "the largest datagram there is, is ignored",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "65,507 octets fit into a datagram, whatever was asked for. What does not fit into the buffer of who \
              receives is cut off without a word, or is an error, as the system has it.",
        peers: "",
        hints: &[
            "A buffer with an octet more than the largest reply to be expected shows that one was longer.",
        ],
        run: giant,
    },
    Check {
        id: "ping.liars.elsewhere",
        title: "a right reply from another port is ignored",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A socket that is not connected takes datagrams from everywhere. Who was not asked cannot answer: \
              compare address and port, or connect the socket and let the kernel do it.",
        peers: "",
        hints: &[
            "`recvfrom` says where a datagram came from.",
            "`connect` on a UDP socket sends nothing: it sets the address, and drops what comes from others.",
        ],
        run: elsewhere,
    },
    Check {
        id: "ping.liars.junk",
        title: "junk does not put off the moment at which a request is lost",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A time limit on each receive starts anew with every datagram, so that junk, dripping in, holds a \
              request open for ever. `-W` counts from the send.",
        peers: "",
        hints: &[
            "When you receive again, how long do you wait?",
            "Keep the moment at which the request is lost, and wait for what is left until then.",
        ],
        run: junk,
    },
    Check {
        id: "ping.liars.endless",
        title: "replies that never stop do not keep the program from sending and ending",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A program that reads until nothing is left depends on the others to stop. Its own moments, to send and \
              to give up, come in between.",
        peers: "",
        hints: &[
            "Is there a loop that ends only when a receive finds nothing?",
            "Look at the clock after each datagram, or after some dozens of them.",
        ],
        run: endless,
    },
];

fn short(t: &mut Trial) -> Verdict {
    let cut = t.rng.usize(40..63);
    let tiny = [0, 1, 5, 7].map(|octets| Answer::of(Form::Junk(octets)));
    let parts = [8, 12, cut].map(|octets| Answer::of(Form::Cut(octets)));
    let mistake = "it is too short for a reply to what was sent: look at the length of what was received";
    lie(t, tiny.into_iter().chain(parts), mistake)?;
    // In a buffer that holds the whole reply, a part of it looks whole.
    let ping = Ping::new(2).every(ms(40));
    let behind = [Answer::reply(), Answer::of(Form::Cut(cut))];
    let ended = ping.through(t, Script::answering().at(1, behind))?;
    ended.nothing_made_up(&ping, "look only so far into the buffer as octets were received")
}

fn giant(t: &mut Trial) -> Verdict {
    lie(t, [Answer::of(Form::Junk(65_507))], "no reply is longer than its request")
}

fn elsewhere(t: &mut Trial) -> Verdict {
    lie(
        t,
        [Answer::reply().from_elsewhere()],
        "compare address and port of the sender with those you asked, or connect the socket",
    )
}

fn junk(t: &mut Trial) -> Verdict {
    let timeout = stretched(ms(150));
    let ping = Ping::new(2).timeout(timeout);
    let drip = Answer::of(Form::Junk(64)).after(timeout / 3).again_every(timeout / 3);
    let reply = Answer::reply().after(timeout * 21 / 10);
    let ended = ping.through(t, Script::answering().at(2, [drip, reply]))?;
    let why = format!("nothing but junk came within -W, which is {}", timeout.as_secs_f64());
    ended
        .unanswered(2, &why)
        .note("-W counts from the send: a datagram that is no reply does not start it anew")
}

fn endless(t: &mut Trial) -> Verdict {
    let ping = Ping::new(3).timeout(stretched(ms(100)));
    // Several at a time, so that they come faster than a program reads them.
    let flood = || Answer::reply().again_every(Duration::ZERO);
    let note = "replies come without end: look at the clock between two of them, not only when there is none";
    let ended = ping.through(t, Script::always([flood(), flood(), flood(), flood()])).note(note)?;
    (1..=3).try_for_each(|sequence| ended.request(sequence).map(drop)).note(note)
}
