//! The book: a chapter for every stage, and no check or place named in it that is not there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use harness::check::{Check, Lab, find};

#[test]
fn every_stage_has_a_chapter_and_a_line_in_the_summary() {
    let summary = prose(&fs::read_to_string(source().join("SUMMARY.md")).expect("a summary"));
    let listed = links(&summary);
    for check in checks() {
        let chapter = chapter(check);
        assert!(source().join(&chapter).is_file(), "{} has no chapter {}", check.id, chapter);
        assert!(listed.contains(&chapter.as_str()), "SUMMARY.md does not list {chapter}");
    }
}

#[test]
fn every_check_is_told_of_in_the_chapter_of_its_stage() {
    for check in checks() {
        let text = fs::read_to_string(source().join(chapter(check))).expect("a chapter");
        assert!(named_checks(&text).contains(check.id), "{} does not tell of {}", chapter(check), check.id);
    }
}

#[test]
fn every_check_the_book_names_exists() {
    for (page, text) in pages() {
        for id in named_checks(&text) {
            assert!(find(&id).is_some(), "{}: there is no check {id}", page.display());
        }
    }
}

#[test]
fn every_relative_link_leads_somewhere() {
    for (page, text) in pages() {
        let text = prose(&text);
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            let path = link.split('#').next().unwrap_or_default();
            let target = page.parent().expect("a page in a folder").join(path);
            assert!(path.is_empty() || target.exists(), "{}: {link} leads nowhere", page.display());
        }
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src")
}

fn checks() -> impl Iterator<Item = &'static Check> {
    Lab::ALL.iter().flat_map(|lab| lab.checks())
}

/// The chapter's path below `book/src`.
fn chapter(check: &Check) -> String {
    let file = check.chapter();
    file.strip_prefix("book/src/").expect("chapters are in book/src").to_owned()
}

/// Every page with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let mut folders = vec![source()];
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the book") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).expect("a page in UTF-8");
                pages.push((path, text));
            }
        }
    }
    pages
}

/// The page without its fenced listings.
fn unfenced(page: &str) -> String {
    let mut fenced = false;
    page.lines().fold(String::new(), |text, line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        if fenced || is_fence { text } else { text + line + "\n" }
    })
}

/// The page without any code.
fn prose(page: &str) -> String {
    unfenced(page).split('`').step_by(2).collect()
}

/// What stands between single backticks and is a check's id by its first word.
fn named_checks(page: &str) -> BTreeSet<String> {
    let groups: BTreeSet<&str> = checks().filter_map(|check| check.id.split('.').next()).collect();
    let is_id = |code: &&str| code.split_once('.').is_some_and(|(group, _)| groups.contains(group));
    unfenced(page).split('`').skip(1).step_by(2).filter(is_id).map(str::to_owned).collect()
}

/// The targets of the links, `[text](target)`.
fn links(prose: &str) -> Vec<&str> {
    prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}
