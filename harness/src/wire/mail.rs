//! Internet messages as their grammar binds the sender: RFC 5322, MIME (RFC 2045 to 2047), RFC 2231.
//!
//! A whole message goes in, and a tree of entities comes out, each leaf decoded. Offsets of errors count from the
//! message's first octet, also those that a field or a leaf finds later. Lenient only where the grammar is: names in
//! any case, folding and comments wherever they may stand, parameters in any order, preamble and epilogue. What the
//! grammar calls obsolete is refused, apart from the zones `GMT` and `UT`.
//!
//! Left out: which fields a message owes, header fields in UTF-8 (RFC 6532), what is inside `message/rfc822`, and
//! charsets but UTF-8, US-ASCII and ISO-8859-1.

mod address;
mod date;
mod encoding;
mod header;
mod lexer;
mod lines;
mod media;
mod multipart;
mod words;

use std::ops::Range;

pub use address::Mailbox;
pub use header::{Field, Header};
pub use media::{Disposition, FileName, MediaType, Parameter, Parameters};

use super::SyntaxError;
use crate::verdict::Failure;

/// Multiparts inside multiparts.
const MAX_DEPTH: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub entity: Entity,
    /// Whether any octet is 128 or above.
    pub eight_bit: bool,
}

/// A header and what it describes: the message itself, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    pub header: Header,
    /// `text/plain` without parameters, where no field says otherwise.
    pub media: MediaType,
    pub disposition: Option<Disposition>,
    /// In lower case; `7bit` where no field says otherwise.
    pub encoding: String,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Leaf {
        octets: Vec<u8>,
        /// Where it stands, as sent, in the message.
        raw: Range<usize>,
    },
    Parts(Vec<Entity>),
}

/// Reads a message as it stood between `DATA` and the end of data, dots unstuffed.
pub fn parse(message: &[u8]) -> Result<Message, SyntaxError> {
    lines::check(message)?;
    let eight_bit = !message.is_ascii();
    let entity = Reader { message, eight_bit }.entity(0..message.len(), 0)?;
    Ok(Message { entity, eight_bit })
}

/// The line of `message` that broke the rule, with a caret under the octet.
pub fn failure(message: &[u8], error: &SyntaxError) -> Failure {
    let mut failure = error.failure(message, "a well-formed mail");
    failure.seen = format!("line {} breaks a rule, at octet {}", error.line(message), error.offset);
    failure
}

impl Message {
    pub fn header(&self) -> &Header {
        &self.entity.header
    }
}

impl Entity {
    /// The parts of a multipart; none of a leaf.
    pub fn parts(&self) -> &[Entity] {
        match &self.content {
            Content::Leaf { .. } => &[],
            Content::Parts(parts) => parts,
        }
    }

    /// All leaves in it, in the order in which they were sent; a leaf's only leaf is itself.
    pub fn leaves(&self) -> Vec<&Entity> {
        match &self.content {
            Content::Leaf { .. } => vec![self],
            Content::Parts(parts) => parts.iter().flat_map(Entity::leaves).collect(),
        }
    }

    /// What a leaf holds, decoded; nothing of a multipart.
    pub fn octets(&self) -> &[u8] {
        match &self.content {
            Content::Leaf { octets, .. } => octets,
            Content::Parts(_) => &[],
        }
    }

    /// A leaf's octets as text, read by the `charset` of its media type. Line ends are CRLF, as sent.
    pub fn text(&self) -> Result<String, SyntaxError> {
        let charset = self.media.parameter("charset").unwrap_or("us-ascii");
        let at = match &self.content {
            Content::Leaf { raw, .. } => raw.start,
            Content::Parts(_) => self.header.end,
        };
        encoding::decode_charset(charset, self.octets())
            .map_err(|rule| SyntaxError::new(at, 0, rule, "RFC 2046 §4.1.2"))
    }

    /// The name that the disposition gives its file, or else the media type.
    pub fn file_name(&self) -> Result<Option<FileName>, SyntaxError> {
        let given = match &self.disposition {
            Some(disposition) => disposition.parameters.extended("filename")?,
            None => None,
        };
        if let Some(name) = given {
            return Ok(Some(FileName { name, from_disposition: true }));
        }
        let name = self.media.parameters.extended("name")?;
        Ok(name.map(|name| FileName { name, from_disposition: false }))
    }
}

struct Reader<'a> {
    message: &'a [u8],
    eight_bit: bool,
}

impl Reader<'_> {
    fn entity(&self, range: Range<usize>, depth: usize) -> Result<Entity, SyntaxError> {
        if depth > MAX_DEPTH {
            let rule = format!("multiparts are nested at most {MAX_DEPTH} deep here");
            return Err(SyntaxError::new(range.start, 0, rule, "RFC 2046 §5.1"));
        }
        let (header, body) = header::parse(self.message, range)?;
        let media = header.at_most_one("Content-Type")?.map(media::media_type).transpose()?;
        let media = media.unwrap_or_else(MediaType::plain_text);
        let disposition = header.at_most_one("Content-Disposition")?.map(media::disposition).transpose()?;
        let transfer = header.at_most_one("Content-Transfer-Encoding")?;
        let encoding = transfer.map(media::transfer_encoding).transpose()?;
        let encoding = encoding.unwrap_or_else(|| "7bit".to_owned());

        // RFC 2045 §6.4; RFC 2046 §5.2.1.
        let composite = media.kind == "multipart" || media.essence() == "message/rfc822";
        if let (true, "base64" | "quoted-printable", Some(field)) = (composite, encoding.as_str(), transfer) {
            let rule =
                format!("what is inside a {} is encoded, never the whole: 7bit or 8bit", media.essence());
            return Err(field.refuse(rule, "RFC 2045 §6.4"));
        }
        if encoding == "7bit" {
            self.check_seven_bit(&body)?;
        }
        let content = if media.kind == "multipart" {
            let boundary = multipart::boundary(&media, &header)?;
            let ranges = multipart::split(self.message, body, boundary)?;
            let parts = ranges.into_iter().map(|range| self.entity(range, depth + 1));
            Content::Parts(parts.collect::<Result<_, _>>()?)
        } else {
            let octets = encoding::decode(&encoding, &self.message[body.clone()], body.start)?;
            Content::Leaf { octets, raw: body }
        };
        Ok(Entity { header, media, disposition, encoding, content })
    }

    fn check_seven_bit(&self, body: &Range<usize>) -> Result<(), SyntaxError> {
        if !self.eight_bit {
            return Ok(());
        }
        match self.message[body.clone()].iter().position(|octet| !octet.is_ascii()) {
            None => Ok(()),
            Some(at) => Err(SyntaxError::new(
                body.start + at,
                1,
                "7bit content, and without Content-Transfer-Encoding it is that, has no octet above 127; \
                 quoted-printable and base64 are for the others",
                "RFC 2045 §2.7",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
