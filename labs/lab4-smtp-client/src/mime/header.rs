//! Header fields: folded (RFC 5322 §2.2.3), text outside ASCII as encoded words (RFC 2047), and
//! parameters outside ASCII in extended notation (RFC 2231).

use super::base64;
use super::text::LONGEST_LINE;

/// A line should be no longer (RFC 5322 §2.1.1), and one with an encoded word must not (RFC 2047 §2).
const LINE: usize = 76;

/// What surrounds the base64 in an encoded word.
const WORD: (&str, &str) = ("=?utf-8?B?", "?=");

/// A field whose text may be anything: as it is where ASCII will do, otherwise in encoded words.
pub fn unstructured(name: &str, text: &str) -> String {
    format!("{name}: {text}\r\n") // step 5: fold what is long, encode what is not ASCII
}

/// A field with a list of addresses.
pub fn addresses<A: ToString>(name: &str, addresses: &[A]) -> String {
    let addresses: Vec<String> = addresses.iter().map(A::to_string).collect();
    format!("{name}: {}\r\n", addresses.join(", ")) // step 5: fold what is long
}

/// A parameter, on a line of its own behind a `;`: quoted where ASCII will do and it is short,
/// otherwise in extended notation and as many sections as it needs (RFC 2231 §3, §4).
pub fn parameter(name: &str, value: &str) -> String {
    todo!("step 6: parameter")
}

#[cfg(test)]
mod step5 {
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    use super::*;

    fn assert_is_well_formed(field: &str) {
        assert!(field.ends_with("\r\n") && field.is_ascii(), "{field:?}");
        for line in field.trim_end_matches("\r\n").split("\r\n") {
            assert!(line.len() <= LONGEST_LINE + 1, "{line:?}");
            assert!(
                !line.contains(['\r', '\n']) && !line.trim().is_empty(),
                "{line:?}"
            );
        }
    }

    fn unfolded(field: &str) -> String {
        field.replace("\r\n", "")
    }

    /// The encoded words of a field, each with what it stands for.
    fn words(field: &str) -> Vec<(String, Vec<u8>)> {
        use ::base64::prelude::{BASE64_STANDARD, Engine};

        let value = unfolded(field);
        let words = value.split(' ').skip(1);
        let decoded = words.map(|word| {
            let text = word
                .strip_prefix(WORD.0)
                .and_then(|rest| rest.strip_suffix(WORD.1));
            (
                word.to_owned(),
                BASE64_STANDARD.decode(text.unwrap()).unwrap(),
            )
        });
        decoded.collect()
    }

    #[test]
    fn a_short_field_is_one_line() {
        assert_eq!(
            unstructured("Subject", "Hello  there"),
            "Subject: Hello  there\r\n"
        );
        assert_eq!(
            unstructured("Subject", "Grüße"),
            "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"
        );
    }

    #[test]
    fn what_would_not_survive_as_it_is_is_encoded() {
        let long = "x".repeat(1000);
        for text in [
            " a",
            "a ",
            "a\tb\t",
            "=?utf-8?B?YQ==?=",
            "\u{7}",
            "\u{7f}",
            " ",
            &long,
        ] {
            let field = unstructured("Subject", text);
            assert_is_well_formed(&field);
            let decoded: Vec<u8> = words(&field)
                .into_iter()
                .flat_map(|(_, octets)| octets)
                .collect();
            assert_eq!(decoded, text.as_bytes());
        }
    }

    #[test]
    fn a_hundred_addresses_are_folded_between_them() {
        let list: Vec<String> = (0..100)
            .map(|n| format!("somebody.{n}@example.org"))
            .collect();
        let field = addresses("To", &list);
        assert_is_well_formed(&field);
        assert!(field.split("\r\n").all(|line| line.len() <= LINE));
        assert_eq!(unfolded(&field), format!("To: {}", list.join(", ")));
        assert_eq!(addresses("From", &["a@b"]), "From: a@b\r\n");
    }

    proptest! {
        #[test]
        fn a_field_unfolds_to_what_was_folded(text in "[!-<>-~]{1,30}([ \t]{1,9}[!-~]{1,120}){0,30}") {
            prop_assume!(!text.contains("=?"));
            let field = unstructured("Subject", &text);
            assert_is_well_formed(&field);
            prop_assert_eq!(unfolded(&field), format!("Subject: {text}"));
        }

        #[test]
        fn encoded_words_are_short_and_of_whole_characters(text in "\\PC{0,100}[äжん😀]\\PC{0,100}") {
            let field = unstructured("Subject", &text);
            assert_is_well_formed(&field);
            prop_assert!(field.split("\r\n").all(|line| line.len() <= 76));
            let mut together = String::new();
            for (word, octets) in words(&field) {
                prop_assert!(word.len() <= 75, "{}", word);
                together += std::str::from_utf8(&octets).expect("whole characters");
            }
            prop_assert_eq!(together, text);
        }

        #[test]
        fn another_parser_reads_the_subject(text in "\\PC{1,200}") {
            let field = unstructured("Subject", &text);
            let message = MessageParser::default().parse(field.as_bytes()).unwrap();
            prop_assert_eq!(message.subject(), Some(text.as_str()));
        }
    }
}

#[cfg(test)]
mod step6 {
    use mail_parser::{MessageParser, MimeHeaders};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_name_is_quoted_and_a_foreign_one_is_extended() {
        for (name, expected) in [
            ("a b.txt", r#"filename="a b.txt""#),
            (r#"a"b\c;d"#, r#"filename="a\"b\\c;d""#),
            ("Grüße 1.txt", "filename*=utf-8''Gr%C3%BC%C3%9Fe%201.txt"),
        ] {
            assert_eq!(parameter("filename", name), format!(";\r\n {expected}"));
        }
        let long = parameter("filename", &"ü".repeat(20));
        let lines: Vec<&str> = long.split(";\r\n ").collect();
        assert_eq!(
            lines[1],
            format!("filename*0*=utf-8''{}", "%C3%BC".repeat(9))
        );
        assert_eq!(lines[2], format!("filename*1*={}", "%C3%BC".repeat(9)));
    }

    proptest! {
        #[test]
        fn another_parser_reads_the_name(name in "[^\0-\x1f\x7f/]{1,200}") {
            let field = format!("Content-Disposition: attachment{}\r\n\r\n", parameter("filename", &name));
            prop_assert!(field.is_ascii() && field.split("\r\n").all(|line| line.len() <= LINE));
            let message = MessageParser::default().parse(field.as_bytes()).unwrap();
            prop_assert_eq!(message.attachment_name(), Some(name.as_str()));
        }
    }
}
