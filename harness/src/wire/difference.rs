//! Why two bodies differ, in words that teach: the faults that programs make again and again, recognised.

use super::bytes::{hex_excerpt, show};

/// Index of the first octet that differs; where one ends and the other goes on, that index.
pub fn first(expected: &[u8], seen: &[u8]) -> Option<usize> {
    let common = expected.iter().zip(seen).take_while(|(a, b)| a == b).count();
    (common < expected.len().max(seen.len())).then_some(common)
}

/// One line on how the two differ and, if the fault is a known one, a second on where it comes from.
pub fn describe(expected: &[u8], seen: &[u8]) -> String {
    let Some(at) = first(expected, seen) else {
        return format!("the same {} octets", expected.len());
    };
    let lengths = match seen.len() == expected.len() {
        true => format!("{} octets, as expected", seen.len()),
        false => format!("{} octets instead of {}", seen.len(), expected.len()),
    };
    let place = match (expected.get(at), seen.get(at)) {
        (Some(wanted), Some(got)) => {
            format!("octet {at} is the first that differs: {} instead of {}", octet(*got), octet(*wanted))
        }
        (Some(_), None) => "all that came is right, the rest is missing".to_owned(),
        _ => "all that was expected came, and then more".to_owned(),
    };
    match known_fault(expected, seen, at) {
        Some(fault) => format!("{lengths}; {place}\n{fault}"),
        None => format!("{lengths}; {place}"),
    }
}

fn octet(octet: u8) -> String {
    match octet {
        b' '..=b'~' => format!("{octet:02x} ({})", char::from(octet)),
        b'\r' | b'\n' => format!("{octet:02x} ({})", show(&[octet])),
        _ => format!("{octet:02x}"),
    }
}

/// The first octets of a part, in quotes.
fn quote(octets: &[u8]) -> String {
    let more = if octets.len() > 24 { "…" } else { "" };
    format!("\"{}{more}\"", show(&octets[..octets.len().min(24)]))
}

fn known_fault(expected: &[u8], seen: &[u8], at: usize) -> Option<String> {
    if seen.is_empty() {
        return Some("the body is empty: were only the header fields sent?".to_owned());
    }
    text_conversion(expected, seen, at)
        .or_else(|| line_ends(expected, seen))
        .or_else(|| too_short(expected, seen))
        .or_else(|| too_long(expected, seen))
        .or_else(|| something_else(expected, seen))
        .or_else(|| stale_buffer(expected, seen, at))
}

fn text_conversion(expected: &[u8], seen: &[u8], at: usize) -> Option<String> {
    const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();
    if seen[at..].starts_with(REPLACEMENT)
        && String::from_utf8_lossy(expected).as_bytes()[..at] == expected[..at]
    {
        let times = seen.windows(3).filter(|window| *window == REPLACEMENT).count();
        return Some(format!(
            "ef bf bd, which came {times} times, is U+FFFD, the mark of a lossy UTF-8 conversion: the content went \
             through a text string; read and send octets"
        ));
    }
    let latin1: String = expected.iter().map(|&octet| char::from(octet)).collect();
    if latin1.as_bytes() == seen {
        return Some(
            "each octet from 80 on became two: it was taken for a character and encoded as UTF-8; send octets"
                .to_owned(),
        );
    }
    let question_marks = expected.len() == seen.len()
        && expected.iter().zip(seen).all(|(&a, &b)| a == b || (a >= 0x80 && b == b'?'));
    question_marks.then(|| {
        "\"?\" stands for each octet from 80 on: the content was encoded as ASCII text; send octets"
            .to_owned()
    })
}

fn line_ends(expected: &[u8], seen: &[u8]) -> Option<String> {
    let lf_only = |octets: &[u8]| {
        let mut rest = octets;
        let mut kept = Vec::with_capacity(octets.len());
        while let Some((&octet, tail)) = rest.split_first() {
            if !(octet == b'\r' && tail.first() == Some(&b'\n')) {
                kept.push(octet);
            }
            rest = tail;
        }
        kept
    };
    let (expected_lf, seen_lf) = (lf_only(expected), lf_only(seen));
    if expected_lf == seen_lf {
        let (from, to) = if seen.len() > expected.len() { ("LF", "CR LF") } else { ("CR LF", "LF") };
        return Some(format!(
            "{from} became {to}: a body is octets, its line ends are not translated; use binary mode"
        ));
    }
    let end = |octets: &[u8]| octets.strip_suffix(b"\n").map_or(octets.len(), <[u8]>::len);
    let last_too = expected_lf[..end(&expected_lf)] == seen_lf[..end(&seen_lf)];
    (last_too && !expected.starts_with(seen) && !seen.starts_with(expected)).then(|| {
        "line ends changed, also the last one: the content was read and printed line by line; send its octets"
            .to_owned()
    })
}

fn too_short(expected: &[u8], seen: &[u8]) -> Option<String> {
    if expected.ends_with(seen) {
        let lost = expected.len() - seen.len();
        return Some(format!(
            "the first {lost} octets are missing, the rest is right: were they read together with the head, and dropped?"
        ));
    }
    let rest = expected.strip_prefix(seen)?;
    let fault = if rest[0] == 0 && !seen.contains(&0) {
        "it ends where the first NUL stands: a function for strings (strlen, %s) stops there; pass the length along"
            .to_owned()
    } else if rest.trim_ascii().is_empty() {
        format!("only {} is missing at the end: was the content trimmed, as text?", quote(rest))
    } else if seen.len() >= 256 && seen.len().is_power_of_two() {
        format!("it ends after {}, the size of a buffer: go on reading and writing until the end", seen.len())
    } else if seen.len() >= 2048 && seen.len().is_multiple_of(1024) {
        format!(
            "it ends after {} octets, whole buffers of 1024: the last one, filled only in part, was not sent",
            seen.len()
        )
    } else {
        "it ends too early: look at what each read and write returns (it may be less than was asked for), and close \
         only after all is written"
            .to_owned()
    };
    Some(fault)
}

fn too_long(expected: &[u8], seen: &[u8]) -> Option<String> {
    let rest = seen.strip_prefix(expected)?;
    Some(if rest.trim_ascii().is_empty() {
        format!("{} follows the content: printing a line adds its end; write the octets alone", quote(rest))
    } else if rest.iter().all(|&octet| octet == 0) {
        "NULs follow the content: the whole buffer was sent, not only as many octets as were read into it"
            .to_owned()
    } else if rest == expected {
        "the content came twice".to_owned()
    } else if seen.len() >= 256 && seen.len().is_multiple_of(256) {
        format!("it was filled up to {} octets: send as many as were read, not the whole buffer", seen.len())
    } else {
        format!(
            "after the content came {}: what else writes to this connection?",
            show(&rest[..rest.len().min(24)])
        )
    })
}

fn something_else(expected: &[u8], seen: &[u8]) -> Option<String> {
    if seen.starts_with(b"HTTP/1.") && !expected.starts_with(b"HTTP/1.") {
        return Some(
            "the body begins with a status line: a second head, or the first one taken for a part of the body".to_owned(),
        );
    }
    if let Some(before) = seen.strip_suffix(expected).filter(|_| !expected.is_empty()) {
        return Some(if before.trim_ascii().is_empty() {
            format!(
                "{} stands before the content: one line end too many after the header section",
                show(before)
            )
        } else if before.ends_with(b"\r\n\r\n") || before.ends_with(b"\n\n") {
            "header lines stand before the content: an empty line came too early in the header section"
                .to_owned()
        } else {
            format!("the content is there, after {} other octets", before.len())
        });
    }
    let is_page = |octets: &[u8]| {
        let start = octets.trim_ascii_start();
        [&b"<!doctype html"[..], b"<html"]
            .iter()
            .any(|tag| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
    };
    if is_page(seen) && !is_page(expected) {
        let title = super::html::Page::read(seen).title.unwrap_or_default();
        return Some(format!("an HTML page came instead, titled {title:?}: a listing or an error page?"));
    }
    None
}

fn stale_buffer(expected: &[u8], seen: &[u8], at: usize) -> Option<String> {
    let rest = seen.get(at..).filter(|rest| !rest.is_empty())?;
    if rest.iter().all(|&octet| octet == 0) {
        return Some(format!("from octet {at} on all is NUL: that part of the buffer was never filled"));
    }
    if at >= 256 && at.is_multiple_of(256) {
        return Some(format!(
            "up to octet {at} all is right: what happens at the end of a buffer of that size?"
        ));
    }
    let (wanted, _) = hex_excerpt(expected, at, 1);
    let (got, carets) = hex_excerpt(seen, at, 1);
    Some(format!("expected {wanted}\n    seen {got}\n         {carets}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fault(expected: &[u8], seen: &[u8], words: &str) {
        let description = describe(expected, seen);
        assert!(description.contains(words), "{description}");
        assert!(description.lines().count() <= 4, "{description}");
    }

    fn octets(count: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(11);
        (0..count).map(|_| random.u8(1..)).collect()
    }

    #[test]
    fn the_first_difference_may_be_an_end() {
        assert_eq!(first(b"abc", b"abc"), None);
        assert_eq!(first(b"abc", b"abd"), Some(2));
        assert_eq!(first(b"abc", b"ab"), Some(2));
        assert_eq!(first(b"", b"a"), Some(0));
    }

    #[test]
    fn text_conversions_are_recognised() {
        let all: Vec<u8> = (0..=255).collect();
        fault(&all, String::from_utf8_lossy(&all).as_bytes(), "128 times");
        fault(
            &all,
            String::from_utf8_lossy(&all).as_bytes(),
            "octet 128 is the first that differs: ef instead of 80",
        );
        let latin1: String = all.iter().map(|&octet| char::from(octet)).collect();
        fault(&all, latin1.as_bytes(), "became two");
        let ascii: Vec<u8> = all.iter().map(|&octet| if octet < 128 { octet } else { b'?' }).collect();
        fault(&all, &ascii, "encoded as ASCII");
        fault("é\u{fffd}".as_bytes(), "e\u{fffd}".as_bytes(), "c3");
    }

    #[test]
    fn translated_line_ends_are_recognised() {
        fault(b"a\nb\n", b"a\r\nb\r\n", "LF became CR LF");
        fault(b"a\r\nb\r\n", b"a\nb\n", "CR LF became LF");
        fault(b"a\r\nb", b"a\nb\n", "line by line");
    }

    #[test]
    fn bodies_that_end_too_early_are_recognised() {
        fault(b"abc", b"", "the body is empty");
        fault(b"a\0b", b"a", "NUL");
        fault(b"abc\n", b"abc", "trimmed");
        fault(&octets(9000), &octets(9000)[..4096], "after 4096, the size of a buffer");
        fault(&octets(9000), &octets(9000)[..3072], "filled only in part");
        fault(&octets(9000), &octets(9000)[..999], "ends too early");
        fault(&octets(9000), &octets(9000)[100..], "first 100 octets are missing");
    }

    #[test]
    fn bodies_with_more_than_the_content_are_recognised() {
        fault(b"abc", b"abc\n", "printing a line");
        fault(b"abc", b"abc\0\0\0", "NULs follow");
        fault(b"abc", b"abcabc", "twice");
        fault(b"abc", b"\r\nabc", "one line end too many");
        fault(b"abc", b"Server: x\r\n\r\nabc", "too early in the header section");
        fault(b"abc", b"HTTP/1.1 200 OK\r\n\r\nabc", "status line");
        fault(&octets(300), &[octets(300), octets(212)].concat(), "filled up to 512");
        fault(b"abc", b"abcHTTP/1.1 200 OK", "what else writes");
    }

    #[test]
    fn other_pages_and_unfilled_buffers_are_recognised() {
        fault(b"abc", b"<!DOCTYPE HTML><title>404 &amp; all</title>", "\"404 & all\"");
        fault(&octets(100), &[&octets(100)[..60], &[0; 40]].concat(), "from octet 60 on all is NUL");
        let mut late = octets(2000);
        late[1024] ^= 1;
        fault(&octets(2000), &late, "up to octet 1024 all is right");
        fault(b"abcd", b"abxd", "expected 61 62 63 64");
    }
}
