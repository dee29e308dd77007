//! What a mail carries beside its text.

use std::path::PathBuf;

use super::letter::{word, write};
use crate::trial::Trial;
use crate::verdict::{Failure, Verdict, ensure};
use crate::wire::difference;
use crate::wire::mail::{Entity, Message};

/// A file of this name, in a directory of its own.
pub fn file(t: &mut Trial, name: &str, octets: &[u8]) -> Verdict<PathBuf> {
    let path = t.dir()?.join(name);
    write(&path, octets)?;
    Ok(path)
}

/// A file with a name that nobody can know.
pub fn some_file(t: &mut Trial, octets: &[u8]) -> Verdict<PathBuf> {
    let name = format!("{}.bin", word(t));
    file(t, &name, octets)
}

pub fn random(t: &mut Trial, octets: usize) -> Vec<u8> {
    (0..octets).map(|_| t.rng.u8(..)).collect()
}

/// What is sent where the content is another check's matter: one line of base64, without padding, "+" and "/".
pub fn plain(t: &mut Trial) -> Vec<u8> {
    (0..39).map(|_| t.rng.u8(..8)).collect()
}

/// The parts that are attachments, of which there are so many: the last ones, as the text comes first.
pub fn attachments(message: &Message, count: usize) -> Verdict<Vec<&Entity>> {
    let mut leaves = message.entity.leaves();
    ensure(
        leaves.len() > count,
        format!("a text, and behind it {}", parts(count)),
        format!("{} in all", parts(leaves.len())),
    )?;
    Ok(leaves.split_off(leaves.len() - count))
}

fn parts(count: usize) -> String {
    if count == 1 { "one part".to_owned() } else { format!("{count} parts") }
}

/// Fails unless the part holds these octets.
pub fn holds(part: &Entity, octets: &[u8], what: &str) -> Verdict {
    if part.octets() == octets {
        return Ok(());
    }
    let difference = difference::describe(octets, part.octets());
    let (first, more) = difference.split_once('\n').unwrap_or((&difference, ""));
    Err(Failure::new(format!("{what}, once it is decoded"), first).excerpt(more.lines()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::mail;

    #[test]
    fn the_attachments_are_what_follows_the_text_however_that_is_nested() {
        let octets = concat!(
            "Content-Type: multipart/mixed; boundary=a\r\n\r\n",
            "--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n",
            "--b\r\n\r\ntext\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>text\r\n--b--\r\n",
            "--a\r\nContent-Transfer-Encoding: base64\r\n\r\nZmlsZQ==\r\n--a--\r\n",
        );
        let message = mail::parse(octets.as_bytes()).unwrap();
        let found: Vec<_> = attachments(&message, 1).unwrap().into_iter().map(Entity::octets).collect();
        assert_eq!(found, [b"file"]);
        assert!(attachments(&message, 3).is_err());
    }
}
