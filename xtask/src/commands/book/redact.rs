//! What is another at each run, put in a form that stays.
//!
//! A port becomes 40001, the next one 40002, and so on: each keeps its name throughout a text. A time that was measured,
//! or that the load of the machine lengthens, becomes `…`.

use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

/// A server's address, or its port in words.
static PORT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?P<before>(?:127\.0\.0\.1|localhost|\[::1\]):|--port[ =]|\bport |-p )(?P<port>[1-9][0-9]{3,4})\b",
    )
});
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
});
/// In place of each stands the word behind it.
static OTHERS: LazyLock<[(Regex, &str); 12]> = LazyLock::new(|| {
    [
        (pattern(r"/[^ ']*/wirelab-run-[A-Za-z0-9]+"), "/tmp/run"),
        (pattern(r"/[^ ']*/bench-[0-9]+/"), ""),
        (pattern(r#"ETag: "[^"]*""#), r#"ETag: "1f2e-3d""#),
        // How much of a body is shown depends on the length of what is redacted before it.
        (pattern(r"(␍␊␍␊|␊␊).* … \([0-9]+ octets in all\)"), "$1… (and the body)"),
        (pattern(r"\bwirelab-[0-9a-f]{6,}"), "wirelab-1f2e3d"),
        (pattern(r"\b[0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9]{2}:[0-9]{2}\b"), "29 Feb 2020 12:00"),
        (pattern(r"\bprocess [0-9]+\b"), "process 4711"),
        (pattern(r"\bwithin [0-9.]+ s\b"), "within … s"),
        (pattern(r"\bafter [0-9]+\.[0-9] s\b"), "after … s"),
        (pattern(r"\btime=[0-9.]+ ms\b"), "time=… ms"),
        (pattern(r"\btime [0-9.]+ ms\b"), "time … ms"),
        (pattern(r"\b[0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms\b"), "…/…/…/… ms"),
    ]
});

/// Remembers the ports it has met.
#[derive(Default)]
pub struct Redaction {
    ports: Vec<String>,
}

impl Redaction {
    pub fn apply(&mut self, text: &str) -> String {
        let text = PORT.replace_all(text, |found: &Captures<'_>| {
            format!("{}{}", &found["before"], self.port(&found["port"]))
        });
        let text = DATE.replace_all(&text, "Sat, 29 Feb 2020 12:00:00").into_owned();
        OTHERS.iter().fold(text, |text, (what, word)| what.replace_all(&text, *word).into_owned())
    }

    fn port(&mut self, port: &str) -> usize {
        let known = self.ports.iter().position(|known| known == port);
        40_001
            + known.unwrap_or_else(|| {
                self.ports.push(port.to_owned());
                self.ports.len() - 1
            })
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_keeps_its_name() {
        let mut redaction = Redaction::default();
        assert_eq!(
            redaction
                .apply("started at 127.0.0.1:23456; curl http://localhost:31000/ --port 23456, status 40400"),
            "started at 127.0.0.1:40001; curl http://localhost:40002/ --port 40001, status 40400"
        );
    }

    #[test]
    fn a_date_and_a_directory_stay_the_same() {
        assert_eq!(
            Redaction::default().apply("Date: Fri, 27 Nov 2026 09:12:13 GMT in /tmp/wirelab-run-aZ3/site-1"),
            "Date: Sat, 29 Feb 2020 12:00:00 GMT in /tmp/run/site-1"
        );
    }
}
