//! Stage 11, an extension: tunnels (RFC 9110 §9.3.6).

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

use super::family::wait_quiet;
use super::pages::{text, word};
use super::session::{get, origin, serves_on, share};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, Request, expect_status_in};
use crate::deadline::poll_until;
use crate::stream::{Arrival, Stream};
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure, fail};
use crate::wire::difference;

pub const CHECKS: &[Check] = &[
    Check {
        id: "ext.connect.tunnel",
        title: "CONNECT makes a tunnel, and octets pass both ways untouched",
        lab: Lab::Lab2,
        stage: 11,
        tier: Tier::Extension,
        points: 5,
        role: Role::Proxy,
        needs: &["proxy.forward.get"],
        basis: Basis::Must,
        clause: "RFC 9110 §9.3.6",
        why: "What is encrypted from end to end cannot be forwarded message by message. The client asks for a tunnel \
              instead; after the 2xx whatever comes from one side goes to the other, and may be no HTTP at all.",
        peers: "squid, Apache and tinyproxy pass.",
        hints: &[
            "The target is `host:port`. Connect there, answer `HTTP/1.1 200 OK` and an empty line, and then copy.",
            "Two directions, two threads: either side may speak first.",
            "A 2xx to CONNECT has neither Content-Length nor Transfer-Encoding: what follows is the tunnel.",
        ],
        run: tunnel,
    },
    Check {
        id: "ext.connect.large",
        title: "8 MiB pass in both directions at once",
        lab: Lab::Lab2,
        stage: 11,
        tier: Tier::Extension,
        points: 3,
        role: Role::Proxy,
        needs: &["ext.connect.tunnel"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "A tunnel that looks at its directions in turn stands still as soon as one of them is silent, or full.",
        peers: "squid, Apache and tinyproxy pass.",
        hints: &[
            "A write may take only a part of what it is given.",
            "While you wait until one side takes more, the other direction must go on.",
        ],
        run: large,
    },
    Check {
        id: "ext.connect.half-close",
        title: "when one side has said all it has to say, the other may go on",
        lab: Lab::Lab2,
        stage: 11,
        tier: Tier::Extension,
        points: 3,
        role: Role::Proxy,
        needs: &["ext.connect.tunnel"],
        basis: Basis::Contract,
        clause: "contract, lab 2",
        why: "The end of a TCP connection comes in two halves: who has sent everything says FIN, and still reads the \
              answer. A tunnel passes each half on as it comes.",
        peers: "Apache and Traffic Server pass both halves on; squid, tinyproxy and privoxy lose what comes after the \
                first.",
        hints: &[
            "A read of 0 octets means that this side has finished: `shutdown` the writing half of the other one, no \
             more.",
            "Close both connections when both directions have ended.",
        ],
        run: half_close,
    },
    Check {
        id: "ext.connect.refused",
        title: "a tunnel that cannot be made is refused in words",
        lab: Lab::Lab2,
        stage: 11,
        tier: Tier::Extension,
        points: 2,
        role: Role::Proxy,
        needs: &["ext.connect.tunnel"],
        basis: Basis::Must,
        clause: "RFC 9110 §9.3.6",
        why: "A 2xx says that the tunnel is there: so connect first, and answer then. Nobody there is a 502, and a \
              target without a valid port is rejected, most simply with 400.",
        peers: "squid and Apache answer 503 where nothing listens.",
        hints: &[
            "In which order do you answer and connect?",
            "`CONNECT host:port` and nothing else: no scheme, no path, and a port from 1 to 65535.",
        ],
        run: refused,
    },
];

/// Somewhere to tunnel to.
struct FarEnd {
    listener: TcpListener,
    addr: SocketAddr,
}

impl FarEnd {
    fn listen() -> Verdict<FarEnd> {
        let listen = || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.set_recv_buffer_size(WINDOW)?;
            socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
            socket.listen(1)?;
            let listener = TcpListener::from(socket);
            listener.set_nonblocking(true)?;
            let addr = listener.local_addr()?;
            Ok(FarEnd { listener, addr })
        };
        listen().map_err(|error: std::io::Error| Fault::Broken(format!("could not listen: {error}")))
    }

    /// The proxy's connection.
    fn accept(&self, t: &Trial) -> Verdict<Stream> {
        let deadline = t.deadline().earlier(t.scene().silence());
        let accepted = poll_until(deadline, || match self.listener.accept() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            accepted => Some(accepted.and_then(|(socket, _)| socket.set_nonblocking(false).map(|()| socket))),
        });
        match accepted {
            Some(Ok(socket)) => Stream::over(t.scene(), socket, "far end"),
            Some(Err(error)) => Err(Fault::Broken(format!("could not accept a connection: {error}"))),
            None => {
                Err(Failure::new("the proxy connects to the target of CONNECT", "it has not").silent().into())
            }
        }
    }
}

fn connect(target: &str) -> Request {
    Request::new("CONNECT", target, target)
}

/// Receive buffers, so that what is not read stays with the proxy: several segments of loopback, which hold 64 KiB.
const WINDOW: usize = 256 << 10;

/// Makes a tunnel: the client's end, and the far one.
fn open(t: &Trial, proxy: &Up) -> Verdict<(Conn, Conn)> {
    let far_end = FarEnd::listen()?;
    let mut client = Conn::open_small(t.scene(), proxy.addr, WINDOW)?;
    let request = connect(&far_end.addr.to_string());
    let response = client.ask(&request).by_hand(by_hand())?;
    let status = response.head.status;
    if matches!(status, 400 | 403 | 405 | 501) && far_end.listener.accept().is_err() {
        return Err(Fault::Skipped(format!("CONNECT is answered with {status}: the extension is not there")));
    }
    ensure(status / 100 == 2, "CONNECT is answered with a 2xx", format!("status {status}"))
        .by_hand(by_hand())?;
    let far = far_end.accept(t)?;
    t.step(format!("there is a tunnel from the client through {} to {}", proxy.addr, far_end.addr));
    Ok((client, Conn::over(far)))
}

fn by_hand() -> String {
    "curl -v -p -x http://127.0.0.1:8888 http://127.0.0.1:8000/".to_owned()
}

/// Sends at one end and expects the same octets at the other.
fn passes(from: &mut Conn, to: &mut Conn, octets: &[u8], what: &str) -> Verdict {
    from.send(octets)?;
    arrives(to, octets, what)
}

fn arrives(to: &mut Conn, octets: &[u8], what: &str) -> Verdict {
    let expected = format!("{what}: {} octets come out of the tunnel as they went in", octets.len());
    let come = to.take(octets.len()).explain(|failure| {
        let failure =
            Failure { expected: expected.clone(), notes: Vec::new(), excerpt: Vec::new(), ..failure };
        match octets.starts_with(to.pending()) {
            true => failure,
            false => {
                let (seen, excerpt) = described(octets, to.pending());
                Failure { seen, excerpt, ..failure }
            }
        }
    })?;
    if come == octets {
        return Ok(());
    }
    let (seen, excerpt) = described(octets, &come);
    Err(Failure::new(expected, seen).excerpt(excerpt).into())
}

fn described(expected: &[u8], seen: &[u8]) -> (String, Vec<String>) {
    let difference = difference::describe(expected, seen);
    let (seen, more) = difference.split_once('\n').unwrap_or((&difference, ""));
    (seen.to_owned(), more.lines().map(str::to_owned).collect())
}

fn tunnel(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    let (mut client, mut far) = open(t, &proxy)?;
    let mut octets: Vec<u8> = (0..=u8::MAX).collect();
    t.rng.shuffle(&mut octets);
    let http = format!("GET /{} HTTP/1.1\r\nConnection: close\r\n\r\n", word(t));
    let greeting = format!("220 {}\r\n", word(t));
    passes(&mut far, &mut client, greeting.as_bytes(), "the far end speaks first")?;
    passes(&mut client, &mut far, &octets, "all octet values, from the client")?;
    passes(&mut far, &mut client, &octets, "all octet values, to the client")?;
    passes(&mut client, &mut far, http.as_bytes(), "what looks like another request")?;
    passes(&mut far, &mut client, text(t).as_bytes(), "and a word in the end")?;
    drop(client);
    let (rest, end) = far.rest().explain(|failure| Failure {
        expected: "when the client closes, the connection to the far end is closed as well".to_owned(),
        ..failure
    })?;
    ensure(
        rest.is_empty() && matches!(end, Arrival::Fin | Arrival::Reset),
        "nothing more comes out of the tunnel",
        format!("{} octets", rest.len()),
    )
}

fn large(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    // No power of two, so that what a buffer loses cannot be covered by what follows it.
    let mut block: Vec<u8> = (0..=u8::MAX).cycle().take(65_519).collect();
    t.rng.shuffle(&mut block);
    let up = block.repeat(129);
    block.reverse();
    let down = block.repeat(129);
    let (mut client, mut far) = open(t, &proxy)?;
    let (mut from_client, mut from_far) = (client.another()?, far.another()?);
    let (at_client, at_far) = std::thread::scope(|scope| {
        // Who has gone shows where nothing arrives.
        scope.spawn(|| from_client.send(&up).map(drop));
        scope.spawn(|| from_far.send(&down).map(drop));
        wait_quiet(&proxy);
        let at_far = scope.spawn(|| late(&mut far, &up, "from the client"));
        (late(&mut client, &down, "to the client"), at_far.join())
    });
    at_client?;
    at_far.unwrap_or_else(|_| Err(Fault::Broken("the far end of a tunnel panicked".to_owned())))
}

/// Begins to read when the proxy can write no more.
fn late(end: &mut Conn, octets: &[u8], what: &str) -> Verdict {
    end.wait_until_stuck()?;
    arrives(end, octets, what).note(
        "both ends have sent as much as they could, and then begun to read; a write that finds the buffer full waits, \
         or takes a part",
    )
}

fn half_close(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    for client_first in [true, false] {
        let (client, far) = open(t, &proxy)?;
        let (mut first, mut second, names) = match client_first {
            true => (client, far, ["the client", "the far end"]),
            false => (far, client, ["the far end", "the client"]),
        };
        let [one, other] = names;
        let [last_words, answer] = [text(t), text(t)];
        first.send(&last_words)?;
        first.half_close();
        ends(&mut second, last_words.as_bytes()).explain(|failure| Failure {
            expected: format!("{one}'s last words and its FIN arrive at {other}"),
            ..failure
        })?;
        t.step(format!("{other} has seen the end, and answers"));
        second.send(&answer)?;
        second.half_close();
        ends(&mut first, answer.as_bytes()).explain(|failure| Failure {
            expected: format!("{other}'s answer and FIN arrive at {one}, which has only half closed"),
            ..failure
        })?;
    }
    Ok(())
}

/// Exactly this comes, and then a FIN.
fn ends(conn: &mut Conn, octets: &[u8]) -> Verdict {
    let (rest, end) = conn.rest()?;
    let how = match end {
        Arrival::Fin if rest == octets => return Ok(()),
        Arrival::Fin => "a FIN",
        _ => "a reset",
    };
    fail("", format!("{} of {} octets, and then {how}", rest.len(), octets.len()))
}

fn refused(t: &mut Trial) -> Verdict {
    let proxy = share(t)?;
    // Bound and not listening: the port is ours, and refuses.
    let deaf = Socket::new(Domain::IPV4, Type::STREAM, None)
        .and_then(|socket| socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).map(|()| socket));
    let deaf = deaf.map_err(|error| Fault::Broken(format!("could not bind a socket: {error}")))?;
    let addr = deaf.local_addr().ok().and_then(|addr| addr.as_socket());
    let addr = addr.ok_or_else(|| Fault::Broken("a socket without an address".to_owned()))?;
    let mut conn = Conn::open(t.scene(), proxy.addr)?;
    let response = conn.ask(&connect(&addr.to_string()))?;
    expect_status_in(&response, &[502, 503])
        .note(format!("nothing listens at {addr}, where CONNECT led to"))?;

    let origin = origin(t, &super::reply::Reply::ok("there"))?;
    let url = String::from_utf8_lossy(get(&origin, "/").target()).into_owned();
    for target in ["127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:http", &url] {
        let mut conn = Conn::open(t.scene(), proxy.addr)?;
        conn.send(connect(target).octets())?;
        // A refusal in words, or the close, but no tunnel; the request may be read as another method's.
        if let Some(response) =
            conn.response_or_end("CONNECT").note(format!("this was `CONNECT {target}`"))?
        {
            let status = response.head.status;
            ensure(status >= 400, format!("`CONNECT {target}` is refused"), format!("status {status}"))?;
        }
    }
    serves_on(t, &proxy, "CONNECT with targets that are none")
}
