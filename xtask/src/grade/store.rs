//! The results of a class on disk, each file written whole or not at all.
//!
//! ```text
//! results/
//!   class.json        the lab, the roster, the rules that were applied
//!   records/ID.json   a Record each
//!   prints/ID.json    its fingerprints, by which copies are found
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use harness::check::Lab;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::record::{self, Flag, Record, Student};

/// The version of `class.json`.
pub const SCHEMA: &str = "wirelab.class/1";

/// Begins the name of a file that is being written.
const UNFINISHED: &str = ".unfinished-";

/// What all records of a class share: `results/class.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    pub lab: Lab,
    /// Everyone on the roster, in its order.
    pub students: Vec<Student>,
    /// Points of a submission without a fault, extensions aside.
    pub points: f64,
    /// The course's rules as they were given, in TOML; empty where there were none.
    pub course: String,
    /// Entries of the folder that are nobody's on the roster, with the reason.
    pub strangers: Vec<String>,
}

pub fn header(dir: &Path) -> Result<Header> {
    let path = dir.join("class.json");
    let header: Header =
        read(&path).with_context(|| format!("{} holds no results of `cargo xtask grade`", dir.display()))?;
    if header.schema != SCHEMA {
        bail!("{} is of the form {}, and this program reads {SCHEMA}", path.display(), header.schema);
    }
    Ok(header)
}

pub fn write_header(dir: &Path, header: &Header) -> Result<()> {
    write(&dir.join("class.json"), header)
}

/// The record of one student, as it must be.
pub fn whole(dir: &Path, id: &str) -> Result<Record> {
    let path = record_path(dir, id);
    let record: Record = read(&path)?;
    if record.schema != record::SCHEMA {
        let (theirs, ours) = (&record.schema, record::SCHEMA);
        bail!("{} is of the form {theirs}, and this program reads {ours}", path.display());
    }
    if record.student.id != id {
        bail!("{} is the record of {}", path.display(), record.student.id);
    }
    Ok(record)
}

/// Whose records are in a folder of results.
pub fn ids(dir: &Path) -> Result<Vec<String>> {
    let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(files(&dir.join("records"))?.into_iter().filter_map(stem).collect())
}

/// What is asked of a record by those who need no more of ten thousand.
#[derive(Deserialize)]
pub struct Brief {
    pub submission: Option<BriefSubmission>,
    pub flags: Vec<Flag>,
}

#[derive(Deserialize)]
pub struct BriefSubmission {
    pub source: String,
}

pub fn brief(dir: &Path, id: &str) -> Result<Brief> {
    read(&record_path(dir, id))
}

/// The record of one student; `None` where there is none, or none that can be read.
pub fn record(dir: &Path, id: &str) -> Option<Record> {
    whole(dir, id).ok()
}

pub fn write_record(dir: &Path, record: &Record) -> Result<()> {
    write(&record_path(dir, &record.student.id), record)
}

/// As [`write_record`], but on the disk only after [`settle`]: for thousands in a row.
pub fn write_record_soon(dir: &Path, record: &Record) -> Result<()> {
    write_value(&record_path(dir, &record.student.id), record, Sync::Later)
}

/// Puts one student's record and fingerprints into another folder, as they are; on the disk after [`settle`].
pub fn copy(from: &Path, to: &Path, id: &str) -> Result<()> {
    whole(from, id)?;
    for folder in ["records", "prints"] {
        let path = |dir: &Path| dir.join(folder).join(format!("{id}.json"));
        match fs::read(path(from)) {
            Ok(octets) => write_octets(&path(to), &octets, Sync::Later)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path(from).display()));
            }
        }
    }
    Ok(())
}

/// Waits until all that was written is on the disk.
pub fn settle(dir: &Path) -> Result<()> {
    let done = File::open(dir).and_then(|folder| Ok(nix::unistd::syncfs(&folder)?));
    done.with_context(|| format!("cannot write {}", dir.display()))
}

/// Fingerprints of a submission.
pub fn prints<T: DeserializeOwned>(dir: &Path, id: &str) -> Option<T> {
    read(&dir.join("prints").join(format!("{id}.json"))).ok()
}

pub fn write_prints<T: Serialize>(dir: &Path, id: &str, prints: &T) -> Result<()> {
    write(&dir.join("prints").join(format!("{id}.json")), prints)
}

/// For a submission of which nothing was taken.
pub fn remove_prints(dir: &Path, id: &str) {
    // What is not there need not go.
    let _ = fs::remove_file(dir.join("prints").join(format!("{id}.json")));
}

fn record_path(dir: &Path, id: &str) -> PathBuf {
    dir.join("records").join(format!("{id}.json"))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let finished = path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."));
        if finished && path.extension().is_some_and(|ext| ext == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let octets = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&octets).with_context(|| format!("{} is damaged", path.display()))
}

static WRITING: Mutex<()> = Mutex::new(());

/// Waits for the file that is being written, and lets none be begun from then on.
pub fn finish_writing() {
    std::mem::forget(WRITING.lock().unwrap_or_else(PoisonError::into_inner));
}

/// When a file must be on the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    Now,
    Later,
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    write_value(path, value, Sync::Now)
}

fn write_value(path: &Path, value: &impl Serialize, sync: Sync) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    // What is there already costs no wait for the disk.
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    write_octets(path, text.as_bytes(), sync)
}

/// Replaces a file by another, both whole at every moment, and both on the disk.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    write_octets(path, text.as_bytes(), Sync::Now)
}

fn write_octets(path: &Path, octets: &[u8], sync: Sync) -> Result<()> {
    let _one_at_a_time = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = path.parent().unwrap_or(Path::new("."));
    replace(path, folder, octets, sync).with_context(|| format!("cannot write {}", path.display()))
}

fn replace(path: &Path, folder: &Path, octets: &[u8], sync: Sync) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(octets)?;
    // Such a file is made for its owner alone; the umask may allow more.
    file.as_file().set_permissions(fs::metadata(folder)?.permissions().readable_file())?;
    if sync == Sync::Now {
        file.as_file().sync_all()?;
    }
    file.persist(path)?;
    if sync == Sync::Now { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A file is as open to others as its folder.
trait ReadableFile {
    fn readable_file(self) -> Self;
}

impl ReadableFile for fs::Permissions {
    fn readable_file(self) -> Self {
        use std::os::unix::fs::PermissionsExt;
        fs::Permissions::from_mode(self.mode() & 0o666)
    }
}
