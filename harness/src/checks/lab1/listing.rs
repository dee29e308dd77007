//! Stage 5: directories: the slash at the end, and the page that lists what is there.
//!
//! Only what the links lead to is judged, not how they are written.

mod details;
mod folders;
mod seen;

pub use folders::Folders;

use folders::{Listed, MARKUP, YEAR};
use seen::{Entry, Seen, segments};

use super::serve::{Server, shared};
use super::site::ON_DISK;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{expect_body, expect_status, expect_status_in, syntax_failure};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure, fail};
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

/// Links of the long listing that are followed.
const SAMPLE: usize = 10;

fn list(server: &Server, listed: &Listed) -> Verdict<Seen> {
    let response = server.ask(&server.get(&listed.target))?;
    expect_status(&response, 200).note(format!("{} is a directory without index.html", listed.target))?;
    Ok(Seen::of(response, listed, server))
}

fn redirect(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Folders { plain, spaced, .. } = &server.site.folders;
    redirected(&server, plain, "")?;
    for (listed, query) in [(plain, "?x=1"), (spaced, "")] {
        // Whether a query, or a name that is encoded, is understood at all is left to other checks.
        let there = server.ask(&server.get(&format!("{}{query}", listed.target)))?;
        if there.head.status == 200 {
            redirected(&server, listed, query)?;
        }
    }
    Ok(())
}

fn redirected(server: &Server, listed: &Listed, query: &str) -> Verdict {
    let target = format!("{}{query}", listed.target.trim_end_matches('/'));
    let response = server.ask(&server.get(&target))?;
    expect_status_in(&response, &[301, 302, 307, 308])
        .and_then(|()| location(&response, &target, listed))
        .note(format!("the target was {target}, which is a directory"))
        .by_hand("curl -si http://127.0.0.1:8080/dir | grep -i -e HTTP -e location")
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
        .and_then(|()| file.map_or(Ok(()), |file| expect_body(&response, &file.body, ON_DISK)))
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
