//! From a folder of submissions to files that may be judged: what is read, what is left out, and what is refused.
//!
//! Nothing a student sends is believed. A submission is read into memory, regular files alone, within bounds; no
//! link is followed and nothing is unpacked to the disk. What is taken of it is then written anew: for Rust `src/**`
//! into our own template of the lab, for other languages what stands next to their `wirelab.toml`, if the course
//! allows its build command.

mod archive;
mod collect;
pub mod entries;
mod folder;
mod layout;
pub mod names;
mod write;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use harness::check::Lab;
use sha2::{Digest, Sha256};

use self::collect::Collector;
use self::entries::{Entry, Form};
use super::course::Allowed;
use super::judge::Kind;

pub use write::write;

/// How many notes on files are kept.
const NOTES: usize = 20;

/// Files as they may be judged.
#[derive(Debug)]
pub struct Taken {
    pub kind: Kind,
    /// By their path from the root; for [`Kind::Cargo`] all below `src/`.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What was not taken, and why.
    pub left_out: Vec<String>,
    /// SHA-256 of the files' names and contents.
    pub digest: String,
}

/// Why there is nothing to judge.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nothing that could be a submission to this lab.
    Nothing(String),
    /// Against a rule that no honest program breaks, or one of the course.
    Policy(String),
    /// It could not be read here and now.
    Unreadable(String),
}

/// Reads one submission.
pub fn take(entry: &Entry, lab: Lab, allowed: &Allowed) -> Result<Taken, Refused> {
    let mut collector = Collector::default();
    let (path, form) = entries::only_archive(entry).unwrap_or((entry.path.clone(), entry.form));
    match form {
        Form::Folder => folder::read(&path, &mut collector)?,
        Form::Zip => archive::read_zip(&path, &mut collector)?,
        Form::Tar => archive::read_tar(&path, &mut collector)?,
        Form::TarGz => archive::read_tar_gz(&path, &mut collector)?,
        Form::Link => return Err(Refused::Policy("it is a symbolic link".to_owned())),
        Form::Other => {
            return Err(Refused::Nothing("it is neither a folder nor a .zip, .tar or .tar.gz".to_owned()));
        }
    }
    let (files, mut left_out) = collector.finish();
    let found = layout::find(&files, lab)?;
    let (files, notes) = match found.kind {
        Kind::Cargo => layout::cargo(files, &found.root, lab),
        Kind::Manifest => layout::manifest(files, &found.root, lab, allowed)?,
    };
    left_out.extend(notes);
    let digest = digest(found.kind, &files);
    Ok(Taken { kind: found.kind, files, left_out: shortened(left_out), digest })
}

fn shortened(mut notes: Vec<String>) -> Vec<String> {
    if notes.len() > NOTES {
        let more = notes.len() - NOTES;
        notes.truncate(NOTES);
        notes.push(format!("and {more} more"));
    }
    notes
}

/// Each name and each content behind its length, so that no two sets of files look alike.
fn digest(kind: Kind, files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut sha = Sha256::new();
    sha.update([u8::from(kind == Kind::Manifest)]);
    for (path, content) in files {
        for part in [path.as_bytes(), content] {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
    }
    hex(&sha.finalize())
}

pub fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
