//! Stage 2: what a reply is. It has a code, perhaps a text, perhaps many lines, and arrives in any pieces.

use super::dialogue::too_early;
use super::letter::{Letter, stretched, word, words};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::{Act, Builder, Delivery, Point, Reply, Smtp, line, reply};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict, ensure, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.reply.multiline",
        title: "a reply may have many lines, whatever it answers",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "`250-` says that more follows, `250 ` that this is the last line (RFC 5321 §4.2.1). Who takes each line \
              for a reply is soon a reply ahead of the server, and believes it has heard what was not yet said.",
        peers: "Gmail greets in one line, refuses in two or three; many servers greet in several.",
        hints: &[
            "Look at the fourth character: a hyphen means that you have to read on.",
            "One function that reads a whole reply, for the greeting and QUIT too, not only for EHLO.",
        ],
        run: multiline,
    },
    Check {
        id: "mail.reply.pieces",
        title: "a reply may arrive octet by octet",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "TCP is a stream of octets and knows no messages: a read returns what has come so far, and that may be \
              the `2` of `250 ok`.",
        peers: "",
        hints: &[
            "A read is not a reply. Collect octets until there is a line end.",
            "Buffered readers with a `read_line` or `readline` do just that.",
        ],
        run: pieces,
    },
    Check {
        id: "mail.reply.blocks",
        title: "a segment may end in the middle of a line, and have several",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.reply.multiline"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "What one read returns may be a line and a half. The half belongs to what the next read returns.",
        peers: "",
        hints: &[
            "Keep what is left over behind the first line end for the next line.",
            "CR may be the last octet of one read, and LF the first of the next.",
            "One buffered reader for the whole connection: a new one for each reply loses what the old one held.",
        ],
        run: blocks,
    },
    Check {
        id: "mail.reply.bare-code",
        title: "a reply may be its code alone",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.2",
        why: "The text is for people. Servers should send one, but a client has to do without: `250` and CR LF is a \
              reply, and a last line.",
        peers: "msmtp and swaks do not take a bare code for a reply.",
        hints: &["There is no fourth character in `250`: what does your program look at there?"],
        run: bare_code,
    },
    Check {
        id: "mail.reply.first-digit",
        title: "the first digit decides, also of a code that is in no list",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Should,
        clause: "RFC 5321 §4.2",
        why: "2 is yes, 3 is go on, 4 is not now, 5 is no. The other two digits say more to those who know them, and \
              extensions bring new ones: 251 is a yes to RCPT, too.",
        peers: "swaks, msmtp and Python's smtplib want certain codes here or there; swaks refuses a 251.",
        hints: &["Compare `code / 100`, and 354 for DATA alone."],
        run: first_digit,
    },
    Check {
        id: "mail.reply.code-not-text",
        title: "the code counts, not the text",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.2",
        why: "The text may be in any language and say anything, other codes among it. A client decides by the three \
              digits at the beginning of the line.",
        peers: "",
        hints: &[
            "Search for `250` nowhere but at the beginning of a line.",
            "`contains(\"250\")` and `contains(\"ok\")` find both in `550 250 ok`.",
        ],
        run: code_not_text,
    },
    Check {
        id: "mail.reply.long",
        title: "a reply of a thousand lines, a line of 512 octets and one of 3000 break nothing",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.reply.multiline"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.5.3.1.5",
        why: "A line of a reply has up to 512 octets, and the number of lines has no limit. A longer line is the \
              server's fault, which may end the session, but neither the program nor its memory.",
        peers: "msmtp and curl give up on some of it, with a message.",
        hints: &[
            "A buffer of fixed size for a line is where overflows come from: what happens at its end?",
            "What is cut off the end of a line is not the next reply.",
        ],
        run: long,
    },
    Check {
        id: "mail.reply.malformed",
        title: "what is no reply is no success",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "A reply begins with three digits, the first of them 2 to 5, and has the same ones in each of its lines. \
              With whoever says something else one does not go on guessing.",
        peers: "",
        hints: &[
            "Three digits, then a space, a hyphen or the end of the line. All else is a protocol error: 76.",
            "`250-` and then `550 ` is no yes: compare the code of each line with the first one's.",
        ],
        run: malformed,
    },
    Check {
        id: "mail.reply.helo",
        title: "a server that does not know EHLO is greeted with HELO",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §2.2.1, §3.2",
        why: "EHLO came in 1993, eleven years after SMTP. A server without it answers 500 or 502; HELO is what it \
              knows, and then there are no extensions, and no parameters of MAIL.",
        peers: "",
        hints: &[
            "On 500 and 502: `HELO` with the same name, on the same connection.",
            "After HELO the list of extensions is empty: no SIZE=, no BODY=.",
        ],
        run: helo,
    },
    Check {
        id: "mail.reply.keywords",
        title: "keywords of EHLO's reply are read in any case, and unknown ones passed over",
        lab: Lab::Lab4,
        stage: 2,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.reply.multiline"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.1.1.1",
        why: "Each line after the first is a keyword and perhaps parameters, and servers have keywords of their own. \
              `size 1000` offers what `SIZE 1000` does; `SIZE` alone and `SIZE 0` say no limit.",
        peers: "curl compared them in one case alone for years: it missed a `starttls` in lower case.",
        hints: &[
            "Split the line at its spaces, and put the first word in upper case before you look it up.",
            "A number that is not there is no 0, and a `SIZE 0` forbids nothing (RFC 1870 §3).",
        ],
        run: keywords,
    },
];

/// Where a server speaks in a mail's session without extensions, and its code of success.
const POINTS: [(Point, u16); 7] = [
    (Point::Greeting, 220),
    (Point::Ehlo, 250),
    (Point::Mail, 250),
    (Point::Rcpt, 250),
    (Point::Data, 354),
    (Point::EndOfData, 250),
    (Point::Quit, 221),
];

/// Three lines that nobody can know, as good for EHLO and the greeting as elsewhere.
fn three_lines(t: &mut Trial, code: u16) -> [String; 3] {
    [
        format!("{code}-mail.example {}", word(t)),
        format!("{code}-{}", words(t, 2)),
        format!("{code} {}", words(t, 3)),
    ]
}

fn multiline(t: &mut Trial) -> Verdict {
    let mut server = Smtp::builder().delivery(Delivery::Lockstep);
    let mut further = Vec::new();
    for (point, code) in POINTS {
        let lines = three_lines(t, code);
        server = server.at(point, reply(&lines.join("\r\n")));
        further.extend(lines.into_iter().skip(1));
    }
    let letter = Letter::new(t);
    let ended = letter.send(t, server)?;
    // What is said before a reply's first line is another check's matter.
    let early = ended.sessions.iter().flat_map(|session| &session.early);
    match early.into_iter().find(|early| !early.octets.is_empty() && further.contains(&early.before)) {
        Some(early) => Err(too_early(early).note("`-` behind the code says that more lines follow").into()),
        None => ended.delivered(&letter).map(|_| ()),
    }
}

/// Sends a letter that must get through.
fn gets_through(t: &mut Trial, server: Builder) -> Verdict {
    let letter = Letter::new(t);
    letter.send(t, server)?.delivered(&letter).map(|_| ())
}

fn pieces(t: &mut Trial) -> Verdict {
    gets_through(t, Smtp::builder().offers(["HELP"]).delivery(Delivery::Pieces(1)))
        .note("each octet came in a segment of its own, when your program had read the one before")
}

fn blocks(t: &mut Trial) -> Verdict {
    // Of the first line, the first two, and all three, the offsets at which a segment ends.
    type Cuts = fn(usize, usize, usize) -> [usize; 2];
    let plans: [(&str, Cuts); 2] = [
        ("between the second code and its hyphen, and between the last CR and LF", |one, _, all| {
            [one + 3, all - 1]
        }),
        ("within the first code, and behind the last", |_, two, _| [2, two + 4]),
    ];
    for (what, cuts) in plans {
        let mut server = Smtp::builder();
        for (point, code) in POINTS {
            let lines = three_lines(t, code).map(|line| format!("{line}\r\n"));
            let [one, two] = [lines[0].len(), lines[0].len() + lines[1].len()];
            let octets = lines.concat().into_bytes();
            let cuts = cuts(one, two, octets.len()).to_vec();
            server = server.at(point, Reply::act(Act::Pieces(octets, cuts)).accepting(true));
        }
        gets_through(t, server).note(format!("each reply had three lines and was cut {what}"))?;
    }
    Ok(())
}

fn bare_code(t: &mut Trial) -> Verdict {
    // A greeting and EHLO's reply name a domain.
    let server = POINTS.iter().skip(2).fold(Smtp::builder(), |server, &(point, code)| {
        let octets = match point {
            Point::Mail => format!("{code}-\r\n{code}"),
            _ => code.to_string(),
        };
        server.at(point, reply(&octets))
    });
    gets_through(t, server).note("from MAIL on each reply was a code and no text; MAIL's, two lines of it")
}

/// Runs it against a server that refuses MAIL with this reply and goes on as if it had not, for those who do not look.
fn refused_at_mail(t: &mut Trial, refusal: &str, codes: &[i32]) -> Verdict {
    let letter = Letter::new(t).timeout(stretched(0.5));
    let ended = letter.send(t, Smtp::builder().at(Point::Mail, reply(refusal).accepting(true)))?;
    let why = format!("MAIL was answered {refusal:?}");
    ended.never("DATA", &why)?;
    ended.exits(codes, &why)
}

fn first_digit(t: &mut Trial) -> Verdict {
    let server = Smtp::builder()
        .at(Point::Mail, line(259, &words(t, 2)))
        .at(Point::Rcpt, line(251, &words(t, 2)))
        .at(Point::EndOfData, line(252, &words(t, 2)))
        .at(Point::Quit, line(200, &words(t, 2)));
    gets_through(t, server)
        .note("259 to MAIL, 251 to RCPT, 252 to the end of data and 200 to QUIT each say yes")?;
    for (code, status) in [(559, 69), (459, 75)] {
        let refusal = format!("{code} {}", words(t, 2));
        refused_at_mail(t, &refusal, &[status])?;
    }
    Ok(())
}

fn code_not_text(t: &mut Trial) -> Verdict {
    let server = Smtp::builder()
        .at(Point::Greeting, line(220, "mail.example 554 error, failed"))
        .at(Point::Mail, line(250, "550 error, refused"))
        .at(Point::Rcpt, line(250, "451 try again later"))
        .at(Point::Data, line(354, "554 no"))
        .at(Point::EndOfData, line(250, "554 error: transaction failed"));
    gets_through(t, server).note("each reply said yes, and its text something else")?;
    refused_at_mail(t, "550 250 ok", &[69])?;
    let letter = Letter::new(t);
    let refusal = "554 250 2.0.0 ok: queued";
    let ended = letter.send(t, Smtp::builder().at(Point::EndOfData, reply(refusal)))?;
    ended.exits(&[69], &format!("the mail was answered {refusal:?}"))
}

fn long(t: &mut Trial) -> Verdict {
    let mut lines: Vec<String> = (0..1000).map(|_| format!("250-{}", words(t, 5))).collect();
    lines.push(format!("250 {}", word(t)));
    // RFC 5321 §4.5.3.1.5: CR LF is counted.
    let limit = format!("250 {}", letters(t, 512 - 6));
    let server = Smtp::builder().at(Point::Mail, reply(&lines.join("\r\n"))).at(Point::Rcpt, reply(&limit));
    gets_through(t, server).note("MAIL was answered with 1001 lines, RCPT with a line of 512 octets")?;
    let letter = Letter::new(t);
    let endless = line(250, &letters(t, 3000 - 6));
    let ended = letter.send(t, Smtp::builder().at(Point::Rcpt, endless))?;
    if ended.exit.status.success() {
        return ended.delivered(&letter).map(|_| ());
    }
    ended.exits(&[0, 69, 75, 76], "a line of 3000 octets is read, or refused in order")
}

fn letters(t: &mut Trial, count: usize) -> String {
    (0..count).map(|_| t.rng.lowercase()).collect()
}

fn malformed(t: &mut Trial) -> Verdict {
    let taken = words(t, 2);
    let replies = [
        format!("2x0 {taken}"),
        "25".to_owned(),
        format!("650 {taken}"),
        format!("ok, {taken}"),
        format!("250-{taken}\r\n550 {taken}"),
    ];
    replies.iter().try_for_each(|reply| refused_at_mail(t, reply, &[69, 75, 76]))
}

fn helo(t: &mut Trial) -> Verdict {
    for code in [500, 502] {
        let letter = Letter::new(t);
        let unknown = line(code, &words(t, 2));
        let ended = letter.send(t, Smtp::builder().at(Point::Ehlo, unknown))?;
        let why = format!("EHLO was answered {code}");
        ended.ensure(
            ended.commands().any(|command| command.verb() == "HELO"),
            format!("HELO, as {why}"),
            ended.commands().last().map_or("no command".to_owned(), |last| format!("{:?}", last.line)),
        )?;
        let mail = ended.delivered(&letter).note(why)?;
        ensure(
            mail.parameters.is_empty(),
            "MAIL without parameters: who was greeted with HELO has no extensions",
            format!("the parameter {}", mail.parameters.first().map_or("", |(name, _)| name)),
        )?;
    }
    Ok(())
}

fn keywords(t: &mut Trial) -> Verdict {
    let own = format!("X-{}", word(t));
    let [upper, lower] = [["SIZE 10000000", "8BITMIME"], ["size 10000000", "8bitMime"]];
    let used = parameters(t, &upper)?;
    let used_too = parameters(t, &[&own, lower[0], &format!("{own} a=b c"), lower[1], "HELP"])?;
    if used != used_too {
        return fail(
            format!("MAIL with the same parameters, be it {upper:?} that is offered or {lower:?}"),
            format!("{used:?}, but {used_too:?}"),
        );
    }
    parameters(t, &[&own, "SIZE"])?;
    parameters(t, &["SIZE 0", &own])?;
    // Words in which a keyword is found are others.
    let others = ["XSIZE 10", "8BITMIME-NOT", &own];
    let used = parameters(t, &others)?;
    ensure(used.is_empty(), format!("no parameters: {others:?} are unknown ones"), format!("{used:?}"))
}

/// Sends a letter to a server with these keywords, and returns the names of MAIL's parameters.
fn parameters(t: &mut Trial, offers: &[&str]) -> Verdict<Vec<String>> {
    let letter = Letter::new(t).text(&format!("{} über {}", word(t), word(t)));
    let ended = letter.send(t, Smtp::builder().offers(offers.iter().copied()))?;
    let mail = ended.delivered(&letter).note(format!("EHLO's reply listed {}", offers.join(", ")))?;
    let mut names: Vec<String> = mail.parameters.iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    Ok(names)
}
