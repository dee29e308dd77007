//! Links between pages: those of a page to other rooms of the repository, and the names of checks.

use std::path::{Component, Path, PathBuf};

use harness::check::{self, Check, Lab};

use super::markdown::Fences;
use crate::chapter;

/// Where the book has what stands in the repository's root.
const CONTRACTS: &str = "reference/contracts.md";

/// The page without links that lead out of the book, and with links where it names a check.
///
/// `page` is its path below the book's source, `source` the folder from which its links are read: its own, but for
/// an included file.
pub fn resolve(text: &str, page: &Path, source: &Path) -> String {
    let mut resolved = String::new();
    let mut fences = Fences::default();
    for line in text.lines() {
        if fences.is_code(line) || line.starts_with('#') {
            resolved.push_str(line);
        } else {
            resolved.push_str(&named(&leading(line, page, source), page));
        }
        resolved.push('\n');
    }
    resolved
}

/// The page of the reference that lists a lab's checks, below the book's source.
pub fn checks_of(lab: Lab) -> PathBuf {
    PathBuf::from(format!("reference/checks-{lab}.md"))
}

/// A check's place in the chapter of its stage, below the book's source: `lab1/stage-02.md#web-files-binary`.
pub fn place_of(check: &Check) -> String {
    format!("{}#{}", chapter::of(check).display(), chapter::anchor(check))
}

/// From a page to a place, both below the book's source.
pub fn from(page: &Path, place: &str) -> String {
    let up = page.parent().map_or(0, |folder| folder.components().count());
    format!("{}{place}", "../".repeat(up))
}

/// The line with each relative link that leaves the book put right.
fn leading(line: &str, page: &Path, source: &Path) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, behind)) = after.split_once(')') else { break };
        out.push_str(before);
        let (path, anchor) = target.split_once('#').map_or((target, ""), |(path, anchor)| (path, anchor));
        let within = normal(&source.join(path));
        if target.contains("://") || path.is_empty() || within.as_ref().is_some_and(|to| !leaves(to)) {
            out.push_str(&format!("]({target})"));
        } else if path.ends_with("CONTRACTS.md") {
            let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
            out.push_str(&format!("]({})", from(page, &format!("{CONTRACTS}{anchor}"))));
        } else {
            // Its text stays, and says where in the repository that is.
            let open = out.rfind('[').unwrap_or(0);
            out.replace_range(open..=open, "");
            let name = path.trim_start_matches("../");
            if !out[open..].contains(name) {
                out.push_str(&format!(" (`{name}` in the repository)"));
            }
        }
        rest = behind;
    }
    out + rest
}

/// Whether a path below the book's source leads out of it.
fn leaves(path: &Path) -> bool {
    path.components().next() == Some(Component::ParentDir)
}

/// `a/../b` as `b`.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            Component::ParentDir | Component::Normal(_) => normal.push(part),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

/// The line with a link at each check it names; where it tells of one in the chapter of its stage, as an entry.
fn named(line: &str, page: &Path) -> String {
    let mut out = String::new();
    for (index, part) in line.split('`').enumerate() {
        let is_code = index % 2 == 1;
        let found = if is_code { check::find(part) } else { None };
        match found {
            // A link of its own has it already.
            Some(_) if out.ends_with('[') => out.push_str(&format!("`{part}`")),
            Some(check) if out == "- " && page == chapter::of(check) => out = entry(check, page),
            Some(check) if page == checks_of(check.lab) => {
                out.push_str(&format!("[`{part}`](#{})", chapter::anchor(check)))
            }
            Some(check) => {
                let here = page == chapter::of(check);
                let place =
                    if here { format!("#{}", chapter::anchor(check)) } else { from(page, &place_of(check)) };
                out.push_str(&format!("[`{part}`]({place})"));
            }
            None if is_code => out.push_str(&format!("`{part}`")),
            None => out.push_str(part),
        }
    }
    // A lone backtick opens no code.
    if line.matches('`').count() % 2 == 1 { line.to_owned() } else { out }
}

/// How an entry about a check begins in its chapter: with its place and what it is worth.
fn entry(check: &Check, page: &Path) -> String {
    let Check { id, points, .. } = check;
    let unit = if *points == 1 { "point" } else { "points" };
    let anchor = chapter::anchor(check);
    let place = from(page, &format!("{}#{anchor}", checks_of(check.lab).display()));
    let tier = check.tier.name();
    format!(
        "- <a class=\"place\" id=\"{anchor}\"></a>[`{id}`]({place}) <small>({tier}, {points} {unit})</small>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str, page: &str) -> String {
        let page = Path::new(page);
        resolve(text, page, page.parent().unwrap()).trim_end().to_owned()
    }

    #[test]
    fn a_link_that_leaves_the_book_becomes_words() {
        assert_eq!(resolved("[a](../stream.md#b)", "lab1/index.md"), "[a](../stream.md#b)");
        assert_eq!(
            resolved("the [contract](../../../CONTRACTS.md#lab-2-proxy) has", "lab1/index.md"),
            "the [contract](../reference/contracts.md#lab-2-proxy) has"
        );
        assert_eq!(
            resolved("see [how](../../ARCHITECTURE.md) it", "start.md"),
            "see how (`ARCHITECTURE.md` in the repository) it"
        );
    }

    #[test]
    fn a_check_is_a_link_and_in_its_chapter_an_entry() {
        assert_eq!(
            resolved("see `web.start.listens` and `ls`", "stream.md"),
            "see [`web.start.listens`](lab1/stage-01.md#web-start-listens) and `ls`"
        );
        assert!(
            resolved("- `web.start.listens`: starts", "lab1/stage-01.md")
                .starts_with("- <a class=\"place\" id=\"web-start-listens\"></a>[`web.start.listens`](../reference/checks-lab1.md#web-start-listens) <small>(core, ")
        );
    }

    #[test]
    fn code_stays_as_it_is() {
        let page = "```text\n`web.start.listens`\n```";
        assert_eq!(resolved(page, "stream.md"), page);
    }
}
