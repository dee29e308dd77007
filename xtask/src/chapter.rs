//! Where one reads of a check: the chapter of its stage, and the check's place in it.

use std::path::{Path, PathBuf};

use harness::check::{self, Check};
use harness::report::{Outcome, Report};

use crate::workspace;

/// Where a handout has the students' edition.
pub const HANDED_OUT: &str = "book/pages";

/// Where a book may stand, the one with more in it first.
const BOOKS: [&str; 3] = ["target/book/whole", "target/book/students", HANDED_OUT];

/// The chapter, below the book's source: `lab1/stage-02.md`.
pub fn of(check: &Check) -> PathBuf {
    let path = check.chapter();
    PathBuf::from(path.strip_prefix("book/src/").unwrap_or(&path))
}

/// The check's place in a page. With the dots of its id, mdBook would take `ping.stats.mdev` for a file.
pub fn anchor(check: &Check) -> String {
    check.id.replace('.', "-")
}

/// The page with the check's place in it, as one would type it here, if the book has been built.
pub fn page(check: &Check) -> Option<String> {
    page_in(&workspace::root(), check)
}

fn page_in(root: &Path, check: &Check) -> Option<String> {
    let pages = BOOKS.map(|book| root.join(book).join(of(check)).with_extension("html"));
    let page = pages.iter().find(|page| page.is_file())?;
    Some(format!("{}#{}", workspace::shown(page), anchor(check)))
}

/// The report with pages in place of chapters, where the book has been built.
pub fn with_pages(report: &Report) -> Report {
    let mut report = report.clone();
    for row in &mut report.checks {
        let page = check::find(&row.id).and_then(page);
        if let (Some(page), Outcome::Failed { failure } | Outcome::Flaky { failure, .. }) =
            (page, &mut row.outcome)
        {
            failure.chapter = page;
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use std::fs;

    use harness::check::Lab;

    use super::*;

    #[test]
    fn the_page_of_a_check_is_there_once_a_book_has_been_built() {
        let books = tempfile::tempdir().expect("a directory");
        let check = check::find("web.start.listens").expect("a check");
        assert_eq!(page_in(books.path(), check), None);
        for book in ["target/book/students", "target/book/whole"] {
            let folder = books.path().join(book).join("lab1");
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("stage-01.html"), "").expect("a page");
            let page = page_in(books.path(), check).expect("a page");
            assert!(page.ends_with(&format!("{book}/lab1/stage-01.html#web-start-listens")), "{page}");
        }
    }

    #[test]
    fn no_two_checks_have_the_same_place() {
        for lab in Lab::ALL {
            let mut places: Vec<String> = lab.checks().map(anchor).collect();
            places.sort();
            assert!(places.windows(2).all(|pair| pair[0] != pair[1]), "{lab}");
        }
    }
}
