//! Encoded words in header text (RFC 2047).

use super::{Field, encoding};
use crate::wire::bytes::show;
use crate::wire::scan::{Scanner, ascii};
use crate::wire::{SyntaxError, base64};

/// Whether a word begins as an encoded word does: `=?charset?B?` or `=?charset?Q?`.
pub(super) fn looks_encoded(word: &[u8]) -> bool {
    let mut pieces = word.split(|&octet| octet == b'?');
    pieces.next() == Some(b"=")
        && pieces.next().is_some_and(|charset| !charset.is_empty())
        && pieces.next().is_some_and(|encoding| encoding.len() == 1)
        && pieces.next().is_some()
}

/// An unstructured body, decoded: white space between two encoded words is dropped (§6.2), all other is kept.
pub(super) fn unstructured(field: &Field) -> Result<String, SyntaxError> {
    let blank = |octet: u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    let mut scanner = field.scanner();
    let mut text = String::new();
    let mut after_encoded = None;
    loop {
        let gap = scanner.take_while(blank);
        let at = scanner.offset();
        let word = scanner.take_while(|octet| !blank(octet));
        if word.is_empty() {
            return Ok(text);
        }
        let encoded = looks_encoded(word);
        if after_encoded.is_some_and(|before| !(before && encoded)) {
            text.push_str(&ascii(gap).replace("\r\n", ""));
        }
        text.push_str(&if encoded { decode(field, at, word)? } else { ascii(word) });
        after_encoded = Some(encoded);
    }
}

/// An encoded word of a display name, where Q leaves fewer characters as they are (§5, rule 3).
pub(super) fn in_phrase(field: &Field, at: usize, word: &[u8]) -> Result<String, SyntaxError> {
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"=?!*+-/_".contains(octet);
    let text = word.splitn(4, |&octet| octet == b'?').nth(3).unwrap_or_default();
    if let Some(bad) = text.iter().position(|octet| !plain(octet)) {
        let rule = "in a display name, an encoded word leaves only letters, digits and !*+-/ as they are";
        return Err(SyntaxError::new(at + word.len() - text.len() + bad, 1, rule, "RFC 2047 §5"));
    }
    decode(field, at, word)
}

fn decode(field: &Field, at: usize, word: &[u8]) -> Result<String, SyntaxError> {
    const CLAUSE: &str = "RFC 2047 §2";
    let refuse = |rule: String, clause| SyntaxError::new(at, word.len(), rule, clause);
    let inner = word.strip_prefix(b"=?").and_then(|word| word.strip_suffix(b"?="));
    let pieces: Vec<&[u8]> = inner.unwrap_or_default().split(|&octet| octet == b'?').collect();
    let [charset, encoding, text] = pieces[..] else {
        let rule = "an encoded word is =?charset?B or Q?text?=, with no space and no other \"?\" in its text, and white \
                    space between it and what is next to it";
        return Err(refuse(rule.to_owned(), CLAUSE));
    };
    if word.len() > 75 {
        let rule = format!("an encoded word has at most 75 characters; this has {}", word.len());
        return Err(refuse(rule, CLAUSE));
    }
    check_line(field, at)?;
    let octets = match encoding {
        b"B" | b"b" => base64::decode(text).map_err(|(_, rule)| refuse(rule, "RFC 2047 §4.1"))?,
        b"Q" | b"q" => q(text, at + word.len() - 2 - text.len())?,
        _ => {
            let rule = format!("an encoded word's encoding is B or Q, not {:?}", show(encoding));
            return Err(refuse(rule, "RFC 2047 §4"));
        }
    };
    // RFC 2231 §5: a language may follow the charset.
    let charset = charset.split(|&octet| octet == b'*').next().unwrap_or_default();
    encoding::decode_charset(&ascii(charset), &octets).map_err(|rule| {
        let rule = format!("{rule}; each encoded word has whole characters, none is split between two words");
        refuse(rule, "RFC 2047 §5")
    })
}

/// A line with an encoded word in it has at most 76 characters.
fn check_line(field: &Field, at: usize) -> Result<(), SyntaxError> {
    let (before, after) = field.raw.split_at(at - field.offset);
    let start = before.iter().rposition(|&octet| octet == b'\n').map_or(0, |lf| lf + 1);
    let end = before.len() + after.iter().position(|&octet| octet == b'\r').unwrap_or(after.len());
    if end - start <= 76 {
        return Ok(());
    }
    let rule =
        format!("a line with an encoded word in it has at most 76 characters; this has {}", end - start);
    Err(SyntaxError::new(field.offset + start + 76, end - start - 76, rule, "RFC 2047 §2"))
}

fn q(text: &[u8], offset: usize) -> Result<Vec<u8>, SyntaxError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut scanner = Scanner::new(text, offset);
    while let Some(octet) = scanner.peek() {
        match octet {
            b'_' => octets.push(b' '),
            b'=' => match encoding::hex_pair(scanner.rest().get(1..3)) {
                Some(octet) => {
                    octets.push(octet);
                    scanner.advance();
                    scanner.advance();
                }
                None => {
                    let rule = "in Q, \"=\" has two hexadecimal digits after it";
                    return Err(scanner.refuse(rule, "RFC 2047 §4.2"));
                }
            },
            _ => octets.push(octet),
        }
        scanner.advance();
    }
    Ok(octets)
}
