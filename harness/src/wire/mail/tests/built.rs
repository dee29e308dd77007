//! What another program's builder writes is accepted, and reads back as what it was given.

use lettre::message::header::ContentType;
use lettre::message::{Attachment, MultiPart, SinglePart};
use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_mail_that_a_builder_writes_reads_back(
        subject in "[!-~äß€😀]([ -~äß€😀]{0,120}[!-~äß€😀])?",
        name in "[a-zäß€😀]{1,8}",
        text in "([ -~äß€😀]{0,100}\r\n){0,5}",
        files in proptest::collection::vec(("[a-zäß€😀 ;]{1,40}\\.bin", proptest::collection::vec(any::<u8>(), 0..400)), 0..3),
    ) {
        // A subject that looks encoded is the builder's to escape, which it does not.
        prop_assume!(!subject.contains("=?"));
        let mut parts = MultiPart::mixed().singlepart(SinglePart::plain(text.clone()));
        for (name, content) in &files {
            let attachment = Attachment::new(name.clone());
            parts = parts.singlepart(attachment.body(content.clone(), ContentType::parse("application/octet-stream").expect("a media type")));
        }
        let built = lettre::Message::builder()
            .from(format!("{name} <a@example.com>").parse().expect("a mailbox"))
            .to("b@example.com".parse().expect("a mailbox"))
            .subject(subject.clone())
            .message_id(None)
            .multipart(parts)
            .expect("a message")
            .formatted();

        let message = match parse(&built) {
            Ok(message) => message,
            Err(error) => return Err(TestCaseError::fail(format!("{error} in {}", String::from_utf8_lossy(&built)))),
        };
        let header = message.header();
        prop_assert_eq!(header.one("Subject").and_then(Field::text), Ok(subject));
        let from = Mailbox { name: Some(name), address: "a@example.com".to_owned() };
        prop_assert_eq!(header.one("From").and_then(Field::addresses), Ok(vec![from]));
        prop_assert!(header.one("Date").and_then(Field::date_time).is_ok());
        prop_assert!(header.one("Message-ID").and_then(Field::message_id).is_ok());
        let leaves = message.entity.leaves();
        prop_assert_eq!(leaves[0].text(), Ok(text));
        prop_assert_eq!(leaves.len(), 1 + files.len());
        for (leaf, (name, content)) in leaves[1..].iter().zip(&files) {
            prop_assert_eq!(leaf.octets(), content);
            prop_assert_eq!(leaf.file_name(), Ok(Some(FileName { name: name.clone(), from_disposition: true })));
        }
    }
}

#[test]
fn a_large_attachment_is_read_whole() {
    let lines = 45 << 20;
    let line = [b"A".repeat(76).as_slice(), b"\r\n"].concat();
    let mut message =
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            .to_vec();
    message.extend(line.repeat(lines / line.len()));
    message.extend(b"--x--\r\n");
    let read = parse(&message).expect("a message");
    assert_eq!(read.entity.leaves()[0].octets().len(), lines / line.len() * 57);
}
