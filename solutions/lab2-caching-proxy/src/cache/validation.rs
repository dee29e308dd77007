//! "Only if it has changed", asked twice (RFC 9111 §4.3, RFC 9110 §13): the proxy asks the origin
//! with what it has stored, and the client asks the proxy with what it has itself.

use super::entry::{Entry, Times};
use crate::http::{Fields, Request, Response, date};

/// Request fields by which a client makes its request conditional on what it has.
const CONDITIONS: [&str; 2] = ["If-None-Match", "If-Modified-Since"];

/// Can the origin be asked whether that is still right, by a request like this? It must want the whole,
/// or the answer would be about a part.
pub fn can_ask(entry: &Entry, request: &Request) -> bool {
    // ANCHOR: step8_can_ask
    let has_validator = ["ETag", "Last-Modified"]
        .iter()
        .any(|name| entry.response.fields.has(name));
    has_validator && request.method == "GET" && !request.fields.has("Range")
    // ANCHOR_END: step8_can_ask
}

/// Makes a request ask whether a stored response is still right, in place of whatever the client
/// asks. Validators go back octet for octet as they came (RFC 9111 §4.3.1).
pub fn ask_for(entry: &Entry, request: &mut Fields) {
    // ANCHOR: step8_ask_for
    for condition in CONDITIONS {
        request.remove(condition);
    }
    let stored = &entry.response.fields;
    if let Some(tag) = stored.get("ETag") {
        request.push("If-None-Match", tag);
    }
    if let Some(modified) = stored.get("Last-Modified") {
        request.push("If-Modified-Since", modified);
    }
    // ANCHOR_END: step8_ask_for
}

/// Is that 304 about the response that is stored (RFC 9111 §4.3.4)? One that names another validator
/// is about something this cache never had.
pub fn is_about(entry: &Entry, not_modified: &Response) -> bool {
    // ANCHOR: step8_is_about
    // STARTER: true // step 8: is about
    let same = |name: &str, equal: fn(&str, &str) -> bool| {
        let ours = entry.response.fields.get(name);
        let theirs = not_modified.fields.get(name);
        Some(equal(ours?, theirs?))
    };
    let exactly = |ours: &str, theirs: &str| ours == theirs;
    same("ETag", weakly_equal)
        .or_else(|| same("Last-Modified", exactly))
        .unwrap_or(true)
    // ANCHOR_END: step8_is_about
}

/// What describes the octets of the stored body, which stay: a 304 that says otherwise is not believed
/// (RFC 9111 §3.2).
const OF_THE_BODY: [&str; 4] = [
    "Content-Length",
    "Content-Encoding",
    "Content-Range",
    "Content-MD5",
];

/// The stored response with what a 304 says anew (RFC 9111 §3.2): each field it has replaces the
/// stored lines of that name.
pub fn freshened(entry: &Entry, not_modified: &Response, times: Times) -> Entry {
    // ANCHOR: step8_freshened
    let mut response = entry.response.clone();
    let news = || {
        let is_news = |&(name, _): &(&str, &str)| {
            !OF_THE_BODY
                .iter()
                .any(|other| name.eq_ignore_ascii_case(other))
        };
        not_modified.fields.iter().filter(is_news)
    };
    for (name, _) in news() {
        response.fields.remove(name); // all of its lines, before the first new one
    }
    for (name, value) in news() {
        response.fields.push(name, value);
    }
    Entry::new(response, entry.body.clone(), times)
    // ANCHOR_END: step8_freshened
}

/// Has the client what is stored already (RFC 9110 §13.2.2, RFC 9111 §4.3.2)? Then it gets a 304.
pub fn client_has(entry: &Entry, request: &Request) -> bool {
    // ANCHOR: step8_client_has
    // STARTER: false // step 8: client has
    let stored = &entry.response.fields;
    if !(200..300).contains(&entry.response.status) {
        return false; // RFC 9110 §13.2.1: there is no condition on another answer
    }
    if request.fields.has("If-None-Match") {
        // RFC 9110 §13.1.3: then If-Modified-Since is not looked at
        let is_ours = |tag| {
            tag == "*"
                || stored
                    .get("ETag")
                    .is_some_and(|ours| weakly_equal(ours, tag))
        };
        return tags(&request.fields).any(is_ours);
    }
    let Some(since) = request
        .fields
        .get("If-Modified-Since")
        .and_then(date::parse)
    else {
        return false;
    };
    let modified = stored.get("Last-Modified").or_else(|| stored.get("Date"));
    modified
        .and_then(date::parse)
        .is_some_and(|modified| modified <= since)
    // ANCHOR_END: step8_client_has
}

/// The members of `If-None-Match`.
fn tags(request: &Fields) -> impl Iterator<Item = &str> {
    request.all("If-None-Match").flat_map(|list| {
        let mut rest = list;
        std::iter::from_fn(move || next_tag(&mut rest))
    })
}

/// Takes a tag off the front of a list. It may hold a comma, so it ends at its second quote.
fn next_tag<'a>(list: &mut &'a str) -> Option<&'a str> {
    // ANCHOR: step8_next_tag
    *list = list.trim_start_matches([' ', '\t', ',']);
    if list.is_empty() {
        return None;
    }
    let opaque = list.strip_prefix("W/").unwrap_or(list);
    let before = list.len() - opaque.len();
    let closing = opaque.strip_prefix('"').and_then(|opaque| opaque.find('"'));
    let end = match closing {
        Some(closing) => before + closing + 2,
        None => list.find(',').unwrap_or(list.len()),
    };
    let (tag, rest) = list.split_at(end);
    *list = rest;
    Some(tag.trim_end())
    // ANCHOR_END: step8_next_tag
}

/// The weak comparison (RFC 9110 §8.8.3.2): weak or strong, if the rest is the same.
fn weakly_equal(one: &str, other: &str) -> bool {
    one.strip_prefix("W/").unwrap_or(one) == other.strip_prefix("W/").unwrap_or(other)
}

/// A 304 made of a stored response: what describes the body stays behind (RFC 9110 §15.4.5).
pub fn not_modified(entry: &Entry) -> Response {
    // ANCHOR: step8_not_modified
    let mut fields = entry.response.fields.clone();
    fields.retain(|name| {
        let name = name.to_ascii_lowercase();
        name == "content-location" || !name.starts_with("content-")
    });
    Response::new(crate::http::Status::NotModified, fields)
    // ANCHOR_END: step8_not_modified
}

#[cfg(test)]
mod step8 {
    use std::time::UNIX_EPOCH;

    use super::super::entry::entry;
    use super::*;

    const EARLY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATE: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

    fn has<const N: usize, const M: usize>(
        stored: [(&str, &str); N],
        asked: [(&str, &str); M],
    ) -> bool {
        client_has(&entry(stored, UNIX_EPOCH), &Request::with("GET", asked))
    }

    #[test]
    fn the_origin_is_asked_with_the_stored_validators() {
        let stored = entry(
            [("ETag", "W/\"a\""), ("Last-Modified", "not even a date")],
            UNIX_EPOCH,
        );
        let mut fields = Fields::from([("if-none-match", "\"mine\""), ("A", "1")]);
        ask_for(&stored, &mut fields);
        let expected = [
            ("A", "1"),
            ("If-None-Match", "W/\"a\""),
            ("If-Modified-Since", "not even a date"),
        ];
        assert_eq!(fields, expected.into());
    }

    #[test]
    fn a_client_that_has_the_tag_has_the_response() {
        let stored = [("ETag", "\"a,b\""), ("Last-Modified", LATE)];
        for tags in ["\"a,b\"", "\"x\", W/\"a,b\"", "*", "\"x\",\"a,b\" , \"y\""] {
            assert!(has(stored, [("If-None-Match", tags)]), "{tags}");
        }
        for tags in ["\"a\"", "a", "", "\"x\", \"y\"", "\"a,b"] {
            assert!(!has(stored, [("If-None-Match", tags)]), "{tags}");
        }
    }

    #[test]
    fn the_tag_comes_before_the_date() {
        let stored = [("ETag", "\"a\""), ("Last-Modified", EARLY)];
        assert!(!has(
            stored,
            [("If-None-Match", "\"b\""), ("If-Modified-Since", LATE)]
        ));
        assert!(has(
            stored,
            [("If-None-Match", "\"a\""), ("If-Modified-Since", "x")]
        ));
    }

    #[test]
    fn a_date_is_compared_as_a_date() {
        assert!(has(
            [("Last-Modified", EARLY)],
            [("If-Modified-Since", EARLY)]
        ));
        assert!(has(
            [("Last-Modified", EARLY)],
            [("If-Modified-Since", LATE)]
        ));
        assert!(!has(
            [("Last-Modified", LATE)],
            [("If-Modified-Since", EARLY)]
        ));
        assert!(has(
            [("Last-Modified", EARLY)],
            [("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT")]
        ));
        assert!(has([("Date", EARLY)], [("If-Modified-Since", LATE)]));
        assert!(!has(
            [("Last-Modified", EARLY)],
            [("If-Modified-Since", "garbage")]
        ));
        assert!(!has([("Last-Modified", EARLY)], []));
    }

    #[test]
    fn a_304_updates_all_fields_but_the_length() {
        let stored = entry(
            [("A", "1"), ("B", "1"), ("A", "2"), ("ETag", "\"a\"")],
            UNIX_EPOCH,
        );
        let news = [
            ("a", "3"),
            ("Content-Length", "999"),
            ("C", "1"),
            ("C", "2"),
        ];
        let asked = UNIX_EPOCH;
        let times = Times {
            asked,
            received: asked,
        };
        let fresh = freshened(&stored, &Response::with(304, news.into()), times);
        assert_eq!(fresh.response.status, 200);
        assert_eq!(fresh.response.fields.all("A").collect::<Vec<_>>(), ["3"]);
        assert_eq!(
            fresh.response.fields.all("C").collect::<Vec<_>>(),
            ["1", "2"]
        );
        assert_eq!(fresh.response.fields.get("B"), Some("1"));
        assert_eq!(fresh.response.fields.get("Content-Length"), Some("4"));
        assert_eq!(fresh.body, stored.body);
    }

    #[test]
    fn a_304_with_another_validator_is_about_something_else() {
        let about = |name, value| {
            let stored = entry([("ETag", "\"a\""), ("Last-Modified", EARLY)], UNIX_EPOCH);
            is_about(&stored, &Response::with(304, [(name, value)].into()))
        };
        assert!(about("ETag", "\"a\""));
        assert!(about("ETag", "W/\"a\""));
        assert!(about("X", "1"));
        assert!(about("Last-Modified", EARLY));
        assert!(!about("ETag", "\"b\""));
        assert!(!about("Last-Modified", LATE));
    }

    #[test]
    fn a_304_of_our_own_does_not_describe_a_body() {
        let stored = [
            ("ETag", "\"a\""),
            ("Content-Type", "a/b"),
            ("Content-Location", "/x"),
        ];
        let fields = not_modified(&entry(stored, UNIX_EPOCH)).fields;
        assert_eq!(
            fields,
            [("ETag", "\"a\""), ("Content-Location", "/x")].into()
        );
    }
}
