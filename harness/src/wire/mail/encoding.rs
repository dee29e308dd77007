//! Content-transfer-encodings (RFC 2045 §6) and charsets.

use memchr::memchr;

use super::lines::lines;
use crate::wire::bytes::show;
use crate::wire::{SyntaxError, base64};

/// Characters of a line of base64 (RFC 2045 §6.8).
const BASE64_LINE: usize = 76;

/// Characters of a line of quoted-printable: two more than RFC 2045 §6.7 allows, since Python's `email` writes as many.
const QUOTED_LINE: usize = 78;

/// What `raw`, which stands at `offset` in the message, says in this encoding.
pub(super) fn decode(encoding: &str, raw: &[u8], offset: usize) -> Result<Vec<u8>, SyntaxError> {
    match encoding {
        "base64" => base64_lines(raw, offset),
        "quoted-printable" => quoted_printable(raw, offset),
        _ => match memchr(0, raw) {
            Some(at) => {
                let rule = format!("{encoding} content has no NUL octets; base64 is for those");
                Err(SyntaxError::new(offset + at, 1, rule, "RFC 2045 §2.7"))
            }
            None => Ok(raw.to_vec()),
        },
    }
}

fn base64_lines(raw: &[u8], offset: usize) -> Result<Vec<u8>, SyntaxError> {
    const CLAUSE: &str = "RFC 2045 §6.8";
    let mut run = Vec::with_capacity(raw.len());
    for (at, line) in lines(raw, offset) {
        check_length(line, at, BASE64_LINE, "base64", CLAUSE)?;
        run.extend_from_slice(line);
    }
    base64::decode(&run).map_err(|(index, rule)| {
        let (at, len) = place(raw, offset, index);
        SyntaxError::new(at, len, rule, CLAUSE)
    })
}

/// Where the octet stands in the message that is at `index` when line ends are not counted.
fn place(raw: &[u8], offset: usize, index: usize) -> (usize, usize) {
    let mut left = index;
    let mut end = offset;
    for (at, line) in lines(raw, offset) {
        if left < line.len() {
            return (at + left, 1);
        }
        left -= line.len();
        end = at + line.len();
    }
    (end, 0)
}

fn check_length(
    line: &[u8],
    at: usize,
    most: usize,
    encoding: &str,
    clause: &'static str,
) -> Result<(), SyntaxError> {
    if line.len() <= most {
        return Ok(());
    }
    let over = line.len() - most;
    let rule = format!("a line of {encoding} has at most 76 characters; this has {}", line.len());
    Err(SyntaxError::new(at + most, over, rule, clause))
}

fn quoted_printable(raw: &[u8], offset: usize) -> Result<Vec<u8>, SyntaxError> {
    const CLAUSE: &str = "RFC 2045 §6.7";
    let mut octets = Vec::with_capacity(raw.len());
    for (at, line) in lines(raw, offset) {
        check_length(line, at, QUOTED_LINE, "quoted-printable", CLAUSE)?;
        if let Some(b' ' | b'\t') = line.last() {
            let rule = "quoted-printable has no white space at the end of a line: it is written =20 or =09";
            return Err(SyntaxError::new(at + line.len() - 1, 1, rule, CLAUSE));
        }
        let ended = at + line.len() < offset + raw.len();
        let (line, soft) = match line.strip_suffix(b"=") {
            Some(line) if ended => (line, true),
            _ => (line, false),
        };
        quoted_printable_line(line, at, &mut octets)?;
        if ended && !soft {
            octets.extend_from_slice(b"\r\n");
        }
    }
    Ok(octets)
}

fn quoted_printable_line(line: &[u8], offset: usize, octets: &mut Vec<u8>) -> Result<(), SyntaxError> {
    let mut rest = line;
    while let Some(&octet) = rest.first() {
        let at = offset + line.len() - rest.len();
        let refuse = |rule: &str| Err(SyntaxError::new(at, 1, rule, "RFC 2045 §6.7"));
        let taken = match octet {
            b'=' => match hex_pair(rest.get(1..3)) {
                Some(octet) => {
                    octets.push(octet);
                    3
                }
                None => {
                    return refuse(
                        "in quoted-printable, \"=\" has two hexadecimal digits after it, or ends a line; itself it \
                         is written =3D",
                    );
                }
            },
            b' '..=b'~' | b'\t' => {
                octets.push(octet);
                1
            }
            _ => return refuse("quoted-printable is printable ASCII; every other octet is written =XX"),
        };
        rest = &rest[taken..];
    }
    Ok(())
}

/// Upper-case digits are the rule; lower-case ones are tolerated, as RFC 2045 §6.7 advises.
pub(super) fn hex_pair(pair: Option<&[u8]>) -> Option<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16);
    match pair? {
        &[high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    }
}

/// The octets as text, or the rule they break.
pub(super) fn decode_charset(charset: &str, octets: &[u8]) -> Result<String, String> {
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => std::str::from_utf8(octets).map(str::to_owned).map_err(|error| {
            let bad = &octets[error.valid_up_to()..];
            format!("the text is UTF-8, as its charset says; {:?} is not", show(&bad[..bad.len().min(4)]))
        }),
        "us-ascii" => match octets.iter().find(|octet| !octet.is_ascii()) {
            None => Ok(octets.iter().map(|&octet| char::from(octet)).collect()),
            Some(&octet) => Err(format!(
                "the text is ASCII, as its charset or the lack of one says; {:?} is not",
                show(&[octet])
            )),
        },
        "iso-8859-1" => Ok(octets.iter().map(|&octet| char::from(octet)).collect()),
        _ => Err(format!("a charset known here is UTF-8, US-ASCII or ISO-8859-1, not {charset:?}")),
    }
}
