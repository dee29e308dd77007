//! The rules for a single file of a submission, whatever it came in, and the bounds for all of them.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::Refused;

/// Octets of one file; a larger one is left out.
pub const FILE: u64 = 4 << 20;
/// Octets of all files that are kept.
const TOTAL: u64 = 32 << 20;
/// Files that are kept.
const FILES: usize = 2_000;
/// Names in an archive or a folder, folders included.
const NAMES: usize = 50_000;
/// Folders in a path.
const DEPTH: usize = 16;
/// Octets of a path.
const LENGTH: usize = 240;

/// Made by tools, never written by a student.
const BYPRODUCTS: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".idea",
    ".vscode",
    ".venv",
    "__MACOSX",
    "__pycache__",
    "node_modules",
    "target",
];

/// What a name says of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    File,
    Folder,
    /// Completes "it is …": `a symbolic link`.
    Other(&'static str),
}

#[derive(Default)]
pub struct Collector {
    files: BTreeMap<String, Vec<u8>>,
    left_out: Vec<String>,
    names: usize,
    total: u64,
}

impl Collector {
    /// The path under which a file is to be kept; `None` for folders and for what is left out.
    pub fn admit(&mut self, name: &[u8], thing: Thing) -> Result<Option<String>, Refused> {
        self.names += 1;
        if self.names > NAMES {
            return Err(Refused::Policy(format!("it has more than {NAMES} names")));
        }
        let Ok(text) = std::str::from_utf8(name) else {
            self.leave(&String::from_utf8_lossy(name), "its name is not UTF-8");
            return Ok(None);
        };
        // Some programs for Windows write zips with its separator.
        let text = text.replace('\\', "/");
        let drive = text.as_bytes().get(1) == Some(&b':');
        if text.starts_with('/') || drive {
            return Err(Refused::Policy(format!("its {} has an absolute name", quoted(&text))));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Err(Refused::Policy(format!("its {} leads out of it", quoted(&text))));
        }
        if parts.iter().any(|part| BYPRODUCTS.contains(part) || part.starts_with("._")) {
            return Ok(None);
        }
        match thing {
            Thing::Folder => return Ok(None),
            Thing::Other(what) => {
                self.leave(&text, &format!("it is {what}"));
                return Ok(None);
            }
            Thing::File => {}
        }
        let path = parts.join("/");
        if path.is_empty() || path.chars().any(char::is_control) {
            self.leave(&text, "its name has control characters, or is none");
        } else if parts.len() > DEPTH || path.len() > LENGTH {
            self.leave(&text, "its name is too long");
        } else if self.files.contains_key(&path) {
            return Err(Refused::Policy(format!("it has {} twice", quoted(&path))));
        } else {
            return Ok(Some(path));
        }
        Ok(None)
    }

    /// Keeps a file that was admitted, unless it is too large.
    pub fn keep(&mut self, path: String, reader: impl Read) -> Result<(), Refused> {
        let mut content = Vec::new();
        let read = reader.take(FILE + 1).read_to_end(&mut content);
        read.map_err(|error| Refused::Policy(format!("its {} cannot be read: {error}", quoted(&path))))?;
        if content.len() as u64 > FILE {
            self.leave(&path, &format!("it is larger than {} MiB", FILE >> 20));
            return Ok(());
        }
        self.total += content.len() as u64;
        if self.total > TOTAL {
            return Err(Refused::Policy(format!("it holds more than {} MiB", TOTAL >> 20)));
        }
        if self.files.len() == FILES {
            return Err(Refused::Policy(format!("it holds more than {FILES} files")));
        }
        self.files.insert(path, content);
        Ok(())
    }

    pub fn leave(&mut self, path: &str, why: &str) {
        self.left_out.push(format!("{}: {why}", quoted(path)));
    }

    pub fn finish(self) -> (BTreeMap<String, Vec<u8>>, Vec<String>) {
        (self.files, self.left_out)
    }
}

/// A student's name for a file, harmless and not too long.
pub fn quoted(path: &str) -> String {
    let short: String = path.chars().take(80).collect();
    let more = if short.len() < path.len() { "…" } else { "" };
    format!("{}{more}", short.escape_debug())
}

/// Fails after so many octets: what inflates without end is a bomb.
pub struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    pub fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("it inflates to more than a submission may")),
        }
        Ok(count)
    }
}
