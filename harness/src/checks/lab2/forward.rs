//! Stage 1: one request goes through, and its response comes back.

use super::pages::{fresh_path, same_body, text, word};
use super::reply::Reply;
use super::session::{ask, by_hand, get, last_received, origin, request_line, share, start};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Request, expect_status};
use crate::fake::origin::Origin;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.forward.get",
        title: "a GET reaches the origin, and its response the client",
        lab: Lab::Lab2,
        stage: 1,
        tier: Tier::Core,
        points: 2,
        role: Role::Proxy,
        needs: &[],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "A proxy is a server to the client and a client to the origin: it reads the request, connects to the \
              host that the target names, asks there, and passes on what comes.",
        peers: "",
        hints: &[
            "The client connects to you and names the origin in the target: `GET http://host:port/path HTTP/1.1`.",
            "Three parts of the target matter: host and port say where to connect, the rest is what to ask for.",
        ],
        run: get_through,
    },
    Check {
        id: "proxy.forward.origin-form",
        title: "the origin is asked in origin-form: path and query, HTTP/1.1",
        lab: Lab::Lab2,
        stage: 1,
        tier: Tier::Core,
        points: 2,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §3.2.1",
        why: "Only a request to a proxy carries the whole URI (absolute-form). An origin server is asked for path and \
              query, and sent the version of whoever asks (RFC 9112 §2.3): yours.",
        peers: "",
        hints: &[
            "Look at what arrives: `nc -l 8000` as the origin, `curl -x` as the client.",
            "What stands before the third slash of the target goes into the connection and Host, not into the line.",
        ],
        run: origin_form,
    },
    Check {
        id: "proxy.forward.host",
        title: "Host names the origin's host and port, once",
        lab: Lab::Lab2,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §3.2",
        why: "With the target cut to its path, Host is the only place where the origin can still see which of its \
              hosts is meant.",
        peers: "",
        hints: &[
            "`Host: 127.0.0.1:8000`: host, colon, port, as in the target; without the port where it is 80.",
        ],
        run: host,
    },
    Check {
        id: "proxy.forward.host-override",
        title: "the target's host wins over the Host field",
        lab: Lab::Lab2,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.host"],
        basis: Basis::Must,
        clause: "RFC 9112 §3.2.2",
        why: "When a proxy gets a target in absolute-form it ignores the Host that came with it and makes its own \
              from the target. Two parties that go by different ones can be played off against each other.",
        peers: "nginx used as a forward proxy passes on whatever it is told to.",
        hints: &["Drop the client's Host, and write one from the target."],
        run: host_override,
    },
    Check {
        id: "proxy.forward.path-form",
        title: "GET /http://host:port/path does the same",
        lab: Lab::Lab2,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "So a browser without proxy settings can use it: `http://localhost:8888/http://host:port/path`.",
        peers: "None of the well-known proxies does this; it is the book's assignment.",
        hints: &["Where the target begins with `/http://`, what follows the first slash is the target."],
        run: path_form,
    },
    Check {
        id: "proxy.forward.verbatim",
        title: "path and query go through octet for octet",
        lab: Lab::Lab2,
        stage: 1,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.origin-form"],
        basis: Basis::Must,
        clause: "RFC 9110 §7.7",
        why: "A proxy must not rewrite the path: not decode it, not resolve its dots, not merge its slashes. What it \
              means is the origin's business.",
        peers: "curl resolves `..` before it asks, unless told `--path-as-is`.",
        hints: &["Cut the target; do not parse it with a library that puts URIs in order."],
        run: verbatim,
    },
    Check {
        id: "proxy.forward.empty-path",
        title: "an empty path becomes /",
        lab: Lab::Lab2,
        stage: 1,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.origin-form"],
        basis: Basis::Must,
        clause: "RFC 9112 §3.2.1",
        why: "`http://host` has no path, and a request line cannot be without: it is `/`. A query stays: `http://h?x` \
              is `/?x`.",
        peers: "tinyproxy loses the query, Apache answers 400.",
        hints: &["The authority ends at the first `/` or `?`, or at the end."],
        run: empty_path,
    },
    Check {
        id: "proxy.forward.status",
        title: "whatever the status is, status and body are passed on",
        lab: Lab::Lab2,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "A 404 is the origin's answer to the client, not an error of yours; a redirect is for the client to \
              follow.",
        peers: "",
        hints: &[
            "Does your HTTP code take 3xx, 4xx or 5xx for something to act on?",
            "The phrase behind the status may be anything, and may be empty.",
        ],
        run: status,
    },
];

fn get_through(t: &mut Trial) -> Verdict {
    let proxy = start(t, &[])?;
    let body = text(t);
    let origin = origin(t, &Reply::ok(&body).field("Content-Type", "text/plain"))?;
    let request = get(&origin, &fresh_path(t));
    let response = ask(t, &proxy, &request)?;
    expect_status(&response, 200).by_hand(by_hand(&request))?;
    same_body(&response, body.as_bytes(), &request)?;
    match origin.asked() {
        1 => Ok(()),
        times => fail("the origin is asked once", format!("it was asked {times} times")),
    }
}

/// Asks for this target, and returns the request line and the Host fields that the origin saw.
fn seen(t: &mut Trial, origin: &Origin, request: &Request) -> Verdict<(String, Vec<String>)> {
    let proxy = share(t)?;
    let before = origin.asked();
    let response = ask(t, &proxy, request)?;
    if origin.asked() == before {
        return fail(
            "a request at the origin",
            format!("none came; the answer was status {}", response.head.status),
        )
        .by_hand(by_hand(request));
    }
    let received = last_received(t, origin)?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let hosts = received.head.fields.all("Host").map(|field| text(&field.value)).collect();
    Ok((request_line(&received.head), hosts))
}

fn expect_line(line: &str, expected: &str, request: &Request) -> Verdict {
    ensure(line == expected, format!("the origin is asked `{expected}`"), format!("`{line}`"))
        .by_hand(by_hand(request))
}

fn expect_host(hosts: &[String], expected: &str, request: &Request) -> Verdict {
    let seen = match hosts {
        [] => "no Host".to_owned(),
        hosts => hosts.iter().map(|host| format!("`Host: {host}`")).collect::<Vec<_>>().join(" and "),
    };
    ensure(hosts == [expected], format!("`Host: {expected}`, once"), seen).by_hand(by_hand(request))
}

fn plain(t: &Trial) -> Verdict<Origin> {
    origin(t, &Reply::ok("here"))
}

fn origin_form(t: &mut Trial) -> Verdict {
    let origin = plain(t)?;
    let path = format!("{}?{}={}", fresh_path(t), word(t), word(t));
    let request = get(&origin, &path);
    let (line, _) = seen(t, &origin, &request)?;
    expect_line(&line, &format!("GET {path} HTTP/1.1"), &request)
}

fn host(t: &mut Trial) -> Verdict {
    let origin = plain(t)?;
    let request = get(&origin, &fresh_path(t));
    let (_, hosts) = seen(t, &origin, &request)?;
    expect_host(&hosts, &origin.authority(), &request)
}

fn host_override(t: &mut Trial) -> Verdict {
    let origin = plain(t)?;
    let request = Request::new("GET", origin.url(&fresh_path(t)), "elsewhere.example");
    let (_, hosts) = seen(t, &origin, &request)?;
    expect_host(&hosts, &origin.authority(), &request)
}

fn path_form(t: &mut Trial) -> Verdict {
    let body = text(t);
    let origin = origin(t, &Reply::ok(&body))?;
    let proxy = share(t)?;
    let path = format!("{}?{}", fresh_path(t), word(t));
    let request = Request::new("GET", format!("/{}", origin.url(&path)), &proxy.addr.to_string());
    let response = ask(t, &proxy, &request)?;
    expect_status(&response, 200)?;
    same_body(&response, body.as_bytes(), &request)?;
    let received = last_received(t, &origin)?;
    expect_line(&request_line(&received.head), &format!("GET {path} HTTP/1.1"), &request)?;
    let hosts: Vec<String> = received.head.fields.text("Host").into_iter().collect();
    expect_host(&hosts, &origin.authority(), &request)
}

fn verbatim(t: &mut Trial) -> Verdict {
    let origin = plain(t)?;
    for path in ["/a/../b/./c", "/%7Euser/%2e%2E/%2F", "//a//b/", "/a;b=c,d/@:!$&'()*+?q=/?:@%20+&&x=%26"] {
        let path = format!("{path}{}", word(t));
        let request = get(&origin, &path);
        let (line, _) = seen(t, &origin, &request)?;
        expect_line(&line, &format!("GET {path} HTTP/1.1"), &request)?;
    }
    Ok(())
}

fn empty_path(t: &mut Trial) -> Verdict {
    let origin = plain(t)?;
    let query = word(t);
    for (after, path) in [(String::new(), "/".to_owned()), (format!("?{query}"), format!("/?{query}"))] {
        let request = get(&origin, &after);
        let (line, _) = seen(t, &origin, &request)?;
        expect_line(&line, &format!("GET {path} HTTP/1.1"), &request)?;
    }
    Ok(())
}

fn status(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    for status in [404, 301, 500, 299, 418] {
        let body = text(t);
        let origin =
            origin(t, &Reply::new(status).body(&body).field("Location", "http://elsewhere.example/"))?;
        let request = get(&origin, &fresh_path(t));
        let response = ask(t, &proxy, &request)?;
        let empty = "the origin's status line was `HTTP/1.1 299 `, without a phrase";
        let note = |failure: Failure| if status == 299 { failure.note(empty) } else { failure };
        expect_status(&response, status).explain(note).by_hand(by_hand(&request))?;
        same_body(&response, body.as_bytes(), &request)?;
    }
    Ok(())
}
