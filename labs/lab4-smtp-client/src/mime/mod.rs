//! The message as octets (RFC 5322, RFC 2045 to 2049): a header, a text, and files.
//!
//! It is composed once, into pieces whose length is known: octets, and files that are read and
//! encoded only when they are sent. So `SIZE` is exact, and a file of any length needs no memory.

pub mod base64;
pub mod date;
pub mod header;
pub mod text;

use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use crate::error::Error;
use crate::message::{Attachment, Message};

/// A message that is ready to be sent, with CRLF throughout and at its end; its dots are not stuffed.
#[derive(Debug)]
pub struct Composed<'a>(Vec<Piece<'a>>);

#[derive(Debug)]
enum Piece<'a> {
    Octets(Vec<u8>),
    Base64(&'a Attachment),
}

impl Composed<'_> {
    /// How many octets it has.
    pub fn size(&self) -> u64 {
        todo!("step 4: size")
    }

    /// Hands out its octets, in pieces.
    pub fn for_each(&self, mut piece: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        self.0.iter().try_for_each(|part| match part {
            Piece::Octets(octets) => piece(octets),
            Piece::Base64(attachment) => attachment.encode(&mut piece),
        })
    }
}

/// The message as it is sent at that time.
pub fn compose(message: &Message, now: SystemTime) -> Composed<'_> {
    let mut head = head(message, now);
    let (text_fields, mut text) = text_part(&message.text);
    if message.attachments().is_empty() {
        if !text.is_empty() && !text.ends_with(b"\r\n") {
            text.extend(b"\r\n");
        }
        head += &text_fields;
        head += "\r\n";
        return Composed(vec![Piece::Octets([head.into_bytes(), text].concat())]);
    }
    todo!("step 6: compose")
}

/// The fields of the whole message, without those of its content.
fn head(message: &Message, now: SystemTime) -> String {
    let mut head = String::from("MIME-Version: 1.0\r\n"); // step 5: Date, Message-ID, Cc
    head += &header::addresses("From", std::slice::from_ref(&message.from));
    head += &header::addresses("To", &message.to);
    head + &header::unstructured("Subject", message.subject())
}

/// The fields of a text, and the text in the encoding that they name.
fn text_part(text: &str) -> (String, Vec<u8>) {
    (String::new(), text::with_crlf(text).into()) // step 4: what it is, and how it is encoded
}

/// The fields of a file (RFC 2183).
fn file_fields(attachment: &Attachment) -> String {
    todo!("step 6: file fields")
}

/// 128 bits that nobody can guess, in 32 letters and digits: so no text can contain them on purpose,
/// and by chance none will.
fn random() -> String {
    let half = || RandomState::new().hash_one(0);
    format!("{:016x}{:016x}", half(), half())
}

#[cfg(test)]
mod tests;
