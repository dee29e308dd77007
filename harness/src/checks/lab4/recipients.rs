//! Stage 5: whom a mail goes to, and what the header tells of them.

use std::ffi::OsString;

use super::header::{lists, send, short};
use super::letter::{Letter, address};
use super::session::{Ended, ended, read};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::Smtp;
use crate::trial::Trial;
use crate::verdict::{Verdict, ensure, fail};

pub const CHECKS: &[Check] = &[
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
        ended.said_nothing(what)?;
        ended.exits(&[64], what)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_option_becomes_one_with_several_words() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let repeated = words("--server s --to a --to b --cc c --cc d --attach e --attach f");
        let several = words("--server s --to a b --cc c d --attach e --attach f");
        assert_eq!(with_several_words(repeated), several);
    }
}
