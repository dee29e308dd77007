//! Where octets leave a grammar: the error of all strict parsers, and how a report shows it.

use std::fmt;

use super::bytes;
use crate::verdict::Failure;

/// Columns an excerpt may take.
const EXCERPT: usize = 66;

/// Where octets leave the grammar, and which rule they break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Index in the input of the first offending octet.
    pub offset: usize,
    /// How many octets offend, from there on; 0 if something is missing at `offset`.
    pub len: usize,
    /// The rule in plain words, as a lower-case fragment.
    pub rule: String,
    /// Where the rule is written, such as `RFC 9112 §2.2`.
    pub clause: &'static str,
}

impl SyntaxError {
    pub(crate) fn new(offset: usize, len: usize, rule: impl Into<String>, clause: &'static str) -> Self {
        SyntaxError { offset, len, rule: rule.into(), clause }
    }

    /// The same complaint about an input that begins `base` octets earlier.
    pub fn shifted(mut self, base: usize) -> Self {
        self.offset += base;
        self
    }

    /// The line of `octets`, from 1, that breaks the rule.
    pub fn line(&self, octets: &[u8]) -> usize {
        1 + memchr::memchr_iter(b'\n', &octets[..self.offset.min(octets.len())]).count()
    }

    /// The octet of `octets` that broke the rule, with a caret under it; `whole` is what was expected.
    pub fn failure(&self, octets: &[u8], whole: &str) -> Failure {
        let (line, carets) = bytes::excerpt(octets, self.offset, self.len, EXCERPT);
        Failure::new(whole, format!("octet {} breaks a rule", self.offset))
            .excerpt([line, carets])
            .rule(format!("{} ({}).", self.rule, self.clause))
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "octet {}: {} ({})", self.offset, self.rule, self.clause)
    }
}

impl std::error::Error for SyntaxError {}
