//! Dates as RFC 5322 §3.3 writes them, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // 1970 began on a Thursday
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Sun, 06 Nov 1994 08:49:37 +0000`
pub fn rfc5322(time: SystemTime) -> String {
    todo!("step 5: rfc5322")
}

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
