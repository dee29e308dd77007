//! Stage 11, an extension: the Cache-Status field (RFC 9211), read as the structured field that it is (RFC 9651).

use super::cached::Cached;
use super::pages::fresh_path;
use super::reply::Reply;
use super::session::{by_hand, to};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::Request;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Fault, Verdict};
use crate::wire::bytes;
use crate::wire::http::is_token_octet;
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "ext.cache-status.hit",
        title: "a response from the cache says `hit`",
        lab: Lab::Lab2,
        stage: 11,
        tier: Tier::Extension,
        points: 3,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9211 §2.1",
        why: "Who looks for a fault has to know whether a cache answered, and which one. Cache-Status is a list with a \
              member for each cache on the way: its name, and what it did, as parameters.",
        peers: "Before there was this field each cache had its own: squid and Apache say HIT or MISS in X-Cache.",
        hints: &[
            "`Cache-Status: wirelab; hit`. The last member of the list is yours, nearest to the client.",
        ],
        run: hit,
    },
    Check {
        id: "ext.cache-status.miss",
        title: "a response that was not in the cache says `fwd=miss`",
        lab: Lab::Lab2,
        stage: 11,
        tier: Tier::Extension,
        points: 2,
        role: Role::Proxy,
        needs: &["cache.hit"],
        basis: Basis::Must,
        clause: "RFC 9211 §2.2",
        why: "`fwd` says that the request went forward, and why: `uri-miss` where nothing was stored for that URI, \
              `vary-miss` where something else was, `miss` where the cache cannot tell, `method` where it must not \
              answer.",
        peers: "",
        hints: &["`hit` and `fwd` exclude each other.", "What your lookup finds is the reason; pass it on."],
        run: miss,
    },
    Check {
        id: "ext.cache-status.stale",
        title: "a response that was validated says `fwd=stale; fwd-status=304`",
        lab: Lab::Lab2,
        stage: 11,
        tier: Tier::Extension,
        points: 2,
        role: Role::Proxy,
        needs: &["cache.validate.etag", "cache.validate.not-modified"],
        basis: Basis::Must,
        clause: "RFC 9211 §2.3",
        why: "The client gets a 200, and the origin said 304: without `fwd-status` the two would be taken for the \
              same.",
        peers: "",
        hints: &["`fwd-status` is what the origin answered to your conditional request."],
        run: stale,
    },
];

/// A member of the list: a cache and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    name: String,
    /// Names, and values as they were written; `?1` where there is none.
    parameters: Vec<(String, String)>,
}

impl Member {
    fn get(&self, name: &str) -> Option<&str> {
        // Of two with one name the last counts (RFC 9651 §4.2.3.2).
        self.parameters.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// What the proxy says it did: the member nearest to the client.
fn own(response: &Response) -> Verdict<(Member, String)> {
    let lines = response.head.fields.all("Cache-Status").map(|field| String::from_utf8_lossy(&field.value));
    let value = lines.collect::<Vec<_>>().join(", ");
    if value.is_empty() {
        return Err(missing());
    }
    match list(&value) {
        Ok(mut members) if !members.is_empty() => Ok((members.swap_remove(members.len() - 1), value)),
        Ok(_) => Err(Failure::new("Cache-Status names a cache", "an empty list").into()),
        Err(at) => {
            let (line, carets) = bytes::excerpt(value.as_bytes(), at, 1, 66);
            Err(Failure::new(
                "Cache-Status is a list of names with parameters",
                format!("octet {at} fits no such list"),
            )
            .excerpt([line, carets])
            .rule("name; hit, or name; fwd=reason: a list of structured fields (RFC 9651 §3.1).")
            .into())
        }
    }
}

fn missing() -> Fault {
    Fault::Skipped("no Cache-Status in a response: the extension is not there".to_owned())
}

/// Where the first response has no such field, what comes after it says nothing about the extension.
fn unless_missing<T>(first: &Response, then: Verdict<T>) -> Verdict<T> {
    match then {
        Err(Fault::Failed(_)) if !first.head.fields.has("Cache-Status") => Err(missing()),
        then => then,
    }
}

/// Reads a list of tokens or strings with parameters (RFC 9651 §4.2.1). `Err`: the offset of what does not fit.
fn list(value: &str) -> Result<Vec<Member>, usize> {
    let octets = value.as_bytes();
    let blanks = |mut at: usize| {
        while matches!(octets.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        at
    };
    let (mut members, mut at) = (Vec::new(), blanks(0));
    while at < octets.len() {
        let end = bare_item(octets, at)?;
        if !matches!(octets[at], b'"' | b'*' | b'a'..=b'z' | b'A'..=b'Z') {
            return Err(at);
        }
        let mut member = Member { name: value[at..end].to_owned(), parameters: Vec::new() };
        at = end;
        while octets.get(at) == Some(&b';') {
            at += 1;
            while octets.get(at) == Some(&b' ') {
                at += 1;
            }
            let end = key(octets, at)?;
            let name = value[at..end].to_owned();
            at = end;
            let mut parameter = "?1";
            if octets.get(at) == Some(&b'=') {
                let end = bare_item(octets, at + 1)?;
                parameter = &value[at + 1..end];
                at = end;
            }
            member.parameters.push((name, parameter.to_owned()));
        }
        members.push(member);
        at = blanks(at);
        match octets.get(at) {
            None => break,
            // A comma at the end has nothing to part.
            Some(b',') if blanks(at + 1) < octets.len() => at = blanks(at + 1),
            _ => return Err(at),
        }
    }
    Ok(members)
}

/// Where the name of a parameter ends.
fn key(octets: &[u8], at: usize) -> Result<usize, usize> {
    match octets.get(at) {
        Some(b'a'..=b'z' | b'*') => {}
        _ => return Err(at),
    }
    let is_key = |&octet: &u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*');
    Ok(at + octets[at..].iter().take_while(|octet| is_key(octet)).count())
}

/// Where a token, a string, a number, a boolean or an octet sequence ends.
fn bare_item(octets: &[u8], at: usize) -> Result<usize, usize> {
    let run = |is: fn(u8) -> bool, from: usize| {
        from + octets.iter().skip(from).take_while(|&&octet| is(octet)).count()
    };
    match octets.get(at) {
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'*') => {
            Ok(run(|octet| is_token_octet(octet) || matches!(octet, b':' | b'/'), at))
        }
        Some(b'"') => {
            let mut end = at + 1;
            loop {
                match octets.get(end) {
                    Some(b'"') => return Ok(end + 1),
                    Some(b'\\') if matches!(octets.get(end + 1), Some(b'"' | b'\\')) => end += 2,
                    Some(b' '..=b'~') if octets[end] != b'\\' => end += 1,
                    _ => return Err(end),
                }
            }
        }
        Some(b'-' | b'0'..=b'9') => {
            let end = run(|octet| octet.is_ascii_digit() || octet == b'.', at + 1);
            if octets[end - 1].is_ascii_digit() { Ok(end) } else { Err(end) }
        }
        Some(b'?') if matches!(octets.get(at + 1), Some(b'0' | b'1')) => Ok(at + 2),
        Some(b':') => {
            let end =
                run(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'='), at + 1);
            if octets.get(end) == Some(&b':') { Ok(end + 1) } else { Err(end) }
        }
        _ => Err(at),
    }
}

fn wrong<T>(expected: &str, seen: &str, request: &Request) -> Verdict<T> {
    let failure = Failure::new(expected, format!("`Cache-Status: {seen}`"));
    Err(failure.by_hand(by_hand(request)).into())
}

fn hit(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let (request, body) = cached.page(t);
    cached.answers(&Reply::ok(&body).max_age(3600));
    let (_, first) = cached.asked(t, &request, "it has not been asked for this before")?;
    let response = unless_missing(&first, cached.hit(t, &request, "it is fresh"))?;
    let (member, seen) = own(&response)?;
    match (member.get("hit"), member.get("fwd")) {
        (Some("?1"), None) => Ok(()),
        _ => wrong("`hit`, and no `fwd`, in Cache-Status: the origin was not asked", &seen, &request),
    }
}

fn miss(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let (request, body) = cached.page(t);
    cached.answers(&Reply::ok(&body).max_age(3600));
    let (_, response) = cached.asked(t, &request, "it has not been asked for this before")?;
    let (member, seen) = own(&response)?;
    if !matches!((member.get("hit"), member.get("fwd")), (None | Some("?0"), Some("miss" | "uri-miss"))) {
        return wrong(
            "`fwd=uri-miss`, or `fwd=miss`, in Cache-Status: this was asked for the first time",
            &seen,
            &request,
        );
    }
    if member.get("fwd-status").is_some_and(|status| status != "200") {
        return wrong("`fwd-status=200`, or none: that is what the origin answered", &seen, &request);
    }
    let post = to(&cached.origin, "POST", &fresh_path(t)).field("Content-Length", "0");
    let (_, response) = cached.asked(t, &post, "a POST is forwarded")?;
    let (member, seen) = own(&response)?;
    match (member.get("hit"), member.get("fwd")) {
        (None | Some("?0"), _) => Ok(()),
        _ => wrong("no `hit` in Cache-Status: a POST goes to the origin", &seen, &post),
    }
}

fn stale(t: &mut Trial) -> Verdict {
    let cached = Cached::share(t)?;
    let (request, body) = cached.page(t);
    let tag = format!("\"{}\"", &body[..8]);
    let fields = |reply: Reply| reply.field("ETag", &tag).field("Cache-Control", "max-age=0");
    cached.validates(&fields(Reply::ok(&body)), &fields(Reply::not_modified()));
    let (_, first) = cached.asked(t, &request, "it has not been asked for this before")?;
    let validated = cached.validated(t, &request, &["If-None-Match"], "what is stored is stale");
    let (_, response) = unless_missing(&first, validated)?;
    let note =
        "what was stored is stale, and the origin has answered 304 to the question whether it is still right";
    let (member, seen) = own(&response)?;
    match (member.get("fwd"), member.get("fwd-status")) {
        (Some("stale"), Some("304")) => Ok(()),
        _ => wrong("`fwd=stale; fwd-status=304` in Cache-Status", &seen, &request).note(note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Vec<(String, Vec<(String, String)>)> {
        let members = list(value).unwrap();
        members.into_iter().map(|member| (member.name, member.parameters)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn members_have_names_and_parameters() {
        assert_eq!(read("wirelab; hit"), [("wirelab".to_owned(), pairs(&[("hit", "?1")]))]);
        assert_eq!(
            read("Origin/1:2;fwd=uri-miss;  fwd-status=200 ,\t\"a, \\\"b\";x=-1.5;y=:YQ==:"),
            [
                ("Origin/1:2".to_owned(), pairs(&[("fwd", "uri-miss"), ("fwd-status", "200")])),
                ("\"a, \\\"b\"".to_owned(), pairs(&[("x", "-1.5"), ("y", ":YQ==:")])),
            ]
        );
    }

    #[test]
    fn a_list_ends_where_it_leaves_the_grammar() {
        for (value, at) in
            [("wirelab; Hit", 9), ("wirelab, ", 7), ("a b", 2), ("1; hit", 0), ("a; x=\"", 6), ("a; ", 3)]
        {
            assert_eq!(list(value), Err(at), "{value}");
        }
    }
}
