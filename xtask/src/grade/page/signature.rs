//! The kind of a failure: its words without the values that differ from one submission to the next.
//!
//! Every submission is tried with names, ports, lengths and dates of its own. Two students who made the same mistake
//! read different words, and whoever teaches them wants to see one mistake made twice.

use harness::report::{FailureReport, Program, unwritten};

/// Words in front of a number that is a kind rather than a value: `status 404`, `answered with 412`.
const KINDS: &[&str] = &["status", "step", "with", "a", "an", "lab", "stage"];

/// What stands in dates without being a number.
const CALENDAR: &[&str] = &[
    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
    "Sep", "Oct", "Nov", "Dec",
];

/// The longest of a failure's words that is looked at.
const LOOKED_AT: usize = 400;

/// Equal for failures of one check that are of one kind.
pub fn of(failure: &FailureReport, program: &Program) -> String {
    if let Some(gap) = unwritten::find(failure, program) {
        return format!("step {}, `{}`, is not written yet", gap.step, gap.name);
    }
    let words = &failure.failure;
    format!("expected {}; seen {}", redacted(&words.expected), redacted(&words.seen))
}

/// The words with a placeholder for each value.
pub fn redacted(words: &str) -> String {
    let words: String = words.chars().take(LOOKED_AT).collect();
    let mut out: Vec<String> = Vec::new();
    let mut before = "";
    for word in words.split_whitespace() {
        let kind = KINDS.contains(&before);
        let told = if kind && word.starts_with(|c: char| c.is_ascii_digit()) {
            word.to_owned()
        } else {
            value(word)
        };
        before = word;
        // `#` and `# #` are one value: a date, a number with its unit's spaces.
        if !(told == "#" && out.last().is_some_and(|last| last == "#")) {
            out.push(told);
        }
    }
    out.join(" ")
}

fn value(word: &str) -> String {
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    if CALENDAR.contains(&core) {
        return "#".to_owned();
    }
    // A path, a target, an address.
    if let Some(at) = word.find('/').filter(|_| word.len() > 1) {
        let end = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '/').len().max(at + 1);
        return format!("{}/…{}", &numbers(&word[..at]), &word[end..]);
    }
    let drawn = core.len() == 8 && core.bytes().all(|octet| octet.is_ascii_lowercase());
    let quoted = core.len() < word.len() && word.starts_with(['"', '`', '\'', '=']);
    if drawn && quoted { word.replace(core, "…") } else { numbers(word) }
}

/// Each run of digits, and of what is between two of them, as one sign.
fn numbers(word: &str) -> String {
    let (Some(first), Some(last)) =
        (word.find(|c: char| c.is_ascii_digit()), word.rfind(|c: char| c.is_ascii_digit()))
    else {
        return word.to_owned();
    };
    let other = |c: char| !c.is_ascii_alphanumeric();
    let before = word[..first].trim_end_matches(['+', '-']).trim_end_matches(|c| !other(c));
    let end = word[last..].find(other).map_or(word.len(), |more| last + more);
    let rest = &word[end..];
    format!("{before}#{}", if rest == "," { "" } else { rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) {
        assert_eq!(redacted(one), redacted(other));
    }

    #[test]
    fn values_make_no_difference() {
        alike(
            "384 octets; the first that differs is octet 128",
            "9 octets; the first that differs is octet 7",
        );
        alike("nothing within 12.0 s; 2 that came", "nothing within 5.5 s; 3 that came");
        alike(
            "`If-Modified-Since: Tue, 07 Aug 2012 06:57:38 GMT` is answered",
            "`If-Modified-Since: Sat, 11 May 2019 16:07:00 GMT` is answered",
        );
        alike(
            "no line … \"GET /mgokkpsc.txt HTTP/1.1\" 200 3078",
            "no line … \"GET /abcdefgh.txt HTTP/1.1\" 200 12",
        );
        alike("a name \"mgokkpsc\" in the list", "a name \"qwertzui\" in the list");
        alike("connect to 127.0.0.1:40213", "connect to 127.0.0.1:9");
        alike("a digest of 3f9a77c0", "a digest of 77c03f9a");
    }

    #[test]
    fn kinds_do() {
        for (one, other) in [
            ("it ended with status 101", "it ended with status 2"),
            ("status 404", "status 500"),
            (
                "exit status 0, for a whole answer; here: a 200",
                "exit status 0, for a whole answer; here: a 301",
            ),
            ("no Age", "more than one Age"),
        ] {
            assert_ne!(redacted(one), redacted(other));
        }
    }

    #[test]
    fn what_remains_can_be_read() {
        assert_eq!(
            redacted(
                "4060598 octets, then the connection was closed (FIN): 37 of 8388608 octets of the body"
            ),
            "# octets, then the connection was closed (FIN): # of # octets of the body"
        );
        assert_eq!(redacted("a request for /k3f9/a%20b.txt?x=1, and \"/\""), "a request for /…, and \"/…\"");
        assert_eq!(redacted("…"), "…");
    }
}
