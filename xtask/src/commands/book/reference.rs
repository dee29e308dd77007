//! The pages to look things up in: checks and clauses from the registry, commands from their definitions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use harness::check::{Basis, Check, Lab};

use super::edition::Edition;
use super::links;
use super::markdown::{self, fenced};
use crate::{chapter, workspace};

/// Every check of a lab, a table a stage.
pub fn checks(lab: Lab, page: &Path) -> String {
    let mut text = String::new();
    let all: Vec<&Check> = lab.checks().collect();
    for stage in all.chunk_by(|a, b| a.stage == b.stage) {
        let number = stage[0].stage;
        let title = lab.stages().get(usize::from(number) - 1).copied().unwrap_or_default();
        let chapter = links::from(page, &chapter::of(stage[0]).display().to_string());
        let points: u32 = stage.iter().map(|check| check.points).sum();
        text +=
            &format!("## Stage {number}: {title}\n\n[The chapter]({chapter}); {points} points in all.\n\n");
        text += "<div class=\"checks\">\n\n| check | tier | points | rule |\n|---|---|---:|---|\n";
        for check in stage {
            let Check { id, title, points, tier, .. } = check;
            let (place, anchor) = (links::from(page, &links::place_of(check)), chapter::anchor(check));
            text += &format!(
                "| <a class=\"place\" id=\"{anchor}\"></a>[`{id}`]({place})<br>{} | {} | {points} | {} |\n",
                cell(title),
                tier.name(),
                cell(&check.authority()),
            );
        }
        text += "\n</div>\n\n";
    }
    text
}

/// Every clause with the checks that cite it, by document.
pub fn clauses(page: &Path) -> String {
    let mut documents: BTreeMap<(u8, u32, String), BTreeMap<Clause, Vec<&Check>>> = BTreeMap::new();
    for check in Lab::ALL.iter().flat_map(|lab| lab.checks()) {
        for part in check.clause.split("; ") {
            let (document, clause) = Clause::read(part);
            documents.entry(document).or_default().entry(clause).or_default().push(check);
        }
    }
    let mut text = String::new();
    for ((_, _, document), clauses) in documents {
        text += &format!("## {document}\n\n");
        for (clause, checks) in clauses {
            let named: Vec<String> = checks
                .iter()
                .map(|check| format!("[`{}`]({})", check.id, links::from(page, &links::place_of(check))))
                .collect();
            let before = clause.link(&document).map(|link| format!("{link}: ")).unwrap_or_default();
            text += &format!("- {before}{}\n", named.join(", "));
        }
        text.push('\n');
    }
    text
}

/// Every command that a reader of this edition has, with its help in full.
pub fn commands(edition: Edition) -> String {
    let mut root = crate::Command::command().term_width(80);
    let is_students = edition == Edition::Students;
    if is_students {
        root = root.mut_subcommands(|command| {
            command.mut_args(|arg| if arg.get_id() == "solution" { arg.hide(true) } else { arg })
        });
    }
    root.build();
    let mut text = String::new();
    let makers = makers();
    let is_had = |name: &str| !(is_students && makers.iter().any(|maker| maker == name));
    for command in root.get_subcommands_mut().filter(|command| is_had(command.get_name())) {
        text += &section(command, "cargo xtask", 2);
    }
    text
}

/// A command's help, and below it that of the commands within it.
fn section(command: &mut clap::Command, before: &str, level: usize) -> String {
    if command.is_hide_set() || command.get_name() == "help" {
        return String::new();
    }
    let name = format!("{before} {}", command.get_name());
    let help = command.render_long_help().to_string();
    let mut text = format!("{} `{name}`\n\n{}\n", "#".repeat(level), fenced("text", &help));
    for inner in command.get_subcommands_mut() {
        text += &section(inner, &name, level + 1);
    }
    text
}

/// The commands that the students' repository does not have, by the region that is cut out for it.
fn makers() -> Vec<String> {
    let region =
        include_str!("../../main.rs").split("ANCHOR: extra_step0_commands").nth(1).unwrap_or_default();
    let lines = region.lines().take_while(|line| !line.contains("ANCHOR_END"));
    lines.filter_map(|line| Some(line.trim().split_once('(')?.0.to_lowercase())).collect()
}

/// The contracts, as they stand in the repository.
pub fn contracts(page: &Path) -> Result<String> {
    let text =
        fs::read_to_string(workspace::root().join("CONTRACTS.md")).context("cannot read CONTRACTS.md")?;
    let root_from_book = Path::new("../..");
    Ok(links::resolve(&text, page, root_from_book))
}

/// A clause within its document: its numbers for the order, and its words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Clause {
    numbers: Vec<u32>,
    words: String,
}

impl Clause {
    /// `RFC 9110 §9.3.2` is §9.3.2 of the document RFC 9110, which comes by its kind and number.
    fn read(part: &str) -> ((u8, u32, String), Clause) {
        if let Some(rest) = part.strip_prefix("RFC ") {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, words) = rest.split_at(digits);
            let words = words.trim_start_matches([',', ' ']).to_owned();
            let first = words.split(',').next().unwrap_or_default();
            let numbers =
                first.trim_start_matches('§').split('.').filter_map(|part| part.parse().ok()).collect();
            return ((0, number.parse().unwrap_or(0), format!("RFC {number}")), Clause { numbers, words });
        }
        let kind = if part.starts_with(Basis::Contract.name()) { 2 } else { 1 };
        ((kind, 0, part.to_owned()), Clause { numbers: Vec::new(), words: String::new() })
    }

    /// The words, leading to the place in the RFC; nothing where the document is all that is cited.
    fn link(&self, document: &str) -> Option<String> {
        if self.words.is_empty() {
            return None;
        }
        let number = document.strip_prefix("RFC ").filter(|_| !self.numbers.is_empty());
        let Some(number) = number else { return Some(self.words.clone()) };
        let section: Vec<String> = self.numbers.iter().map(u32::to_string).collect();
        Some(format!(
            "[{}](https://www.rfc-editor.org/rfc/rfc{number}#section-{})",
            self.words,
            section.join(".")
        ))
    }
}

/// Words within a table.
fn cell(words: &str) -> String {
    markdown::words(words).replace('|', "\\|").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_stands_in_the_tables_and_in_the_map() {
        let map = clauses(Path::new("reference/rfc.md"));
        for lab in Lab::ALL {
            let tables = checks(*lab, Path::new("reference/checks-lab1.md"));
            for check in lab.checks() {
                assert_eq!(
                    tables.matches(&format!("id=\"{}\"", chapter::anchor(check))).count(),
                    1,
                    "{}",
                    check.id
                );
                assert!(map.contains(&format!("[`{}`]", check.id)), "{}", check.id);
            }
        }
    }

    #[test]
    fn clauses_come_in_the_order_of_their_numbers() {
        let map = clauses(Path::new("reference/rfc.md"));
        let place = |words: &str| map.find(words).unwrap_or_else(|| panic!("no {words}"));
        assert!(place("## RFC 792\n") < place("## RFC 9112\n"));
        assert!(
            place("[§6.1](https://www.rfc-editor.org/rfc/rfc9112#section-6.1)")
                < place("rfc9112#section-7.1")
        );
        assert!(place("## RFC 9112\n") < place("## contract, lab 1\n"));
    }

    #[test]
    fn every_command_stands_in_the_reference_with_its_options() {
        let text = commands(Edition::Whole);
        for (command, option) in [("check", "--solution"), ("hint", "--from-start"), ("book", "--edition")] {
            let (_, rest) = text.split_once(&format!("## `cargo xtask {command}`")).expect("a section");
            assert!(rest.split("\n## ").next().is_some_and(|section| section.contains(option)), "{command}");
        }
    }

    #[test]
    fn a_student_is_told_of_the_commands_that_he_has() {
        let (whole, students) = (commands(Edition::Whole), commands(Edition::Students));
        assert!(makers().len() > 4, "{:?}", makers());
        for maker in makers() {
            let heading = format!("## `cargo xtask {maker}`");
            assert!(!students.contains(&heading), "{maker}");
        }
        assert!(whole.contains("## `cargo xtask book`") && whole.contains("### `cargo xtask grade one`"));
        assert!(students.contains("## `cargo xtask check`") && !students.contains("--solution"));
    }
}
