//! Folders of files: what is in one, whether two are the same, and how one becomes the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The file of digests that a starter's folder has; it does not count among its files.
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
        if fs::read(to.join(&path)).is_ok_and(|there| there == bytes) {
            continue;
        }
        write(to, &path, &bytes)?;
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

/// FNV-1a, 64 bits: it tells a change, and guards against no one.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A folder of these files.
    pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn a_mirrored_folder_holds_the_same_files_and_keeps_its_build() {
        let from = folder(&[("a", "1"), ("src/b", "2")]);
        let to = folder(&[("a", "0"), ("old", "x"), ("target/out", "built")]);
        mirror(from.path(), to.path()).unwrap();
        assert_eq!(digests(to.path()).unwrap(), digests(from.path()).unwrap());
        assert!(to.path().join("target/out").exists());
    }
}
