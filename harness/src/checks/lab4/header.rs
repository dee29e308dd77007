//! Stage 5: the fields of the header.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::letter::{Letter, word, words};
use super::session::{Ended, read, syntax};
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
];

/// A mail whose text is short, so that it travels in one line, whatever its encoding.
pub(super) fn short(t: &mut Trial) -> Letter {
    let text = words(t, 4);
    Letter::new(t).text(&text)
}

pub(super) fn send(t: &mut Trial, letter: &Letter) -> Verdict<Ended> {
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
pub(super) fn lists(mail: &Mail, header: &Header, name: &str, addresses: &[String]) -> Verdict {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(fields: &str) -> (Mail, Header) {
        let content = format!("{}\r\n", fields.replace('\n', "\r\n")).into_bytes();
        let header = crate::wire::mail::parse(&content).unwrap().entity.header;
        (Mail { content, ..Mail::default() }, header)
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
