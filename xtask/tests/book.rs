//! The book: a chapter for every stage, and nothing named or quoted in it that is not there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use harness::check::{Check, Lab, find};
use regex_lite::Regex;

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

/// A failure that a chapter quotes by hand is pinned to the harness's source: what stands between backticks under
/// "What usually goes wrong" and reads as a sentence is part of a text there, with anything for its placeholders.
#[test]
fn every_failure_that_is_quoted_is_one_of_the_harness() {
    let texts = texts_of_the_harness();
    let (mut quotes, mut unsaid) = (0, Vec::new());
    for (page, text) in pages() {
        let text = unfenced(&text);
        let Some((_, section)) = text.split_once("## What usually goes wrong") else { continue };
        let section = section.split("\n## ").next().unwrap_or_default();
        for quote in section.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
            if quote.split_whitespace().count() < 4 || quote.contains(CODE) {
                continue;
            }
            quotes += 1;
            // What an ellipsis touches may be half a word.
            let parts = quote.split('…').map(|part| part.trim_end_matches(|c: char| c != ' ').trim());
            let parts: Vec<&str> = if quote.contains('…') { parts.collect() } else { vec![quote] };
            let is_said = |part: &&str| texts.iter().any(|text| text.has(part));
            if !is_said(&quote) && !parts.iter().all(is_said) {
                unsaid.push(format!("{}: {quote}", page.display()));
            }
        }
    }
    assert!(unsaid.is_empty(), "the harness does not say\n{}", unsaid.join("\n"));
    assert!(quotes > 50, "{quotes} quotes were found");
}

#[test]
fn every_command_shown_that_only_reads_can_be_run() {
    for (page, text) in pages() {
        for line in text.lines().flat_map(|line| line.split("cargo xtask ").skip(1)) {
            let words: Vec<&str> =
                line.split(['`', '#', ')', '\\']).next().unwrap_or_default().split_whitespace().collect();
            let words = match words.as_slice() {
                ["list", words @ ..] => [&["list"], words].concat(),
                ["explain", id] if *id != "ID" => vec!["explain", id],
                _ => continue,
            };
            let ran = Process::new(env!("CARGO_BIN_EXE_xtask")).args(&words).output().expect("xtask runs");
            assert!(ran.status.success() && !ran.stdout.is_empty(), "{}: {words:?}", page.display());
        }
    }
}

/// Only parsed: what a command by hand does, nobody tries here.
#[test]
fn every_listing_for_a_shell_is_one_that_bash_can_read() {
    for (page, text) in pages() {
        for listing in listings(&text, "sh") {
            let read = Process::new("bash").args(["-n", "-c", &listing]).output().expect("bash runs");
            let words = String::from_utf8_lossy(&read.stderr);
            assert!(read.status.success(), "{}: {words}\n{listing}", page.display());
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
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(&path).expect("a page in UTF-8"));
    files(&source(), "md").into_iter().map(read).collect()
}

/// The files below a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                files.push(path);
            }
        }
    }
    files
}

/// Marks that no sentence of a failure has, and code does.
const CODE: [char; 11] = ['=', '(', ')', '|', '"', '{', '}', '<', '>', '[', ']'];

/// A text of the harness, as its source has it.
struct Text {
    plain: String,
    /// What stands between its placeholders.
    certain: Vec<String>,
}

impl Text {
    fn new(plain: String, placeholder: &Regex) -> Self {
        let certain = placeholder.split(&plain).map(str::to_owned).collect();
        Text { plain, certain }
    }

    /// Whether the quote is a part of it, or has all that is certain of it in its order.
    fn has(&self, quote: &str) -> bool {
        const LETTERS: usize = 8;
        let mut rest = Some(quote);
        for certain in &self.certain {
            rest = rest.and_then(|rest| Some(rest.split_once(certain.as_str())?.1));
        }
        let letters: usize = self.certain.iter().map(|certain| certain.trim().len()).sum();
        self.plain.contains(quote) || rest.is_some() && letters >= LETTERS
    }
}

/// The string literals of the harness. A quote between backticks has none in it.
fn texts_of_the_harness() -> Vec<Text> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness/src");
    let literal = Regex::new(r#""(?:[^"\\]|\\(?s:.))*""#).expect("a pattern");
    let continued = Regex::new(r"\\\n\s*").expect("a pattern");
    let placeholder = Regex::new(r"\{[^{}]*\}").expect("a pattern");
    let mut texts = Vec::new();
    for path in files(&source, "rs") {
        let code = fs::read_to_string(&path).expect("code in UTF-8");
        let found = literal.find_iter(&code).map(|found| found.as_str().trim_matches('"').replace('`', ""));
        texts
            .extend(found.map(|text| Text::new(continued.replace_all(&text, "").into_owned(), &placeholder)));
    }
    texts
}

/// The listings of a page in this language.
fn listings(page: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    page.split(&opening).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
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
