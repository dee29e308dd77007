//! Waits for changes in the book's source.

use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::folder;

/// Calls `changed` after each change of a file below `dir`, and does not return unless it cannot watch. A folder that
/// is made later is not watched.
pub fn changes(dir: &Path, mut changed: impl FnMut()) -> Result<()> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC).context("cannot watch for changes")?;
    let what = AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_MOVED_FROM
        | AddWatchFlags::IN_DELETE;
    let files = folder::files(dir)?;
    let mut folders: Vec<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    folders.dedup();
    for folder in folders {
        let folder = dir.join(folder);
        inotify.add_watch(&folder, what).with_context(|| format!("cannot watch {}", folder.display()))?;
    }
    loop {
        // All that came while it was at work is one change.
        inotify.read_events().context("cannot watch for changes")?;
        changed();
    }
}
