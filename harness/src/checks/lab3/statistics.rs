//! Stage 5: the two lines at the end, which must agree with the lines above them, and with the wire.

use nix::sys::signal::Signal;

use super::figures::{AVG, MAX, MDEV, MIN, starts_rtt};
use super::session::{Ping, ended, ms, stretched};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::Deadline;
use crate::fake::echo::Far;
use crate::fake::network::{Answer, Form, Loss, Network, Profile, Script};
use crate::subject::Status;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "ping.stats.counts",
        title: "what was transmitted, received and lost is counted",
        lab: Lab::Lab3,
        stage: 5,
        tier: Tier::Core,
        points: 3,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "`7 packets transmitted, 5 received, 28% packet loss` is what most people read of a ping. The loss is \
              the share of what was transmitted that nobody answered, in percent, and may be off by 1.",
        peers: "iputils rounds the loss to six digits: `28.5714%`.",
        hints: &[
            "Two counters: one goes up with each send, the other with each first reply.",
            "`100.0 * (transmitted - received) / transmitted`; with integers, multiply before you divide.",
        ],
        run: counts,
    },
    Check {
        id: "ping.stats.all-lost",
        title: "when nothing was received, the loss is 100 % and no times are made up",
        lab: Lab::Lab3,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Ping,
        needs: &["ping.stats.counts"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Of no times there is neither minimum nor average: the rtt line is there only where something was \
              received.",
        peers: "iputils leaves the rtt line out too.",
        hints: &[
            "What is 0 divided by 0 in your language? Ask whether anything was received before you print it.",
        ],
        run: all_lost,
    },
    Check {
        id: "ping.stats.rtt",
        title: "minimum, average and maximum are those of the times printed above",
        lab: Lab::Lab3,
        stage: 5,
        tier: Tier::Core,
        points: 3,
        role: Role::Ping,
        needs: &["ping.wait.replies"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "The rtt line sums up the reply lines; here it is computed again from what you printed, with the rounding \
              of the digits you chose. Duplicates may take part in it or not.",
        peers: "iputils lets duplicates take part.",
        hints: &[
            "What is the minimum before the first time? Not 0.",
            "The average divides by the number of times, not by that of the requests.",
        ],
        run: rtt,
    },
    Check {
        id: "ping.stats.mdev",
        title: "mdev is the standard deviation of the times printed above",
        lab: Lab::Lab3,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.stats.rtt"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "The square root of the mean of the squared distances from the average: how much one time differs from \
              another. The times are all there are, not a sample of more, so it divides by n.",
        peers: "iputils says mdev and means this; the ping of BSD calls it stddev.",
        hints: &[
            "`sqrt(sum((t - avg)²) / n)`.",
            "In one pass: keep the sum of the times and that of their squares, or better what Welford keeps (1962), \
             which loses no digits.",
        ],
        run: mdev,
    },
    Check {
        id: "ping.stats.duplicates",
        title: "duplicates are counted apart from what was received",
        lab: Lab::Lab3,
        stage: 5,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.stats.counts", "ping.liars.duplicate"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A request is received once, however often it is answered: otherwise two replies to one request would \
              make up for another's loss. `+N duplicates` says how many lines end with `(DUP!)`, and is there only \
              where there are any.",
        peers: "iputils prints `+3 duplicates` too, and only where there are some.",
        hints: &[
            "A third counter, for replies to a request that has had its reply.",
            "A loss below 0 % means that duplicates were counted as received.",
        ],
        run: duplicates,
    },
    Check {
        id: "ping.stats.interrupt",
        title: "SIGINT ends it with the statistics of what has been so far",
        lab: Lab::Lab3,
        stage: 5,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.stats.counts"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Ctrl-C is how most pings end. The statistics are those of what was sent until then, and the exit status \
              is as always: 0 if anything was received, 1 if not.",
        peers: "iputils does the same; its SIGQUIT prints a line and goes on.",
        hints: &[
            "A handler sets a flag or writes to a pipe; the loop looks at it, and goes to where it always ends.",
            "Whatever waits (sleep, receive, poll) has to come back when the signal does: see EINTR in signal(7).",
            "Transmitted is what was sent, not COUNT.",
        ],
        run: interrupt,
    },
    Check {
        id: "ping.stats.network",
        title: "on a bad network every line and every number agrees with what happened",
        lab: Lab::Lab3,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &[
            "ping.wait.time",
            "ping.window.reorder",
            "ping.liars.corrupt",
            "ping.stats.duplicates",
            "ping.stats.mdev",
        ],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Real networks lose in bursts, hold back, overtake, double and corrupt, all at once. Nothing of it is new, \
              only the mixture.",
        peers: "`tc qdisc add dev lo root netem loss gemodel 5% 40% delay 15ms 15ms duplicate 15%` makes one like it.",
        hints: &[
            "Run it again with the seed of the report: every decision of this network comes from it.",
            "Look for the first line that is wrong, and for the request it belongs to in the steps.",
        ],
        run: network,
    },
];

fn counts(t: &mut Trial) -> Verdict {
    let mut early = [2, 3, 4, 5];
    t.rng.shuffle(&mut early);
    let lost = &early[..2];
    let ping = Ping::new(7).every(ms(10)).timeout(stretched(ms(200)));
    let ended = ping.through(t, Script::answering().dropping(lost.iter().copied()))?;
    for sequence in 1..=7 {
        if lost.contains(&sequence) {
            ended.unanswered(sequence, "it was not answered")?;
        } else {
            ended.received(sequence, &ping)?;
        }
    }
    ended.tally(5)
}

fn all_lost(t: &mut Trial) -> Verdict {
    let ping = Ping::new(3).every(ms(10)).timeout(stretched(ms(100)));
    let ended = ping.through(t, Script::silent())?;
    let made_up = ended.printed.lines.iter().find(|line| starts_rtt(line) || has_no_number(line));
    if let Some(line) = made_up {
        let expected = "a loss of 100 %, and neither times nor NaN: nothing was received";
        return ended.ensure(false, expected, format!("`{line}`"));
    }
    ended.tally(0)
}

/// Whether it has what printing makes of 0 divided by 0.
fn has_no_number(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric());
    words.any(|word| ["nan", "inf", "infinity"].contains(&word.to_ascii_lowercase().as_str()))
}

fn rtt(t: &mut Trial) -> Verdict {
    // Neither the first nor the last to arrive is the least or the most, and the middle of those is not the average.
    let mut inner = [12, 15, 80];
    t.rng.shuffle(&mut inner);
    let [a, b, c] = inner;
    let ping = Ping::new(6).timeout(stretched(ms(250)));
    let ended = ping.through(t, held([20, a, b, 0, c, 65]).dropping([4]))?;
    ended.rtt_agrees(&[MIN, AVG, MAX])
}

fn mdev(t: &mut Trial) -> Verdict {
    let mut times = [10, 15, 20, 75];
    t.rng.shuffle(&mut times);
    let ended = Ping::new(4).through(t, held(times))?;
    ended.rtt_agrees(&[MDEV])
}

/// Replies to the first requests, held back by so many milliseconds.
fn held<const N: usize>(times: [u64; N]) -> Script {
    (1..).zip(times).fold(Script::answering(), |script, (sequence, time)| {
        script.at(sequence, [Answer::reply().after(ms(time))])
    })
}

fn duplicates(t: &mut Trial) -> Verdict {
    let ended = Ping::new(2).every(ms(10)).through(t, Script::answering())?;
    let counts = ended.counts()?;
    ended.ensure(
        counts.duplicates.is_none() && counts.errors.is_none(),
        "neither duplicates nor errors in the statistics: there were none",
        format!("`{}`", ended.counts_line()),
    )?;
    let ping = Ping::new(5).timeout(stretched(ms(200)));
    let lost = t.rng.u16(3..=4);
    let twice = Script::answering().at(1, vec![Answer::reply(); 2]);
    let ended = ping.through(t, twice.at(2, vec![Answer::reply(); 3]).dropping([lost]))?;
    ended.tally(4).note("a request is received once at most, however often it is answered")?;
    ended.duplicates_add_up()
}

fn interrupt(t: &mut Trial) -> Verdict {
    interrupted(t, Script::answering(), 2, 0)?;
    interrupted(t, Script::silent(), 0, 1)
}

/// Interrupts it after so many replies, or after its first request where there will be none.
fn interrupted(t: &mut Trial, script: Script, replies: usize, status: i32) -> Verdict {
    let by_hand = "ping 127.0.0.1 & sleep 3; kill -INT $!; wait $!; echo $?";
    let far = Far::start(t.scene(), script)?;
    let running = Ping::new(1000).every(stretched(ms(100))).start(t, far.addr())?;
    let asked = far.wait(t.deadline(), |trace| trace.requests.first().map(|_| ()));
    let answered = asked.and_then(|()| {
        running.wait_stdout(t.deadline(), |stdout| (reply_lines(stdout) >= replies).then_some(()))
    });
    // A line may be out before it is counted; a person would not be quicker either.
    let left_alone = running.wait_exit(Deadline::after(ms(20)));
    if answered.is_none() || left_alone.is_some() {
        let expected = format!("a ping that goes on, with {replies} reply lines so far");
        let seen = left_alone.map_or("not so many".to_owned(), |exit| format!("it ended {}", exit.status));
        return fail(expected, seen);
    }
    t.step("sent SIGINT to your program");
    // One that has ended meanwhile says so below.
    let _ = running.signal(Signal::SIGINT);
    let Some(exit) = running.wait_exit(t.deadline()) else {
        let waited = t.scene().patience().as_secs_f64();
        let failure = Failure::new("it ends after SIGINT", format!("it still runs after {waited:.1} s"))
            .silent()
            .by_hand(by_hand);
        return Err(failure.into());
    };
    let ended = ended(t, &running, far)?;
    ended
        .ensure(
            !matches!(exit.status, Status::Signal(_)),
            "SIGINT is caught, and the statistics are printed",
            format!("it ended {}", exit.status),
        )
        .by_hand(by_hand)?;
    ended.so_far().note("this was after SIGINT").by_hand(by_hand)?;
    ended.exits(status).note("this was after SIGINT, where it is as always").by_hand(by_hand)
}

fn reply_lines(stdout: &[u8]) -> usize {
    let text = String::from_utf8_lossy(stdout);
    text.split_inclusive('\n').filter(|line| line.ends_with('\n') && line.contains(" bytes from ")).count()
}

/// How many requests go through the bad network.
const PINGS: u16 = 40;

fn network(t: &mut Trial) -> Verdict {
    let network = Network::Profile(eventful(&mut t.rng));
    let ping = Ping::new(PINGS.into()).every(ms(5)).timeout(stretched(ms(250)));
    let ended = ping.through(t, network)?;
    let mut received = 0;
    for sequence in 1..=PINGS {
        if ended.answer(sequence).is_some() {
            ended.timed(sequence, &ping)?;
            ended.marked(sequence)?;
            received += 1;
        } else {
            ended.unanswered(sequence, "no good reply to it arrived")?;
        }
    }
    ended.tally(received)?;
    ended.duplicates_add_up()?;
    ended.rtt_agrees(&[MIN, AVG, MAX, MDEV])
}

/// A network on which every kind of misfortune befalls some of the requests, and not the last.
fn eventful(rng: &mut fastrand::Rng) -> Profile {
    loop {
        let profile = Profile {
            seed: rng.u64(..),
            loss: Loss::Bursts { enter: 0.06, leave: 0.4, in_good: 0.0, in_bad: 0.9 },
            duplicated: 0.15,
            corrupted: 0.1,
            delay: (ms(1), ms(30)),
        };
        let network = Network::Profile(profile.clone());
        let answers: Vec<Vec<Answer>> = (1..=PINGS).map(|sequence| network.answers(sequence, 0)).collect();
        let burst = answers.windows(2).any(|two| two.iter().all(Vec::is_empty));
        let doubled = answers.iter().any(|answers| answers.iter().filter(|it| it.form.counts()).count() == 2);
        let corrupt = answers.iter().flatten().any(|answer| matches!(answer.form, Form::Flipped(_)));
        let last = answers.last().is_some_and(|answers| answers.iter().any(|answer| answer.form.counts()));
        if burst && doubled && corrupt && last {
            return profile;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_only_holds_nan_is_none() {
        assert!(has_no_number("rtt min/avg/max/mdev = inf/NaN/0/0 ms"));
        assert!(!has_no_number("ping: no information from Nancy"));
    }

    #[test]
    fn only_whole_reply_lines_count() {
        assert_eq!(reply_lines(b"64 bytes from a: seq=1 time=1 ms\n64 bytes from a: se"), 1);
    }

    #[test]
    fn every_seed_finds_a_network_on_which_everything_happens() {
        for seed in 0..50 {
            eventful(&mut fastrand::Rng::with_seed(seed));
        }
    }
}
