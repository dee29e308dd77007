//! What pages have in common: each stage's chapter has the same sections, and each command of the kit that a page
//! shows is one, with options and values that it takes.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
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

#[test]
fn every_command_of_the_kit_that_a_page_shows_is_one() {
    let mut commands = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page in UTF-8");
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("cargo xtask ")) {
            let words = shlex::split(line.split('#').next().unwrap_or_default()).expect("words for a shell");
            if NOT_YET.contains(&words[0].as_str())
                || words.iter().any(|word| PLACES.contains(&word.as_str()))
            {
                continue;
            }
            let shown = || format!("{}: {line}", page.display());
            // Behind `--help` nothing is run, and what stands before it has been read.
            let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
            let help = xtask.args(&words).arg("--help").output().expect("xtask runs");
            assert!(help.status.success(), "{}\n{}", shown(), String::from_utf8_lossy(&help.stderr));
            commands += 1;
        }
    }
    assert!(commands > 20, "{commands} commands: are they found?");
}

/// What stands for something in a line that shows a form.
const PLACES: [&str; 5] = ["DIR", "FORMAT", "FILE", "ID", "LAB"];

/// Told of before they are here.
const NOT_YET: [&str; 1] = ["grade"];

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages =
        vec![root.join("README.md"), root.join("CONTRIBUTING.md"), root.join("fixtures/peers/README.md")];
    for folders in ["book/src", "labs", "solutions"] {
        below(&root.join(folders), &mut pages);
    }
    pages
}

fn below(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            below(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}
