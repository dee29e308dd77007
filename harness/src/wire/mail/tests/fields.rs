//! Fields: names and folding, addresses, dates, identifiers, encoded words.

use std::time::{Duration, UNIX_EPOCH};

use super::*;

/// What a reader says about the one field of a mail.
#[track_caller]
fn refused<T: std::fmt::Debug>(
    lines: &str,
    read: impl Fn(&Field) -> Result<T, SyntaxError>,
) -> (String, &'static str) {
    complaint(&lines.replace('\n', "\r\n"), read(&field(lines)))
}

#[test]
fn fields_are_found_in_any_case_and_unfold_to_one_line() {
    let header = read("subject:  a\n\tb \n  c\nX: 1\nx: 2\nEmpty:\n\n").header;
    assert_eq!(header.one("SUBJECT").map(Field::unfolded), Ok("a\tb   c".to_owned()));
    assert_eq!(header.all("X").map(Field::unfolded).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(header.one("empty").map(Field::unfolded), Ok(String::new()));
    assert_eq!(header.fields[0].raw, b"subject:  a\r\n\tb \r\n  c\r\n");
    assert_eq!(field("MIME-Version: 1.0 (by (me\\)))").bare(), Ok("1.0".to_owned()));
}

#[test]
fn a_field_that_is_due_once_is_neither_missing_nor_twice_there() {
    let header = read("To: a@b\nTo: c@d\n\n").header;
    assert_eq!(header.one("to").map_err(|error| (error.offset, error.clause)), Err((9, "RFC 5322 §3.6")));
    assert_eq!(header.one("From").map_err(|error| (error.offset, error.clause)), Err((18, "RFC 5322 §3.6")));
}

#[test]
fn addresses_stand_bare_or_in_angle_brackets_with_names_comments_and_groups() {
    let seen = field(
        "To: a@b, (one) \"C, D\" <c@d (two)>,\n =?utf-8?Q?J=C3=B6rg?= =?utf-8?B?4oKs?= X <e.f@[192.0.2.1]>,\n Friends: \
         g@h, <i@j>;, None:;, \"k l\"@m",
    )
    .addresses()
    .expect("a list");
    let seen: Vec<_> =
        seen.iter().map(|mailbox| (mailbox.name.as_deref(), mailbox.address.as_str())).collect();
    assert_eq!(
        seen,
        [
            (None, "a@b"),
            (Some("C, D"), "c@d"),
            (Some("Jörg€ X"), "e.f@[192.0.2.1]"),
            (None, "g@h"),
            (None, "i@j"),
            (None, "\"k l\"@m"),
        ]
    );
}

#[test]
fn what_is_no_list_of_addresses_is_refused_where_it_stops_to_be_one() {
    for (lines, octets, clause) in [
        ("To:", "", "RFC 5322 §3.4"),
        ("To: ann", "a", "RFC 5322 §3.4"),
        ("To: a@b,", "", "RFC 5322 §3.4"),
        ("To: a@b c@d", "c", "RFC 5322 §3.4"),
        ("To: a@b;c@d", ";", "RFC 5322 §3.4"),
        ("To: a@b,,c@d", ",", "RFC 5322 §3.4"),
        ("To: J. Doe <a@b>", ".", "RFC 5322 §3.2.5"),
        ("To: <a@b", "", "RFC 5322 §3.4"),
        ("To: a..b@c", ".", "RFC 5322 §3.4.1"),
        ("To: a@", "", "RFC 5322 §3.4.1"),
        ("To: \"a <b@c>", "\"a <b@c>", "RFC 5322 §3.2.4"),
        ("To: a@b (c", "(c", "RFC 5322 §3.2.2"),
        ("To: F: a@b", "", "RFC 5322 §3.4"),
        ("To: =?utf-8?Q?a#?= <a@b>", "#", "RFC 2047 §5"),
    ] {
        assert_eq!(refused(lines, Field::addresses), (octets.to_owned(), clause), "{lines:?}");
    }
}

#[test]
fn dates_are_read_with_and_without_day_and_seconds() {
    let at = |seconds: u64| Ok(UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(field("Date: Sun, 06 Nov 1994 08:49:37 +0000").date_time(), at(784_111_777));
    assert_eq!(field("Date: 6 nov 1994 08:49 GMT").date_time(), at(784_111_740));
    assert_eq!(field("Date:\n Sun,\n 6 Nov 1994 09:49:37 +0100 (CET)").date_time(), at(784_111_777));
    assert_eq!(field("Date: Sat, 5 Nov 1994 22:19:37 -1030").date_time(), at(784_111_777));
    assert_eq!(field("Date: Thu, 29 Feb 2024 00:00:00 -0000").date_time(), at(1_709_164_800));
    assert_eq!(
        field("Date: Wed, 31 Dec 1969 23:59:59 UT").date_time(),
        Ok(UNIX_EPOCH - Duration::from_secs(1))
    );
}

#[test]
fn the_dates_of_sixty_years_are_those_that_another_program_writes() {
    for day in 0..60 * 365 {
        let time = UNIX_EPOCH + Duration::from_secs(day * 86_400 + day % 86_400);
        assert_eq!(field(&format!("Date: {}", httpdate::fmt_http_date(time))).date_time(), Ok(time));
    }
}

#[test]
fn a_date_that_is_none_is_refused_at_its_first_wrong_part() {
    for (date, octets) in [
        ("", ""),
        ("Mon, 06 Nov 1994 08:49:37 +0000", "Mon"),
        ("Sunday, 06 Nov 1994 08:49:37 +0000", "Sunday"),
        ("Sun 06 Nov 1994 08:49:37 +0000", "0"),
        ("31 Feb 2024 00:00 +0000", "31 Feb 2024"),
        ("29 Feb 2023 00:00 +0000", "29 Feb 2023"),
        ("06 November 1994 08:49 +0000", "November"),
        ("06 Nov 94 08:49 +0000", "94"),
        ("06 Nov 1994 8:49 +0000", "8"),
        ("06 Nov 1994 24:00 +0000", "24"),
        ("06 Nov 1994 08:60 +0000", "60"),
        ("06 Nov 1994 08:49", ""),
        ("06 Nov 1994 08:49 +00:00", "00"),
        ("06 Nov 1994 08:49 +0060", "0060"),
        ("06 Nov 1994 08:49 UTC", "C"),
        ("06 Nov 1994 08:49 CET", "C"),
        ("06 Nov 1994 08:49 +0000 x", "x"),
        ("1994-11-06T08:49:37Z", "1994"),
    ] {
        let seen = refused(&format!("Date: {date}"), Field::date_time);
        assert_eq!(seen, (octets.to_owned(), "RFC 5322 §3.3"), "{date:?}");
    }
}

#[test]
fn a_message_identifier_is_left_and_right_in_angle_brackets() {
    assert_eq!(field("Message-ID:\n <a.1$b@c.example> (of mine)").message_id(), Ok("a.1$b@c.example".into()));
    assert_eq!(field("Message-ID: <a@[192.0.2.1]>").message_id(), Ok("a@[192.0.2.1]".into()));
    for (id, octets) in [
        ("a@b", "a"),
        ("<a>", ">"),
        ("<a@b", ""),
        ("<a@b> <c@d>", "<"),
        ("<a b@c>", " "),
        ("<a@b@c>", "@"),
        ("<@b>", "@"),
        ("<\"a\"@b>", "\""),
    ] {
        let seen = refused(&format!("Message-ID: {id}"), Field::message_id);
        assert_eq!(seen, (octets.to_owned(), "RFC 5322 §3.6.4"), "{id:?}");
    }
}

#[test]
fn encoded_words_are_decoded_and_the_space_between_two_of_them_is_none() {
    let text = |body: &str| field(&format!("Subject: {body}")).text();
    assert_eq!(text("a  plain\n\tsubject "), Ok("a  plain\tsubject".into()));
    assert_eq!(text("=?utf-8?Q?Gr=C3=BC=c3=9fe?="), Ok("Grüße".into()));
    assert_eq!(text("=?UTF-8?b?R3LDvMOfZQ==?="), Ok("Grüße".into()));
    assert_eq!(text("=?iso-8859-1*de?q?Gr=FC=DFe_?=\n =?us-ascii?Q?x=3F?= y"), Ok("Grüße x? y".into()));
    assert_eq!(text("a =?utf-8?Q?b?= c"), Ok("a b c".into()));
    assert_eq!(text("=? is a question =?x?"), Ok("=? is a question =?x?".into()));
    assert_eq!(text("x=?utf-8?Q?b?="), Ok("x=?utf-8?Q?b?=".into()));
}

#[test]
fn an_encoded_word_that_breaks_a_rule_is_refused() {
    let long = format!("=?utf-8?Q?{}?=", "x".repeat(64));
    for (word, clause) in [
        ("=?utf-8?Q?a", "RFC 2047 §2"),
        ("=?utf-8?Q?a?b?=", "RFC 2047 §2"),
        ("=?utf-8?Q?a?==?utf-8?Q?b?=", "RFC 2047 §2"),
        (long.as_str(), "RFC 2047 §2"),
        ("=?utf-8?X?a?=", "RFC 2047 §4"),
        ("=?utf-8?B?YQ?=", "RFC 2047 §4.1"),
        ("=?utf-8?Q?=C3?=", "RFC 2047 §5"),
        ("=?us-ascii?Q?=C3=BC?=", "RFC 2047 §5"),
        ("=?koi8-r?Q?a?=", "RFC 2047 §5"),
    ] {
        let seen = refused(&format!("Subject: {word}"), Field::text);
        assert_eq!(seen, (word.to_owned(), clause), "{word:?}");
    }
    assert_eq!(refused("S: =?utf-8?Q?=4?=", Field::text), ("=".to_owned(), "RFC 2047 §4.2"));
    let line = format!("S: {} =?utf-8?Q?a?= bc", "x".repeat(57));
    assert_eq!(refused(&line, Field::text), ("c".to_owned(), "RFC 2047 §2"));
    assert!(field(line.trim_end_matches('c')).text().is_ok());
}
