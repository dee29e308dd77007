//! Dates in header fields (RFC 9110 §5.6.7): all three formats are read, one is written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second a date can name: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// Writes `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn format(time: SystemTime) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds(time).min(LAST)))
}

/// Reads IMF-fixdate, RFC 850 and asctime, in any case (RFC 9111 §4.2).
pub fn parse(date: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(&in_usual_case(date)).ok()
}

/// As in `Sun, 06 Nov 1994 08:49:37 GMT`.
fn in_usual_case(date: &str) -> String {
    let mut usual = date.to_ascii_lowercase();
    for start in 0..usual.len() {
        if start == 0 || !usual.as_bytes()[start - 1].is_ascii_alphabetic() {
            usual.get_mut(start..=start).map(str::make_ascii_uppercase);
        }
    }
    match usual.strip_suffix("Gmt") {
        Some(rest) => format!("{rest}GMT"),
        None => usual,
    }
}

/// Whole seconds since 1970. Ages are counted in these: a date has no finer ones, and a fraction of
/// a second would make each response look older than it is.
pub fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_formats_name_one_second() {
        let time = UNIX_EPOCH + Duration::from_millis(784_111_777_900);
        assert_eq!(format(time), "Sun, 06 Nov 1994 08:49:37 GMT");
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 nov 1994 08:49:37 gmt",
            "sunday, 06-NOV-94 08:49:37 Gmt",
        ] {
            assert_eq!(parse(date).map(seconds), Some(784_111_777));
        }
        for other in ["0", "", "é", "Sun, 06 Nov 1994 08:49:37 UTC"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
