//! Stage 7: requests in any pieces and in every allowed form (RFC 9112 §2.2, §3, §5).

use super::exchange::{expect_alive, expect_close_after, expect_refused, expect_same};
use super::serve::{Server, shared};
use super::site::word;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::Request;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure};

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.parse.bytewise",
        title: "a request that arrives one octet at a time is answered",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9112 §2.2",
        why: "TCP carries a stream of octets, not messages: a read returns whatever has arrived, be it one \
              octet. Where a request ends, only its own octets tell.",
        peers: "All real servers pass.",
        hints: &[
            "How many times does your program read before it parses?",
            "Collect octets in a buffer until it holds an empty line (\\r\\n\\r\\n); parse only then.",
        ],
        run: bytewise,
    },
    Check {
        id: "web.parse.split",
        title: "a request is answered wherever it was cut in two",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9112 §2.2",
        why: "Segments end anywhere: in the middle of a word, between CR and LF, between the two line ends that \
              close the head.",
        peers: "All real servers pass.",
        hints: &[
            "Do you look for \\r\\n\\r\\n only in what the last read returned, or in all that has come so far?",
            "A CR at the end of the buffer may be half of a line end: read on before you judge it.",
        ],
        run: split,
    },
    Check {
        id: "web.parse.absolute-form",
        title: "a target in absolute form names the same file",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9112 §3.2.2",
        why: "A request target may be a whole URI, as proxies receive it; every server takes that form too, so \
              that one day all clients could send it.",
        peers: "nginx, Apache and lighttpd pass; busybox and python's http.server look for a file of that name.",
        hints: &[
            "What does your program make of `GET http://127.0.0.1:8080/a.txt HTTP/1.1`?",
            "Where the target does not begin with `/`: skip the scheme (in any case) and the authority.",
        ],
        run: absolute_form,
    },
    Check {
        id: "web.parse.leading-crlf",
        title: "an empty line before the request line is skipped",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Should,
        clause: "RFC 9112 §2.2",
        why: "Some old clients send one CR LF too many after a body; it then stands before the next request.",
        peers: "nginx and Apache skip it, lighttpd answers 400.",
        hints: &["What does your parser do when the first line is empty?"],
        run: leading_crlf,
    },
    Check {
        id: "web.parse.fields",
        title: "field names in any case, and any blanks around values, are understood",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers", "web.persist.close"],
        basis: Basis::Must,
        clause: "RFC 9112 §5",
        why: "Field names are the same in any case; around a value may stand spaces, tabs or nothing, and they \
              are no part of it.",
        peers: "Apache and lighttpd pass; nginx 1.22 skips spaces but not tabs.",
        hints: &[
            "Do you split at \": \"? The blank after the colon is optional, and may be a tab.",
            "Compare names with `eq_ignore_ascii_case`, and trim spaces and tabs at both ends of a value.",
        ],
        run: fields,
    },
    Check {
        id: "web.parse.space-colon",
        title: "a blank between a field name and its colon is refused",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9112 §5.1",
        why: "Where a proxy reads `Content-Length : 5` as one field and the server behind it as another, an \
              attacker can slip a request past the proxy. So this has to be refused, not mended.",
        peers: "nginx, Apache, lighttpd and Node answer 400; python's http.server and busybox serve it.",
        hints: &[
            "Do you trim the field name? It must be a token just as it stands.",
            "A blank, or any octet that is not a token's, in a name: 400, and close.",
        ],
        run: space_colon,
    },
    Check {
        id: "web.parse.nul",
        title: "a NUL octet in a request neither cuts nor stops anything",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §5.5",
        why: "In C a NUL ends a string: what checks the whole target and what opens the file then see different \
              names. In a field value it is refused or taken for a space, in a target it is no legal octet.",
        peers: "nginx, Apache, lighttpd and caddy answer 400.",
        hints: &[
            "Which of your functions stop at a NUL octet?",
            "Answer 400 to any control octet in the request line.",
        ],
        run: nul,
    },
    Check {
        id: "web.parse.percent",
        title: "a percent sign that encodes nothing, or NUL, is refused",
        lab: Lab::Lab1,
        stage: 7,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 3986 §2.1",
        why: "After a percent sign come two hexadecimal digits. Input from the network may end or go wrong at \
              any octet, and no file name holds a NUL.",
        peers: "nginx answers 400 to all, Apache and lighttpd 400 or 404; python's http.server drops the connection \
                at %00.",
        hints: &[
            "What does your decoder do when fewer than two octets follow the percent sign?",
            "Let decoding return a Result, answer 400 to its error, and treat a decoded NUL as one.",
        ],
        run: percent,
    },
];

fn bytewise(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let request = server.get(&server.site.text.target);
    let cuts: Vec<usize> = (1..request.octets().len()).collect();
    answered_in_pieces(&server, &request, &cuts, "a request that arrives one octet at a time")
}

fn split(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let target = &server.site.text.target;
    let request = server.get(target);
    let end = request.octets().len();
    let line = format!("GET {target} HTTP/1.1").len();
    let host = line + 2;
    for (place, cut) in [
        ("in the method", 2),
        ("before the target", 4),
        ("in the target", 4 + target.len() / 2),
        ("in the version", line - 4),
        ("between CR and LF of the request line", line + 1),
        ("after the request line", host),
        ("in a field name", host + 2),
        ("after a field name's colon", host + 5),
        ("in a field value", host + 10),
        ("between CR and LF of the last field", end - 3),
        ("before the empty line", end - 2),
        ("between CR and LF of the empty line", end - 1),
    ] {
        answered_in_pieces(&server, &request, &[cut], &format!("a request cut {place}"))?;
    }
    Ok(())
}

fn answered_in_pieces(server: &Server, request: &Request, cuts: &[usize], what: &str) -> Verdict {
    let alone = server.ask(request)?;
    let mut conn = server.connect()?;
    let note = format!("this is {what}; each piece was sent when your program had read the one before");
    conn.send_pieces(request.octets(), cuts).note(&note)?;
    let answer = conn.response(request.method()).note(&note)?;
    expect_same(what, &alone, &answer)
}

fn absolute_form(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let (host, path) = (server.host(), &server.site.text.target);
    let alone = server.ask(&server.get(path))?;
    let whole = format!("http://{host}{path}");
    for (what, request) in [
        ("an absolute target", server.get(&whole)),
        ("an absolute target whose scheme is in capitals", server.get(&format!("HTTP://{host}{path}"))),
    ] {
        let answer = server.ask(&request).by_hand(format!(
            "curl -sv --request-target http://127.0.0.1:8080{path} http://127.0.0.1:8080/"
        ))?;
        expect_same(what, &alone, &answer)?;
    }
    Ok(())
}

fn leading_crlf(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let request = server.get(&server.site.text.target);
    let alone = server.ask(&request)?;
    let mut conn = server.connect()?;
    conn.send([b"\r\n", &request.octets()[..]].concat())?;
    let answer = conn.response("GET").note("we sent an empty line (CR LF), then a plain request")?;
    expect_same("a request after an empty line", &alone, &answer)
}

fn fields(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let (host, path) = (server.host(), &server.site.text.target);
    let alone = server.ask(&server.get(path))?;
    for (what, fields) in [
        ("with field names in mixed case", format!("hOsT: {host}\r\ncOnNeCtIoN: close\r\n")),
        ("without a blank after the colons", format!("Host:{host}\r\nConnection:close\r\n")),
        ("with spaces and tabs around its values", format!("Host:\t {host} \t\r\nConnection: \tclose  \r\n")),
    ] {
        let what = format!("a request {what}");
        let mut conn = server.connect()?;
        conn.send(format!("GET {path} HTTP/1.1\r\n{fields}\r\n"))?;
        expect_same(&what, &alone, &conn.response("GET")?)?;
        expect_close_after(&mut conn, &format!("{what}, which says `close`,"))?;
    }
    Ok(())
}

fn space_colon(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let (host, path) = (server.host(), &server.site.text.target);
    let name = word(&mut t.rng);
    for (what, field) in [("a space before a colon", " :"), ("a tab before a colon", "\t:")] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nX-{name}{field} 1\r\n\r\n");
        expect_refused(&server, what, request.as_bytes(), &[400])?;
    }
    expect_alive(&server)
}

fn nul(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let (host, path) = (server.host(), &server.site.text.target);
    let name = word(&mut t.rng);
    let in_value = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nX-{name}: a\0b\r\n\r\n");
    expect_refused(&server, "a NUL in a field value", in_value.as_bytes(), &[400, 200])?;
    let in_target = format!("GET {path}\0.{name} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    expect_refused(&server, "a NUL in the target", in_target.as_bytes(), &[400, 403, 404])
        .explain(|failure| cut_at_nul(failure, path))?;
    expect_alive(&server)
}

fn percent(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let path = &server.site.text.target;
    let name = word(&mut t.rng);
    for target in [
        format!("/{name}%zz"),
        format!("/{name}%"),
        format!("/{name}%4"),
        format!("/%4/{name}"),
        format!("{path}%00.{name}"),
    ] {
        let answer = server
            .ask(&server.get(&target))
            .note(format!("the target was {target}: a connection dropped without a word is no answer"))?;
        ensure(
            answer.head.status / 100 == 4,
            format!("the target {target} is answered with status 400, or another 4xx"),
            format!("status {}", answer.head.status),
        )
        .explain(|failure| if target.contains("%00") { cut_at_nul(failure, path) } else { failure })?;
    }
    expect_alive(&server)
}

fn cut_at_nul(failure: Failure, path: &str) -> Failure {
    if failure.seen == "status 200" {
        failure
            .note(format!("the name was cut at the NUL: {path} is there, the name that was asked for is not"))
    } else {
        failure
    }
}
