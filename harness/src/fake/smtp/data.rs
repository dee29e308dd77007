//! A mail between 354 and the end of data (RFC 5321 §4.1.1.4, §4.5.2).

use std::borrow::Cow;

use memchr::memmem;

const END: &[u8] = b"\r\n.\r\n";

/// Looks for the end of data as the octets come.
#[derive(Debug, Default)]
pub struct Data {
    searched: usize,
}

/// Where a mail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Octets of the mail, its last CRLF among them.
    pub content: usize,
    /// With the end of data.
    pub consumed: usize,
}

impl Data {
    /// The end of data in `octets`, which are those of the last time and more.
    pub fn end(&mut self, octets: &[u8]) -> Option<Extent> {
        if octets.starts_with(&END[2..]) {
            return Some(Extent { content: 0, consumed: 3 });
        }
        let from = self.searched.saturating_sub(END.len() - 1);
        let at = memmem::find(&octets[from..], END).map(|at| from + at);
        self.searched = octets.len();
        at.map(|at| Extent { content: at + 2, consumed: at + END.len() })
    }
}

/// Where a client that ends lines with LF alone means the data to end, if that is what came last.
pub fn bare_end(octets: &[u8]) -> Option<Extent> {
    if octets == b".\n" {
        return Some(Extent { content: 0, consumed: 2 });
    }
    let dot = [&b"\n.\n"[..], b"\n.\r\n"].into_iter().find(|end| octets.ends_with(end))?;
    Some(Extent { content: octets.len() - dot.len() + 1, consumed: octets.len() })
}

/// The lines with CRLF at the end of each, whatever they ended with: for a client that is told elsewhere what it did.
pub fn with_crlf(wire: &[u8]) -> Cow<'_, [u8]> {
    let bare = |at: usize| at == 0 || wire[at - 1] != b'\r';
    if !memchr::memchr_iter(b'\n', wire).any(bare) {
        return Cow::Borrowed(wire);
    }
    let lines = wire.split_inclusive(|&octet| octet == b'\n');
    Cow::Owned(lines.fold(Vec::with_capacity(wire.len() * 2), |mut all, line| {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        all.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
        all.extend_from_slice(if line.ends_with(b"\n") { b"\r\n" } else { b"" });
        all
    }))
}

/// Takes away the dot that was added to each line that began with one.
pub fn unstuffed(wire: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(wire.len());
    let mut rest = wire.strip_prefix(b".").unwrap_or(wire);
    for at in memmem::find_iter(wire, b"\r\n.") {
        let line_end = at + 2 - (wire.len() - rest.len());
        content.extend_from_slice(&rest[..line_end]);
        rest = &wire[at + 3..];
    }
    content.extend_from_slice(rest);
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_wherever_the_octets_are_cut() {
        let wire = b"a\r\n..\r\n.b\r\n.\r\nQUIT\r\n";
        for cut in 0..wire.len() {
            let mut data = Data::default();
            let extent = data.end(&wire[..cut]).or_else(|| data.end(wire)).unwrap();
            assert_eq!(extent, Extent { content: 11, consumed: 14 });
        }
    }

    #[test]
    fn an_empty_mail_is_a_dot_alone() {
        assert_eq!(Data::default().end(b".\r\n"), Some(Extent { content: 0, consumed: 3 }));
    }

    #[test]
    fn a_line_feed_alone_ends_nothing() {
        assert_eq!(Data::default().end(b"a\n.\r\n"), None);
        assert_eq!(bare_end(b"a\n.\n"), Some(Extent { content: 2, consumed: 4 }));
        assert_eq!(bare_end(b".\n"), Some(Extent { content: 0, consumed: 2 }));
        assert_eq!(bare_end(b"a\r\n."), None);
    }

    #[test]
    fn bare_line_feeds_become_line_ends() {
        assert_eq!(*with_crlf(b"a\nb\r\n\n.c"), *b"a\r\nb\r\n\r\n.c");
        assert!(matches!(with_crlf(b"a\r\nb\r"), Cow::Borrowed(b"a\r\nb\r")));
    }

    #[test]
    fn one_dot_of_each_line_that_begins_with_one_is_taken_away() {
        assert_eq!(unstuffed(b"..a\r\n...\r\nb.\r\n.c\r\n\r\n..\r\n"), b".a\r\n..\r\nb.\r\nc\r\n\r\n.\r\n");
        assert_eq!(unstuffed(b""), b"");
    }
}
