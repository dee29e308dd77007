//! Stage 1: the requests, as they are on the wire. Nothing is asked of the output yet.

use super::session::{Ended, Ping, ms, stretched};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::echo::Request;
use crate::fake::network::Script;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Fault, Verdict};
use crate::wire::icmp::{self, Echo, HEADER, Malformed};

pub const CHECKS: &[Check] = &[
    Check {
        id: "ping.packet.sent",
        title: "COUNT datagrams are sent to HOST and the port",
        lab: Lab::Lab3,
        stage: 1,
        tier: Tier::Core,
        points: 3,
        role: Role::Ping,
        needs: &[],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "UDP sends one datagram for one send, and knows neither connection nor answer: what you sent is all \
              that there is.",
        peers: "ping of iputils sends without end where `-c` is missing.",
        hints: &[
            "Look at what arrives: `nc -u -l 12000 | xxd` in one window, your program in another.",
            "One socket for the whole run, bound to port 0, and one `send` for each of the COUNT requests.",
        ],
        run: sent,
    },
    Check {
        id: "ping.packet.header",
        title: "each is an echo request: type 8, code 0",
        lab: Lab::Lab3,
        stage: 1,
        tier: Tier::Core,
        points: 3,
        role: Role::Ping,
        needs: &["ping.packet.sent"],
        basis: Basis::Must,
        clause: "RFC 792, Echo or Echo Reply Message",
        why: "The first two octets say what a message is: type 8 with code 0 is an echo request, type 0 its reply.",
        peers: "",
        hints: &[
            "The header is eight octets: type, code, checksum (2), identifier (2), sequence number (2).",
            "Octet 0 is 8 and octet 1 is 0, each a single octet.",
        ],
        run: header,
    },
    Check {
        id: "ping.packet.checksum",
        title: "the checksum is right for the octets, whether their number is even or odd",
        lab: Lab::Lab3,
        stage: 1,
        tier: Tier::Core,
        points: 4,
        role: Role::Ping,
        needs: &["ping.packet.sent"],
        basis: Basis::Must,
        clause: "RFC 1071 §1",
        why: "The one's complement of the one's complement sum of all 16-bit words, with the checksum's own field \
              taken as zero; an odd octet at the end is the high half of a last word.",
        peers: "Every IP stack has this sum in its IP, ICMP, UDP and TCP headers.",
        hints: &[
            "Three steps: sum the words; add what was carried beyond 16 bits back in; invert all the bits.",
            "Fill the checksum field with zero first, sum over header and data, and write the result in network \
             byte order.",
            "After one addition of the carry there may be a carry again: `while sum >> 16 != 0`.",
        ],
        run: checksum,
    },
    Check {
        id: "ping.packet.identifier",
        title: "all requests of a run carry one identifier",
        lab: Lab::Lab3,
        stage: 1,
        tier: Tier::Core,
        points: 2,
        role: Role::Ping,
        needs: &["ping.packet.sent"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "By the identifier a program knows its own replies (RFC 792): it is chosen once, and stays.",
        peers: "iputils takes the process id, or a random number.",
        hints: &["Choose it at the start, by chance or from the process id, and keep it with the socket."],
        run: identifier,
    },
    Check {
        id: "ping.packet.sequence",
        title: "sequence numbers count 1, 2, 3 … in network byte order",
        lab: Lab::Lab3,
        stage: 1,
        tier: Tier::Core,
        points: 3,
        role: Role::Ping,
        needs: &["ping.packet.sent"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "The number says which request a reply belongs to. Numbers of several octets travel with the high octet \
              first (RFC 791, Appendix B).",
        peers: "iputils counts from 1, the ping of BSD from 0.",
        hints: &[
            "256 arriving for 1 means that the octets are swapped.",
            "`u16::to_be_bytes`, in Python `struct.pack('!H', n)`.",
        ],
        run: sequence,
    },
    Check {
        id: "ping.packet.size",
        title: "-s octets of data follow the header",
        lab: Lab::Lab3,
        stage: 1,
        tier: Tier::Core,
        points: 3,
        role: Role::Ping,
        needs: &["ping.packet.sent"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "A datagram is as long as it was sent: eight octets of header and `-s` of data, 56 without the option. \
              Where fewer than eight are asked for, the time stamp is cut off or left out.",
        peers: "iputils prints no times below `-s 16`: its stamp has sixteen octets.",
        hints: &["The stamp is part of the `-s` octets, not before them; `-s 0` is a header alone."],
        run: size,
    },
    Check {
        id: "ping.packet.stamp",
        title: "the first 8 octets of the data are a time stamp",
        lab: Lab::Lab3,
        stage: 1,
        tier: Tier::Core,
        points: 1,
        role: Role::Ping,
        needs: &["ping.packet.sent"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "No two requests carry the same data where the time of the send is in them: a reply with the data of \
              another request then shows as what it is. Which clock and which unit is the sender's own affair, for \
              nobody else reads it.",
        peers: "iputils and BSD put a timeval there, seconds first.",
        hints: &[
            "Read the clock for each request, and write the number into the first 8 octets behind the header.",
        ],
        run: stamp,
    },
    Check {
        id: "ping.packet.largest",
        title: "-s 65499 makes the largest datagram there is",
        lab: Lab::Lab3,
        stage: 1,
        tier: Tier::Robust,
        points: 1,
        role: Role::Ping,
        needs: &["ping.packet.size", "ping.packet.checksum"],
        basis: Basis::Contract,
        clause: "contract, lab 3",
        why: "An IPv4 packet has 65,535 octets at most: less 20 of IP, 8 of UDP and 8 of the message, 65,499 are left.",
        peers: "",
        hints: &[
            "Is there a buffer of fixed size in your way?",
            "A sum of 32,754 words does not fit into 16 bits, nor its carries into one.",
        ],
        run: largest,
    },
];

/// A quick ping that is answered at once.
fn ping(t: &mut Trial, ping: &Ping) -> Verdict<Ended> {
    ping.through(t, Script::answering())
}

fn short(count: u32) -> Ping {
    Ping::new(count).every(ms(10)).timeout(stretched(ms(300)))
}

fn sent(t: &mut Trial) -> Verdict {
    let count = t.rng.u32(3..8);
    let ended = ping(t, &short(count))?;
    let seen = match ended.trace.requests.len() {
        0 => "none".to_owned(),
        came => format!("{came}"),
    };
    ended.ensure(ended.trace.requests.len() == count as usize, format!("{count} datagrams, as -c says"), seen)
}

fn header(t: &mut Trial) -> Verdict {
    let ended = ping(t, &short(3))?;
    for (n, request) in ended.trace.requests.iter().enumerate() {
        let message = whole(n, request)?;
        if !message.is_request() {
            return Err(about(
                n,
                request,
                "type 8, code 0",
                format!("type {}, code {}", message.kind, message.code),
            ));
        }
    }
    Ok(())
}

fn checksum(t: &mut Trial) -> Verdict {
    let even = 2 * t.rng.u32(20..40);
    for (size, kind) in [(even, "an even number of octets"), (even + 1, "an odd number of octets")] {
        let ended = ping(t, &short(4).size(size))?;
        for (n, request) in ended.trace.requests.iter().enumerate() {
            if let Err(Malformed::Checksum { found, right }) = request.message {
                let fault = about(
                    n,
                    request,
                    &format!("the checksum {right:04x} over {kind}"),
                    format!("{found:04x}"),
                );
                return Err(fault).explain(|failure| noted(failure, wrong_sum(&request.octets, found)));
            }
        }
    }
    Ok(())
}

/// Which mistake makes this sum.
fn wrong_sum(octets: &[u8], found: u16) -> Option<&'static str> {
    let mut blank = octets.to_vec();
    blank[2..4].fill(0);
    let right = icmp::checksum(&blank);
    let words = blank.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)));
    let without_carry = !(words.sum::<u32>() as u16);
    let header_only = icmp::checksum(&blank[..HEADER]);
    if found == 0 {
        Some("the field is zero: the sum has to be written into it before the datagram is sent")
    } else if found == !right {
        Some("that is the sum itself; the checksum is its one's complement, all bits inverted")
    } else if found == right.swap_bytes() {
        Some("its octets are swapped: it travels in network byte order, like every number")
    } else if found == without_carry {
        Some("what is carried beyond 16 bits has to be added again at the low end")
    } else if found == header_only {
        Some("that is the sum of the header alone; the data belong to it")
    } else if octets.len() % 2 == 1 {
        Some("the odd octet at the end is the high half of a word whose low half is zero")
    } else {
        None
    }
}

fn identifier(t: &mut Trial) -> Verdict {
    let ended = ping(t, &short(4))?;
    let mut first = None;
    for (n, request) in ended.trace.requests.iter().enumerate() {
        let found = whole(n, request)?.identifier;
        let first = *first.get_or_insert(found);
        if found != first {
            return Err(about(
                n,
                request,
                &format!("the identifier {first:04x}, as before"),
                format!("{found:04x}"),
            ));
        }
    }
    Ok(())
}

/// As many as it takes to get beyond one octet.
const BEYOND_AN_OCTET: u32 = 260;

fn sequence(t: &mut Trial) -> Verdict {
    let ended = ping(t, &short(BEYOND_AN_OCTET).every(ms(1) / 2))?;
    for (n, request) in ended.trace.requests.iter().enumerate() {
        let (found, right) = (whole(n, request)?.sequence, n as u16 + 1);
        if found != right {
            let fault = about(n, request, &format!("sequence number {right}"), format!("{found}"));
            let note = match found {
                0 => Some("counting starts from 1"),
                _ if found == right.swap_bytes() => {
                    Some("its octets are swapped: network byte order has the high one first")
                }
                _ => None,
            };
            return Err(fault).explain(|failure| noted(failure, note));
        }
    }
    Ok(())
}

fn size(t: &mut Trial) -> Verdict {
    let odd = 2 * t.rng.u32(4..20) + 1;
    for size in [None, Some(0), Some(4), Some(8), Some(odd), Some(1400)] {
        let ended = ping(t, &Ping { size, ..short(1) })?;
        let data = size.unwrap_or(56) as usize;
        for (n, request) in ended.trace.requests.iter().enumerate() {
            if request.octets.len() != HEADER + data {
                let expected = format!("{} octets, {HEADER} of header and {data} of data", HEADER + data);
                return Err(about(n, request, &expected, format!("{} octets", request.octets.len())));
            }
        }
        ended.request_count(1)?;
    }
    Ok(())
}

fn stamp(t: &mut Trial) -> Verdict {
    // A clock that counts whole seconds has gone on by then.
    let apart = ms(1050);
    let ended = ping(t, &short(2).every(apart))?;
    ended.request_count(2)?;
    let [first, second] = [0, 1].map(|n| &ended.trace.requests[n]);
    let waited = second.at.saturating_duration_since(first.at);
    if waited < apart * 9 / 10 {
        return Ok(()); // sent at once, which is for a later stage to say: its clock may stand still meanwhile
    }
    let [was, is] = [first, second].map(|request| request.octets.get(HEADER..2 * HEADER));
    if is.is_none() || was == is {
        let expected = "8 octets of time stamp at the start of its data";
        let seen = format!("the octets of datagram 1, sent {:.1} s before", waited.as_secs_f64());
        return Err(about(1, second, expected, seen));
    }
    Ok(())
}

fn largest(t: &mut Trial) -> Verdict {
    let ended = ping(t, &short(1).size(65_499))?;
    ended.request_count(1)?;
    for (n, request) in ended.trace.requests.iter().enumerate() {
        if request.octets.len() != 65_507 {
            return Err(about(n, request, "65507 octets", format!("{} octets", request.octets.len())));
        }
        if let Err(error) = &request.message {
            return Err(about(
                n,
                request,
                "a right checksum over 65507 octets",
                format!("a datagram that {error}"),
            ));
        }
    }
    Ok(())
}

impl Ended {
    fn request_count(&self, count: usize) -> Verdict {
        let came = self.trace.requests.len();
        self.ensure(came == count, format!("as many datagrams as -c says, {count}"), came.to_string())
    }
}

/// The message of the datagram, whatever its checksum.
fn whole(n: usize, request: &Request) -> Verdict<Echo> {
    Echo::parse_leniently(&request.octets).ok_or_else(|| {
        about(
            n,
            request,
            "at least the eight octets of the header",
            format!("{} octets", request.octets.len()),
        )
    })
}

fn about(n: usize, request: &Request, expected: &str, seen: String) -> Fault {
    let shown = &request.octets[..request.octets.len().min(24)];
    let hex: Vec<String> = shown.iter().map(|octet| format!("{octet:02x}")).collect();
    let rest = if shown.len() < request.octets.len() { " …" } else { "" };
    Failure::new(format!("datagram {} has {expected}", n + 1), seen)
        .excerpt([format!("{}{rest}", hex.join(" ")), "ty co check ident seq.. data".to_owned()])
        .by_hand("nc -u -l 12000 | xxd")
        .into()
}

fn noted(failure: Failure, note: Option<&str>) -> Failure {
    note.into_iter().fold(failure, Failure::note)
}
