//! One temporary directory a run, which goes with the run, whichever way that ends.
//!
//! The directory itself is the lock (`flock(2)`): one that nobody holds is left over from a run that was killed, and
//! the next run removes it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{Flock, FlockArg};

use super::live;

const PREFIX: &str = "wirelab-run-";

static OPEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A directory of this run, readable by all. Dropping it removes it with all it holds.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: Flock<File>,
}

impl RunDir {
    pub fn new() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        sweep(&parent);
        loop {
            let path =
                tempfile::Builder::new().prefix(PREFIX).disable_cleanup(true).tempdir_in(&parent)?.keep();
            let locked = lock(&path);
            // Another run may just have taken it for a leftover.
            if let Some(lock) = locked
                && path.is_dir()
            {
                fs::set_permissions(&path, Permissions::from_mode(0o755))?;
                OPEN.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
                let dir = Self { path, _lock: lock };
                return if live::aborted() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(dir) };
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A new directory in it, readable by all whatever the umask.
    pub fn subdir(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        Ok(path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.path);
        remove(&self.path);
    }
}

/// Removes the directories of this process, for an end that drops nothing.
pub(super) fn remove_all() {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|path| remove(&path));
}

/// Removes what runs that were killed have left.
fn sweep(parent: &Path) {
    let me = nix::unistd::Uid::effective().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|data| data.is_dir() && data.uid() == me);
        if ours && lock(&entry.path()).is_some() {
            remove(&entry.path());
        }
    }
}

fn lock(path: &Path) -> Option<Flock<File>> {
    Flock::lock(File::open(path).ok()?, FlockArg::LockExclusiveNonblock).ok()
}

/// Again with all permissions, if a directory in it has lost them.
fn remove(path: &Path) {
    if fs::remove_dir_all(path).is_err() {
        unlock(path);
        let _ = fs::remove_dir_all(path);
    }
}

fn unlock(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|data| data.is_dir()) {
        let _ = fs::set_permissions(path, Permissions::from_mode(0o700));
        fs::read_dir(path).into_iter().flatten().flatten().for_each(|entry| unlock(&entry.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_s_directory_is_readable_by_all_and_goes_with_it() {
        let dir = RunDir::new().unwrap();
        let sub = dir.subdir("www").unwrap();
        fs::write(sub.join("a.txt"), "a").unwrap();
        fs::set_permissions(&sub, Permissions::from_mode(0o000)).unwrap();
        let path = dir.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
        drop(dir);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_run_left_is_swept_and_what_lives_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let stale = parent.path().join(format!("{PREFIX}stale"));
        let alive = parent.path().join(format!("{PREFIX}alive"));
        let foreign = parent.path().join("foreign");
        for dir in [&stale, &alive, &foreign] {
            fs::create_dir(dir).unwrap();
        }
        let _held = lock(&alive).unwrap();
        sweep(parent.path());
        assert_eq!([stale.exists(), alive.exists(), foreign.exists()], [false, true, true]);
    }
}
