//! Where in a submission the program lies, and which of its files are taken.
//!
//! Students hand in the lab's folder, its content, the whole kit, or one of these within a folder of another name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use harness::check::Lab;
use harness::subject::Manifest;
use harness::subject::manifest::FILE_NAME;

use super::super::course::Allowed;
use super::super::judge::Kind;
use super::Refused;
use crate::workspace;

type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Empty, or a folder's path with a `/` behind it.
    pub root: String,
    pub kind: Kind,
}

pub fn find(files: &Files, lab: Lab) -> Result<Found, Refused> {
    if files.is_empty() {
        return Err(Refused::Nothing("there is no file in it".to_owned()));
    }
    let found: Vec<Found> = roots(files).into_iter().filter_map(|root| at(files, root, lab)).collect();
    // The kit has every lab, and in a copy with solutions those too.
    let labs: Vec<&Found> = found.iter().filter(|found| below_labs(&found.root, lab)).collect();
    let least = found.iter().map(|found| depth(&found.root)).min();
    let top: Vec<&Found> = found.iter().filter(|found| Some(depth(&found.root)) == least).collect();
    match (labs.as_slice(), top.as_slice()) {
        ([one], _) | ([], [one]) => Ok(Found { root: one.root.clone(), kind: one.kind }),
        ([], []) => Err(Refused::Nothing(nothing(files, lab))),
        (several @ [_, ..], _) | ([], several) => {
            let roots: Vec<&str> = several.iter().map(|found| found.root.as_str()).collect();
            Err(Refused::Nothing(format!("it has more than one program of {lab}: {}", roots.join(", "))))
        }
    }
}

fn depth(root: &str) -> usize {
    root.matches('/').count()
}

fn below_labs(root: &str, lab: Lab) -> bool {
    let place = format!("labs/{}/", lab.folder());
    root == place || root.ends_with(&format!("/{place}"))
}

/// Every folder that holds a file, as a prefix.
fn roots(files: &Files) -> BTreeSet<&str> {
    let mut roots = BTreeSet::from([""]);
    for path in files.keys() {
        roots.extend(path.match_indices('/').map(|(at, _)| &path[..=at]));
    }
    roots
}

/// What a folder is, if it is a program of this lab.
fn at(files: &Files, root: &str, lab: Lab) -> Option<Found> {
    let has = |path: &str| files.contains_key(&format!("{root}{path}"));
    let kind = if has(FILE_NAME) {
        Kind::Manifest
    } else if binaries(lab).iter().any(|path| has(path)) {
        Kind::Cargo
    } else {
        return None;
    };
    Some(Found { root: root.to_owned(), kind })
}

/// The files by which Cargo knows the programs of a lab.
fn binaries(lab: Lab) -> Vec<String> {
    let of = |&(_, name): &(_, &str)| [format!("src/bin/{name}.rs"), format!("src/bin/{name}/main.rs")];
    lab.programs().iter().flat_map(of).collect()
}

/// What is there instead.
fn nothing(files: &Files, lab: Lab) -> String {
    let other = Lab::ALL.iter().filter(|other| **other != lab).find(|other| {
        let binaries = binaries(**other);
        files.keys().any(|path| binaries.iter().any(|binary| path.ends_with(binary.as_str())))
    });
    match other {
        Some(other) => format!("it is a submission to {other}, and not to {lab}"),
        None => format!("it has neither {} nor {FILE_NAME}", binaries(lab)[0]),
    }
}

/// `src/**`, and a word on what the package asks for besides.
pub fn cargo(files: Files, root: &str, lab: Lab) -> (Files, Vec<String>) {
    let manifest = files.get(&format!("{root}Cargo.toml")).cloned();
    let src = format!("{root}src/");
    let taken: Files = files
        .into_iter()
        .filter(|(path, _)| path.starts_with(&src))
        .map(|(path, content)| (path[root.len()..].to_owned(), content))
        .collect();
    let asks = manifest.and_then(|text| further_dependencies(&text, lab)).unwrap_or_default();
    let notes = if asks.is_empty() {
        Vec::new()
    } else {
        vec![format!("Cargo.toml: the lab's own is taken, without {}", asks.join(", "))]
    };
    (taken, notes)
}

/// Dependencies that the lab's own manifest does not have.
fn further_dependencies(text: &[u8], lab: Lab) -> Option<Vec<String>> {
    let theirs = dependencies(std::str::from_utf8(text).ok()?)?;
    let ours = std::fs::read_to_string(workspace::lab(lab).join("Cargo.toml")).ok()?;
    let ours = dependencies(&ours)?;
    Some(theirs.difference(&ours).cloned().collect())
}

fn dependencies(text: &str) -> Option<BTreeSet<String>> {
    let table: toml::Table = text.parse().ok()?;
    let names = |section: &str| {
        let section = table.get(section).and_then(toml::Value::as_table);
        section.into_iter().flat_map(|section| section.keys().cloned()).collect::<Vec<_>>()
    };
    Some(["dependencies", "build-dependencies"].into_iter().flat_map(names).collect())
}

/// All files next to the manifest and below, if the course allows what it runs.
pub fn manifest(
    files: Files,
    root: &str,
    lab: Lab,
    allowed: &Allowed,
) -> Result<(Files, Vec<String>), Refused> {
    let taken: Files = files
        .into_iter()
        .filter_map(|(path, content)| Some((path.strip_prefix(root)?.to_owned(), content)))
        .collect();
    let text = taken.get(FILE_NAME).map_or(&[][..], Vec::as_slice);
    let text =
        std::str::from_utf8(text).map_err(|_| Refused::Nothing(format!("its {FILE_NAME} is not UTF-8")))?;
    let manifest =
        Manifest::parse(text, Path::new(FILE_NAME)).map_err(|error| Refused::Nothing(error.to_string()))?;
    if manifest.lab != lab {
        return Err(Refused::Nothing(format!("it is a submission to {}, and not to {lab}", manifest.lab)));
    }
    allowed.check(manifest.build.as_deref()).map_err(Refused::Policy)?;
    Ok((taken, Vec::new()))
}
