//! Stage 4: dots at the beginning of lines, and where the text ends.

use super::letter::{Letter, word, words, write};
use super::session::{Ended, same_text, text_is, text_of};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::Smtp;
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict};

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.text.dots",
        title: "a line that begins with a dot arrives as it is",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.5.2",
        why: "A dot alone on a line ends the mail. So that a text may have such a line too, the client doubles the dot \
              at the beginning of each line, and the server takes one away again. The reader sees none of it; but \
              without it, whoever writes the text decides where the mail ends, and what the next command is.",
        peers: "The servers' side of it is in every one: a dot that was not doubled is lost.",
        hints: &[
            "When a line of the text begins with `.`, write one more `.` before it.",
            "Only at the beginning of a line, and only one: `a.b` stays, `..` becomes `...`.",
            "After an empty line a line begins, too.",
        ],
        run: dots,
    },
    Check {
        id: "mail.text.dot-first",
        title: "a dot that is the first octet of the text arrives",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.5.2",
        why: "The first line of the text begins behind the header's empty line. Who looks for a line feed and a dot in \
              the text alone finds none there.",
        peers: "swaks leaves the first line's dot as it is.",
        hints: &["The beginning of the text is the beginning of a line."],
        run: dot_first,
    },
    Check {
        id: "mail.text.dot-anywhere",
        title: "a dot arrives wherever the buffer ends that it was read into",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.5.2",
        why: "A long text is read and sent in blocks. If a line end is the last of one block and the dot the first of \
              the next, neither block holds both.",
        peers: "",
        hints: &[
            "Whether the next octet begins a line is a state that outlives the block.",
            "A test for your function: one text, cut at every place into two calls, gives the same octets.",
        ],
        run: dot_anywhere,
    },
    Check {
        id: "mail.text.final-line",
        title: "the last line gets its CR LF, and no empty line is added",
        lab: Lab::Lab4,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.1.1.4",
        why: "The end of data is CR LF, dot, CR LF, and the first CR LF of it is the one that ends the text's last \
              line. A text without it needs it, or the mail never ends; a text that has it needs no other.",
        peers: "",
        hints: &[
            "Remember the last two octets that were sent: are they CR LF? Then `.` CR LF follows, else CR LF first.",
            "A mail without a text is a header, an empty line, and the dot.",
        ],
        run: final_line,
    },
];

/// From a file, and on the command line.
fn both_ways(t: &mut Trial, text: &str) -> Verdict<[Letter; 2]> {
    let path = t.dir()?.join("text");
    write(&path, text.as_bytes())?;
    Ok([Letter::new(t).text_file(&path), Letter::new(t).text(text)])
}

fn arrives(letter: &Letter, ended: &Ended, text: &str) -> Verdict {
    let mail = ended.mail()?;
    text_is(mail, text).explain(|failure| {
        match text_of(mail).ok().and_then(|seen| about_dots(text, &seen)) {
            Some(note) => failure.note(note),
            None => failure,
        }
    })?;
    ended.delivered(letter).map(|_| ())
}

/// What went wrong with the first line that differs, if it is about dots.
fn about_dots(text: &str, seen: &str) -> Option<&'static str> {
    let mut seen = seen.lines();
    let (wanted, got) = text.lines().map(|wanted| (wanted, seen.next())).find(|(a, b)| Some(*a) != *b)?;
    let dots = |line: &str| line.bytes().filter(|&octet| octet == b'.').count();
    match got {
        None if wanted == "." => Some("a dot alone on its line was sent as it is: the mail ended there"),
        Some(got) if wanted.strip_prefix('.') == Some(got) => {
            Some("the server takes the first dot of a line away; it was to be doubled")
        }
        Some(got) if got.replace('.', "") == wanted.replace('.', "") && dots(got) > dots(wanted) => {
            Some("too many dots: one is added, and only at the beginning of a line that begins with one")
        }
        _ => None,
    }
}

fn dots(t: &mut Trial) -> Verdict {
    let [a, b, c, d] = std::array::from_fn(|_| word(t));
    let lines =
        [&a, ".", &b, "..", &format!(".{c}"), "", ".", "...", &format!("{a}.{d}"), &format!("{b} .{c}."), &d];
    let text = lines.join("\n");
    for letter in both_ways(t, &text)? {
        let ended = letter.send(t, Smtp::builder())?;
        arrives(&letter, &ended, &text)?;
    }
    Ok(())
}

fn dot_first(t: &mut Trial) -> Verdict {
    let rest = words(t, 3);
    for first in [format!(".{rest}"), ".".to_owned(), "..".to_owned()] {
        let text = format!("{first}\n{rest}\n");
        let letter = Letter::new(t).text(&text);
        let ended = letter.send(t, Smtp::builder())?;
        arrives(&letter, &ended, &text).note(format!("the text begins with {first:?}"))?;
    }
    Ok(())
}

/// Octets of the largest buffer whose end shall meet every octet of a line.
const LARGEST: usize = 65_536;

/// Two blocks of lines. In the first a line has three octets with LF, in the second five with CR LF: both odd, so that
/// the ends of buffers of [`LARGEST`] octets, or of any smaller power of two, meet each octet of a line, wherever the
/// first of the buffers began. In the second each line ends with a dot, too, for whoever takes the beginning of a buffer
/// for that of a line.
fn dotted_lines(rng: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for end in ["\n", ".\n"] {
        for _ in 0..LARGEST {
            text.extend(['.', rng.lowercase()]);
            text.push_str(end);
        }
    }
    text
}

fn dot_anywhere(t: &mut Trial) -> Verdict {
    let text = format!("{}\n{}", word(t), dotted_lines(&mut t.rng));
    let path = t.dir()?.join("text");
    write(&path, text.as_bytes())?;
    let letter = Letter::new(t).text_file(&path);
    let ended = letter.send(t, Smtp::builder())?;
    arrives(&letter, &ended, &text)
}

fn final_line(t: &mut Trial) -> Verdict {
    let text = words(t, 4);
    let [file, inline] = both_ways(t, &text)?;
    let [empty_file, empty_inline] = both_ways(t, "")?;
    let [_, ended_line] = both_ways(t, &format!("{text}\n"))?;
    let cases = [
        ("a text file without a line end at its end", file, &text),
        ("a --text without a line end", inline, &text),
        ("a --text with one line end", ended_line, &text),
        ("an empty text file", empty_file, &String::new()),
        ("an empty --text", empty_inline, &String::new()),
    ];
    for (what, letter, text) in cases {
        let ended = letter.send(t, Smtp::builder())?;
        let mail = ended.mail().note("the end of data is CR LF, dot, CR LF").note(what)?;
        let seen = text_of(mail)?.replace("\r\n", "\n");
        same_text(text, seen.strip_suffix('\n').unwrap_or(&seen)).note(what)?;
        ended.delivered(&letter)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_buffer_may_begin_anywhere_and_meets_a_dot() {
        let text = dotted_lines(&mut fastrand::Rng::with_seed(4));
        for text in [&text, &text.replace('\n', "\r\n")] {
            let mut met = vec![false; LARGEST];
            let begun = memchr::memmem::find_iter(text.as_bytes(), "\n.").map(|at| at + 1);
            begun.for_each(|at| met[at % LARGEST] = true);
            assert!(met.iter().all(|met| *met));
        }
    }

    #[test]
    fn faults_with_dots_are_recognised() {
        let note = |text, seen| about_dots(text, seen).unwrap_or_default();
        assert!(note("a\n.\nb", "a\r\n").contains("the mail ended there"));
        assert!(note("a\n.b", "a\r\nb\r\n").contains("to be doubled"));
        assert!(note("a\n..\n", "a\r\n.\r\n").contains("to be doubled"));
        assert!(note("a.b\n", "a..b\r\n").contains("too many"));
        assert_eq!(about_dots("a\n.b\n", "a\r\n.b\r\n"), None);
        assert_eq!(about_dots("a\nb\n", "a\r\nc\r\n"), None);
    }
}
