//! Stage 7: a certificate that does not hold ends the run before anything is given away.

use super::letter::Letter;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::certificates::Shown;
use crate::fake::smtp::Smtp;
use crate::trial::Trial;
use crate::verdict::Verdict;

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.tls.name",
        title: "a certificate for another host ends the run with 76",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.tls.starttls"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 7817 §3",
        why: "Everybody can have a good certificate for a host of their own. It says nothing until its name is \
              compared with the name that you wanted, the one behind `--server`.",
        peers: "Some TLS libraries verify the chain and leave the name to the program; swaks did so for years.",
        hints: &[
            "Give the TLS library the name of the server before the handshake, and leave its checks on.",
        ],
        run: name,
    },
    Check {
        id: "mail.tls.issuer",
        title: "a certificate of an unknown issuer ends the run with 76",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.tls.starttls"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 5280 §6.1.3",
        why: "A certificate is as good as who has signed it. Those are trusted that `--ca-file` has, and without it \
              the system's roots; with neither knowing the issuer, there may be anybody at the other end.",
        peers: "",
        hints: &[
            "Never answer a failed verification by turning it off: give the test server's authority with `--ca-file`.",
            "No `--ca-file` means the system's roots, not that all are trusted.",
        ],
        run: issuer,
    },
    Check {
        id: "mail.tls.expired",
        title: "a certificate that has expired ends the run with 76",
        lab: Lab::Lab4,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.tls.starttls"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 5280 §6.1.3",
        why: "The issuer vouches until a day that it names. Afterwards nobody keeps the list of those whose key was \
              stolen.",
        peers: "",
        hints: &["The library looks at the day too, where its checks are on."],
        run: expired,
    },
];

fn name(t: &mut Trial) -> Verdict {
    let letter = Letter::under_tls(t)?;
    turned_down(t, letter, Shown::OtherName, "the server's certificate is for another host")
}

fn issuer(t: &mut Trial) -> Verdict {
    let letter = Letter::under_tls(t)?;
    let why = "the server's certificate is not of the authority in --ca-file";
    turned_down(t, letter, Shown::OtherIssuer, why)?;
    let letter = Letter { ca_file: None, ..Letter::under_tls(t)? };
    let why = "there is no --ca-file, and the system's roots do not know the certificate's issuer";
    turned_down(t, letter, Shown::Right, why)
}

fn expired(t: &mut Trial) -> Verdict {
    let letter = Letter::under_tls(t)?;
    turned_down(t, letter, Shown::Expired, "the server's certificate expired a day ago")
}

/// The server may see the handshake succeed (the client's last word may be the look at the certificate), but nothing
/// behind it.
fn turned_down(t: &mut Trial, letter: Letter, shown: Shown, why: &str) -> Verdict {
    let (letter, user, password) = letter.with_account(t);
    let offers = ["STARTTLS", "AUTH PLAIN LOGIN"];
    let server = Smtp::builder().offers(offers).account(&user, &password).shows(shown);
    let ended = letter.send(t, server)?;
    ended.nothing_given_away(why)?;
    ended.exits(&[76], why)
}
