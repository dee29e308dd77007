//! Stage 4: line ends, long lines, characters outside ASCII, and the size that MAIL declares.

use super::letter::{Letter, word, words, write};
use super::session::{read, same_text, text_is, text_of};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::{Mail, Smtp};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict, ensure, fail};
use crate::wire::SyntaxError;
use crate::wire::mail as message;

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.text.line-ends",
        title: "LF, CR LF and a bare CR in the text all travel as CR LF",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 5321 §2.3.8",
        why: "CR and LF never travel alone. A server that takes LF, dot, CR LF for the end of the mail would take the \
              next lines of such a text for commands: who writes the text then writes a second mail, in your name.",
        peers: "curl, msmtp, swaks and Python's smtplib all pass a bare CR on.",
        hints: &[
            "Make lines of the text first, whatever ends them, and then write each line with CR LF.",
            "Read the file as octets, and mind CR LF: it is one line end, not two.",
        ],
        run: line_ends,
    },
    Check {
        id: "mail.text.long-line",
        title: "a line of 2000 characters arrives whole, in lines of at most 998",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 5322 §2.1.1, RFC 5321 §4.5.3.1.6",
        why: "No line of a mail has more than 998 octets. Servers cut longer ones, somewhere, or refuse the mail. An \
              encoding with line ends of its own carries a line of any length.",
        peers: "curl, msmtp, swaks and Python's smtplib send it as it is; Postfix breaks it when it passes it on.",
        hints: &[
            "Quoted-printable ends a line with `=` where the text does not end it; base64 has no such question.",
        ],
        run: long_line,
    },
    Check {
        id: "mail.text.utf8",
        title: "a text outside ASCII says its charset, and arrives",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 2045 §5.2, §6.1",
        why: "Without MIME fields a text is ASCII. Content-Type says which characters the octets stand for, and \
              Content-Transfer-Encoding how the octets travel.",
        peers: "",
        hints: &[
            "`Content-Type: text/plain; charset=utf-8`, and `Content-Transfer-Encoding:` quoted-printable or base64.",
            "Encode octets, not characters: `€` is =E2=82=AC.",
            "Quoted-printable: a space at the end of a line is =20, an equals sign =3D.",
        ],
        run: utf8,
    },
    Check {
        id: "mail.text.dot-encoded",
        title: "dots are stuffed in the lines that are sent, be they encoded or not",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.text.dots", "mail.text.utf8"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.5.2",
        why: "The server takes the first dot away from the lines that it reads, and these are not those of the text: \
              quoted-printable breaks long ones, and a dot may come to stand first; base64 has no dots at all.",
        peers: "",
        hints: &["Encode first, stuff last: what doubles the dots stands right before the socket."],
        run: dot_encoded,
    },
    Check {
        id: "mail.text.eight-bit",
        title: "octets above 127 travel only where 8BITMIME is offered, and are announced",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §2.4, RFC 6152 §3",
        why: "SMTP carries seven bits. With 8BITMIME a server promises eight, for mails that say BODY=8BITMIME on \
              MAIL. A text in base64 or quoted-printable passes everywhere.",
        peers: "curl, msmtp, swaks and Python's smtplib send eight bits to any server.",
        hints: &["The simplest right way is to encode whatever is not ASCII, and never to need 8BITMIME."],
        run: eight_bit,
    },
    Check {
        id: "mail.text.size",
        title: "MAIL says how large the mail is, where SIZE is offered",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 1870 §3, §6.1",
        why: "A server that knows the size can refuse a mail before it has come: because it is too large, or because \
              a mailbox is full.",
        peers: "",
        hints: &[
            "`MAIL FROM:<a@example.com> SIZE=62123`: octets of header and text as they travel, each line end two.",
            "`SIZE` without a number, or with 0, names no limit; the parameter is welcome all the same.",
        ],
        run: size,
    },
    Check {
        id: "mail.text.too-large",
        title: "a mail above the server's SIZE is not sent, and ends with 69",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 1870 §6.1",
        why: "The server has said what it takes. To send more costs both sides the time, and ends with a refusal.",
        peers: "Gmail's limit is some 35 million octets.",
        hints: &[
            "Compare the number behind SIZE in EHLO's reply with the size of your mail before you say DATA.",
        ],
        run: too_large,
    },
];

fn line_ends(t: &mut Trial) -> Verdict {
    let [a, b, c, d] = std::array::from_fn(|_| words(t, 2));
    let smuggled =
        format!("MAIL FROM:<{}@a.example>\r\nRCPT TO:<{}@b.example>\r\nDATA\r\n{c}", word(t), word(t));
    let cases = [
        ("line ends that are LF", format!("{a}\n{b}\n\n{c}\n")),
        ("line ends that are CR LF", format!("{a}\r\n{b}\r\n\r\n{c}\r\n")),
        ("line ends that are CR alone", format!("{a}\r{b}\r\r{c}\r")),
        ("line ends of all three kinds", format!("{a}\n{b}\r{c}\r\n{d}\n")),
        ("LF, dot, CR LF, and then what looks like commands", format!("{a}\n.\r\n{smuggled}\n")),
        ("CR, dot, CR, and then what looks like commands", format!("{a}\r.\r{smuggled}\n")),
    ];
    let path = t.dir()?.join("text");
    for (what, text) in cases {
        write(&path, text.as_bytes())?;
        let letter = Letter::new(t).text_file(&path);
        let ended = letter.send(t, Smtp::builder())?;
        let seen = text_of(ended.mail()?).note(format!("the text has {what}"))?;
        same_text(&lf_only(&text), &lf_only(&seen)).note(format!("the text has {what}"))?;
        ended.delivered(&letter)?;
    }
    Ok(())
}

/// Each line end as LF, and none at the end. A bare CR that came through an encoding was a line end too.
fn lf_only(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_owned()
}

fn long_line(t: &mut Trial) -> Verdict {
    let mut line = |length: usize| (0..length).map(|_| t.rng.lowercase()).collect::<String>();
    // One that is too long decides about the encoding of all: the one that is only just too long has a text of its own.
    let texts = [[line(20), line(2000), line(998), line(20)], [line(20), line(999), line(998), line(20)]];
    texts.iter().try_for_each(|lines| file_arrives(t, &lines.join("\n")))
}

/// Sends a file of this text, and fails unless it arrives.
fn file_arrives(t: &mut Trial, text: &str) -> Verdict {
    let path = t.dir()?.join("text");
    write(&path, text.as_bytes())?;
    let letter = Letter::new(t).text_file(&path);
    let ended = letter.send(t, Smtp::builder())?;
    text_is(ended.mail()?, text)?;
    ended.delivered(&letter).map(|_| ())
}

/// Of two, three and four octets in UTF-8, from the left and from the right.
const CHARACTERS: [char; 12] = ['é', 'ß', 'Ω', 'ж', 'ש', '€', '漢', '字', 'ข', '—', '😀', '𝄞'];

fn foreign(t: &mut Trial, count: usize) -> String {
    (0..count).map(|_| CHARACTERS[t.rng.usize(..CHARACTERS.len())]).collect()
}

fn utf8(t: &mut Trial) -> Verdict {
    let [a, b] = std::array::from_fn(|_| words(t, 3));
    let short = foreign(t, 8);
    let long = foreign(t, 150);
    let all: String = CHARACTERS.iter().collect();
    let text = format!("{a} {short}\n\n{all} 1 + 1 = 2, =C3=A9 \n{long}\n{b}\n");
    let path = t.dir()?.join("text");
    write(&path, text.as_bytes())?;
    for letter in [Letter::new(t).text_file(&path), Letter::new(t).text(&text)] {
        let ended = letter.send(t, Smtp::builder().offers(["8BITMIME"]))?;
        text_is(ended.mail()?, &text)?;
        ended.delivered(&letter)?;
    }
    Ok(())
}

fn dot_encoded(t: &mut Trial) -> Verdict {
    // Mostly ASCII, for quoted-printable, and mostly not, for base64.
    let [a, b] = std::array::from_fn(|_| words(t, 2));
    let long = ".".repeat(400);
    let few = format!(".{a}\n.\n{}{long}\n..{b}\n", foreign(t, 2));
    let many = format!(".{a}\n.\n{}\n..{b}\n", foreign(t, 80));
    [few, many].iter().try_for_each(|text| file_arrives(t, text))
}

fn eight_bit(t: &mut Trial) -> Verdict {
    let text = format!("{} {}\n", words(t, 3), foreign(t, 8));
    let letter = Letter::new(t).text(&text);
    let ended = letter.send(t, Smtp::builder())?;
    let mail = ended.mail()?;
    if let Some(at) = first_above_127(mail) {
        let rule = "without 8BITMIME in EHLO's reply, no octet of the mail is above 127";
        let error = SyntaxError::new(at, 1, rule, "RFC 5321 §2.4");
        return Err(message::failure(&mail.content, &error).into());
    }
    let ended = letter.send(t, Smtp::builder().offers(["8BITMIME"]))?;
    let mail = ended.mail()?;
    if first_above_127(mail).is_none() {
        return Ok(());
    }
    let announced = mail.parameters.iter().any(|(name, value)| {
        name == "BODY" && value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case("8BITMIME"))
    });
    ensure(announced, "BODY=8BITMIME on MAIL, as the mail has octets above 127", "no such parameter")?;
    // What is in it must say so itself, too: that is the parser's.
    read(mail).map(|_| ())
}

fn first_above_127(mail: &Mail) -> Option<usize> {
    mail.content.iter().position(|octet| !octet.is_ascii())
}

/// Lines so short that whoever counts a line end as one octet is wrong by a tenth.
fn short_lines(t: &mut Trial, count: usize) -> String {
    (0..count).map(|_| word(t) + "\n").collect()
}

fn size(t: &mut Trial) -> Verdict {
    let count = t.rng.usize(6000..8000);
    let text = short_lines(t, count);
    let path = t.dir()?.join("text");
    write(&path, text.as_bytes())?;
    let limit = format!("SIZE {}", t.rng.u32(1_000_000..50_000_000));
    for offer in [&limit, "SIZE 0", "SIZE"] {
        let letter = Letter::new(t).text_file(&path);
        let ended = letter.send(t, Smtp::builder().offers([offer]))?;
        declares_size(ended.mail()?).note(format!("the server offers {offer:?}"))?;
        ended.delivered(&letter)?;
    }
    Ok(())
}

/// Within 1 KiB or 5 %.
pub(super) fn declares_size(mail: &Mail) -> Verdict {
    let actual = mail.content.len();
    let expected = format!("SIZE= on MAIL, within 5 % of the {actual} octets that the mail has");
    let Some((_, value)) = mail.parameters.iter().find(|(name, _)| name == "SIZE") else {
        return fail(expected, "no such parameter");
    };
    let value = value.as_deref().unwrap_or_default();
    let near = |declared: usize| declared.abs_diff(actual) <= (actual / 20).max(1024);
    ensure(value.parse().is_ok_and(near), expected, format!("SIZE={value}"))
}

fn too_large(t: &mut Trial) -> Verdict {
    let text = short_lines(t, 6000);
    let path = t.dir()?.join("text");
    write(&path, text.as_bytes())?;
    let letter = Letter::new(t).text_file(&path);
    let limit = t.rng.u32(20_000..40_000);
    let ended = letter.send(t, Smtp::builder().offers([format!("SIZE {limit}")]))?;
    ended.session()?;
    ended
        .never("DATA", &format!("the server takes {limit} octets, and the text alone has {}", text.len()))?;
    ended.exits(&[69], "to try again will not help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_may_be_a_little_wrong() {
        let mail = |octets: usize, size: Option<&str>| Mail {
            content: vec![b'a'; octets],
            parameters: size.map(|size| ("SIZE".to_owned(), Some(size.to_owned()))).into_iter().collect(),
            ..Mail::default()
        };
        for (octets, size) in [(60_000, "57000"), (60_000, "63000"), (500, "1500"), (500, "0")] {
            assert!(declares_size(&mail(octets, Some(size))).is_ok(), "{size}");
        }
        for size in ["56999", "63001", "0", "", "x"] {
            assert!(declares_size(&mail(60_000, Some(size))).is_err(), "{size}");
        }
        assert!(declares_size(&mail(60_000, None)).is_err());
    }

    #[test]
    fn every_kind_of_line_end_counts_as_one() {
        assert_eq!(lf_only("a\r\nb\rc\nd\r\r\n"), "a\nb\nc\nd");
        assert_eq!(lf_only("a\n\r\nb"), "a\n\nb");
    }
}
