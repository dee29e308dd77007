//! A submission that is a folder or a checkout: walked by open directories, so that no link is ever followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::Refused;
use super::collect::{Collector, Thing};

/// Never follows a link, never waits for the other end of a FIFO, and is not handed on.
const CAREFUL: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_NOFOLLOW).union(OFlag::O_NONBLOCK).union(OFlag::O_CLOEXEC);

/// Folders in a folder; below, nothing is taken.
const DEPTH: usize = 20;

pub fn read(path: &Path, collector: &mut Collector) -> Result<(), Refused> {
    let root = File::options()
        .read(true)
        .custom_flags_of(CAREFUL | OFlag::O_DIRECTORY)
        .open(path)
        .map_err(|error| Refused::Unreadable(format!("{}: {error}", path.display())))?;
    let owner = root.metadata().map_err(unreadable)?.uid();
    walk(root, "", owner, DEPTH, collector)
}

fn walk(
    folder: File,
    name: &str,
    owner: u32,
    depth: usize,
    collector: &mut Collector,
) -> Result<(), Refused> {
    let mut entries = Dir::from_fd(folder.try_clone().map_err(unreadable)?.into()).map_err(unreadable)?;
    let mut names: Vec<OsString> = Vec::new();
    for entry in entries.iter() {
        let entry = entry.map_err(unreadable)?;
        let word = OsStr::from_bytes(entry.file_name().to_bytes());
        if word != "." && word != ".." {
            names.push(word.to_owned());
        }
    }
    names.sort();
    for word in names {
        let path = [name.as_bytes(), word.as_bytes()].join(&b"/"[..usize::from(!name.is_empty())]);
        let opened = openat(folder.as_fd(), word.as_os_str(), CAREFUL, Mode::empty());
        let (thing, file) = match opened {
            Ok(fd) => look(File::from(fd), owner)?,
            Err(nix::errno::Errno::ELOOP) => (Thing::Other("a symbolic link"), None),
            Err(nix::errno::Errno::ENXIO) => (Thing::Other("a socket or a device"), None),
            Err(error) => return Err(Refused::Unreadable(format!("{}: {error}", path.escape_ascii()))),
        };
        let is_folder = thing == Thing::Folder;
        // The name of a folder is looked at with those in it; this one decides whether it is entered at all.
        let asked = if is_folder { Thing::File } else { thing };
        let Some(path) = collector.admit(&path, asked)? else { continue };
        match file {
            Some(file) if is_folder && depth > 0 => walk(file, &path, owner, depth - 1, collector)?,
            Some(_) if is_folder => collector.leave(&path, "it lies too deep"),
            Some(file) => collector.keep(path, file)?,
            None => {}
        }
    }
    Ok(())
}

fn look(file: File, owner: u32) -> Result<(Thing, Option<File>), Refused> {
    let facts = file.metadata().map_err(unreadable)?;
    let kind = facts.file_type();
    Ok(if kind.is_dir() {
        (Thing::Folder, Some(file))
    } else if !kind.is_file() {
        (Thing::Other("no regular file"), None)
    } else if facts.nlink() > 1 && facts.uid() != owner {
        // By such a link a student would hand in a file that the student may not read.
        (Thing::Other("a hard link to somebody else's file"), None)
    } else {
        (Thing::File, Some(file))
    })
}

fn unreadable(error: impl std::fmt::Display) -> Refused {
    Refused::Unreadable(error.to_string())
}

trait CustomFlags {
    fn custom_flags_of(&mut self, flags: OFlag) -> &mut Self;
}

impl CustomFlags for std::fs::OpenOptions {
    fn custom_flags_of(&mut self, flags: OFlag) -> &mut Self {
        use std::os::unix::fs::OpenOptionsExt;
        self.custom_flags(flags.bits())
    }
}
