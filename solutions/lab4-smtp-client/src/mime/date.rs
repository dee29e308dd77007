//! Dates as RFC 5322 §3.3 writes them, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // 1970 began on a Thursday
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Sun, 06 Nov 1994 08:49:37 +0000`
pub fn rfc5322(time: SystemTime) -> String {
    // ANCHOR: step5_rfc5322
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} +0000",
        DAYS[(days % 7) as usize],
        MONTHS[month as usize],
        second / 3600,
        second / 60 % 60,
        second % 60,
    )
    // ANCHOR_END: step5_rfc5322
}

// ANCHOR: extra_step5_civil
/// Year, month from 0, and day from 1, of a day counted from 1 January 1970.
///
/// Years are counted from 1 March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 1 March of year 0
    let (era, day) = (days / 146_097, days % 146_097); // 400 years repeat
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // from March; five months have 153 days
    let day = day - (153 * month + 2) / 5 + 1;
    let january_or_february = u64::from(month >= 10);
    (
        era * 400 + year + january_or_february,
        (month + 2) % 12,
        day,
    )
}
// ANCHOR_END: extra_step5_civil

#[cfg(test)]
mod step5 {
    use std::time::Duration;

    use mail_parser::DateTime;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_days() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 +0000"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 +0000"),
        ] {
            assert_eq!(rfc5322(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }

    proptest! {
        #[test]
        fn the_day_is_that_of_another_calendar(seconds in 0..100_000_000_000_u64) {
            let date = rfc5322(UNIX_EPOCH + Duration::from_secs(seconds));
            let other = DateTime::from_timestamp(seconds as i64);
            let words: Vec<&str> = date.split([' ', ',']).collect();
            prop_assert_eq!(words[2].parse::<u8>().unwrap(), other.day);
            prop_assert_eq!(words[3], MONTHS[usize::from(other.month) - 1]);
            prop_assert_eq!(words[4].parse::<u16>().unwrap(), other.year);
        }
    }
}
