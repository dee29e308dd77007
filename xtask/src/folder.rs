//! A lab's folder: whose it is, and how a starter gets into it.
//!
//! The generator leaves a digest of every file it writes. A folder that still agrees with its digests is the
//! generator's, to be written anew; any other is a student's. Commits do not enter into it: half-done work is
//! as much the student's when it is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The file of digests, in the lab's folder.
pub const DIGESTS: &str = ".starter";

/// Digest by path.
pub type Digests = BTreeMap<PathBuf, String>;

/// Every file below `dir` except what builds, editors and version control leave there; sorted, relative.
pub fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    fn visit(dir: &Path, below: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
        for entry in fs::read_dir(dir.join(below))? {
            let entry = entry?;
            let (path, name) = (below.join(entry.file_name()), entry.file_name());
            match entry.file_type()?.is_dir() {
                true if name == "target" || name == ".git" || name == ".vscode" || name == ".idea" => {}
                true => visit(dir, &path, found)?,
                false => found.push(path),
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    visit(dir, Path::new(""), &mut found).with_context(|| format!("cannot read {}", dir.display()))?;
    found.sort();
    Ok(found)
}

/// The digests of what is in `dir` now.
pub fn digests(dir: &Path) -> Result<Digests> {
    let digest = |path: PathBuf| {
        let bytes = fs::read(dir.join(&path)).with_context(|| format!("cannot read {}", path.display()))?;
        Ok((path, format!("{:016x}", fnv1a(&bytes))))
    };
    files(dir)?.into_iter().filter(|path| path != Path::new(DIGESTS)).map(digest).collect()
}

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

/// The files in which two folders differ.
pub fn different(left: &Digests, right: &Digests) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        left.keys().chain(right.keys()).filter(|path| left.get(*path) != right.get(*path)).cloned().collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Makes `to` hold what `from` holds. Files that are right already are left alone, so that a build stays warm.
pub fn mirror(from: &Path, to: &Path) -> Result<()> {
    let wanted = files(from)?;
    if to.exists() {
        for stale in files(to)?.iter().filter(|path| !wanted.contains(path)) {
            fs::remove_file(to.join(stale)).with_context(|| format!("cannot remove {}", stale.display()))?;
        }
    }
    for path in wanted {
        let bytes = fs::read(from.join(&path)).with_context(|| format!("cannot read {}", path.display()))?;
        let target = to.join(&path);
        if fs::read(&target).is_ok_and(|there| there == bytes) {
            continue;
        }
        let parent = target.parent().expect("a file below a directory");
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&target, bytes))
            .with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// Writes the file, in folders that are made for it.
pub fn write(out: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let to = out.join(path);
    let parent = to.parent().expect("a file below a directory");
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&to, bytes))
        .with_context(|| format!("cannot write {}", to.display()))
}

/// The first few of `paths`, in one line.
pub fn listed(paths: &[PathBuf]) -> String {
    const FEW: usize = 4;
    let mut names: Vec<_> = paths.iter().take(FEW).map(|path| path.display().to_string()).collect();
    if paths.len() > FEW {
        names.push(format!("and {} more", paths.len() - FEW));
    }
    names.join(", ")
}

fn parse(text: &str) -> Digests {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(digest, path)| (PathBuf::from(path), digest.to_owned()))
        .collect()
}

/// FNV-1a, 64 bits: it tells a change, and guards against no one.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
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

    #[test]
    fn a_mirrored_folder_holds_the_same_files_and_keeps_its_build() {
        let from = lab(&[("a", "1"), ("src/b", "2")]);
        let to = lab(&[("a", "0"), ("old", "x"), ("target/out", "built")]);
        mirror(from.path(), to.path()).unwrap();
        assert_eq!(digests(to.path()).unwrap(), digests(from.path()).unwrap());
        assert_eq!(changed(to.path()).unwrap(), Vec::<PathBuf>::new());
        assert!(to.path().join("target/out").exists());
    }
}
