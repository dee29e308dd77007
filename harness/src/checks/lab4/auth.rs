//! Stage 8: AUTH, in clear to a loopback address (which the contract allows), so that it stands apart from TLS.

use std::ffi::OsString;

use super::letter::{Letter, address, forms, password, word, words};
use super::session::{Ended, ended};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::{Point, Smtp, line, reply};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.auth.plain",
        title: "AUTH PLAIN logs in",
        lab: Lab::Lab4,
        stage: 8,
        tier: Tier::Core,
        points: 2,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 4616 §2, RFC 4954 §4",
        why: "A server for submission sends mail only for those it knows. PLAIN is one string, NUL user NUL password in \
              base64: no encryption, only a form in which any octet can stand in a line.",
        peers: "curl waits for a 334 before it sends the string; swaks and smtplib send it with the command.",
        hints: &[
            "`AUTH PLAIN ` and base64 of `\\0user\\0password`; 235 is a yes.",
            "The part before the first NUL is whom to act for, and stays empty.",
            "The password is the variable's value as it is: spaces, quotes and `=` belong to it.",
        ],
        run: plain,
    },
    Check {
        id: "mail.auth.login",
        title: "AUTH LOGIN answers two challenges, whatever they say",
        lab: Lab::Lab4,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; draft-murchison-sasl-login-00",
        why: "LOGIN is older than the RFC and has never become one: the server asks twice with a 334, first for the user, \
              then for the password. The words in it are for people.",
        peers: "Exchange offered it alone for many years.",
        hints: &[
            "`AUTH LOGIN`; 334; the user in base64; 334; the password in base64; 235.",
            "Count the challenges and do not read them.",
        ],
        run: login,
    },
    Check {
        id: "mail.auth.challenge",
        title: "PLAIN or LOGIN is found in any list, and an empty challenge is answered",
        lab: Lab::Lab4,
        stage: 8,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 4954 §3, §4",
        why: "The server lists its mechanisms in an order of its own, with some that you have never heard of. \
              PLAIN-CLIENTTOKEN is one of them, and is not PLAIN.",
        peers: "smtp.gmail.com lists six; some old servers add a line with `AUTH=`.",
        hints: &["Split the list at its spaces and compare whole words."],
        run: challenge,
    },
    Check {
        id: "mail.auth.utf8",
        title: "a password outside ASCII is sent as UTF-8",
        lab: Lab::Lab4,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 4616 §2",
        why: "PLAIN is defined over UTF-8. Another charset makes another password of it, and the server cannot know \
              which.",
        peers: "Python's smtplib takes ASCII only here.",
        hints: &["Encode the string as UTF-8 first; base64 is of octets."],
        run: utf8,
    },
    Check {
        id: "mail.auth.long",
        title: "long credentials stay on one line",
        lab: Lab::Lab4,
        stage: 8,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 4648 §3.1, RFC 4954 §4",
        why: "The base64 of a mail's body is cut into lines of 76; elsewhere it is not. A line end inside the \
              credentials ends the command, and what follows is none.",
        peers: "Tokens of OAuth are longer than a thousand characters.",
        hints: &["Many libraries have two encoders, one for MIME that adds line ends and one that does not."],
        run: long,
    },
    Check {
        id: "mail.auth.rejected",
        title: "a login that is refused ends with 77, and no mail is tried",
        lab: Lab::Lab4,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 4954 §6",
        why: "535 says that the credentials are wrong, 454 that they could not be looked at now. A script asks the \
              user for a new password after a 77 (EX_NOPERM), and tries again after a 75.",
        peers: "Servers lock an account after a few wrong passwords: try once.",
        hints: &["Only 235 is a yes to AUTH. After all else: QUIT, and 77 (for a 4xx, 75 or 77)."],
        run: rejected,
    },
    Check {
        id: "mail.auth.not-offered",
        title: "where no mechanism fits, no credentials are sent, and no mail",
        lab: Lab::Lab4,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "With `--username` you asked for a login. A server that offers none, or none that you know, is the wrong \
              one, or somebody else has answered.",
        peers: "curl sends the mail without a login; smtplib and swaks stop.",
        hints: &[
            "Look into EHLO's reply for the keyword AUTH before you send the command. If it is not there: 77.",
        ],
        run: not_offered,
    },
    Check {
        id: "mail.auth.secret",
        title: "the password is in no output, though the server repeats it",
        lab: Lab::Lab4,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.auth.rejected"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "stderr goes into logs, and logs are read by many. base64 is no protection: who sees the line has the \
              password.",
        peers: "Logs with `AUTH PLAIN …` lines in them are a common find.",
        hints: &[
            "Where you print the dialogue, print `AUTH PLAIN ***`.",
            "Before you show the server's words, replace the password in them, and its base64 too.",
        ],
        run: secret,
    },
    Check {
        id: "mail.auth.variable",
        title: "a password variable that is not set is a wrong command line",
        lab: Lab::Lab4,
        stage: 8,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "The password comes by a variable and not by an option, since everybody on the machine sees a command \
              line. Without it there is nothing to log in with: 64, and nothing is sent.",
        peers: "",
        hints: &["Look for the variable while you read the command line, before you connect."],
        run: variable,
    },
];

/// Logs in with this password where this is offered, and sends a mail.
fn log_in(t: &mut Trial, password: &str, offers: &[&str]) -> Verdict {
    let user = address(t);
    let letter = Letter::new(t).account(&user, password);
    let server = Smtp::builder().offers(offers.iter().copied()).account(&user, password);
    let ended = letter.send(t, server)?;
    logged_in(&ended, &letter)
}

/// The credentials were right, and the mail was taken.
pub fn logged_in(ended: &Ended, letter: &Letter) -> Verdict {
    let session = ended.session()?;
    let credentials = &session.credentials;
    if credentials.iter().any(|given| given.right) {
        return ended.delivered(letter).map(|_| ());
    }
    if let Some(fault) = session.faults.iter().find(|fault| fault.verb == "AUTH") {
        return Err(fault.failure.clone().into());
    }
    let (user, password) = letter.account.as_ref().map_or(("", ""), |(user, password)| (user, password));
    let expected = format!("the user {user} and the password, {} octets", password.len());
    match credentials.last() {
        None => ended.ensure(false, "AUTH and the credentials", "none came"),
        Some(given) if given.user != user.as_bytes() => {
            let seen = match given.user == password.as_bytes() {
                true => "the password where the user was due".to_owned(),
                false => format!("the user {:?}", String::from_utf8_lossy(&given.user)),
            };
            ended.ensure(false, expected, seen)
        }
        Some(given) => {
            let seen = format!("the user, and another password of {} octets", given.password.len());
            ended.ensure(false, expected, seen)
        }
    }
}

fn plain(t: &mut Trial) -> Verdict {
    let password = password(t);
    log_in(t, &password, &["AUTH PLAIN"])
}

fn login(t: &mut Trial) -> Verdict {
    let prompts = [["Username:".to_owned(), "Password:".to_owned()], [words(t, 2), words(t, 3)]];
    for [first, second] in prompts {
        let (letter, user, password) = Letter::new(t).with_account(t);
        let server = Smtp::builder().offers(["AUTH LOGIN"]).account(&user, &password);
        let ended = letter.send(t, server.prompts(&first, &second))?;
        logged_in(&ended, &letter)
            .note(format!("the two challenges are {first:?} and {second:?} in base64"))?;
    }
    let password = international(t);
    log_in(t, &password, &["AUTH LOGIN"]).note("the password has letters outside ASCII")
}

fn international(t: &mut Trial) -> String {
    format!("ä é{}漢字я🔑", word(t))
}

fn challenge(t: &mut Trial) -> Verdict {
    let lists: [&[&str]; 4] = [
        &["AUTH XOAUTH2 PLAIN-CLIENTTOKEN LOGIN"],
        &["AUTH OAUTHBEARER KEYCARD-9 XPLAIN PLAIN"],
        &["AUTH=PLAIN LOGIN", "AUTH XOAUTH2 LOGIN PLAIN"],
        &["AUTH LOGIN-X LOGIN"],
    ];
    for offers in lists {
        let (letter, user, password) = Letter::new(t).with_account(t);
        let server = Smtp::builder().offers(offers.iter().copied()).account(&user, &password);
        let ended = letter.send(t, server.prompts("", ""))?;
        logged_in(&ended, &letter).note(format!("the server lists: {}", offers.join("; ")))?;
    }
    Ok(())
}

fn utf8(t: &mut Trial) -> Verdict {
    let password = international(t);
    log_in(t, &password, &["AUTH PLAIN"]).note("the password has letters outside ASCII")
}

fn long(t: &mut Trial) -> Verdict {
    let password: String = (0..90).map(|_| t.rng.lowercase()).collect();
    log_in(t, &password, &["AUTH PLAIN LOGIN"])
}

fn rejected(t: &mut Trial) -> Verdict {
    let cases: [(u16, &[i32]); 2] = [(535, &[77]), (454, &[75, 77])];
    for (code, statuses) in cases {
        let (letter, user, _) = Letter::new(t).with_account(t);
        let refusal = line(code, &words(t, 3));
        let server = Smtp::builder().offers(["AUTH PLAIN LOGIN"]).account(&user, &word(t));
        let ended = letter.send(t, server.at(Point::Auth, refusal))?;
        let why = format!("the credentials were answered {code}");
        credentials_came(&ended)?;
        ended.never("MAIL", &why)?;
        ended.exits(statuses, &why)?;
    }
    Ok(())
}

fn credentials_came(ended: &Ended) -> Verdict {
    let came = !ended.session()?.credentials.is_empty();
    ended.ensure(came, "AUTH and the credentials", "none came")
}

fn not_offered(t: &mut Trial) -> Verdict {
    let cases: [(&str, &[&str]); 2] = [
        ("the server does not list AUTH", &["8BITMIME"]),
        ("the server lists only mechanisms that the contract does not have", &["AUTH XOAUTH2 OAUTHBEARER"]),
    ];
    for (why, offers) in cases {
        let (letter, ..) = Letter::new(t).with_account(t);
        let ended = letter.send(t, Smtp::builder().offers(offers.iter().copied()))?;
        ended.nothing_given_away(why)?;
        ended.exits(&[77], why)?;
    }
    Ok(())
}

fn secret(t: &mut Trial) -> Verdict {
    for offer in ["AUTH PLAIN", "AUTH LOGIN"] {
        let (letter, user, password) = Letter::new(t).with_account(t);
        let [blob, encoded] = forms(&user, &password);
        let telling =
            format!("535-5.7.8 {user}: {password} is wrong\r\n535-5.7.8 {encoded}\r\n535 5.7.8 {blob}");
        let server = Smtp::builder().offers([offer]).account(&user, &word(t));
        let ended = letter.send(t, server.at(Point::Auth, reply(&telling)))?;
        credentials_came(&ended)?;
        let forms = [("the password", &password), ("its base64", &encoded), ("what PLAIN sends", &blob)];
        for (output, text) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            if let Some((form, _)) = forms.iter().find(|(_, form)| text.contains(form.as_str())) {
                return Err(Failure::new("the password in no output", format!("{form} on {output}"))
                    .note(format!("the mechanism is {offer}; the server's 535 repeats what it was sent"))
                    .into());
            }
        }
        ended.exits(&[77], "the server has refused the credentials")?;
    }
    Ok(())
}

fn variable(t: &mut Trial) -> Verdict {
    let (letter, user) = (Letter::new(t), address(t));
    let unset = format!("WIRELAB_UNSET_{}", word(t).to_uppercase());
    let server = Smtp::builder().offers(["AUTH PLAIN LOGIN"]).start(t.scene())?;
    let mut arguments = letter.arguments(server.port());
    let account = ["--username", &user, "--password-env", &unset];
    arguments.extend(account.map(OsString::from));
    let running = letter.start_with(t, arguments, Some(&server))?;
    let ended = ended(t, &running, server)?;
    let why = "the variable that --password-env names is not set";
    ended.said_nothing(why)?;
    ended.exits(&[64], why)
}
