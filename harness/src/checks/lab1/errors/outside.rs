//! What stands outside the document root, and every way that seems to lead there.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::checks::lab1::site::{self, Folder, make_dir, permit, prose, word};

/// What stands outside the root, and what leads there.
pub struct Outside {
    /// The name of files outside, and a word in them that no answer may hold.
    pub canary: String,
    /// Targets with what is special in them.
    pub escapes: Vec<Escape>,
    pub links: Links,
    pub unreadable: site::File,
    /// Two links that point at each other.
    pub circle: String,
}

pub struct Escape {
    pub target: String,
    pub trick: &'static str,
    pub leads_to: LeadsTo,
}

#[derive(Clone, Copy, PartialEq)]
pub enum LeadsTo {
    /// To a file that is not there if the path is kept inside: an error is due.
    File,
    /// To a directory, which kept inside is the root.
    Directory,
    /// Nowhere by the grammar: a close without an answer passes, malformed requests being tried elsewhere.
    Malformed,
}

pub struct Links {
    pub file: String,
    pub file_in_folder: String,
    pub folder: String,
    /// In a linked directory whose name begins like the root's.
    pub file_in_neighbour: String,
}

impl Outside {
    /// `dir` holds the root.
    pub fn make(top: &Folder, dir: &Path, rng: &mut fastrand::Rng) -> io::Result<Outside> {
        let canary = format!("canary{}", word(rng));
        let [neighbour, linked] = ["www-secret", "elsewhere"].map(|name| dir.join(name));
        make_dir(&neighbour)?;
        make_dir(&linked)?;
        for place in [dir, &neighbour, &linked] {
            let line = format!("{canary}: no answer may hold this line\n");
            site::File::make(place, &canary, line.into_bytes())?;
        }
        let home = top.folder(&word(rng))?;
        let [file, folder, beside, one, other] = std::array::from_fn(|_| word(rng));
        symlink(dir.join(&canary), home.path.join(&file))?;
        symlink("../../elsewhere", home.path.join(&folder))?;
        symlink("../../www-secret", home.path.join(&beside))?;
        symlink(&other, home.path.join(&one))?;
        symlink(&one, home.path.join(&other))?;
        let unreadable = home.file(&format!("{}.txt", word(rng)), prose(rng, 2..4))?;
        permit(&unreadable.path, 0o000)?;
        let at = |name: &str| format!("{}{name}", home.target);
        Ok(Outside {
            escapes: escapes(&home.target, dir, &canary),
            links: Links {
                file: at(&file),
                file_in_folder: at(&format!("{folder}/{canary}")),
                folder: at(&format!("{folder}/")),
                file_in_neighbour: at(&format!("{beside}/{canary}")),
            },
            unreadable,
            circle: at(&one),
            canary,
        })
    }
}

/// `home` is a directory in the root: `/k3f9/`.
fn escapes(home: &str, dir: &Path, canary: &str) -> Vec<Escape> {
    use LeadsTo::{Directory, File, Malformed};
    let outside = dir.display();
    let up = "/..".repeat(dir.components().count() + 2);
    let encoded = "/%2e%2e".repeat(dir.components().count() + 2);
    [
        (format!("/../{canary}"), "\"..\" goes up", File),
        (format!("{up}{outside}/{canary}"), "up to / and down again", File),
        (format!("{home}../../{canary}"), "down, then up twice", File),
        (format!("/./../{canary}"), "\".\" stays, \"..\" goes up", File),
        (format!("/../www-secret/{canary}"), "a neighbour whose name begins like the root's", File),
        (format!("{home}../../www-secret/{canary}"), "the same, from a directory", File),
        (format!("/%2e%2e/{canary}"), "%2e is an encoded dot", File),
        (format!("/.%2E/{canary}"), "one dot plain, one encoded", File),
        (format!("/..%2f{canary}"), "%2f is an encoded slash", File),
        (format!("/%2e%2e%2fwww-secret%2f{canary}"), "dots and slashes encoded", File),
        (format!("{encoded}{outside}/{canary}"), "encoded, up to / and down again", File),
        (format!("/%252e%252e/{canary}"), "encoded twice", File),
        (format!("/%2e%2e/www-secret/{canary}?q=1"), "with a query", File),
        (format!("/{outside}/{canary}"), "an absolute path behind the slash", File),
        (format!("/%2F{outside}/{canary}"), "an absolute path behind an encoded slash", File),
        ("/../".to_owned(), "the directory above", Directory),
        ("/%2e%2e/".to_owned(), "the directory above, encoded", Directory),
        (format!("{home}../../"), "down, then up twice", Directory),
        (format!("/..\\{canary}"), "a backslash", Malformed),
        (format!("/..%5c{canary}"), "an encoded backslash", Malformed),
        (format!("../{canary}"), "no slash at the beginning", Malformed),
        (format!("/%c0%ae%c0%ae/{canary}"), "dots as overlong UTF-8, which is none", Malformed),
        (format!("/../{canary}%00.txt"), "an encoded NUL, which ends a name in C", Malformed),
    ]
    .into_iter()
    .map(|(target, trick, leads_to)| Escape { target, trick, leads_to })
    .collect()
}
