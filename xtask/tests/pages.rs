//! What pages have in common: each stage's chapter has the same sections.

use std::fs;
use std::path::{Path, PathBuf};

use harness::check::Lab;

/// What every chapter of a stage has, in this order, under these headings.
const SECTIONS: [&str; 8] = [
    "## Predict before you code",
    "## What to write",
    "## How it is tested",
    "## What usually goes wrong",
    "## By hand",
    "## What passing does not prove",
    "## Questions",
    "## What others do",
];

#[test]
fn every_stage_has_the_same_sections_and_folds_its_answers() {
    let stages = pages().into_iter().filter(|page| page.to_string_lossy().contains("/stage-"));
    let mut chapters = 0;
    for page in stages {
        let text = fs::read_to_string(&page).expect("a page in UTF-8");
        let headings = text.lines().filter(|line| SECTIONS.contains(line));
        assert!(headings.eq(SECTIONS), "{}: other sections", page.display());
        let folds = text.matches("<details><summary>Answers</summary>").count();
        assert_eq!(folds, 2, "{}: answers to the predictions, and to the questions", page.display());
        chapters += 1;
    }
    assert_eq!(chapters, Lab::ALL.iter().map(|lab| lab.stages().len()).sum::<usize>());
}

fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src"), &mut pages);
    pages
}

fn below(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            below(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}
