//! A submission in a zip or a tar: read entry by entry, nothing unpacked.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use tar::EntryType;
use zip::ZipArchive;
use zip::result::ZipError;

use super::Refused;
use super::collect::{Bounded, Collector, Thing, quoted};

/// Octets of an archive as it is on disk.
const ARCHIVE: u64 = 256 << 20;
/// Octets to which a tar may inflate; what is left out counts.
const INFLATED: u64 = 512 << 20;
/// Text does not shrink to a smaller part than this.
const RATIO: u64 = 200;
/// Below this size no ratio is suspicious.
const SMALL: u64 = 1 << 20;

pub fn read_zip(path: &Path, collector: &mut Collector) -> Result<(), Refused> {
    let mut archive = ZipArchive::new(BufReader::new(open(path)?)).map_err(broken_zip)?;
    if archive.has_duplicate_names() {
        return Err(Refused::Policy("the archive has one name twice".to_owned()));
    }
    if archive.has_overlapping_files().map_err(broken_zip)? {
        return Err(Refused::Policy("files of the archive overlap: a zip bomb".to_owned()));
    }
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(broken_zip)?;
        let (name, encrypted) = (entry.name_raw().to_vec(), entry.encrypted());
        let (packed, size) = (entry.compressed_size(), entry.size());
        let kind = entry.unix_mode().map_or(0, |mode| mode & 0o170_000);
        let thing = match kind {
            _ if entry.is_dir() => Thing::Folder,
            0o120_000 => Thing::Other("a symbolic link"),
            0 | 0o100_000 => Thing::File,
            _ => Thing::Other("no regular file"),
        };
        drop(entry);
        let Some(path) = collector.admit(&name, thing)? else { continue };
        if encrypted {
            return Err(Refused::Policy(format!("its {} is encrypted", quoted(&path))));
        }
        if size > SMALL && size / packed.max(1) > RATIO {
            return Err(Refused::Policy(format!(
                "its {} inflates {} times: a zip bomb",
                quoted(&path),
                size / packed.max(1)
            )));
        }
        collector.keep(path, archive.by_index(at).map_err(broken_zip)?)?;
    }
    Ok(())
}

pub fn read_tar(path: &Path, collector: &mut Collector) -> Result<(), Refused> {
    entries(BufReader::new(open(path)?), collector)
}

pub fn read_tar_gz(path: &Path, collector: &mut Collector) -> Result<(), Refused> {
    entries(MultiGzDecoder::new(BufReader::new(open(path)?)), collector)
}

fn entries(reader: impl Read, collector: &mut Collector) -> Result<(), Refused> {
    let mut archive = tar::Archive::new(Bounded::new(reader, INFLATED));
    let mut any = false;
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        any = true;
        let thing = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Thing::File,
            EntryType::Directory => Thing::Folder,
            EntryType::Symlink => Thing::Other("a symbolic link"),
            EntryType::Link => Thing::Other("a hard link"),
            EntryType::XGlobalHeader => continue,
            _ => Thing::Other("no regular file"),
        };
        let name = entry.path_bytes().into_owned();
        if let Some(path) = collector.admit(&name, thing)? {
            collector.keep(path, entry)?;
        }
    }
    if any { Ok(()) } else { Err(Refused::Nothing("the archive is empty".to_owned())) }
}

/// A regular file of bounded size.
fn open(path: &Path) -> Result<File, Refused> {
    let unreadable = |error: std::io::Error| Refused::Unreadable(format!("{}: {error}", path.display()));
    let file =
        File::options().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    if !facts.is_file() {
        return Err(Refused::Policy("it is no regular file".to_owned()));
    }
    match facts.len() {
        0 => Err(Refused::Nothing("the archive is an empty file".to_owned())),
        length if length > ARCHIVE => {
            Err(Refused::Policy(format!("the archive is larger than {} MiB", ARCHIVE >> 20)))
        }
        _ => Ok(file),
    }
}

fn broken_zip(error: ZipError) -> Refused {
    Refused::Policy(format!("the archive cannot be read: {error}"))
}

fn broken(error: std::io::Error) -> Refused {
    Refused::Policy(format!("the archive cannot be read: {error}"))
}
