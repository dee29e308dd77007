//! Stage 3: HEAD, which is GET without the body.

use super::serve::{Server, shared};
use super::site::word;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure, fail};
use crate::wire::bytes;
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.head.no-body",
        title: "the response to HEAD ends with its head, also where there is no such file",
        lab: Lab::Lab1,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §9.3.2",
        why: "The client knows that no body follows, whatever Content-Length says. Octets that come nevertheless \
              are taken for the beginning of the next response.",
        peers: "busybox httpd sends the body: a fault of its own.",
        hints: &[
            "In how many places does your program write a body? Error pages and listings have one too.",
            "Make the whole response as for GET, and leave the body out where it is written.",
        ],
        run: no_body,
    },
    Check {
        id: "web.head.fields",
        title: "the response to HEAD has the status and the header fields of GET",
        lab: Lab::Lab1,
        stage: 3,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Should,
        clause: "RFC 9110 §9.3.2",
        why: "HEAD is how a client asks for the length, the type or the date of a file without fetching it. A \
              Content-Length is the one that GET would have, not that of the body left out.",
        peers: "nginx and Apache leave Content-Length out where they do not know it, as for listings; for files \
                they send it.",
        hints: &[
            "Where does the value of Content-Length come from when the body is empty?",
            "Let HEAD and GET share all of the code but the last write.",
        ],
        run: fields,
    },
];

/// Fields that say something of the representation, and so are the same for both methods.
const OF_THE_REPRESENTATION: &[&str] =
    &["Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Last-Modified", "ETag"];

fn no_body(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let missing = format!("/{}.txt", word(&mut t.rng));
    for target in [&server.site.text.target, &missing, &server.site.folders.plain.target] {
        nothing_after_the_head(&server, target)
            .note(format!("the target was {target}"))
            .by_hand("curl -si --http1.1 -X HEAD --max-time 2 http://127.0.0.1:8080/notes.txt")?;
    }
    Ok(())
}

/// A second request is the fence: what comes before its response, or before the close, came after the head.
fn nothing_after_the_head(server: &Server, target: &str) -> Verdict {
    let mut conn = server.connect()?;
    conn.ask(&server.request("HEAD", target))?;
    conn.send(server.get(&server.site.text.target).close().octets())?;
    let Err(fault) = conn.response("GET") else { return Ok(()) };
    let rest = conn.pending();
    if rest.is_empty() && conn.ended() {
        return Ok(());
    }
    if rest.is_empty() || rest.starts_with(b"HTTP/") {
        return Err(fault);
    }
    let (line, carets) = bytes::excerpt(rest, 0, rest.len().min(24), 70);
    Err(Failure::new(
        "no octet after the head: the next response, or the end of the connection",
        "other octets, as if a body followed",
    )
    .excerpt([line, carets])
    .into())
}

fn fields(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let missing = format!("/{}.txt", word(&mut t.rng));
    let by_hand = "curl -sI http://127.0.0.1:8080/notes.txt; curl -si http://127.0.0.1:8080/notes.txt";
    for (target, names) in
        [(&server.site.text.target, OF_THE_REPRESENTATION), (&missing, &["Content-Length"][..])]
    {
        let get = server.ask(&server.get(target))?;
        let head = server.ask(&server.request("HEAD", target))?;
        same_status(&get, &head)
            .and_then(|()| names.iter().try_for_each(|name| same_field(&get, &head, name)))
            .note(format!("the target was {target}"))
            .by_hand(by_hand)?;
    }
    Ok(())
}

fn same_status(get: &Response, head: &Response) -> Verdict {
    ensure(
        get.head.status == head.head.status,
        format!("status {}, as for GET", get.head.status),
        format!("status {}", head.head.status),
    )
}

/// An error page's length may be left out, since it is made only when it is asked for.
fn same_field(get: &Response, head: &Response, name: &str) -> Verdict {
    let (wanted, got) = (get.head.fields.text(name), head.head.fields.text(name));
    let optional = get.head.status >= 400 && got.is_none();
    match wanted {
        Some(value) if got.as_ref() != Some(&value) && !optional => fail(
            format!("{name}: {value}, as for GET"),
            got.map_or(format!("no {name}"), |got| format!("{name}: {got}")),
        ),
        _ => Ok(()),
    }
}
