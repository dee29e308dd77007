//! Stage 5: the two lines at the end, which must agree with the lines above them, and with the wire.

use nix::sys::signal::Signal;

use super::output::{Counts, Decimal, Rtt};
use super::session::{Ended, Ping, ended, ms, stretched};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::Deadline;
use crate::fake::echo::Far;
use crate::fake::network::{Answer, Form, Loss, Network, Profile, Script};
use crate::subject::Status;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "ping.stats.counts",
        title: "what was transmitted, received and lost is counted",
        lab: Lab::Lab3,
        stage: 5,
        tier: Tier::Core,
        points: 3,
        role: Role::Ping,
        needs: &["ping.wait.timeout"],
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
        needs: &["ping.wait.timeout"],
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
            ended.lost(sequence, "it was not answered")?;
        } else {
            ended.received(sequence, &ping)?;
        }
    }
    ended.tally(5)
}

fn all_lost(t: &mut Trial) -> Verdict {
    let ping = Ping::new(3).every(ms(10)).timeout(stretched(ms(100)));
    let ended = ping.through(t, Script::silent())?;
    ended.tally(0)?;
    let made_up = ended.printed.lines.iter().find(|line| starts_rtt(line) || has_no_number(line));
    match made_up {
        Some(line) => ended.ensure(false, "no times: nothing was received", format!("`{line}`")),
        None => Ok(()),
    }
}

fn starts_rtt(line: &str) -> bool {
    ["rtt ", "round-trip "].iter().any(|start| line.starts_with(start))
}

/// Whether it has what printing makes of 0 divided by 0.
fn has_no_number(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric());
    words.any(|word| ["nan", "inf", "infinity"].contains(&word.to_ascii_lowercase().as_str()))
}

fn rtt(t: &mut Trial) -> Verdict {
    // Neither the first nor the last is the least or the most, and the middle of those two is not the average.
    let mut inner = [12, 28, 70];
    t.rng.shuffle(&mut inner);
    let [a, b, c] = inner;
    let ping = Ping::new(6).timeout(stretched(ms(250)));
    let ended = ping.through(t, held([20, a, b, 0, c, 40]).dropping([4]))?;
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
    let times = |count| vec![Answer::reply(); count];
    let lost = t.rng.u16(3..=4);
    let ended = ping.through(t, Script::answering().at(1, times(2)).at(2, times(3)).dropping([lost]))?;
    let counts = ended.counts()?;
    let four_and_dups = counts.received > 4;
    ended.tally(4).explain(|failure| match four_and_dups {
        true => failure.note("does it count the duplicates too? Each request is received once at most"),
        false => failure,
    })?;
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
        let failure = Failure::new("it ends after SIGINT", "it goes on").silent().by_hand(by_hand);
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
            ended.lost(sequence, "no good reply to it arrived")?;
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

impl Ended {
    /// The line of the counts, which must be there.
    pub fn counts(&self) -> Verdict<Counts> {
        self.printed.counts.ok_or_else(|| {
            let form = "the line `… packets transmitted, … received, …% packet loss` at the end";
            let near = self.printed.lines.iter().rev().find(|line| line.contains("transmitted"));
            let seen = near.map_or("no such line".to_owned(), |line| format!("`{line}`"));
            let failure = self.failure(form, seen);
            match near {
                Some(line) if line.contains("-") => failure
                    .note("a loss below 0 %? Each request is received once at most; further replies are duplicates"),
                Some(_) => failure.note(
                    "its form is fixed: `4 packets transmitted, 2 received, +1 duplicates, +1 errors, 50% packet loss`, \
                     the middle two only where there are some",
                ),
                None => failure,
            }
            .into()
        })
    }

    fn counts_line(&self) -> &str {
        self.printed.lines.iter().rev().find(|line| line.contains("transmitted")).map_or("", |line| line)
    }

    /// Fails unless the statistics have what came on the wire as transmitted, and this as received.
    fn tally(&self, received: u64) -> Verdict {
        let counts = self.counts()?;
        let came = self.trace.requests.len() as u64;
        self.ensure(
            counts.transmitted == came,
            format!("`{came} packets transmitted`: so many datagrams came"),
            format!("`{} packets transmitted`", counts.transmitted),
        )?;
        self.ensure(
            counts.received == received,
            format!("`{received} received`: so many of {came} requests were answered"),
            format!("`{} received`", counts.received),
        )?;
        self.loss_agrees(counts)
    }

    /// Fails unless the loss is that of the counts beside it.
    fn loss_agrees(&self, counts: Counts) -> Verdict {
        let (transmitted, received) = (counts.transmitted as f64, counts.received as f64);
        let lost = transmitted - received;
        let exact = 100.0 * lost / transmitted;
        let loss = counts.loss.value;
        let is = |value: f64| (loss - value).abs() <= counts.loss.rounding;
        if (loss - exact).abs() <= 1.0 + f64::EPSILON * 100.0 {
            return Ok(());
        }
        let failure = self.failure(
            format!("a loss of {exact:.1} %: {lost} of {transmitted} transmitted, give or take 1 %"),
            format!("`{loss}% packet loss`"),
        );
        Err(match () {
            () if is(0.0) => failure.note("2 / 7 is 0 in integers: multiply by 100 first, and divide then"),
            () if is(exact / 100.0) => {
                failure.note("that is the share of 1; a hundred times that are percent")
            }
            () if is(100.0 - exact) => failure.note("that is the share that was received"),
            () if is(100.0 * lost / received) => {
                failure.note("that divides by what was received; the loss is a share of what was transmitted")
            }
            () => failure,
        }
        .into())
    }

    /// Fails unless `+N duplicates` are the lines marked as such.
    fn duplicates_add_up(&self) -> Verdict {
        let marked = self.printed.replies.iter().filter(|reply| reply.duplicate).count() as u64;
        let said = match self.printed.counts.and_then(|counts| counts.duplicates) {
            Some(count) => format!("`+{count} duplicates`"),
            None => "no word of them in the statistics".to_owned(),
        };
        let expected = format!("`+{marked} duplicates`: so many lines are marked `(DUP!)`");
        self.ensure(said == format!("`+{marked} duplicates`"), expected, said)
    }

    /// Fails unless as many lines are marked as duplicates of this number as further good replies came. Those that
    /// left when all requests had come may have found nobody.
    fn marked(&self, sequence: u16) -> Verdict {
        let last = self.trace.requests.last().map(|request| request.at);
        let good = self.trace.sent.iter().filter(|sent| {
            sent.form.counts() && self.trace.requests[sent.request].sequence() == Some(sequence)
        });
        let further: Vec<bool> = good.skip(1).map(|sent| Some(sent.at) < last).collect();
        let (least, most) = (further.iter().filter(|early| **early).count(), further.len());
        let marked = self.duplicates(sequence);
        self.ensure(
            (least..=most).contains(&marked),
            format!("{most} lines with `(DUP!)` for seq {sequence}: so many replies came after the first"),
            format!("{marked} such lines"),
        )
    }

    /// Fails unless the counts are those of the lines above them, up to one that was under way.
    fn so_far(&self) -> Verdict {
        let counts = self.counts()?;
        let (came, lines) = (self.trace.requests.len() as u64, self.printed.firsts().count() as u64);
        self.ensure(
            counts.transmitted.abs_diff(came) <= 1,
            format!("`{came} packets transmitted`: so many datagrams came until then"),
            format!("`{} packets transmitted`", counts.transmitted),
        )?;
        self.ensure(
            counts.received.abs_diff(lines) <= 1,
            format!("`{lines} received`: so many reply lines are there"),
            format!("`{} received`", counts.received),
        )?;
        self.loss_agrees(counts)
    }
}

/// Places in the rtt line.
const MIN: usize = 0;
const AVG: usize = 1;
const MAX: usize = 2;
const MDEV: usize = 3;
const NAMES: [&str; 4] = ["min", "avg", "max", "mdev"];

/// How far mdev may be from what the reply lines give, in milliseconds (contract).
const MDEV_MARGIN: f64 = 0.01;

impl Ended {
    fn rtt(&self) -> Verdict<Rtt> {
        self.printed.rtt.ok_or_else(|| {
            let near = self.printed.lines.iter().rev().find(|line| starts_rtt(line));
            let seen = near.map_or("no such line".to_owned(), |line| format!("`{line}`"));
            self.failure("the line `rtt min/avg/max/mdev = …/…/…/… ms` at the end", seen).into()
        })
    }

    /// Fails unless these parts of the rtt line are what the reply lines give, with the duplicates or without.
    fn rtt_agrees(&self, parts: &[usize]) -> Verdict {
        let Rtt { min, avg, max, mdev } = self.rtt()?;
        let said = [min, avg, max, mdev];
        let all: Vec<Decimal> = self.printed.replies.iter().map(|reply| reply.time).collect();
        let firsts: Vec<Decimal> = self.printed.firsts().map(|reply| reply.time).collect();
        ensure(!firsts.is_empty(), "reply lines, for there is an rtt line", "none")?;
        if wrong_part(&said, &all, parts).is_none() {
            return Ok(());
        }
        let Some(part) = wrong_part(&said, &firsts, parts) else { return Ok(()) };
        let times: Vec<f64> = firsts.iter().map(|time| time.value).collect();
        let (name, right, found) = (NAMES[part], figures(&times)[part], said[part].value);
        let failure = self.failure(
            format!("{name} {right:.3} ms, going by the times of its own reply lines"),
            format!("{name} {found} ms"),
        );
        let transmitted = self.trace.requests.len() as f64;
        Err(match mistake(part, found, &times, transmitted) {
            Some(note) => failure.note(note),
            None => failure,
        }
        .into())
    }
}

/// The first of these parts that the times do not give. None of the figures changes by more than one of the times does,
/// so that the rounding of the lines is that of the figures.
fn wrong_part(said: &[Decimal; 4], times: &[Decimal], parts: &[usize]) -> Option<usize> {
    let rounding = times.iter().map(|time| time.rounding).fold(0.0, f64::max);
    let values: Vec<f64> = times.iter().map(|time| time.value).collect();
    let right = figures(&values);
    parts.iter().copied().find(|&part| {
        let margin = if part == MDEV { MDEV_MARGIN } else { 0.0 };
        (said[part].value - right[part]).abs() > rounding + said[part].rounding + margin + 1e-9
    })
}

/// Minimum, average, maximum and standard deviation.
fn figures(times: &[f64]) -> [f64; 4] {
    let average = mean(times.iter().copied());
    let variance = mean(times.iter().map(|time| (time - average).powi(2)));
    let (min, max) = times.iter().fold((f64::INFINITY, 0.0_f64), |(min, max), &t| (min.min(t), max.max(t)));
    [min, average, max, variance.sqrt()]
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// What makes such a figure.
fn mistake(part: usize, found: f64, times: &[f64], transmitted: f64) -> Option<&'static str> {
    let [min, average, max, deviation] = figures(times);
    let count = times.len() as f64;
    let absolute = mean(times.iter().map(|time| (time - average).abs()));
    let is = |value: f64| (found - value).abs() <= 0.02 + 0.01 * value;
    let right = [min, average, max, deviation][part];
    Some(match part {
        _ if is(right / 1e3) => "that looks like seconds where milliseconds are due",
        _ if is(right * 1e3) => "that looks like microseconds where milliseconds are due",
        MIN if found == 0.0 => {
            "a minimum that starts at 0 stays there: start with the first time, or with infinity"
        }
        AVG if is(count * average / transmitted) => {
            "that is the sum divided by the number of requests; divide by that of the replies"
        }
        AVG if is((min + max) / 2.0) => {
            "that is the middle between min and max; the average counts all times"
        }
        MDEV if is(deviation * (count / (count - 1.0)).sqrt()) => {
            "that divides by n - 1, as for a sample of something larger; these are all: divide by n"
        }
        MDEV if is(absolute) => {
            "that is the mean of the distances; mdev is the root of the mean of their squares"
        }
        MDEV if is(deviation * deviation) => "that is the variance; mdev is its square root",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: f64) -> Decimal {
        Decimal { value, rounding: 0.001 }
    }

    #[test]
    fn the_figures_are_those_of_the_population() {
        assert_eq!(figures(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), [2.0, 5.0, 9.0, 2.0]);
    }

    #[test]
    fn a_figure_may_be_off_by_the_rounding_of_the_lines_and_by_its_own() {
        let times = [ms(1.000), ms(3.000)];
        let said = |avg| [ms(1.0), ms(avg), ms(3.0), ms(1.0)];
        assert_eq!(wrong_part(&said(2.002), &times, &[MIN, AVG, MAX, MDEV]), None);
        assert_eq!(wrong_part(&said(2.003), &times, &[MIN, AVG, MAX, MDEV]), Some(AVG));
        let coarse = [Decimal { value: 1.0, rounding: 1.0 }, ms(3.0)];
        assert_eq!(wrong_part(&said(2.9), &coarse, &[AVG]), None);
    }

    #[test]
    fn usual_mistakes_are_known_by_their_figures() {
        let times = [10.0, 15.0, 20.0, 75.0];
        let sample = (2750.0_f64 / 3.0).sqrt();
        assert!(mistake(MDEV, sample, &times, 4.0).is_some_and(|note| note.contains("n - 1")));
        assert!(mistake(MDEV, 22.5, &times, 4.0).is_some_and(|note| note.contains("distances")));
        assert!(mistake(AVG, 24.0, &times, 5.0).is_some_and(|note| note.contains("requests")));
        assert_eq!(mistake(AVG, 33.0, &times, 4.0), None);
    }

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
