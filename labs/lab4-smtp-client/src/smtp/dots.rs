//! Dot-stuffing (RFC 5321 §4.5.2): a line that begins with a dot is sent with one dot more, so that
//! a dot alone ends the mail and no line of it does.

/// Stuffs octets that come in pieces of any length.
#[derive(Debug)]
pub struct Stuffer {
    /// The next octet is the first of its line.
    at_line_start: bool,
}

impl Stuffer {
    /// At the first line of a mail.
    pub fn new() -> Stuffer {
        Stuffer {
            at_line_start: true,
        }
    }

    /// Appends the next octets, stuffed.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        out.extend(octets); // step 4: and a dot more where a line begins with one
    }
}

impl Default for Stuffer {
    fn default() -> Stuffer {
        Stuffer::new()
    }
}

#[cfg(test)]
mod step4 {
    use proptest::prelude::*;

    use super::*;

    fn stuffed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let (mut stuffer, mut out) = (Stuffer::new(), Vec::new());
        for piece in pieces {
            stuffer.push(piece, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dots_at_the_start_of_a_line_are_doubled_and_others_are_not() {
        for (text, expected) in [
            ("", ""),
            (".", ".."),
            ("..\r\n", "...\r\n"),
            ("a.b\r\n.c\r\n\r\n.\r\n", "a.b\r\n..c\r\n\r\n..\r\n"),
            ("a\r\n..b.\r\n", "a\r\n...b.\r\n"),
        ] {
            assert_eq!(stuffed([text.as_bytes()]), expected, "{text:?}");
        }
    }

    /// What a server does with the lines it receives.
    fn unstuffed(text: &str) -> String {
        let lines = text
            .split("\r\n")
            .map(|line| line.strip_prefix('.').unwrap_or(line));
        lines.collect::<Vec<_>>().join("\r\n")
    }

    proptest! {
        #[test]
        fn no_boundary_of_a_buffer_hides_a_dot(text in "([.a]|\r\n){0,40}", size in 1..8_usize) {
            let whole = stuffed([text.as_bytes()]);
            prop_assert_eq!(&stuffed(text.as_bytes().chunks(size)), &whole);
            prop_assert_eq!(unstuffed(&whole), text);
            prop_assert!(whole.split("\r\n").all(|line| line != "."));
        }
    }
}
