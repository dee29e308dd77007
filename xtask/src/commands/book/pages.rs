//! From `book/src` to the pages that mdBook sets: directives become what they name, and links lead within the book.
//!
//! A directive stands alone on its line:
//!
//! | directive | becomes |
//! |---|---|
//! | `{{step lab1 3}}` | what step 3 asks for: the starter's code, and the solution's behind a fold |
//! | `{{listing lab1 src/queue.rs step9_push}}` | the item around that region |
//! | `{{failure lab1 one-recv web.parse.bytewise}}` | a mutant's story, its change of the solution, and what the harness says |
//! | `{{said lab1 one-recv web.parse.bytewise steps}}` | what the harness says, from the first step on |
//! | `{{ladder …}}`, `{{machine …}}`, `{{lru}}`, `{{pool}}`, `{{timeline}}` | a drawing: see `figures.rs` |
//! | `{{checks lab1}}`, `{{clauses}}`, `{{commands}}`, `{{contracts}}` | a page of the reference |
//! | `{{whole}}` … `{{students}}` … `{{end}}` | what lies between, in that edition only |

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use harness::check::Lab;

use super::edition::Edition;
use super::failures::Failure;
use super::figures::Figure;
use super::listing::{self, Body};
use super::markdown::{Fences, folded, words};
use super::{generated, links, reference};
use crate::folder;
use crate::{chapter, nearest, workspace};

/// Lists the pages; one that it does not list in an edition is not in that edition.
const SUMMARY: &str = "SUMMARY.md";

/// Writes the pages of an edition below `out`, and what mdBook wants besides.
pub fn write(edition: Edition, out: &Path) -> Result<()> {
    let book = workspace::root().join("book");
    let made = tempfile::tempdir().context("cannot make a directory")?;
    for path in folder::files(&book)?.into_iter().filter(|path| !path.starts_with("src")) {
        let bytes = fs::read(book.join(&path)).with_context(|| format!("cannot read {}", path.display()))?;
        folder::write(made.path(), &path, &bytes)?;
    }
    expand_all(edition, Drawings::Within, &made.path().join("src"))?;
    // mdBook watches nothing that the nearest of these files ignores, and that of the repository ignores all builds.
    fs::write(made.path().join(".gitignore"), "")?;
    // A page that is gone from the source must not stay; what is the same keeps its time, so that nothing is set anew.
    folder::mirror(made.path(), out)
}

/// Writes the chapters of an edition for a reader without a browser, below `out`.
pub fn write_source(edition: Edition, out: &Path) -> Result<()> {
    expand_all(edition, Drawings::Beside, out)?;
    folder::mirror(&generated::place().join("figures"), &out.join("figures"))
}

fn expand_all(edition: Edition, drawings: Drawings, out: &Path) -> Result<()> {
    let source = workspace::root().join("book/src");
    let summary = fs::read_to_string(source.join(SUMMARY)).context("the book has no summary")?;
    let summary = edition.of(&summary).context(SUMMARY)?;
    let stands_in = |path: &Path| !is_page(path) || summary.contains(&format!("({})", path.display()));
    for path in
        folder::files(&source)?.into_iter().filter(|path| path == Path::new(SUMMARY) || stands_in(path))
    {
        let bytes =
            fs::read(source.join(&path)).with_context(|| format!("cannot read {}", path.display()))?;
        if !is_page(&path) {
            folder::write(out, &path, &bytes)?;
            continue;
        }
        let text = String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", path.display()))?;
        let page = Page { edition, drawings, path: &path };
        let text = page.expand(&text).with_context(|| format!("book/src/{}", path.display()))?;
        folder::write(out, &path, text.as_bytes())?;
    }
    Ok(())
}

/// Where drawings stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drawings {
    /// In the page, with its colours.
    Within,
    /// In files of their own.
    Beside,
}

/// A page that is being made.
struct Page<'a> {
    edition: Edition,
    drawings: Drawings,
    /// Below the book's source.
    path: &'a Path,
}

impl Page<'_> {
    fn expand(&self, text: &str) -> Result<String> {
        let text = self.edition.of(text)?;
        let folder = self.path.parent().unwrap_or(Path::new(""));
        // What a directive makes has links of its own, which are right.
        let mut expanded = String::new();
        let mut written = String::new();
        let mut fences = Fences::default();
        for line in text.lines() {
            match Some(line).filter(|line| !fences.is_code(line)).and_then(Directive::read) {
                Some(directive) => {
                    expanded += &links::resolve(&std::mem::take(&mut written), self.path, folder);
                    expanded += &self.made(&directive).with_context(|| line.to_owned())?;
                }
                None => {
                    written += line;
                    written.push('\n');
                }
            }
        }
        expanded += &links::resolve(&written, self.path, folder);
        Ok(expanded)
    }

    fn made(&self, directive: &Directive) -> Result<String> {
        if let Some(failure) = directive.failure()? {
            return if directive.name == "said" { failure.said() } else { failure.told(self.edition) };
        }
        if let Some(figure) = directive.figure()? {
            return match self.drawings {
                Drawings::Within => figure.shown(),
                Drawings::Beside => Ok(figure.linked(self.path)),
            };
        }
        Ok(match (directive.name.as_str(), directive.arguments().as_slice()) {
            ("step", [of, number]) => self.step(lab(of)?, number.parse().context("a step is a number")?)?,
            ("listing", [of, file, region]) => listing::item(lab(of)?, file, region, self.body())?,
            ("checks", [of]) => reference::checks(lab(of)?, self.path),
            ("clauses", []) => reference::clauses(self.path),
            ("commands", []) => reference::commands(self.edition),
            ("contracts", []) => reference::contracts(self.path)?,
            _ => bail!("there is no such directive; `book/pages.rs` lists them"),
        })
    }

    /// The whole book has the solution behind a second fold; the students' has a hint for each check in its place.
    fn step(&self, lab: Lab, number: u32) -> Result<String> {
        let starter = listing::step(lab, number, Body::Starter)?;
        let text = folded(&format!("Step {number} in the starter"), &starter);
        Ok(match self.edition {
            Edition::Whole => {
                let solution = listing::step(lab, number, Body::Solution)?;
                text + &folded(&format!("Step {number} in the solution"), &solution)
            }
            Edition::Students => text + &self.hints(lab),
        })
    }

    /// The first hint of each check of the chapter's stage.
    fn hints(&self, lab: Lab) -> String {
        let checks = lab.checks().filter(|check| chapter::of(check) == self.path);
        let hints: String = checks
            .filter_map(|check| {
                Some(format!(
                    "- [`{}`](#{}): {}\n",
                    check.id,
                    chapter::anchor(check),
                    words(check.hints.first()?)
                ))
            })
            .collect();
        if hints.is_empty() {
            return hints;
        }
        folded(
            "A first hint for each check",
            &format!("{hints}\n`cargo xtask hint ID` goes one step further at each call."),
        )
    }

    fn body(&self) -> Body {
        match self.edition {
            Edition::Whole => Body::Solution,
            Edition::Students => Body::Starter,
        }
    }
}

/// A line of a page that stands for something else.
pub struct Directive {
    name: String,
    arguments: Vec<String>,
}

impl Directive {
    fn read(line: &str) -> Option<Self> {
        let mut words =
            line.trim().strip_prefix("{{")?.strip_suffix("}}")?.split_whitespace().map(str::to_owned);
        Some(Directive { name: words.next()?, arguments: words.collect() })
    }

    fn arguments(&self) -> Vec<&str> {
        self.arguments.iter().map(String::as_str).collect()
    }

    /// The failure that it tells of, if it tells of one.
    pub fn failure(&self) -> Result<Option<Failure<'_>>> {
        match (self.name.as_str(), &self.arguments[..]) {
            ("failure" | "said", [of, slug, id, steps @ ..]) => {
                let check = nearest::check(id).map_err(anyhow::Error::msg)?;
                Ok(Some(Failure { lab: lab(of)?, slug, check, with_steps: steps == ["steps"] }))
            }
            _ => Ok(None),
        }
    }

    /// The drawing that it asks for, if it asks for one.
    pub fn figure(&self) -> Result<Option<Figure>> {
        Ok(Some(match (self.name.as_str(), self.arguments().as_slice()) {
            ("ladder", [id, count @ ..]) if count.len() < 2 => {
                let count = count.first().map_or(Ok(usize::MAX), |count| count.parse());
                Figure::Ladder(
                    nearest::check(id).map_err(anyhow::Error::msg)?,
                    count.context("how many messages is a number")?,
                )
            }
            ("machine", steps) if !steps.is_empty() => {
                let steps = steps.iter().map(|step| step.parse()).collect::<Result<_, _>>();
                Figure::Machine(steps.context("a step is a number")?)
            }
            ("lru", []) => Figure::Lru,
            ("pool", []) => Figure::Pool,
            ("timeline", []) => Figure::Timeline,
            _ => return Ok(None),
        }))
    }
}

fn lab(word: &str) -> Result<Lab> {
    nearest::lab(word).map_err(anyhow::Error::msg)
}

/// Every directive of the source, whichever edition it stands in.
pub fn directives() -> Result<Vec<Directive>> {
    let source = workspace::root().join("book/src");
    let mut all = Vec::new();
    for path in folder::files(&source)?.iter().filter(|path| is_page(path)) {
        let text = fs::read_to_string(source.join(path))
            .with_context(|| format!("cannot read {}", path.display()))?;
        let mut fences = Fences::default();
        all.extend(text.lines().filter(|line| !fences.is_code(line)).filter_map(Directive::read));
    }
    Ok(all)
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(edition: Edition, text: &str) -> Result<String> {
        Page { edition, drawings: Drawings::Within, path: Path::new("lab1/stage-09.md") }.expand(text)
    }

    #[test]
    fn a_listing_shows_a_body_in_the_whole_book_only() {
        let line = "{{listing lab1 src/queue.rs step9_push}}\n";
        assert!(page(Edition::Whole, line).unwrap().contains("notify_one"));
        let students = page(Edition::Students, line).unwrap();
        assert!(students.contains("fn push") && !students.contains("notify_one"));
    }

    #[test]
    fn a_directive_that_makes_no_sense_is_named() {
        let error = page(Edition::Whole, "{{chekcs lab1}}\n").expect_err("no such directive");
        assert!(format!("{error:#}").starts_with("{{chekcs lab1}}: there is no such directive"));
        assert!(page(Edition::Whole, "{{checks lab9}}\n").is_err());
        assert!(page(Edition::Whole, "{{listing lab1 src/queue.rs step9_grab}}\n").is_err());
    }

    #[test]
    fn the_students_source_has_no_directive_left_and_no_option_that_they_lack() {
        let out = tempfile::tempdir().expect("a directory");
        write_source(Edition::Students, out.path()).expect("a source");
        let pages = folder::files(out.path()).expect("pages");
        assert!(!pages.contains(&Path::new("instructor.md").to_path_buf()));
        for page in pages.iter().filter(|page| is_page(page)) {
            let text = fs::read_to_string(out.path().join(page)).expect("a page");
            assert!(!text.lines().any(|line| line.starts_with("{{")), "{}", page.display());
            assert!(!text.contains("--solution"), "{}", page.display());
        }
    }

    #[test]
    fn a_directive_in_a_listing_is_text() {
        let text = "```text\n{{checks lab1}}\n```\n";
        assert_eq!(page(Edition::Whole, text).unwrap(), text);
    }
}
