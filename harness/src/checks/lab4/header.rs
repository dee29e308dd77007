//! Stage 5: the fields of the header, what they tell, and what they must not tell.

use std::ffi::OsString;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::letter::{Letter, address, word, words};
use super::session::{Ended, ended, read, syntax};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::{Mail, Smtp};
use crate::trial::Trial;
use crate::verdict::{Failure, Verdict, ensure, fail};
use crate::wire::difference;
use crate::wire::mail::{Field, Header};

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.header.fields",
        title: "the header has one From, To, Subject, MIME-Version, and a Date that is now",
        lab: Lab::Lab4,
        stage: 5,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 5322 §3.6, RFC 2045 §4",
        why: "The envelope is gone when the mail is read; the header is what a reader sees. A mail has exactly one \
              Date and one From, and none of the others twice. The program runs with its clock in India, where it \
              is five and a half hours later than in Greenwich.",
        peers: "Gmail refuses a mail with two From fields (550-5.7.1).",
        hints: &[
            "`Date: Sun, 06 Nov 1994 08:49:37 +0000`: names in English, and a zone that is true of the time before it.",
            "If you take the UTC time, the zone is +0000; if you take local time, its offset.",
            "`MIME-Version: 1.0` says that the Content fields count.",
        ],
        run: fields,
    },
    Check {
        id: "mail.header.message-id",
        title: "each mail has a Message-ID of its own",
        lab: Lab::Lab4,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Should,
        clause: "RFC 5322 §3.6.4",
        why: "Answers name the mail they answer by it, and mailboxes drop as a duplicate what they have seen before. \
              Two mails in one second still are two.",
        peers: "Gmail adds one where it is missing, and refuses some mails for it.",
        hints: &[
            "`<left@right>`: on the left something random, on the right your host's name or the sender's domain.",
            "The time alone is not enough, nor is the process number alone.",
        ],
        run: message_id,
    },
    Check {
        id: "mail.header.recipients",
        title: "To and Cc list whom the mail goes to, and each gets a RCPT of its own",
        lab: Lab::Lab4,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 5322 §3.6.3",
        why: "The header is for readers, the RCPT commands are for servers; no server looks into To to find out where \
              a mail goes. One RCPT names one recipient.",
        peers: "",
        hints: &[
            "One To field with a comma between the addresses, not a field for each.",
            "A RCPT for all of --to, --cc and --bcc, each with one address.",
        ],
        run: recipients,
    },
    Check {
        id: "mail.header.bcc",
        title: "who is in --bcc gets the mail, and nobody is told",
        lab: Lab::Lab4,
        stage: 5,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 5322 §3.6.3",
        why: "A blind copy is blind because its address is in the envelope alone. Once it is in the header, all can \
              read it.",
        peers: "sendmail -t takes the field out; a client that speaks SMTP must not put it in.",
        hints: &["A RCPT, and no field: also no empty `Bcc:`."],
        run: bcc,
    },
    Check {
        id: "mail.header.subject-utf8",
        title: "a subject outside ASCII is sent as an encoded word",
        lab: Lab::Lab4,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 2047 §2, §5",
        why: "A header is ASCII. Other characters are written `=?charset?encoding?text?=`, which mail programs show \
              as what it means.",
        peers: "curl and swaks send the octets as they are.",
        hints: &[
            "`=?utf-8?B?` base64 of the octets `?=`.",
            "Or Q: as quoted-printable, but a space is `_`, and `?`, `=` and `_` themselves are encoded.",
            "White space stands around an encoded word; one that touches another word is none.",
        ],
        run: subject_utf8,
    },
    Check {
        id: "mail.header.encoded-words",
        title: "a long subject outside ASCII is several encoded words, each of whole characters",
        lab: Lab::Lab4,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.header.subject-utf8"],
        basis: Basis::Must,
        clause: "RFC 2047 §2, §5, §6.2",
        why: "An encoded word has at most 75 characters, and its line at most 76. Each is decoded for itself, so no \
              character may be cut between two; and white space between two of them is not shown.",
        peers: "Python's email makes words of 76 characters; Gmail shows them all the same.",
        hints: &[
            "45 octets of UTF-8 are 60 of base64, and fit into one word; take fewer, if the 46th is inside a character.",
            "In UTF-8 a character begins with each octet that is not 10xxxxxx in binary.",
            "A space between two words that are both encoded belongs inside one of them.",
        ],
        run: encoded_words,
    },
    Check {
        id: "mail.header.subject-long",
        title: "a subject of 1500 characters is folded, and unfolds to what it was",
        lab: Lab::Lab4,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 5322 §2.1.1, §2.2.3",
        why: "A line has at most 998 octets, in the header too. A field goes on in the next line if that begins with \
              white space: to unfold is to take the CR LF away, and nothing else.",
        peers: "curl, msmtp and swaks send it in one line.",
        hints: &["Put CR LF before a space that is there. A space of yours would stay in the subject."],
        run: subject_long,
    },
    Check {
        id: "mail.header.many",
        title: "a mail to a hundred recipients goes to them all",
        lab: Lab::Lab4,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.header.recipients"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.5.3.1.8, RFC 5322 §2.1.1",
        why: "A server takes at least a hundred recipients for one mail. Their addresses do not fit into one line of a \
              header.",
        peers: "Gmail takes 100 a message over SMTP.",
        hints: &["Fold behind a comma: CR LF and a space, and the next address."],
        run: many,
    },
    Check {
        id: "mail.header.injection",
        title: "CR or LF in a subject or an address is refused with 64, before anything is sent",
        lab: Lab::Lab4,
        stage: 5,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "Programs put what a stranger typed into --subject. With a line end in it the stranger writes header \
              fields, such as a Bcc of ten thousand; in an address, it writes SMTP commands.",
        peers: "msmtp, swaks and curl let the sender's address do it.",
        hints: &[
            "Look at all options before you connect.",
            "In many languages `$` in a regular expression also matches before a line feed at the end.",
        ],
        run: injection,
    },
];

/// A mail whose text is short, so that it travels in one line, whatever its encoding.
fn short(t: &mut Trial) -> Letter {
    let text = words(t, 4);
    Letter::new(t).text(&text)
}

fn send(t: &mut Trial, letter: &Letter) -> Verdict<Ended> {
    letter.send(t, Smtp::builder())
}

fn fields(t: &mut Trial) -> Verdict {
    let letter = short(t);
    let before = SystemTime::now();
    let ended = send(t, &letter)?;
    let after = SystemTime::now();
    let mail = ended.mail()?;
    let message = read(mail)?;
    let header = message.header();
    for name in ["Sender", "Reply-To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References"] {
        syntax(mail, header.at_most_one(name))?;
    }
    lists(mail, header, "From", std::slice::from_ref(&letter.from))?;
    lists(mail, header, "To", &letter.to)?;
    subject_is(mail, header, letter.subject.as_deref().unwrap_or_default())?;
    let version = syntax(mail, header.one("MIME-Version").and_then(Field::bare))?;
    ensure(version == "1.0", "MIME-Version: 1.0", format!("{version:?}"))?;
    let date = syntax(mail, header.one("Date"))?;
    is_now(date, syntax(mail, date.date_time())?, before, after)?;
    ended.delivered(&letter).map(|_| ())
}

/// To the minute.
fn is_now(field: &Field, seen: SystemTime, before: SystemTime, after: SystemTime) -> Verdict {
    const MINUTE: Duration = Duration::from_secs(60);
    if (before - MINUTE..=after + MINUTE).contains(&seen) {
        return Ok(());
    }
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let off = seconds(seen).abs_diff(seconds(after)) as f64 / 3600.0;
    let direction = if seen > after { "ahead" } else { "behind" };
    let failure = Failure::new(
        "a Date that is the time at which the mail was sent",
        format!("{:?}, which is {off:.2} hours {direction}", field.unfolded()),
    );
    const INDIA: f64 = 5.5;
    Err(match (off - INDIA).abs() < 0.1 {
        true => failure.note("5:30 hours are the offset of the zone: is it the zone of the time before it?"),
        false => failure,
    }
    .into())
}

/// Fails unless there is one such field and it has these addresses, in whatever order.
fn lists(mail: &Mail, header: &Header, name: &str, addresses: &[String]) -> Verdict {
    let boxes = syntax(mail, header.one(name).and_then(Field::addresses))?;
    let sorted = |addresses: &mut dyn Iterator<Item = &str>| {
        let mut addresses: Vec<String> = addresses.map(str::to_owned).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    };
    let seen = sorted(&mut boxes.iter().map(|mailbox| mailbox.address.as_str()));
    let expected = sorted(&mut addresses.iter().map(String::as_str));
    if seen == expected {
        return Ok(());
    }
    let missing = expected.iter().filter(|address| !seen.contains(address));
    let strange = seen.iter().filter(|address| !expected.contains(address));
    Err(Failure::new(
        format!("the {} address(es) of the command line in {name}", expected.len()),
        format!("{} address(es)", seen.len()),
    )
    .excerpt(missing.map(|address| format!("missing  {address}")).take(4))
    .excerpt(strange.map(|address| format!("not due  {address}")).take(4))
    .into())
}

/// The one Subject, decoded. A tab where a line was folded is as good as a space.
fn subject_is(mail: &Mail, header: &Header, subject: &str) -> Verdict {
    let seen = syntax(mail, header.one("Subject").and_then(Field::text))?.replace('\t', " ");
    if seen == subject {
        return Ok(());
    }
    let seen_and_meant = match seen.chars().count() <= 80 {
        true => format!("{seen:?}"),
        false => {
            let difference = difference::describe(subject.as_bytes(), seen.as_bytes());
            difference.lines().next().unwrap_or_default().to_owned()
        }
    };
    let expected = match subject.chars().count() <= 80 {
        true => format!("the subject {subject:?}, once it is decoded"),
        false => "the subject of the command line, once it is unfolded and decoded".to_owned(),
    };
    fail(expected, seen_and_meant)
}

fn message_id(t: &mut Trial) -> Verdict {
    let mut ids = Vec::new();
    // The same one: what is told on the command line makes no difference between them.
    let letter = short(t);
    for _ in 0..2 {
        let ended = send(t, &letter)?;
        let mail = ended.mail()?;
        let message = read(mail)?;
        ids.push(syntax(mail, message.header().one("Message-ID").and_then(Field::message_id))?);
        ended.delivered(&letter)?;
    }
    ensure(ids[0] != ids[1], "another Message-ID for another mail", format!("<{}> twice", ids[0]))
}

/// With an option for each address or, if the mail does not reach them all, with one that takes several words: a program
/// that understands either will do.
fn send_to_all(t: &mut Trial, letter: &Letter) -> Verdict<Ended> {
    let repeated = send(t, letter)?;
    if repeated.delivered(letter).is_ok() {
        return Ok(repeated);
    }
    let server = Smtp::builder().start(t.scene())?;
    let arguments = with_several_words(letter.arguments(server.port()));
    let running = letter.start_with(t, arguments, Some(&server))?;
    let several = ended(t, &running, server)?;
    Ok(if several.delivered(letter).is_ok() { several } else { repeated })
}

/// `--to a --to b` as `--to a b`.
fn with_several_words(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    let mut option = OsString::new();
    for pair in arguments.chunks(2) {
        let again = pair[0] == option && (option == "--to" || option == "--cc" || option == "--bcc");
        words.extend_from_slice(if again { &pair[1..] } else { pair });
        option.clone_from(&pair[0]);
    }
    words
}

fn addresses(t: &mut Trial, count: usize) -> Vec<String> {
    (0..count).map(|_| address(t)).collect()
}

/// Sends it, and looks at the envelope and at the two fields.
fn reaches_all(t: &mut Trial, letter: &Letter) -> Verdict {
    let ended = send_to_all(t, letter)?;
    let mail = ended.delivered(letter)?;
    let commands = ended.commands().filter(|command| command.verb() == "RCPT").count();
    let due = letter.recipients().count();
    ensure(commands == due, format!("{due} RCPT commands"), format!("{commands} RCPT commands"))?;
    let message = read(mail)?;
    lists(mail, message.header(), "To", &letter.to)?;
    lists(mail, message.header(), "Cc", &letter.cc)
}

fn recipients(t: &mut Trial) -> Verdict {
    let letter = Letter { cc: addresses(t, 2), to: addresses(t, 2), ..short(t) };
    reaches_all(t, &letter)
}

fn many(t: &mut Trial) -> Verdict {
    let letter = Letter { cc: addresses(t, 30), to: addresses(t, 70), ..short(t) };
    reaches_all(t, &letter)
}

fn bcc(t: &mut Trial) -> Verdict {
    let letter = Letter { cc: addresses(t, 1), bcc: addresses(t, 1), ..short(t) };
    let ended = send(t, &letter)?;
    let mail = ended.delivered(&letter)?;
    let hidden = letter.bcc[0].as_str();
    let content = String::from_utf8_lossy(&mail.content);
    if let Some(line) = content.lines().find(|line| line.to_ascii_lowercase().contains(hidden)) {
        return fail(format!("{hidden}, who is in --bcc, in a RCPT alone"), format!("{line:?} in the mail"));
    }
    match read(mail)?.header().all("Bcc").next() {
        None => Ok(()),
        Some(field) => fail("no Bcc field", format!("{:?}", String::from_utf8_lossy(&field.raw))),
    }
}

/// So short that one encoded word has room for each.
fn subject_utf8(t: &mut Trial) -> Verdict {
    let [a, b] = std::array::from_fn(|_| word(t));
    let subjects = [format!("Grüße {a}"), format!("{a} {b} ≥ 3"), format!("漢字 {b}"), "😀".to_owned()];
    for subject in subjects {
        subject_arrives(t, &subject)?;
    }
    Ok(())
}

fn subject_arrives(t: &mut Trial, subject: &str) -> Verdict {
    let letter = short(t).subject(subject);
    let ended = send(t, &letter)?;
    let mail = ended.mail()?;
    subject_is(mail, read(mail)?.header(), subject)?;
    ended.delivered(&letter).map(|_| ())
}

/// Characters of two, three and four octets, in an order that no fixed count of octets respects.
fn encoded_words(t: &mut Trial) -> Verdict {
    const CHARACTERS: [char; 5] = ['é', '€', '😀', 'ж', '漢'];
    let mut run =
        |count: usize| (0..count).map(|_| CHARACTERS[t.rng.usize(..CHARACTERS.len())]).collect::<String>();
    let unbroken = run(150);
    let in_words = [run(9), run(30), run(4), run(40), run(2)].join(" ");
    let [a, b] = std::array::from_fn(|_| words(t, 12));
    for subject in [unbroken, in_words.clone(), format!("{a} {in_words} {b}")] {
        subject_arrives(t, &subject)?;
    }
    Ok(())
}

fn subject_long(t: &mut Trial) -> Verdict {
    let subject = words(t, 167);
    subject_arrives(t, &subject)
}

fn injection(t: &mut Trial) -> Verdict {
    let victim = address(t);
    let field = format!("Bcc: {victim}");
    let command = format!("RCPT TO:<{victim}>");
    let plain = short(t);
    let [from, to] = [plain.from.clone(), plain.to[0].clone()];
    let with_to = |to: String| plain.clone().to([to]);
    let cases = [
        ("LF in --subject", plain.clone().subject(&format!("hello\n{field}"))),
        ("CR LF in --subject", plain.clone().subject(&format!("hello\r\n{field}"))),
        ("CR in --subject", plain.clone().subject(&format!("hello\r{field}"))),
        ("LF in --from", Letter { from: format!("{from}\n{field}"), ..plain.clone() }),
        (
            "CR LF in --from",
            Letter { from: format!("{from}>\r\n{command}\r\nNOOP <{from}"), ..plain.clone() },
        ),
        ("LF at the end of --to", with_to(format!("{to}\n"))),
        ("CR in --to", with_to(format!("{to}\r{field}"))),
        ("CR LF in --cc", Letter { cc: vec![format!("{to}>\r\n{command}\r\nNOOP <{to}")], ..plain.clone() }),
        ("LF in --bcc", Letter { bcc: vec![format!("{to}\n{victim}")], ..plain.clone() }),
    ];
    for (what, letter) in cases {
        let ended = send(t, &letter)?;
        ended.ensure(ended.sessions.is_empty(), format!("no connection: {what}"), "it connected")?;
        ended.exits(&[64], what)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(fields: &str) -> (Mail, Header) {
        let content = format!("{}\r\n", fields.replace('\n', "\r\n")).into_bytes();
        let header = crate::wire::mail::parse(&content).unwrap().entity.header;
        (Mail { content, ..Mail::default() }, header)
    }

    #[test]
    fn a_repeated_option_becomes_one_with_several_words() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let repeated = words("--server s --to a --to b --cc c --cc d --attach e --attach f");
        let several = words("--server s --to a b --cc c d --attach e --attach f");
        assert_eq!(with_several_words(repeated), several);
    }

    #[test]
    fn addresses_are_compared_as_a_set_without_names_and_comments() {
        let (mail, header) = header_of("To: B (b) <b@x.example>,\n \"A\" <a@x.example>\n");
        let due =
            |addresses: &[&str]| addresses.iter().map(|&address| address.to_owned()).collect::<Vec<_>>();
        assert!(lists(&mail, &header, "to", &due(&["a@x.example", "b@x.example"])).is_ok());
        assert!(lists(&mail, &header, "to", &due(&["a@x.example"])).is_err());
        assert!(lists(&mail, &header, "to", &due(&["a@x.example", "b@x.example", "c@x.example"])).is_err());
        assert!(lists(&mail, &header, "cc", &due(&["a@x.example"])).is_err());
    }

    #[test]
    fn a_date_is_compared_to_the_minute() {
        let (_, header) = header_of("Date: Sun, 06 Nov 1994 08:49 +0000\n");
        let field = header.one("Date").unwrap();
        let seen = field.date_time().unwrap();
        let at = |seconds: u64| seen + Duration::from_secs(seconds);
        assert!(is_now(field, seen, at(59), at(61)).is_ok());
        assert!(is_now(field, seen, at(61), at(62)).is_err());
        assert!(is_now(field, seen, at(19_800), at(19_801)).is_err());
    }

    #[test]
    fn a_subject_may_be_folded_with_a_tab_and_not_with_a_space_more() {
        let (mail, header) = header_of("Subject: one\n\ttwo =?utf-8?Q?=E2=82?=\n");
        assert!(subject_is(&mail, &header, "one two").is_err());
        let (mail, header) = header_of("Subject: one\n\ttwo =?utf-8?Q?=E2=82=AC?=\n");
        assert!(subject_is(&mail, &header, "one two €").is_ok());
        assert!(subject_is(&mail, &header, "one  two €").is_err());
    }
}
