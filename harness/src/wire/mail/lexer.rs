//! The lexical tokens of structured field bodies (RFC 5322 §3.2, RFC 2045 §5.1).

use super::Field;
use crate::wire::SyntaxError;
use crate::wire::scan::{Scanner, ascii, is_atom_octet};

/// Steps over white space, folded or not, and comments.
pub(super) fn skip_cfws(scanner: &mut Scanner<'_>) -> Result<(), SyntaxError> {
    let mut open = Vec::new();
    loop {
        match scanner.peek() {
            Some(b' ' | b'\t' | b'\r' | b'\n') => {}
            Some(b'(') => open.push(scanner.offset()),
            Some(b')') if !open.is_empty() => {
                open.pop();
            }
            Some(b'\\') if !open.is_empty() => scanner.advance(),
            Some(_) if !open.is_empty() => {}
            _ => break,
        }
        scanner.advance();
    }
    match open.first() {
        None => Ok(()),
        Some(&start) => Err(scanner.refuse_from(start, "a comment ends with \")\"", "RFC 5322 §3.2.2")),
    }
}

/// Nothing but white space and comments is left.
pub(super) fn expect_end(
    scanner: &mut Scanner<'_>,
    what: &str,
    clause: &'static str,
) -> Result<(), SyntaxError> {
    skip_cfws(scanner)?;
    match scanner.peek() {
        None => Ok(()),
        Some(octet) => {
            Err(scanner.refuse(format!("{what} ends here; {:?} follows", char::from(octet)), clause))
        }
    }
}

pub(super) fn atom<'a>(scanner: &mut Scanner<'a>) -> &'a [u8] {
    scanner.take_while(is_atom_octet)
}

/// Atoms with one dot between them, without white space.
pub(super) fn dot_atom(
    scanner: &mut Scanner<'_>,
    what: &str,
    clause: &'static str,
) -> Result<String, SyntaxError> {
    let mut text = String::new();
    loop {
        let atom = atom(scanner);
        if atom.is_empty() {
            return Err(scanner.refuse(format!("{what} is words with one dot between them"), clause));
        }
        text.push_str(&ascii(atom));
        if !scanner.eat(b'.') {
            return Ok(text);
        }
        text.push('.');
    }
}

/// What a quoted string says: without its quotes, the backslashes of quoted pairs, and the CRLF of folding.
pub(super) fn quoted_string(scanner: &mut Scanner<'_>) -> Result<String, SyntaxError> {
    let start = scanner.offset();
    scanner.advance();
    let mut text = String::new();
    loop {
        match scanner.peek() {
            Some(b'"') => {
                scanner.advance();
                return Ok(text);
            }
            Some(b'\r' | b'\n') => {}
            Some(b'\\') => {
                scanner.advance();
                text.extend(scanner.peek().map(char::from));
            }
            Some(octet) => text.push(char::from(octet)),
            None => {
                return Err(scanner.refuse_from(
                    start,
                    "a quoted string ends with a quote",
                    "RFC 5322 §3.2.4",
                ));
            }
        }
        scanner.advance();
    }
}

/// `[…]`, without white space.
pub(super) fn literal(scanner: &mut Scanner<'_>, clause: &'static str) -> Result<String, SyntaxError> {
    let start = scanner.offset();
    scanner.eat(b'[');
    let inner = ascii(scanner.take_while(|octet| matches!(octet, b'!'..=b'Z' | b'^'..=b'~')));
    match scanner.eat(b']') {
        true => Ok(format!("[{inner}]")),
        false => Err(scanner.refuse_from(start, "a domain literal ends with \"]\"", clause)),
    }
}

/// A token of MIME: no white space, control characters or `()<>@,;:\"/[]?=`.
pub(super) fn token(scanner: &mut Scanner<'_>, what: &str) -> Result<String, SyntaxError> {
    let token =
        scanner.take_while(|octet| octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&octet));
    match token {
        [] => Err(scanner.refuse(
            format!("{what} is a token; with any of ()<>@,;:\\\"/[]?= or a space in it, it stands in quotes"),
            "RFC 2045 §5.1",
        )),
        _ => Ok(ascii(token)),
    }
}

pub(super) fn message_id(field: &Field) -> Result<String, SyntaxError> {
    const CLAUSE: &str = "RFC 5322 §3.6.4";
    let scanner = &mut field.scanner();
    skip_cfws(scanner)?;
    if !scanner.eat(b'<') {
        return Err(scanner.refuse("a message identifier stands in angle brackets: <left@right>", CLAUSE));
    }
    let left = dot_atom(scanner, "what stands left of the \"@\"", CLAUSE)?;
    if !scanner.eat(b'@') {
        return Err(scanner.refuse("a message identifier is <left@right>", CLAUSE));
    }
    let right = match scanner.peek() {
        Some(b'[') => literal(scanner, CLAUSE)?,
        _ => dot_atom(scanner, "what stands right of the \"@\"", CLAUSE)?,
    };
    if !scanner.eat(b'>') {
        return Err(scanner.refuse("a message identifier ends with \">\"", CLAUSE));
    }
    expect_end(scanner, "the message identifier", CLAUSE)?;
    Ok(format!("{left}@{right}"))
}
