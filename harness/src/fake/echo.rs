//! The far end of a ping: an echo server behind a [`Network`] that loses, doubles, delays, reorders and forges.
//!
//! It answers what is a request (type 8, code 0), whatever its checksum, as the network has it: what is wrong with a
//! request is for a check of its own to say. Its [`Trace`] says when each request came, by the kernel's clock, and when
//! each answer left: whatever a program prints about it is judged against that.
//!
//! `Far::start(&scene, network)?` binds a free port of loopback; on drop the server stops, wakes and joins its thread.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::deadline::Deadline;
use crate::fake::network::{Answer, Form, Network, Script};
use crate::journal::{Journal, Lane, Way};
use crate::scene::Scene;
use crate::sys::datagram;
use crate::verdict::{Fault, Verdict};
use crate::wire::bytes;
use crate::wire::icmp::{Echo, Malformed};

/// The largest datagram, and more.
const BUFFER: usize = 65_536;

/// A datagram that came.
#[derive(Clone, Debug)]
pub struct Request {
    /// When the kernel took it, which is when it was sent.
    pub at: Instant,
    pub from: SocketAddr,
    pub octets: Vec<u8>,
    /// By the judge's own reading.
    pub message: Result<Echo, Malformed>,
}

/// A datagram that went back.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Just before it was sent.
    pub at: Instant,
    /// Which of the [`Trace::requests`] it answers.
    pub request: usize,
    pub form: Form,
    pub from_elsewhere: bool,
}

/// All that came and went, each in its order.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub requests: Vec<Request>,
    pub sent: Vec<Sent>,
}

impl Request {
    /// Its sequence number, whatever its checksum.
    pub fn sequence(&self) -> Option<u16> {
        Some(Echo::parse_leniently(&self.octets)?.sequence)
    }
}

/// A running far end.
#[derive(Debug)]
pub struct Far {
    addr: SocketAddr,
    shared: Arc<Shared>,
    /// Closing it stops the thread.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    trace: Mutex<Trace>,
    changed: Condvar,
}

impl Shared {
    fn trace(&self) -> MutexGuard<'_, Trace> {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Far {
    pub fn start(scene: &Scene, network: impl Into<Network>) -> Verdict<Far> {
        Far::start_on(scene, network, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// On an address of loopback; port 0 is any that is free.
    pub fn start_on(scene: &Scene, network: impl Into<Network>, addr: SocketAddr) -> Verdict<Far> {
        let broken =
            |error: io::Error| Fault::Broken(format!("could not start an echo server on {addr}: {error}"));
        let bind = |addr: SocketAddr| {
            let socket = datagram::bind(addr, scene.deadline())?;
            datagram::prepare(&socket)?;
            Ok(socket)
        };
        let asked = bind(addr).map_err(broken)?;
        let elsewhere = bind((addr.ip(), 0).into()).map_err(broken)?;
        let (stop, stopped) = UnixStream::pair().map_err(broken)?;
        let addr = asked.local_addr().map_err(broken)?;
        let elsewhere_addr = elsewhere.local_addr().map_err(broken)?;
        let shared = Arc::new(Shared { trace: Mutex::default(), changed: Condvar::new() });
        let server = Server {
            asked,
            addr,
            elsewhere,
            elsewhere_addr,
            network: network.into(),
            shared: Arc::clone(&shared),
            journal: Arc::clone(&scene.journal),
            lane: scene.journal.lane("echo"),
            due: BinaryHeap::new(),
            copies: HashMap::new(),
            order: 0,
        };
        let thread = std::thread::spawn(move || server.serve(&stopped));
        Ok(Far { addr, shared, stop: Some(stop), thread: Some(thread) })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until `look` finds what it wants in the trace.
    pub fn wait<T>(&self, deadline: Deadline, mut look: impl FnMut(&Trace) -> Option<T>) -> Option<T> {
        let mut trace = self.shared.trace();
        loop {
            let found = look(&trace);
            if found.is_some() || deadline.passed() {
                return found;
            }
            let waited = self.shared.changed.wait_timeout(trace, deadline.remaining());
            trace = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Stops, and gives out the trace: with everything in it that had been sent here before.
    pub fn finish(mut self) -> Trace {
        self.end();
        std::mem::take(&mut *self.shared.trace())
    }

    fn end(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.end();
    }
}

impl From<Script> for Network {
    fn from(script: Script) -> Self {
        Network::Script(script)
    }
}

struct Server {
    asked: UdpSocket,
    addr: SocketAddr,
    elsewhere: UdpSocket,
    elsewhere_addr: SocketAddr,
    network: Network,
    shared: Arc<Shared>,
    journal: Arc<Journal>,
    lane: Lane,
    due: BinaryHeap<Reverse<Due>>,
    /// How often each sequence number has come.
    copies: HashMap<u16, u32>,
    order: u64,
}

/// An answer that waits for its moment; those of one moment go in the order in which they were decided on.
struct Due {
    at: Instant,
    order: u64,
    request: usize,
    to: SocketAddr,
    octets: Vec<u8>,
    answer: Answer,
    sequence: u16,
    /// Not the first of an answer that comes again and again: that one alone is in the record and in the trace.
    repeated: bool,
}

impl Server {
    fn serve(mut self, stopped: &UnixStream) {
        let mut buffer = vec![0; BUFFER];
        let _ = stopped.set_nonblocking(true);
        loop {
            self.take(&mut buffer);
            if matches!((&mut &*stopped).read(&mut [0]), Ok(0)) {
                self.take(&mut buffer);
                return;
            }
            self.send_what_is_due();
            let next = self.due.peek().map(|Reverse(due)| due.at);
            if datagram::wait_readable(&[self.asked.as_fd(), stopped.as_fd()], next).is_err() {
                return;
            }
        }
    }

    /// Reads all that has come.
    fn take(&mut self, buffer: &mut [u8]) {
        while let Ok(Some(arrival)) = datagram::receive(&self.asked, buffer) {
            let octets = buffer[..arrival.octets].to_vec();
            let way = Way { from: arrival.from, to: self.addr };
            self.journal.datagram(self.lane, false, way, name(&octets), &octets);
            let message = Echo::parse(&octets);
            let request = {
                let mut trace = self.shared.trace();
                trace.requests.push(Request {
                    at: arrival.at,
                    from: arrival.from,
                    octets: octets.clone(),
                    message,
                });
                trace.requests.len() - 1
            };
            self.shared.changed.notify_all();
            if let Some(message) = Echo::parse_leniently(&octets).filter(Echo::is_request) {
                self.decide(request, arrival, &octets, &message);
            }
        }
    }

    fn decide(&mut self, request: usize, arrival: datagram::Arrival, octets: &[u8], message: &Echo) {
        let copies = self.copies.entry(message.sequence).or_default();
        let answers = self.network.answers(message.sequence, *copies);
        *copies += 1;
        if answers.is_empty() {
            self.journal.step(format!("gave no answer to request {}", message.sequence));
        }
        for answer in answers {
            self.order += 1;
            self.due.push(Reverse(Due {
                at: arrival.at + answer.after,
                order: self.order,
                request,
                to: arrival.from,
                octets: answer.form.octets(octets, message),
                answer,
                sequence: message.sequence,
                repeated: false,
            }));
        }
    }

    /// What comes again has its next turn after another look at what has arrived.
    fn send_what_is_due(&mut self) {
        let now = Instant::now();
        let mut again = Vec::new();
        while let Some(Reverse(due)) = self.due.peek()
            && due.at <= now
            && let Some(Reverse(due)) = self.due.pop()
        {
            let socket = if due.answer.from_elsewhere { &self.elsewhere } else { &self.asked };
            let at = Instant::now();
            // A program that has ended refuses it: what it missed is in the trace all the same.
            let _ = socket.send_to(&due.octets, due.to);
            if !due.repeated {
                let from = if due.answer.from_elsewhere { self.elsewhere_addr } else { self.addr };
                let way = Way { from, to: due.to };
                self.journal.datagram(self.lane, true, way, due.describe(), &due.octets);
                let Answer { form, from_elsewhere, .. } = due.answer.clone();
                self.shared.trace().sent.push(Sent { at, request: due.request, form, from_elsewhere });
                self.shared.changed.notify_all();
            }
            again.extend(due.answer.again_after.map(|interval| Due {
                at: due.at + interval,
                repeated: true,
                ..due
            }));
        }
        self.due.extend(again.into_iter().map(Reverse));
    }
}

impl Due {
    fn describe(&self) -> String {
        let elsewhere = if self.answer.from_elsewhere { ", from another port" } else { "" };
        let late = match self.answer.after {
            Duration::ZERO => String::new(),
            after => format!(", {} ms after it", after.as_millis()),
        };
        let again = match self.answer.again_after {
            Some(Duration::ZERO) => ", again and again".to_owned(),
            Some(interval) => format!(", again every {} ms", interval.as_millis()),
            None => String::new(),
        };
        format!("{} to request {}{elsewhere}{late}{again}", self.answer.form.describe(), self.sequence)
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

/// What a datagram from the program is, for the record.
fn name(octets: &[u8]) -> String {
    let length = octets.len();
    match Echo::parse_leniently(octets) {
        Some(message) if message.is_request() => {
            format!("request {}, {length} octets, identifier {:04x}", message.sequence, message.identifier)
        }
        Some(message) => format!("{length} octets, type {}, code {}", message.kind, message.code),
        None => format!("{length} octets: {}", bytes::show(octets)),
    }
}

/// Whether this machine has the loopback of that family.
pub fn has_loopback(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests;
