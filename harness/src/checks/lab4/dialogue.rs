//! Stage 1: a mail in clear to a server that takes everything, each of its replies one line.

use std::ffi::OsString;
use std::net::Ipv4Addr;

use super::letter::{Letter, address, words, write};
use super::session::{Ended, ended, text_is};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::{Delivery, Early, Smtp};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure, fail};
use crate::wire::smtp::Command;

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.dialogue.sends",
        title: "a mail is sent: greeting, EHLO, MAIL, RCPT, DATA, QUIT",
        lab: Lab::Lab4,
        stage: 1,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &[],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "SMTP is a conversation: the server greets, the client says a line, the server answers with a number, and \
              so on. A mail is three commands and a text that ends with a dot on a line of its own.",
        peers: "",
        hints: &[
            "Be the server yourself first: `nc -C -l 2525` in one window (`-C` for CR LF), your program in another; type `220 hello`.",
            "Read the greeting, and then after each command one reply, before you write the next.",
            "EHLO, `MAIL FROM:<…>`, `RCPT TO:<…>`, DATA (354 comes back), header, empty line, text, `.`, QUIT.",
        ],
        run: sends,
    },
    Check {
        id: "mail.dialogue.ehlo",
        title: "EHLO comes first, with a domain or an address literal",
        lab: Lab::Lab4,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.1.1.1, §4.1.3",
        why: "The client says who it is, and the server answers what it can do. Who has no name of its own says its \
              address in square brackets.",
        peers: "Some servers refuse a mail because of a name that is none.",
        hints: &[
            "`EHLO [127.0.0.1]` is always right; so is `EHLO localhost`.",
            "A bare address is no domain, and an underscore does not belong in one.",
        ],
        run: ehlo,
    },
    Check {
        id: "mail.dialogue.paths",
        title: "MAIL and RCPT have the addresses in angle brackets, right behind the colon",
        lab: Lab::Lab4,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.1.1.2, §4.1.1.3, §3.3",
        why: "These two lines are the envelope: where the mail goes, and whom a failure is told. The header inside \
              the mail is only a letterhead.",
        peers: "Postfix forgives a space behind the colon, Exchange does not.",
        hints: &["`MAIL FROM:<a@example.com>`: no space after the colon, and the brackets belong to it."],
        run: paths,
    },
    Check {
        id: "mail.dialogue.crlf",
        title: "every line ends with CR LF",
        lab: Lab::Lab4,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §2.3.8",
        why: "LF alone ends no line. Two servers that do not agree on where a line ends do not agree on where a mail \
              ends, and one mail becomes two: that is SMTP smuggling.",
        peers: "Since 2023 Postfix, Exim and Sendmail can refuse bare line feeds, for that reason.",
        hints: &[
            "`\\n` in your source is one octet; on the wire each line ends in two, `\\r\\n`.",
            "The text of the mail has line ends too.",
        ],
        run: crlf,
    },
    Check {
        id: "mail.dialogue.greeting",
        title: "nothing is said before the server's greeting",
        lab: Lab::Lab4,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Should,
        clause: "RFC 5321 §3.1, §4.3.1",
        why: "The server speaks first. Who talks before the greeting is taken for a robot that does not listen, and \
              many servers wait a moment on purpose to find out.",
        peers: "Postfix's postscreen disconnects a client that talks before the greeting.",
        hints: &["After `connect`, the first thing to do is to read."],
        run: greeting,
    },
    Check {
        id: "mail.dialogue.lockstep",
        title: "each command waits for the reply to the one before",
        lab: Lab::Lab4,
        stage: 1,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.3.1, RFC 2920 §3.1",
        why: "A reply decides what comes next. Without PIPELINING offered, a client that goes on writing has not \
              looked, and a server may throw away what it did not ask for.",
        peers: "",
        hints: &[
            "One write, one read of a whole reply, then the next write.",
            "Between DATA and the first line of the mail stands the 354; between the dot and QUIT the 250.",
        ],
        run: lockstep,
    },
    Check {
        id: "mail.dialogue.quit",
        title: "QUIT ends the session, and its reply is waited for",
        lab: Lab::Lab4,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.1.1.10",
        why: "A client must not close before it has said QUIT, and should wait for the answer: then both sides know \
              that the other knows.",
        peers: "",
        hints: &["After the 250 for the mail: `QUIT`, read the 221, and only then close."],
        run: quit,
    },
    Check {
        id: "mail.dialogue.text-file",
        title: "--text-file sends what is in the file",
        lab: Lab::Lab4,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "A text of more than a line does not fit a command line.",
        peers: "",
        hints: &["Read the file as octets; what is sent is its lines, each with CR LF."],
        run: text_file,
    },
    Check {
        id: "mail.dialogue.usage",
        title: "a wrong command line ends with 64, and nothing is sent",
        lab: Lab::Lab4,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "Scripts send mail, and look at the exit status: 64 (EX_USAGE) says that nothing was tried and that to try \
              again will not help.",
        peers: "",
        hints: &[
            "Many libraries for command lines end with 2 where something is wrong: here it is 64.",
            "An address needs an `@`, and a domain behind it. Look at all of them before you connect.",
        ],
        run: usage,
    },
];

fn send(t: &mut Trial) -> Verdict<(Letter, Ended)> {
    let letter = Letter::new(t);
    let ended = letter.send(t, Smtp::builder())?;
    Ok((letter, ended))
}

/// Against a server that waits before each of its lines until the program does nothing.
fn send_in_lockstep(t: &mut Trial) -> Verdict<Ended> {
    let letter = Letter::new(t);
    letter.send(t, Smtp::builder().delivery(Delivery::Lockstep))
}

fn sends(t: &mut Trial) -> Verdict {
    let text = words(t, 12);
    let letter = Letter::new(t).text(&text);
    let ended = letter.send(t, Smtp::builder())?;
    text_is(ended.delivered(&letter)?, &text)
}

fn ehlo(t: &mut Trial) -> Verdict {
    let (_, ended) = send(t)?;
    let Some(first) = ended.session()?.commands.first() else { return fail("EHLO", "no command came") };
    match &first.parsed {
        Ok(Command::Ehlo(name)) if name.parse::<Ipv4Addr>().is_ok() => Err(Failure::new(
            "EHLO and a domain, or an address in square brackets",
            format!("{:?}: an address without them", first.line),
        )
        .rule("RFC 5321 §4.1.3; RFC 1123 §2.1: a host's name never has the form of an address.")
        .into()),
        Ok(Command::Ehlo(_)) => Ok(()),
        Err(error) => Err(error.failure(first.line.as_bytes(), "EHLO and who the client is").into()),
        Ok(_) => fail("EHLO as the first command", format!("{:?}", first.line)),
    }
}

fn paths(t: &mut Trial) -> Verdict {
    let (letter, ended) = send(t)?;
    let wanted = |command: &Command| match command {
        Command::Mail { from, .. } => from == &letter.from,
        Command::Rcpt { to, .. } => to == &letter.to[0],
        _ => true,
    };
    for command in ended.commands().filter(|command| ["MAIL", "RCPT"].contains(&command.verb().as_str())) {
        match &command.parsed {
            Err(error) => {
                return Err(error.failure(command.line.as_bytes(), "a command in its syntax").into());
            }
            Ok(parsed) => ensure(
                wanted(parsed),
                format!("{} or {}, as the command line has them", letter.from, letter.to[0]),
                format!("{:?}", command.line),
            )?,
        }
    }
    for verb in ["MAIL", "RCPT"] {
        ensure(ended.commands().any(|command| command.verb() == verb), verb, "no such command")?;
    }
    Ok(())
}

fn crlf(t: &mut Trial) -> Verdict {
    let folder = t.dir()?;
    let path = folder.join("text");
    write(&path, format!("{}\n{}\n", words(t, 4), words(t, 3)).as_bytes())?;
    let letter = Letter::new(t).text_file(&path);
    let ended = letter.send(t, Smtp::builder())?;
    if let Some(command) = ended.commands().find(|command| command.bare_lf) {
        return fail("CR LF at the end of each command", format!("{:?} and LF alone", command.line));
    }
    let mail = ended.mail()?;
    ensure(!mail.bare_lf, "the end of data: CR LF, dot, CR LF", "LF, dot, LF")?;
    let content = &mail.wire;
    match memchr::memchr_iter(b'\n', content).find(|&at| at == 0 || content[at - 1] != b'\r') {
        None => Ok(()),
        Some(at) => {
            let line = content[..at].rsplit(|&octet| octet == b'\n').next().unwrap_or_default();
            let seen = format!("{:?} and LF alone", String::from_utf8_lossy(line));
            fail("CR LF at the end of each line of the mail", seen)
        }
    }
}

fn greeting(t: &mut Trial) -> Verdict {
    let ended = send_in_lockstep(t)?;
    match ended.session()?.early.first().filter(|early| early.before.starts_with("220")) {
        None => ended.mail().map(|_| ()),
        Some(early) => Err(too_early(early).into()),
    }
}

fn lockstep(t: &mut Trial) -> Verdict {
    let ended = send_in_lockstep(t)?;
    let session = ended.session()?;
    if let Some(early) =
        session.early.iter().find(|early| !early.before.starts_with("220") && !early.octets.is_empty())
    {
        return Err(too_early(early).into());
    }
    // What was there when a line was read had not waited for the reply to it.
    if let Some(command) = session.commands.iter().find(|command| command.behind > 0) {
        return fail(
            format!("nothing behind {:?} before it is answered", command.line),
            format!("{} more octets, in the same breath", command.behind),
        );
    }
    if let Some(mail) = session.mails.iter().find(|mail| mail.behind > 0) {
        return fail(
            "nothing behind the dot that ends the mail, before it is answered",
            format!("{} more octets, in the same breath", mail.behind),
        );
    }
    ended.mail().map(|_| ())
}

/// What the client said before its turn.
pub fn too_early(early: &Early) -> Failure {
    let seen = match early.closed {
        true => "it closed the connection".to_owned(),
        false => format!("{:?}", String::from_utf8_lossy(&early.octets[..early.octets.len().min(80)])),
    };
    Failure::new(format!("silence until the server has said {:?}", early.before), seen)
}

fn quit(t: &mut Trial) -> Verdict {
    let ended = send_in_lockstep(t)?;
    let session = ended.session()?;
    let last = session.commands.last();
    ensure(
        last.is_some_and(|command| command.verb() == "QUIT"),
        "QUIT as the last command",
        last.map_or("no command".to_owned(), |command| format!("{:?}", command.line)),
    )?;
    match session.early.iter().find(|early| early.closed) {
        None => Ok(()),
        Some(early) => Err(too_early(early).into()),
    }
}

fn text_file(t: &mut Trial) -> Verdict {
    let path = t.dir()?.join("text");
    let text = format!("{}\n\n{}\n{}\n", words(t, 5), words(t, 9), words(t, 2));
    write(&path, text.as_bytes())?;
    let letter = Letter::new(t).text_file(&path);
    let ended = letter.send(t, Smtp::builder())?;
    text_is(ended.delivered(&letter)?, &text)
}

fn usage(t: &mut Trial) -> Verdict {
    let nobody = Letter::new(t).to(Vec::<String>::new());
    let no_domain = Letter::new(t);
    let no_domain =
        Letter { from: no_domain.from.split('@').next().unwrap_or_default().to_owned(), ..no_domain };
    let right = Letter::new(t);
    let good = address(t);
    let local = good.split('@').next().unwrap_or_default();
    type Change<'a> = &'a dyn Fn(Vec<OsString>) -> Vec<OsString>;
    let same: Change = &|words| words;
    let unknown: Change = &|mut words| {
        words.push("--no-such-option".into());
        words
    };
    let no_sender: Change = &|mut words| {
        if let Some(at) = words.iter().position(|word| word == "--from") {
            words.drain(at..at + 2);
        }
        words
    };
    let cases: [(&str, &Letter, Change); 6] = [
        ("no --to, --cc or --bcc at all", &nobody, same),
        ("no --from", &right, no_sender),
        ("an option that does not exist", &right, unknown),
        ("a --from without @ and domain", &no_domain, same),
        ("a --to without @ and domain", &right.clone().to([local, &good]), same),
        ("a --to with a letter outside ASCII", &right.clone().to([&good, &format!("é{good}")]), same),
    ];
    for (what, letter, change) in cases {
        let server = Smtp::builder().start(t.scene())?;
        let arguments = change(letter.arguments(server.port()));
        let running = letter.start_with(t, arguments, Some(&server))?;
        let ended = ended(t, &running, server)?;
        ended.said_nothing(what)?;
        ended.exits(&[64], what).note("64 is EX_USAGE of <sysexits.h>")?;
    }
    Ok(())
}
