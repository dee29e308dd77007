//! Whole messages, read back by a parser that nobody here wrote.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use mail_parser::{MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;

use super::*;

fn message(text: &str) -> Message {
    let mut message = Message::new(
        "me@example.org".parse().unwrap(),
        vec![
            "x@example.org".parse().unwrap(),
            "y@[127.0.0.1]".parse().unwrap(),
        ],
    );
    message.text = text.into();
    message
}

/// The message as it is sent, apart from the dots; what is true of every one is checked here.
fn octets(message: &Message) -> Vec<u8> {
    let composed = compose(message, UNIX_EPOCH + Duration::from_secs(784_111_777));
    let mut octets = Vec::new();
    let done = composed.for_each(|piece| {
        octets.extend(piece);
        Ok(())
    });
    done.unwrap();
    assert_eq!(composed.size(), octets.len() as u64);
    let text = std::str::from_utf8(&octets).unwrap();
    assert!(text.is_ascii() && text.ends_with("\r\n"));
    assert!(
        text.split("\r\n")
            .all(|line| line.len() < 998 && !line.contains(['\r', '\n']))
    );
    octets
}

/// The text that another parser finds in it.
fn read_text(octets: &[u8]) -> String {
    let message = MessageParser::default().parse(octets).unwrap();
    let text = message.text_part(0).unwrap();
    assert_eq!(
        text.content_type().unwrap().attribute("charset"),
        Some("utf-8")
    );
    match &text.body {
        PartType::Text(text) => text.clone().into_owned(),
        other => panic!("{other:?}"),
    }
}

/// Up to its final line end, which a mail must have and a text need not.
fn up_to_its_end(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

mod step4 {
    use super::*;

    #[test]
    fn a_text_ends_with_one_line_end() {
        for (text, end) in [
            ("", "\r\n\r\n"),
            ("a", "\r\n\r\na\r\n"),
            ("a\n", "\r\n\r\na\r\n"),
            ("ü", "\r\nw7w=\r\n"),
        ] {
            let octets = octets(&message(text));
            assert!(
                octets.ends_with(end.as_bytes()),
                "{:?}",
                octets.escape_ascii()
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_arrives(text in "([ -~\t]{0,90}(\n|\r\n|\r)?|\\PC{0,30}){0,12}") {
            prop_assert_eq!(up_to_its_end(&read_text(&octets(&message(&text)))), up_to_its_end(&text));
        }
    }

    #[test]
    fn a_line_of_any_length_arrives() {
        for text in [
            "x".repeat(2000),
            format!("{}\n{}", "ü".repeat(5000), "y ".repeat(700)),
        ] {
            assert_eq!(up_to_its_end(&read_text(&octets(&message(&text)))), text);
        }
    }
}

mod step5 {
    use super::*;

    #[test]
    fn a_header_has_each_field_once_and_no_bcc() {
        let mut message = message("Hello");
        message.set_subject("Grüße").unwrap();
        message.cc = vec!["copy@example.org".parse().unwrap()];
        message.bcc = vec!["secret@example.org".parse().unwrap()];
        let octets = octets(&message);
        assert!(!String::from_utf8_lossy(&octets).contains("secret"));
        let read = MessageParser::default().parse(&octets).unwrap();
        let mut names: Vec<&str> = read.headers().iter().map(|header| header.name()).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "Cc",
                "Content-Transfer-Encoding",
                "Content-Type",
                "Date",
                "From",
                "MIME-Version",
                "Message-ID",
                "Subject",
                "To",
            ]
        );
        assert_eq!(read.date().unwrap().to_timestamp(), 784_111_777);
        assert_eq!(read.subject(), Some("Grüße"));
        let addresses = |list: Option<&mail_parser::Address>| {
            let list = list.unwrap().iter();
            list.map(|one| one.address().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(addresses(read.from()), ["me@example.org"]);
        assert_eq!(addresses(read.to()), ["x@example.org", "y@[127.0.0.1]"]);
        assert_eq!(addresses(read.cc()), ["copy@example.org"]);
        let id = read.message_id().unwrap();
        assert!(id.ends_with("@example.org") && id.len() == 32 + "@example.org".len());
    }

    #[test]
    fn two_mails_have_two_names() {
        let message = message("");
        let ids = [(); 2].map(|()| {
            let octets = octets(&message);
            let read = MessageParser::default().parse(&octets).unwrap();
            read.message_id().unwrap().to_owned()
        });
        assert_ne!(ids[0], ids[1]);
    }
}

mod step6 {
    use super::*;

    /// What a parser finds attached: names, media types, octets.
    fn read_attachments(octets: &[u8]) -> Vec<(String, String, Vec<u8>)> {
        let read = MessageParser::default().parse(octets).unwrap();
        assert!(read.root_part().content_type().unwrap().subtype() == Some("mixed"));
        let attached = read.attachments().map(|part| {
            let kind = part.content_type().unwrap();
            let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap());
            (
                part.attachment_name().unwrap().to_owned(),
                kind,
                part.contents().to_vec(),
            )
        });
        attached.collect()
    }

    #[test]
    fn files_arrive_in_their_order_with_name_and_type() {
        let dir = tempfile::tempdir().unwrap();
        let all: Vec<u8> = (0..=255).collect();
        let files = [
            ("empty.bin", "application/octet-stream", vec![]),
            ("Überblick.PNG", "image/png", all.clone()),
            (
                r#"a "b\c;.unknown"#,
                "application/octet-stream",
                all.repeat(3)[..761].to_vec(),
            ),
            (
                "forwarded.eml",
                "application/octet-stream",
                b"\r\n\x80".to_vec(),
            ),
            ("large.pdf", "application/pdf", all.repeat(1000)),
        ];
        let mut message = message("Hello");
        for (name, _, content) in &files {
            fs::write(dir.path().join(name), content).unwrap();
            message.attach(&dir.path().join(name)).unwrap();
        }
        let octets = octets(&message);
        assert_eq!(read_text(&octets), "Hello");
        let read = read_attachments(&octets);
        assert_eq!(read.len(), files.len());
        for (read, (name, kind, content)) in read.iter().zip(&files) {
            assert_eq!((read.0.as_str(), read.1.as_str()), (*name, *kind));
            assert_eq!(&read.2, content, "{name}");
        }
    }

    #[test]
    fn no_text_can_name_the_boundary_of_the_next_mail() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "content").unwrap();
        let mut first = message("Hello");
        first.attach(&path).unwrap();
        let text = String::from_utf8(octets(&first)).unwrap();
        let mut second = message(&text);
        second.attach(&path).unwrap();
        let octets = octets(&second);
        assert_eq!(read_text(&octets), text);
        assert_eq!(read_attachments(&octets).len(), 1);
    }
}
