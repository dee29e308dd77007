//! Stage 4: duplicates, and datagrams that look like a reply and are none.
//!
//! The liar comes first and the true reply some time later, so that whoever takes the lie shows a time that cannot be.
//! A program that sends the next request only when the last is answered or given up passes all of it.

use std::time::Duration;

use super::credit::KEEP_WAITING;
use super::session::{Ping, ms, stretched};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::network::{Answer, Form, Script};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict};
use crate::wire::icmp::{ECHO_REPLY, HEADER};

pub const CHECKS: &[Check] = &[
    Check {
        id: "ping.liars.duplicate",
        title: "a reply that comes twice counts once, and its second line says (DUP!)",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Networks double datagrams now and then (RFC 768: delivery and duplicate protection are not guaranteed). \
              Counted as a second answer, it would make more replies than requests.",
        peers: "iputils marks them in the same way.",
        hints: &[
            "Which requests are answered already? A program that remembers only the one it waits for cannot know.",
            "Keep a request after its reply, marked as answered; the same line as ever, and ` (DUP!)` behind it.",
        ],
        run: duplicate,
    },
    Check {
        id: "ping.liars.duplicate-late",
        title: "a second reply is never credited to a later request",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A duplicate that comes when the next request waits is still a reply to its own: that one stays lost, \
              though something was received in its time.",
        peers: "",
        hints: &[
            "Compare the sequence number of what came with that of the request before you end its wait.",
        ],
        run: duplicate_late,
    },
    Check {
        id: "ping.liars.corrupt",
        title: "a reply with a wrong bit is ignored",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "The checksum (RFC 1071) is there to be verified by who receives: one wrong bit anywhere, in the header, \
              the data or the checksum itself, and the sum is wrong.",
        peers: "iputils says `(BAD CHECKSUM!)`.",
        hints: &[
            "Which of your functions could tell? You have used it on every request.",
            "The sum over all octets, the checksum among them, is 0xffff where nothing is wrong; its complement is 0.",
        ],
        run: corrupt,
    },
    Check {
        id: "ping.liars.altered",
        title: "a reply with other data than the request's is ignored, though its checksum is right",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "The data received in the echo message must be returned in the echo reply (RFC 792). What has other data, \
              or more of it, is no echo of this request.",
        peers: "iputils says `wrong data byte #16 should be 0x10 but was 0x11`, and counts it.",
        hints: &[
            "Keep the data of each request, or be able to make them again, and compare all of them, the length too.",
            "The time of a reply comes from your own notes; the stamp that came back may have been changed.",
        ],
        run: altered,
    },
    Check {
        id: "ping.liars.identical",
        title: "a service that sends back the identical datagram is answered by",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "The echo service of RFC 862 knows nothing of types and checksums: it sends back what it got, with type 8. \
              The way there and back was open all the same.",
        peers: "socat, ncat and xinetd answer in this way.",
        hints: &[
            "Accept type 0 and type 8, both with code 0, where all the rest is that of a request that waits.",
        ],
        run: identical,
    },
    Check {
        id: "ping.liars.identifier",
        title: "a reply with another identifier is ignored",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "It may be for an earlier run, or for another program that had this port before: the sequence numbers \
              are the same in each, and only the identifier says whose they are.",
        peers: "iputils has the kernel filter replies by it.",
        hints: &["Compare octets 4 and 5 with what you put there."],
        run: identifier,
    },
    Check {
        id: "ping.liars.sequence",
        title: "a reply with a number that was never sent, or with another request's data, is ignored",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A reply answers the request that has its number and its data. A number that no request has is no \
              request's; a number without its data was put together from two.",
        peers: "",
        hints: &[
            "What does your program do with number 1002 after two requests?",
            "Look the number up among the requests sent, then compare the data with those of that very request.",
        ],
        run: sequence,
    },
    Check {
        id: "ping.liars.type",
        title: "a message that is no echo reply is ignored",
        lab: Lab::Lab3,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.liars.identifier"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Type 0 with code 0 is an echo reply. Type 3 reports an error, type 8 from another program asks \
              something, and a code other than 0 has no meaning here (RFC 792).",
        peers: "",
        hints: &["Look at octets 0 and 1 before all others."],
        run: kind,
    },
];

/// Between the lies and the true reply.
const HELD: Duration = ms(40);

/// All of these come for a request that gets no reply, which is lost, and for one whose reply comes behind them, which
/// is not.
pub fn lie(t: &mut Trial, lies: impl IntoIterator<Item = Answer>, mistake: &str) -> Verdict {
    let mut lies: Vec<Answer> = lies.into_iter().collect();
    // The one is lost before the other leaves: whose reply it is, is not the question here.
    let ping = Ping::new(3).every(stretched(ms(170))).timeout(stretched(ms(150)));
    let script = Script::answering().at(2, lies.clone());
    lies.push(Answer::reply().after(HELD));
    let ended = ping.through(t, script.at(3, lies))?;
    ended.received(1, &ping)?;
    ended.unanswered(2, "none of what came for it is its reply").note(mistake)?;
    ended.received(3, &ping).note(KEEP_WAITING)?;
    ended.nothing_made_up(&ping, mistake)
}

fn duplicate(t: &mut Trial) -> Verdict {
    let ping = Ping::new(4);
    let twice = t.rng.u16(2..=3);
    let ended = ping.through(t, Script::answering().at(twice, [Answer::reply(), Answer::reply()]))?;
    (1..=4).try_for_each(|sequence| {
        let note = "a reply to a request that is answered already is a duplicate, and counts for no other";
        ended.received(sequence, &ping).map(drop).note(note)
    })?;
    let marked: Vec<u64> =
        ended.printed.replies.iter().filter(|line| line.duplicate).map(|line| line.sequence).collect();
    let seen = match marked.len() {
        0 => "no line with (DUP!)".to_owned(),
        _ => format!("(DUP!) for seq {}", marked.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    };
    ended.ensure(
        marked == [u64::from(twice)],
        format!(
            "one line `… seq={twice} time=… ms (DUP!)`: the reply to request {twice} came twice, no other did"
        ),
        seen,
    )
}

fn duplicate_late(t: &mut Trial) -> Verdict {
    let ping = Ping::new(3).every(ms(40)).timeout(stretched(ms(160)));
    let script = Script::answering().at(1, [Answer::reply(), Answer::reply().after(ms(80))]).dropping([2]);
    let ended = ping.through(t, script)?;
    ended
        .unanswered(2, "it was not answered; what came after it was the second reply to request 1")
        .note("compare the sequence number: the duplicate carries 1")?;
    ended.received(3, &ping).map(drop).note("the duplicate of the reply to request 1 says nothing about it")
}

fn corrupt(t: &mut Trial) -> Verdict {
    let length = HEADER + 56;
    // The identifier and the sequence number, the checksum, the data.
    let places = [4..HEADER, 2..4, HEADER..length];
    let flipped = places.map(|octets| Form::Flipped(t.rng.usize(8 * octets.start..8 * octets.end)));
    lie(
        t,
        flipped.map(Answer::of),
        "verify the checksum of what you receive, over all of it, before you believe any of it",
    )
}

fn altered(t: &mut Trial) -> Verdict {
    let (stamp, behind) = (t.rng.usize(..8), t.rng.usize(8..56));
    // Octets that add nothing to the sum would leave the checksum right for a reader that cuts them off.
    let longer = 2 * t.rng.usize(1..8);
    let mistake = "compare the data with those of the request, all of them and the length too; a right checksum says \
                   only that nothing has changed since it was made";
    lie(t, [Form::Altered(stamp), Form::Altered(behind), Form::Longer(longer)].map(Answer::of), mistake)
}

fn identical(t: &mut Trial) -> Verdict {
    let ping = Ping::new(3);
    let ended = ping.through(t, Script::always([Answer::of(Form::Identical)]))?;
    let mistake =
        "the identical datagram comes back from an echo service of RFC 862, type 8 and all: it is the reply";
    (1..=3).try_for_each(|sequence| ended.received(sequence, &ping).map(drop)).note(mistake)
}

fn identifier(t: &mut Trial) -> Verdict {
    lie(t, [Answer::of(Form::OtherIdentifier)], "compare its identifier with the one of this run")
}

fn sequence(t: &mut Trial) -> Verdict {
    let unknown = Answer::of(Form::OtherSequence(1000));
    lie(t, [unknown], "no request has that number: look it up among those that were sent")?;
    // Request 2 still waits where more than one may.
    let ping = Ping::new(4).timeout(stretched(ms(150)));
    let lie = Answer::of(Form::OtherSequence(-1));
    let ended = ping.through(t, Script::answering().dropping([2]).at(3, [lie]))?;
    let [earlier, own] = [ended.request(2)?, ended.request(3)?];
    if earlier.octets.get(HEADER..) == own.octets.get(HEADER..) {
        return Ok(()); // two requests within one tick of the stamp: it is a good reply to the earlier one
    }
    let mistake = "what came carries the number of request 2 and the data of request 3: compare the data too";
    (2..=3).try_for_each(|n| ended.unanswered(n, "nothing that came is its reply").note(mistake))?;
    ended.nothing_made_up(&ping, mistake)
}

fn kind(t: &mut Trial) -> Verdict {
    let other = |kind, code| Form::Other { kind, code };
    let forms = [other(3, 0), other(ECHO_REPLY, 1), Form::OtherRequest];
    lie(
        t,
        forms.map(Answer::of),
        "type 0 with code 0 is an echo reply; beside it counts the very datagram that was sent, and no other",
    )
}
