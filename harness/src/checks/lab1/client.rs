//! Stage 12: the client, against an origin that plays the server.
//!
//! Left to the client: whether interim heads are shown, and what it makes of two framings at once.

mod run;

use std::net::Ipv4Addr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use self::run::{ask, run};
use super::site::{noise, prose, word};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::Deadline;
use crate::fake::origin::{Act, Origin};
use crate::trial::Trial;
use crate::verdict::{Explain, Fault, Verdict, ensure};
use crate::wire::bytes;

pub const CHECKS: &[Check] = &[
    Check {
        id: "client.get",
        title: "a GET prints the body on stdout, octet for octet, and the head on stderr",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Core,
        points: 2,
        role: Role::Client,
        needs: &[],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "stdout holds the body and nothing else, so that `web-client … > file` saves the file as it is; what \
              else there is to say goes to stderr.",
        peers: "curl does it with `-D /dev/stderr`, wget with `-S -O -`.",
        hints: &[
            "Which of your prints go to stdout? A body of any octets is not text.",
            "Write the body with `write_all` on stdout, and flush it; the status line and the fields go to stderr.",
        ],
        run: get,
    },
    Check {
        id: "client.request",
        title: "the request is well-formed: the method and path as given, and one Host with the port",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Core,
        points: 1,
        role: Role::Client,
        needs: &[],
        basis: Basis::Must,
        clause: "RFC 9112 §3.2",
        why: "To the server itself goes the path with its query (origin-form, §3.2.1), untouched; Host says which \
              host and port were meant, since one address may serve many.",
        peers: "curl and wget leave out the port where it is 80, as everyone does.",
        hints: &[
            "Look at what you send: `nc -l 8080` in one window, your client in another.",
            "`Host: 127.0.0.1:8080`, and an empty line, CR LF, at the end of the head.",
        ],
        run: request,
    },
    Check {
        id: "client.status",
        title: "the exit status is 0 for 2xx and 3xx, and 1 for 4xx and 5xx",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Core,
        points: 1,
        role: Role::Client,
        needs: &["client.get"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A script asks by the exit status whether it worked. A code that you do not know counts as the x00 of \
              its class (RFC 9110 §15).",
        peers: "curl exits with 0 whatever the status is, unless told `--fail`; wget exits with 8.",
        hints: &[
            "What is left of a status code when it is divided by 100?",
            "`std::process::exit(1)` for 4 and 5; the body is printed all the same, and a redirect not followed.",
        ],
        run: status,
    },
    Check {
        id: "client.length",
        title: "the client ends with Content-Length, though the server keeps the connection open",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Core,
        points: 1,
        role: Role::Client,
        needs: &["client.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "Connections persist: the server waits for the next request, and will not close first. The head says \
              where the body ends.",
        peers: "",
        hints: &[
            "What does your reading loop wait for? A server that keeps the connection open sends no FIN.",
            "Count the octets of the body, those that came with the head included, and stop at Content-Length.",
        ],
        run: length,
    },
    Check {
        id: "client.chunked",
        title: "a chunked body is put together again",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Core,
        points: 1,
        role: Role::Client,
        needs: &["client.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §7.1",
        why: "A server that does not know the length beforehand sends chunks, each behind its size in hexadecimal; \
              every HTTP/1.1 client must be able to read them, extensions and trailer fields included.",
        peers: "",
        hints: &[
            "A size line may be `A`, `a`, `00a` or `a;name=value`; after the data comes one CR LF more.",
            "The body ends with the chunk of size 0, its trailer fields, if any, and an empty line. What looks like \
             a chunk within the data is data: count.",
        ],
        run: chunked,
    },
    Check {
        id: "client.close-delimited",
        title: "without Content-Length and chunked, the body lasts until the server closes",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Core,
        points: 1,
        role: Role::Client,
        needs: &["client.get"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "The oldest way to end a body: all that comes before the FIN belongs to it. It is not an error.",
        peers: "",
        hints: &[
            "No Content-Length does not mean no body.",
            "Read until a read returns 0: that is the FIN, and here the regular end.",
        ],
        run: close_delimited,
    },
    Check {
        id: "client.bodiless",
        title: "after HEAD, and after 204 and 304, no body is waited for",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Core,
        points: 1,
        role: Role::Client,
        needs: &["client.status"],
        basis: Basis::Must,
        clause: "RFC 9112 §6.3",
        why: "These answers end with the empty line after the head, whatever their fields announce: the \
              Content-Length of an answer to HEAD is that of the body a GET would get.",
        peers: "`curl -X HEAD` waits for ever: it changes the word, not curl's mind; `curl -I` is right.",
        hints: &[
            "How long a body is depends on more than its fields: on the method and the status too.",
            "Decide in this order: HEAD, 1xx, 204 or 304: none; chunked; Content-Length; until the close.",
        ],
        run: bodiless,
    },
    Check {
        id: "client.interim",
        title: "1xx answers are skipped: the last head is the answer's",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Robust,
        points: 1,
        role: Role::Client,
        needs: &["client.status"],
        basis: Basis::Must,
        clause: "RFC 9110 §15.2",
        why: "Before its answer a server may send any number of interim ones, such as 103 with hints; each is a head \
              without a body, asked for or not.",
        peers: "curl shows them and goes on.",
        hints: &[
            "After a head with a status from 100 to 199 another head follows on the same connection.",
            "Read heads in a loop until the status is 200 or more.",
        ],
        run: interim,
    },
    Check {
        id: "client.split",
        title: "an answer that arrives octet by octet is read like any other",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Robust,
        points: 1,
        role: Role::Client,
        needs: &["client.length", "client.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §2.2",
        why: "TCP carries a stream of octets: where one read ends says nothing about where a line, a head or a chunk \
              does.",
        peers: "",
        hints: &[
            "Which of your reads takes for granted that it gets a whole line, or a whole head?",
            "Keep what has come in a buffer, and look for the end of the line in all of it after each read.",
        ],
        run: split,
    },
    Check {
        id: "client.short",
        title: "a body that ends before its time is an error: exit status 2",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Core,
        points: 1,
        role: Role::Client,
        needs: &["client.length", "client.chunked"],
        basis: Basis::Must,
        clause: "RFC 9112 §8",
        why: "A connection may break at any octet. Whoever takes half a file for the whole one will not notice until \
              it is too late.",
        peers: "curl: 18 for a short body, 56 for a reset.",
        hints: &[
            "What do you do when a read returns 0 and octets are still missing?",
            "Content-Length: compare; chunked: only the chunk of size 0 is the end.",
        ],
        run: short,
    },
    Check {
        id: "client.malformed",
        title: "an answer that is no HTTP, or breaks its framing, is an error: exit status 2",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Robust,
        points: 1,
        role: Role::Client,
        needs: &["client.length", "client.chunked"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "Whatever cannot be read as the RFC has it must not be passed on as if it had been, and no octet from \
              outside may crash you.",
        peers: "wget takes a bad chunk size for the end of the body, and SSH's greeting for HTTP/0.9.",
        hints: &[
            "Where do you unwrap, index or parse what the server sent?",
            "Let the parser return an error; `main` alone turns it into a message on stderr and the status 2.",
        ],
        run: malformed,
    },
    Check {
        id: "client.refused",
        title: "where nothing listens, or arguments are missing, the exit status is 2",
        lab: Lab::Lab1,
        stage: 12,
        tier: Tier::Core,
        points: 1,
        role: Role::Client,
        needs: &[],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "No answer is another thing than a bad answer: 1 says that the server refused, 2 that there was no \
              conversation.",
        peers: "curl: 7 for a refused connection, 2 for its arguments.",
        hints: &[
            "A panic ends a Rust program with 101, an exception one in Python with 1: neither is 2.",
            "Handle the error of `connect` and the wrong number of arguments; print why, and exit with 2.",
        ],
        run: refused,
    },
];

/// How long what a client sent before it ended may take to be read.
const AFTER_ITS_END: Duration = Duration::from_millis(250);

fn get(t: &mut Trial) -> Verdict {
    let body = noise_with_all_values(t);
    let value = word(&mut t.rng);
    let head = format!("200 OK\r\nX-Colour: {value}\r\nConnection: close\r\nContent-Length: {}", body.len());
    let origin = origin(t, [Act::Send(reply(&head, &body)), Act::Close])?;
    let ended = ask(t, &origin, "GET", &format!("/{value}.bin"))?;
    ended.exits(0, "a 200")?;
    ended.prints(&body, "a 200")?;
    ended.shows(&["HTTP/1.1", "200"], "the status line HTTP/1.1 200 OK")?;
    ended.shows(&["x-colour", &value], &format!("the field X-Colour: {value}"))
}

fn request(t: &mut Trial) -> Verdict {
    for method in ["GET", "DELETE"] {
        let path = format!("/{}/a%20b.txt?{}=%2F&x", word(&mut t.rng), word(&mut t.rng));
        let origin = origin(t, [Act::Send(reply("200 OK\r\nContent-Length: 0", b"")), Act::Close])?;
        ask(t, &origin, method, &path)?;
        let request = origin.request(0, Deadline::within(AFTER_ITS_END))?;
        let head = &request.head;
        ensure(head.method == method, format!("the method {method}"), format!("the method {}", head.method))?;
        ensure(
            head.target == path.as_bytes(),
            format!("the request target {path}"),
            format!("the request target {}", bytes::show(&head.target)),
        )?;
        let hosts: Vec<String> = head.fields.all("host").map(|host| bytes::show(&host.value)).collect();
        let host = origin.addr().to_string();
        let seen = match hosts.as_slice() {
            [] => "no Host".to_owned(),
            hosts => format!("Host: {}", hosts.join(", and Host: ")),
        };
        ensure(hosts == [host.clone()], format!("one field Host: {host}"), seen)?;
    }
    Ok(())
}

fn status(t: &mut Trial) -> Verdict {
    for (status, code) in [(200, 0), (299, 0), (302, 0), (404, 1), (471, 1), (500, 1), (503, 1)] {
        let body = prose(&mut t.rng, 2..5);
        let head = format!("{status} Whatever\r\nLocation: /{}\r\n{}", word(&mut t.rng), closing(&body));
        let origin = origin(t, [Act::Send(reply(&head, &body)), Act::Close])?;
        let ended = ask(t, &origin, "GET", "/status")?;
        let what = format!("status {status}");
        ended.exits(code, &what)?;
        ended.prints(&body, &what)?;
        let requests = origin.exchanges().len();
        ensure(requests == 1, format!("one request, answered with {what}"), format!("{requests} requests"))
            .note("the client sends one request: whoever called it decides whether to follow a redirect")?;
    }
    Ok(())
}

fn length(t: &mut Trial) -> Verdict {
    let body = noise_with_all_values(t);
    let head = format!("200 OK\r\nContent-Length: {}", body.len());
    let origin = origin(t, [Act::Send(reply(&head, &body)), Act::Hold])?;
    let ended = ask(t, &origin, "GET", "/kept-open")?;
    ended.prints(&body, "a body of known length")?;
    ended.exits(0, "a body of known length")
}

fn chunked(t: &mut Trial) -> Verdict {
    let mut body = prose(&mut t.rng, 8..12);
    body.extend_from_slice(b"\r\n0\r\n\r\n5\r\n");
    body.extend(noise_with_all_values(t));
    let head = "200 OK\r\nTrailer: X-Sum\r\ntransfer-encoding: Chunked";
    let origin = origin(t, [Act::Send(reply(head, &torn_in_chunks(&body))), Act::Hold])?;
    let ended = ask(t, &origin, "GET", "/chunked")?;
    ended.prints(&body, "a chunked body")?;
    ended.exits(0, "a chunked body")
}

fn close_delimited(t: &mut Trial) -> Verdict {
    for version in ["1.1", "1.0"] {
        let body = noise_with_all_values(t);
        let head = format!("HTTP/{version} 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n");
        let answer = [head.as_bytes(), &body].concat();
        // A client that goes by what has arrived so far finds nothing after the head.
        let origin = origin(t, [Act::Pieces(answer, vec![head.len()]), Act::Close])?;
        let what = format!("a body of HTTP/{version} that lasts until the close");
        let ended = ask(t, &origin, "GET", "/until-the-close")?;
        ended.prints(&body, &what)?;
        ended.exits(0, &what)?;
    }
    Ok(())
}

fn bodiless(t: &mut Trial) -> Verdict {
    for (method, status) in [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")] {
        let length = t.rng.usize(100..1000);
        let answer = reply(&format!("{status}\r\nContent-Length: {length}"), b"");
        let origin = origin(t, [Act::Send(answer), Act::Hold])?;
        let what = format!("{method}, answered with {}", &status[..3]);
        let ended = ask(t, &origin, method, "/no-body")
            .note(format!("{what}: Content-Length says {length}, and no octet of a body follows"))?;
        ended.prints(b"", &what)?;
        ended.exits(0, &what)?;
    }
    Ok(())
}

fn interim(t: &mut Trial) -> Verdict {
    let (hint, value) = (word(&mut t.rng), word(&mut t.rng));
    let mut answer = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
    answer.extend(reply(&format!("103 Early Hints\r\nLink: </{hint}.css>; rel=preload"), b""));
    let body = prose(&mut t.rng, 2..5);
    answer.extend(reply(&format!("404 Not Found\r\nX-Colour: {value}\r\n{}", closing(&body)), &body));
    let origin = origin(t, [Act::Send(answer), Act::Close])?;
    let ended = ask(t, &origin, "GET", "/early")?;
    let what = "100, 103 and then a 404";
    ended.prints(&body, what)?;
    ended.exits(1, what)?;
    ended.shows(&["HTTP/1.1", "404"], "the status line HTTP/1.1 404 Not Found")?;
    ended.shows(&["x-colour", &value], &format!("the field X-Colour: {value}"))
}

fn split(t: &mut Trial) -> Verdict {
    let body = prose(&mut t.rng, 2..4);
    for (head, octets) in [
        (format!("200 OK\r\nContent-Length: {}", body.len()), body.clone()),
        ("200 OK\r\nTransfer-Encoding: chunked".to_owned(), torn_in_chunks(&body)),
    ] {
        let answer = reply(&head, &octets);
        let cuts = (1..answer.len()).collect();
        let origin = origin(t, [Act::Pieces(answer, cuts), Act::Close])?;
        let ended = ask(t, &origin, "GET", "/slowly")?;
        let what = format!("{}, octet by octet", &head["200 OK\r\n".len()..]);
        ended.prints(&body, &what)?;
        ended.exits(0, &what)?;
    }
    Ok(())
}

fn short(t: &mut Trial) -> Verdict {
    let body = prose(&mut t.rng, 4..8);
    let longer = reply(&format!("200 OK\r\nContent-Length: {}", body.len() + t.rng.usize(1..500)), &body);
    let chunks = torn_in_chunks(&body);
    let cut = chunks.len() - t.rng.usize(b"0\r\nX-Sum: 1\r\n\r\n".len()..40);
    let endless = reply("200 OK\r\nTransfer-Encoding: chunked", &chunks[..cut]);
    for (what, answer, end) in [
        ("fewer octets than Content-Length says, then FIN", longer.clone(), Act::Close),
        ("chunks without the last one, then FIN", endless, Act::Close),
        ("fewer octets than Content-Length says, then RST", longer, Act::Reset),
    ] {
        let origin = origin(t, [Act::Send(answer), end])?;
        ask(t, &origin, "GET", "/broken-off")?.exits(2, what)?;
    }
    Ok(())
}

fn malformed(t: &mut Trial) -> Verdict {
    let chunked = |body: &[u8]| reply("200 OK\r\nTransfer-Encoding: chunked", body);
    for (what, answer) in [
        ("a greeting of SSH", b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec()),
        ("a page without any head", b"<!DOCTYPE html>\n<title>hello</title>\n".to_vec()),
        ("a chunk size that is no number", chunked(b"5\r\nhello\r\nzz\r\nhello\r\n0\r\n\r\n")),
        (
            "a chunk size of 2^64 + 5, which a wrapping counter takes for 5",
            chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
        ),
        ("a Content-Length that is no number", reply("200 OK\r\nContent-Length: five", b"hello")),
        // With nothing announced, curl and others take the fields that came for all.
        ("a head that breaks off", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Ty".to_vec()),
        ("no answer at all: FIN", Vec::new()),
    ] {
        let origin = origin(t, [Act::Send(answer), Act::Close])?;
        ask(t, &origin, "GET", "/malformed")?.exits(2, what)?;
    }
    Ok(())
}

fn refused(t: &mut Trial) -> Verdict {
    let broken = |error: std::io::Error| Fault::Broken(format!("could not keep a port closed: {error}"));
    // Bound and not listening: a SYN is answered with RST, and nobody else gets the port meanwhile.
    let closed = Socket::new(Domain::IPV4, Type::STREAM, None).map_err(broken)?;
    closed.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).map_err(broken)?;
    let addr = closed.local_addr().map_err(broken)?.as_socket();
    let port = addr.map_or(1, |addr| addr.port()).to_string();
    run(t, &["GET", "127.0.0.1", &port, "/"])?.exits(2, "a port on which nothing listens")?;
    run(t, &[])?.exits(2, "no arguments")?;
    run(t, &["GET", "127.0.0.1"])?.exits(2, "two arguments instead of four")
}

fn origin(t: &Trial, script: impl IntoIterator<Item = Act>) -> Verdict<Origin> {
    Origin::builder().answer(script).start(t.scene())
}

/// `HTTP/1.1`, the rest of the head, the empty line and the body's octets.
fn reply(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat()
}

fn closing(body: &[u8]) -> String {
    format!("Connection: close\r\nContent-Length: {}", body.len())
}

/// Some kilobytes of any value, and each value at least once.
fn noise_with_all_values(t: &mut Trial) -> Vec<u8> {
    let mut octets = noise(&mut t.rng, 4096);
    octets.extend(0..=255);
    let more = t.rng.usize(1..30_000);
    octets.extend(noise(&mut t.rng, more));
    octets
}

/// The body in chunks of several sizes and spellings, with an extension and a trailer field.
fn torn_in_chunks(body: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    let (mut rest, mut size) = (body, 1);
    for turn in 0.. {
        let (chunk, after) = rest.split_at(rest.len().min(size));
        if chunk.is_empty() {
            break;
        }
        let line = match turn % 3 {
            0 => format!("{:x}", chunk.len()),
            1 => format!("000{:X};name=\"a;b\"", chunk.len()),
            _ => format!("{:X}", chunk.len()),
        };
        coded.extend_from_slice(line.as_bytes());
        coded.extend_from_slice(b"\r\n");
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
        (rest, size) = (after, size * 3 + 10);
    }
    coded.extend_from_slice(b"0\r\nX-Sum: 1\r\n\r\n");
    coded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::message::{Progress, read_response};

    #[test]
    fn what_is_torn_in_chunks_reads_as_the_body() {
        let body: Vec<u8> = (0..2000).map(|n| n as u8).collect();
        let answer = reply("200 OK\r\nTransfer-Encoding: chunked", &torn_in_chunks(&body));
        let Ok(Progress::Complete(response)) = read_response(&answer, "GET", false) else {
            panic!("it is a whole response")
        };
        assert_eq!((response.body, response.consumed), (body, answer.len()));
        assert!(response.trailers.has("x-sum"));
    }
}
