//! Stage 3: requests leave on schedule, so several are under way at once, and each reply is for one of them.

use std::time::Duration;

use super::session::{Ping, millis, ms, stretched};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::load;
use crate::fake::network::{Answer, Script};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "ping.window.schedule",
        title: "requests leave on schedule, whatever is still unanswered",
        lab: Lab::Lab3,
        stage: 3,
        tier: Tier::Core,
        points: 5,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Who waits for each reply learns nothing while the network is down but that it was down once: a ping \
              looks at it every `-i`, also when the way is longer than that.",
        peers: "iputils sends on schedule too, and does not wait for replies in between.",
        hints: &[
            "Three things can happen next: a datagram comes, the next request is due, the oldest outstanding request \
             is lost. Which is first?",
            "One loop: wait for a datagram no longer than until the earlier of the two moments, then do what is due.",
            "Or two threads: one sends and sleeps, one receives; the outstanding requests are shared.",
        ],
        run: schedule,
    },
    Check {
        id: "ping.window.held-back",
        title: "replies that are several intervals on their way are received, each with its own time",
        lab: Lab::Lab3,
        stage: 3,
        tier: Tier::Core,
        points: 3,
        role: Role::Ping,
        needs: &["ping.window.schedule"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "On a long way several requests are outstanding at any moment. The time of a reply counts from the send \
              of its own request, and others have left since.",
        peers: "",
        hints: &[
            "How many starts does your program remember?",
            "Keep the outstanding requests in a map from the sequence number to the moment of the send.",
        ],
        run: held_back,
    },
    Check {
        id: "ping.window.late",
        title: "a reply that comes after -W is nobody's: its request is lost, and no other is credited with it",
        lab: Lab::Lab3,
        stage: 3,
        tier: Tier::Core,
        points: 4,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "When a reply comes too late, other requests wait for theirs. Whoever takes it for one of those has all \
              that follow one off, and reports times that never were.",
        peers: "iputils counts a late reply as one, for as long as it runs.",
        hints: &[
            "Does your program look at the sequence number of what it receives?",
            "A request that was given up is no longer outstanding: whatever comes for it is ignored.",
            "Compare the age of a request with `-W` also when its reply has come.",
        ],
        run: late,
    },
    Check {
        id: "ping.window.reorder",
        title: "replies in the wrong order are told apart by their numbers",
        lab: Lab::Lab3,
        stage: 3,
        tier: Tier::Robust,
        points: 3,
        role: Role::Ping,
        needs: &["ping.window.schedule"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Datagrams may take different ways and overtake each other; neither IP nor UDP puts them in order again.",
        peers: "",
        hints: &[
            "The first reply to come need not be for the oldest request.",
            "Take the number out of the reply and look up the request with it; one that was overtaken is no duplicate.",
        ],
        run: reorder,
    },
    Check {
        id: "ping.window.hundred",
        title: "`-i 0.01 -c 100` takes about a second",
        lab: Lab::Lab3,
        stage: 3,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "What each turn of a loop takes beside its sleep adds up. A schedule of moments, the start and n times \
              `-i`, does not run late however long it runs.",
        peers: "",
        hints: &[
            "Is there a sleep, or a time limit of a receive, that is longer than the interval?",
            "Sleep until the moment at which the next request is due, not for the length of an interval.",
        ],
        run: hundred,
    },
];

fn schedule(t: &mut Trial) -> Verdict {
    let ping = Ping::new(40).every(ms(5)).timeout(stretched(ms(300)));
    let ended = ping.through(t, Script::silent())?;
    let took = ended.request(40)?.at.saturating_duration_since(ended.request(1)?.at);
    let due = ping.interval * 39;
    ended.not_hurried(40, due).note("what is outstanding does not hurry the next request either")?;
    let expected = format!(
        "{} ms from the first request to request 40, -i being {}, though none is answered",
        due.as_millis(),
        ping.interval.as_secs_f64()
    );
    // Whoever has 16 under way at most has waited for -W twice; a busy machine holds up the others too.
    ended
        .ensure(took <= ping.timeout * 19 / 10, expected, format!("{:.0} ms", millis(took)))
        .note("the next request waits neither for the reply to the last one nor for its timeout")
}

fn held_back(t: &mut Trial) -> Verdict {
    let held = ms(t.rng.u64(110..140));
    let ping = Ping::new(6);
    let ended = ping.through(t, Script::always([Answer::reply().after(held)]))?;
    for sequence in 1..=6 {
        ended.received(sequence, &ping).note(under_way(held))?;
        ended.credited_in_time(sequence, BY_NUMBER)?;
    }
    // The first send may load and look up what the others find ready.
    (2..=6).try_for_each(|sequence| ended.timed(sequence, &ping))
}

fn late(t: &mut Trial) -> Verdict {
    let timeout = stretched(ms(250));
    let ping = Ping::new(7).every(timeout / 5).timeout(timeout);
    // When the reply to request 2 comes, request 7 waits; or request 3, where only one does at a time.
    let held = Answer::reply().after(timeout * 2 / 5);
    let script = Script::always([held]).at(2, [Answer::reply().after(timeout * 13 / 10)]);
    let ended = ping.through(t, script)?;
    (1..=7).try_for_each(|sequence| ended.credited(sequence, BY_NUMBER))?;
    let why = format!(
        "its reply left {} ms after it, and -W is {}",
        (timeout * 13 / 10).as_millis(),
        timeout.as_secs_f64()
    );
    ended
        .unanswered(2, &why)
        .note("-W counts from the send of each request, whatever has come or left since")?;
    for sequence in (1..=7).filter(|sequence| *sequence != 2) {
        ended.received(sequence, &ping).note("the late reply to request 2 has nothing to do with it")?;
    }
    Ok(())
}

fn reorder(t: &mut Trial) -> Verdict {
    let step = t.rng.u64(36..48);
    let ping = Ping::new(5);
    let held = |sequence: u16| Answer::reply().after(ms(step * u64::from(6 - sequence)));
    let script = (1..=5).fold(Script::silent(), |script, sequence| script.at(sequence, [held(sequence)]));
    let ended = ping.through(t, script)?;
    (1..=5).try_for_each(|sequence| ended.credited_in_time(sequence, BY_NUMBER))?;
    for sequence in 1..=5 {
        ended
            .received(sequence, &ping)
            .note("replies come in the reverse order, the last request's first")?;
    }
    Ok(())
}

fn hundred(t: &mut Trial) -> Verdict {
    let ping = Ping::new(100).every(ms(10));
    let ended = ping.through(t, Script::answering())?;
    let took = ended.request(100)?.at.saturating_duration_since(ended.request(1)?.at);
    let due = ping.interval * 99;
    ended.not_hurried(100, due)?;
    let pairs = ended.trace.requests.windows(2);
    let mut gaps: Vec<Duration> =
        pairs.map(|pair| pair[1].at.saturating_duration_since(pair[0].at)).collect();
    gaps.sort();
    // A busy machine holds up many requests; a slow program holds up each.
    let is_slow = took > due + ms(500).mul_f64(load()) && gaps[gaps.len() / 4] > ping.interval * 3 / 2;
    ended.ensure(
        !is_slow,
        format!("about {} ms from the first request to the hundredth", due.as_millis()),
        format!("{:.0} ms, {:.1} ms for each", millis(took), millis(took) / 99.0),
    )?;
    (1..=100).try_for_each(|sequence| ended.received(sequence, &ping).map(drop))
}

const BY_NUMBER: &str = "find the request by the sequence number of the reply, not by the order of arrival";

fn under_way(held: Duration) -> String {
    format!(
        "each reply comes {} ms after its request, in time, when several others have left",
        held.as_millis()
    )
}
