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
    // ANCHOR: step5_read
    let mut entries = Vec::new();
    for name in sys::names(directory)? {
        if name.starts_with(b".") {
            continue;
        }
        let Ok(metadata) = root.metadata(&target.join(&name)) else {
            continue;
        };
        if !metadata.is_file() && !metadata.is_dir() {
            continue;
        }
        entries.push(Entry {
            name,
            modified: metadata.modified()?,
            size: metadata.is_file().then_some(metadata.len()),
        });
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
    // ANCHOR_END: step5_read
}

/// Writes the page.
pub fn page(target: &Target, entries: &[Entry]) -> String {
    // ANCHOR: step5_page
    let title = escape(&format!(
        "Index of /{}",
        String::from_utf8_lossy(&target.join(b""))
    ));
    let mut page = format!(
        "<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n\
         <table>\n<tr><th>Name</th><th>Last modified</th><th>Size</th></tr>\n"
    );
    let mut row = |link: &str, text: &str, modified: &str, size: &str| {
        writeln!(
            page,
            "<tr><td><a href=\"{link}\">{text}</a></td><td>{modified}</td><td>{size}</td></tr>"
        )
        .expect("a string takes all");
    };
    if !target.path.is_empty() {
        row("../", "Parent Directory", "", "-");
    }
    for entry in entries {
        let slash = if entry.size.is_some() { "" } else { "/" };
        let link = percent_encode(&entry.name) + slash;
        let text = escape(&String::from_utf8_lossy(&entry.name)) + slash;
        let size = entry.size.map_or("-".into(), |size| size.to_string());
        // From "Sun, 06 Nov 1994 08:49:37 GMT" the part from the day to the minute.
        row(&link, &text, &date::format(entry.modified)[5..22], &size);
    }
    page + "</table>\n</body>\n</html>\n"
    // ANCHOR_END: step5_page
}

/// Makes text safe between tags and between quotes.
pub fn escape(text: &str) -> String {
    // ANCHOR: step5_escape
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            other => escaped.push(other),
        }
    }
    escaped
    // ANCHOR_END: step5_escape
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
