//! The bank of broken programs: `fixtures/mutants/lab1/slug.toml`, each the solution with one mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use harness::check::{Check, Lab};
use serde::Deserialize;
use toml::Spanned;

/// The most that one mistake with one consequence may cost; what is blocked counts as lost.
const MOST_LOST: u32 = 15;

/// A mistake, as a student would make it.
pub struct Mutant {
    /// The name of its file, without the extension.
    pub slug: String,
    /// The mistake in words.
    pub story: String,
    /// The ids of exactly the checks that must fail; what depends on them is blocked.
    pub caught_by: BTreeSet<String>,
    path: PathBuf,
    edits: Vec<Edit>,
    /// Where the list of `caught_by` stands in the file, brackets included.
    caught_by_at: Range<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    story: String,
    file: Option<PathBuf>,
    find: Option<String>,
    replace: Option<String>,
    #[serde(default)]
    edit: Vec<Edit>,
    caught_by: Spanned<Vec<String>>,
}

/// One place in the solution.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: PathBuf,
    /// Occurs in the file exactly once.
    find: String,
    replace: String,
}

/// The mutants of a lab, by slug.
pub fn read(repository: &Path, lab: Lab) -> Result<Vec<Mutant>> {
    let dir = repository.join("fixtures/mutants").join(lab.name());
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(|| format!("cannot read {}", dir.display()))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.into_iter().map(Mutant::read).collect()
}

impl Mutant {
    fn read(path: PathBuf) -> Result<Self> {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        let form: Form = toml::from_str(&text).with_context(|| format!("{name} is no mutant"))?;
        let mut edits = form.edit;
        match (form.file, form.find, form.replace) {
            (Some(file), Some(find), Some(replace)) => edits.insert(0, Edit { file, find, replace }),
            (None, None, None) if !edits.is_empty() => {}
            _ => bail!("{name} needs `file`, `find` and `replace`, or the same in [[edit]]"),
        }
        let slug = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let caught_by_at = form.caught_by.span();
        Ok(Mutant {
            slug,
            story: form.story,
            caught_by: form.caught_by.into_inner().into_iter().collect(),
            path,
            edits,
            caught_by_at,
        })
    }

    /// The solution's files that this mistake changes, as it leaves them.
    pub fn apply(&self, solution: &Path) -> Result<BTreeMap<PathBuf, String>> {
        let mut changed = BTreeMap::new();
        for Edit { file, find, replace } in &self.edits {
            let text = match changed.remove(file) {
                Some(text) => text,
                None => fs::read_to_string(solution.join(file)).with_context(|| {
                    format!("{}: cannot read the solution's {}", self.slug, file.display())
                })?,
            };
            let found = text.matches(find.as_str()).count();
            ensure!(
                found == 1,
                "{}: `find` is in {} {found} times, not once:\n{find}",
                self.slug,
                file.display()
            );
            changed.insert(file.clone(), text.replacen(find.as_str(), replace, 1));
        }
        Ok(changed)
    }

    /// Writes what caught it into its file; all else there stays as it is.
    pub fn bless(&self, caught_by: &[String]) -> Result<()> {
        let text = fs::read_to_string(&self.path)?;
        let ids: Vec<_> = caught_by.iter().map(|id| format!("{id:?}")).collect();
        let mut list = format!("[{}]", ids.join(", "));
        if list.len() > 90 {
            list = format!("[\n    {},\n]", ids.join(",\n    "));
        }
        let blessed = format!("{}{list}{}", &text[..self.caught_by_at.start], &text[self.caught_by_at.end..]);
        fs::write(&self.path, blessed).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// What is wrong with a bank as it is written: a check that no mutant fails, an id that does not exist, a mistake
/// with one consequence that costs more than [`MOST_LOST`] points. A program that does not listen or answer has
/// nothing to give, so the law is for the stages after the first.
pub fn faults(checks: &[&Check], bank: &[Mutant]) -> Vec<String> {
    let mut faults = Vec::new();
    for Mutant { slug, caught_by, .. } in bank {
        for id in caught_by.iter().filter(|id| checks.iter().all(|check| check.id != **id)) {
            faults.push(format!("{slug} names {id}, which does not exist"));
        }
        if let (Some(id), 1) = (caught_by.first(), caught_by.len()) {
            let waiting = lost_with(checks, id);
            let lost: u32 = waiting.iter().map(|check| check.points).sum();
            // Where nothing listens, or nothing is printed, there is nothing to try.
            let is_basic = checks.iter().any(|check| check.id == *id && check.stage == 1)
                || 2 * waiting.len() > checks.len();
            if lost > MOST_LOST && !is_basic {
                faults.push(format!(
                    "{slug} loses {lost} points by failing {id} alone; {MOST_LOST} is the most"
                ));
            }
        }
    }
    for check in checks.iter().filter(|check| bank.iter().all(|mutant| !mutant.caught_by.contains(check.id)))
    {
        faults.push(format!("no mutant fails {}", check.id));
    }
    faults
}

/// The check itself and all that need it, directly or not.
fn lost_with<'a>(checks: &[&'a Check], id: &str) -> Vec<&'a Check> {
    let mut lost: Vec<&Check> = Vec::new();
    loop {
        let is_lost = |id: &str| lost.iter().any(|check| check.id == id);
        let more = checks.iter().find(|check| {
            !is_lost(check.id) && (check.id == id || check.needs.iter().any(|needed| is_lost(needed)))
        });
        match more {
            Some(check) => lost.push(check),
            None => return lost,
        }
    }
}

/// Keeps the mutants named in `only`; all of them where it is empty.
pub fn select(bank: Vec<Mutant>, only: &[String]) -> Result<Vec<Mutant>> {
    if let Some(unknown) = only.iter().find(|slug| bank.iter().all(|mutant| mutant.slug != **slug)) {
        let slugs: Vec<_> = bank.iter().map(|mutant| mutant.slug.as_str()).collect();
        bail!("there is no mutant {unknown:?}; there are {}", slugs.join(", "));
    }
    Ok(bank.into_iter().filter(|mutant| only.is_empty() || only.contains(&mutant.slug)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    fn mutant(text: &str) -> (tempfile::TempDir, Result<Mutant>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("slow-clock.toml");
        fs::write(&path, text).unwrap();
        fs::write(dir.path().join("lib.rs"), "one();\ntwo();\ntwo();\n").unwrap();
        (dir, Mutant::read(path))
    }

    fn complaint<T>(result: Result<T>) -> String {
        format!("{:#}", result.err().expect("a complaint"))
    }

    #[test]
    fn a_mutant_may_change_several_places() {
        let text = "story = ''\ncaught_by = []\n[[edit]]\nfile = 'lib.rs'\nfind = 'one'\nreplace = 'uno'\n[[edit]]\nfile = 'lib.rs'\nfind = 'uno'\nreplace = 'un'\n";
        let (dir, mutant) = mutant(text);
        let changed = mutant.unwrap().apply(dir.path()).unwrap();
        assert_eq!(changed[Path::new("lib.rs")], "un();\ntwo();\ntwo();\n");
    }

    #[test]
    fn text_that_is_not_there_exactly_once_is_shown_with_the_slug_and_the_file() {
        for (find, times) in [("none", 0), ("two", 2)] {
            let text =
                format!("story = ''\nfile = 'lib.rs'\nfind = '{find}'\nreplace = ''\ncaught_by = []\n");
            let (dir, mutant) = mutant(&text);
            let complaint = complaint(mutant.unwrap().apply(dir.path()));
            assert_eq!(
                complaint,
                format!("slow-clock: `find` is in lib.rs {times} times, not once:\n{find}")
            );
        }
    }

    #[test]
    fn a_malformed_mutant_is_named() {
        let (_dir, mutant) = mutant("story = ''\ncaught_by = []\n");
        assert!(complaint(mutant).contains("slow-clock.toml needs `file`, `find` and `replace`"));
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_line() {
        let (_dir, mutant) = mutant("story = ''\nfile = 'a'\nfnid = 'b'\nreplace = 'c'\ncaught_by = []\n");
        let complaint = complaint(mutant);
        assert!(complaint.contains("slow-clock.toml") && complaint.contains("fnid"), "{complaint}");
    }

    #[test]
    fn blessing_rewrites_the_list_and_nothing_else() {
        let text = "# Kept.\nstory = 'x'\nfile = 'lib.rs'\ncaught_by = [\n  'a.b', # gone\n]\nfind = 'one'\nreplace = ''\n";
        let (_dir, mutant) = mutant(text);
        let mutant = mutant.unwrap();
        mutant.bless(&["web.a".to_owned(), "web.b".to_owned()]).unwrap();
        let blessed = fs::read_to_string(&mutant.path).unwrap();
        assert_eq!(
            blessed,
            "# Kept.\nstory = 'x'\nfile = 'lib.rs'\ncaught_by = [\"web.a\", \"web.b\"]\nfind = 'one'\nreplace = ''\n"
        );
    }

    #[test]
    fn the_banks_are_sound() {
        for lab in Lab::ALL {
            let bank = read(&workspace::root(), *lab).unwrap();
            let checks: Vec<_> = lab.checks().collect();
            assert_eq!(faults(&checks, &bank), Vec::<String>::new());
            for mutant in &bank {
                mutant.apply(&workspace::solution(*lab)).unwrap();
            }
        }
    }
}
