//! Content: encodings, charsets, multiparts, file names.

use super::*;

fn leaf(encoding: &str, body: &str) -> Vec<u8> {
    read(&format!("Content-Transfer-Encoding: {encoding}\n\n{body}")).octets().to_vec()
}

#[test]
fn a_mail_without_mime_fields_is_plain_ascii_text() {
    let mail = read("From: a@b\n\nHello\n\n.\n");
    assert_eq!((mail.media.essence().as_str(), mail.encoding.as_str()), ("text/plain", "7bit"));
    assert_eq!(mail.text(), Ok("Hello\r\n\r\n.\r\n".into()));
    assert_eq!((mail.disposition.as_ref(), mail.file_name()), (None, Ok(None)));
    assert_eq!(read("From: a@b\n").octets(), b"");
    assert_eq!(read("\nbody\n").octets(), b"body\r\n");
}

#[test]
fn each_encoding_decodes_to_what_was_encoded() {
    assert_eq!(leaf("base64", "AAEC\n/w==\n"), [0, 1, 2, 255]);
    assert_eq!(leaf("BASE64", "A\nAECA\n\nw=\n=\n"), [0, 1, 2, 3]);
    assert_eq!(leaf("base64", ""), b"");
    assert_eq!(leaf("Quoted-Printable (yes)", "a=3D=\nb =\n\tc\n=20\n"), b"a=b \tc\r\n \r\n");
    assert_eq!(leaf("quoted-printable", "x=\n"), b"x");
    assert_eq!(leaf("8bit", "é\n"), "é\r\n".as_bytes());
}

#[test]
fn eight_bit_content_is_marked() {
    let eight_bit = |body: &str| {
        let message = format!("Content-Transfer-Encoding: 8bit\r\n\r\n{body}");
        parse(message.as_bytes()).map(|message| message.eight_bit)
    };
    assert_eq!(eight_bit("\u{e9}\r\n"), Ok(true));
    assert_eq!(eight_bit("e\r\n"), Ok(false));
}

#[test]
fn text_is_read_by_its_charset() {
    let text = |charset: &str, body: &str| {
        let fields = "Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=";
        read(&format!("{fields}{charset}\n\n{body}=\n")).text().map_err(|error| error.clause)
    };
    assert_eq!(text("\"UTF-8\"", "=C3=A9"), Ok("é".into()));
    assert_eq!(text("iso-8859-1", "=E9"), Ok("é".into()));
    assert_eq!(text("utf-8", "=E9"), Err("RFC 2046 §4.1.2"));
    assert_eq!(text("us-ascii", "=E9"), Err("RFC 2046 §4.1.2"));
    assert_eq!(text("utf-7", "x"), Err("RFC 2046 §4.1.2"));
}

#[test]
fn a_multipart_is_its_parts_in_order_without_preamble_and_epilogue() {
    let mail = read(
        "Content-Type: Multipart/Mixed (what it is) ; x=y;\n boundary = \"a b\"\n\npreamble\n--a b \t\n\none\n\n--a \
         b\nContent-Type: multipart/alternative; boundary=\"=_1\"\n\n--=_1\nContent-Type: text/html\n\n<p>\n--=_1\n\n\n\
         --=_1--\n--a b\nContent-Type: image/png\n\n--a b\nContent-Type: image/gif\n\n\n--a b-- \nepilogue\n--a b\n",
    );
    let seen: Vec<_> =
        mail.leaves().iter().map(|leaf| (leaf.media.essence(), leaf.octets().to_vec())).collect();
    let owed = [
        ("text/plain", "one\r\n"),
        ("text/html", "<p>"),
        ("text/plain", ""),
        ("image/png", ""),
        ("image/gif", ""),
    ];
    assert_eq!(seen, owed.map(|(media, content)| (media.to_owned(), content.as_bytes().to_vec())));
    assert_eq!(mail.parts().len(), 4);
}

#[test]
fn a_delimiter_inside_a_part_ends_it() {
    let mail = read("Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x\n\ntwo\n--x--\n");
    assert_eq!(mail.leaves().iter().map(|leaf| leaf.octets()).collect::<Vec<_>>(), [b"one", b"two"]);
}

#[test]
fn where_a_leaf_stands_in_the_message_is_known() {
    let lines = "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Transfer-Encoding: base64\n\nQQ==\n--x--\n";
    let message = lines.replace('\n', "\r\n");
    let mail = read(lines);
    let Content::Leaf { octets, raw } = &mail.leaves()[0].content else {
        panic!("a leaf");
    };
    assert_eq!((octets.as_slice(), &message[raw.clone()]), (&b"A"[..], "QQ=="));
}

fn file_name(fields: &str) -> Result<Option<(String, bool)>, &'static str> {
    let name = read(&format!("{fields}\n\n")).file_name();
    name.map(|name| name.map(|name| (name.name, name.from_disposition))).map_err(|error| error.clause)
}

#[test]
fn file_names_are_plain_quoted_extended_or_in_pieces() {
    for (parameters, name) in [
        ("filename=a.txt", "a.txt"),
        ("FileName=\"a \\\"b\\\\c;d\\\".txt\"", "a \"b\\c;d\".txt"),
        ("filename*=utf-8'en'%e2%82%AC%20rates", "€ rates"),
        ("filename*=ISO-8859-1''%A3", "£"),
        ("filename=x; filename*=utf-8''%C3%A9", "é"),
        ("filename*1=\"d e\"; filename*0=abc", "abcd e"),
        ("filename*0*=utf-8''%E2;\n filename*1*=%82%AC; filename*2=\"%41\"", "€%41"),
    ] {
        let seen = file_name(&format!("Content-Disposition: attachment; {parameters}"));
        assert_eq!(seen, Ok(Some((name.to_owned(), true))), "{parameters:?}");
    }
    let by_type = "Content-Type: a/b; name*=utf-8''%C3%A9";
    assert_eq!(file_name(by_type), Ok(Some(("é".to_owned(), false))));
    assert_eq!(file_name(&format!("{by_type}\nContent-Disposition: inline")), file_name(by_type));
}

#[test]
fn a_file_name_that_breaks_a_rule_is_refused() {
    for (parameters, clause) in [
        ("filename=\"=?utf-8?Q?=C3=A9?=\"", "RFC 2047 §5"),
        ("filename*=x", "RFC 2231 §4"),
        ("filename*=''x", "RFC 2231 §4.1"),
        ("filename*=\"utf-8''x\"", "RFC 2231 §7"),
        ("filename*=utf-8''%4", "RFC 2231 §7"),
        ("filename*=utf-8''a'b", "RFC 2231 §7"),
        ("filename*=utf-8''%FF", "RFC 2231 §4"),
        ("filename*1=a", "RFC 2231 §3"),
        ("filename*0=a; filename*2=b", "RFC 2231 §3"),
        ("filename*0=a; filename*0=b", "RFC 2231 §3"),
        ("filename*00=a", "RFC 2231 §3"),
        ("filename*0=a; filename*1*=%41", "RFC 2231 §4.1"),
    ] {
        let seen = file_name(&format!("Content-Disposition: attachment; {parameters}"));
        assert_eq!(seen, Err(clause), "{parameters:?}");
    }
}
