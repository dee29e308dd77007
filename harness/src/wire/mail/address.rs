//! Address lists (RFC 5322 §3.4).

use super::lexer::{atom, dot_atom, expect_end, literal, quoted_string, skip_cfws};
use super::{Field, words};
use crate::wire::SyntaxError;
use crate::wire::bytes::show;
use crate::wire::scan::{Scanner, ascii};

const CLAUSE: &str = "RFC 5322 §3.4";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, quotes taken off and encoded words decoded.
    pub name: Option<String>,
    /// `local-part@domain` without comments and white space; a quoted local part keeps its quotes.
    pub address: String,
}

pub(super) fn addresses(field: &Field) -> Result<Vec<Mailbox>, SyntaxError> {
    let mut scanner = field.scanner();
    let mut found = Vec::new();
    loop {
        address(field, &mut scanner, &mut found)?;
        skip_cfws(&mut scanner)?;
        if !scanner.eat(b',') {
            break;
        }
    }
    expect_end(&mut scanner, "the list of addresses, whose commas stand between addresses,", CLAUSE)?;
    Ok(found)
}

/// A mailbox, or a group of them: `Friends: a@example.com, b@example.com;`.
fn address(field: &Field, scanner: &mut Scanner<'_>, found: &mut Vec<Mailbox>) -> Result<(), SyntaxError> {
    if special(scanner)? != Some(b':') {
        found.push(mailbox(field, scanner)?);
        return Ok(());
    }
    phrase(field, scanner)?;
    scanner.advance();
    skip_cfws(scanner)?;
    while scanner.peek() != Some(b';') {
        found.push(mailbox(field, scanner)?);
        skip_cfws(scanner)?;
        if !scanner.eat(b',') {
            break;
        }
    }
    match scanner.eat(b';') {
        true => Ok(()),
        false => Err(scanner.refuse("a group of addresses ends with \";\"", CLAUSE)),
    }
}

/// What comes after the next words: it tells which kind of address they begin.
fn special(scanner: &Scanner<'_>) -> Result<Option<u8>, SyntaxError> {
    let mut ahead = scanner.clone();
    loop {
        skip_cfws(&mut ahead)?;
        match ahead.peek() {
            Some(b'"') => {
                quoted_string(&mut ahead)?;
            }
            Some(b'.') => ahead.advance(),
            next if atom(&mut ahead).is_empty() => return Ok(next),
            _ => {}
        }
    }
}

/// `user@example.com` or `Name <user@example.com>`.
fn mailbox(field: &Field, scanner: &mut Scanner<'_>) -> Result<Mailbox, SyntaxError> {
    match special(scanner)? {
        Some(b'@') => Ok(Mailbox { name: None, address: addr_spec(scanner)? }),
        Some(b'<') => {
            let name = phrase(field, scanner)?;
            scanner.advance();
            let address = addr_spec(scanner)?;
            match scanner.eat(b'>') {
                true => Ok(Mailbox { name, address }),
                false => Err(scanner.refuse("an address in angle brackets ends with \">\"", CLAUSE)),
            }
        }
        seen => {
            skip_cfws(scanner)?;
            let here = seen.map_or("the end".to_owned(), |octet| format!("{:?}", show(&[octet])));
            let rule = format!(
                "an address is user@example.com or Name <user@example.com>; {here} came where \"@\" or \"<\" was due"
            );
            Err(scanner.refuse(rule, CLAUSE))
        }
    }
}

fn addr_spec(scanner: &mut Scanner<'_>) -> Result<String, SyntaxError> {
    const CLAUSE: &str = "RFC 5322 §3.4.1";
    skip_cfws(scanner)?;
    let local = match scanner.peek() {
        Some(b'"') => {
            let text = quoted_string(scanner)?;
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        _ => dot_atom(scanner, "a local part", CLAUSE)?,
    };
    skip_cfws(scanner)?;
    if !scanner.eat(b'@') {
        return Err(scanner.refuse("an address is local part, \"@\", domain", CLAUSE));
    }
    skip_cfws(scanner)?;
    let domain = match scanner.peek() {
        Some(b'[') => literal(scanner, CLAUSE)?,
        _ => dot_atom(scanner, "a domain", CLAUSE)?,
    };
    skip_cfws(scanner)?;
    Ok(format!("{local}@{domain}"))
}

/// A display name: words up to a special (RFC 5322 §3.2.5); `None` if there are none.
fn phrase(field: &Field, scanner: &mut Scanner<'_>) -> Result<Option<String>, SyntaxError> {
    let mut text = String::new();
    let mut after_encoded = None;
    loop {
        skip_cfws(scanner)?;
        let at = scanner.offset();
        let (word, encoded) = match scanner.peek() {
            Some(b'"') => (quoted_string(scanner)?, false),
            Some(b'.') => {
                let rule = "a display name with a dot in it stands in quotes";
                return Err(scanner.refuse(rule, "RFC 5322 §3.2.5"));
            }
            _ => match atom(scanner) {
                [] => return Ok(after_encoded.map(|_| text)),
                atom if words::looks_encoded(atom) => (words::in_phrase(field, at, atom)?, true),
                atom => (ascii(atom), false),
            },
        };
        if after_encoded.is_some_and(|before| !(before && encoded)) {
            text.push(' ');
        }
        text.push_str(&word);
        after_encoded = Some(encoded);
    }
}
