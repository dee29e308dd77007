//! Stage 3: a server that says no, or nothing, or goes: what is still done then, and with which status it ends.
//!
//! Where time decides, see [`timing`](super::timing).

use std::net::{Ipv4Addr, SocketAddr};

use super::letter::{Letter, address, stretched, words};
use super::session::{Ended, ended, ended_alone, wait_exit};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::{Act, Command, Point, Reply, Smtp, line, reply};
use crate::subject::ports;
use crate::trial::Trial;
use crate::verdict::{Explain, Fault, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.refused.greeting",
        title: "a greeting of 554 ends with 69, one of 421 with 75",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "A server may refuse before anything is asked: 554 says that there is no mail service here for you, 421 \
              that there is none now (RFC 5321 §3.1). A script repeats a 75 later, and a 69 never.",
        peers: "Block lists of spam are often enforced here.",
        hints: &[
            "The greeting is a reply like any other: look at its code.",
            "5 is 69 (EX_UNAVAILABLE), 4 is 75 (EX_TEMPFAIL). QUIT is polite, MAIL is not.",
        ],
        run: greeting,
    },
    Check {
        id: "mail.refused.mail",
        title: "a sender refused for good ends with 69, one refused for now with 75",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "The difference between 4 and 5 is what a mail queue lives by: 4, the same mail may succeed in an hour; 5, \
              it will not.",
        peers: "",
        hints: &["The first digit of the code becomes the exit status; the mail's text stays here."],
        run: mail,
    },
    Check {
        id: "mail.refused.rcpt-all",
        title: "a mail that nobody may get is not sent",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "With no recipient left there is nothing that DATA could be for. Everybody refused is a refusal of the mail: \
              69 where all codes are 5, 75 where all are 4.",
        peers: "",
        hints: &["Count the recipients that were accepted. None: QUIT."],
        run: rcpt_all,
    },
    Check {
        id: "mail.refused.rcpt-some",
        title: "one recipient's refusal does not keep the mail from the others",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "Each RCPT has a reply of its own, and the transaction goes on with those that were accepted. Whom the mail \
              did not reach the sender has to be told: by name, and with status 67 (EX_NOUSER).",
        peers: "swaks and Python's smtplib send to the others; msmtp and curl send to nobody.",
        hints: &[
            "Keep two lists while you send RCPT: accepted, and refused with the server's words.",
            "DATA if the first is not empty; status 67 and a line on stderr for each of the second.",
        ],
        run: rcpt_some,
    },
    Check {
        id: "mail.refused.data",
        title: "the text is sent after a 354, and after nothing else",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §3.3",
        why: "Without 354 the server still reads commands. Lines of the mail that look like commands would be obeyed, \
              and a 250 is no invitation either.",
        peers: "",
        hints: &["Here the first digit is not enough: 354 and nothing else, then the text."],
        run: data,
    },
    Check {
        id: "mail.refused.end-of-data",
        title: "what counts is the reply to the end of data: 554 ends with 69, 451 with 75",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "That the last line is sent means nothing yet: the server has now read the mail, and may refuse it for its \
              content or its size. Its 250 is the moment at which it takes over the responsibility (RFC 5321 §4.2.5).",
        peers: "Gmail refuses here what it takes for spam.",
        hints: &["After the dot, read one more reply, before QUIT, and treat it as the others."],
        run: end_of_data,
    },
    Check {
        id: "mail.refused.dropped",
        title: "a connection that ends before the last reply is no success",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Should,
        clause: "RFC 5321 §3.8",
        why: "Nobody has said that the mail was taken, so it is as if a 451 had come: to be tried again. Twice is better \
              than never.",
        peers: "",
        hints: &[
            "A read that returns 0 octets, `None` or an empty string is the end: an error here, not an empty reply.",
            "An exception caught on the way out must not end with status 0.",
        ],
        run: dropped,
    },
    Check {
        id: "mail.refused.quit",
        title: "what comes of QUIT does not matter once the mail is taken",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "With the 250 the mail is the server's. Who then reports a failure because the goodbye went wrong makes \
              somebody send the same mail again.",
        peers: "swaks and Python's smtplib fail where the server closes instead of answering QUIT.",
        hints: &[
            "Decide about the status when the 250 comes; from there on only wait, and ignore.",
            "QUIT's reply is waited for, but no longer than `--timeout`.",
        ],
        run: quit,
    },
    Check {
        id: "mail.refused.closing",
        title: "421 ends the session wherever it comes",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.refused.mail"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "421 answers the server's own shutdown rather than the command, and may come at any point: it closes the \
              connection (RFC 5321 §3.8). To RCPT it refuses no recipient, to EHLO it asks for no HELO.",
        peers: "",
        hints: &["Look for 421 where you read replies, before anybody else sees the code: 75."],
        run: closing,
    },
    Check {
        id: "mail.refused.words",
        title: "the server's words are on stderr, all lines of them",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.refused.mail"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "Why it was refused only the server knows, and it often says it in the second or third line: which list you \
              are on, where to read more.",
        peers: "Gmail's refusals end with the address of a page that explains them.",
        hints: &[
            "Keep the text of every line of a reply, not of the last one alone, and print it where you give up.",
        ],
        run: server_words,
    },
    Check {
        id: "mail.refused.unreachable",
        title: "a server that cannot be reached ends with a message and a status",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "A port where nobody listens and a name that nobody has are what one meets first. Neither is a crash.",
        peers: "msmtp: 68 (EX_NOHOST) for the name, 75 for the port.",
        hints: &[
            "What does your program do with the error of the look-up, and with that of `connect`?",
            "A message on stderr, and 69. A panic ends with 101, an exception of Python or Java with 1.",
        ],
        run: unreachable,
    },
    Check {
        id: "mail.refused.no-smtp",
        title: "a server that speaks something else is left: 76",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "Behind a wrong port number there is a server of another protocol. `SSH-2.0` or `HTTP/1.1` is no reply, and \
              76 (EX_PROTOCOL) says so.",
        peers: "curl and swaks wait for a line that is a reply, until their time is up.",
        hints: &[
            "The greeting too begins with three digits. Octets that are no UTF-8 must not crash the reader.",
        ],
        run: no_smtp,
    },
];

/// Sends a letter to a server with this one reply, and goes on as if it were a yes, for those who do not look.
fn answered(t: &mut Trial, point: Point, refusal: Reply) -> Verdict<Ended> {
    Letter::new(t).send(t, Smtp::builder().at(point, refusal.accepting(true)))
}

fn greeting(t: &mut Trial) -> Verdict {
    for (code, status) in [(554, 69), (421, 75)] {
        let refusal = line(code, &format!("mail.example {}", words(t, 2)));
        let ended = answered(t, Point::Greeting, refusal)?;
        ended.never("MAIL", &format!("the greeting was {code}"))?;
        ended.exits(&[status], &format!("the greeting was {code}"))?;
    }
    Ok(())
}

fn mail(t: &mut Trial) -> Verdict {
    for (code, status) in [(550, 69), (451, 75)] {
        let refusal = line(code, &words(t, 3));
        let ended = answered(t, Point::Mail, refusal)?;
        ended.never("DATA", &format!("MAIL was answered {code}"))?;
        ended.exits(&[status], &format!("MAIL was answered {code}"))?;
    }
    Ok(())
}

fn rcpt_all(t: &mut Trial) -> Verdict {
    let cases: [([u16; 2], &[i32]); 3] = [([550, 553], &[69]), ([450, 451], &[75]), ([550, 450], &[69, 75])];
    for (codes, statuses) in cases {
        let letter = two_recipients(t);
        let [first, second] = codes.map(|code| line(code, &words(t, 3)));
        let ended = letter.send(t, Smtp::builder().at(Point::Rcpt, first).at(Point::Rcpt, second))?;
        let why = format!("the two RCPT were answered {} and {}", codes[0], codes[1]);
        ended.never("DATA", &why)?;
        ended.exits(statuses, &why)?;
    }
    Ok(())
}

fn two_recipients(t: &mut Trial) -> Letter {
    let to = [address(t), address(t)];
    Letter::new(t).to(to)
}

fn rcpt_some(t: &mut Trial) -> Verdict {
    for (codes, refused) in [([250, 550, 250], 1), ([450, 250, 250], 0)] {
        let to = [address(t), address(t), address(t)];
        let letter = Letter::new(t).to(to);
        let server = codes
            .into_iter()
            .fold(Smtp::builder(), |server, code| server.at(Point::Rcpt, line(code, &words(t, 3))));
        let ended = letter.send(t, server)?;
        let why = format!("the three RCPT were answered {codes:?}");
        let mail = ended.mail().note(&why)?;
        let mut asked: Vec<&str> =
            ended.commands().filter_map(|command| recipient(&letter, command)).collect();
        let missing = letter.to.iter().find(|to| !asked.contains(&to.as_str()));
        ended.ensure(
            missing.is_none() && asked.len() == letter.to.len(),
            "one RCPT for each of the three recipients",
            asked.join(", "),
        )?;
        let refused = asked.remove(refused);
        ended.ensure(
            mail.recipients == asked,
            format!("the mail goes to {}", asked.join(" and ")),
            format!("it went to {}", mail.recipients.join(", ")),
        )?;
        ended.exits(&[67, 68], &why)?;
        ended.ensure(ended.stderr.contains(refused), format!("{refused} named on stderr"), "it is not")?;
    }
    // Who is refused a recipient and then the mail has sent to nobody.
    let replies = [(Point::Rcpt, 250), (Point::Rcpt, 550), (Point::EndOfData, 451)];
    let server = replies
        .into_iter()
        .fold(Smtp::builder(), |server, (point, code)| server.at(point, line(code, &words(t, 3))));
    let ended = two_recipients(t).send(t, server)?;
    ended.exits(&[75], "the two RCPT were answered 250 and 550, and then the mail 451")
}

/// Which of the letter's recipients this is a RCPT for, in whatever syntax: that is another check's matter.
fn recipient<'a>(letter: &'a Letter, command: &Command) -> Option<&'a str> {
    let named = |to: &&String| command.line.contains(to.as_str());
    letter.to.iter().filter(|_| command.verb() == "RCPT").find(named).map(String::as_str)
}

fn data(t: &mut Trial) -> Verdict {
    let cases: [(u16, &[i32]); 3] = [(554, &[69]), (451, &[75]), (250, &[69, 75, 76])];
    for (code, statuses) in cases {
        let refusal = line(code, &words(t, 3)).accepting(false);
        let ended = Letter::new(t).send(t, Smtp::builder().at(Point::Data, refusal))?;
        let why = format!("DATA was answered {code}");
        let mut after = ended.commands().skip_while(|command| command.verb() != "DATA");
        ended.ensure(after.next().is_some(), "DATA", "no such command")?;
        if let Some(first) = after.find(|command| !is_farewell(&command.line)) {
            let seen = format!("the server read {:?} as a command", first.line);
            return Err(ended.failure(format!("no text of the mail: {why}"), seen).into());
        }
        ended.exits(statuses, &why)?;
    }
    Ok(())
}

/// What may be said when all is lost.
fn is_farewell(line: &str) -> bool {
    ["QUIT", "RSET", "NOOP"].iter().any(|verb| line.trim_end().eq_ignore_ascii_case(verb))
}

fn end_of_data(t: &mut Trial) -> Verdict {
    for (code, status) in [(554, 69), (451, 75)] {
        let refusal = line(code, &words(t, 3));
        let ended = answered(t, Point::EndOfData, refusal)?;
        ended.mail()?;
        ended.exits(&[status], &format!("the whole mail was answered {code}"))?;
    }
    Ok(())
}

fn dropped(t: &mut Trial) -> Verdict {
    let half = reply(&format!("250-{}", words(t, 2))).then(Act::Close);
    let cases = [
        ("FIN came where a reply was due", Reply::act(Act::Close)),
        ("RST came where a reply was due", Reply::act(Act::Reset)),
        ("FIN came after a `250-`, which says that more follows", half),
    ];
    for (what, end) in cases {
        let ended = answered(t, Point::EndOfData, end)?;
        ended.mail()?;
        ended.exits(&[75, 69, 76], what)?;
    }
    Ok(())
}

fn quit(t: &mut Trial) -> Verdict {
    let cases = [
        ("QUIT was answered 500", line(500, &words(t, 2))),
        ("the server closed the connection at QUIT", Reply::act(Act::Close)),
        ("the server did not answer QUIT", Reply::act(Act::Hold)),
    ];
    let mut runs = Vec::new();
    for (what, end) in cases {
        let letter = Letter::new(t).timeout(stretched(0.5));
        let server = Smtp::builder().at(Point::Quit, end).start(t.scene())?;
        runs.push((what, letter.start(t, &server)?, server, letter));
    }
    for (what, running, server, letter) in runs {
        ended(t, &running, server).note(what)?.delivered(&letter).note(what)?;
    }
    Ok(())
}

fn closing(t: &mut Trial) -> Verdict {
    let points = [Point::Ehlo, Point::Mail, Point::Rcpt, Point::Data, Point::EndOfData];
    for point in points {
        let letter = two_recipients(t);
        let goodbye = line(421, &format!("mail.example {}", words(t, 2))).then(Act::Close);
        let ended = letter.send(t, Smtp::builder().at(point, goodbye))?;
        let asked = ended.commands().last().map_or("nothing".to_owned(), |last| format!("{:?}", last.line));
        let what = if point == Point::EndOfData { "the mail" } else { &asked };
        let why = format!("{what} was answered 421");
        let strays = String::from_utf8_lossy(&ended.session()?.strays).into_owned();
        if let Some(more) = strays.lines().find(|line| !is_farewell(line)) {
            return Err(ended.failure(format!("at most QUIT: {why}"), format!("{more:?}")).into());
        }
        ended.exits(&[75], &why)?;
    }
    Ok(())
}

fn server_words(t: &mut Trial) -> Verdict {
    let cases: [(Point, u16, usize); 4] =
        [(Point::Greeting, 554, 1), (Point::Mail, 550, 3), (Point::Rcpt, 450, 2), (Point::EndOfData, 554, 1)];
    for (point, code, count) in cases {
        let said: Vec<String> = (0..count).map(|_| words(t, 3)).collect();
        let (last, first) = said.split_last().map_or(("", &said[..0]), |(last, first)| (last, first));
        let first: String = first.iter().map(|words| format!("{code}-{words}\r\n")).collect();
        let ended =
            Letter::new(t).send(t, Smtp::builder().at(point, reply(&format!("{first}{code} {last}"))))?;
        let stderr = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(missing) = said.iter().find(|words| !stderr.contains(words.as_str())) {
            return Err(ended
                .failure(format!("{missing:?} on stderr"), "it is not there")
                .note(format!("the server's refusal was {code}, in {count} lines"))
                .into());
        }
    }
    Ok(())
}

fn unreachable(t: &mut Trial) -> Verdict {
    // Nobody is on that port, and nobody will be while the lease lives.
    let lease = ports::lease().map_err(|error| Fault::Broken(format!("no port is free: {error}")))?;
    let closed = SocketAddr::from((Ipv4Addr::LOCALHOST, lease.port()));
    let name = t.nobodys_name();
    let cases: [(&str, String, &[i32]); 2] = [
        ("the connection was refused", closed.ip().to_string(), &[69, 75]),
        ("there is no host of that name", name, &[69, 68, 75]),
    ];
    for (why, host, statuses) in cases {
        let letter = Letter::new(t);
        let mut arguments = letter.arguments(closed.port());
        for word in &mut arguments {
            if word == letter.host() {
                *word = (&host).into();
            }
        }
        let running = letter.start_with(t, arguments, None)?;
        let exit = wait_exit(t, &running).note(why)?;
        let ended = ended_alone(t, &running, exit);
        ended.exits(statuses, why)?;
        ended.ensure(!ended.stderr.trim().is_empty(), format!("a message on stderr: {why}"), "not a word")?;
    }
    Ok(())
}

fn no_smtp(t: &mut Trial) -> Verdict {
    let ssh = format!("SSH-2.0-{}\r\n", words(t, 1)).into_bytes();
    let http = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec();
    // RFC 8446 §6: unexpected_message, in a record.
    let tls = vec![0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a];
    // RFC 854, RFC 1073: IAC DO, twice, which is no UTF-8.
    let telnet = b"\xff\xfd\x18\xff\xfd\x1f\r\nlogin: ".to_vec();
    let cases = [
        ("an SSH server's", ssh),
        ("an HTTP server's", http),
        ("a TLS server's", tls),
        ("a Telnet server's", telnet),
    ];
    for (what, octets) in cases {
        let letter = Letter::new(t).timeout(stretched(0.5));
        let ended = letter.send(t, Smtp::builder().at(Point::Greeting, Reply::octets(octets)))?;
        let why = format!("the first octets were {what}");
        ended.never("MAIL", &why)?;
        ended.exits(&[76, 75], &why)?;
    }
    Ok(())
}
