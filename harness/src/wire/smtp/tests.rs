use proptest::prelude::*;

use super::*;

fn read(line: &str) -> Command {
    parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

/// The offset and the clause of what is wrong.
fn refused(line: &str) -> (usize, &'static str) {
    let error = parse(line.as_bytes()).expect_err(line);
    (error.offset, error.clause)
}

fn mail(from: &str, parameters: &[(&str, Option<&str>)]) -> Command {
    let own = |&(keyword, value): &(&str, Option<&str>)| (keyword.to_owned(), value.map(str::to_owned));
    Command::Mail { from: from.to_owned(), parameters: parameters.iter().map(own).collect() }
}

#[test]
fn verbs_and_keywords_are_read_in_any_case() {
    assert_eq!(read("data"), Command::Data);
    assert_eq!(read("Quit"), Command::Quit);
    assert_eq!(read("startTLS"), Command::StartTls);
    assert_eq!(read("NOOP whatever"), Command::Noop);
    assert_eq!(read("RSET"), Command::Rset);
    assert_eq!(read("mail from:<a@b>"), mail("a@b", &[]));
    assert_eq!(read("rCPT tO:<a@b>"), Command::Rcpt { to: "a@b".into(), parameters: vec![] });
    assert_eq!(read("XFOO bar"), Command::Other("XFOO bar".into()));
}

#[test]
fn white_space_at_the_end_of_a_line_is_tolerated_and_in_front_it_is_not() {
    assert_eq!(read("DATA \t"), Command::Data);
    assert_eq!(read("MAIL FROM:<a@b>  "), mail("a@b", &[]));
    assert_eq!(refused(" DATA"), (0, "RFC 5321 §4.1.1"));
    assert_eq!(refused(""), (0, "RFC 5321 §4.1.1"));
    assert_eq!(refused("QUIT now"), (4, "RFC 5321 §4.1.1"));
}

#[test]
fn a_client_calls_itself_by_a_domain_or_an_address_literal() {
    for host in [
        "localhost",
        "a.example",
        "x-1.example",
        "127.0.0.1",
        "[127.0.0.1]",
        "[IPv6:::1]",
        "[ipv6:2001:db8::1]",
    ] {
        assert_eq!(read(&format!("EHLO {host}")), Command::Ehlo(host.into()));
        assert_eq!(read(&format!("helo {host}")), Command::Helo(host.into()));
        assert!(is_domain(host) != is_address_literal(host), "{host}");
    }
    for (line, offset, clause) in [
        ("EHLO", 4, "RFC 5321 §4.1.1.1"),
        ("EHLO ", 4, "RFC 5321 §4.1.1.1"),
        ("EHLO  a", 5, "RFC 5321 §4.1.1.1"),
        ("EHLO a b", 6, "RFC 5321 §4.1.1"),
        ("EHLO my_host", 7, "RFC 5321 §4.1.1.1"),
        ("EHLO -a", 5, "RFC 5321 §4.1.1.1"),
        ("EHLO a-.b", 5, "RFC 5321 §4.1.1.1"),
        ("EHLO a..b", 7, "RFC 5321 §4.1.1.1"),
        ("EHLO a.", 7, "RFC 5321 §4.1.1.1"),
        ("EHLO [127.0.0.1", 15, "RFC 5321 §4.1.3"),
        ("EHLO [127.0.0.256]", 5, "RFC 5321 §4.1.3"),
        ("EHLO [127.0.0]", 5, "RFC 5321 §4.1.3"),
        ("EHLO [::1]", 5, "RFC 5321 §4.1.3"),
        ("EHLO [IPv6:127.0.0.1]", 5, "RFC 5321 §4.1.3"),
        ("EHLO ::1", 5, "RFC 5321 §4.1.1.1"),
        ("EHLO h\u{e9}", 6, "RFC 5321 §2.4"),
    ] {
        assert_eq!(refused(line), (offset, clause), "{line:?}");
    }
    let long = "a".repeat(64);
    assert_eq!(refused(&format!("EHLO {long}")), (5, "RFC 1035 §2.3.4"));
}

#[test]
fn a_path_stands_in_angle_brackets_right_after_the_colon() {
    assert_eq!(read("MAIL FROM:<>"), mail("", &[]));
    assert_eq!(read("MAIL FROM:<a.b+c@d.example>"), mail("a.b+c@d.example", &[]));
    assert_eq!(read("MAIL FROM:<\"a b\\\"@\"@d>"), mail("\"a b\\\"@\"@d", &[]));
    assert_eq!(read("MAIL FROM:<a@[192.0.2.1]>"), mail("a@[192.0.2.1]", &[]));
    assert_eq!(read("MAIL FROM:<@x,@y.z:a@b>"), mail("a@b", &[]));
    assert_eq!(read("RCPT TO:<Postmaster>"), Command::Rcpt { to: "Postmaster".into(), parameters: vec![] });
    for (line, offset, clause) in [
        ("MAIL FROM: <a@b>", 10, "RFC 5321 §3.3"),
        ("RCPT TO: <a@b>", 8, "RFC 5321 §3.3"),
        ("MAIL FROM :<a@b>", 5, "RFC 5321 §4.1.1.2"),
        ("MAIL  FROM:<a@b>", 5, "RFC 5321 §4.1.1.2"),
        ("MAIL", 4, "RFC 5321 §4.1.1.2"),
        ("MAIL TO:<a@b>", 5, "RFC 5321 §4.1.1.2"),
        ("RCPT FROM:<a@b>", 5, "RFC 5321 §4.1.1.3"),
        ("MAIL FROM:a@b", 10, "RFC 5321 §4.1.2"),
        ("MAIL FROM:<a@b", 14, "RFC 5321 §4.1.2"),
        ("MAIL FROM:<a>", 12, "RFC 5321 §4.1.2"),
        ("RCPT TO:<>", 9, "RFC 5321 §4.1.2"),
        ("MAIL FROM:<Ann <a@b>>", 14, "RFC 5321 §4.1.2"),
        ("MAIL FROM:<a..b@c>", 13, "RFC 5321 §4.1.2"),
        ("MAIL FROM:<.a@c>", 11, "RFC 5321 §4.1.2"),
        ("MAIL FROM:<a@>", 13, "RFC 5321 §4.1.2"),
        ("MAIL FROM:<a@b_c>", 14, "RFC 5321 §4.1.2"),
        ("MAIL FROM:<\"a@b>", 16, "RFC 5321 §4.1.2"),
        ("MAIL FROM:<a@b>,<c@d>", 15, "RFC 5321 §4.1.2"),
    ] {
        assert_eq!(refused(line), (offset, clause), "{line:?}");
    }
}

#[test]
fn parameters_are_keywords_with_or_without_a_value() {
    assert_eq!(
        read("MAIL FROM:<a@b> size=12 BODY=8BITMIME x-y"),
        mail("a@b", &[("SIZE", Some("12")), ("BODY", Some("8BITMIME")), ("X-Y", None)])
    );
    for (line, offset) in [
        ("MAIL FROM:<a@b>SIZE=1", 15),
        ("MAIL FROM:<a@b>  SIZE=1", 16),
        ("MAIL FROM:<a@b> SIZE=", 21),
        ("MAIL FROM:<a@b> SIZE =1", 21),
        ("MAIL FROM:<a@b> A=b=c", 19),
    ] {
        assert_eq!(refused(line), (offset, "RFC 5321 §4.1.2"), "{line:?}");
    }
}

#[test]
fn authentication_names_a_mechanism_and_may_bring_a_response() {
    let auth = |mechanism: &str, initial: Option<&[u8]>| Command::Auth {
        mechanism: mechanism.into(),
        initial: initial.map(<[u8]>::to_vec),
    };
    assert_eq!(read("AUTH LOGIN"), auth("LOGIN", None));
    assert_eq!(read("auth plain AGEAYg=="), auth("PLAIN", Some(b"\0a\0b")));
    assert_eq!(read("AUTH SCRAM-SHA-1 ="), auth("SCRAM-SHA-1", Some(b"")));
    for (line, offset, clause) in [
        ("AUTH", 4, "RFC 4954 §4"),
        ("AUTH  PLAIN", 5, "RFC 4422 §3.1"),
        ("AUTH PLAIN AGEA Yg==", 15, "RFC 4954 §4"),
        ("AUTH PLAIN AGEAYg", 17, "RFC 4954 §4"),
        ("AUTH PLAIN AGEAYh==", 16, "RFC 4954 §4"),
        ("AUTH PLAIN AG=AYg==", 13, "RFC 4954 §4"),
    ] {
        assert_eq!(refused(line), (offset, clause), "{line:?}");
    }
    assert_eq!(auth_response(b"").ok(), Some(vec![]));
}

#[test]
fn a_command_line_has_at_most_512_octets_and_one_that_authenticates_many_more() {
    let line = format!("NOOP {}", "x".repeat(505));
    assert_eq!(read(&line), Command::Noop);
    assert_eq!(refused(&format!("{line}x")), (510, "RFC 5321 §4.5.3.1.4"));
    assert!(parse(format!("AUTH PLAIN {}", "AAAA".repeat(1000)).as_bytes()).is_ok());
    assert_eq!(refused(&format!("AUTH PLAIN {}", "AAAA".repeat(4000))), (12_286, "RFC 4954 §4"));
}

#[test]
fn a_mailbox_is_told_from_other_text() {
    assert!(is_mailbox("a@b.example") && is_mailbox("\"a b\"@[127.0.0.1]"));
    assert!(!is_mailbox("a") && !is_mailbox("a@b>") && !is_mailbox("<a@b>") && !is_mailbox("a b@c"));
}

proptest! {
    #[test]
    fn no_line_stops_the_reader(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse(&line);
    }

    #[test]
    fn no_line_like_a_command_stops_the_reader(line in "(MAIL FROM:|RCPT TO:|AUTH PLAIN|EHLO) ?[]<>@a.\"\\\\:\\[= ,1-]{0,20}") {
        if let Err(error) = parse(line.as_bytes()) {
            prop_assert!(error.offset + error.len <= line.len(), "{error}");
        }
    }
}
