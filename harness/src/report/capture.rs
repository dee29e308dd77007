//! A check's record as a capture file (pcapng), for Wireshark and whatever else reads one.
//!
//! The record has what the harness's sockets gave and took, not what the kernel sent. So the packets are made
//! anew: three for a connection, one for each piece of octets and one that acknowledges it, one for each end.
//! Moments, order, sequence numbers and flags are right; windows, options and retransmissions are not to be
//! learnt here. What no wire shows is a comment on the packet behind it. Of TLS the record has the words and
//! not the cipher, so they are here in clear, without the secrets.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep, TcpHeader};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, PcapResult};

use crate::journal::{Ends, Journal, Kind, Lane, Octets, Way};

/// The octets of one segment; with its headers it fits into a packet of either IP version.
const SEGMENT: usize = 65_000;

/// What both sides say they have room for.
const WINDOW: u16 = u16::MAX;

/// Hops that a packet may make: it makes none.
const HOPS: u8 = 64;

/// Characters of a comment; its length has to fit into 16 bits.
const COMMENT: usize = 2000;

/// Decimal places of the seconds of a time stamp.
const NANOSECONDS: u8 = 9;

/// The file; `comment` says what it is a record of.
pub fn of(journal: &Journal, comment: &str) -> PcapResult<Vec<u8>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    write(&packets(journal), comment, now.saturating_sub(journal.age()))
}

struct Packet {
    /// Since the check began.
    at: Duration,
    /// From its IP header on; of a long record the last octets are missing.
    octets: Vec<u8>,
    /// What it had in all.
    length: usize,
    comments: Vec<String>,
}

fn write(packets: &[Packet], comment: &str, began: Duration) -> PcapResult<Vec<u8>> {
    let comment = comment.chars().take(COMMENT).collect::<String>();
    let mut file = PcapNgWriter::with_section_header(
        Vec::new(),
        SectionHeaderBlock {
            options: vec![SectionHeaderOption::Comment(comment.into())],
            ..Default::default()
        },
    )?;
    file.write_pcapng_block(InterfaceDescriptionBlock {
        linktype: DataLink::RAW,
        snaplen: 0,
        options: vec![
            InterfaceDescriptionOption::IfName("lo".into()),
            InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
        ],
    })?;
    for packet in packets {
        file.write_pcapng_block(EnhancedPacketBlock {
            interface_id: 0,
            timestamp: began + packet.at,
            original_len: u32::try_from(packet.length).unwrap_or(u32::MAX),
            data: packet.octets.as_slice().into(),
            options: packet.comments.iter().map(|text| EnhancedPacketOption::Comment(text.into())).collect(),
        })?;
    }
    Ok(file.into_inner())
}

fn packets(journal: &Journal) -> Vec<Packet> {
    let events = journal.events();
    // A connection that two threads share is closed once, by the last of them.
    let mut closes = HashMap::new();
    for (number, event) in events.iter().enumerate() {
        if let Kind::WeClosed(lane) = event.kind {
            closes.insert(lane, number);
        }
    }
    let mut wire = Wire::default();
    for (number, event) in events.iter().enumerate() {
        wire.at = event.at;
        match &event.kind {
            Kind::Step(sentence) => wire.comments.push(sentence.chars().take(COMMENT).collect()),
            Kind::Opened(lane, Some(ends)) => {
                wire.comments.push(format!("{} of the harness", journal.name(*lane)));
                wire.open(*lane, *ends);
            }
            Kind::Opened(_, None) => {}
            Kind::Sent(lane, octets) => wire.say(*lane, Side::Ours, octets),
            Kind::Received(lane, octets) => wire.say(*lane, Side::Theirs, octets),
            Kind::WeHalfClosed(lane) => wire.end(*lane, Side::Ours),
            Kind::TheyClosed(lane) => wire.end(*lane, Side::Theirs),
            Kind::TheyReset(lane) => wire.reset(*lane, Side::Theirs),
            // The reset goes out when the socket is closed.
            Kind::WeReset(lane) => wire.on(*lane, |connection| connection.to_reset = true),
            Kind::WeClosed(lane) if closes.get(lane) == Some(&number) => wire.close(*lane),
            Kind::WeClosed(_) => {}
            Kind::Datagram { way, what, octets, .. } => wire.datagram(*way, what, octets),
        }
    }
    wire.finish()
}

/// Who sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Theirs,
}

/// What the two kernels know of a connection.
struct Connection {
    ends: Ends,
    /// The next sequence number of our side, and of theirs.
    next: [u32; 2],
    /// Whose direction has ended.
    ended: [bool; 2],
    /// Our close will be a reset.
    to_reset: bool,
    /// Nothing comes after a reset.
    gone: bool,
}

/// The packets so far, and what the next ones depend on.
#[derive(Default)]
struct Wire {
    at: Duration,
    packets: Vec<Packet>,
    /// What is to be said with the next packet.
    comments: Vec<String>,
    connections: HashMap<Lane, Connection>,
}

impl Wire {
    fn open(&mut self, lane: Lane, ends: Ends) {
        let opener = if ends.opened_by_us { Side::Ours } else { Side::Theirs };
        let connection = Connection { ends, next: [0; 2], ended: [false; 2], to_reset: false, gone: false };
        self.connections.insert(lane, connection);
        self.segment(lane, opener, |segment, _| segment.syn(), &[], 0);
        self.on(lane, |connection| connection.next[opener as usize] = 1);
        self.segment(lane, opener.other(), |segment, acknowledged| segment.syn().ack(acknowledged), &[], 0);
        self.on(lane, |connection| connection.next[opener.other() as usize] = 1);
        self.acknowledge(lane, opener);
    }

    fn say(&mut self, lane: Lane, side: Side, octets: &Octets) {
        let mut start = 0;
        while start < octets.total {
            let length = SEGMENT.min(octets.total - start);
            let kept = octets.kept.get(start..).unwrap_or_default();
            let kept = &kept[..length.min(kept.len())];
            self.segment(lane, side, |segment, acknowledged| segment.psh().ack(acknowledged), kept, length);
            self.acknowledge(lane, side.other());
            start += length;
        }
    }

    fn end(&mut self, lane: Lane, side: Side) {
        let mut ends = false;
        self.on(lane, |connection| ends = !std::mem::replace(&mut connection.ended[side as usize], true));
        if ends {
            self.segment(lane, side, |segment, acknowledged| segment.fin().ack(acknowledged), &[], 0);
            self.on(lane, |connection| connection.advance(side, 1));
            self.acknowledge(lane, side.other());
        }
    }

    fn reset(&mut self, lane: Lane, side: Side) {
        self.segment(lane, side, |segment, acknowledged| segment.rst().ack(acknowledged), &[], 0);
        self.on(lane, |connection| connection.gone = true);
    }

    fn close(&mut self, lane: Lane) {
        match self.connections.get(&lane) {
            Some(connection) if connection.to_reset => self.reset(lane, Side::Ours),
            _ => self.end(lane, Side::Ours),
        }
    }

    fn acknowledge(&mut self, lane: Lane, side: Side) {
        self.segment(lane, side, |segment, acknowledged| segment.ack(acknowledged), &[], 0);
    }

    /// One segment of `length` octets, of which `kept` are known; `flags` is given what the side has received.
    fn segment(
        &mut self,
        lane: Lane,
        side: Side,
        flags: impl FnOnce(PacketBuilderStep<TcpHeader>, u32) -> PacketBuilderStep<TcpHeader>,
        kept: &[u8],
        length: usize,
    ) {
        let Some(connection) = self.connections.get_mut(&lane).filter(|connection| !connection.gone) else {
            return;
        };
        let Ends { ours, theirs, .. } = connection.ends;
        let (from, to) = if side == Side::Ours { (ours, theirs) } else { (theirs, ours) };
        let [sequence, acknowledged] =
            [connection.next[side as usize], connection.next[side.other() as usize]];
        connection.advance(side, length);
        let Some(ip) = ip(from, to) else { return };
        let tcp = flags(ip.tcp(from.port(), to.port(), sequence, WINDOW), acknowledged);
        let mut octets = Vec::new();
        if tcp.write_to_vec(&mut octets, &padded(kept, length)).is_ok() {
            self.push(octets, length - kept.len());
        }
    }

    fn datagram(&mut self, Way { from, to }: Way, what: &str, datagram: &Octets) {
        self.comments.push(what.to_owned());
        let Some(ip) = ip(from, to) else { return };
        let payload = padded(&datagram.kept, datagram.total);
        let mut octets = Vec::new();
        if ip.udp(from.port(), to.port()).write_to_vec(&mut octets, &payload).is_ok() {
            self.push(octets, datagram.total - datagram.kept.len());
        }
    }

    /// The last `unknown` octets are not in the record.
    fn push(&mut self, mut octets: Vec<u8>, unknown: usize) {
        let length = octets.len();
        octets.truncate(length - unknown);
        let comments = std::mem::take(&mut self.comments);
        self.packets.push(Packet { at: self.at, octets, length, comments });
    }

    fn on(&mut self, lane: Lane, change: impl FnOnce(&mut Connection)) {
        if let Some(connection) = self.connections.get_mut(&lane) {
            change(connection);
        }
    }

    fn finish(mut self) -> Vec<Packet> {
        if let Some(last) = self.packets.last_mut() {
            last.comments.append(&mut self.comments);
        }
        self.packets
    }
}

impl Connection {
    /// Sequence numbers begin again at 0 after 4 GiB.
    fn advance(&mut self, side: Side, octets: usize) {
        let next = &mut self.next[side as usize];
        *next = next.wrapping_add(octets as u32);
    }
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Ours => Side::Theirs,
            Side::Theirs => Side::Ours,
        }
    }
}

/// `kept` and what is not known of it, as zeros: the lengths in the headers are those of the whole.
fn padded(kept: &[u8], length: usize) -> Vec<u8> {
    let mut payload = kept.to_vec();
    payload.resize(length, 0);
    payload
}

fn ip(from: SocketAddr, to: SocketAddr) -> Option<PacketBuilderStep<IpHeaders>> {
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => Some(PacketBuilder::ipv4(from.octets(), to.octets(), HOPS)),
        (IpAddr::V6(from), IpAddr::V6(to)) => Some(PacketBuilder::ipv6(from.octets(), to.octets(), HOPS)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn ends(opened_by_us: bool) -> Option<Ends> {
        let [ours, theirs] =
            ["127.0.0.1:40000", "127.0.0.1:8080"].map(|addr| addr.parse().expect("an address"));
        Some(Ends { ours, theirs, opened_by_us })
    }

    /// A request in two pieces, its answer, both ends; then a connection of theirs that is reset, and a datagram.
    fn journal() -> Journal {
        let journal = Journal::default();
        journal.step("started your program");
        let client = journal.lane("client");
        journal.opened(client, ends(true));
        journal.sent(client, b"GET / HT");
        journal.sent(client, b"TP/1.1\r\nHost: h\r\n\r\n");
        journal.received(client, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        journal.we_half_closed(client);
        journal.they_closed(client);
        journal.we_closed(client);
        let origin = journal.lane("origin");
        let ours = "[::1]:9000".parse().expect("an address");
        let theirs = "[::1]:50000".parse().expect("an address");
        journal.opened(origin, Some(Ends { ours, theirs, opened_by_us: false }));
        journal.received(origin, &[b'x'; 150_000]);
        journal.we_reset(origin);
        journal.we_closed(origin);
        let way = Way { from: "127.0.0.1:7".parse().expect("one"), to: "127.0.0.1:9".parse().expect("one") };
        journal.datagram(journal.lane("echo"), true, way, "request 1", b"ping");
        journal
    }

    /// What tshark reads out of a file, a line a packet; `None` where there is no tshark.
    fn tshark(file: &[u8], fields: &[&str]) -> Option<Vec<String>> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("check.pcapng");
        std::fs::write(&path, file).expect("a file");
        let mut command = Command::new("tshark");
        command
            .args(["-n", "-T", "fields", "-E", "separator=|", "-o", "tcp.check_checksum:TRUE", "-r"])
            .arg(path);
        command.args(fields.iter().flat_map(|field| ["-e", field]));
        match command.output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("skipped: there is no tshark on this machine");
                None
            }
            output => {
                let output = output.expect("tshark runs");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect())
            }
        }
    }

    #[test]
    fn tshark_reads_the_conversations_that_took_place() {
        let file = of(&journal(), "web.parse.split: it passed").expect("a file");
        let fields = ["ip.src", "tcp.srcport", "tcp.flags", "tcp.seq", "tcp.ack", "tcp.len", "udp.length"];
        let Some(packets) = tshark(&file, &fields) else { return };
        insta::assert_snapshot!(packets.join("\n"), @r"
        127.0.0.1|40000|0x0002|0|0|0|
        127.0.0.1|8080|0x0012|0|1|0|
        127.0.0.1|40000|0x0010|1|1|0|
        127.0.0.1|40000|0x0018|1|1|8|
        127.0.0.1|8080|0x0010|1|9|0|
        127.0.0.1|40000|0x0018|9|1|19|
        127.0.0.1|8080|0x0010|1|28|0|
        127.0.0.1|8080|0x0018|1|28|40|
        127.0.0.1|40000|0x0010|28|41|0|
        127.0.0.1|40000|0x0011|28|41|0|
        127.0.0.1|8080|0x0010|41|29|0|
        127.0.0.1|8080|0x0011|41|29|0|
        127.0.0.1|40000|0x0010|29|42|0|
        |50000|0x0002|0|0|0|
        |9000|0x0012|0|1|0|
        |50000|0x0010|1|1|0|
        |50000|0x0018|1|1|65000|
        |9000|0x0010|1|65001|0|
        |50000|0x0018|65001|1|65000|
        |9000|0x0010|1|130001|0|
        |50000|0x0018|130001|1|20000|
        |9000|0x0010|1|150001|0|
        |9000|0x0014|1|150001|0|
        127.0.0.1||||||12
        ");
    }

    #[test]
    fn nothing_in_it_looks_wrong_to_tshark() {
        let file = of(&journal(), "web.parse.split: it passed").expect("a file");
        let fields = ["tcp.analysis.flags", "tcp.checksum.status", "_ws.malformed"];
        let Some(packets) = tshark(&file, &fields) else { return };
        assert!(!packets.is_empty());
        for packet in packets {
            assert!(["|1|", "||"].contains(&packet.as_str()), "{packet}");
        }
    }

    #[test]
    fn what_no_wire_shows_is_a_comment_on_the_next_packet() {
        let file = of(&journal(), "web.parse.split: it passed").expect("a file");
        let Some(packets) = tshark(&file, &["frame.comment"]) else { return };
        assert_eq!(packets[0], "started your program,client of the harness");
        assert_eq!(packets[1], "");
        assert_eq!(packets.last().map(String::as_str), Some("request 1"));
    }

    #[test]
    fn of_octets_that_were_not_kept_the_length_is_known() {
        let journal = Journal::default();
        let lane = journal.lane("client");
        journal.opened(lane, ends(true));
        for _ in 0..5 {
            journal.received(lane, &vec![b'x'; 1 << 20]);
        }
        let packets = packets(&journal);
        let total: usize = packets.iter().map(|packet| packet.length - 40).sum();
        assert_eq!(total, 5 << 20);
        assert!(packets.iter().all(|packet| packet.octets.len() <= packet.length));
        assert_eq!(packets[packets.len() - 2].octets.len(), 40);
    }

    #[test]
    fn a_connection_that_two_threads_share_is_closed_once() {
        let journal = Journal::default();
        let lane = journal.lane("client");
        journal.opened(lane, ends(true));
        journal.we_closed(lane);
        journal.sent(lane, b"more");
        journal.we_closed(lane);
        // Three to open, two for the octets, two for the end.
        assert_eq!(packets(&journal).len(), 7);
    }
}
