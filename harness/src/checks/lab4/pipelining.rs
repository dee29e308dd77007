//! Stage 9: commands in groups (RFC 2920).
//!
//! The server reads a group once the program does nothing, and answers it with one segment.

use super::letter::{Letter, address, stretched, word};
use super::session::Ended;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::{Builder, Command, Delivery, Point, Smtp, line};
use crate::trial::Trial;
use crate::verdict::{Explain, Fault, Verdict, ensure};

pub const CHECKS: &[Check] = &[
    Check {
        id: "ext.pipelining.group",
        title: "MAIL and every RCPT leave before the first of them is answered, and behind DATA comes nothing",
        lab: Lab::Lab4,
        stage: 9,
        tier: Tier::Extension,
        points: 6,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 2920 §3.1",
        why: "A mail to a hundred people costs more than a hundred round trips, command by command. Where the server offers \
              PIPELINING, MAIL, RCPT and DATA may leave together. DATA is the last of its group: only its 354 says that \
              what follows is taken as a mail.",
        peers: "Postfix, Exim and msmtp send DATA in the same group; curl and smtplib wait for each reply.",
        hints: &[
            "Write MAIL, all RCPTs and DATA into one buffer, and send that; then read as many replies as there were commands.",
            "What you have read beyond one reply is the beginning of the next: keep it.",
        ],
        run: group,
    },
    Check {
        id: "ext.pipelining.matched",
        title: "each reply is matched with its command: one refused recipient of three is the right one",
        lab: Lab::Lab4,
        stage: 9,
        tier: Tier::Extension,
        points: 6,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 2920 §3.1",
        why: "Replies carry no name: the third belongs to the third command. Every one of them has to be looked at, even \
              when the last was a 354.",
        peers: "",
        hints: &[
            "Keep the commands that await a reply in a queue; each reply is that of the first in it.",
            "The 354 comes although one RCPT was refused: send the mail, and end with 67 when it is taken.",
        ],
        run: matched,
    },
    Check {
        id: "ext.pipelining.refused",
        title: "when MAIL is refused, the replies behind it are read, and MAIL's decides",
        lab: Lab::Lab4,
        stage: 9,
        tier: Tier::Extension,
        points: 4,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 2920 §3.1",
        why: "What comes behind a refused MAIL is refused too, with 503 for being out of order. These refusals say nothing \
              of their own: whether to try again is in the reply to MAIL.",
        peers: "",
        hints: &["Read one reply for each command that left, also when the first has decided all."],
        run: refused,
    },
    Check {
        id: "ext.pipelining.lone-dot",
        title: "no recipient is left, and yet 354 comes: a dot alone, and the mail is not sent",
        lab: Lab::Lab4,
        stage: 9,
        tier: Tier::Extension,
        points: 4,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Should,
        clause: "RFC 2920 §3.1",
        why: "DATA had left before the refusals came, and some servers take it. Then they wait for a mail, and QUIT would be \
              a line of it: a single dot ends it. Whatever the server says to that, the mail has reached nobody.",
        peers: "",
        hints: &[
            "When DATA gets a 354 and every RCPT was refused: `.`, read the reply, QUIT, and end with 69.",
        ],
        run: lone_dot,
    },
];

/// Of each letter: enough for one in the middle.
const RECIPIENTS: usize = 3;

fn letter(t: &mut Trial) -> Letter {
    let to: Vec<String> = (0..RECIPIENTS).map(|_| address(t)).collect();
    Letter::new(t).to(to).timeout(stretched(2.0))
}

fn server() -> Builder {
    Smtp::builder().offers(["PIPELINING"]).delivery(Delivery::Grouped)
}

fn group(t: &mut Trial) -> Verdict {
    let letter = letter(t);
    let ended = letter.send(t, server())?;
    let commands = &ended.session()?.commands;
    // Whatever follows it, this command came last.
    let last = ["EHLO", "HELO", "DATA", "QUIT"];
    if let Some(command) =
        commands.iter().find(|command| command.behind > 0 && last.contains(&command.verb().as_str()))
    {
        return Err(ended
            .failure(
                format!("nothing behind {:?} before it is answered", command.line),
                format!("{} more octets", command.behind),
            )
            .into());
    }
    let Some(mail) = commands.iter().position(|command| command.verb() == "MAIL") else {
        return ended.mail().map(|_| ());
    };
    let together = came_with(&commands[mail..]);
    let recipients = together.iter().filter(|command| command.verb() == "RCPT").count();
    is_there(&ended)?;
    ensure(
        recipients == RECIPIENTS,
        format!("MAIL and {RECIPIENTS} RCPTs, before the server answers MAIL"),
        format!("MAIL and {recipients} RCPTs; then your program waited"),
    )?;
    ended.delivered(&letter).map(|_| ())
}

/// Skips where no command came before the reply to the one before it.
fn is_there(ended: &Ended) -> Verdict {
    if ended.commands().any(|command| command.behind > 0) {
        return Ok(());
    }
    let why = "PIPELINING is offered, and each command waits for its reply: the extension is not there";
    Err(Fault::Skipped(why.to_owned()))
}

/// Of these commands, the first and those that had come when it was read.
fn came_with(commands: &[Command]) -> &[Command] {
    let Some((first, rest)) = commands.split_first() else { return commands };
    let mut behind = first.behind;
    let more = rest.iter().take_while(|command| {
        let length = command.line.len() + if command.bare_lf { 1 } else { 2 };
        let came = length <= behind;
        behind -= length.min(behind);
        came
    });
    &commands[..=more.count()]
}

fn matched(t: &mut Trial) -> Verdict {
    let reason = word(t);
    let letter = letter(t);
    let server = server()
        .at(Point::Rcpt, line(250, "taken"))
        .at(Point::Rcpt, line(550, &format!("no mailbox {reason}")))
        .at(Point::Rcpt, line(250, "taken"));
    let ended = letter.send(t, server)?;
    is_there(&ended)?;
    let mail = ended.mail()?;
    let (taken, refused): (Vec<_>, Vec<_>) = letter.to.iter().partition(|to| mail.recipients.contains(to));
    let [refused] = refused[..] else {
        let seen = format!("RCPT for {}", mail.recipients.join(", "));
        return Err(ended.failure(format!("one RCPT each for {}", letter.to.join(", ")), seen).into());
    };
    ensure(!mail.wire.is_empty(), "the mail for those who were taken", "a dot alone")?;
    ended.exits(&[67, 68], "one of three recipients was refused, and the mail has gone to the others")?;
    ended.ensure(
        ended.stderr.contains(refused.as_str()),
        format!("stderr names {refused}, whom the server refused"),
        "it does not",
    )?;
    // A line with the refusal is not about somebody else.
    let wrong = ended.stderr.lines().find(|line| {
        line.contains(&reason)
            && !line.contains(refused.as_str())
            && taken.iter().any(|to| line.contains(to.as_str()))
    });
    ended.ensure(
        wrong.is_none(),
        format!("the refusal next to {refused}"),
        format!("{:?}", wrong.unwrap_or_default()),
    )
}

fn refused(t: &mut Trial) -> Verdict {
    for (code, status) in [(550, 69), (451, 75)] {
        let ended = letter(t).send(t, server().at(Point::Mail, line(code, "not from this sender")))?;
        is_there(&ended)?;
        nothing_sent(&ended).note(format!("MAIL was refused with {code}"))?;
        ended.exits(&[status], &format!("MAIL was refused with {code}"))?;
    }
    Ok(())
}

fn lone_dot(t: &mut Trial) -> Verdict {
    for (code, text) in [(250, "taken"), (554, "no valid recipients")] {
        let server = server()
            .at(Point::Rcpt, line(550, "nobody here"))
            .at(Point::Data, line(354, "go on"))
            .at(Point::EndOfData, line(code, text));
        let ended = letter(t).send(t, server)?;
        is_there(&ended)?;
        let what = format!("every RCPT was refused, DATA was answered 354, and the dot {code}");
        nothing_sent(&ended).note(what.as_str())?;
        ended.ensure(
            ended.session()?.mails.iter().all(|mail| mail.whole),
            "a line with a dot alone, as DATA was answered 354",
            "no end of data",
        )?;
        ended.exits(&[69], &what)?;
    }
    Ok(())
}

/// Fails if any line of a mail came.
fn nothing_sent(ended: &Ended) -> Verdict {
    let mails = &ended.session()?.mails;
    match mails.iter().map(|mail| mail.wire.trim_ascii().len()).find(|&octets| octets > 0) {
        None => Ok(()),
        Some(octets) => {
            Err(ended.failure("no mail, as nobody is to get it", format!("{octets} octets of one")).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_ends_with_the_last_command_that_had_come_whole() {
        let command = |line: &str, behind| Command {
            line: line.to_owned(),
            parsed: crate::wire::smtp::parse(line.as_bytes()),
            bare_lf: false,
            tls: false,
            behind,
        };
        let count = |behind: [usize; 3]| {
            let lines = ["NOOP", "RSET", "DATA"];
            came_with(&std::array::from_fn::<_, 3, _>(|at| command(lines[at], behind[at]))).len()
        };
        assert_eq!(count([0, 6, 0]), 1);
        assert_eq!(count([6, 0, 0]), 2);
        assert_eq!(count([8, 2, 0]), 2);
        assert_eq!(count([12, 6, 0]), 3);
    }
}
