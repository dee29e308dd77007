//! A place in an input that is whole, moved forward by the grammar.

use super::SyntaxError;

#[derive(Clone)]
pub(super) struct Scanner<'a> {
    octets: &'a [u8],
    at: usize,
    /// Offset of `octets[0]` in what the caller counts from.
    base: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(octets: &'a [u8], base: usize) -> Self {
        Scanner { octets, at: 0, base }
    }

    pub(super) fn offset(&self) -> usize {
        self.base + self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.octets[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    pub(super) fn advance(&mut self) {
        self.at = (self.at + 1).min(self.octets.len());
    }

    /// Steps over `octet`, if it comes next.
    pub(super) fn eat(&mut self, octet: u8) -> bool {
        let comes = self.peek() == Some(octet);
        self.at += usize::from(comes);
        comes
    }

    /// Steps over `word`, in any case, if it comes next.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let comes =
            self.rest().get(..word.len()).is_some_and(|next| next.eq_ignore_ascii_case(word.as_bytes()));
        self.at += if comes { word.len() } else { 0 };
        comes
    }

    pub(super) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|&octet| !belongs(octet)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A complaint about the octet that comes next, or about the end.
    pub(super) fn refuse(&self, rule: impl Into<String>, clause: &'static str) -> SyntaxError {
        SyntaxError::new(self.offset(), usize::from(self.peek().is_some()), rule, clause)
    }

    /// A complaint about all that was taken since `start`.
    pub(super) fn refuse_from(
        &self,
        start: usize,
        rule: impl Into<String>,
        clause: &'static str,
    ) -> SyntaxError {
        SyntaxError::new(start, self.offset() - start, rule, clause)
    }
}

/// The octets as text, each octet a character; for what the grammar has found to be ASCII.
pub(super) fn ascii(octets: &[u8]) -> String {
    octets.iter().map(|&octet| char::from(octet)).collect()
}

/// `atext` (RFC 5322 §3.2.3).
pub(super) fn is_atom_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}
