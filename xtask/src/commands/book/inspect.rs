//! The finished pages looked at: every link inside leads somewhere, and none of them scrolls sideways on a telephone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use html5gum::{Token, Tokenizer};

use crate::folder;

/// The width of a small telephone, in pixels of a style sheet.
const TELEPHONE: u32 = 360;

/// mdBook's own page for what is not there, whose links are meant for a web server.
const NOT_FOUND: &str = "404.html";

/// What a page has that others lead to, and what it leads to.
#[derive(Default)]
struct Page {
    ids: BTreeSet<String>,
    links: BTreeSet<String>,
}

/// The links that lead nowhere, each as `page: link`.
pub fn dead_links(book: &Path) -> Result<Vec<String>> {
    let files: BTreeSet<PathBuf> = folder::files(book)?.into_iter().collect();
    let mut pages = BTreeMap::new();
    for file in files.iter().filter(|file| is_html(file)) {
        let text =
            fs::read_to_string(book.join(file)).with_context(|| format!("cannot read {}", file.display()))?;
        pages.insert(file.clone(), read(&text));
    }
    let mut dead = Vec::new();
    for (file, page) in pages.iter().filter(|(file, _)| *file != Path::new(NOT_FOUND)) {
        for link in page.links.iter().filter(|link| !link.contains(':')) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { Some(file.clone()) } else { beside(file, path) };
            let there = target.as_ref().is_some_and(|target| {
                let has_anchor = || pages.get(target).is_some_and(|page| page.ids.contains(anchor));
                files.contains(target) && (anchor.is_empty() || has_anchor())
            });
            if !there {
                dead.push(format!("{}: {link}", file.display()));
            }
        }
    }
    Ok(dead)
}

/// The pages that are wider than a telephone, each with its width; `None` where there is no browser to tell.
pub fn wide_pages(book: &Path) -> Result<Option<Vec<String>>> {
    let pages: Vec<String> = folder::files(book)?
        .iter()
        .filter(|file| is_html(file) && *file != Path::new(NOT_FOUND))
        .map(|file| file.display().to_string())
        .collect();
    let profile = tempfile::tempdir().context("cannot make a directory")?;
    let measure = profile.path().join("measure.html");
    fs::write(&measure, measuring(book, &pages)?).context("cannot write a page")?;
    let mut browser = Command::new("chromium");
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        .args([
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--allow-file-access-from-files",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--virtual-time-budget=600000", "--dump-dom"])
        .arg(&measure)
        .stderr(Stdio::null());
    let shown = match browser.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        shown => shown.context("cannot run chromium")?,
    };
    let shown = String::from_utf8_lossy(&shown.stdout);
    let (_, rest) = shown.split_once("<pre>").context("chromium shows no measures")?;
    let found: Vec<&str> = rest.split("</pre>").next().unwrap_or_default().lines().collect();
    ensure!(found.last() == Some(&"all"), "chromium has measured {} of {} pages", found.len(), pages.len());
    Ok(Some(found[..found.len() - 1].iter().map(|line| (*line).to_owned()).collect()))
}

/// A page that shows each page of the book in a frame as wide as a telephone, and lists those that need more.
fn measuring(book: &Path, pages: &[String]) -> Result<String> {
    let book = book.canonicalize().context("there is no book")?;
    let pages = serde_json::to_string(pages).context("names are text")?;
    Ok(format!(
        "<!DOCTYPE html><title>measure</title><iframe width={TELEPHONE} height=800></iframe><pre></pre><script>
const pages = {pages}, frame = document.querySelector('iframe'), list = document.querySelector('pre');
const next = () => {{
    const page = pages.shift();
    if (page === undefined) {{ list.append('all'); return; }}
    frame.onload = () => {{
        const shown = frame.contentDocument;
        shown.querySelectorAll('details').forEach((fold) => fold.open = true);
        const width = shown.documentElement.scrollWidth;
        if (width > {TELEPHONE}) list.append(`${{page}} is ${{width}} wide\\n`);
        next();
    }};
    frame.src = 'file://{}/' + page;
}};
next();
</script>",
        book.display()
    ))
}

fn is_html(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "html")
}

fn read(text: &str) -> Page {
    let mut page = Page::default();
    for token in Tokenizer::new(text) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        for (name, value) in &tag.attributes {
            let value = String::from_utf8_lossy(value).into_owned();
            match name.as_slice() {
                b"id" => drop(page.ids.insert(value)),
                b"href" | b"src" => drop(page.links.insert(value)),
                _ => {}
            }
        }
    }
    page
}

/// Where a link leads from a page.
fn beside(page: &Path, link: &str) -> Option<PathBuf> {
    let mut target = page.parent()?.to_path_buf();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                if !target.pop() {
                    return None;
                }
            }
            name => target.push(name),
        }
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(pages: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, text) in pages {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a page");
        }
        dir
    }

    #[test]
    fn a_link_leads_to_a_page_and_to_a_place_on_it() {
        let there = book(&[
            (
                "index.html",
                "<a href='lab1/a.html#x'>a</a> <a href='#y'>y</a> <p id=y> <a href='https://example.org/'>out</a>",
            ),
            ("lab1/a.html", "<p id='x'><img src='../index.html'>"),
        ]);
        assert_eq!(dead_links(there.path()).unwrap(), Vec::<String>::new());
        let gone = book(&[
            ("index.html", "<a href='lab1/a.html#z'>a</a> <a href='b.html'>b</a>"),
            ("lab1/a.html", "<a href='../../c.html'>c</a>"),
        ]);
        assert_eq!(
            dead_links(gone.path()).unwrap(),
            ["index.html: b.html", "index.html: lab1/a.html#z", "lab1/a.html: ../../c.html"]
        );
    }

    #[test]
    fn a_page_that_is_wider_than_a_telephone_is_named() {
        let wide = book(&[("a.html", "<p style='width:700px'>a"), ("b.html", "<p>b")]);
        match wide_pages(wide.path()).expect("measures") {
            Some(found) => {
                assert!(matches!(found.as_slice(), [line] if line.starts_with("a.html is 7")), "{found:?}")
            }
            None => eprintln!("not tried: chromium is not installed"),
        }
    }
}
