//! Whether a row of a listing shows a size or a date, in any form that a person can read.

/// Whether some number in `text` says `size`: exactly, or rounded with a unit of 1000 or 1024 octets.
pub fn shows_size(text: &str, size: usize) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    let mut rest = text;
    while let Some(start) = rest.find(digit) {
        let number = &rest[start..];
        let end = number.find(|c: char| !digit(c) && !is_separator(c)).unwrap_or(number.len());
        let number = number[..end].trim_end_matches(is_separator);
        rest = &rest[start + number.len()..];
        if says(number, rest, size as f64) {
            return true;
        }
    }
    false
}

/// Between the digits of one number: a decimal point or comma, or what parts thousands.
fn is_separator(c: char) -> bool {
    matches!(c, '.' | ',' | '\'' | '\u{a0}' | '\u{202f}')
}

fn says(number: &str, unit: &str, size: f64) -> bool {
    let whole: f64 = number.replace(is_separator, "").parse().unwrap_or(f64::NAN);
    let unit = unit.trim_start();
    let letters = unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len());
    let factors = match unit[..letters].to_ascii_lowercase().as_str() {
        "k" | "kb" | "kib" | "ko" => [1e3, 1024.0],
        "m" | "mb" | "mib" | "mo" => [1e6, 1024.0 * 1024.0],
        _ => return whole == size,
    };
    let decimals = number.rfind(['.', ',']).map_or(0, |point| number.len() - point - 1);
    let scale = 10_f64.powi(-(decimals as i32));
    // Rounded up, down or to the nearest.
    factors.iter().any(|factor| (whole * scale * factor - size).abs() <= scale * factor)
}

/// Whether `text` names the year, in four digits or as the two last of a date, or says how long ago it was.
pub fn shows_year(text: &str, year: &str) -> bool {
    let short = &year[2..];
    text.contains(year)
        || text.contains(" ago")
        || ["/", "-", "."]
            .iter()
            .any(|sign| text.contains(&format!("{sign}{short}")) || text.contains(&format!("{short}{sign}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_many_forms() {
        for text in [
            "48213",
            "2013-06-17 12:00 48213",
            "48,213 B",
            "48.213",
            "47K",
            "48K",
            "47.1 KiB",
            "48 kB",
            "0.05 MB",
        ] {
            assert!(shows_size(text, 48_213), "{text}");
        }
        for text in ["731", "731 bytes", "0.7K", "1 KB", "1k"] {
            assert!(shows_size(text, 731), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_sizes() {
        for text in
            ["", "-", "4821", "49.9K", "46K", "17-Jun-2013 12:00", "17 Jun 2013 12:00:00 GMT", "1 Mar 2013"]
        {
            assert!(!shows_size(text, 48_213), "{text}");
        }
    }

    #[test]
    fn dates_are_read_in_many_forms() {
        for text in ["2013-06-17 12:00", "17-Jun-2013", "06/17/13", "17.6.13", "Jun 17  2013", "11 years ago"]
        {
            assert!(shows_year(text, "2013"), "{text}");
        }
        assert!(!shows_year("48213 13:05", "2013"));
    }
}
