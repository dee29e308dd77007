//! `ping`: sends requests on schedule, whatever is still unanswered, and times their replies.
//!
//! One socket, one thread, one clock: the monotonic one, which nobody sets. All that happens is one
//! of three things: a datagram has come, a signal has, or a moment (to send the next request, or to
//! give one up).

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::process;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::packet::{self, Message};
use crate::report::Report;
use crate::schedule::Schedule;
use crate::statistics::{Statistics, summary};
use crate::sys::{Event, Signals};
use crate::window::{Received, Window};

/// So many datagrams are received before the clock is looked at again: they may never stop.
const BURST: usize = 64;

/// What is asked of `ping`.
#[derive(Debug, Clone)]
pub struct Options {
    /// A name, or an address.
    pub host: String,
    pub port: u16,
    /// How many requests are sent, at least 1.
    pub count: u64,
    /// From one request to the next; 0 floods.
    pub interval: Duration,
    /// How long a request waits for its reply.
    pub patience: Duration,
    /// Octets of data in each request, at most `packet::MAX_DATA`.
    pub size: usize,
}

/// Why there are no statistics.
#[derive(Debug)]
pub enum Error {
    /// The host has no address that could be found.
    Host(String, io::Error),
    /// None of the host's addresses can be sent to.
    Socket(String, io::Error),
    /// Waiting failed.
    Wait(io::Error),
    /// The report could not be written.
    Output(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Host(host, error) => write!(f, "no address found for {host}: {error}"),
            Error::Socket(host, error) => write!(f, "failed to open a socket to {host}: {error}"),
            Error::Wait(error) => write!(f, "failed to wait: {error}"),
            Error::Output(error) => write!(f, "failed to write: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// Pings until all requests are answered or lost, or a signal comes; the report goes to `out`.
pub fn run(options: &Options, out: impl Write) -> Result<Statistics, Error> {
    let Options { host, size, .. } = options;
    let (socket, peer) = connect(host, options.port)?;
    let signals = Signals::catch().map_err(Error::Wait)?;
    // Its low half: two that run at the same time rarely share it, and never their port.
    let identifier = process::id() as u16;
    let start = Instant::now();
    let mut pinger = Pinger {
        socket,
        identifier,
        size: *size,
        window: Window::new(identifier, *size, options.patience),
        schedule: Schedule::new(start, options.interval, options.count),
        statistics: Statistics::default(),
        report: Report::new(out, host, peer, *size),
        buffer: vec![0; packet::MAX_DATAGRAM],
    };
    pinger.run(&signals)?;
    let summary = summary(host, &pinger.statistics, start.elapsed());
    pinger.report.end(&summary).map_err(Error::Output)?;
    Ok(pinger.statistics)
}

/// A socket to the first address of the host that there can be a socket to.
fn connect(host: &str, port: u16) -> Result<(UdpSocket, SocketAddr), Error> {
    let found = (host, port).to_socket_addrs();
    let addresses = found.map_err(|error| Error::Host(host.to_owned(), error))?;
    let mut last = io::Error::new(ErrorKind::NotFound, "it has no address");
    for address in addresses {
        match open(address) {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => last = error,
        }
    }
    Err(Error::Socket(host.to_owned(), last))
}

/// A socket that sends to that address and receives from nowhere else: it is connected, so that
/// the kernel drops what others send, and tells of ICMP errors. Receiving does not wait.
fn open(peer: SocketAddr) -> io::Result<UdpSocket> {
    // ANCHOR: step1_open
    let any: IpAddr = match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(peer)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
    // ANCHOR_END: step1_open
}

struct Pinger<W> {
    socket: UdpSocket,
    identifier: u16,
    size: usize,
    window: Window,
    schedule: Schedule,
    statistics: Statistics,
    report: Report<W>,
    /// For what is received.
    buffer: Vec<u8>,
}

impl<W: Write> Pinger<W> {
    fn run(&mut self, signals: &Signals) -> Result<(), Error> {
        // ANCHOR: step2_run
        // STARTER: while self.schedule.next().is_some() {
        // STARTER:     self.send();
        // STARTER: }
        // STARTER: Ok(()) // step 2: wait for the replies, and for the moment to send the next
        loop {
            let now = Instant::now();
            while let Some(sequence) = self.window.expire(now) {
                self.report.timeout(sequence);
            }
            self.report.print().map_err(Error::Output)?;
            if self.next_send().is_some_and(|moment| moment <= now) {
                self.send();
            }
            let moments = [self.next_send(), self.window.deadline()];
            let Some(next) = moments.into_iter().flatten().min() else {
                return Ok(()); // nothing is left to be sent or waited for
            };
            match signals
                .wait(&self.socket, Some(next))
                .map_err(Error::Wait)?
            {
                Event::Datagram => self.receive(),
                Event::Moment => {}
                Event::Signal => return Ok(()),
            }
        }
        // ANCHOR_END: step2_run
    }

    /// When the next request may leave.
    fn next_send(&mut self) -> Option<Instant> {
        // ANCHOR: step3_next_send
        // STARTER: match self.window.deadline() {
        // STARTER:     Some(_) => None, // step 3: send whatever is still unanswered
        // STARTER:     None => self.schedule.next(),
        // STARTER: }
        self.schedule.next()
        // ANCHOR_END: step3_next_send
    }

    /// Sends the next request. From step 6 on, one that is refused on account of an earlier one is
    /// tried again.
    fn send(&mut self) {
        // ANCHOR: step1_send
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let stamp = since_1970.unwrap_or_default().as_nanos() as u64;
        let sequence = self.window.next_sequence();
        let request = Message {
            kind: packet::REQUEST,
            code: 0,
            identifier: self.identifier,
            sequence,
            data: &packet::data(stamp, self.size),
        };
        let request = request.encode();
        // The stamp only tells requests apart. What is timed begins here, with the work done.
        let mut sent = Instant::now();
        let mut result = self.socket.send(&request);
        if let Err(error) = &result
            && self.was_for_another(error)
        {
            sent = Instant::now();
            result = self.socket.send(&request);
        }
        match result {
            Ok(_) => {
                self.window.sent(stamp, sent);
                self.statistics.transmitted += 1;
            }
            Err(error) => {
                self.window.not_sent(stamp, sent);
                self.undelivered(sequence, &error);
            }
        }
        self.schedule.sent(sent);
        // ANCHOR_END: step1_send
    }

    /// Receives what has arrived, but no more than a burst.
    fn receive(&mut self) {
        // ANCHOR: step2_receive
        for _ in 0..BURST {
            match self.socket.recv(&mut self.buffer) {
                Ok(length) => self.record(length, Instant::now()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => self.failed(&error),
            }
        }
        // ANCHOR_END: step2_receive
    }

    /// Counts and reports the datagram that is in the buffer.
    fn record(&mut self, length: usize, at: Instant) {
        // ANCHOR: step2_record
        match self.window.judge(&self.buffer[..length], at) {
            Received::Reply { sequence, rtt } => {
                self.statistics.received += 1;
                self.statistics.rtt.add(rtt);
                self.report.reply(length, sequence, rtt);
                if sequence == self.window.last_sequence() {
                    self.schedule.answered(at);
                }
            }
            Received::Duplicate { sequence, rtt } => {
                self.statistics.duplicates += 1;
                self.report.duplicate(length, sequence, rtt);
            }
            Received::Ignored(reason) => self.report.ignored(&reason, at),
        }
        // ANCHOR_END: step2_record
    }

    /// Was a request refused on account of an earlier one? The kernel tells of an ICMP error at the
    /// next call, whatever that is, and does not do what was asked. Such an error is reported here.
    fn was_for_another(&mut self, error: &io::Error) -> bool {
        // ANCHOR: step6_was_for_another
        // STARTER: false // step 6: a refusal is, unless it comes twice
        let is_refusal = error.kind() == ErrorKind::ConnectionRefused;
        if is_refusal {
            self.failed(error);
        }
        is_refusal
        // ANCHOR_END: step6_was_for_another
    }

    /// Reports what the network could not deliver: an earlier request.
    fn failed(&mut self, error: &io::Error) {
        // ANCHOR: step6_failed
        // STARTER: // step 6: say so
        let sequence = self.window.fail();
        self.undelivered(sequence, error);
        // ANCHOR_END: step6_failed
    }

    fn undelivered(&mut self, sequence: u16, error: &io::Error) {
        // ANCHOR: step6_undelivered
        // STARTER: // step 6: count it, and say so
        self.statistics.errors += 1;
        self.report.undelivered(sequence, error);
        // ANCHOR_END: step6_undelivered
    }
}

#[cfg(test)]
mod step6 {
    use super::*;

    #[test]
    fn a_send_refused_on_account_of_an_earlier_one_is_tried_again() {
        // Connected to itself, it holds a port that nobody else gets, and refuses all others.
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = closed.local_addr().unwrap();
        closed.connect(address).unwrap();
        let interval = Duration::from_secs(1);
        let mut pinger = Pinger {
            socket: open(address).unwrap(),
            identifier: 1,
            size: 56,
            window: Window::new(1, 56, interval),
            schedule: Schedule::new(Instant::now(), interval, 3),
            statistics: Statistics::default(),
            report: Report::new(Vec::new(), "h", address, 56),
            buffer: vec![0; packet::MAX_DATAGRAM],
        };
        // On loopback the ICMP message is there before the call that sends returns.
        (0..3).for_each(|_| pinger.send());
        pinger.receive();
        assert_eq!(pinger.statistics.transmitted, 3);
        assert_eq!(pinger.statistics.errors, 3, "{:?}", pinger.report);
        assert_eq!(pinger.window.deadline(), None);
    }
}
