//! Messages that break a rule: at which octets, and which rule; and that no octets stop the reader.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn refused(message: &str) -> (String, &'static str) {
    complaint(message, parse(message.as_bytes()))
}

#[test]
fn lines_end_with_cr_lf_and_are_not_too_long() {
    for (message, octets, clause) in [
        ("A: b\n\r\n", "\n", "RFC 5322 §2.3"),
        ("A: b\r\n\r\na\rb\r\n", "\r", "RFC 5322 §2.3"),
        ("A: b\r\n\r\na\r\r\n", "\r", "RFC 5322 §2.3"),
        ("A: b\r\n\r\na\r", "\r", "RFC 5322 §2.3"),
        ("A: b\r\n\r\na", "", "RFC 5322 §2.3"),
    ] {
        assert_eq!(refused(message), (octets.to_owned(), clause), "{message:?}");
    }
    let longest = format!("A: b\r\n\r\n{}\r\n", "x".repeat(998));
    assert!(parse(longest.as_bytes()).is_ok());
    assert_eq!(refused(&longest.replace("xx\r", "xxy\r")), ("y".to_owned(), "RFC 5322 §2.1.1"));
}

#[test]
fn a_header_is_fields_in_ascii_up_to_an_empty_line() {
    for (message, octets, clause) in [
        (" a: b\r\n\r\n", " ", "RFC 5322 §2.2.3"),
        ("A: b\r\n \t\r\n\r\n", " \t", "RFC 5322 §3.2.2"),
        ("A : b\r\n\r\n", " ", "RFC 5322 §2.2"),
        (": b\r\n\r\n", ":", "RFC 5322 §2.2"),
        ("A: b\r\nHello\r\n", "", "RFC 5322 §2.2"),
        ("A: b\r\nHello you\r\n", " ", "RFC 5322 §2.2"),
        ("A: \0\r\n\r\n", "\0", "RFC 5322 §2.2"),
    ] {
        assert_eq!(refused(message), (octets.to_owned(), clause), "{message:?}");
    }
    let error = parse("A: \u{e9}\r\n\r\n".as_bytes()).expect_err("UTF-8 in a header");
    assert_eq!((error.offset, error.clause), (3, "RFC 2047 §2"));
}

#[test]
fn fields_that_describe_content_are_there_once_and_well_formed() {
    for (fields, octets, clause) in [
        ("Content-Type: a/b\r\ncontent-type: a/b", "content-type", "RFC 2045 §3"),
        ("Content-Type: text", "", "RFC 2045 §5.1"),
        ("Content-Type: text/", "", "RFC 2045 §5.1"),
        ("Content-Type: a/b; c", "", "RFC 2045 §5.1"),
        ("Content-Type: a/b;", "", "RFC 2045 §5.1"),
        ("Content-Type: a/b; c=", "", "RFC 2045 §5.1"),
        ("Content-Type: a/b; name=two words", "w", "RFC 2045 §5.1"),
        ("Content-Type: a/b c=d", "c", "RFC 2045 §5.1"),
        ("Content-Type: a/b; c=\"d", "\"d", "RFC 5322 §3.2.4"),
        ("Content-Disposition:", "", "RFC 2045 §5.1"),
        ("Content-Transfer-Encoding: utf-8", "utf-8", "RFC 2045 §6.1"),
        ("Content-Transfer-Encoding: 7bit; x", ";", "RFC 2045 §6.1"),
        ("Content-Type: multipart/mixed", "multipart/mixed", "RFC 2046 §5.1.1"),
        ("Content-Type: multipart/mixed; boundary=\"a \"", "\"a \"", "RFC 2046 §5.1.1"),
        ("Content-Type: multipart/mixed; boundary=\"a#\"", "\"a#\"", "RFC 2046 §5.1.1"),
        ("Content-Type: multipart/mixed; boundary=\"\"", "\"\"", "RFC 2046 §5.1.1"),
        (
            "Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: base64",
            "base64",
            "RFC 2045 §6.4",
        ),
        ("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64", "base64", "RFC 2045 §6.4"),
    ] {
        let message = format!("{fields}\r\n\r\n");
        assert_eq!(refused(&message), (octets.to_owned(), clause), "{fields:?}");
    }
    let boundary = |length| {
        let boundary = "b".repeat(length);
        format!(
            "Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n\r\n\r\n--{boundary}--\r\n"
        )
    };
    assert!(parse(boundary(70).as_bytes()).is_ok());
    assert_eq!(refused(&boundary(71)), ("b".repeat(71), "RFC 2046 §5.1.1"));
}

#[test]
fn content_is_what_its_encoding_allows() {
    let long = "x".repeat(77);
    for (encoding, body, octets, clause) in [
        ("7bit", "caf\u{e9}\r\n", None, "RFC 2045 §2.7"),
        ("8bit", "\0\r\n", Some("\0"), "RFC 2045 §2.7"),
        ("base64", "AA A\r\n", Some(" "), "RFC 2045 §6.8"),
        ("base64", "AAAA\r\nA-AA\r\n", Some("-"), "RFC 2045 §6.8"),
        ("base64", "AAAA\r\nAA\r\n", Some(""), "RFC 2045 §6.8"),
        ("base64", "AA==\r\nAA==\r\n", Some("="), "RFC 2045 §6.8"),
        ("base64", "AAAB\r\nAB==\r\n", Some("B"), "RFC 2045 §6.8"),
        ("base64", &format!("{long}\r\n"), Some("x"), "RFC 2045 §6.8"),
        ("quoted-printable", &format!("{long}xx\r\n"), Some("x"), "RFC 2045 §6.7"),
        ("quoted-printable", "a \r\n", Some(" "), "RFC 2045 §6.7"),
        ("quoted-printable", "a= \r\n", Some(" "), "RFC 2045 §6.7"),
        ("quoted-printable", "a=4\r\n", Some("="), "RFC 2045 §6.7"),
        ("quoted-printable", "a=xy\r\n", Some("="), "RFC 2045 §6.7"),
        ("quoted-printable", "caf\u{e9}\r\n", None, "RFC 2045 §6.7"),
        ("quoted-printable", "\0\r\n", Some("\0"), "RFC 2045 §6.7"),
    ] {
        let message = format!("Content-Transfer-Encoding: {encoding}\r\n\r\n{body}");
        match octets {
            Some(octets) => {
                assert_eq!(refused(&message), (octets.to_owned(), clause), "{encoding}, {body:?}")
            }
            None => {
                let error = parse(message.as_bytes()).expect_err(body);
                assert_eq!((message.as_bytes()[error.offset], error.clause), (0xc3, clause), "{encoding}");
            }
        }
    }
}

#[test]
fn a_multipart_has_parts_and_a_closing_delimiter() {
    for (body, octets, clause) in [
        ("", "", "RFC 2046 §5.1.1"),
        ("no delimiter\r\n", "", "RFC 2046 §5.1.1"),
        ("--x\r\n\r\none\r\n", "", "RFC 2046 §5.1.1"),
        ("--x--\r\n", "--x--", "RFC 2046 §5.1.1"),
        ("--x\r\n\r\n--xyz\r\n--x--\r\n", "yz", "RFC 2046 §5.1.1"),
        ("--x\r\nA: b\r\n--x--\r\n", "", "RFC 2046 §5.1"),
        ("--x\r\nbody\r\n\r\n--x--\r\n", "", "RFC 5322 §2.2"),
    ] {
        let message = format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{body}");
        assert_eq!(refused(&message), (octets.to_owned(), clause), "{body:?}");
    }
}

#[test]
fn a_multipart_with_eight_bit_parts_is_eight_bit_itself() {
    let message = |whole: &str, part: &str| {
        let fields =
            format!("Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: {whole}");
        let part = format!("Content-Transfer-Encoding: {part}\r\n\r\ncaf\u{e9}");
        format!("{fields}\r\n\r\n--x\r\n{part}\r\n--x--\r\n")
    };
    let clause = |whole, part| parse(message(whole, part).as_bytes()).map(drop).map_err(|error| error.clause);
    assert_eq!(clause("8bit", "8bit"), Ok(()));
    assert_eq!(clause("7bit", "8bit"), Err("RFC 2045 §6.4"));
    assert_eq!(clause("8bit", "7bit"), Err("RFC 2045 §2.7"));
}

#[test]
fn multiparts_are_not_nested_without_end() {
    let open = |depth: usize| {
        format!("Content-Type: multipart/mixed; boundary=b{depth:03}\r\n\r\n--b{depth:03}\r\n")
    };
    let close = |depth: usize| format!("\r\n--b{depth:03}--\r\n");
    let nested = |depth: usize| {
        (0..depth).map(open).chain(["\r\n".to_owned()]).chain((0..depth).rev().map(close)).collect::<String>()
    };
    assert!(parse(nested(32).as_bytes()).is_ok());
    assert_eq!(refused(&nested(33)).1, "RFC 2046 §5.1");
}

#[test]
fn a_failure_names_the_line_and_points_at_the_octet() {
    let message = b"A: b\r\nC : d\r\n\r\n";
    let failure = failure(message, &parse(message).expect_err("a space before the colon"));
    assert_eq!(failure.seen, "line 2 breaks a rule, at octet 7");
    assert_eq!(failure.excerpt[1].find('^'), Some(7));
}

/// Everything that reads on demand.
fn read_all(entity: &Entity) {
    let _ = (entity.text(), entity.file_name());
    for field in &entity.header.fields {
        let _ = (field.text(), field.addresses(), field.date_time(), field.message_id(), field.bare());
        field.unfolded();
    }
    entity.parts().iter().for_each(read_all);
}

proptest! {
    #[test]
    fn no_octets_stop_the_reader(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&octets);
    }

    #[test]
    fn no_field_stops_the_reader(body in "([ -~]|\r\n |=\\?utf-8\\?[QB]\\?[a-z=]*\\?=|[\"(<@,:;.*%'\\\\]){0,40}") {
        for name in ["X", "Content-Type", "Content-Disposition", "Content-Type: multipart/mixed; boundary=x; a"] {
            let message = format!("{name}: {body}\r\n\r\n--x\r\n\r\n--x--\r\n");
            match parse(message.as_bytes()) {
                Ok(message) => read_all(&message.entity),
                Err(error) => prop_assert!(error.offset + error.len <= message.len(), "{error}"),
            }
        }
    }

    #[test]
    fn no_body_stops_the_reader(pieces in proptest::collection::vec(
        proptest::sample::select(vec!["--x", "--", "\r\n", "=", "AAAA", "A", "Content-Type: multipart/mixed; boundary=x1",
            "1", ":", " ", "é", "=3D"]), 0..30))
    {
        for fields in ["Content-Type: multipart/mixed; boundary=x", "Content-Transfer-Encoding: base64",
            "Content-Transfer-Encoding: quoted-printable", "Content-Transfer-Encoding: 8bit"]
        {
            let message = format!("{fields}\r\n\r\n{}\r\n", pieces.concat());
            match parse(message.as_bytes()) {
                Ok(message) => read_all(&message.entity),
                Err(error) => prop_assert!(error.offset + error.len <= message.len(), "{error}"),
            }
        }
    }
}
