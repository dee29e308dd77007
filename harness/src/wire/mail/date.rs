//! Dates of messages (RFC 5322 §3.3): `Sun, 06 Nov 1994 08:49:37 +0100`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Field;
use super::lexer::{expect_end, skip_cfws};
use crate::wire::SyntaxError;
use crate::wire::scan::{Scanner, ascii};

const CLAUSE: &str = "RFC 5322 §3.3";
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

pub(super) fn date_time(field: &Field) -> Result<SystemTime, SyntaxError> {
    let scanner = &mut field.scanner();
    skip_cfws(scanner)?;
    let start = scanner.offset();
    let named = match scanner.peek() {
        Some(octet) if octet.is_ascii_alphabetic() => Some(name(scanner, &DAYS, "the day of the week")?),
        _ => None,
    };
    if named.is_some() {
        skip_cfws(scanner)?;
        if !scanner.eat(b',') {
            return Err(wrong(scanner, "a comma follows the day of the week"));
        }
        skip_cfws(scanner)?;
    }
    let day_at = scanner.offset();
    let day = number(scanner, 1..=2, 1..=31, "the day has one or two digits")?;
    white_space(scanner)?;
    let month = name(scanner, &MONTHS, "the month")?;
    white_space(scanner)?;
    let year = number(scanner, 4..=4, 1900..=9999, "the year has four digits")?;
    if day > days_in(month, year) {
        return Err(scanner.refuse_from(day_at, "there is no such day in that month", CLAUSE));
    }
    let days = days_since_epoch(year, month, day);
    let weekday = DAYS[days.rem_euclid(7) as usize];
    if named.is_some_and(|named| DAYS[named] != weekday) {
        return Err(SyntaxError::new(start, 3, format!("that day is a {weekday}"), CLAUSE));
    }
    white_space(scanner)?;
    let seconds = time_of_day(scanner)?;
    white_space(scanner)?;
    let time = days * 86_400 + seconds - zone(scanner)?;
    expect_end(scanner, "the date", CLAUSE)?;
    let distance = Duration::from_secs(time.unsigned_abs());
    Ok(if time < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance })
}

/// `08:49` or `08:49:37`, in seconds.
fn time_of_day(scanner: &mut Scanner<'_>) -> Result<i64, SyntaxError> {
    let hour = number(scanner, 2..=2, 0..=23, "the hour has two digits, 00 to 23")?;
    if !scanner.eat(b':') {
        return Err(wrong(scanner, "a colon follows the hour"));
    }
    let minute = number(scanner, 2..=2, 0..=59, "the minute has two digits, 00 to 59")?;
    let second = match scanner.eat(b':') {
        // 60 is a leap second.
        true => number(scanner, 2..=2, 0..=60, "the second has two digits, 00 to 60")?,
        false => 0,
    };
    Ok(hour * 3600 + minute * 60 + second)
}

/// How far local time is ahead of UTC, in seconds.
fn zone(scanner: &mut Scanner<'_>) -> Result<i64, SyntaxError> {
    const RULE: &str = "the zone is a sign and four digits, as in +0100";
    if scanner.eat_word("GMT") || scanner.eat_word("UT") {
        return match scanner.peek() {
            Some(octet) if octet.is_ascii_alphabetic() => Err(wrong(scanner, RULE)),
            _ => Ok(0),
        };
    }
    let sign = if scanner.eat(b'-') {
        -1
    } else if scanner.eat(b'+') {
        1
    } else {
        return Err(wrong(scanner, RULE));
    };
    let at = scanner.offset();
    let zone = number(scanner, 4..=4, 0..=9959, RULE)?;
    if zone % 100 > 59 {
        return Err(scanner.refuse_from(at, "the last two digits of a zone are minutes", CLAUSE));
    }
    Ok(sign * (zone / 100 * 3600 + zone % 100 * 60))
}

/// The index of the name of three letters that comes next.
fn name(scanner: &mut Scanner<'_>, names: &[&str], what: &str) -> Result<usize, SyntaxError> {
    let at = scanner.offset();
    let seen = ascii(scanner.take_while(|octet| octet.is_ascii_alphabetic()));
    names.iter().position(|name| name.eq_ignore_ascii_case(&seen)).ok_or_else(|| {
        let rule = format!("{} is three letters, such as {:?}", what, names[0]);
        scanner.refuse_from(at, example(&rule), CLAUSE)
    })
}

fn number(
    scanner: &mut Scanner<'_>,
    digits: std::ops::RangeInclusive<usize>,
    values: std::ops::RangeInclusive<i64>,
    rule: &str,
) -> Result<i64, SyntaxError> {
    let at = scanner.offset();
    let seen = ascii(scanner.take_while(|octet| octet.is_ascii_digit()));
    if seen.is_empty() {
        return Err(wrong(scanner, rule));
    }
    let number = seen.parse().ok().filter(|value| digits.contains(&seen.len()) && values.contains(value));
    number.ok_or_else(|| scanner.refuse_from(at, example(rule), CLAUSE))
}

fn white_space(scanner: &mut Scanner<'_>) -> Result<(), SyntaxError> {
    let before = scanner.offset();
    skip_cfws(scanner)?;
    match scanner.offset() > before {
        true => Ok(()),
        false => Err(wrong(scanner, "white space stands here")),
    }
}

fn wrong(scanner: &Scanner<'_>, rule: &str) -> SyntaxError {
    scanner.refuse(example(rule), CLAUSE)
}

fn example(rule: &str) -> String {
    format!("a date reads like \"Sun, 06 Nov 1994 08:49:37 +0100\"; {rule}")
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// `month` counts from 0.
fn days_in(month: usize, year: i64) -> i64 {
    match month {
        1 => 28 + i64::from(is_leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

fn days_since_epoch(year: i64, month: usize, day: i64) -> i64 {
    let leap_days_before = |year: i64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let years = (year - 1970) * 365 + leap_days_before(year) - leap_days_before(1970);
    years + (0..month).map(|month| days_in(month, year)).sum::<i64>() + day - 1
}
