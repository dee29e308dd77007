//! The statistics, counted and computed again from the wire and from the reply lines: whether they agree, and which
//! mistake made them say something else.

use super::output::{Counts, Decimal, Rtt};
use super::session::Ended;
use crate::verdict::{Verdict, ensure};

impl Ended {
    /// The line of the counts, which must be there.
    pub fn counts(&self) -> Verdict<Counts> {
        self.printed.counts.ok_or_else(|| {
            let form = "the line `… packets transmitted, … received, …% packet loss` at the end";
            let near = self.printed.lines.iter().rev().find(|line| line.contains("transmitted"));
            let seen = near.map_or("no such line".to_owned(), |line| format!("`{line}`"));
            let failure = self.failure(form, seen);
            match near {
                Some(line) if line.contains(" -") => failure
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

    pub fn counts_line(&self) -> &str {
        self.printed.lines.iter().rev().find(|line| line.contains("transmitted")).map_or("", |line| line)
    }

    /// Fails unless the statistics have what came on the wire as transmitted, and this as received.
    pub fn tally(&self, received: u64) -> Verdict {
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
        let is = |value: f64| (loss - value).abs() <= 0.01 + 0.02 * value;
        if counts.transmitted == 0 || (loss - exact).abs() <= 1.0 + 1e-9 {
            return Ok(());
        }
        let failure = self.failure(
            format!("a loss of {exact:.1} %: {lost} of {transmitted} transmitted, give or take 1 %"),
            format!("`{loss}% packet loss`"),
        );
        Err(match () {
            () if is(0.0) && received > 0.0 => {
                failure.note("2 / 7 is 0 in integers: multiply by 100 first, and divide then")
            }
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
    pub fn duplicates_add_up(&self) -> Verdict {
        let marked = self.printed.replies.iter().filter(|reply| reply.duplicate).count() as u64;
        let said = self.counts()?.duplicates;
        let words = |count| match count {
            Some(count) => format!("`+{count} duplicates`"),
            None => "no word of duplicates in the statistics".to_owned(),
        };
        let right = (marked > 0).then_some(marked);
        let expected = format!("{}: {} marked `(DUP!)`", words(right), lines(marked as usize));
        self.ensure(said == right, expected, words(said))
    }

    /// Fails unless as many lines are marked as duplicates of this number as further good replies came. Those that
    /// left when all requests had come may have found nobody.
    pub fn marked(&self, sequence: u16) -> Verdict {
        let last = self.trace.requests.last().map(|request| request.at);
        let good = self.trace.sent.iter().filter(|sent| {
            sent.form.counts() && self.trace.requests[sent.request].sequence() == Some(sequence)
        });
        let further: Vec<bool> = good.skip(1).map(|sent| Some(sent.at) < last).collect();
        let (least, most) = (further.iter().filter(|early| **early).count(), further.len());
        let marked = self.duplicates(sequence);
        self.ensure(
            (least..=most).contains(&marked),
            format!("{} with `(DUP!)` for seq {sequence}, as replies came after the first", lines(most)),
            lines(marked),
        )
    }

    /// Fails unless the counts are those of the lines above them, up to one that was under way.
    pub fn so_far(&self) -> Verdict {
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

fn lines(count: usize) -> String {
    match count {
        0 => "no line".to_owned(),
        1 => "1 line".to_owned(),
        _ => format!("{count} lines"),
    }
}

/// Places in the rtt line.
pub const MIN: usize = 0;
pub const AVG: usize = 1;
pub const MAX: usize = 2;
pub const MDEV: usize = 3;
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
    pub fn rtt_agrees(&self, parts: &[usize]) -> Verdict {
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

/// Whether it is an rtt line, of whatever form.
pub fn starts_rtt(line: &str) -> bool {
    ["rtt ", "round-trip "].iter().any(|start| line.starts_with(start))
}

/// What makes such a figure.
fn mistake(part: usize, found: f64, times: &[f64], transmitted: f64) -> Option<&'static str> {
    let [min, average, max, deviation] = figures(times);
    let count = times.len() as f64;
    let absolute = mean(times.iter().map(|time| (time - average).abs()));
    let is = |value: f64| (found - value).abs() <= 0.02 + 0.01 * value;
    let right = [min, average, max, deviation][part];
    Some(match part {
        MIN if found == 0.0 => {
            "a minimum that starts at 0 stays there: start with the first time, or with infinity"
        }
        _ if is(right / 1e3) => "that looks like seconds where milliseconds are due",
        _ if is(right * 1e3) => "that looks like microseconds where milliseconds are due",
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
}
