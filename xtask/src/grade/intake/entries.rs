//! What lies in a folder of submissions: one entry a student, and Gradescope's list of who handed in what.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Timestamp;
use saphyr::{LoadableYamlNode, Yaml};

/// Gradescope's export has it next to its folders.
const GRADESCOPE: &str = "submission_metadata.yml";

/// One submission as it was found.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Relative to the folder of submissions.
    pub name: String,
    pub path: PathBuf,
    pub form: Form,
    /// When the file system says it was last changed.
    pub modified: Timestamp,
    /// What Gradescope says of it.
    pub told: Option<Told>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Folder,
    Zip,
    Tar,
    TarGz,
    /// It would lead anywhere.
    Link,
    Other,
}

/// An entry of Gradescope's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Emails, numbers and names of each who handed it in, the surest first.
    pub submitters: Vec<Vec<String>>,
    pub created: Option<Timestamp>,
}

impl Entry {
    /// Its name without the end that tells its form.
    pub fn stem(&self) -> &str {
        let lower = self.name.to_ascii_lowercase();
        let ends = [".tar.gz", ".tgz", ".tar", ".zip"];
        let end = ends.iter().find(|end| self.form != Form::Folder && lower.ends_with(**end));
        let stem = &self.name[..self.name.len() - end.map_or(0, |end| end.len())];
        // A bare clone or a clone by URL.
        if self.form == Form::Folder { stem.strip_suffix(".git").unwrap_or(stem) } else { stem }
    }
}

impl Form {
    fn of_file(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let ends =
            [(".tar.gz", Form::TarGz), (".tgz", Form::TarGz), (".tar", Form::Tar), (".zip", Form::Zip)];
        ends.into_iter().find(|(end, _)| lower.ends_with(end)).map_or(Form::Other, |(_, form)| form)
    }
}

/// The archive in a folder that holds nothing else, as Moodle's do.
pub fn only_archive(entry: &Entry) -> Option<(PathBuf, Form)> {
    if entry.form != Form::Folder {
        return None;
    }
    let mut inside = fs::read_dir(&entry.path).ok()?.flatten();
    let (only, None) = (inside.next()?, inside.next()) else { return None };
    let form = Form::of_file(&only.file_name().to_string_lossy());
    let regular = only.file_type().is_ok_and(|kind| kind.is_file());
    (regular && form != Form::Other).then(|| (only.path(), form))
}

/// All entries by name; hidden files and lists that are no submission aside.
pub fn scan(dir: &Path) -> Result<Vec<Entry>> {
    let told = gradescope(dir)?;
    let mut entries = Vec::new();
    let read =
        fs::read_dir(dir).with_context(|| format!("cannot read the submissions in {}", dir.display()))?;
    for entry in read {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == GRADESCOPE {
            continue;
        }
        // Of the entry itself: no link is followed.
        let facts = entry.metadata()?;
        let form = match facts.file_type() {
            kind if kind.is_symlink() => Form::Link,
            kind if kind.is_dir() => Form::Folder,
            _ => Form::of_file(&name),
        };
        let modified =
            facts.modified().ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_default();
        let told = told.iter().find(|(key, _)| *key == name).map(|(_, told)| told.clone());
        entries.push(Entry { path: entry.path(), name, form, modified, told });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn gradescope(dir: &Path) -> Result<Vec<(String, Told)>> {
    let path = dir.join(GRADESCOPE);
    match fs::read_to_string(&path) {
        Ok(text) => metadata(&text).with_context(|| format!("cannot read {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// `submission_12345: {":submitters": [{":name": …, ":sid": …, ":email": …}], ":created_at": …}`.
fn metadata(text: &str) -> Result<Vec<(String, Told)>> {
    let documents = Yaml::load_from_str(text)?;
    let mapping = documents.first().and_then(Yaml::as_mapping);
    let mut all = Vec::new();
    for (key, value) in mapping.into_iter().flatten() {
        let Some(key) = key.as_str() else { continue };
        let submitters = value.as_mapping_get(":submitters").and_then(Yaml::as_sequence);
        let submitters = submitters.into_iter().flatten().map(words).collect();
        let created = value.as_mapping_get(":created_at").and_then(Yaml::as_str).and_then(moment);
        all.push((key.to_owned(), Told { submitters, created }));
    }
    Ok(all)
}

fn words(submitter: &Yaml<'_>) -> Vec<String> {
    let word = |key| {
        let value = submitter.as_mapping_get(key)?;
        let text = value.as_str().map(str::to_owned);
        text.or_else(|| value.as_integer().map(|number| number.to_string()))
    };
    [":sid", ":email", ":name"].into_iter().filter_map(word).filter(|word| !word.is_empty()).collect()
}

/// Ruby's way to write a time: `2026-11-20 09:30:00.000000000 -08:00`, or `Z`.
fn moment(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once(' ')?;
    let (time, zone) = rest.split_once(' ')?;
    let zone = if zone == "UTC" { "Z" } else { zone };
    format!("{date}T{time}{zone}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradescope_s_list_says_who_handed_in_what_and_when() {
        let text = "---\nsubmission_77:\n  :submitters:\n  - :name: Ada Lovelace\n    :sid: '0042'\n    \
                    :email: ada@x.org\n  - :name: Bob\n    :sid: 43\n    :email: bob@x.org\n  \
                    :created_at: 2026-11-20 09:30:00.000000000 -08:00\n  :score: 3.0\n  :status: processed\n";
        let all = metadata(text).expect("metadata");
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].0, "submission_77");
        let told = &all[0].1;
        assert_eq!(
            told.submitters,
            [vec!["0042", "ada@x.org", "Ada Lovelace"], vec!["43", "bob@x.org", "Bob"]]
        );
        assert_eq!(told.created.map(|time| time.to_string()), Some("2026-11-20T17:30:00Z".to_owned()));
    }
}
