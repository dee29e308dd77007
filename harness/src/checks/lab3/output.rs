//! What is read of a ping's output, by the regular expressions that the contract publishes; all else is free.

use std::sync::LazyLock;
use std::time::Instant;

use regex_lite::{Captures, Regex};

use crate::subject::Output;

/// Address, sequence number, milliseconds, and the mark of a duplicate.
pub const REPLY: &str =
    r"^\d+ bytes from (\S+?)(?: \(\S+\))?: .*?seq=(\d+) .*?time[=<](\d+(?:\.\d+)?) ?ms( .*\(DUP!\))?";
pub const TIMEOUT: &str = r"^Request timeout for (?:icmp_)?seq[ =](\d+)";
pub const UNREACHABLE: &str = r"^From (\S+?):? .*?seq=(\d+) .*Destination Port Unreachable";
/// Transmitted, received, duplicates, errors, and the loss in percent.
pub const COUNTS: &str = r"^(\d+) packets transmitted, (\d+) (?:packets )?received(?:, \+(\d+) duplicates)?(?:, \+(\d+) errors)?, (\d+(?:\.\d+)?)% packet loss";
/// Minimum, average, maximum and standard deviation, in milliseconds.
pub const RTT: &str = r"^(?:rtt|round-trip) min/avg/max/(?:mdev|stddev) = (\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?) ms";

/// A decimal number as it was printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decimal {
    pub value: f64,
    /// The most that rounding to the printed digits can have changed.
    pub rounding: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub address: String,
    pub sequence: u64,
    /// In milliseconds.
    pub time: Decimal,
    pub duplicate: bool,
    /// When the line came, as the harness saw it.
    pub seen: Option<Instant>,
}

/// A line about a request without a reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoReply {
    pub sequence: u64,
    pub seen: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counts {
    pub transmitted: u64,
    pub received: u64,
    /// `None` where it is not mentioned.
    pub duplicates: Option<u64>,
    pub errors: Option<u64>,
    /// In percent.
    pub loss: Decimal,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rtt {
    pub min: Decimal,
    pub avg: Decimal,
    pub max: Decimal,
    pub mdev: Decimal,
}

/// All that a ping has printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Printed {
    pub lines: Vec<String>,
    pub replies: Vec<Reply>,
    pub timeouts: Vec<NoReply>,
    pub unreachable: Vec<NoReply>,
    /// The last of its kind.
    pub counts: Option<Counts>,
    pub rtt: Option<Rtt>,
}

impl Printed {
    pub fn read(stdout: &Output) -> Self {
        let mut printed = Printed::default();
        let mut offset = 0;
        for octets in stdout.head().split_inclusive(|octet| *octet == b'\n') {
            offset += octets.len();
            let line = String::from_utf8_lossy(octets);
            printed.line(line.trim_end(), stdout.arrival(offset - 1));
        }
        printed
    }

    fn line(&mut self, line: &str, seen: Option<Instant>) {
        self.lines.push(line.to_owned());
        if let Some(found) = PATTERNS.reply.captures(line) {
            self.replies.push(Reply {
                address: found[1].to_owned(),
                sequence: number(&found, 2),
                time: decimal(&found[3]),
                duplicate: found.get(4).is_some(),
                seen,
            });
        } else if let Some(found) = PATTERNS.timeout.captures(line) {
            self.timeouts.push(NoReply { sequence: number(&found, 1), seen });
        } else if let Some(found) = PATTERNS.unreachable.captures(line) {
            self.unreachable.push(NoReply { sequence: number(&found, 2), seen });
        } else if let Some(found) = PATTERNS.counts.captures(line) {
            let mentioned = |group: usize| found.get(group).map(|_| number(&found, group));
            self.counts = Some(Counts {
                transmitted: number(&found, 1),
                received: number(&found, 2),
                duplicates: mentioned(3),
                errors: mentioned(4),
                loss: decimal(&found[5]),
            });
        } else if let Some(found) = PATTERNS.rtt.captures(line) {
            let [min, avg, max, mdev] = [1, 2, 3, 4].map(|group| decimal(&found[group]));
            self.rtt = Some(Rtt { min, avg, max, mdev });
        }
    }

    /// The first valid reply to each request, in the order of the lines.
    pub fn firsts(&self) -> impl Iterator<Item = &Reply> {
        self.replies.iter().filter(|reply| !reply.duplicate)
    }
}

struct Patterns {
    reply: Regex,
    timeout: Regex,
    unreachable: Regex,
    counts: Regex,
    rtt: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let [reply, timeout, unreachable, counts, rtt] = [REPLY, TIMEOUT, UNREACHABLE, COUNTS, RTT]
        .map(|pattern| Regex::new(pattern).expect("the pattern is a regular expression"));
    Patterns { reply, timeout, unreachable, counts, rtt }
});

/// A number too large to be one is none that could be right.
fn number(found: &Captures<'_>, group: usize) -> u64 {
    found[group].parse().unwrap_or(u64::MAX)
}

fn decimal(text: &str) -> Decimal {
    let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    // Cut off or rounded, either is printing.
    let rounding = 10_f64.powi(-i32::try_from(decimals).unwrap_or(i32::MAX));
    Decimal { value: text.parse().unwrap_or(f64::INFINITY), rounding }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Printed {
        let mut printed = Printed::default();
        text.lines().for_each(|line| printed.line(line, None));
        printed
    }

    fn ms(value: f64, rounding: f64) -> Decimal {
        Decimal { value, rounding }
    }

    #[test]
    fn the_sample_of_the_contract_is_read() {
        let contract = include_str!("../../../../CONTRACTS.md");
        let sample =
            contract.split("  PING localhost").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let sample: Vec<&str> = sample.lines().map(str::trim).collect();
        let printed = read(&sample.join("\n"));
        let replies: Vec<(u64, bool)> =
            printed.replies.iter().map(|reply| (reply.sequence, reply.duplicate)).collect();
        assert_eq!(replies, [(1, false), (3, false), (3, true)]);
        assert!(printed.replies.iter().all(|reply| reply.address == "127.0.0.1"));
        assert_eq!(printed.timeouts[0].sequence, 2);
        assert_eq!(printed.unreachable[0].sequence, 4);
        let counts = printed.counts.unwrap();
        assert_eq!((counts.transmitted, counts.received), (4, 2));
        assert_eq!((counts.duplicates, counts.errors), (Some(1), Some(1)));
        assert_eq!(counts.loss, ms(50.0, 1.0));
        let rtt = printed.rtt.unwrap();
        assert_eq!((rtt.min, rtt.mdev), (ms(0.045, 0.001), ms(0.003, 0.001)));
    }

    #[test]
    fn the_contract_publishes_every_pattern() {
        let contract = include_str!("../../../../CONTRACTS.md");
        for pattern in [REPLY, TIMEOUT, UNREACHABLE, COUNTS, RTT] {
            assert!(contract.contains(pattern), "{pattern}");
        }
    }

    #[test]
    fn the_lines_of_iputils_are_read_too() {
        let printed = read(
            "64 bytes from localhost (127.0.0.1): icmp_seq=1 ttl=64 time=0.031 ms\n\
             64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 time=12 ms (DUP!)\n\
             64 bytes from ::1: seq=3 time=0.5 ms\n\
             3 packets transmitted, 2 packets received, +1 duplicates, 33.3333% packet loss, time 2002ms\n\
             round-trip min/avg/max/stddev = 0.031/0.034/0.040/0.004 ms\n",
        );
        let replies: Vec<_> =
            printed.replies.iter().map(|r| (r.address.as_str(), r.sequence, r.duplicate)).collect();
        assert_eq!(replies, [("localhost", 1, false), ("127.0.0.1", 2, true), ("::1", 3, false)]);
        assert_eq!(printed.replies[1].time, ms(12.0, 1.0));
        assert_eq!(printed.counts.unwrap().errors, None);
        assert!(printed.rtt.is_some());
    }

    #[test]
    fn what_is_neither_is_kept_as_a_line() {
        let printed = read("PING localhost (127.0.0.1) port 12000: 56 data bytes\n\nignored 3 octets\n");
        assert_eq!((printed.lines.len(), printed.replies.len()), (3, 0));
    }
}
