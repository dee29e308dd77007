//! Multipart bodies: what stands between the delimiter lines (RFC 2046 §5.1.1).

use std::ops::Range;

use memchr::{memchr, memmem};

use super::{Header, MediaType};
use crate::wire::SyntaxError;
use crate::wire::bytes::show;

const CLAUSE: &str = "RFC 2046 §5.1.1";

/// The boundary that the media type of `header` names.
pub(super) fn boundary<'a>(media: &'a MediaType, header: &Header) -> Result<&'a str, SyntaxError> {
    let Some(parameter) = media.parameters.get("boundary") else {
        let rule = "a multipart names its boundary: boundary=…";
        return Err(header.one("Content-Type")?.refuse(rule, CLAUSE));
    };
    let boundary = parameter.value.as_str();
    let rule = if !(1..=70).contains(&boundary.len()) {
        format!("a boundary has 1 to 70 characters; this has {}", boundary.len())
    } else if let Some(bad) = boundary.bytes().find(|&octet| !is_boundary_octet(octet)) {
        format!("a boundary is letters, digits, spaces and '()+_,-./:=?; it has no {:?}", show(&[bad]))
    } else if boundary.ends_with(' ') {
        "a boundary does not end with a space".to_owned()
    } else {
        return Ok(boundary);
    };
    Err(SyntaxError::new(parameter.offset, parameter.len, rule, CLAUSE))
}

fn is_boundary_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&octet)
}

/// Where the parts stand that `body` is made of; preamble and epilogue are left out.
pub(super) fn split(
    message: &[u8],
    body: Range<usize>,
    boundary: &str,
) -> Result<Vec<Range<usize>>, SyntaxError> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut start: Option<usize> = None;
    for found in memmem::find_iter(&message[body.clone()], &delimiter) {
        let at = body.start + found;
        if at > body.start && message[at - 1] != b'\n' {
            continue;
        }
        // The CRLF before a delimiter belongs to it, even where it ends the delimiter before.
        parts.extend(start.map(|start| start..(at - 2).max(start)));
        let rest = at + delimiter.len();
        let end = memchr(b'\r', &message[rest..body.end]).map_or(body.end, |cr| rest + cr);
        let after = &message[rest..end];
        let closing = after.starts_with(b"--");
        let padding = if closing { &after[2..] } else { after };
        if !padding.trim_ascii().is_empty() {
            let rule = format!(
                "nothing but white space follows the delimiter {delimiter:?}, or its closing \"--\", in its line; a \
                 line of content does not begin so"
            );
            return Err(SyntaxError::new(rest, after.len(), rule, CLAUSE));
        }
        if closing && !parts.is_empty() {
            return Ok(parts);
        }
        if closing {
            return Err(SyntaxError::new(at, end - at, "a multipart has at least one part", CLAUSE));
        }
        start = Some((end + 2).min(body.end));
    }
    let rule = match start {
        Some(_) => {
            format!("after its last part a multipart ends with the line \"{delimiter}--\"; it never came")
        }
        None => format!("each part of this multipart begins after a line {delimiter:?}; none came"),
    };
    Err(SyntaxError::new(body.end, 0, rule, CLAUSE))
}
