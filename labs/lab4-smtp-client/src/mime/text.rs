//! The text of a mail: its line ends, and an encoding in which seven bits and short lines will do.
//!
//! 7bit where the text allows it, otherwise quoted-printable or base64 (RFC 2045 §6), whichever is
//! shorter. So a mail never depends on a server's `8BITMIME`.

use std::fmt;

use super::base64;

/// Of a line without its CRLF (RFC 5322 §2.1.1 allows 998; this stays under it with its CRLF).
pub const LONGEST_LINE: usize = 995;

/// Of an encoded line, without its CRLF (RFC 2045 §6.7 rule 5).
const LONGEST_ENCODED: usize = 76;

/// A `Content-Transfer-Encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    SevenBit,
    QuotedPrintable,
    Base64,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::SevenBit => "7bit",
            Encoding::QuotedPrintable => "quoted-printable",
            Encoding::Base64 => "base64",
        })
    }
}

/// The text in lines that end in CRLF and in nothing else: what ends in LF, in CR or in CRLF
/// becomes such a line (RFC 5321 §2.3.8).
pub fn with_crlf(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("\r\n") // step 4: a bare CR, and the last line
}

/// The encoding for a text with CRLF.
pub fn encoding(text: &str) -> Encoding {
    Encoding::SevenBit // step 4: unless seven bits or 998 octets a line will not do
}

/// A text with CRLF, encoded.
pub fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::SevenBit => text.into(),
        Encoding::QuotedPrintable => quoted_printable(text).into(),
        Encoding::Base64 => {
            let mut out = Vec::new();
            base64::encode_lines(text.as_bytes(), &mut out);
            out
        }
    }
}

/// RFC 2045 §6.7: what is not printable as `=` and two digits, and long lines broken softly.
fn quoted_printable(text: &str) -> String {
    todo!("step 4: quoted printable")
}

#[cfg(test)]
mod step4 {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_line_end_becomes_crlf() {
        for (text, expected) in [
            ("", ""),
            ("a", "a"),
            ("a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd"),
            ("\r\r\n\n", "\r\n\r\n\r\n"),
            ("a\n.\r\nb\n\r", "a\r\n.\r\nb\r\n\r\n"),
        ] {
            assert_eq!(with_crlf(text), expected, "{text:?}");
        }
    }

    #[test]
    fn seven_bits_are_sent_as_they_are() {
        let text = format!("a\tb\r\n{}\r\n", "x".repeat(LONGEST_LINE));
        assert_eq!(encoding(&text), Encoding::SevenBit);
    }

    #[test]
    fn what_is_long_strange_or_foreign_is_encoded() {
        for (text, expected) in [
            ("x".repeat(LONGEST_LINE + 1), Encoding::QuotedPrintable),
            ("a NUL: \0".into(), Encoding::QuotedPrintable),
            ("ein Gruß von der Küste".into(), Encoding::QuotedPrintable),
            ("привет".into(), Encoding::Base64),
        ] {
            assert_eq!(encoding(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn quoted_printable_of_the_special_cases() {
        for (text, expected) in [
            ("a=b", "a=3Db"),
            ("space \r\ntab\t", "space=20\r\ntab=09"),
            ("ü\r\n", "=C3=BC\r\n"),
        ] {
            assert_eq!(quoted_printable(text), expected);
        }
        let long = "x".repeat(77);
        let broken = format!("{}=\r\nxx", "x".repeat(75));
        assert_eq!(quoted_printable(&long), broken);
        assert_eq!(quoted_printable(&long[1..]), &long[1..]);
    }

    proptest! {
        #[test]
        fn quoted_printable_lines_are_short(text in "([a-z= \tü]|\r\n){0,300}") {
            for line in quoted_printable(&text).split("\r\n") {
                prop_assert!(line.len() <= 76, "{:?}", line);
                prop_assert!(!line.ends_with([' ', '\t']), "{:?}", line);
            }
        }
    }
}
