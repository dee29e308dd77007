//! Stage 13, extension: entity tags and `If-None-Match` (RFC 9110 §8.8.3, §13.1.2).

use std::fmt;
use std::time::{Duration, SystemTime};

use super::exchange::methods;
use super::serve::{Fresh, Server, shared};
use super::site::{File, prose, word};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure, fail};
use crate::wire::bytes;
use crate::wire::http::date::imf_fixdate;
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "ext.etag.not-modified",
        title: "If-None-Match with the file's ETag, in a list or as *, is answered with a 304",
        lab: Lab::Lab1,
        stage: 13,
        tier: Tier::Extension,
        points: 3,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §13.1.2",
        why: "The client names the tags of the copies it holds; if yours is among them, it needs no body. W/ does not \
              count in this comparison (§8.8.3.2), and the 304 carries the ETag again (§15.4.5).",
        peers: "nginx and Apache make the tag of the file's date and size.",
        hints: &[
            "The field holds a list; may a tag itself hold a comma?",
            "Drop W/ on both sides and compare the quoted rest octet for octet, one member after the other.",
        ],
        run: not_modified,
    },
    Check {
        id: "ext.etag.precedence",
        title: "If-Modified-Since is ignored where there is an If-None-Match",
        lab: Lab::Lab1,
        stage: 13,
        tier: Tier::Extension,
        points: 2,
        role: Role::Server,
        needs: &["ext.etag.not-modified"],
        basis: Basis::Must,
        clause: "RFC 9110 §13.1.3",
        why: "A date is good to the second at best, a tag is exact. Clients send both, the date for servers that know \
              no tags; whoever knows tags goes by the tag alone (§13.2.2).",
        peers: "nginx and Apache want both to agree before they answer with a 304.",
        hints: &[
            "In which order do you look at the two fields, and when do you not look at the second at all?",
            "If there is an If-None-Match, it alone decides.",
        ],
        run: precedence,
    },
    Check {
        id: "ext.etag.changes",
        title: "another content has another ETag, and the old tag gets the new content",
        lab: Lab::Lab1,
        stage: 13,
        tier: Tier::Extension,
        points: 2,
        role: Role::Server,
        needs: &["ext.etag.not-modified"],
        basis: Basis::Must,
        clause: "RFC 9110 §8.8.3",
        why: "A tag that stays the same when the content changes pins the old content into every cache. A tag not \
              sure to change with each change has to be marked as weak.",
        peers: "",
        hints: &[
            "What goes into your tag? The length alone does not tell two files of one length apart.",
            "Date and length of the file are usual; a hash of the content is exact.",
        ],
        run: changes,
    },
];

fn not_modified(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let tag = Tag::sent(&server)?;
    let other = format!("\"{}\"", word(&mut t.rng));
    let text = tag.opaque.trim_matches('"');
    let methods = methods(&server)?;
    for (what, value) in [
        ("the tag as it was sent", tag.to_string()),
        ("a list with the tag in it", format!("{other}, {tag},{other}")),
        ("a list with a tag in it that holds a comma", format!("\"{text},\" , {tag}")),
        ("any tag", "*".to_owned()),
        ("the tag, strong and weak exchanged", Tag { weak: !tag.weak, ..tag.clone() }.to_string()),
    ] {
        for method in methods {
            let response = answers(&server, method, &[("If-None-Match", &value)], 304, what)?;
            let again = response.head.fields.text("etag");
            ensure(
                again.as_ref() == Some(&tag.to_string()),
                format!("ETag: {tag} in the 304 too, as in a 200"),
                again.map_or("no ETag".to_owned(), |again| format!("ETag: {again}")),
            )
            .explain(|failure| failure.rule("A 304 repeats the ETag of the 200 (RFC 9110 §15.4.5)."))?;
        }
    }
    for (what, value) in [
        ("another tag", other.clone()),
        ("two other tags", format!("{other}, \"{text}-\"")),
        ("a longer tag, with yours at its end", format!("\"-{text}\"")),
    ] {
        answers(&server, "GET", &[("If-None-Match", &value)], 200, what)?;
    }
    no_body_follows(&server, &tag)
}

fn precedence(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let tag = Tag::sent(&server)?;
    let now = SystemTime::now();
    let unchanged = server
        .ask(&server.get(&server.site.text.target))?
        .head
        .fields
        .text("last-modified")
        .unwrap_or_else(|| imf_fixdate(now));
    let old = imf_fixdate(now - Duration::from_secs(400 * 24 * 3600));
    let other = format!("\"{}\"", word(&mut t.rng));
    for (what, tag, since, status) in [
        ("another tag, and the file's own date", &other, &unchanged, 200),
        ("the file's tag, and a date long before the file's", &tag.to_string(), &old, 304),
    ] {
        answers(&server, "GET", &[("If-None-Match", tag), ("If-Modified-Since", since)], status, what)?;
    }
    Ok(())
}

fn changes(t: &mut Trial) -> Verdict {
    let root = t.dir()?;
    let name = format!("{}.txt", word(&mut t.rng));
    let write = |content: &[u8], date| {
        let file = File::make(&root, &name, content.to_vec()).and_then(|file| file.modified(date));
        file.map_err(|error| Fault::Broken(format!("could not write a file: {error}")))
    };
    let first = prose(&mut t.rng, 5..10);
    let same_length: Vec<u8> = first.iter().rev().copied().collect();
    let longer = [same_length.as_slice(), b"more\n"].concat();
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(t.rng.u64(1_000_000_000..1_600_000_000));
    let later = noon + Duration::from_secs(10);

    let target = write(&first, noon)?.target;
    let server = Fresh::new().root(&root).start(t)?;
    let mut before = server.ask(&server.get(&target))?;
    for (what, content) in [("as long, ten seconds later", same_length), ("longer, of the same date", longer)]
    {
        t.step(format!("gave the file another content: {what}"));
        write(&content, later)?;
        let after = server.ask(&server.get(&target))?;
        // A server may keep its files in memory: then both the content and its tag stay.
        if after.body == before.body {
            continue;
        }
        let (Some(old), Some(new)) = (Tag::of(&before)?, Tag::of(&after)?) else {
            return fail("an ETag in each 200", "one without");
        };
        if old != new {
            let response = server.ask(&server.get(&target).field("If-None-Match", old.to_string()))?;
            expect_status(&response, 200).note(format!("If-None-Match had the old tag, {old} ({what})"))?;
        // A weak tag made of the date is honest about changes within a second.
        } else if !(old.weak && content.len() != before.body.len()) {
            return fail(format!("another ETag than {old} for another content ({what})"), "the same ETag");
        }
        before = after;
    }
    Ok(())
}

/// Asks for the site's text with `fields`, and fails unless the answer has this status.
fn answers(
    server: &Server,
    method: &str,
    fields: &[(&str, &str)],
    status: u16,
    what: &str,
) -> Verdict<Response> {
    let target = &server.site.text.target;
    let request = server.request(method, target);
    let request = fields.iter().fold(request, |request, (name, value)| request.field(name, value));
    let response = server.ask(&request)?;
    if response.head.status == status {
        return Ok(response);
    }
    let lines: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let options: Vec<String> = lines.iter().map(|line| format!("-H '{line}'")).collect();
    Err(Failure::new(
        format!("a {status} to {method} with {} ({what})", lines.join(" and ")),
        format!("status {}", response.head.status),
    )
    .by_hand(format!("curl -s -o /dev/null -D - {} http://127.0.0.1:8080{target}", options.join(" ")))
    .into())
}

/// Behind the 304 comes the next response, or the close: octets of a body would spoil either.
fn no_body_follows(server: &Server, tag: &Tag) -> Verdict {
    let mut conn = server.connect()?;
    let get = server.get(&server.site.text.target);
    conn.ask(&get.clone().field("If-None-Match", tag.to_string()))?;
    let head = server.request("HEAD", &server.site.text.target).close();
    conn.send(head.octets())?;
    match conn.response("HEAD") {
        // A server is free to close after the 304.
        Err(Fault::Failed(failure)) if failure.rule.is_some() => Err(Fault::Failed(failure))
            .note("this came where the next response should begin: does your 304 have a body?"),
        _ => Ok(()),
    }
}

/// An entity tag (RFC 9110 §8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub weak: bool,
    /// With its quotes.
    pub opaque: String,
}

impl Tag {
    /// That of the site's text. Without one the extension is not there.
    fn sent(server: &Server) -> Verdict<Tag> {
        let response = server.ask(&server.get(&server.site.text.target))?;
        Tag::of(&response)?
            .ok_or_else(|| Fault::Skipped("no ETag in a 200: the extension is not there".to_owned()))
    }

    /// The response's, if it has one; a malformed one is a failure.
    pub fn of(response: &Response) -> Verdict<Option<Tag>> {
        let Some(value) = response.head.fields.get("etag") else { return Ok(None) };
        Tag::parse(value).map(Some).ok_or_else(|| {
            Failure::new(
                "an entity tag: characters between double quotes, perhaps with W/ before them",
                format!("ETag: {}", bytes::show(value)),
            )
            .rule("An entity tag is a quoted string of visible characters (RFC 9110 §8.8.3).")
            .into()
        })
    }

    fn parse(value: &[u8]) -> Option<Tag> {
        let (weak, opaque) = match value.strip_prefix(b"W/") {
            Some(opaque) => (true, opaque),
            None => (false, value),
        };
        let text = opaque.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let is_tag_octet = |octet: &u8| matches!(octet, 0x21 | 0x23..=0x7e | 0x80..);
        let opaque = text.iter().all(is_tag_octet).then(|| String::from_utf8_lossy(opaque).into_owned())?;
        Some(Tag { weak, opaque })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.weak { "W/" } else { "" }, self.opaque)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_quoted_and_may_be_weak() {
        for (value, weak) in [("\"a,b!\"", false), ("W/\"\"", true)] {
            let tag = Tag::parse(value.as_bytes()).unwrap();
            assert_eq!((tag.weak, tag.to_string().as_str()), (weak, value));
        }
        for value in ["", "\"", "abc", "'abc'", "w/\"a\"", "\"a b\"", "\"a\"b\"", "\"a\"; x"] {
            assert_eq!(Tag::parse(value.as_bytes()), None, "{value}");
        }
    }
}
