//! Dates in header fields (RFC 9110 §5.6.7), to the second: what finer clocks say is cut off.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that four digits of a year can name: 31 December 9999, 23:59:59.
const LAST: u64 = 253_402_300_799;

/// Writes an IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT`. Times outside 1970 to 9999, which a
/// file may well bear, become the nearest date inside.
pub fn format(time: SystemTime) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds(time)))
}

/// Reads any of the three formats a recipient must know: IMF-fixdate, RFC 850, asctime.
pub fn parse(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// Whole seconds since 1970, within the years a date can name.
pub fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs().min(LAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_formats_name_the_same_second() {
        let then = parse("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(then, Some(UNIX_EPOCH + Duration::from_secs(784_111_777)));
        assert_eq!(parse("Sunday, 06-Nov-94 08:49:37 GMT"), then);
        assert_eq!(parse("Sun Nov  6 08:49:37 1994"), then);
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn times_no_date_can_name_are_clamped() {
        let long_ago = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(format(long_ago), "Thu, 01 Jan 1970 00:00:00 GMT");
        let far_off = UNIX_EPOCH + Duration::from_secs(LAST + 1);
        assert_eq!(format(far_off), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
