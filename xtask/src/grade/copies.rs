//! Submissions that are the same program in other words: found by fingerprints, flagged for a person, never judged.
//!
//! Comments, white space, names, numbers and texts make no difference ([`tokens`]). Of all runs of a few tokens some
//! are kept by winnowing (Schleimer, Wilkerson and Aiken, 2003), so that two programs that share a run of
//! [`RUN`] + [`WINDOW`] - 1 tokens share a fingerprint. What the starter gives does not count. What a large part of
//! the class has, everybody writes so; programs that are the same from end to end are found all the same.

mod tokens;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::Result;
use harness::check::Lab;
use serde::{Deserialize, Serialize};

use super::record::Flag;
use super::store;
use crate::workspace;

/// Tokens of a run that is worth a fingerprint.
const RUN: usize = 20;
/// Of so many runs in a row at least one is kept.
const WINDOW: usize = 12;
/// With fewer fingerprints of its own a submission is too short to say anything.
const ENOUGH: usize = 10;
/// What more than so many have, everybody writes.
const COMMON: usize = 50;
/// How many others a submission's flags name.
const NAMED: usize = 3;
/// As [`Flag::Copy`] names the solution.
const REFERENCE: &str = "the reference";

/// The fingerprints of one submission: `results/prints/ID.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prints {
    /// Of the whole program.
    whole: u64,
    /// Of its parts that are not the starter's, sorted.
    own: Vec<u64>,
}

/// What a lab gives, and the solution it is made from.
pub struct Given {
    starter: HashSet<u64>,
    /// Empty where there is no solution, as in a handout.
    reference: Prints,
}

impl Given {
    pub fn of(lab: Lab) -> Self {
        let starter = runs(&folder(&workspace::lab(lab))).into_iter().collect();
        let mut given = Given { starter, reference: Prints::default() };
        given.reference = given.prints(&folder(&workspace::solution(lab)));
        given
    }

    pub fn prints(&self, files: &BTreeMap<String, Vec<u8>>) -> Prints {
        let mut own = BTreeSet::new();
        let mut whole = OFFSET;
        for (path, content) in files {
            let hashes = hashes(path, content);
            whole = hashes.iter().fold(whole, |whole, &hash| mix(whole, hash));
            own.extend(winnow(&hashes).filter(|hash| !self.starter.contains(hash)));
        }
        Prints { whole, own: own.into_iter().collect() }
    }
}

/// Sets the flags of all records in a folder of results anew.
pub fn flag(dir: &Path, lab: Lab, threshold: f64) -> Result<()> {
    let mut sources = BTreeMap::new();
    let mut flagged = BTreeMap::new();
    let mut all = BTreeMap::new();
    for id in store::ids(dir)? {
        let brief = store::brief(dir, &id)?;
        if let Some(prints) = store::prints::<Prints>(dir, &id) {
            all.insert(id.clone(), prints);
        }
        sources.insert(id.clone(), brief.submission.map(|submission| submission.source));
        flagged.insert(id, brief.flags.into_iter().filter(is_copy).collect::<Vec<_>>());
    }
    let mut found = find(&all, &sources, &Given::of(lab).reference, threshold);
    for (id, old) in flagged {
        let flags = found.remove(&id).unwrap_or_default();
        if old != flags {
            let mut record = store::whole(dir, &id)?;
            record.flags.retain(|flag| !is_copy(flag));
            record.flags.extend(flags);
            store::write_record(dir, &record)?;
        }
    }
    Ok(())
}

fn is_copy(flag: &Flag) -> bool {
    matches!(flag, Flag::Copy { .. })
}

/// Who shares how much with whom; whoever handed in the same folder or archive is a group.
fn find(
    all: &BTreeMap<String, Prints>,
    sources: &BTreeMap<String, Option<String>>,
    reference: &Prints,
    threshold: f64,
) -> BTreeMap<String, Vec<Flag>> {
    let long: Vec<(&String, &Prints)> = all.iter().filter(|(_, prints)| prints.own.len() >= ENOUGH).collect();
    let mut by_whole: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, (_, prints)) in long.iter().enumerate() {
        by_whole.entry(prints.whole).or_default().push(at);
    }
    let by_print = holders(&long);
    let mut shared = vec![0_usize; long.len()];
    let mut flags = BTreeMap::new();
    for (at, (id, prints)) in long.iter().enumerate() {
        let share = |count: usize| count as f64 / prints.own.len() as f64;
        let mut met = Vec::new();
        for &other in prints.own.iter().filter_map(|print| by_print.get(print)).flatten() {
            let other = other as usize;
            if shared[other] == 0 {
                met.push(other);
            }
            shared[other] += 1;
        }
        let group = |other: usize| {
            let source = |id: &String| sources.get(id).and_then(Option::as_ref);
            source(id).is_some_and(|mine| source(long[other].0) == Some(mine))
        };
        let mut rated: Vec<(f64, &str)> = met
            .iter()
            .map(|&other| (share(std::mem::take(&mut shared[other])), other))
            .chain(by_whole[&prints.whole].iter().map(|&other| (1.0, other)))
            .filter(|&(share, other)| share >= threshold && other != at && !group(other))
            .map(|(share, other)| (share, long[other].0.as_str()))
            .collect();
        rated.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let mut seen = BTreeSet::new();
        rated.retain(|(_, other)| seen.insert(*other));
        let like_reference =
            prints.own.iter().filter(|print| reference.own.binary_search(print).is_ok()).count();
        let reference = Some((share(like_reference), REFERENCE)).filter(|(share, _)| *share >= threshold);
        let named = reference.into_iter().chain(rated.into_iter().take(NAMED));
        let flag = |(share, with): (f64, &str)| Flag::Copy {
            with: with.to_owned(),
            share: (share * 100.0).round() / 100.0,
        };
        let named: Vec<Flag> = named.map(flag).collect();
        if !named.is_empty() {
            flags.insert((*id).clone(), named);
        }
    }
    flags
}

/// Who has a fingerprint, for those that two have and not everybody.
fn holders(all: &[(&String, &Prints)]) -> HashMap<u64, Vec<u32>> {
    let mut pairs: Vec<(u64, u32)> = Vec::new();
    for (at, (_, prints)) in (0..).zip(all) {
        pairs.extend(prints.own.iter().map(|&print| (print, at)));
    }
    pairs.sort_unstable();
    let shared = pairs.chunk_by(|a, b| a.0 == b.0).filter(|pairs| (2..=COMMON).contains(&pairs.len()));
    shared.map(|pairs| (pairs[0].0, pairs.iter().map(|pair| pair.1).collect())).collect()
}

/// The sources of a folder of ours.
fn folder(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![dir.join("src")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if let (Ok(name), Ok(content)) = (path.strip_prefix(dir), fs::read(&path)) {
                files.insert(name.to_string_lossy().into_owned(), content);
            }
        }
    }
    files
}

fn runs(files: &BTreeMap<String, Vec<u8>>) -> Vec<u64> {
    files.iter().flat_map(|(path, content)| hashes(path, content)).collect()
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, a word at a time: the same in every build.
fn mix(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(0x100_0000_01b3).rotate_left(29)
}

/// One of each run of [`RUN`] tokens, in order.
fn hashes(path: &str, content: &[u8]) -> Vec<u64> {
    let tokens = tokens::of(path, &String::from_utf8_lossy(content));
    tokens.windows(RUN).map(|run| run.iter().fold(OFFSET, |hash, &token| mix(hash, token))).collect()
}

/// The least of each [`WINDOW`] hashes in a row.
fn winnow(hashes: &[u64]) -> impl Iterator<Item = u64> + '_ {
    let window = WINDOW.min(hashes.len()).max(1);
    hashes.windows(window).filter_map(|window| window.iter().copied().min())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> BTreeMap<String, Vec<u8>> {
        BTreeMap::from([("src/main.rs".to_owned(), text.as_bytes().to_vec())])
    }

    fn solution() -> String {
        let files = folder(&workspace::solution(Lab::Lab3));
        files.values().map(|content| String::from_utf8_lossy(content).into_owned()).collect()
    }

    /// Other names, numbers, texts, comments and line breaks.
    fn disguised(text: &str) -> String {
        let text =
            text.replace("packet", "chunk").replace("window", "pane").replace("self.sent", "self.gone");
        let lines = text.lines().map(|line| format!("  {}  // my own idea", line.trim_start()));
        lines.collect::<Vec<_>>().join("\n\n")
    }

    fn flags(programs: &[(&str, &str)]) -> BTreeMap<String, Vec<Flag>> {
        let given = Given::of(Lab::Lab3);
        let prints = |(id, text): &(&str, &str)| ((*id).to_owned(), given.prints(&files(text)));
        find(&programs.iter().map(prints).collect(), &BTreeMap::new(), &given.reference, 0.8)
    }

    fn with(flags: &BTreeMap<String, Vec<Flag>>, id: &str) -> Vec<String> {
        let names = flags.get(id).into_iter().flatten().filter_map(|flag| match flag {
            Flag::Copy { with, .. } => Some(with.clone()),
            _ => None,
        });
        names.collect()
    }

    #[test]
    fn the_reference_in_disguise_is_told() {
        let flags = flags(&[("ada", &disguised(&solution()))]);
        assert_eq!(with(&flags, "ada"), [REFERENCE]);
    }

    #[test]
    fn two_that_share_their_own_work_are_named_each_with_the_other() {
        let own: String = (0..60)
            .map(|n| {
                format!(
                    "fn f{n}(a: &[u8]) -> u{} {{ {} }}\n",
                    8 << (n % 3),
                    "a.len() + ".repeat(n % 7 + 1) + &"if a == b { c } ".repeat(n % 5)
                )
            })
            .collect();
        let other: String = (0..60)
            .map(|n| format!("struct S{n} {{ {} }}\n", "x: Vec<Option<u8>>, ".repeat(n % 9 + 1)))
            .collect();
        let flags = flags(&[("ada", &own), ("bob", &disguised(&own)), ("eve", &other)]);
        assert_eq!(with(&flags, "ada"), ["bob"]);
        assert_eq!(with(&flags, "bob"), ["ada"]);
        assert!(with(&flags, "eve").is_empty());
    }

    #[test]
    fn what_the_starter_gives_is_nobody_s_copy() {
        let given = Given::of(Lab::Lab3);
        let starter = given.prints(&folder(&workspace::lab(Lab::Lab3)));
        assert!(starter.own.is_empty() && given.reference.own.len() > ENOUGH);
    }

    #[test]
    fn a_whole_class_with_one_program_is_found() {
        let text = solution();
        let ids: Vec<String> = (0..50).map(|n| format!("s{n:02}")).collect();
        let class: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), text.as_str())).collect();
        let flags = flags(&class);
        assert_eq!(with(&flags, "s00"), [REFERENCE, "s01", "s02", "s03"]);
    }

    #[test]
    fn winnowing_keeps_one_of_each_window() {
        let hashes: Vec<u64> = (0..100).map(|n| mix(OFFSET, n)).collect();
        let kept: BTreeSet<u64> = winnow(&hashes).collect();
        assert!(hashes.windows(WINDOW).all(|window| window.iter().any(|hash| kept.contains(hash))));
        assert!(kept.len() < hashes.len() / 3);
        assert_eq!(winnow(&hashes[..3]).count(), 1);
        assert_eq!(winnow(&[]).count(), 0);
    }
}
