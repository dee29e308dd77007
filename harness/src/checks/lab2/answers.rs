//! Stage 5: more than one answer from an origin, or more than one reading of it (RFC 9110 §15.2, RFC 9112 §6.3).

use super::pages::{fresh_path, same_body, text};
use super::reply::Reply;
use super::session::{ask, get, share};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, expect_status};
use crate::fake::origin::{Act, Origin};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure};
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.parse.interim",
        title: "a 1xx before the response is not taken for the response",
        lab: Lab::Lab2,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9110 §15.2",
        why: "A 1xx is a head without a body that says: the answer is still to come. There may be several, and a \
              client must be able to take them even where it asked for none. HTTP/1.0 has no such thing, so such a \
              client is not sent one.",
        peers: "squid, privoxy and tinyproxy pass a 103 on, Apache swallows a 100; nginx as a forward proxy breaks.",
        hints: &[
            "Read heads until one has another status than 1xx.",
            "Pass the others on as they come, or drop them; to HTTP/1.0 clients drop them.",
        ],
        run: interim,
    },
    Check {
        id: "proxy.parse.both-framings",
        title: "of a response with two framings the chunks count, and the length goes",
        lab: Lab::Lab2,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.body.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "Transfer-Encoding overrides Content-Length. Whoever forwards such a message removes the length first: a \
              recipient that believes it would take the rest of the body for the next response.",
        peers: "squid and Apache remove the length; tinyproxy sends both on.",
        hints: &[
            "In which order does your program look at Content-Length and Transfer-Encoding?",
            "Write the framing fields anew, from the framing that you decided on, instead of copying them.",
        ],
        run: both_framings,
    },
    Check {
        id: "proxy.parse.excess",
        title: "what an origin sends after the end of its response is delivered to nobody",
        lab: Lab::Lab2,
        stage: 5,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.body.length", "proxy.body.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "Octets behind the end of a response must not be processed, cached or forwarded as a response: the next \
              client on that connection would get an answer that an attacker wrote.",
        peers: "squid and Apache drop them and close the connection to the origin; tinyproxy passes them on.",
        hints: &[
            "Does your program copy until the origin closes, or until the body is complete?",
            "A read may return more than the rest of the body. Send only what belongs to it.",
        ],
        run: excess,
    },
];

fn interim(t: &mut Trial) -> Verdict {
    const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
    let proxy = share(t)?;
    for (what, heads) in [
        ("a 103", HINTS.to_owned()),
        ("a 100", CONTINUE.to_owned()),
        ("a 100 and two 103", format!("{CONTINUE}{HINTS}{HINTS}")),
    ] {
        for (version, how) in [("HTTP/1.1", "together"), ("HTTP/1.1", "apart"), ("HTTP/1.0", "apart")] {
            let body = text(t);
            let octets = [heads.as_bytes(), &Reply::ok(&body).octets()].concat();
            let cuts = if how == "apart" { vec![heads.len()] } else { Vec::new() };
            let origin =
                Origin::builder().answer([Act::Pieces(octets, cuts), Act::Close]).start(t.scene())?;
            let request = get(&origin, &fresh_path(t)).version(version);
            let note = format!("the origin sent {what}, and then, {how}, a 200 with a body");
            let response = ask(t, &proxy, &request).note(&note)?;
            expect_status(&response, 200).note(&note)?;
            same_body(&response, body.as_bytes(), &request).note(&note)?;
            ensure(
                version == "HTTP/1.1" || response.interim.is_empty(),
                "an HTTP/1.0 client is sent the 200 alone",
                format!("{} 1xx before it", response.interim.len()),
            )?;
        }
    }
    Ok(())
}

fn both_framings(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let body = text(t);
    let chunks = Reply::ok(&body).chunked(&[7]).payload();
    for (length, what) in [(5, "shorter than"), (chunks.len() + 100, "longer than")] {
        let [one, two] = [("Content-Length", length.to_string()), ("Transfer-Encoding", "chunked".into())];
        for fields in [[one.clone(), two.clone()], [two, one]] {
            let reply = fields
                .into_iter()
                .fold(Reply::new(200).own_framing(), |reply, (name, value)| reply.field(name, value));
            let octets = [reply.head(), chunks.clone()].concat();
            let origin = Origin::builder().answer([Act::Send(octets), Act::Close]).start(t.scene())?;
            let request = get(&origin, &fresh_path(t));
            let note = format!(
                "the origin's response is chunked, and has a Content-Length of {length} besides, {what} what follows"
            );
            let mut conn = Conn::open(t.scene(), proxy.addr)?;
            conn.send(request.octets())?;
            // To refuse it with a page, or with the bare close, is allowed.
            match conn.response_or_end("GET").note(&note)? {
                Some(response) if response.head.status < 500 => {
                    expect_status(&response, 200).note(&note)?;
                    same_body(&response, body.as_bytes(), &request).note(&note)?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn excess(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    for framing in ["with a Content-Length", "in chunks"] {
        let [first, second, poison] = [text(t), text(t), text(t)];
        let reply = match framing {
            "in chunks" => Reply::ok(&first).chunked(&[]),
            _ => Reply::ok(&first),
        };
        let sent = [reply.octets(), Reply::ok(&poison).octets()].concat();
        let origin = Origin::builder().answer([Act::Send(sent)]).answer(Reply::ok(&second).script());
        let origin = origin.start(t.scene())?;
        let what = format!("the origin's first response, {framing}, has a second one behind it");
        let leaked = |failure: Failure| {
            let failure = failure.note(&what);
            match failure.excerpt.concat().contains(&poison) {
                true => failure.note("that is what the origin sent after its response"),
                false => failure,
            }
        };
        let mut conn = Conn::open(t.scene(), proxy.addr)?;
        let request = get(&origin, &fresh_path(t));
        let response = conn.ask(&request).explain(leaked)?;
        same_body(&response, first.as_bytes(), &request).explain(leaked)?;
        let next = get(&origin, &fresh_path(t));
        // A proxy that closes after each response is asked on another connection.
        conn.send(next.octets())?;
        let again = match conn.response_or_end("GET").explain(leaked)? {
            Some(response) => response,
            None => ask(t, &proxy, &next).explain(leaked)?,
        };
        not_poisoned(&again, &second, &poison).note(&what)?;
    }
    Ok(())
}

fn not_poisoned(response: &Response, own: &str, poison: &str) -> Verdict {
    let seen = match response.body == poison.as_bytes() {
        true => "what the origin had sent after the first response".to_owned(),
        false => format!("status {}, {} octets", response.head.status, response.body.len()),
    };
    ensure(response.body == own.as_bytes(), "the second request is answered with its own response", seen)
}
