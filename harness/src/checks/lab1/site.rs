//! The document root that the harness makes for a run: names and bodies from the seed, readable by all.
//!
//! Everything stands there before the server starts, so a server that reads its files at the start is as
//! right as one that reads them at each request. Checks only read it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::crowd::Crowd;
use super::pages::Pages;
use crate::trial::Trial;
use crate::verdict::Verdict;

/// A run's document root and what stands where in it.
pub struct Site {
    pub root: PathBuf,
    /// A text file of several lines that any check may ask for.
    pub text: File,
    pub pages: Pages,
    /// 8 MiB: more than the socket buffers on the way hold.
    pub large: File,
    /// For checks with many clients.
    pub crowd: Crowd,
}

/// A file below the root.
#[derive(Clone, Debug)]
pub struct File {
    /// As in an origin-form target: `/k3f9/notes.txt`.
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
        let text = File::make(&root, &format!("{}.txt", word(&mut rng)), prose(&mut rng, 40..60))?;
        let pages = Pages::make(&root, &mut rng)?;

        let large = File::make(&root, &format!("{}.bin", word(&mut rng)), noise(&mut rng, 8 << 20))?;
        let crowd = Crowd::make(&root, &mut rng)?;
        Ok(Site { root, text, pages, large, crowd })
    }
}

impl File {
    /// Writes `body` to `name` below `root`; the name needs no percent-encoding.
    pub fn make(root: &Path, name: &str, body: Vec<u8>) -> io::Result<File> {
        let path = root.join(name);
        fs::write(&path, &body)?;
        Ok(File { target: format!("/{name}"), path, body })
    }
}

/// Makes a directory that every user may read (contract: 0755).
pub fn make_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
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
