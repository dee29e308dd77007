//! The document root that the harness makes for a run: names and bodies from the seed, readable by all.
//!
//! Everything stands there before the server starts, so a server that reads its files at the start is as
//! right as one that reads them at each request. Checks only read it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::crowd::Crowd;
use super::dates::Dates;
use super::errors::Outside;
use super::files::Files;
use super::gzip::Packed;
use super::listing::Folders;
use super::pages::Pages;
use super::types::Types;
use crate::trial::Trial;
use crate::verdict::Verdict;
use crate::wire::uri;

/// Whose body a response must have.
pub const ON_DISK: &str = "the file as it is on disk";

/// A run's document root and what stands where in it.
pub struct Site {
    pub root: PathBuf,
    /// A text file of several lines that any check may ask for.
    pub text: File,
    pub pages: Pages,
    /// For checks with many clients.
    pub crowd: Crowd,
    pub files: Files,
    pub types: Types,
    pub dates: Dates,
    pub outside: Outside,
    pub folders: Folders,
    /// A file with a compressed neighbour.
    pub packed: Packed,
}

/// A file below the root.
#[derive(Clone, Debug)]
pub struct File {
    /// As in an origin-form target, percent-encoded: `/k3f9/two%20words.txt`.
    pub target: String,
    pub path: PathBuf,
    pub body: Vec<u8>,
}

impl Site {
    /// The run's site, made when it is first asked for.
    pub fn of(t: &Trial) -> Verdict<Arc<Site>> {
        t.prepared(Site::make)
    }

    fn make(dir: &Path, mut rng: fastrand::Rng) -> io::Result<Site> {
        let root = dir.join("www");
        make_dir(&root)?;
        let top = Folder { target: "/".to_owned(), path: root.clone() };
        Ok(Site {
            text: top.file(&format!("{}.txt", word(&mut rng)), prose(&mut rng, 40..60))?,
            files: Files::make(&top, &mut rng)?,
            types: Types::make(&top, &mut rng)?,
            dates: Dates::make(&top, &mut rng)?,
            outside: Outside::make(&top, dir, &mut rng)?,
            folders: Folders::make(&top, &mut rng)?,
            pages: Pages::make(&root, &mut rng)?,
            crowd: Crowd::make(&root, &mut rng)?,
            packed: Packed::make(&top, &mut rng)?,
            root,
        })
    }
}

/// A directory in the root, or the root itself.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Percent-encoded, with the slash at the end: `/k3f9/`.
    pub target: String,
    pub path: PathBuf,
}

impl Folder {
    /// A new directory in this one.
    pub fn folder(&self, name: &str) -> io::Result<Folder> {
        let path = self.path.join(name);
        make_dir(&path)?;
        Ok(Folder { target: format!("{}{}/", self.target, uri::encode_segment(name.as_bytes())), path })
    }

    /// A new file in this one.
    pub fn file(&self, name: &str, body: Vec<u8>) -> io::Result<File> {
        let file = File::make(&self.path, name, body)?;
        Ok(File { target: format!("{}{}", self.target, uri::encode_segment(name.as_bytes())), ..file })
    }
}

impl File {
    /// Writes `body` to `name` in the document root, readable by all.
    pub fn make(root: &Path, name: &str, body: Vec<u8>) -> io::Result<File> {
        let path = root.join(name);
        fs::write(&path, &body)?;
        permit(&path, 0o644)?;
        Ok(File { target: format!("/{}", uri::encode_path(name.as_bytes())), path, body })
    }

    /// The name within its directory.
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Sets the time of its last modification.
    pub fn modified(self, at: SystemTime) -> io::Result<File> {
        fs::File::options().write(true).open(&self.path)?.set_modified(at)?;
        Ok(self)
    }
}

/// Makes a directory that every user may read (contract: 0755).
pub fn make_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    permit(path, 0o755)
}

/// Sets the permissions, whatever the umask is.
pub fn permit(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// A word of lower-case letters, not to be guessed.
pub fn word(rng: &mut fastrand::Rng) -> String {
    (0..8).map(|_| rng.lowercase()).collect()
}

/// So many lines of random words, each ended by LF.
pub fn prose(rng: &mut fastrand::Rng, lines: std::ops::Range<usize>) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..rng.usize(lines) {
        for _ in 0..rng.usize(3..9) {
            text.extend_from_slice(word(rng).as_bytes());
            text.push(b' ');
        }
        text.pop();
        text.push(b'\n');
    }
    text
}

/// So many octets of any value.
pub fn noise(rng: &mut fastrand::Rng, octets: usize) -> Vec<u8> {
    let mut noise = vec![0; octets];
    rng.fill(&mut noise);
    noise
}
