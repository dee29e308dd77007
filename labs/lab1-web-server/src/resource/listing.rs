//! A page that lists a directory, in the manner of Apache.
//!
//! A name is foreign text: it is escaped where it is shown, and percent-encoded where it is a link.

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::time::SystemTime;

use super::target::{Target, percent_encode};
use crate::http::date;
use crate::sys::{self, Root};

/// One row of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: Vec<u8>,
    pub modified: SystemTime,
    /// The length of a file; a directory has none.
    pub size: Option<u64>,
}

/// Reads a directory, sorted by name, without dot-files and without what would not be served:
/// links that lead outside or nowhere, devices and the like.
pub fn read(root: &Root, target: &Target, directory: File) -> io::Result<Vec<Entry>> {
    todo!("step 5: read")
}

/// Writes the page.
pub fn page(target: &Target, entries: &[Entry]) -> String {
    todo!("step 5: page")
}

/// Makes text safe between tags and between quotes.
pub fn escape(text: &str) -> String {
    todo!("step 5: escape")
}

#[cfg(test)]
mod step5 {
    use std::time::UNIX_EPOCH;

    use super::super::target::resolve;
    use super::*;

    fn entry(name: &str, size: Option<u64>) -> Entry {
        Entry {
            name: name.into(),
            modified: UNIX_EPOCH,
            size,
        }
    }

    #[test]
    fn names_are_escaped_as_text_and_encoded_as_links() {
        let page = page(
            &resolve("/a%26b/").unwrap(),
            &[entry("<x>&\"y", Some(7)), entry("sub", None)],
        );
        assert!(page.contains("<title>Index of /a&amp;b/</title>"), "{page}");
        assert!(page.contains(
            "<a href=\"%3Cx%3E%26%22y\">&lt;x&gt;&amp;&quot;y</a></td><td>01 Jan 1970 00:00</td><td>7</td>"
        ), "{page}");
        assert!(
            page.contains("<a href=\"sub/\">sub/</a></td><td>01 Jan 1970 00:00</td><td>-</td>"),
            "{page}"
        );
    }

    #[test]
    fn all_but_the_root_link_to_their_parent() {
        assert!(page(&resolve("/a/").unwrap(), &[]).contains("<a href=\"../\">"));
        assert!(!page(&resolve("/").unwrap(), &[]).contains("<a "));
        assert!(page(&resolve("/").unwrap(), &[]).contains("<title>Index of /</title>"));
    }
}
