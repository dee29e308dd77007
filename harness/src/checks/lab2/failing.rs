//! Stage 4: no answer from the origin, and no request from the client that could be forwarded.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::broken::look_broken;
use super::cached::wait;
use super::pages::{fresh_path, same_body, text, word};
use super::reply::Reply;
use super::session::{ask, by_hand, get, origin, received, serves_on, share, start};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status, expect_status_in};
use crate::deadline::Deadline;
use crate::fake::latch::Latch;
use crate::fake::origin::{Act, Origin};
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure};
use crate::wire::bytes;

pub const CHECKS: &[Check] = &[
    Check {
        id: "proxy.fail.refused",
        title: "an origin that refuses the connection is a 502",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9110 §15.6.3",
        why: "The client did nothing wrong, and you are well: it is the server behind you. 502 says so. A proxy that \
              dies of it takes all its clients along.",
        peers: "Apache and squid answer 503, which passes, Traffic Server 502.",
        hints: &[
            "What does your program do when connect fails?",
            "Answer a small page of your own: status line, Content-Length, a sentence.",
        ],
        run: refused,
    },
    Check {
        id: "proxy.fail.unknown-host",
        title: "a host that cannot be found is a 502",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9110 §15.6.3",
        why: "A name need not resolve. The resolver reports that in another way than connect does, and often another \
              error has to be caught.",
        peers: "squid answers 502, Apache and Traffic Server 500.",
        hints: &[
            "Look up what your language's resolver returns or throws, and answer as if connect had failed.",
        ],
        run: unknown_host,
    },
    Check {
        id: "proxy.fail.early-end",
        title: "an origin that closes before its head is there is a 502",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9110 §15.6.3",
        why: "A read that returns no octet means that nothing more will come. The client has heard nothing yet: there \
              is still time to tell it.",
        peers: "nginx, Apache and squid answer 502; tinyproxy closes without a word.",
        hints: &["Does a loop that reads until the empty line ever end when there is nothing more to read?"],
        run: early_end,
    },
    Check {
        id: "proxy.fail.silent",
        title: "an origin that says nothing for --timeout seconds is a 504",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9110 §15.6.5",
        why: "A host can hang without closing anything. Who waits for it without a limit hangs with it, and its \
              client too.",
        peers: "squid and Traffic Server answer 504, Apache 502; tinyproxy just closes.",
        hints: &[
            "Set a time-out on the socket to the origin: a read that has run out of time returns an error.",
            "Tell that error from the others: 504 and not 502. SECONDS may have decimals.",
        ],
        run: silent,
    },
    Check {
        id: "proxy.fail.garbage",
        title: "an origin that speaks no HTTP is a 502",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9110 §15.6.3",
        why: "The port may belong to a mail server. What is no response cannot be passed on as one: your client \
              expects HTTP from you, whatever you get.",
        peers: "nginx answers 502; squid and Apache take it for HTTP/0.9 and wrap it in a 200, which passes.",
        hints: &["Read the status line strictly: `HTTP/1.`, a digit, a space, three digits."],
        run: garbage,
    },
    Check {
        id: "proxy.fail.malformed",
        title: "a start line that is none is a 400",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Core,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Should,
        clause: "RFC 9112 §2.2",
        why: "Anything can arrive at a port. Your program says what it makes of it, closes, and serves the next.",
        peers: "squid, Apache and nginx answer 400.",
        hints: &[
            "What does splitting the line at spaces give when there are none?",
            "A method, a target, HTTP/1.1, one space between them: else 400 and close.",
        ],
        run: malformed,
    },
    Check {
        id: "proxy.fail.bad-target",
        title: "a target that names no http origin is refused, and nobody is asked",
        lab: Lab::Lab2,
        stage: 4,
        tier: Tier::Robust,
        points: 1,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Contract,
        clause: "contract, lab 2; RFC 9110 §4.2.1",
        why: "No host, a port that is no number or larger than 65535, another scheme: the request cannot be meant for \
              whom you would connect to. Guesses end at the wrong server.",
        peers: "squid takes `80x` for 80 and refuses the others; Apache and tinyproxy answer 400, 404 or 500.",
        hints: &[
            "Which strings does your number parser take? C's atoi reads `80x` as 80, and 65616 in 16 bits is 80.",
            "Only `http://`, a host, and then nothing or a colon and 1 to 65535; else 400.",
        ],
        run: bad_target,
    },
];

/// Behind the checks of broken bodies, one of which it needs.
pub const SLOW: &[Check] = &[Check {
    id: "proxy.fail.slow",
    title: "an origin that takes its time is not given up, and one that falls silent in its body is",
    lab: Lab::Lab2,
    stage: 4,
    tier: Tier::Robust,
    points: 1,
    role: Role::Proxy,
    needs: &["proxy.fail.silent", "proxy.fail.short"],
    basis: Basis::Contract,
    clause: "contract, lab 2",
    why: "--timeout is for silence, before the head and behind it. A limit on the whole exchange cuts every long download, and every answer that \
              is sent as it is made.",
    peers: "squid and Apache count from the last octet.",
    hints: &[
        "From when does your clock run? Each octet from the origin starts it anew.",
        "A time-out on the socket does that by itself; Go's `http.Client.Timeout` and Python's `asyncio.timeout` \
             around it all are limits on the whole.",
        "Half a body is out already? Then there is no status left to send: break the message off.",
    ],
    run: slow,
}];

/// A port that is taken, so that nobody else listens on it, and refuses connections.
struct Deaf {
    _socket: Socket,
    addr: SocketAddr,
}

impl Deaf {
    fn new() -> Verdict<Deaf> {
        let broken = |error: std::io::Error| Fault::Broken(format!("could not take a port: {error}"));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).map_err(broken)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).map_err(broken)?;
        let addr = socket.local_addr().map_err(broken)?.as_socket();
        let addr = addr.ok_or_else(|| Fault::Broken("a port without an address".to_owned()))?;
        Ok(Deaf { _socket: socket, addr })
    }
}

fn get_from(authority: &str, path: &str) -> Request {
    Request::new("GET", format!("http://{authority}{path}"), authority)
}

fn refused(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let deaf = Deaf::new()?;
    let request = get_from(&deaf.addr.to_string(), &fresh_path(t));
    let note = "nothing listens on the origin's port: its host answers the SYN with RST";
    let response = ask(t, &proxy, &request).note(note)?;
    expect_status_in(&response, &[502, 503]).note(note).by_hand(by_hand(&request))?;
    serves_on(t, &proxy, "an origin that refused the connection")
}

fn unknown_host(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    // Legal labels, but one octet more than a name can have (RFC 1035 §2.3.4): no resolver asks the network.
    let label: String = (0..63).map(|_| t.rng.lowercase()).collect();
    let name = format!("{label}.{label}.{label}.{}", &label[..62]);
    let request = get_from(&name, &fresh_path(t));
    let note = format!("the target's host is a name of {} octets, which no resolver finds", name.len());
    let response = ask(t, &proxy, &request).note(&note)?;
    // A proxy may see for itself that this is no name, and a resolver be slow.
    expect_status_in(&response, &[502, 503, 504, 400])
        .explain(|failure| Failure { expected: "status 502 or 503".to_owned(), ..failure })
        .note(&note)
        .by_hand(by_hand(&request))?;
    serves_on(t, &proxy, "a host that could not be found")
}

fn early_end(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    for (what, octets) in [
        ("closes without an octet", ""),
        ("closes in the middle of its head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Ha"),
    ] {
        let origin = Origin::builder().answer([Act::Send(octets.into()), Act::Close]).start(t.scene())?;
        let request = get(&origin, &fresh_path(t));
        let note = format!("the origin reads the request and {what}");
        let response = ask(t, &proxy, &request).note(&note)?;
        expect_status(&response, 502).note(&note).by_hand(by_hand(&request))?;
        serves_on(t, &proxy, &format!("an origin that {what}"))?;
    }
    Ok(())
}

fn silent(t: &mut Trial) -> Verdict {
    const TIMEOUT: Duration = Duration::from_millis(200);
    let proxy = start(t, &["--timeout", "0.2"])?;
    let origin = Origin::builder().answer([Act::Hold]).start(t.scene())?;
    let request = get(&origin, &fresh_path(t));
    let asked = Instant::now();
    let response = ask(t, &proxy, &request)
        .note("the origin has the request and is silent; --timeout is 0.2 seconds")?;
    let after = asked.elapsed();
    expect_status(&response, 504).by_hand(by_hand(&request))?;
    ensure(
        after >= TIMEOUT,
        "the 504 not before the 0.2 seconds of --timeout are over",
        format!("it came after {:.3} s", after.as_secs_f64()),
    )
}

/// How long the origin of [`slow`] is silent between two pieces, and how many follow the first.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSES: usize = 4;

fn slow(t: &mut Trial) -> Verdict {
    /// More than a pause, and less than all but one: some look at the clock between two reads alone.
    const TIMEOUT: Duration = Duration::from_millis(700);
    let proxy = start(t, &["--timeout", "0.7"])?;
    // Where the machine itself has made a pause too long, the proxy was right to give up.
    for _ in 0..3 {
        let (longest, outcome) = slowly(t, &proxy)?;
        if outcome.is_ok() || longest < TIMEOUT.mul_f64(0.7) {
            outcome.note(format!(
                "the origin was silent for {:.1} s at most, and took {:.1} s for all; --timeout is 0.7 seconds",
                longest.as_secs_f64(),
                (PAUSE * PAUSES as u32).as_secs_f64(),
            ))?;
            return silent_in_its_body(t, &proxy);
        }
    }
    Err(Fault::Skipped("the machine was too busy to send a piece every quarter of a second".to_owned()))
}

fn silent_in_its_body(t: &mut Trial, proxy: &Up) -> Verdict {
    let half = [Reply::ok(text(t)).head(), b"and no more".to_vec()].concat();
    let origin = Origin::builder().answer([Act::Send(half), Act::Hold]).start(t.scene())?;
    let request = get(&origin, &fresh_path(t));
    look_broken(t, proxy, &request)
        .note("the origin is silent in the middle of its body; --timeout is 0.7 seconds")
}

/// Has an origin send its body piece by piece. Returns the longest pause between two, and what became of it.
fn slowly(t: &mut Trial, proxy: &Up) -> Verdict<(Duration, Verdict)> {
    t.begin_part();
    let body = text(t);
    let octets = Reply::ok(&body).octets();
    let latches: [Latch; PAUSES] = Default::default();
    let (first, rest) = octets.split_at(octets.len() - body.len() / 2);
    let mut script = vec![Act::Send(first.to_vec())];
    for (latch, piece) in latches.iter().zip(rest.chunks(rest.len().div_ceil(PAUSES))) {
        script.extend([Act::Await(latch.clone()), Act::Send(piece.to_vec())]);
    }
    let origin = Origin::builder().answer(script).start(t.scene())?;
    let request = get(&origin, &fresh_path(t));
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    conn.send(request.octets())?;
    received(t, &origin, 0)?;
    let mut longest = Duration::ZERO;
    for latch in &latches {
        let silent = Instant::now();
        wait(Deadline::after(PAUSE));
        latch.open();
        longest = longest.max(silent.elapsed());
    }
    let outcome = conn.response("GET").and_then(|response| {
        expect_status(&response, 200)?;
        same_body(&response, body.as_bytes(), &request)
    });
    Ok((longest, outcome))
}

fn garbage(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let binary: Vec<u8> = (0..90).map(|_| t.rng.u8(128..)).collect();
    for (what, octets) in [
        ("the greeting of a mail server", format!("220 {} ESMTP ready\r\n", word(t)).into_bytes()),
        ("octets that are no text", binary),
        ("a status line without a status", b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
    ] {
        let origin = Origin::builder().answer([Act::Send(octets.clone()), Act::Close]).start(t.scene())?;
        let request = get(&origin, &fresh_path(t));
        let note = format!("the origin answered with {what}");
        let response = ask(t, &proxy, &request).note(&note)?;
        let wrapped = response.head.status == 200 && visible(&response.body) == visible(&octets);
        if !wrapped {
            expect_status(&response, 502).note(&note).by_hand(by_hand(&request))?;
        }
        serves_on(t, &proxy, &format!("an origin that sent {what}"))?;
    }
    Ok(())
}

/// Without line ends and blanks: as HTTP/0.9, octets pass line by line.
fn visible(octets: &[u8]) -> Vec<u8> {
    octets.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect()
}

fn malformed(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let [one, two, three] = [word(t), word(t), word(t)];
    for line in [one.clone(), format!("{one} {two} {three} {one} {two}")] {
        let mut conn = Conn::open(t.scene(), proxy.addr)?;
        conn.send(format!("{line}\r\n\r\n"))?;
        let note = format!("the request was the line `{line}`, and an empty one");
        let response = conn.response("GET").note(&note)?;
        expect_status(&response, 400).note(&note)?;
        drop(conn);
        serves_on(t, &proxy, "a malformed request")?;
    }
    Ok(())
}

fn bad_target(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let origin = origin(t, &Reply::ok("the wrong one"))?;
    let (authority, port) = (origin.authority(), origin.addr().port());
    let path = fresh_path(t);
    for (what, target) in [
        ("no host", format!("http://{path}")),
        ("port 0", format!("http://127.0.0.1:0{path}")),
        ("a port above 65535", format!("http://127.0.0.1:{}{path}", u32::from(port) + 65536)),
        ("a port that is no number", format!("http://127.0.0.1:{port}x{path}")),
        ("the scheme ftp", format!("ftp://{authority}{path}")),
        ("the scheme https, without CONNECT", format!("https://{authority}{path}")),
    ] {
        let request = Request::new("GET", &target, &authority);
        let note = format!("the target was {target}, with {what}");
        let response = ask(t, &proxy, &request).note(&note)?;
        ensure(
            response.head.status / 100 >= 4,
            "a status of 400 or more: it names no http origin",
            format!("status {}", response.head.status),
        )
        .note(&note)
        .by_hand(by_hand(&request))?;
        // Octets that are no request may be those of TLS.
        if let Some(exchange) = origin.exchanges().iter().find(|exchange| exchange.request.is_ok()) {
            let (line, _) = bytes::excerpt(&exchange.octets, 0, 1, 66);
            return Err(Failure::new("nobody is asked", format!("a request at {authority}"))
                .excerpt([line])
                .note(note)
                .by_hand(by_hand(&request))
                .into());
        }
    }
    serves_on(t, &proxy, "requests for targets that are none")
}
