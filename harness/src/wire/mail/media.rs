//! The fields that describe content (RFC 2045 §5, §6; RFC 2183) and their parameters (RFC 2231).

use super::lexer::{expect_end, quoted_string, skip_cfws, token};
use super::{Field, encoding, words};
use crate::wire::SyntaxError;
use crate::wire::scan::Scanner;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `text`, in lower case.
    pub kind: String,
    /// `plain`, in lower case.
    pub subtype: String,
    pub parameters: Parameters,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// `attachment` or `inline`, in lower case.
    pub kind: String,
    pub parameters: Parameters,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    pub name: String,
    /// Whether `Content-Disposition` gives it, and not the `name` of `Content-Type`.
    pub from_disposition: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// In lower case.
    pub name: String,
    /// As sent, but for the quotes.
    pub value: String,
    pub quoted: bool,
    /// Where the value stands in the message.
    pub offset: usize,
    pub len: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(pub Vec<Parameter>);

impl MediaType {
    /// RFC 2045 §5.2.
    pub(super) fn plain_text() -> Self {
        MediaType { kind: "text".to_owned(), subtype: "plain".to_owned(), parameters: Parameters::default() }
    }

    /// `text/plain`.
    pub fn essence(&self) -> String {
        format!("{}/{}", self.kind, self.subtype)
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(|parameter| parameter.value.as_str())
    }
}

pub(super) fn media_type(field: &Field) -> Result<MediaType, SyntaxError> {
    let scanner = &mut field.scanner();
    skip_cfws(scanner)?;
    let kind = token(scanner, "a media type's first half")?;
    skip_cfws(scanner)?;
    if !scanner.eat(b'/') {
        return Err(scanner.refuse("a media type is type/subtype", "RFC 2045 §5.1"));
    }
    skip_cfws(scanner)?;
    let subtype = token(scanner, "a media type's second half")?;
    let parameters = parameters(scanner)?;
    Ok(MediaType { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase(), parameters })
}

pub(super) fn disposition(field: &Field) -> Result<Disposition, SyntaxError> {
    let scanner = &mut field.scanner();
    skip_cfws(scanner)?;
    let kind = token(scanner, "a disposition")?.to_ascii_lowercase();
    Ok(Disposition { kind, parameters: parameters(scanner)? })
}

pub(super) fn transfer_encoding(field: &Field) -> Result<String, SyntaxError> {
    const CLAUSE: &str = "RFC 2045 §6.1";
    let scanner = &mut field.scanner();
    skip_cfws(scanner)?;
    let encoding = token(scanner, "a content-transfer-encoding")?.to_ascii_lowercase();
    expect_end(scanner, "the content-transfer-encoding", CLAUSE)?;
    match encoding.as_str() {
        "7bit" | "8bit" | "binary" | "base64" | "quoted-printable" => Ok(encoding),
        _ => {
            let rule = "a content-transfer-encoding is 7bit, 8bit, binary, quoted-printable or base64 (there is no utf-8)";
            Err(field.refuse(rule, CLAUSE))
        }
    }
}

/// `; name=value; name="value"` up to the end.
fn parameters(scanner: &mut Scanner<'_>) -> Result<Parameters, SyntaxError> {
    const CLAUSE: &str = "RFC 2045 §5.1";
    let mut found = Vec::new();
    loop {
        skip_cfws(scanner)?;
        if scanner.peek().is_none() {
            return Ok(Parameters(found));
        }
        if !scanner.eat(b';') {
            let rule = "a semicolon stands before each parameter, and a value with a space or any of \
                        ()<>@,;:\\\"/[]?= in it stands in quotes";
            return Err(scanner.refuse(rule, CLAUSE));
        }
        skip_cfws(scanner)?;
        if scanner.peek().is_none() {
            return Err(scanner.refuse("after each semicolon comes a parameter: name=value", CLAUSE));
        }
        let name = token(scanner, "a parameter's name")?.to_ascii_lowercase();
        skip_cfws(scanner)?;
        if !scanner.eat(b'=') {
            return Err(scanner.refuse("a parameter is name=value", CLAUSE));
        }
        skip_cfws(scanner)?;
        let offset = scanner.offset();
        let quoted = scanner.peek() == Some(b'"');
        let value = if quoted { quoted_string(scanner)? } else { token(scanner, "a parameter's value")? };
        found.push(Parameter { name, value, quoted, offset, len: scanner.offset() - offset });
    }
}

impl Parameter {
    fn refuse(&self, rule: impl Into<String>, clause: &'static str) -> SyntaxError {
        SyntaxError::new(self.offset, self.len, rule, clause)
    }
}

impl Parameters {
    /// The first parameter of exactly this name, in any case.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name))
    }

    /// The value of `name`, whether it stands there plain, extended (`name*=utf-8''%E2%82%AC`), or in numbered
    /// pieces (`name*0=`, `name*1*=`); an extended value goes before a plain one.
    pub(super) fn extended(&self, name: &str) -> Result<Option<String>, SyntaxError> {
        if let Some(whole) = self.get(&format!("{name}*")) {
            return join(&[(true, whole)]).map(Some);
        }
        let pieces = self.pieces(name)?;
        if !pieces.is_empty() {
            return join(&pieces).map(Some);
        }
        let Some(plain) = self.get(name) else {
            return Ok(None);
        };
        match words::looks_encoded(plain.value.as_bytes()) {
            true => Err(plain.refuse(
                "an encoded word never stands in a parameter; RFC 2231 is for those: filename*=utf-8''…",
                "RFC 2047 §5",
            )),
            false => Ok(Some(plain.value.clone())),
        }
    }

    /// The numbered pieces in order, each with whether it is extended.
    fn pieces(&self, name: &str) -> Result<Vec<(bool, &Parameter)>, SyntaxError> {
        let mut pieces = Vec::new();
        for parameter in &self.0 {
            let Some(number) = parameter.name.strip_prefix(name).and_then(|rest| rest.strip_prefix('*'))
            else {
                continue;
            };
            let (number, extended) =
                number.strip_suffix('*').map_or((number, false), |number| (number, true));
            match number.parse::<usize>() {
                Ok(value) if value.to_string() == number => pieces.push((value, extended, parameter)),
                _ => {
                    let rule = format!("the pieces of a parameter are {name}*0, {name}*1 and so on");
                    return Err(parameter.refuse(rule, "RFC 2231 §3"));
                }
            }
        }
        pieces.sort_by_key(|(number, ..)| *number);
        if let Some((_, (.., parameter))) = pieces.iter().enumerate().find(|(i, (number, ..))| i != number) {
            let rule = "the pieces of a parameter are numbered from 0, each number once and none left out";
            return Err(parameter.refuse(rule, "RFC 2231 §3"));
        }
        Ok(pieces.into_iter().map(|(_, extended, parameter)| (extended, parameter)).collect())
    }
}

/// The first of the pieces, if it is extended, names the charset for all.
fn join(pieces: &[(bool, &Parameter)]) -> Result<String, SyntaxError> {
    let mut charset = None;
    let mut octets = Vec::new();
    for (i, &(extended, parameter)) in pieces.iter().enumerate() {
        let mut value = parameter.value.as_str();
        if !extended {
            octets.extend_from_slice(value.as_bytes());
            continue;
        }
        if parameter.quoted {
            let rule = "an extended value, whose name ends with \"*\", stands without quotes";
            return Err(parameter.refuse(rule, "RFC 2231 §7"));
        }
        if i == 0 {
            let mut fields = value.splitn(3, '\'');
            let (named, Some(_language), Some(rest)) = (fields.next(), fields.next(), fields.next()) else {
                let rule = "an extended value is charset'language'text, the language mostly empty: utf-8''…";
                return Err(parameter.refuse(rule, "RFC 2231 §4"));
            };
            (charset, value) = (named, rest);
        }
        percent_decode(value, &mut octets).map_err(|rule| parameter.refuse(rule, "RFC 2231 §7"))?;
    }
    let (first, last) = (pieces[0].1, pieces[pieces.len() - 1].1);
    let extended = pieces.iter().any(|(extended, _)| *extended);
    let charset = charset.filter(|charset| !charset.is_empty());
    if extended && charset.is_none() {
        let rule = "the first piece names the charset of all extended ones: utf-8''…";
        return Err(first.refuse(rule, "RFC 2231 §4.1"));
    }
    encoding::decode_charset(charset.unwrap_or("us-ascii"), &octets).map_err(|rule| {
        let end = (last.offset + last.len).max(first.offset);
        SyntaxError::new(first.offset, end - first.offset, rule, "RFC 2231 §4")
    })
}

fn percent_decode(value: &str, octets: &mut Vec<u8>) -> Result<(), &'static str> {
    let mut rest = value.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        match octet {
            b'%' => {
                let pair = encoding::hex_pair(tail.get(..2));
                octets.push(pair.ok_or("in an extended value, \"%\" has two hexadecimal digits after it")?);
                rest = &tail[2..];
            }
            b'*' | b'\'' => return Err("in an extended value, \"*\" and \"'\" are written %2A and %27"),
            _ => octets.push(octet),
        }
    }
    Ok(())
}
