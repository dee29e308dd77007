//! Looks in what students may see, a handout above all, for what students are to write themselves.
//!
//! A leak is a region of a solution as a whole, or any [`RUN`] lines in a row of one, in any file: white space and
//! comments aside, and with the escapes of HTML undone. Regions of a line or two that anyone would write alike are
//! no secret.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use harness::check::Lab;

use crate::folder;
use crate::workspace;

/// So many lines of a solution in a row are not written twice by chance.
const RUN: usize = 6;

/// A region with fewer octets of code is not secret.
const SECRET: usize = 60;

/// A text of the handout that shows a part of a solution.
#[derive(Debug, PartialEq, Eq)]
pub struct Leak {
    file: PathBuf,
    region: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shows {}", self.file.display(), self.region)
    }
}

/// An error where what stands in `dir` shows some of a solution.
pub fn refuse(dir: &Path) -> Result<()> {
    let found = search(&workspace::root(), dir)?;
    let list: String = found.iter().map(|leak| format!("\n  {leak}")).collect();
    ensure!(found.is_empty(), "nothing was written, since it would show what students are to write:{list}");
    Ok(())
}

/// What the handout in `dir` shows of the solutions in `repository`.
fn search(repository: &Path, dir: &Path) -> Result<Vec<Leak>> {
    let starters: HashSet<String> = starters(dir)?;
    let mut secrets = Vec::new();
    for lab in Lab::ALL {
        let solution = workspace::solution(*lab);
        for path in
            folder::files(&solution)?.iter().filter(|path| path.extension().is_some_and(|e| e == "rs"))
        {
            let text = read(&solution.join(path))?;
            let place = solution.strip_prefix(repository).unwrap_or(&solution).join(path);
            for (name, lines) in regions(&text) {
                secrets.extend(
                    secret(&lines, &starters)
                        .into_iter()
                        .map(|code| Secret { region: format!("{name} of {}", place.display()), code }),
                );
            }
        }
    }
    let mut found = Vec::new();
    for path in folder::files(dir)? {
        let Ok(text) = fs::read_to_string(dir.join(&path)) else { continue };
        let text = squeezed(&text, path.extension().is_some_and(|extension| extension == "html"));
        for secret in secrets.iter().filter(|secret| text.contains(&secret.code)) {
            let leak = Leak { file: path.clone(), region: secret.region.clone() };
            if !found.contains(&leak) {
                found.push(leak);
            }
        }
    }
    Ok(found)
}

struct Secret {
    region: String,
    /// Squeezed.
    code: String,
}

/// The pieces of a region to look for: the whole of it, and every few lines in a row. What a starter holds anyway is
/// none of them.
fn secret(lines: &[String], starters: &HashSet<String>) -> Vec<String> {
    let whole = lines.concat();
    let runs = lines.windows(RUN).filter(|run| run.iter().any(|line| !starters.contains(line)));
    let mut pieces: Vec<String> = runs.map(|run| run.concat()).collect();
    pieces.push(whole);
    pieces.retain(|piece| piece.len() >= SECRET);
    pieces
}

/// Every line that some starter has.
fn starters(handout: &Path) -> Result<HashSet<String>> {
    let labs = handout.join("labs");
    let mut lines = HashSet::new();
    for path in folder::files(&labs)?.iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        lines.extend(read(&labs.join(path))?.lines().map(|line| squeezed(line, false)));
    }
    Ok(lines)
}

/// Name and lines, squeezed, of what stands between the markers of each step.
fn regions(text: &str) -> Vec<(String, Vec<String>)> {
    let mut regions: Vec<(String, Vec<String>)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let marker = line.trim().strip_prefix("// ").unwrap_or_default();
        if let Some(name) = marker.strip_prefix("ANCHOR: ") {
            open = name.starts_with("step");
            if open {
                regions.push((name.to_owned(), Vec::new()));
            }
        } else if marker.starts_with("ANCHOR_END: ") {
            open = false;
        } else if open && let Some((_, lines)) = regions.last_mut() {
            let line = squeezed(line, false);
            if !line.is_empty() {
                lines.push(line);
            }
        }
    }
    regions
}

/// The code alone: no comment lines and no white space.
fn squeezed(text: &str, html: bool) -> String {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.chars().filter(|letter| !letter.is_whitespace()))
        .collect();
    if !html {
        return code;
    }
    const ESCAPES: [(&str, &str); 6] =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    ESCAPES.iter().fold(code, |code, (escape, letter)| code.replace(escape, letter))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLUTION: &str = "fn f() {\n    // ANCHOR: step1_f\n    let answer = some_function(of_many, arguments);\n    // RFC 1\n    answer.is_as_long_as_it_must_be()\n    // ANCHOR_END: step1_f\n}\n";

    #[test]
    fn a_region_is_found_however_it_is_laid_out() {
        let regions = regions(SOLUTION);
        assert_eq!(regions.len(), 1);
        let secrets = secret(&regions[0].1, &HashSet::new());
        let page = "```rust\nlet answer =\n  some_function(of_many, arguments); \n\n answer.is_as_long_as_it_must_be()\n```\n";
        assert!(secrets.iter().any(|code| squeezed(page, false).contains(code)));
        let page = "<code>let answer = some_function(of_many,\n arguments); answer.is_as_long_as_it_must_be()</code>";
        assert!(secrets.iter().any(|code| squeezed(page, true).contains(code)));
        assert!(!secrets.iter().any(|code| squeezed("let answer = 42;", false).contains(code)));
    }

    #[test]
    fn what_anyone_would_write_is_no_secret() {
        assert_eq!(secret(&["Ok(())".to_owned()], &HashSet::new()), Vec::<String>::new());
    }

    #[test]
    fn lines_in_a_row_are_enough() {
        let lines: Vec<String> = (0..9).map(|n| format!("the_line_of_number({n});")).collect();
        let page = lines[2..8].join("\n");
        assert!(secret(&lines, &HashSet::new()).iter().any(|code| page.replace('\n', "").contains(code)));
        let given = lines.iter().cloned().collect();
        assert_eq!(secret(&lines, &given).len(), 1, "only the whole, where a starter has each line");
    }

    #[test]
    fn each_region_of_each_solution_would_be_found() {
        let handout = tempfile::tempdir().expect("a directory");
        fs::create_dir(handout.path().join("labs")).expect("a folder");
        let root = workspace::root();
        let mut page = String::new();
        let mut secrets = 0;
        for lab in Lab::ALL {
            let solution = workspace::solution(*lab);
            for path in folder::files(&solution)
                .expect("files")
                .iter()
                .filter(|p| p.extension().is_some_and(|e| e == "rs"))
            {
                for (_, lines) in regions(&read(&solution.join(path)).expect("a file")) {
                    secrets += usize::from(lines.concat().len() >= SECRET);
                    page.push_str(&format!("```rust\n{}\n```\n", lines.join("\n  ")));
                }
            }
        }
        fs::write(handout.path().join("page.md"), page).expect("a page");
        let found = search(&root, handout.path()).expect("a search");
        assert!(secrets > 100 && found.len() >= secrets, "{} of {secrets}", found.len());
    }
}
