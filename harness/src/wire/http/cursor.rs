//! A place in the input, moved forward by the grammar one octet at a time.
//!
//! What ends a parse early is a [`Stop`]: the input ran out, or an octet broke a rule. So the parsers read like the
//! grammar, with `?` after each element.

use super::{SyntaxError, is_token_octet};
use crate::wire::bytes::show;

pub(super) enum Stop {
    More,
    Error(SyntaxError),
}

impl From<SyntaxError> for Stop {
    fn from(error: SyntaxError) -> Self {
        Stop::Error(error)
    }
}

/// Turns "the input ran out" into `None`.
pub(super) fn settle<T>(parsed: Result<T, Stop>) -> Result<Option<T>, SyntaxError> {
    match parsed {
        Ok(value) => Ok(Some(value)),
        Err(Stop::More) => Ok(None),
        Err(Stop::Error(error)) => Err(error),
    }
}

#[derive(Clone)]
pub(super) struct Cursor<'a> {
    input: &'a [u8],
    at: usize,
    /// Offset of `input[0]` in what the caller counts from.
    base: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a [u8], base: usize) -> Self {
        Cursor { input, at: 0, base }
    }

    /// How many octets of the input are behind the cursor.
    pub(super) fn taken(&self) -> usize {
        self.at
    }

    pub(super) fn offset(&self) -> usize {
        self.base + self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }

    pub(super) fn peek(&self) -> Result<u8, Stop> {
        self.input.get(self.at).copied().ok_or(Stop::More)
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// The next `count` octets, which the caller has seen to be there.
    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let taken = &self.input[self.at..self.at + count];
        self.at += count;
        taken
    }

    /// A complaint about the octet under the cursor.
    pub(super) fn refuse(&self, rule: impl Into<String>, clause: &'static str) -> Stop {
        SyntaxError::new(self.offset(), 1, rule, clause).into()
    }

    /// The octets from here that satisfy `belongs`; asks for more when the input ends among them.
    pub(super) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> Result<&'a [u8], Stop> {
        let rest = self.rest();
        let end = rest.iter().position(|&octet| !belongs(octet)).ok_or(Stop::More)?;
        Ok(self.take(end))
    }

    pub(super) fn token(&mut self) -> Result<&'a [u8], Stop> {
        self.take_while(is_token_octet)
    }

    /// SP and HTAB in any number: OWS and BWS (RFC 9110 §5.6.3).
    pub(super) fn whitespace(&mut self) -> Result<&'a [u8], Stop> {
        self.take_while(|octet| matches!(octet, b' ' | b'\t'))
    }

    pub(super) fn expect(&mut self, octet: u8, rule: &str, clause: &'static str) -> Result<(), Stop> {
        if self.peek()? != octet {
            let seen = show(&[self.peek()?]);
            return Err(self.refuse(format!("{rule}; here came {seen:?}"), clause));
        }
        self.advance();
        Ok(())
    }

    pub(super) fn digit(&mut self, rule: &str, clause: &'static str) -> Result<u8, Stop> {
        let octet = self.peek()?;
        if !octet.is_ascii_digit() {
            return Err(self.refuse(rule, clause));
        }
        self.advance();
        Ok(octet - b'0')
    }

    /// `HTTP/1.1` as (1, 1), case-sensitive.
    pub(super) fn version(&mut self, rule: &str) -> Result<(u8, u8), Stop> {
        const CLAUSE: &str = "RFC 9112 §2.3";
        for &octet in b"HTTP/" {
            if self.peek()? != octet {
                return Err(self.refuse(rule, CLAUSE));
            }
            self.advance();
        }
        let major = self.digit("the HTTP version is digit, dot, digit", CLAUSE)?;
        self.expect(b'.', "the HTTP version is digit, dot, digit", CLAUSE)?;
        let minor = self.digit("the HTTP version is digit, dot, digit", CLAUSE)?;
        Ok((major, minor))
    }

    /// CR LF. `line` names what it ends; any other octet is one that `line` may not hold.
    pub(super) fn end_of_line(
        &mut self,
        line: &str,
        not_allowed: &str,
        clause: &'static str,
    ) -> Result<(), Stop> {
        match self.peek()? {
            b'\r' => {
                let next = self.input.get(self.at + 1).ok_or(Stop::More)?;
                if *next != b'\n' {
                    return Err(
                        self.refuse("CR is always followed by LF; here CR came alone", "RFC 9112 §2.2")
                    );
                }
                self.at += 2;
                Ok(())
            }
            b'\n' => Err(self.refuse(format!("{line} ends with CR LF; here LF came alone"), "RFC 9112 §2.2")),
            _ => Err(self.refuse(not_allowed, clause)),
        }
    }
}
