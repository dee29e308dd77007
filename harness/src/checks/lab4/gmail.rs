//! Stage 8: all of it together, with a server that behaves as smtp.gmail.com is documented to.

use super::auth::logged_in;
use super::letter::{Letter, word};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::Smtp;
use crate::trial::Trial;
use crate::verdict::Verdict;

pub const CHECKS: &[Check] = &[Check {
    id: "mail.auth.gmail",
    title: "a mail goes out by Gmail's rules, and a wrong app password is told",
    lab: Lab::Lab4,
    stage: 8,
    tier: Tier::Core,
    points: 2,
    role: Role::Mail,
    needs: &["mail.tls.starttls"],
    basis: Basis::Contract,
    clause: "contract, lab 4",
    why: "This is what the lab is for. Gmail takes nothing before STARTTLS (530), lists AUTH only under TLS, wants an app \
          password, and refuses a wrong one in several lines.",
    peers: "smtp.gmail.com, port 587. An app password is made in the account's settings, where two-step verification is on.",
    hints: &[
        "STARTTLS, EHLO again, AUTH, and then the mail: each step is a check of its own, do those first.",
        "To try the real one: `--server smtp.gmail.com --username you@gmail.com --password-env APP_PASSWORD`.",
    ],
    run: gmail,
}];

fn gmail(t: &mut Trial) -> Verdict {
    let app_password: String = (0..16).map(|_| t.rng.lowercase()).collect();
    let user = format!("{}@gmail.com", word(t));
    let letter = Letter { from: user.clone(), ..Letter::under_tls(t)? }.account(&user, &app_password);
    let ended = letter.send(t, Smtp::builder().gmail(&user, &app_password))?;
    logged_in(&ended, &letter)?;

    let wrong: String = (0..16).map(|_| t.rng.lowercase()).collect();
    let ended = letter.account(&user, &wrong).send(t, Smtp::builder().gmail(&user, &app_password))?;
    let why = "the app password is wrong";
    ended.never("MAIL", why)?;
    ended.exits(&[77], why)?;
    let words = ["Username and Password not accepted", "BadCredentials"];
    ended.ensure(
        words.iter().any(|words| ended.stderr.contains(words)),
        format!("the server's words on stderr: {:?}", words[0]),
        "they are not there",
    )
}
