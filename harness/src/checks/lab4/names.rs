//! Stage 6: the names of attachments, and files that cannot be attached (RFC 2183, RFC 2231).

use super::letter::{Letter, word};
use super::parts::{attachments, file, plain, some_file};
use super::session::{read, syntax};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::Smtp;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure};
use crate::wire::bytes::show;

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.attach.name",
        title: "an attachment is marked as one, and has its file's name without the directories",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 2183 §2.2, §2.3",
        why: "`Content-Disposition: attachment; filename=…` says that the part is to be saved, and under which name. In \
              which of your directories it lay is nobody's business.",
        peers: "",
        hints: &["A `name` in the Content-Type is an older way, and no more than a help for old programs."],
        run: name,
    },
    Check {
        id: "mail.attach.name-utf8",
        title: "a name outside ASCII is written as RFC 2231 has it",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 2231 §4, RFC 2047 §5",
        why: "A header is ASCII. Encoded words are for text, and never stand in a parameter: there the charset comes first, \
              then the octets, those that could be misread as %XX.",
        peers: "curl and swaks send the name as raw UTF-8.",
        hints: &[
            "`filename*=utf-8''%E2%82%AC.txt`: a star behind the name, two apostrophes, no quotes.",
            "Letters, digits and `-._` may stand as they are; `%`, `'`, `*`, spaces and all else become %XX.",
        ],
        run: name_utf8,
    },
    Check {
        id: "mail.attach.name-quoted",
        title: "quotes, backslashes, semicolons and spaces in a name arrive as they are",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.attach.name"],
        basis: Basis::Must,
        clause: "RFC 2045 §5.1, RFC 5322 §3.2.4",
        why: "A value with spaces or with any of ()<>@,;:\\\"/[]?= stands in quotes, and in quotes a backslash goes before \
              each quote and each backslash. Else a name ends where it should not, and the rest becomes parameters.",
        peers: "Browsers write %22 for a quote in the forms that they send; a mail program does not undo that.",
        hints: &[
            "Put every name in quotes, with `\\\\` for a backslash and `\\\"` for a quote; or use `filename*` here too.",
        ],
        run: name_quoted,
    },
    Check {
        id: "mail.attach.unreadable",
        title: "without one of its attachments, or with a line end in a name, nothing is sent",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "A mail cannot be taken back: one that lacks what its text speaks of is worse than none. And a line end in a \
              name would end the header line, and what follows would be a field of somebody else's.",
        peers: "",
        hints: &[
            "Open every file before you connect. Does `open` of a directory succeed? Then `read` does not.",
            "66 is EX_NOINPUT, 64 is EX_USAGE.",
        ],
        run: unreadable,
    },
];

/// Sends a file of this name, and fails unless it arrives as an attachment of this name.
fn keeps(t: &mut Trial, name: &str) -> Verdict {
    let octets = plain(t);
    let path = file(t, name, &octets)?;
    let ended = Letter::new(t).attach(&path).send(t, Smtp::builder())?;
    let mail = ended.mail()?;
    let message = read(mail)?;
    let part = attachments(&message, 1)?[0];
    let disposition = part.disposition.as_ref().map_or("none", |disposition| &disposition.kind);
    ensure(disposition == "attachment", "Content-Disposition: attachment", disposition)?;
    let expected = || format!("the file name \"{}\" in Content-Disposition", show(name.as_bytes()));
    match syntax(mail, part.file_name())? {
        Some(seen) if seen.from_disposition && seen.name == name => Ok(()),
        Some(seen) if seen.from_disposition => {
            Err(Failure::new(expected(), format!("\"{}\"", show(seen.name.as_bytes()))).into())
        }
        Some(_) => Err(Failure::new(expected(), "no filename there, only a name in Content-Type").into()),
        None => Err(Failure::new(expected(), "no filename there").into()),
    }
}

fn keep_all(t: &mut Trial, names: &[String]) -> Verdict {
    for name in names {
        keeps(t, name).note(format!("the file is called {name}"))?;
    }
    Ok(())
}

fn name(t: &mut Trial) -> Verdict {
    let name = format!("{}-{}.tar.gz", word(t), word(t));
    keeps(t, &name)
}

fn name_utf8(t: &mut Trial) -> Verdict {
    let names = [
        format!("Übersicht {}.txt", word(t)),
        format!("100% {}'s 😀 *.pdf", word(t)),
        // Too much for a line of 78, encoded as it must be.
        format!("{}{}.zip", "報告".repeat(30), word(t)),
    ];
    keep_all(t, &names)
}

fn name_quoted(t: &mut Trial) -> Verdict {
    let names = [
        format!("the \"{}\" of {}.txt", word(t), word(t)),
        format!("{}; name={}.txt", word(t), word(t)),
        format!("{}\\{}\\", word(t), word(t)),
        format!("{}%41 (50%), <a@b> [c]=d'e*.txt", word(t)),
    ];
    keep_all(t, &names)
}

fn unreadable(t: &mut Trial) -> Verdict {
    let octets = plain(t);
    let readable = some_file(t, &octets)?;
    let directory = t.dir()?;
    let missing = directory.join(word(t));
    let broken_name = |line_end| format!("report{line_end}X-Field: of somebody else's");
    let with_lf = file(t, &broken_name("\n"), &octets)?;
    let with_cr = file(t, &broken_name("\r"), &octets)?;
    let cases = [
        ("a file that is not there, behind one that is", 66, vec![&readable, &missing]),
        ("a directory", 66, vec![&directory]),
        ("a file with a line feed in its name", 64, vec![&with_lf]),
        ("a file with a carriage return in its name", 64, vec![&with_cr]),
    ];
    for (what, status, paths) in cases {
        let letter = paths.into_iter().fold(Letter::new(t), |letter, path| letter.attach(path));
        let ended = letter.send(t, Smtp::builder())?;
        ended.never("MAIL", &format!("attached is {what}"))?;
        ended.exits(&[status], &format!("attached is {what}"))?;
    }
    Ok(())
}
