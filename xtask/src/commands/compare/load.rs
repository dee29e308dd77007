//! Clients that ask, wait for the answer and ask again, and what that does to the server.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::sys;

use super::PAGE;

/// How the clients use their connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// One for each request.
    Short,
    /// One, kept.
    Kept,
}

impl Load {
    pub const ALL: [Load; 2] = [Load::Short, Load::Kept];

    pub fn name(self) -> &'static str {
        match self {
            Load::Short => "a connection for each request",
            Load::Kept => "one connection for each client",
        }
    }
}

/// What one run showed.
#[derive(Clone, Copy)]
pub struct Measured {
    pub requests_per_second: f64,
    /// The longest that a client waited for one answer, or until the end of the run for one that never came.
    pub longest_wait: Duration,
    /// The server's processor time for one request, its children's included.
    pub time_per_request: Duration,
    /// Octets of the server and its children at the end, shared pages counted in parts.
    pub memory: u64,
}

impl Measured {
    /// The best of both: what else the machine did meanwhile can only have made them worse.
    pub fn best(self, other: Measured) -> Measured {
        Measured {
            requests_per_second: self.requests_per_second.max(other.requests_per_second),
            longest_wait: self.longest_wait.min(other.longest_wait),
            time_per_request: self.time_per_request.min(other.time_per_request),
            memory: self.memory.min(other.memory),
        }
    }
}

/// Lets that many clients ask for `span`; `pid` is the server's.
pub fn measure(load: Load, addr: SocketAddr, clients: u16, span: Duration, pid: i32) -> Result<Measured> {
    let before = sys::family_time(pid).context("cannot read the server's processor time")?;
    let together = Barrier::new(usize::from(clients) + 1);
    let (began, used, clients) = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..clients).map(|_| scope.spawn(|| client(load, addr, span, &together))).collect();
        together.wait();
        let began = Instant::now();
        // All have asked for as long as they shall, and hold their connections still.
        together.wait();
        let used = sys::family_time(pid).and_then(|time| Ok((time, sys::family_memory(pid)?)));
        together.wait();
        let clients: io::Result<Vec<Client>> = clients
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|_| Err(io::Error::other("a client panicked"))))
            .collect();
        (began, used, clients)
    });
    let clients = clients.context("a client could not go on")?;
    let answered: u64 = clients.iter().map(|client| client.answered).sum();
    ensure!(answered > 0, "the server answered nothing");
    let (time, memory) = used.context("cannot read what the server uses")?;
    let last = clients.iter().map(|client| client.ended).max().unwrap_or(began);
    Ok(Measured {
        requests_per_second: answered as f64 / last.duration_since(began).as_secs_f64(),
        longest_wait: clients.iter().map(|client| client.longest_wait).max().unwrap_or_default(),
        time_per_request: time.saturating_sub(before).div_f64(answered as f64),
        memory,
    })
}

struct Client {
    answered: u64,
    longest_wait: Duration,
    ended: Instant,
}

/// Meets the others three times: before the first request, after the last one, and before it lets go.
fn client(load: Load, addr: SocketAddr, span: Duration, together: &Barrier) -> io::Result<Client> {
    together.wait();
    let mut client = Client { answered: 0, longest_wait: Duration::ZERO, ended: Instant::now() };
    let mut kept = None;
    let asked = client.ask_until(load, addr, Instant::now() + span, &mut kept);
    client.ended = Instant::now();
    together.wait();
    together.wait();
    asked.map(|()| client)
}

impl Client {
    fn ask_until(
        &mut self,
        load: Load,
        addr: SocketAddr,
        end: Instant,
        kept: &mut Option<TcpStream>,
    ) -> io::Result<()> {
        let connection = if load == Load::Short { "Connection: close\r\n" } else { "" };
        let request = format!("GET /{} HTTP/1.1\r\nHost: {addr}\r\n{connection}\r\n", PAGE.0);
        loop {
            let began = Instant::now();
            if began >= end {
                return Ok(());
            }
            let stream = match kept {
                Some(stream) if load == Load::Kept => stream,
                _ => kept.insert(TcpStream::connect(addr)?),
            };
            let answered = exchange(stream, request.as_bytes(), end)?;
            self.longest_wait = self.longest_wait.max(began.elapsed());
            if !answered {
                return Ok(());
            }
            self.answered += 1;
        }
    }
}

/// One request and its answer; whether it came in time.
fn exchange(stream: &mut TcpStream, request: &[u8], end: Instant) -> io::Result<bool> {
    stream.write_all(request)?;
    let (mut answer, mut block) = (Vec::new(), [0; 8192]);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut block) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => answer.extend_from_slice(&block[..length]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let head = answer.windows(4).position(|octets| octets == b"\r\n\r\n");
        if head.is_some_and(|end| answer.len() >= end + 4 + PAGE.1) {
            return if answer.starts_with(b"HTTP/1.1 200 ") {
                Ok(true)
            } else {
                Err(io::Error::other("another answer than 200"))
            };
        }
    }
}
