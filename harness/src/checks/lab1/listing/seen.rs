//! A listing as a browser understands it: links HTML-unescaped and resolved, their names percent-decoded.

use super::folders::Listed;
use crate::checks::lab1::serve::Server;
use crate::verdict::{Failure, Verdict};
use crate::wire::html::{Link, Page};
use crate::wire::http::message::Response;
use crate::wire::uri::{self, Reference};

/// A listing as a browser understands it.
pub struct Seen {
    /// As sent, with its parameters.
    pub media_type: String,
    pub page: Page,
    pub body: Vec<u8>,
    pub entries: Vec<Entry>,
    pub parent: bool,
}

/// A link to something in the directory.
pub struct Entry {
    pub name: Vec<u8>,
    /// The link's path ends with a slash.
    pub slash: bool,
    /// What a browser asks for.
    pub target: String,
    pub link: Link,
}

impl Entry {
    /// All that is to be read in its row.
    pub fn shown(&self) -> String {
        format!("{} {}", self.link.text, self.link.row)
    }
}

impl Seen {
    pub fn of(response: Response, listed: &Listed, server: &Server) -> Seen {
        let page = Page::read(&response.body);
        let base = page.base.as_ref().map_or_else(
            || listed.target.clone().into_bytes(),
            |base| uri::resolve(listed.target.as_bytes(), base),
        );
        let here = segments(listed.target.as_bytes());
        let (mut entries, mut parent) = (Vec::new(), false);
        for link in &page.links {
            let target = uri::resolve(&base, &link.href);
            let parts = Reference::split(&target);
            let elsewhere = parts.scheme.is_some_and(|scheme| !scheme.eq_ignore_ascii_case(b"http"))
                || parts.authority.is_some_and(|authority| authority != server.host().as_bytes());
            let path = segments(parts.path);
            match path.strip_prefix(here.as_slice()) {
                _ if elsewhere => {}
                Some([name]) => entries.push(Entry {
                    name: name.clone(),
                    slash: parts.path.ends_with(b"/"),
                    target: as_requested(&parts),
                    link: link.clone(),
                }),
                _ => parent |= path == here[..here.len() - 1],
            }
        }
        let media_type = response.head.fields.text("Content-Type").unwrap_or("none".to_owned());
        Seen { media_type, page, body: response.body, entries, parent }
    }

    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name.as_bytes())
    }

    /// Fails unless every entry has a link.
    pub fn expect_all(&self, listed: &Listed) -> Verdict {
        let missing: Vec<&str> = listed.names().filter(|name| self.entry(name).is_none()).collect();
        let Some(&first) = missing.first() else { return Ok(()) };
        let of = listed.names().count();
        let failure = Failure::new(
            format!("a link to each of the {of} entries, {first:?} among them"),
            format!("no link leads to {first:?}; {} of {of} are missing", missing.len()),
        );
        // Names begin with a word that occurs nowhere else.
        let near = self.page.links.iter().find(|link| {
            [String::from_utf8_lossy(&link.href).as_ref(), link.text.as_str()]
                .iter()
                .any(|text| text.contains(&first[..8.min(first.len())]))
        });
        Err(match near {
            Some(link) => failure.note(self.where_it_leads(link)),
            None => failure,
        }
        .into())
    }

    fn where_it_leads(&self, link: &Link) -> String {
        let href = String::from_utf8_lossy(&link.href);
        match self.entries.iter().find(|entry| entry.link == *link) {
            Some(entry) => {
                format!(
                    "the link href=\"{href}\" leads to {:?} instead",
                    String::from_utf8_lossy(&entry.name)
                )
            }
            None => format!("the link href=\"{href}\" does not lead into this directory"),
        }
    }
}

/// The segments of a path, each percent-decoded; a slash at the end adds none.
pub fn segments(path: &[u8]) -> Vec<Vec<u8>> {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let path = path.strip_suffix(b"/").unwrap_or(path);
    if path.is_empty() {
        return Vec::new();
    }
    path.split(|&octet| octet == b'/').map(uri::percent_decode).collect()
}

/// Browsers encode what a page has left as it is.
fn as_requested(parts: &Reference<'_>) -> String {
    let query = parts.query.map(|query| [b"?", query].concat()).unwrap_or_default();
    [parts.path, &query].concat().iter().fold(String::new(), |target, &octet| match octet {
        b'!' | b'#'..=b';' | b'=' | b'?'..=b'~' => target + char::from(octet).encode_utf8(&mut [0; 4]),
        _ => target + &format!("%{octet:02X}"),
    })
}
