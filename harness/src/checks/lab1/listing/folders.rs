//! The directories that are listed, and what is in them.

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use crate::checks::lab1::site::{File, Folder, noise, prose, word};

const MANY: usize = 500;
/// 17 June 2013, 00:00 GMT: the same year in every time zone, and 13 is neither its day nor its month.
const JUNE_2013: u64 = 1_371_427_200;
pub const YEAR: &str = "2013";

/// What these checks ask for.
pub struct Folders {
    /// Two files and a directory with everyday names, one level below another directory.
    pub plain: Listed,
    /// With names in it that are hard to write into a page.
    pub odd: Listed,
    /// With such a name itself, and an index.html.
    pub spaced: Listed,
    pub many: Listed,
    pub mixed: Listed,
    pub dated: Listed,
    pub dotted: Listed,
    /// What the hidden entries of `dotted` are called.
    pub hidden: Vec<String>,
}

/// A directory and what is to be seen of it.
pub struct Listed {
    pub target: String,
    here: Folder,
    pub files: Vec<File>,
    pub folders: Vec<String>,
}

impl Listed {
    fn new(above: &Folder, name: &str) -> io::Result<Listed> {
        let here = above.folder(name)?;
        Ok(Listed { target: here.target.clone(), here, files: Vec::new(), folders: Vec::new() })
    }

    fn file(&mut self, name: &str, body: Vec<u8>) -> io::Result<()> {
        self.files.push(self.here.file(name, body)?);
        Ok(())
    }

    fn folder(&mut self, name: &str) -> io::Result<()> {
        self.here.folder(name)?;
        self.folders.push(name.to_owned());
        Ok(())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(File::name).chain(self.folders.iter().map(String::as_str))
    }

    pub fn holds(&self, name: &[u8]) -> bool {
        self.names().any(|known| known.as_bytes() == name)
    }
}

impl Folders {
    pub fn make(top: &Folder, rng: &mut fastrand::Rng) -> io::Result<Folders> {
        let home = top.folder(&word(rng))?;
        let mut plain = Listed::new(&home, &word(rng))?;
        plain.file(&format!("{}.txt", word(rng)), prose(rng, 2..4))?;
        plain.file(&format!("{}.html", word(rng)), prose(rng, 2..4))?;
        plain.folder(&word(rng))?;

        let mut odd = Listed::new(&home, &word(rng))?;
        for special in ODD {
            odd.file(&format!("{}{special}.txt", word(rng)), prose(rng, 2..4))?;
        }
        odd.folder(&format!("{} #1", word(rng)))?;

        let mut spaced = Listed::new(&home, &format!("{} & é", word(rng)))?;
        spaced.file("index.html", prose(rng, 2..4))?;

        let mut many = Listed::new(&home, &word(rng))?;
        for n in 0..MANY {
            many.file(&format!("{}{n}.txt", word(rng)), Vec::new())?;
        }

        let mut mixed = Listed::new(&home, &word(rng))?;
        let mut letters: Vec<char> = ('a'..='z').collect();
        rng.shuffle(&mut letters);
        for (n, letter) in letters.into_iter().take(14).enumerate() {
            let name =
                format!("{}{}", if rng.bool() { letter.to_ascii_uppercase() } else { letter }, word(rng));
            if n % 4 == 1 { mixed.folder(&name)? } else { mixed.file(&format!("{name}.txt"), Vec::new())? }
        }

        let mut dated = Listed::new(&home, &word(rng))?;
        for octets in [rng.usize(300..999), rng.usize(20_000..90_000)] {
            dated.file(&format!("{}.txt", word(rng)), noise(rng, octets))?;
        }
        let at = UNIX_EPOCH + Duration::from_secs(JUNE_2013 + rng.u64(..86_400));
        dated.files = dated.files.into_iter().map(|file| file.modified(at)).collect::<io::Result<_>>()?;

        let mut dotted = Listed::new(&home, &word(rng))?;
        dotted.file(&format!("{}.txt", word(rng)), prose(rng, 2..4))?;
        dotted.folder(&word(rng))?;
        let hidden = vec![format!(".{}", word(rng)), format!(".{}.txt", word(rng))];
        dotted.here.folder(&hidden[0])?;
        dotted.here.file(&hidden[1], prose(rng, 2..4))?;
        Ok(Folders { plain, odd, spaced, many, mixed, dated, dotted, hidden })
    }
}

/// What stands behind a word in names that are hard to write into a page.
const ODD: &[&str] =
    &[" 1", "é€", "<kbd>", "&amp;", "\"q\"", "'s", "#2", "?q=1", "%41", "100%", "+1", ";v=2", ":80", "[1]"];
/// Those of them that come out differently when a text is not escaped.
pub const MARKUP: &[&str] = &["<kbd>", "&amp;"];
