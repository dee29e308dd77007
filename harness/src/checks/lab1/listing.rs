//! Stage 5: directories: the slash at the end, and the page that lists what is there.
//!
//! Links are read as a browser does, HTML-unescaped and resolved, and their names percent-decoded; only what
//! they lead to is judged, not how they are written.

mod details;

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use super::serve::{Server, shared};
use super::site::{File, Folder, noise, prose, word};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{expect_body, expect_status, expect_status_in, syntax_failure};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure, fail};
use crate::wire::html::{Link, Page};
use crate::wire::http::message::Response;
use crate::wire::uri::{self, Reference};

const ANSWERS: &[&str] = &["web.start.answers"];

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.listing.redirect",
        title: "a directory asked for without its slash is redirected to the one with it",
        lab: Lab::Lab1,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §10.2.2",
        why: "Relative links count from the last slash: on the page /docs the link a.html means /a.html, on /docs/ \
              it means /docs/a.html.",
        peers: "Apache, nginx, lighttpd and Python answer 301, busybox 302, caddy 308; Location may be a whole URI \
                or a path.",
        hints: &[
            "If the path is a directory and does not end with a slash: 301, and Location with the slash.",
            "Location is a URI: a name with a space or an é is percent-encoded in it.",
        ],
        run: redirect,
    },
    Check {
        id: "web.listing.page",
        title: "a directory without index.html answers with a page of links to all it holds",
        lab: Lab::Lab1,
        stage: 5,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "The page is text/html, titled \"Index of /dir/\"; it links to the parent directory, to each file, and \
              to each directory with a slash at the end.",
        peers: "Apache's title lacks the last slash, which passes here.",
        hints: &[
            "Read the directory, and write one <a href=\"…\"> an entry.",
            "Do not forget <title>, Content-Type: text/html, the link to ../ and the slash behind directories.",
        ],
        run: page,
    },
    Check {
        id: "web.listing.escaping",
        title: "names with < & \" # ? % and spaces are shown and linked as they are",
        lab: Lab::Lab1,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 3986 §2.1",
        why: "In a link # and ? end the path and % begins an octet, so they are percent-encoded there; in text < and & \
              begin markup, so they are escaped. Else a file's name could run as a script on your page.",
        peers: "",
        hints: &[
            "A name is written twice: percent-encoded into the link, HTML-escaped into the text.",
            "Encode all octets of the name but letters, digits and -._~; with a colon in the first segment begin \
             the link with ./ or encode the colon too.",
        ],
        run: escaping,
    },
    Check {
        id: "web.listing.follow",
        title: "every link of a listing leads to what it names, also among 500 entries",
        lab: Lab::Lab1,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A listing is there to be clicked on: what it writes into a link, the server must understand when it \
              comes back as a request.",
        peers: "",
        hints: &[
            "Are the links relative to the page, or do they begin with the whole path? Mixtures go wrong.",
            "A buffer of fixed size for the page is too small one day.",
        ],
        run: follow,
    },
    Check {
        id: "web.listing.order",
        title: "the entries are sorted by name",
        lab: Lab::Lab1,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A directory is read in the order in which the file system keeps it, which means nothing to anyone. By \
              octets or ignoring case, directories first or among the files: all of these pass.",
        peers: "Apache sorts by octets; nginx and lighttpd put directories first; Python ignores case.",
        hints: &["Collect all entries, sort them, and only then write the page."],
        run: order,
    },
    Check {
        id: "web.listing.details",
        title: "each file's row shows when it was modified and how large it is",
        lab: Lab::Lab1,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "Any form that a person can read passes: 2013-06-17 12:00, 17-Jun-2013, \"11 years ago\"; 48213, 47K, \
              47.1 KiB, 48 kB.",
        peers: "",
        hints: &["The metadata that you have to ask for anyway holds both."],
        run: shows_details,
    },
    Check {
        id: "web.listing.hidden",
        title: "files whose name begins with a dot are not listed",
        lab: Lab::Lab1,
        stage: 5,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "By old custom such names are left out of listings: they are for programs (.git, .env), and often hold \
              what nobody should stumble on.",
        peers: "nginx and lighttpd leave them out, Apache does if IndexIgnore says so; Python's http.server shows \
                them.",
        hints: &["Skip names that begin with a dot, \".\" and \"..\" among them."],
        run: hidden,
    },
];

const MANY: usize = 500;
/// Links of the long listing that are followed.
const SAMPLE: usize = 10;
/// 17 June 2013, 00:00 GMT: in all time zones of that year, and no other number of the date is 13.
const JUNE_2013: u64 = 1_371_427_200;
const YEAR: &str = "2013";

/// What these checks ask for.
pub struct Folders {
    /// Two files and a directory with everyday names, one level below another directory.
    pub plain: Listed,
    odd: Listed,
    many: Listed,
    mixed: Listed,
    dated: Listed,
    dotted: Listed,
    /// What the hidden entries of `dotted` are called.
    hidden: Vec<String>,
}

/// A directory and what is to be seen of it.
pub struct Listed {
    pub target: String,
    here: Folder,
    files: Vec<File>,
    folders: Vec<String>,
}

impl Listed {
    fn new(above: &Folder, name: &str) -> io::Result<Listed> {
        let here = above.folder(name)?;
        Ok(Listed { target: here.target.clone(), here, files: Vec::new(), folders: Vec::new() })
    }

    fn file(&mut self, name: &str, body: Vec<u8>) -> io::Result<()> {
        self.files.push(self.here.file(name, body)?);
        Ok(())
    }

    fn folder(&mut self, name: &str) -> io::Result<()> {
        self.here.folder(name)?;
        self.folders.push(name.to_owned());
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(File::name).chain(self.folders.iter().map(String::as_str))
    }

    fn holds(&self, name: &[u8]) -> bool {
        self.names().any(|known| known.as_bytes() == name)
    }
}

impl Folders {
    pub fn make(top: &Folder, rng: &mut fastrand::Rng) -> io::Result<Folders> {
        let home = top.folder(&word(rng))?;
        let mut plain = Listed::new(&home, &word(rng))?;
        plain.file(&format!("{}.txt", word(rng)), prose(rng, 2..4))?;
        plain.file(&format!("{}.html", word(rng)), prose(rng, 2..4))?;
        plain.folder(&word(rng))?;

        let mut odd = Listed::new(&home, &format!("{} & é", word(rng)))?;
        for special in ODD {
            odd.file(&format!("{}{special}.txt", word(rng)), prose(rng, 2..4))?;
        }
        odd.folder(&format!("{} #1", word(rng)))?;

        let mut many = Listed::new(&home, &word(rng))?;
        for n in 0..MANY {
            many.file(&format!("{}{n}.txt", word(rng)), Vec::new())?;
        }

        let mut mixed = Listed::new(&home, &word(rng))?;
        let mut letters: Vec<char> = ('a'..='z').collect();
        rng.shuffle(&mut letters);
        for (n, letter) in letters.into_iter().take(14).enumerate() {
            let name =
                format!("{}{}", if rng.bool() { letter.to_ascii_uppercase() } else { letter }, word(rng));
            if n % 4 == 1 { mixed.folder(&name)? } else { mixed.file(&format!("{name}.txt"), Vec::new())? }
        }

        let mut dated = Listed::new(&home, &word(rng))?;
        for octets in [rng.usize(300..999), rng.usize(20_000..90_000)] {
            dated.file(&format!("{}.txt", word(rng)), noise(rng, octets))?;
        }
        let at = UNIX_EPOCH + Duration::from_secs(JUNE_2013 + rng.u64(..86_400));
        dated.files = dated.files.into_iter().map(|file| file.modified(at)).collect::<io::Result<_>>()?;

        let mut dotted = Listed::new(&home, &word(rng))?;
        dotted.file(&format!("{}.txt", word(rng)), prose(rng, 2..4))?;
        dotted.folder(&word(rng))?;
        let hidden = vec![format!(".{}", word(rng)), format!(".{}.txt", word(rng))];
        dotted.here.folder(&hidden[0])?;
        dotted.here.file(&hidden[1], prose(rng, 2..4))?;
        Ok(Folders { plain, odd, many, mixed, dated, dotted, hidden })
    }
}

/// What stands behind a word in names that are hard to write into a page.
const ODD: &[&str] =
    &[" 1", "é€", "<kbd>", "&amp;", "\"q\"", "'s", "#2", "?q=1", "%41", "100%", "+1", ";v=2", ":80", "[1]"];
/// Those of them that come out differently when a text is not escaped.
const MARKUP: &[&str] = &["<kbd>", "&amp;"];

/// A listing as a browser understands it.
struct Seen {
    /// As sent, with its parameters.
    media_type: String,
    page: Page,
    body: Vec<u8>,
    entries: Vec<Entry>,
    parent: bool,
}

/// A link to something in the directory.
struct Entry {
    name: Vec<u8>,
    /// The link's path ends with a slash.
    slash: bool,
    /// What a browser asks for.
    target: String,
    link: Link,
}

impl Entry {
    /// All that is to be read in its row.
    fn shown(&self) -> String {
        format!("{} {}", self.link.text, self.link.row)
    }
}

impl Seen {
    fn of(response: Response, listed: &Listed, server: &Server) -> Seen {
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

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name.as_bytes())
    }

    /// Fails unless every entry has a link.
    fn expect_all(&self, listed: &Listed) -> Verdict {
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
fn segments(path: &[u8]) -> Vec<Vec<u8>> {
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

fn list(server: &Server, listed: &Listed) -> Verdict<Seen> {
    let response = server.ask(&server.get(&listed.target))?;
    expect_status(&response, 200).note(format!("{} is a directory without index.html", listed.target))?;
    Ok(Seen::of(response, listed, server))
}

fn redirect(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Folders { plain, odd, .. } = &server.site.folders;
    for (listed, query) in [(plain, ""), (plain, "?x=1"), (odd, "")] {
        let target = format!("{}{query}", listed.target.trim_end_matches('/'));
        let response = server.ask(&server.get(&target))?;
        expect_status_in(&response, &[301, 302, 307, 308])
            .and_then(|()| location(&response, &target, listed))
            .note(format!("the target was {target}, which is a directory"))
            .by_hand("curl -si http://127.0.0.1:8080/dir | grep -i -e HTTP -e location")?;
    }
    Ok(())
}

fn location(response: &Response, target: &str, listed: &Listed) -> Verdict {
    let expected = format!("Location: {}, or the whole URI", listed.target);
    let Some(location) = response.head.fields.get("Location") else {
        return fail(expected, "no Location: the client is told to go, and not where to");
    };
    uri::check_octets(location)
        .map_err(|error| syntax_failure(location, &error))
        .explain(|failure| Failure { expected: expected.clone(), ..failure })?;
    let resolved = uri::resolve(target.as_bytes(), location);
    let path = Reference::split(&resolved).path;
    let right = path.ends_with(b"/") && segments(path) == segments(listed.target.as_bytes());
    ensure(right, expected, format!("Location: {}", String::from_utf8_lossy(location)))
}

fn page(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let listed = &server.site.folders.plain;
    let seen = list(&server, listed)?;
    ensure(
        seen.media_type.to_ascii_lowercase().starts_with("text/html"),
        "Content-Type: text/html",
        format!("Content-Type: {}", seen.media_type),
    )?;
    let title = seen.page.title.clone().unwrap_or_default();
    let wanted = format!("Index of {}", listed.target);
    ensure(
        title.trim_end_matches('/').eq_ignore_ascii_case(wanted.trim_end_matches('/')),
        format!("the title {wanted:?}"),
        if title.is_empty() { "no <title>".to_owned() } else { format!("the title {title:?}") },
    )?;
    seen.expect_all(listed)?;
    let others = seen.entries.iter().find(|entry| !listed.holds(&entry.name));
    if let Some(entry) = others {
        return fail(
            "links to what the directory holds, and to its parent",
            format!("also a link to {:?}", String::from_utf8_lossy(&entry.name)),
        );
    }
    for name in &listed.folders {
        let marked = seen.entry(name).is_some_and(|entry| entry.slash || entry.link.text.ends_with('/'));
        ensure(marked, format!("the directory {name:?} as {name}/"), "no slash behind it")?;
    }
    ensure(seen.parent, "a link to the directory above, such as ../", "none")
}

fn escaping(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let listed = &server.site.folders.odd;
    let seen = list(&server, listed)?;
    seen.expect_all(listed)
        .note("a name is percent-encoded in a link, and then HTML-escaped as an attribute")?;
    for entry in seen.entries.iter().filter(|entry| listed.holds(&entry.name)) {
        let ascii: Vec<u8> = entry.link.href.iter().map(|octet| octet & 0x7f).collect();
        if let Err(error) = uri::check_octets(&ascii).and_then(|()| uri::check_octets(&entry.link.href))
            && entry.link.href[error.offset].is_ascii()
        {
            return Err(syntax_failure(&entry.link.href, &error))
                .explain(|failure| Failure { expected: "a URI in each href".to_owned(), ..failure });
        }
    }
    for name in listed.names() {
        let Some(marked) =
            MARKUP.iter().find_map(|markup| name.find(markup).map(|at| &name[..at + markup.len()]))
        else {
            continue;
        };
        let shown: Vec<String> =
            seen.entries.iter().filter(|entry| entry.name == name.as_bytes()).map(Entry::shown).collect();
        let hidden = shown.iter().any(|text| text.contains(&marked[..8]))
            && !shown.iter().any(|text| text.contains(marked));
        ensure(
            !hidden,
            format!("the name {name:?} is to be read on the page"),
            format!("a browser shows {:?}", shown.join(" ").trim()),
        )
        .note("in text \"<\" is written &lt; and \"&\" is written &amp;")?;
    }
    Ok(())
}

fn follow(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Folders { plain, many, .. } = &server.site.folders;
    let seen = list(&server, plain)?;
    ensure(!seen.entries.is_empty(), "links to follow", "none that leads to an entry")?;
    seen.entries.iter().try_for_each(|entry| lead(&server, plain, entry))?;
    let seen = list(&server, many)?;
    seen.expect_all(many)?;
    (0..SAMPLE).try_for_each(|_| lead(&server, many, &seen.entries[t.rng.usize(..seen.entries.len())]))
}

/// A link that names no entry is not followed: that it does not is the fault of the page.
fn lead(server: &Server, listed: &Listed, entry: &Entry) -> Verdict {
    if !listed.holds(&entry.name) {
        return Ok(());
    }
    let response = server.ask(&server.get(&entry.target))?;
    let file = listed.files.iter().find(|file| file.name().as_bytes() == entry.name);
    // A directory linked without its slash is redirected to it.
    let statuses: &[u16] = if file.is_none() && !entry.slash { &[200, 301, 302, 307, 308] } else { &[200] };
    expect_status_in(&response, statuses)
        .and_then(|()| file.map_or(Ok(()), |file| expect_body(&response, &file.body)))
        .note(format!(
            "the link href=\"{}\" of the listing was followed: GET {}",
            String::from_utf8_lossy(&entry.link.href),
            entry.target
        ))
}

fn order(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let listed = &server.site.folders.mixed;
    let seen = list(&server, listed)?;
    seen.expect_all(listed)?;
    let mut names: Vec<String> = Vec::new();
    for entry in seen.entries.iter().filter(|entry| listed.holds(&entry.name)) {
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let is_file = |name: &String| !listed.folders.contains(name);
    let octets = |name: &String| name.clone();
    let any_case = |name: &String| name.to_ascii_lowercase();
    let sorted = names.is_sorted_by_key(octets)
        || names.is_sorted_by_key(any_case)
        || names.is_sorted_by_key(|name| (is_file(name), octets(name)))
        || names.is_sorted_by_key(|name| (is_file(name), any_case(name)));
    let mut wanted = names.clone();
    wanted.sort();
    ensure(sorted, format!("the entries sorted by name, such as {}", wanted.join(", ")), names.join(", "))
}

fn shows_details(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let listed = &server.site.folders.dated;
    let seen = list(&server, listed)?;
    for file in &listed.files {
        let size = file.body.len();
        let rows = seen.entries.iter().filter(|entry| entry.name == file.name().as_bytes());
        let shown = rows.map(Entry::shown).collect::<Vec<_>>().join(" ");
        let row = format!("its row reads {:?}", shown.trim());
        ensure(
            details::shows_year(&shown, YEAR),
            format!("the date of {} in its row: it was modified on 17 June 2013", file.name()),
            row.clone(),
        )?;
        ensure(
            details::shows_size(&shown, size),
            format!("the size of {} in its row: {size} octets, in any form", file.name()),
            row,
        )?;
    }
    Ok(())
}

fn hidden(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Folders { dotted, hidden, .. } = &server.site.folders;
    let seen = list(&server, dotted)?;
    seen.expect_all(dotted)?;
    let body = String::from_utf8_lossy(&seen.body);
    match hidden.iter().find(|name| body.contains(&name[1..])) {
        Some(name) => fail("no name that begins with a dot", format!("{name:?} is on the page")),
        None => Ok(()),
    }
}
