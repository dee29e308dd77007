//! The header section: fields up to the empty line (RFC 5322 §2.2).

use std::ops::Range;
use std::time::SystemTime;

use super::{Mailbox, address, date, lexer, lines, words};
use crate::wire::SyntaxError;
use crate::wire::bytes::show;
use crate::wire::scan::{Scanner, ascii};

/// The fields of one entity, in the order in which they came. Names are looked up in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub fields: Vec<Field>,
    /// Where it ends in the message: the offset of the empty line.
    pub end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As sent.
    pub name: String,
    /// The whole field as sent, folded, with its CRLF.
    pub raw: Vec<u8>,
    /// Where it stands in the message.
    pub offset: usize,
}

impl Header {
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
    }

    /// The field of that name, of which there is exactly one.
    pub fn one(&self, name: &str) -> Result<&Field, SyntaxError> {
        self.at_most_one(name)?.ok_or_else(|| {
            let rule = format!("exactly one {name} field is in the header; there is none");
            SyntaxError::new(self.end, 0, rule, clause_of_count(name))
        })
    }

    pub fn at_most_one(&self, name: &str) -> Result<Option<&Field>, SyntaxError> {
        let mut all = self.all(name);
        let first = all.next();
        match all.next() {
            None => Ok(first),
            Some(second) => Err(SyntaxError::new(
                second.offset,
                second.name.len(),
                format!("at most one {name} field is in a header; this is the second"),
                clause_of_count(name),
            )),
        }
    }
}

fn clause_of_count(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "mime-version" => "RFC 2045 §4",
        name if name.starts_with("content-") => "RFC 2045 §3",
        _ => "RFC 5322 §3.6",
    }
}

impl Field {
    /// What follows the colon, on one line and without the white space around it (RFC 5322 §2.2.3).
    pub fn unfolded(&self) -> String {
        ascii(self.body()).replace("\r\n", "").trim_matches([' ', '\t']).to_owned()
    }

    /// An unstructured body with its encoded words decoded (RFC 2047).
    pub fn text(&self) -> Result<String, SyntaxError> {
        words::unstructured(self)
    }

    /// The mailboxes of an address list, those of groups among them (RFC 5322 §3.4).
    pub fn addresses(&self) -> Result<Vec<Mailbox>, SyntaxError> {
        address::addresses(self)
    }

    /// RFC 5322 §3.3.
    pub fn date_time(&self) -> Result<SystemTime, SyntaxError> {
        date::date_time(self)
    }

    /// One identifier, `left@right`, without its angle brackets (RFC 5322 §3.6.4).
    pub fn message_id(&self) -> Result<String, SyntaxError> {
        lexer::message_id(self)
    }

    /// A structured body without its comments and white space: `1.0` of `MIME-Version: 1.0 (of mine)`.
    pub fn bare(&self) -> Result<String, SyntaxError> {
        let mut scanner = self.scanner();
        let mut bare = String::new();
        loop {
            lexer::skip_cfws(&mut scanner)?;
            match scanner.peek() {
                Some(octet) => bare.push(char::from(octet)),
                None => return Ok(bare),
            }
            scanner.advance();
        }
    }

    /// What follows the colon, up to the CRLF.
    pub(super) fn body(&self) -> &[u8] {
        let end = self.raw.len() - 2;
        &self.raw[self.name.len() + 1..end]
    }

    pub(super) fn body_offset(&self) -> usize {
        self.offset + self.name.len() + 1
    }

    pub(super) fn scanner(&self) -> Scanner<'_> {
        Scanner::new(self.body(), self.body_offset())
    }

    /// A complaint about the whole body.
    pub(super) fn refuse(&self, rule: impl Into<String>, clause: &'static str) -> SyntaxError {
        let blank = self.body().len() - self.body().trim_ascii_start().len();
        SyntaxError::new(self.body_offset() + blank, self.body().trim_ascii().len(), rule, clause)
    }
}

/// Reads the header at the start of `range`, and tells where the body stands.
pub(super) fn parse(message: &[u8], range: Range<usize>) -> Result<(Header, Range<usize>), SyntaxError> {
    let mut fields: Vec<Field> = Vec::new();
    for (at, line) in lines::lines(&message[range.clone()], range.start) {
        let next = at + line.len() + 2;
        if line.is_empty() {
            return Ok((Header { fields, end: at }, next..range.end));
        }
        if next > range.end {
            let rule = "between a part's header and the delimiter comes an empty line";
            return Err(SyntaxError::new(at + line.len(), 0, rule, "RFC 2046 §5.1"));
        }
        check_octets(line, at)?;
        if matches!(line[0], b' ' | b'\t') {
            let Some(field) = fields.last_mut() else {
                let rule =
                    "a header begins with a field's name; white space would continue a field before it";
                return Err(SyntaxError::new(at, 1, rule, "RFC 5322 §2.2.3"));
            };
            if line.trim_ascii().is_empty() {
                let rule = "a line that continues a field is not white space alone";
                return Err(SyntaxError::new(at, line.len(), rule, "RFC 5322 §3.2.2"));
            }
            field.raw.extend(&message[at..next]);
        } else {
            let name = name(line, at)?;
            fields.push(Field { name, raw: message[at..next].to_vec(), offset: at });
        }
    }
    Ok((Header { fields, end: range.end }, range.end..range.end))
}

/// Printable ASCII, spaces and tabs.
fn check_octets(line: &[u8], offset: usize) -> Result<(), SyntaxError> {
    let Some(at) = line.iter().position(|octet| !matches!(octet, b' '..=b'~' | b'\t')) else {
        return Ok(());
    };
    let (rule, clause) = if line[at].is_ascii() {
        ("a header field has no control characters", "RFC 5322 §2.2")
    } else {
        (
            "a header is ASCII: other characters are written as encoded words, and in parameters per RFC 2231",
            "RFC 2047 §2",
        )
    };
    Err(SyntaxError::new(offset + at, 1, rule, clause))
}

fn name(line: &[u8], offset: usize) -> Result<String, SyntaxError> {
    const CLAUSE: &str = "RFC 5322 §2.2";
    let mut scanner = Scanner::new(line, offset);
    let name = scanner.take_while(|octet| matches!(octet, b'!'..=b'9' | b';'..=b'~'));
    if name.is_empty() {
        return Err(scanner.refuse("a field begins with its name", CLAUSE));
    }
    if scanner.peek() != Some(b':') {
        let rule = match scanner.peek() {
            Some(octet) => format!(
                "a field is a name, a colon right after it, and a body, and an empty line ends the header; here came \
                 {:?}",
                show(&[octet])
            ),
            None => "a field has a colon after its name, and an empty line ends the header".to_owned(),
        };
        return Err(scanner.refuse(rule, CLAUSE));
    }
    Ok(ascii(name))
}
