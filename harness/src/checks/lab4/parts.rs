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
