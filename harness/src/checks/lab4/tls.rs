//! Stage 7: STARTTLS, and TLS from the first octet on. Which certificates are good enough, see
//! [`certificates`](super::certificates).

use super::letter::{Letter, Security, stretched, words};
use super::session::ended;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::certificates::{Shown, Versions};
use crate::fake::smtp::{Act, Builder, Delivery, Point, Reply, Smtp, line};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.tls.starttls",
        title: "STARTTLS, the handshake, EHLO again, and the mail goes under TLS",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 3207 §4",
        why: "The connection begins in clear. STARTTLS, a 220, and from the next octet on both sides speak TLS on the \
              same connection: then the dialogue begins anew with EHLO. It is the default, without `--tls` too.",
        peers: "smtp.gmail.com takes no mail on port 587 before it.",
        hints: &[
            "EHLO; the reply lists STARTTLS; send STARTTLS and read its 220; then hand the socket to the TLS library.",
            "After the handshake no new greeting comes: it is your turn, with EHLO.",
            "`openssl s_client -starttls smtp -connect host:587` does the first half for you to look at.",
        ],
        run: starttls,
    },
    Check {
        id: "mail.tls.not-offered",
        title: "a server that does not offer STARTTLS gets no password and no mail",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 3207 §6",
        why: "The list of extensions comes in clear, so whoever sits on the way can strike STARTTLS from it. A client \
              that then goes on in clear has given its password away: 76 (EX_PROTOCOL) is the only answer.",
        peers: "In 2014 providers of mobile networks were seen to do just that.",
        hints: &["Who wanted TLS and cannot have it says QUIT and ends with 76."],
        run: not_offered,
    },
    Check {
        id: "mail.tls.refused",
        title: "STARTTLS answered with anything but 220 ends the run",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 3207 §4",
        why: "A refusal too comes in clear, and anybody can have written it. Only 220 leads to a handshake; all else \
              ends with 76, and 454 (\"not now\") may be 75.",
        peers: "",
        hints: &["Here, the exact code counts: 250 is a success elsewhere, and no 220."],
        run: refused,
    },
    Check {
        id: "mail.tls.forgets",
        title: "what the server offered before TLS is forgotten",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.tls.starttls"],
        basis: Basis::Must,
        clause: "RFC 3207 §4.2",
        why: "All that was said before the handshake may be somebody else's words: the client must discard it, and \
              asks again with EHLO. The second list replaces the first; it is not added to it.",
        peers: "Many servers offer AUTH only in the second list.",
        hints: &["After the handshake begin with an empty set of extensions, and send EHLO."],
        run: forgets,
    },
    Check {
        id: "mail.tls.injected",
        title: "what came in clear behind the 220 is no reply",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.tls.starttls"],
        basis: Basis::Must,
        clause: "RFC 3207 §4.2; CVE-2011-0411",
        why: "Somebody on the way adds lines of their own behind the 220, in the same segment. They stay in the \
              client's buffer, and after the handshake they look like replies that came under TLS.",
        peers: "In 2021 such buffers were found in many mail programs, clients and servers, ten years after the first.",
        hints: &[
            "When the 220 is read, look what else is in your buffer: throw it away, or end with 76.",
            "A new reader over the TLS stream begins empty; a reader that you take along does not.",
        ],
        run: injected,
    },
    Check {
        id: "mail.tls.implicit",
        title: "--tls implicit speaks TLS from the first octet on",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 8314 §3.3",
        why: "On port 465 TLS comes first and SMTP inside: there is no moment in clear that somebody could tamper \
              with.",
        peers: "smtp.gmail.com offers both, 587 with STARTTLS and 465 with implicit TLS.",
        hints: &[
            "Connect, shake hands, and then read the greeting; no STARTTLS.",
            "The certificate is checked as with STARTTLS.",
        ],
        run: implicit,
    },
    Check {
        id: "mail.tls.stalled",
        title: "a handshake that does not come about, and a connection that is cut, are no success",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.tls.starttls"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 8446 §6.1",
        why: "A handshake is reading and writing as well: the server may be silent there, or say what is no TLS. And \
              an end without close_notify is somebody else's doing, or a crash: what was not answered was not taken.",
        peers: "",
        hints: &[
            "Set the time-out on the socket before the handshake, not after it.",
            "An end of the stream where a reply is due is an error, under TLS as without.",
        ],
        run: stalled,
    },
    Check {
        id: "mail.tls.pieces",
        title: "replies in many records, many records in one segment, TLS 1.2 and 1.3",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.tls.starttls"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 5246 §6.2.1",
        why: "TLS is a stream like TCP: a record is no line. And what the library has already deciphered is in its \
              buffer and no longer in the socket, so `select` waits for what has long been there.",
        peers: "",
        hints: &[
            "Read lines from the TLS stream with the same code that reads them from the socket.",
            "Before you wait for the socket, ask the TLS library whether it still has octets.",
        ],
        run: pieces,
    },
];

fn starttls(t: &mut Trial) -> Verdict {
    for said in [true, false] {
        let letter = Letter::under_tls(t)?;
        let server = Smtp::builder().offers(["STARTTLS", "8BITMIME"]).start(t.scene())?;
        let mut arguments = letter.arguments(server.port());
        if let Some(at) = arguments.iter().position(|word| word == "--tls").filter(|_| !said) {
            arguments.drain(at..at + 2);
        }
        let running = letter.start_with(t, arguments, Some(&server))?;
        let ended = ended(t, &running, server)?;
        let mail = ended.delivered(&letter)?;
        let without = if said { "" } else { " (there is no `--tls` on the command line: it is the default)" };
        ended.ensure(mail.tls, format!("the mail under TLS{without}"), "it came in clear")?;
    }
    Ok(())
}

fn not_offered(t: &mut Trial) -> Verdict {
    let (letter, user, password) = Letter::under_tls(t)?.with_account(t);
    let server = Smtp::builder().offers(["8BITMIME", "AUTH PLAIN LOGIN"]).account(&user, &password);
    let ended = letter.send(t, server)?;
    let why = "the server has not offered STARTTLS";
    ended.nothing_given_away(why)?;
    ended.exits(&[76], why)
}

fn refused(t: &mut Trial) -> Verdict {
    let cases: [(u16, &[i32]); 4] = [(454, &[75, 76]), (502, &[76]), (554, &[76]), (250, &[76])];
    for (code, statuses) in cases {
        let (letter, user, password) = Letter::under_tls(t)?.with_account(t);
        let refusal = line(code, &words(t, 2)).accepting(false);
        let offers = ["STARTTLS", "AUTH PLAIN LOGIN"];
        let server = Smtp::builder().offers(offers).account(&user, &password).at(Point::StartTls, refusal);
        let ended = letter.send(t, server)?;
        let why = format!("STARTTLS was answered {code}");
        ended.nothing_given_away(&why)?;
        if ended.session()?.handshake.is_some() {
            return fail(format!("no handshake: {why}"), "one was begun");
        }
        ended.exits(statuses, &why)?;
    }
    Ok(())
}

fn forgets(t: &mut Trial) -> Verdict {
    const NO_MAIL_IS_AS_SMALL: &str = "SIZE 10";
    let letter = Letter::under_tls(t)?;
    let server = Smtp::builder()
        .offers(["STARTTLS", NO_MAIL_IS_AS_SMALL, "8BITMIME", "PIPELINING"])
        .offers_under_tls(["ENHANCEDSTATUSCODES"]);
    let ended = letter.send(t, server)?;
    let reading = format!(
        "before TLS the server listed {NO_MAIL_IS_AS_SMALL}, 8BITMIME and PIPELINING, and under TLS none of them"
    );
    let mail = ended.delivered(&letter).note(&reading)?;
    ended.ensure(mail.tls, "the mail under TLS", "it came in clear")
}

fn injected(t: &mut Trial) -> Verdict {
    // The whole rest of a dialogue in which all goes well, so that a client that believes it does so to the end.
    let whole: String =
        ["220 go", "250-mail.example", "250 8BITMIME", "250 ok", "250 ok", "354 go", "250 ok", "221 bye"]
            .map(|reply| format!("{reply}\r\n"))
            .concat();
    let reading =
        "seven replies came in clear behind the 220, and in the same segment: nobody may believe them";
    let server = || Smtp::builder().offers(["STARTTLS"]).at(Point::StartTls, Reply::octets(whole.as_str()));

    let (letter, refusal) = (Letter::under_tls(t)?, line(550, &words(t, 2)));
    let ended = letter.send(t, server().at(Point::Rcpt, refusal))?;
    ended.exits(&[69, 76], "under TLS the server has refused the only recipient").note(reading)?;

    let letter = Letter::under_tls(t)?;
    let ended = letter.send(t, server())?;
    match ended.exits(&[76], "what came behind the 220 was noticed") {
        Ok(()) => Ok(()),
        Err(_) => ended.delivered(&letter).map(|_| ()).note(reading),
    }
}

fn implicit(t: &mut Trial) -> Verdict {
    // Who waits for a greeting in clear waits for this long.
    let letter = Letter { tls: Security::Implicit, ..Letter::under_tls(t)? }.timeout(stretched(2.0));
    let ended = letter.send(t, Smtp::builder().implicit_tls())?;
    let mail = ended.delivered(&letter)?;
    ended.ensure(mail.tls, "the mail under TLS", "it came in clear")?;

    let ended = letter.send(t, Smtp::builder().implicit_tls().shows(Shown::OtherName))?;
    let why = "the server's certificate is for another host";
    ended.nothing_given_away(why)?;
    ended.exits(&[76], why)
}

fn stalled(t: &mut Trial) -> Verdict {
    let go = || line(220, "go");
    let garbage = Act::Send(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    let cases: [(&str, Point, Reply, &[i32]); 3] = [
        ("220, and then silence", Point::StartTls, go().then(Act::Hold), &[75, 76]),
        (
            "220, and to the ClientHello an answer that is no TLS",
            Point::StartTls,
            go().then(Act::Hear).then(garbage).then(Act::Hold),
            &[75, 76],
        ),
        (
            "the connection ended without close_notify where a reply to the mail was due",
            Point::EndOfData,
            Reply::act(Act::Cut),
            &[69, 75, 76],
        ),
    ];
    let mut runs = Vec::new();
    for (what, point, reply, statuses) in cases {
        let mut letter = Letter::under_tls(t)?;
        if point == Point::StartTls {
            // This is how long the run takes; where the handshake is to succeed, it needs the usual time.
            letter = letter.timeout(stretched(0.6));
        }
        let server = Smtp::builder().offers(["STARTTLS"]).at(point, reply).start(t.scene())?;
        runs.push((what, point, statuses, letter.start(t, &server)?, server));
    }
    for (what, point, statuses, running, server) in runs {
        let ended = ended(t, &running, server).note(what)?;
        if point == Point::StartTls {
            ended.never("MAIL", what)?;
        } else {
            ended.mail()?;
        }
        ended.exits(statuses, what)?;
    }
    Ok(())
}

fn pieces(t: &mut Trial) -> Verdict {
    const RECORD: usize = 32;
    type Change = fn(Builder) -> Builder;
    let cases: [(&str, Change); 4] = [
        ("TLS 1.2", |server| server.speaks(Versions::Only12)),
        ("each reply in several records, all in one segment", |server| server.records(RECORD)),
        ("the same with TLS 1.2", |server| server.records(RECORD).speaks(Versions::Only12)),
        ("records of four octets, each in two segments", |server| server.delivery(Delivery::Pieces(4))),
    ];
    for (what, change) in cases {
        // Who waits for what is already there waits for this long.
        let letter = Letter::under_tls(t)?.timeout(stretched(2.0));
        let server = Smtp::builder()
            .offers(["STARTTLS", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "CHUNKING", "SMTPUTF8"])
            .at(Point::EndOfData, line(250, &words(t, 9)));
        let ended = letter.send(t, change(server)).note(what)?;
        let mail = ended.delivered(&letter).note(what)?;
        ended.ensure(mail.tls, "the mail under TLS", "it came in clear")?;
    }
    Ok(())
}
