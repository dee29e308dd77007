//! Dates as HTTP writes them (RFC 9110 §5.6.7): reading the one format that senders use, writing all three.

use std::time::SystemTime;

use super::SyntaxError;

const CLAUSE: &str = "RFC 9110 §5.6.7";

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, octet by octet, of a day that exists and has that weekday. No leap seconds.
pub fn is_imf_fixdate(value: &[u8]) -> Result<SystemTime, SyntaxError> {
    const PATTERN: &[u8] = b"Aaa, 00 Aaa 0000 00:00:00 GMT";
    for (i, &wanted) in PATTERN.iter().enumerate() {
        let Some(&octet) = value.get(i) else {
            return Err(wrong(i, 0, "here it ends too early"));
        };
        let fits = match (i, wanted) {
            (_, b'0') => octet.is_ascii_digit(),
            (_, b'A') => octet.is_ascii_uppercase(),
            (_, b'a') => octet.is_ascii_lowercase(),
            _ => octet == wanted,
        };
        if !fits {
            return Err(wrong(i, 1, "this octet does not fit"));
        }
    }
    if value.len() > PATTERN.len() {
        return Err(wrong(PATTERN.len(), value.len() - PATTERN.len(), "nothing follows \"GMT\""));
    }
    if !MONTHS.iter().any(|month| month.as_bytes() == &value[8..11]) {
        return Err(wrong(8, 3, "the month is Jan, Feb, Mar, Apr, May, Jun, Jul, Aug, Sep, Oct, Nov or Dec"));
    }
    let rest = String::from_utf8_lossy(&value[3..]);
    let dated = WEEKDAYS.iter().find_map(|(weekday, _)| {
        let date = format!("{weekday}{rest}");
        let time = httpdate::parse_http_date(&date).ok()?;
        (imf_fixdate(time) == date).then_some((weekday, time))
    });
    match dated {
        None => Err(wrong(5, 20, "there is no such day or time")),
        Some((weekday, _)) if weekday.as_bytes() != &value[..3] => {
            Err(wrong(0, 3, &format!("that day is a {weekday}")))
        }
        Some((_, time)) => Ok(time),
    }
}

fn wrong(offset: usize, len: usize, what: &str) -> SyntaxError {
    SyntaxError::new(
        offset,
        len,
        format!("a date reads like \"Sun, 06 Nov 1994 08:49:37 GMT\"; {what}"),
        CLAUSE,
    )
}

const WEEKDAYS: [(&str, &str); 7] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Sun, 06 Nov 1994 08:49:37 GMT`; parts of a second are dropped.
pub fn imf_fixdate(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`, obsolete.
pub fn rfc850_date(time: SystemTime) -> String {
    let imf = imf_fixdate(time);
    let weekday = WEEKDAYS.iter().find(|(short, _)| *short == &imf[..3]).map_or("", |(_, long)| long);
    format!("{weekday}, {}-{}-{} {} GMT", &imf[5..7], &imf[8..11], &imf[14..16], &imf[17..25])
}

/// `Sun Nov  6 08:49:37 1994`, obsolete.
pub fn asctime_date(time: SystemTime) -> String {
    let imf = imf_fixdate(time);
    let day = imf[5..7].trim_start_matches('0');
    format!("{} {} {day:>2} {} {}", &imf[..3], &imf[8..11], &imf[17..25], &imf[12..16])
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn example() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    #[test]
    fn the_example_of_the_rfc_reads_and_is_written_in_three_formats() {
        assert_eq!(is_imf_fixdate(b"Sun, 06 Nov 1994 08:49:37 GMT"), Ok(example()));
        assert_eq!(imf_fixdate(example()), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(rfc850_date(example()), "Sunday, 06-Nov-94 08:49:37 GMT");
        assert_eq!(asctime_date(example()), "Sun Nov  6 08:49:37 1994");
    }

    #[test]
    fn every_day_for_sixty_years_reads_as_it_was_written() {
        for day in 0..60 * 365 {
            let time = UNIX_EPOCH + Duration::from_secs(day * 86_400 + day % 86_400);
            assert_eq!(is_imf_fixdate(imf_fixdate(time).as_bytes()), Ok(time));
        }
    }

    #[test]
    fn every_other_spelling_is_refused_at_its_octet() {
        for (text, offset, len) in [
            ("", 0, 0),
            ("Sun, 06 Nov 1994 08:49:37", 25, 0),
            ("Sun, 06 Nov 1994 08:49:37 UTC", 26, 1),
            ("Sun, 06 Nov 1994 08:49:37 GMT ", 29, 1),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 3, 1),
            ("Sun Nov  6 08:49:37 1994", 3, 1),
            ("Sun, 6 Nov 1994 08:49:37 GMT", 6, 1),
            ("sun, 06 Nov 1994 08:49:37 GMT", 0, 1),
            ("Abc, 06 Nov 1994 08:49:37 GMT", 0, 3),
            ("Sun, 06 Nob 1994 08:49:37 GMT", 8, 3),
            ("Mon, 06 Nov 1994 08:49:37 GMT", 0, 3),
        ] {
            let error = is_imf_fixdate(text.as_bytes()).expect_err(text);
            assert_eq!((error.offset, error.len), (offset, len), "{text:?}: {error}");
        }
        for text in [
            "Wed, 31 Feb 2024 00:00:00 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
        ] {
            assert_eq!(is_imf_fixdate(text.as_bytes()).expect_err(text).offset, 5, "{text}");
        }
    }
}
