//! The commands of the kit that the book and the documents show: each is one that the kit takes.
//!
//! All of them are parsed, by the definitions that the kit itself uses. Those that only read (`list`, `explain`) are
//! run by `tests/book.rs`, `check --solution` and the phases of `ci` by the gate, the others by `tests/commands.rs`
//! in some form.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use super::markdown::Fences;
use crate::folder;
use crate::workspace;

const KIT: &str = "cargo xtask ";

/// What stands for something that the reader puts in, and something that he might.
const PLACEHOLDERS: [(&str, &str); 9] = [
    ("ID", "web.files.binary"),
    ("DIR", "."),
    ("DIR/lab1-web-server", "."),
    ("FILE", "report.json"),
    ("FORMAT", "json"),
    ("LAB", "lab1"),
    ("EDITION", "whole"),
    ("N", "1"),
    ("slug", "one-recv"),
];

#[test]
fn every_command_that_is_shown_is_one_that_the_kit_takes() {
    let mut count = 0;
    for (page, text) in pages() {
        for line in commands(&text) {
            let words = shlex::split(&line).unwrap_or_else(|| panic!("{}: {line}", page.display()));
            count += 1;
            // Its name alone, in a sentence.
            if is_name(&words[2..]) {
                continue;
            }
            let words = words.into_iter().skip(1).map(|word| {
                let stands_for = PLACEHOLDERS.iter().find(|(placeholder, _)| *placeholder == word);
                stands_for.map_or(word, |(_, value)| (*value).to_owned())
            });
            if let Err(error) = crate::Command::try_parse_from(words) {
                panic!("{}: {line}\n{error}", page.display());
            }
        }
    }
    assert!(count > 40, "{count} commands were found");
}

#[test]
fn commands_stand_between_backticks_and_in_listings_with_words_behind_them() {
    let text =
        "see `cargo xtask hint ID` and\n```sh\ncargo xtask list lab1   # all\n(cargo xtask doctor)\n```\n";
    assert_eq!(commands(text), ["cargo xtask hint ID", "cargo xtask list lab1", "cargo xtask doctor"]);
}

/// Whether these words are a command's name and nothing else.
fn is_name(words: &[String]) -> bool {
    let root = crate::Command::command();
    words.iter().try_fold(&root, |command, word| command.find_subcommand(word)).is_some()
}

/// The pages of the book, and what else tells how to use the kit.
fn pages() -> Vec<(PathBuf, String)> {
    let root = workspace::root();
    let mut files: Vec<PathBuf> =
        ["README.md", "CONTRACTS.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(PathBuf::from).into();
    for folder in ["book/src", "fixtures/peers", "solutions"] {
        let found = folder::files(&root.join(folder)).expect("a folder");
        files.extend(found.into_iter().map(|file| Path::new(folder).join(file)));
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    let read = |file: PathBuf| (file.clone(), fs::read_to_string(root.join(file)).expect("a page"));
    files.into_iter().map(read).collect()
}

/// The commands of the kit in a page, without what is said of them.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fences = Fences::default();
    for line in text.lines() {
        let is_code = fences.is_code(line) || line.starts_with("    ");
        let pieces: Vec<&str> =
            if is_code { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for piece in pieces.into_iter().filter_map(|piece| Some(piece.split_once(KIT)?.1)) {
            let words = piece.split(" #").next().unwrap_or_default();
            let words = words.trim().trim_end_matches(')').trim_end_matches(" \\");
            if words.starts_with(|c: char| c.is_ascii_lowercase()) {
                found.push(format!("{KIT}{words}"));
            }
        }
    }
    found
}
