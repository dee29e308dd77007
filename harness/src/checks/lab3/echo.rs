//! Stage 7: the echo server.
//!
//! That nothing is answered cannot be waited for. Behind what must not be answered a good request is sent, and its
//! reply must be the first thing that comes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::Deadline;
use crate::journal::{Lane, Way};
use crate::scene::Scene;
use crate::subject::ports;
use crate::sys::datagram;
use crate::trial::{Trial, Up};
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure};
use crate::wire::bytes;
use crate::wire::icmp::{self, ECHO_REPLY, ECHO_REQUEST, Echo, HEADER, Malformed};

pub const CHECKS: &[Check] = &[
    Check {
        id: "echo.reply",
        title: "a request comes back as a reply: type 0, a fresh checksum, all else as it was",
        lab: Lab::Lab3,
        stage: 7,
        tier: Tier::Extension,
        points: 4,
        role: Role::Echo,
        needs: &[],
        basis: Basis::Must,
        clause: "RFC 792, Echo or Echo Reply Message",
        why: "The data of the request must be returned in the reply, and by identifier and sequence number the sender \
              knows which it is. The type is another, so the checksum is another too.",
        peers: "Every host answers ICMP echo requests like this in its kernel (RFC 1122 §3.2.2.6).",
        hints: &[
            "Receive, look, send to where it came from, from the same socket, for ever.",
            "Set the type to 0 and the checksum field to 0, and sum over all of it again.",
        ],
        run: reply,
    },
    Check {
        id: "echo.sizes",
        title: "a request of any size is answered: without data, with an odd octet, the largest",
        lab: Lab::Lab3,
        stage: 7,
        tier: Tier::Extension,
        points: 2,
        role: Role::Echo,
        needs: &["echo.reply"],
        basis: Basis::Must,
        clause: "RFC 792, Echo or Echo Reply Message",
        why: "All of the data goes back. A receive into too small a buffer cuts a datagram off, and says nothing.",
        peers: "The echo service of xinetd cuts datagrams at 2048 octets.",
        hints: &["The largest datagram has 65507 octets: so must your buffer."],
        run: sizes,
    },
    Check {
        id: "echo.malformed",
        title: "what is malformed is dropped, and the next request is answered",
        lab: Lab::Lab3,
        stage: 7,
        tier: Tier::Extension,
        points: 3,
        role: Role::Echo,
        needs: &["echo.reply"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "Anybody can send anything to a UDP port: too short, empty, or damaged on its way. A fresh checksum over \
              damaged data would vouch for it.",
        peers: "socat and the echo service of inetd return everything; kernels drop it and count it as InCsumErrors.",
        hints: &[
            "How many octets does a header have? Ask before you read any of them.",
            "Over a datagram with a right checksum, checksum field included, the checksum is 0.",
            "An empty datagram is no end: on a UDP socket, a receive of 0 octets means just that.",
        ],
        run: malformed,
    },
    Check {
        id: "echo.not-request",
        title: "what is no echo request is dropped, a reply above all",
        lab: Lab::Lab3,
        stage: 7,
        tier: Tier::Extension,
        points: 3,
        role: Role::Echo,
        needs: &["echo.reply"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A server that answers replies answers another server's answer, and that one answers back: one forged \
              datagram between two of them runs for ever.",
        peers: "The echo and chargen services of the 1980s could be set on each other in this way, and were turned off \
                for it.",
        hints: &["Answer type 8 with code 0, and nothing else."],
        run: not_request,
    },
    Check {
        id: "echo.many",
        title: "each of several clients gets its own replies",
        lab: Lab::Lab3,
        stage: 7,
        tier: Tier::Extension,
        points: 3,
        role: Role::Echo,
        needs: &["echo.reply"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "One socket hears all clients: whom to answer stands beside each datagram, and nowhere else. Two clients \
              may well have chosen the same identifier.",
        peers: "",
        hints: &["`recv_from` says where each datagram came from; send to that, and do not `connect`."],
        run: many,
    },
    Check {
        id: "echo.bind",
        title: "a port that is taken ends it with a message",
        lab: Lab::Lab3,
        stage: 7,
        tier: Tier::Extension,
        points: 2,
        role: Role::Echo,
        needs: &[],
        basis: Basis::Contract,
        clause: "contract, submissions",
        why: "Whoever starts a server must learn at once that it is not serving: from its exit status if a script has \
              started it, from stderr if a person has.",
        peers: "socat: `E bind(5, {AF=2 0.0.0.0:12000}, 16): Address already in use`, and status 1.",
        hints: &[
            "What does your program do with the error that bind returns?",
            "Print it to stderr and exit with 1.",
        ],
        run: bind,
    },
];

fn reply(t: &mut Trial) -> Verdict {
    let client = Client::new(t)?;
    (0..3).try_for_each(|_| client.ask(&request(&mut t.rng, 56)).map(drop))
}

fn sizes(t: &mut Trial) -> Verdict {
    let client = Client::new(t)?;
    for length in [0, 1, 2 * t.rng.usize(10..50) + 1, 1400, 65_499, 56] {
        client.ask(&request(&mut t.rng, length))?;
    }
    Ok(())
}

fn malformed(t: &mut Trial) -> Verdict {
    let client = Client::new(t)?;
    let good = request(&mut t.rng, 57);
    let damaged = |at: usize| {
        let mut octets = good.to_octets();
        octets[at] ^= 0x10;
        octets
    };
    let mut unsummed = good.to_octets();
    unsummed[2..4].fill(0);
    let empty = ("an empty datagram", Vec::new());
    let bad = [
        ("a request with a bit of its data flipped", damaged(HEADER + t.rng.usize(..57))),
        ("a request with a bit of its identifier flipped", damaged(4)),
        ("a request with a bit of its checksum flipped", damaged(3)),
        ("a request without a checksum: its field is zero", unsummed),
        empty.clone(),
        ("the first octet of a request", good.to_octets()[..1].to_vec()),
        // A sum over these four octets alone is right.
        ("four octets, half a header", vec![ECHO_REQUEST, 0, !ECHO_REQUEST, 0xff]),
        ("seven octets of a request's header", good.to_octets()[..HEADER - 1].to_vec()),
        empty,
    ];
    bad.into_iter().try_for_each(|(what, octets)| client.gets_none(&mut t.rng, &octets, what))
}

fn not_request(t: &mut Trial) -> Verdict {
    let client = Client::new(t)?;
    for (kind, code) in [(ECHO_REPLY, 0), (ECHO_REQUEST, 1), (3, 3), (13, 0), (255, 0)] {
        let message = Echo { kind, code, ..request(&mut t.rng, 56) };
        let what = format!("a message of type {kind}, code {code}");
        client
            .gets_none(&mut t.rng, &message.to_octets(), &what)
            .note("its checksum is right; it is only no request")?;
    }
    Ok(())
}

fn many(t: &mut Trial) -> Verdict {
    const CLIENTS: usize = 4;
    const EACH: u16 = 3;
    let first = Client::new(t)?;
    let others = (1..CLIENTS).map(|_| first.another()).collect::<Verdict<Vec<_>>>()?;
    let clients: Vec<Client> = std::iter::once(first).chain(others).collect();
    let identifier = t.rng.u16(..);
    let requests: Vec<Vec<Echo>> = clients
        .iter()
        .map(|_| {
            (1..=EACH).map(|sequence| Echo { identifier, sequence, ..request(&mut t.rng, 40) }).collect()
        })
        .collect();
    for round in 0..usize::from(EACH) {
        for (client, requests) in clients.iter().zip(&requests) {
            client.send(&requests[round].to_octets())?;
        }
    }
    for (n, (client, requests)) in clients.iter().zip(&requests).enumerate() {
        let mut left: Vec<&Echo> = requests.iter().collect();
        while !left.is_empty() {
            let octets = client.receive(&format!("{} more replies for client {}", left.len(), n + 1))?;
            let sequence = Echo::parse_leniently(&octets).map(|message| message.sequence);
            let Some(at) = left.iter().position(|request| Some(request.sequence) == sequence) else {
                return Err(Failure::new(
                    format!("one reply for each of the {EACH} requests of client {}", n + 1),
                    format!("{}, which it has had already", describe(&octets)),
                )
                .into());
            };
            verify(left.remove(at), &octets).note(format!(
                "{CLIENTS} clients with the same identifier asked at the same time; this is what client {} got",
                n + 1
            ))?;
        }
    }
    Ok(())
}

fn bind(t: &mut Trial) -> Verdict {
    let broken = |error: io::Error| Fault::Broken(format!("could not take a port: {error}"));
    let lease = ports::lease().map_err(broken)?;
    let addr = (Ipv4Addr::LOCALHOST, lease.port()).into();
    let _taken = datagram::bind(addr, t.deadline()).map_err(broken)?;
    t.step(format!("took UDP port {} of 127.0.0.1", lease.port()));
    let running = t.run(Role::Echo, arguments(lease.port()))?;
    let Some(exit) = running.wait_exit(t.deadline()) else {
        return Err(Failure::new("it ends, since the port is taken", "it goes on running").silent().into());
    };
    t.unwatch(&running);
    ensure(!exit.status.success(), "it exits with another status than 0", "it exits with 0")?;
    ensure(running.stderr().total() > 0, "a message on stderr", "not a word there")
}

fn arguments(port: u16) -> Vec<std::ffi::OsString> {
    ["--host", "127.0.0.1", "--port", &port.to_string()].map(Into::into).to_vec()
}

/// A request like no other.
fn request(rng: &mut fastrand::Rng, length: usize) -> Echo {
    let data = (0..length).map(|_| rng.u8(..)).collect();
    Echo { kind: ECHO_REQUEST, code: 0, identifier: rng.u16(..), sequence: rng.u16(..), data }
}

/// How often it is looked whether the server still runs.
const LOOK: Duration = Duration::from_millis(50);

/// A socket that asks the server.
struct Client {
    socket: UdpSocket,
    addr: SocketAddr,
    server: Up,
    scene: Scene,
    lane: Lane,
}

impl Client {
    /// Of a server that may have served others.
    fn new(t: &mut Trial) -> Verdict<Client> {
        let server = t.share(Role::Echo, arguments)?;
        Client::of(server, t.scene())
    }

    fn another(&self) -> Verdict<Client> {
        Client::of(self.server.clone(), &self.scene)
    }

    fn of(server: Up, scene: &Scene) -> Verdict<Client> {
        // Not connected: an answer from another port than the one that was asked must be seen as such.
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| {
            socket.set_read_timeout(Some(LOOK))?;
            Ok((socket.local_addr()?, socket))
        });
        let (addr, socket) =
            socket.map_err(|error| Fault::Broken(format!("could not make a socket: {error}")))?;
        let lane = scene.journal.lane("client");
        Ok(Client { socket, addr, server, scene: scene.clone(), lane })
    }

    fn send(&self, octets: &[u8]) -> Verdict {
        let way = Way { from: self.addr, to: self.server.addr };
        self.scene.journal.datagram(self.lane, true, way, describe(octets), octets);
        let sent = self.socket.send_to(octets, self.server.addr);
        sent.map(|_| ()).map_err(|error| Fault::Broken(format!("could not send a datagram: {error}")))
    }

    /// The next datagram that comes.
    fn receive(&self, expected: &str) -> Verdict<Vec<u8>> {
        let mut buffer = vec![0; 65_536];
        let deadline = Deadline::after(self.scene.silence());
        loop {
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
                buffer.truncate(length);
                let way = Way { from, to: self.addr };
                self.scene.journal.datagram(self.lane, false, way, describe(&buffer), &buffer);
                let asked = self.server.addr;
                let same =
                    ensure(from == asked, format!("an answer from {asked}"), format!("one from {from}"));
                return same.note("a server answers from the socket on which it was asked").map(|()| buffer);
            }
            if self.server.running.exited().is_some() {
                return Err(Failure::new(expected, "your program has ended").into());
            }
            if deadline.passed() {
                let waited = self.scene.silence().as_secs_f64();
                return Err(Failure::new(expected, format!("nothing within {waited:.1} s"))
                    .note("when it came up it answered a request without data, from another socket")
                    .silent()
                    .into());
            }
        }
    }

    /// Sends a request, whose reply must be the next that comes.
    fn ask(&self, request: &Echo) -> Verdict {
        self.send(&request.to_octets())?;
        let octets = self.receive(&format!("the reply to {}", describe(&request.to_octets())))?;
        verify(request, &octets)
    }

    /// Sends what must not be answered, and fails unless the reply to a good request is the next that comes.
    fn gets_none(&self, rng: &mut fastrand::Rng, octets: &[u8], what: &str) -> Verdict {
        self.send(octets)?;
        let fence = request(rng, 56);
        self.send(&fence.to_octets())?;
        let answer = self
            .receive("the reply to a good request")
            .note(format!("before that request, it got {what}"))?;
        let of_fence = Echo::parse_leniently(&answer)
            .is_some_and(|it| (it.identifier, it.sequence) == (fence.identifier, fence.sequence));
        ensure(of_fence, format!("no answer to {what}"), describe(&answer))?;
        verify(&fence, &answer)
    }
}

/// What a datagram is, for a person.
fn describe(octets: &[u8]) -> String {
    let length = octets.len();
    match Echo::parse_leniently(octets) {
        Some(Echo { kind, code, identifier, sequence, .. }) => {
            let sum = if Echo::parse(octets).is_ok() { "" } else { ", wrong checksum" };
            format!(
                "{length} octets: type {kind}, code {code}, identifier {identifier:04x}, sequence {sequence}{sum}"
            )
        }
        None if octets.is_empty() => "an empty datagram".to_owned(),
        None => format!("{length} octets: {}", bytes::show(octets)),
    }
}

/// Nobody makes a buffer for datagrams that is smaller.
const SMALL_BUFFER: usize = 128;

/// Fails unless these octets are the reply to this request.
fn verify(request: &Echo, octets: &[u8]) -> Verdict {
    let right = request.reply();
    let wrong = |expected: String, seen: String| {
        let shown = &octets[..octets.len().min(24)];
        let hex: Vec<String> = shown.iter().map(|octet| format!("{octet:02x}")).collect();
        let rest = if shown.len() < octets.len() { " …" } else { "" };
        Failure::new(expected, seen)
            .excerpt([format!("{}{rest}", hex.join(" ")), "ty co check ident seq.. data".to_owned()])
    };
    let Some(found) = Echo::parse_leniently(octets) else {
        return Err(wrong("a reply".to_owned(), describe(octets)).into());
    };
    let pairs = [
        ("type", u16::from(right.kind), u16::from(found.kind)),
        ("code", right.code.into(), found.code.into()),
        ("identifier", right.identifier, found.identifier),
        ("sequence number", right.sequence, found.sequence),
    ];
    if let Some((name, right, found)) = pairs.into_iter().find(|(_, right, found)| right != found) {
        let failure = wrong(format!("{name} {right} in the reply"), format!("{name} {found}"));
        return Err(match name {
            "type" if octets == request.to_octets() => {
                failure.note("this is the request itself: a plain echo service (RFC 862)").into()
            }
            _ => failure.into(),
        });
    }
    let (sent, came) = (&right.data, &found.data);
    if sent.len() != came.len() {
        let failure = wrong(
            format!("{} octets of data, as many as the request has", sent.len()),
            format!("{}", came.len()),
        );
        return Err(if sent.starts_with(came) && octets.len() >= SMALL_BUFFER {
            failure.note(format!("has its buffer for receiving {} octets?", octets.len())).into()
        } else {
            failure.into()
        });
    }
    if let Some(at) = sent.iter().zip(came).position(|(sent, came)| sent != came) {
        let (line, carets) = bytes::hex_excerpt(came, at, 1);
        return Err(Failure::new("the data of the request", format!("octet {at} of the data differs"))
            .excerpt([line, carets])
            .into());
    }
    if let Err(Malformed::Checksum { found, right }) = Echo::parse(octets) {
        let failure = wrong(format!("the checksum {right:04x}"), format!("{found:04x}"));
        let requests = icmp::checksum(&[&[ECHO_REQUEST, 0, 0, 0][..], &octets[4..]].concat());
        return Err(if found == requests {
            failure.note("that is the request's: the type has changed, so it has to be made anew").into()
        } else {
            failure.into()
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(request: &Echo, octets: &[u8]) -> String {
        match verify(request, octets) {
            Err(Fault::Failed(failure)) => [vec![failure.seen], failure.notes].concat().join("; "),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_reply_of_a_request_passes_and_what_differs_is_named() {
        let request = request(&mut fastrand::Rng::with_seed(1), 57);
        let reply = request.reply();
        assert_eq!(seen(&request, &reply.to_octets()), "Ok(())");
        assert!(seen(&request, &request.to_octets()).contains("RFC 862"));
        let mut stale = request.to_octets();
        stale[0] = ECHO_REPLY;
        assert!(seen(&request, &stale).contains("made anew"));
        let cut = Echo { data: reply.data[..10].to_vec(), ..reply.clone() };
        assert!(seen(&request, &cut.to_octets()).starts_with("10"));
        let swapped = Echo { identifier: reply.identifier.swap_bytes(), ..reply };
        assert!(seen(&request, &swapped.to_octets()).starts_with("identifier"));
        assert!(seen(&request, &[0; 3]).starts_with("3 octets"));
    }
}
