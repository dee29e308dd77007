//! What is counted, and the round-trip times, in one pass and constant memory.

use std::fmt;
use std::time::Duration;

/// What has happened so far.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// Requests that were handed to the kernel.
    pub transmitted: u64,
    /// Requests that were answered in time.
    pub received: u64,
    /// Valid replies after the first to the same request.
    pub duplicates: u64,
    /// Requests that the network, or our own machine, refused to carry.
    pub errors: u64,
    /// The times of those received.
    pub rtt: RoundTrips,
}

impl Statistics {
    /// How many of a hundred requests stayed without an answer.
    pub fn loss(&self) -> f64 {
        // ANCHOR: step5_loss
        match self.transmitted {
            0 => 0.0,
            sent => (sent - self.received) as f64 * 100.0 / sent as f64,
        }
        // ANCHOR_END: step5_loss
    }
}

/// The report's second half. The time is what has passed since the first request.
pub fn summary(host: &str, statistics: &Statistics, time: Duration) -> String {
    // ANCHOR: step5_summary
    // STARTER: String::new() // step 5: two or three lines
    let Statistics {
        transmitted,
        received,
        duplicates,
        errors,
        rtt,
    } = statistics;
    let some = |count: u64, what| match count {
        0 => String::new(),
        _ => format!(", +{count} {what}"),
    };
    let duplicates = some(*duplicates, "duplicates");
    let errors = some(*errors, "errors");
    let loss = (statistics.loss() * 1e4).round() / 1e4; // 33.3333, but 50
    let time = time.as_millis();
    let mut text = format!(
        "\n--- {host} ping statistics ---\n\
         {transmitted} packets transmitted, {received} received{duplicates}{errors}, \
         {loss}% packet loss, time {time} ms\n"
    );
    if *received > 0 {
        text += &format!("rtt min/avg/max/mdev = {rtt} ms\n");
    }
    text
    // ANCHOR_END: step5_summary
}

/// Minimum, mean, maximum and standard deviation of round-trip times, in milliseconds.
///
/// The sum of squares is kept as Welford has it, around the mean so far: the sum of the squares
/// themselves, less the square of the sum, loses all its digits when the times differ by little.
#[derive(Debug, Clone, Default)]
pub struct RoundTrips {
    count: u64,
    min: f64,
    max: f64,
    mean: f64,
    /// The sum of the squares of the distances from the mean.
    squares: f64,
}

impl RoundTrips {
    /// Takes one more time into account.
    pub fn add(&mut self, time: Duration) {
        // ANCHOR: step5_add
        // STARTER: // step 5: the times are not needed before
        let time = time.as_secs_f64() * 1e3;
        self.count += 1;
        if self.count == 1 {
            (self.min, self.max) = (time, time);
        }
        self.min = self.min.min(time);
        self.max = self.max.max(time);
        let distance = time - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (time - self.mean);
        // ANCHOR_END: step5_add
    }

    /// The standard deviation of all times, as iputils prints it: the root of the mean square, not
    /// the estimate from a sample, which divides by one less.
    pub fn mdev(&self) -> f64 {
        // ANCHOR: step5_mdev
        match self.count {
            0 => 0.0,
            count => (self.squares / count as f64).sqrt(),
        }
        // ANCHOR_END: step5_mdev
    }
}

impl fmt::Display for RoundTrips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RoundTrips { min, max, mean, .. } = self;
        let mdev = self.mdev();
        write!(f, "{min:.3}/{mean:.3}/{max:.3}/{mdev:.3}")
    }
}

#[cfg(test)]
mod step5 {
    use super::*;

    fn round_trips(micros: impl IntoIterator<Item = u64>) -> RoundTrips {
        let mut rtt = RoundTrips::default();
        for time in micros {
            rtt.add(Duration::from_micros(time));
        }
        rtt
    }

    #[test]
    fn the_times_of_the_contract_give_its_line() {
        assert_eq!(round_trips([45, 51]).to_string(), "0.045/0.048/0.051/0.003");
        assert_eq!(round_trips([2000]).to_string(), "2.000/2.000/2.000/0.000");
    }

    #[test]
    fn one_pass_gives_what_two_passes_give() {
        let times: Vec<u64> = (0..10_000).map(|i| 1_000_000_000 + i * i % 997).collect();
        let rtt = round_trips(times.iter().copied());
        let of = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / times.len() as f64;
        let mean = of(&mut times.iter().map(|&time| time as f64 / 1e3));
        let variance = of(&mut times.iter().map(|&time| (time as f64 / 1e3 - mean).powi(2)));
        assert!((rtt.mean - mean).abs() < 1e-6, "{} {mean}", rtt.mean);
        assert!(
            (rtt.mdev() - variance.sqrt()).abs() < 1e-6,
            "{} {variance}",
            rtt.mdev()
        );
    }

    #[test]
    fn the_least_is_the_least_and_the_greatest_the_greatest_in_any_order() {
        for times in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
            let rtt = round_trips(times);
            assert_eq!((rtt.min, rtt.max), (0.001, 0.003));
        }
    }

    #[test]
    fn the_summary_says_what_the_contract_says() {
        let statistics = Statistics {
            transmitted: 4,
            received: 2,
            duplicates: 1,
            errors: 1,
            rtt: round_trips([45, 51]),
        };
        assert_eq!(
            summary("localhost", &statistics, Duration::from_micros(3_012_999)),
            "\n--- localhost ping statistics ---\n\
             4 packets transmitted, 2 received, +1 duplicates, +1 errors, 50% packet loss, \
             time 3012 ms\n\
             rtt min/avg/max/mdev = 0.045/0.048/0.051/0.003 ms\n"
        );
    }

    #[test]
    fn without_an_answer_there_are_no_times_and_without_a_request_no_loss() {
        let unanswered = |transmitted| Statistics {
            transmitted,
            ..Statistics::default()
        };
        let text = summary("h", &unanswered(3), Duration::ZERO);
        let line = "3 packets transmitted, 0 received, 100% packet loss, time 0 ms\n";
        assert!(text.ends_with(line), "{text}");
        let text = summary("h", &unanswered(0), Duration::ZERO);
        let line = "0 packets transmitted, 0 received, 0% packet loss, time 0 ms\n";
        assert!(text.ends_with(line), "{text}");
    }

    #[test]
    fn the_loss_is_exact_to_a_ten_thousandth() {
        let statistics = Statistics {
            transmitted: 3,
            received: 2,
            rtt: round_trips([1, 1]),
            ..Statistics::default()
        };
        let text = summary("h", &statistics, Duration::ZERO);
        assert!(text.contains(", 33.3333% packet loss,"), "{text}");
    }
}
