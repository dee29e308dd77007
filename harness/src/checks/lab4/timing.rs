//! Stage 3, where time decides: a server that falls silent, one that is slow, and one that goes in the middle of a mail.

use std::time::Duration;

use super::letter::{Letter, stretched, words, write};
use super::session::ended;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::{Act, Point, Reply, Smtp, line};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.refused.hang",
        title: "a server that falls silent is given up after --timeout: 75",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.5.3.2",
        why: "A peer that has lost its power says nothing, and TCP does not tell: without a time-out a read waits for \
              ever.",
        peers: "The RFC wants minutes at each step: the one behind a mail server is a queue, not a person.",
        hints: &[
            "Set a read time-out on the socket (`set_read_timeout`, `settimeout`, `SO_RCVTIMEO`), in seconds.",
            "It holds from the greeting to QUIT. What was in vain now may succeed later: 75.",
        ],
        run: hang,
    },
    Check {
        id: "mail.refused.progress",
        title: "--timeout is of the server's silence, not of the whole run",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.5.3.2",
        why: "Many servers are slow on purpose, since spammers do not wait. Who answers each command in time is not \
              hanging, however many the commands are.",
        peers: "curl's `--max-time` is of the whole run; its users have to guess how long a mail takes.",
        hints: &["Each reply has its own time-out, which begins when its command is sent."],
        run: progress,
    },
    Check {
        id: "mail.refused.broken-off",
        title: "a connection that breaks in the middle of the text is an error, and no crash",
        lab: Lab::Lab4,
        stage: 3,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.text-file"],
        basis: Basis::Should,
        clause: "RFC 5321 §3.8",
        why: "A write may fail, too. Unix kills who writes to a connection that is gone by SIGPIPE, unless it is told \
              not to, and a program that dies so says nothing at all.",
        peers: "Rust, Python, Go and Java ignore SIGPIPE and return an error; C does not.",
        hints: &[
            "Look at what every write returns. It may be EPIPE or ECONNRESET: 75.",
            "In C: `signal(SIGPIPE, SIG_IGN)`, or MSG_NOSIGNAL.",
        ],
        run: broken_off,
    },
];

fn hang(t: &mut Trial) -> Verdict {
    // In whole milliseconds, as many programs count.
    let timeout = Duration::from_millis(stretched(0.4).as_millis() as u64);
    let cases = [
        ("the greeting did not come", Point::Greeting),
        ("MAIL was not answered", Point::Mail),
        ("the mail was not answered", Point::EndOfData),
    ];
    let mut runs = Vec::new();
    for (what, point) in cases {
        let letter = Letter::new(t).timeout(timeout);
        let server = Smtp::builder().at(point, Reply::act(Act::Hold)).start(t.scene())?;
        runs.push((what, letter.start(t, &server)?, server));
    }
    for (what, running, server) in runs {
        let ended = ended(t, &running, server).note(what)?;
        ended.session().note(what)?;
        ended.given_up_after(timeout, what)?;
    }
    Ok(())
}

fn progress(t: &mut Trial) -> Verdict {
    let timeout = stretched(0.5);
    let pause = timeout.mul_f64(0.6);
    let late = |code| line(code, "at last").after(Act::Pause(pause));
    let letter = Letter::new(t).timeout(timeout);
    let server = Smtp::builder().at(Point::Mail, late(250)).at(Point::Rcpt, late(250));
    let ended = letter.send(t, server)?;
    let note = format!(
        "two replies came after {:.2} s each, and --timeout was {:.2}",
        pause.as_secs_f64(),
        timeout.as_secs_f64()
    );
    ended.delivered(&letter).note(note).map(|_| ())
}

fn broken_off(t: &mut Trial) -> Verdict {
    const TEXT: usize = 3 << 19;
    let path = t.dir()?.join("text");
    let line = format!("{}\n", words(t, 7));
    write(&path, line.repeat(TEXT / line.len()).as_bytes())?;
    let octets = t.rng.usize(100_000..200_000);
    let letter = Letter::new(t).text_file(&path);
    let ended = letter.send(t, Smtp::builder().breaks_off(octets, Act::Reset))?;
    let why = format!("the server ended the connection with RST after {octets} octets of the mail");
    ended.exits(&[75, 69, 76], &why)?;
    ended.ensure(!ended.stderr.trim().is_empty(), format!("a message on stderr: {why}"), "not a word")
}
