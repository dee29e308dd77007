//! Stage 4: what is not there, what must not be reached, and what is no request.

mod outside;

pub use outside::Outside;

use outside::{Escape, LeadsTo, Links};

use super::serve::{Server, shared};
use super::site::word;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status, expect_status_in};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, fail};
use crate::wire::bytes;
use crate::wire::http::message::Response;

const ANSWERS: &[&str] = &["web.start.answers"];

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.errors.not-found",
        title: "a file that does not exist is answered with 404",
        lab: Lab::Lab1,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §15.5.5",
        why: "A missing file is an everyday answer, not an accident: it is said to the client, and the server goes \
              on.",
        peers: "",
        hints: &["What does your program do with the error of opening the file?"],
        run: not_found,
    },
    Check {
        id: "web.errors.traversal",
        title: "no target reaches outside the root, however it is spelled",
        lab: Lab::Lab1,
        stage: 4,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §17.3",
        why: "A server that follows \"..\" hands out every file its user may read. Clients do not tidy the target \
              for you: what is asked for may be spelled in any way.",
        peers: "nginx and Apache answer 400 to /../x, others 403 or 404; in 2021 one release of Apache (CVE-2021-41773) \
                missed a spelling with %2e.",
        hints: &[
            "Which comes first in your program, decoding or checking? A check before decoding sees no dots in %2e%2e.",
            "Split the decoded path into segments: refuse \"..\", and never join a segment that holds a slash or \
             begins with one.",
            "As a second lock, resolve the file's real path and ask whether it lies below the root's, compared \
             segment by segment: /srv/www-secret begins with /srv/www too.",
        ],
        run: traversal,
    },
    Check {
        id: "web.errors.symlink",
        title: "a symbolic link that leaves the root is refused",
        lab: Lab::Lab1,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "The path may be innocent and the file outside all the same. Whoever may put a link below the root \
              could else publish the whole disk.",
        peers: "nginx (disable_symlinks), Apache (Options without FollowSymLinks) and lighttpd can refuse links; \
                all follow them unless told.",
        hints: &[
            "Opening a path follows links. Which function gives the path without any? (realpath, canonicalize)",
            "Compare the file's real path with the root's real path, after all links are resolved.",
        ],
        run: symlinks,
    },
    Check {
        id: "web.errors.unreadable",
        title: "a file that cannot be opened is answered with an error, and the server lives on",
        lab: Lab::Lab1,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §15.5.4",
        why: "Opening a file can fail for more reasons than that it is missing: no permission, links in a circle, a \
              name longer than the file system takes. One request never brings the server down.",
        peers: "",
        hints: &[
            "Which error codes can opening a file return, and which status does each get?",
            "403 for a missing permission, 404 for what can be no file; anything unforeseen is a 500, not a crash.",
        ],
        run: unreadable,
    },
    Check {
        id: "web.errors.method",
        title: "a known method that is not served gets 405 with Allow, or 501",
        lab: Lab::Lab1,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Must,
        clause: "RFC 9110 §15.5.6",
        why: "405 says \"not on this resource\" and must name in Allow what is possible; 501 says \"not on this \
              server\". Serving the file to a DELETE would tell the client that it is gone.",
        peers: "Apache: 405 with Allow; lighttpd, busybox and Python's http.server: 501; nginx forgets Allow.",
        hints: &["Look at the method before the file; then: 405, and the line Allow: GET, HEAD."],
        run: method,
    },
    Check {
        id: "web.errors.method-unknown",
        title: "a method that nobody knows gets 501",
        lab: Lab::Lab1,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Should,
        clause: "RFC 9110 §9.1",
        why: "A method is any word; one your server does not know is a request it cannot carry out, not a reason to \
              guess. 405 and 400 pass too.",
        peers: "Apache and lighttpd answer 501, Node's parser 400, since it knows a list of words.",
        hints: &["Give your match on the method a last branch for all other words."],
        run: method_unknown,
    },
    Check {
        id: "web.errors.malformed",
        title: "what is no request line is answered with 400, and the connection is closed",
        lab: Lab::Lab1,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Should,
        clause: "RFC 9112 §2.2",
        why: "After octets that are no request nobody can tell where the next one begins; so the answer is 400 and \
              the end of the connection. Anyone may send anything: it must not hurt.",
        peers: "nginx, Apache, lighttpd and caddy answer 400 and close.",
        hints: &[
            "A request line is three words with one space between them, the last of them HTTP/1.1 or its like.",
            "Your parser returns an error: answer it with 400 and \"Connection: close\", then close.",
        ],
        run: malformed,
    },
    Check {
        id: "web.errors.host",
        title: "HTTP/1.1 without Host, with two or with an impossible one gets 400; HTTP/1.0 needs none",
        lab: Lab::Lab1,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Must,
        clause: "RFC 9112 §3.2",
        why: "Host tells many sites behind one address apart. If it is missing or doubled, a proxy and the server \
              behind it could each believe in another site.",
        peers: "nginx, Apache, lighttpd and caddy refuse all three; Python's http.server and busybox none.",
        hints: &[
            "Count the field lines named Host in any case: exactly one in HTTP/1.1, at most one in HTTP/1.0.",
            "The value is a host and maybe a colon and a port: no space, no slash.",
        ],
        run: host,
    },
    Check {
        id: "web.errors.version",
        title: "a major version other than 1 gets 505 or 400",
        lab: Lab::Lab1,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §15.6.6",
        why: "Another major version means other rules for reading the message; whoever reads it by the old ones \
              misreads it. A higher minor version, as in HTTP/1.2, must be served.",
        peers: "nginx, lighttpd and caddy answer 505, Node 400; Apache serves HTTP/2.0 as if it were 1.1.",
        hints: &["Compare the digit before the dot with 1, and answer 505 if it differs."],
        run: version,
    },
];

fn not_found(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let [a, b, c] = std::array::from_fn(|_| word(&mut t.rng));
    for target in [format!("/{a}.txt"), format!("/{a}/{b}/{c}.html")] {
        expect_status(&server.ask(&server.get(&target))?, 404).note(format!("the target was {target}"))?;
    }
    Ok(())
}

fn traversal(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Outside { escapes, canary, .. } = &server.site.outside;
    let kept = kept(&server, &word(&mut t.rng))?;
    for Escape { target, trick, leads_to } in escapes {
        stays_inside(&server, &server.get(target).close(), canary, *leads_to, &kept)
            .note(format!("the target was {target}: {trick}"))
            .by_hand("curl -s --path-as-is http://127.0.0.1:8080/%2e%2e/other-file")?;
    }
    let absolute = server.get(&format!("http://{}/../{canary}", server.host())).close();
    stays_inside(&server, &absolute, canary, LeadsTo::File, &kept)
        .note("the target was a whole URI, with \"..\" in its path")?;
    still_serves(&server)
}

/// The statuses with which a file is kept from the client: 400, 403 or 404, or a redirection to where it could be;
/// and whatever a missing file gets, since that is another check's business.
fn kept(server: &Server, missing: &str) -> Verdict<Vec<u16>> {
    let missing = server.ask(&server.get(&format!("/{missing}")))?.head.status;
    Ok(vec![400, 403, 404, 301, 302, 307, 308, missing])
}

fn stays_inside(
    server: &Server,
    request: &Request,
    canary: &str,
    leads_to: LeadsTo,
    kept: &[u16],
) -> Verdict {
    let mut conn = server.connect()?;
    let response = conn.ask(request);
    let octets = response.as_ref().map_or(conn.pending(), |response| &response.body);
    if let Some(at) = octets.windows(canary.len()).position(|window| window == canary.as_bytes()) {
        let (line, carets) = bytes::excerpt(octets, at, canary.len(), 70);
        return Err(Failure::new(
            "nothing from outside the root: 403 or 404",
            "the contents of a file outside the root",
        )
        .excerpt([line, carets])
        .into());
    }
    match (response, leads_to) {
        (Ok(response), LeadsTo::File) if !kept.contains(&response.head.status) => {
            fail("status 403 or 404 (400 passes)", format!("status {}", response.head.status))
        }
        (Err(_), LeadsTo::Malformed) if conn.ended() => Ok(()),
        (response, _) => response.map(|_| ()),
    }
}

fn still_serves(server: &Server) -> Verdict {
    server
        .ask(&server.get(&server.site.text.target))
        .and_then(|response| expect_status(&response, 200))
        .note("this was an honest GET afterwards: one bad request must not hurt the next client")
}

fn symlinks(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Outside { links, canary, .. } = &server.site.outside;
    let Links { file, file_in_folder, folder, file_in_neighbour } = links;
    let kept = kept(&server, &word(&mut t.rng))?;
    for (target, what) in [
        (file, "a link to a file outside the root"),
        (file_in_folder, "a file in a linked directory outside the root"),
        (folder, "a link to a directory outside the root"),
        (file_in_neighbour, "a file in a linked directory whose name begins like the root's"),
    ] {
        stays_inside(&server, &server.get(target).close(), canary, LeadsTo::File, &kept)
            .note(format!("the target was {target}: {what}"))
            .by_hand("ln -s /etc/hostname www/link; curl -si http://127.0.0.1:8080/link")?;
    }
    Ok(())
}

fn unreadable(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Outside { unreadable, circle, .. } = &server.site.outside;
    let kept = kept(&server, &word(&mut t.rng))?;
    if std::fs::File::open(&unreadable.path).is_err() {
        let response = server.ask(&server.get(&unreadable.target))?;
        expect_status_in(&response, &[403, 404])
            .note("the file has mode 000: nobody but root may read it")
            .by_hand("chmod 000 www/notes.txt; curl -si http://127.0.0.1:8080/notes.txt")?;
    } else {
        t.step("a file without read permission cannot be tried: root reads it all the same");
    }
    let long = format!("/{}", word(&mut t.rng).repeat(40));
    for (target, what) in [
        (circle, "two symbolic links that point at each other"),
        (&long, "a name of 320 octets; file systems take 255"),
    ] {
        an_error(&server.ask(&server.get(target))?, &kept)
            .note(format!("the target was {target}: {what}"))?;
    }
    still_serves(&server)
}

fn an_error(response: &Response, kept: &[u16]) -> Verdict {
    match response.head.status {
        400..600 => Ok(()),
        status if kept.contains(&status) => Ok(()),
        status => fail("an error, such as 404", format!("status {status}")),
    }
}

fn method(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let file = &server.site.text;
    for method in ["DELETE", "PUT"] {
        let by_hand = format!("curl -si -X {method} http://127.0.0.1:8080/notes.txt");
        let response = server.ask(&server.request(method, &file.target).field("Content-Length", "0"))?;
        expect_status_in(&response, &[405, 501]).and_then(|()| allow(&response)).by_hand(by_hand)?;
    }
    if std::fs::read(&file.path).is_ok_and(|body| body == file.body) {
        return Ok(());
    }
    fail("the file stays as it is", "it was changed or deleted on disk")
}

fn allow(response: &Response) -> Verdict {
    let allow = response.head.fields.text("Allow");
    if response.head.status != 405 || response.head.fields.list_has("Allow", "GET") {
        return Ok(());
    }
    fail(
        "with 405, a field Allow that names the methods served: Allow: GET, HEAD",
        allow.map_or("no field Allow".to_owned(), |value| format!("Allow: {value}")),
    )
}

fn method_unknown(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let method = word(&mut t.rng).to_ascii_uppercase();
    let response = server.ask(&server.request(&method, &server.site.text.target))?;
    expect_status_in(&response, &[501, 405, 400])
        .by_hand(format!("curl -si -X {method} http://127.0.0.1:8080/notes.txt"))
}

fn malformed(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let [a, b, c] = std::array::from_fn(|_| word(&mut t.rng));
    for line in [format!("{a} {b} {c}"), c] {
        refused_and_closed(&mut server.connect()?, &format!("{line}\r\nHost: {}\r\n\r\n", server.host()))
            .note(format!("the request line was {line:?}"))
            .by_hand("printf 'hello there\\r\\n\\r\\n' | nc 127.0.0.1 8080")?;
    }
    still_serves(&server)
}

fn refused_and_closed(conn: &mut Conn, octets: &str) -> Verdict {
    conn.send(octets)?;
    let response = conn.response("GET")?;
    expect_status(&response, 400)?;
    conn.expect_close().note("the client does not close: after a 400 that is for the server to do")
}

fn host(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let plain = server.get(&server.site.text.target);
    let bare = plain.clone().without("Host");
    for (request, status, what) in [
        (bare.clone(), 400, "HTTP/1.1 without Host"),
        (plain.field("Host", "localhost"), 400, "two different Host fields"),
        (bare.clone().field("Host", "a b"), 400, "a Host that no host can be"),
        (bare.version("HTTP/1.0"), 200, "HTTP/1.0 without Host, as it was before there was Host"),
    ] {
        expect_status(&server.ask(&request)?, status).note(format!("this was {what}"))?;
    }
    Ok(())
}

fn version(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    for version in ["HTTP/2.0", "HTTP/3.7"] {
        let request = server.get(&server.site.text.target).version(version);
        expect_status_in(&server.ask(&request)?, &[505, 400])
            .note(format!("the version was {version}"))
            .by_hand(format!("printf 'GET / {version}\\r\\nHost: a\\r\\n\\r\\n' | nc 127.0.0.1 8080"))?;
    }
    Ok(())
}
