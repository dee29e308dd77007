//! Stage 3: which header fields go through, which stay at the hop, and what the proxy adds (RFC 9110 §7.6).

use super::pages::{fresh_path, word};
use super::reply::Reply;
use super::session::{ask, by_hand, get, last_received, origin, share};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Request, expect_status};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure, fail};
use crate::wire::bytes::show;
use crate::wire::http::Fields;

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.fields.hop-request",
        title: "fields for this hop, and those that Connection names, stay here",
        lab: Lab::Lab2,
        stage: 3,
        tier: Tier::Core,
        points: 2,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9110 §7.6.1",
        why: "Some fields are about one connection, not about the message: they are for you alone. Connection names \
              them, and some are known without being named. The origin would take them for words about its own \
              connection with you.",
        peers: "squid and Apache pass; nginx and Traffic Server forward fields that Connection names.",
        hints: &[
            "Does your program remove a fixed list? Connection can name any field.",
            "Connection may stand on several lines, each a list; names are compared in any case, and whole.",
            "Remove what it names, then Connection, Keep-Alive, Proxy-Connection, TE and Upgrade.",
        ],
        run: hop_request,
    },
    Check {
        id: "proxy.fields.hop-response",
        title: "the same holds on the way back",
        lab: Lab::Lab2,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9110 §7.6.1",
        why: "What the origin says about its connection with you is nothing to the client, whose connection with you \
              is another one.",
        peers: "tinyproxy leaks Upgrade.",
        hints: &["One function that strips a set of fields serves both directions."],
        run: hop_response,
    },
    Check {
        id: "proxy.fields.via-request",
        title: "Via grows by one member in the request",
        lab: Lab::Lab2,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9110 §7.6.3",
        why: "Each proxy on the way adds the version in which the message came to it, and a name of its own. So loops \
              are noticed, and who looks for a fault sees the way.",
        peers: "squid and Apache (`ProxyVia On`) do; nginx and privoxy add none.",
        hints: &[
            "`Via: 1.1 name`, where 1.1 is from the request line that you received, and the name may be any word.",
            "Add it after what is there, on the same line or on one of its own.",
        ],
        run: via_request,
    },
    Check {
        id: "proxy.fields.via-response",
        title: "Via grows by one member in the response",
        lab: Lab::Lab2,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9110 §7.6.3",
        why: "A proxy adds itself to each message that it forwards, and a response is one.",
        peers: "squid and Apache (`ProxyVia On`) do; nginx and privoxy add none.",
        hints: &["The same as in the request; the version is the one in the origin's status line."],
        run: via_response,
    },
    Check {
        id: "proxy.fields.end-to-end",
        title: "all other fields pass unchanged and in order, repeated ones too",
        lab: Lab::Lab2,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9110 §5.1, §5.3; contract, lab 2",
        why: "Client and origin agree on fields that you have never heard of. Lines of one name are a list whose order \
              counts; you may join them with commas, but not lose one.",
        peers: "tinyproxy drops the second of two lines of one name; Apache joins them.",
        hints: &[
            "Do you keep fields in a map from name to value? It holds one value for each name.",
            "Keep them as a list of pairs, in the order in which they came.",
        ],
        run: end_to_end,
    },
    Check {
        id: "proxy.fields.set-cookie",
        title: "two Set-Cookie lines stay two lines",
        lab: Lab::Lab2,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9110 §5.3",
        why: "Set-Cookie is no list: a cookie's date has a comma in it, and nobody can take joined cookies apart again.",
        peers: "No proxy joins them.",
        hints: &["Lines of one name need not be joined; where you do, leave Set-Cookie out."],
        run: set_cookie,
    },
];

/// Fields with these names and values, one a line.
pub(super) type Lines = Vec<(String, String)>;

fn lines<const N: usize>(lines: [(&str, &str); N]) -> Lines {
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn with_lines(request: Request, lines: &Lines) -> Request {
    lines.iter().fold(request, |request, (name, value)| request.field(name, value))
}

fn reply_with(lines: &Lines) -> Reply {
    lines.iter().fold(Reply::ok("here"), |reply, (name, value)| reply.field(name, value))
}

/// The fields as they reach the origin.
fn upstream(t: &mut Trial, request: impl Fn(Request) -> Request) -> Verdict<(Fields, Request)> {
    let proxy = share(t)?;
    let origin = origin(t, &Reply::ok("here"))?;
    let request = request(get(&origin, &fresh_path(t)));
    ask(t, &proxy, &request)?;
    Ok((last_received(t, &origin)?.head.fields, request))
}

/// The fields as they reach the client.
fn downstream(t: &mut Trial, reply: &Reply) -> Verdict<(Fields, Request)> {
    let proxy = share(t)?;
    let origin = origin(t, reply)?;
    let request = get(&origin, &fresh_path(t));
    let response = ask(t, &proxy, &request)?;
    expect_status(&response, 200).by_hand(by_hand(&request))?;
    Ok((response.head.fields, request))
}

/// Fields about the hop: all have the mark in their name or value, and so does one that has to pass.
pub(super) struct Hop {
    mark: String,
    pub lines: Lines,
    kept: String,
}

impl Hop {
    pub fn new(mark: String) -> Hop {
        let (named, other) = (format!("X-{mark}"), format!("X-Other-{mark}"));
        // Longer than the one that is named: a comparison of beginnings takes it too.
        let kept = format!("{named}-Kept");
        let lines = lines([
            ("Connection", &format!("keep-alive, {named}")),
            ("Keep-Alive", &format!("timeout=7, {mark}")),
            ("Proxy-Connection", &format!("keep-alive, {mark}")),
            ("Upgrade", &format!("{mark}/1")),
            (&named, "for this hop"),
            (&kept, "for the end"),
            ("connection", &format!("{}, Upgrade", other.to_ascii_lowercase())),
            (&other, "for this hop too"),
        ]);
        Hop { mark, lines, kept }
    }

    /// A field that only a client sends.
    fn and_te(mut self) -> Hop {
        self.lines.push(("Connection".to_owned(), "TE".to_owned()));
        self.lines.push(("TE".to_owned(), format!("trailers, {};q=0.5", self.mark)));
        self
    }

    pub fn judge(&self, fields: &Fields, whose: &str) -> Verdict {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let marked = |text: &str| text.to_ascii_lowercase().contains(&self.mark);
        let leaked: Vec<String> = fields
            .iter()
            .filter(|field| !field.is(&self.kept))
            .map(|field| (text(&field.name), text(&field.value)))
            .filter(|(name, value)| marked(name) || marked(value))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        if !leaked.is_empty() {
            let named = leaked.iter().any(|line| line.starts_with(['X', 'x']));
            let failure = Failure::new(
                format!("{whose} without the fields about the hop before"),
                format!("{} of them went through", leaked.len()),
            );
            let failure = failure.excerpt(leaked);
            return Err(match named {
                true => failure
                    .note("Connection names the fields X-…, on two lines, and one of them in lower case"),
                false => failure,
            }
            .into());
        }
        match fields.count(&self.kept) {
            0 => Err(Failure::new(format!("`{}: for the end` in {whose}", self.kept), "no such field")
                .note("Connection names another field, whose name is only the beginning of this one")
                .into()),
            _ => Ok(()),
        }
    }
}

const REQUEST: &str = "the request to the origin";
pub(super) const RESPONSE: &str = "the response to the client";

fn hop_request(t: &mut Trial) -> Verdict {
    let hop = Hop::new(word(t)).and_te();
    let (fields, request) = upstream(t, |request| with_lines(request, &hop.lines))?;
    hop.judge(&fields, REQUEST).by_hand(by_hand(&request))
}

fn hop_response(t: &mut Trial) -> Verdict {
    let hop = Hop::new(word(t));
    let (fields, request) = downstream(t, &reply_with(&hop.lines))?;
    hop.judge(&fields, RESPONSE).by_hand(by_hand(&request))
}

/// Fails unless Via holds `before`, and after it one member that begins with `version`.
fn expect_via(fields: &Fields, before: &[String], version: &str, whose: &str) -> Verdict {
    let members: Vec<String> =
        fields.list("Via").iter().map(|member| String::from_utf8_lossy(member).into_owned()).collect();
    // A comment of the proxy's own may hold commas.
    let own = members.strip_prefix(before).map(|own| own.join(", "));
    if own.is_some_and(|own| is_via_member(&own, version)) {
        return Ok(());
    }
    let mut expected = before.to_vec();
    expected.push(format!("{version} NAME"));
    let seen = match members.as_slice() {
        [] => "no Via".to_owned(),
        members => format!("`Via: {}`", members.join(", ")),
    };
    Err(Failure::new(format!("`Via: {}` in {whose}, NAME being yours", expected.join(", ")), seen)
        .note(format!("the message came to your program in HTTP/{version}"))
        .into())
}

/// `[protocol-name "/"] protocol-version RWS received-by [RWS comment]` (RFC 9110 §7.6.3).
fn is_via_member(member: &str, version: &str) -> bool {
    let mut words = member.splitn(3, ' ');
    let protocol = words.next().unwrap_or_default();
    let number = match protocol.split_once('/') {
        Some((name, number)) if name.eq_ignore_ascii_case("HTTP") => number,
        _ => protocol,
    };
    let received_by = words.next().unwrap_or_default();
    let comment = words.next().is_none_or(|comment| comment.starts_with('('));
    number == version && !received_by.is_empty() && !received_by.contains([',', '(']) && comment
}

fn via_request(t: &mut Trial) -> Verdict {
    let (first, second) = (format!("1.0 {}", word(t)), format!("1.1 {}", word(t)));
    for (version, before) in [("1.1", vec![]), ("1.1", vec![first, second.clone()]), ("1.0", vec![second])] {
        let (fields, request) = upstream(t, |request| {
            let request = request.version(&format!("HTTP/{version}"));
            match before.is_empty() {
                true => request,
                false => request.field("Via", before.join(", ")),
            }
        })?;
        expect_via(&fields, &before, version, REQUEST).by_hand(by_hand(&request))?;
    }
    Ok(())
}

fn via_response(t: &mut Trial) -> Verdict {
    let before = vec![format!("1.0 {}", word(t))];
    for before in [vec![], before] {
        let reply = Reply::ok("here");
        let (fields, request) = match before.is_empty() {
            true => downstream(t, &reply)?,
            false => downstream(t, &reply.field("Via", before.join(", ")))?,
        };
        expect_via(&fields, &before, "1.1", RESPONSE).by_hand(by_hand(&request))?;
    }
    Ok(())
}

fn end_to_end(t: &mut Trial) -> Verdict {
    let [repeated, single, other] = [word(t), word(t), word(t)].map(|word| format!("X-{word}"));
    let value = word(t);
    let sent = |known: [(&str, &str); 2]| {
        let mut sent = lines([
            (&repeated, "First"),
            (&single, "Two  spaces; \"a, Quoted\" (thing), caf\u{e9}"),
            (&repeated, "Second"),
            (&other, "1"),
            (&repeated, "third"),
        ]);
        sent.splice(2..2, lines(known));
        sent
    };
    let requested =
        sent([("User-Agent", &format!("{value}/1.0 (of its own)")), ("Cookie", &format!("a={value}; b=c"))]);
    let (fields, request) = upstream(t, |request| with_lines(request, &requested))?;
    expect_unchanged(&requested, &fields, REQUEST).by_hand(by_hand(&request))?;

    let responded = sent([("Content-Type", "text/plain"), ("ETag", &format!("\"{value}\""))]);
    let (fields, request) = downstream(t, &reply_with(&responded))?;
    expect_unchanged(&responded, &fields, RESPONSE).by_hand(by_hand(&request))
}

pub(super) fn expect_unchanged(sent: &Lines, fields: &Fields, whose: &str) -> Verdict {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in sent {
        let lower = name.to_ascii_lowercase();
        if !names.contains(&lower) {
            expect_values(name, sent, fields, whose)?;
            names.push(lower);
        }
    }
    let mut found = fields.names();
    found.retain(|name| names.contains(name));
    ensure(
        found == names,
        format!("the fields in {whose} in the order in which they were sent: {}", names.join(", ")),
        found.join(", "),
    )
}

fn expect_values(name: &str, sent: &Lines, fields: &Fields, whose: &str) -> Verdict {
    let values: Vec<&str> =
        sent.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect();
    let found: Vec<&[u8]> = fields.all(name).map(|field| field.value.as_slice()).collect();
    let same = match values.as_slice() {
        [value] => found == [value.as_bytes()],
        values => fields.list(name) == values.iter().map(|value| value.as_bytes()).collect::<Vec<_>>(),
    };
    if same {
        return Ok(());
    }
    let lines = |values: &[&[u8]]| {
        values.iter().map(|value| format!("`{name}: {}`", show(value))).collect::<Vec<_>>().join(" and ")
    };
    let expected: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
    let seen = if found.is_empty() { "no such field".to_owned() } else { lines(&found) };
    fail(format!("{} in {whose}", lines(&expected)), seen)
}

fn set_cookie(t: &mut Trial) -> Verdict {
    let cookies = [
        format!("{}=1; Expires=Wed, 09 Jun 2100 10:18:14 GMT", word(t)),
        format!("{}=2; Path=/; HttpOnly", word(t)),
    ];
    let sent: Lines = cookies.iter().map(|cookie| ("Set-Cookie".to_owned(), cookie.clone())).collect();
    let (fields, request) = downstream(t, &reply_with(&sent))?;
    let found: Vec<String> =
        fields.all("Set-Cookie").map(|field| String::from_utf8_lossy(&field.value).into_owned()).collect();
    if found == cookies {
        return Ok(());
    }
    let failure = Failure::new(
        "two Set-Cookie lines, as the origin sent them",
        match found.len() {
            0 => "none".to_owned(),
            1 => "one".to_owned(),
            other => format!("{other}, but not the same"),
        },
    );
    Err(Fault::from(failure.excerpt(found.iter().map(|cookie| format!("Set-Cookie: {cookie}")))))
        .by_hand(by_hand(&request))
}
