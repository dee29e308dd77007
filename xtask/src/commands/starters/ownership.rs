//! A lab's folder: whose it is.
//!
//! The generator leaves a digest of every file it writes. A folder that still agrees with its digests is the
//! generator's, to be written anew; any other is a student's. Commits do not enter into it: half-done work is
//! as much the student's when it is committed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::folder::{DIGESTS, Digests, different, digests};

/// The text of the file of digests.
pub fn render(digests: &Digests) -> String {
    let head =
        "# How `cargo xtask starters` left this folder; with any change it is yours, and stays as it is.\n";
    digests
        .iter()
        .fold(head.to_owned(), |text, (path, digest)| format!("{text}{digest} {}\n", path.display()))
}

/// The files that are not as the generator left them: changed, added or deleted. Empty for no folder at all.
pub fn changed(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let left = match fs::read_to_string(dir.join(DIGESTS)) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Digests::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {DIGESTS}")),
    };
    Ok(different(&left, &digests(dir)?))
}

fn parse(text: &str) -> Digests {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(digest, path)| (PathBuf::from(path), digest.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::folder;

    /// A folder of these files, as the generator leaves it.
    fn lab(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = folder(files);
        fs::write(dir.path().join(DIGESTS), render(&digests(dir.path()).unwrap())).unwrap();
        dir
    }

    #[test]
    fn a_fresh_starter_is_the_generators() {
        let lab = lab(&[("Cargo.toml", "[package]"), ("src/main.rs", "fn main() {}")]);
        assert_eq!(changed(lab.path()).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn what_a_build_leaves_does_not_count() {
        let lab = lab(&[("Cargo.toml", "[package]")]);
        fs::create_dir(lab.path().join("target")).unwrap();
        fs::write(lab.path().join("target/out"), "x").unwrap();
        assert_eq!(changed(lab.path()).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn one_edited_one_new_and_one_deleted_file_are_the_students() {
        let lab = lab(&[("a", "1"), ("b", "2"), ("c", "3")]);
        fs::write(lab.path().join("a"), "one").unwrap();
        fs::remove_file(lab.path().join("b")).unwrap();
        fs::write(lab.path().join("d"), "4").unwrap();
        assert_eq!(changed(lab.path()).unwrap(), ["a", "b", "d"].map(PathBuf::from));
    }

    #[test]
    fn a_folder_without_digests_is_the_students() {
        let lab = lab(&[("a", "1")]);
        fs::remove_file(lab.path().join(DIGESTS)).unwrap();
        assert_eq!(changed(lab.path()).unwrap(), [PathBuf::from("a")]);
    }
}
