//! One TCP connection as the harness plays it, with every octet in the journal and every wait under the
//! check's deadline: the stream tricks.
//!
//! **Drain-synchronised writes.** TCP is a stream: two writes may arrive as one read, and how they arrive is
//! up to the scheduler. To make segmentation deterministic, [`Stream::send_pieces`] writes a piece and then
//! waits until the program under test has taken it out of its receive buffer (Linux: `sock_diag` of the
//! peer's socket), and only then writes the next. A program that reads each piece is thus seen to be right on
//! that very segmentation, whatever else the machine is doing.
//!
//! A close with unread input sends RST rather than FIN (RFC 9293 §3.10.4, RFC 1122 §4.2.2.13), so a reset is
//! reported apart from a close.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::deadline::{Deadline, poll_until};
use crate::journal::{Ends, Lane};
use crate::scene::Scene;
use crate::sys::{self, TcpState};
use crate::verdict::{Failure, Fault, Verdict};

/// Octets read at once.
const READ: usize = 64 << 10;

/// A connection between the harness and the program under test.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    lane: Lane,
    scene: Scene,
    /// Octets the socket has taken from us.
    sent: u64,
    /// Octets go into the record as they come and go.
    recorded: bool,
}

/// What came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    Octets(usize),
    /// They closed their direction.
    Fin,
    Reset,
    /// Nothing before the deadline.
    Silence,
}

/// Whether the peer took what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    All,
    /// The peer had closed or reset the connection; it is for the reading side to say what that means.
    Refused,
}

impl Stream {
    /// Connects to the program under test. `name` is the lane's name in the record.
    pub fn connect(scene: &Scene, peer: SocketAddr, name: &str) -> Verdict<Stream> {
        Self::connect_with(scene, peer, name, None)
    }

    /// Connects with a receive buffer of about `receive_buffer` octets, so that a peer that writes more
    /// than that must wait for the harness to read.
    pub fn connect_with(
        scene: &Scene,
        peer: SocketAddr,
        name: &str,
        receive_buffer: Option<usize>,
    ) -> Verdict<Stream> {
        let socket = Socket::new(Domain::for_address(peer), Type::STREAM, Some(Protocol::TCP))
            .map_err(|error| Fault::Broken(format!("could not make a socket: {error}")))?;
        if let Some(octets) = receive_buffer {
            socket
                .set_recv_buffer_size(octets)
                .map_err(|error| Fault::Broken(format!("could not set a receive buffer: {error}")))?;
        }
        let wait = scene.deadline().remaining().max(Duration::from_millis(1));
        socket.connect_timeout(&peer.into(), wait).map_err(|error| connect_failure(peer, &error))?;
        Self::of(scene, socket.into(), name, true)
    }

    /// Plays over a connection that the program under test has opened.
    pub fn over(scene: &Scene, socket: TcpStream, name: &str) -> Verdict<Stream> {
        Self::of(scene, socket, name, false)
    }

    fn of(scene: &Scene, socket: TcpStream, name: &str, opened_by_us: bool) -> Verdict<Stream> {
        socket
            .set_nodelay(true)
            .map_err(|error| Fault::Broken(format!("could not set TCP_NODELAY: {error}")))?;
        let lane = scene.journal.lane(name);
        let ends = socket.local_addr().and_then(|ours| {
            let theirs = socket.peer_addr()?;
            Ok(Ends { ours, theirs, opened_by_us })
        });
        scene.journal.opened(lane, ends.ok());
        Ok(Stream { socket, lane, scene: scene.clone(), sent: 0, recorded: true })
    }

    /// The same connection once more, so that one thread can write while another reads.
    pub fn another(&self) -> Verdict<Stream> {
        let socket = self.socket.try_clone();
        let socket = socket.map_err(|error| Fault::Broken(format!("could not copy a socket: {error}")))?;
        Ok(Stream { socket, lane: self.lane, scene: self.scene.clone(), sent: 0, recorded: self.recorded })
    }

    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// From now on octets are for the caller to record: they are a cipher, or have a secret in them.
    pub fn leave_octets_out(&mut self) {
        self.recorded = false;
    }

    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// Our address and the peer's.
    pub fn addresses(&self) -> Verdict<(SocketAddr, SocketAddr)> {
        let addresses = || Ok::<_, io::Error>((self.socket.local_addr()?, self.socket.peer_addr()?));
        addresses().map_err(|error| Fault::Broken(format!("a socket without addresses: {error}")))
    }

    /// Writes all of `octets`.
    pub fn send(&mut self, octets: &[u8]) -> Verdict<Sent> {
        let mut rest = octets;
        while !rest.is_empty() {
            let wait = self.scene.deadline().remaining();
            if wait.is_zero() {
                return Err(self.stopped_reading());
            }
            self.socket
                .set_write_timeout(Some(wait.max(Duration::from_millis(1))))
                .map_err(|error| Fault::Broken(format!("could not set a timeout: {error}")))?;
            let began = self.scene.journal.age();
            match self.socket.write(rest) {
                Ok(n) => {
                    if self.recorded {
                        self.scene.journal.sent_since(began, self.lane, &rest[..n]);
                    }
                    self.sent += n as u64;
                    rest = &rest[n..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if would_block(&error) => return Err(self.stopped_reading()),
                Err(error) if is_reset(&error) => return Ok(Sent::Refused),
                Err(error) => return Err(Fault::Broken(format!("could not write to a socket: {error}"))),
            }
        }
        Ok(Sent::All)
    }

    /// Writes `octets` cut at `cuts` (offsets, ascending), each piece only when the one before has been
    /// read by the program under test. Where the platform cannot say (not Linux), the pieces are written
    /// one after the other and may arrive together.
    pub fn send_pieces(&mut self, octets: &[u8], cuts: &[usize]) -> Verdict<Sent> {
        let ends = cuts.iter().copied().filter(|&cut| 0 < cut && cut < octets.len()).chain([octets.len()]);
        let mut start = 0;
        for end in ends {
            if self.send(&octets[start..end])? == Sent::Refused {
                return Ok(Sent::Refused);
            }
            start = end;
            if !self.wait_drained()? {
                return Ok(Sent::Refused);
            }
        }
        Ok(Sent::All)
    }

    /// Waits until the program under test has read all that was sent. `false`: it has closed instead.
    pub fn wait_drained(&self) -> Verdict<bool> {
        let turn = self.scene.deadline().earlier(self.scene.silence());
        let read = poll_until(turn, || match sys::far_end(&self.socket) {
            Ok(Some(peer)) if peer.state == TcpState::Close => Some(false),
            Ok(Some(peer)) => {
                let arrived = peer.received.is_none_or(|octets| octets >= self.sent);
                (arrived && peer.receive_queue == 0 && sys::unsent(&self.socket).unwrap_or(0) == 0)
                    .then_some(true)
            }
            // Gone, or reset so that our own socket has no peer any more.
            Ok(None) => Some(false),
            Err(error) if error.kind() == ErrorKind::Unsupported => Some(true),
            Err(_) => Some(false),
        });
        read.ok_or_else(|| {
            let unread = sys::far_end(&self.socket).ok().flatten().map_or(0, |peer| peer.receive_queue);
            Failure::new(
                "your program reads what arrives",
                format!("{unread} of {} octets stay unread in your program's receive buffer", self.sent),
            )
            .note(
                "it is busy elsewhere, or waits for a second connection, or reads only once: a read returns \
                 what has arrived so far, which may be a single octet",
            )
            .silent()
            .into()
        })
    }

    /// Reads what comes next to the end of `into`, waiting until `deadline` at most.
    pub fn receive(&mut self, into: &mut Vec<u8>, deadline: Deadline) -> Verdict<Arrival> {
        let wait = deadline.remaining();
        if wait.is_zero() {
            return Ok(Arrival::Silence);
        }
        self.socket
            .set_read_timeout(Some(wait.max(Duration::from_millis(1))))
            .map_err(|error| Fault::Broken(format!("could not set a timeout: {error}")))?;
        self.read(into)
    }

    fn read(&self, into: &mut Vec<u8>) -> Verdict<Arrival> {
        let mut block = [0; READ];
        loop {
            match (&self.socket).read(&mut block) {
                Ok(0) => {
                    self.scene.journal.they_closed(self.lane);
                    return Ok(Arrival::Fin);
                }
                Ok(n) => {
                    if self.recorded {
                        self.scene.journal.received(self.lane, &block[..n]);
                    }
                    into.extend_from_slice(&block[..n]);
                    return Ok(Arrival::Octets(n));
                }
                // By a signal of the harness's own; the little that was waited does not matter.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if would_block(&error) => return Ok(Arrival::Silence),
                Err(error) if is_reset(&error) => {
                    self.scene.journal.they_reset(self.lane);
                    return Ok(Arrival::Reset);
                }
                Err(error) => return Err(Fault::Broken(format!("could not read from a socket: {error}"))),
            }
        }
    }

    /// Reads what has arrived already to the end of `into`; waits for nothing.
    pub fn receive_arrived(&mut self, into: &mut Vec<u8>) -> Verdict<Arrival> {
        let blocking = |blocking: bool| {
            self.socket
                .set_nonblocking(!blocking)
                .map_err(|error| Fault::Broken(format!("could not change a socket: {error}")))
        };
        blocking(false)?;
        let arrival = self.read(into);
        blocking(true)?;
        arrival
    }

    /// Sends the acknowledgement of what has come, which the system may otherwise hold back for a while.
    pub fn acknowledge_now(&self) {
        // Where there is no such option, the peer waits for its system's own moment.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&self.socket).set_tcp_quickack(true);
    }

    /// Sends FIN and goes on reading.
    pub fn half_close(&mut self) {
        // A peer that has reset the connection meanwhile shows at the next read.
        let _ = self.socket.shutdown(Shutdown::Write);
        self.scene.journal.we_half_closed(self.lane);
    }

    /// Ends the connection with RST.
    pub fn reset(self) -> Verdict {
        self.reset_on_close()
    }

    /// Makes the close at the end of this value's life an RST.
    pub fn reset_on_close(&self) -> Verdict {
        SockRef::from(&self.socket)
            .set_linger(Some(Duration::ZERO))
            .map_err(|error| Fault::Broken(format!("could not set SO_LINGER: {error}")))?;
        self.scene.journal.we_reset(self.lane);
        Ok(())
    }

    fn stopped_reading(&self) -> Fault {
        Failure::new(
            "your program reads what arrives",
            format!("it stopped reading: after {} octets its receive buffer is full", self.sent),
        )
        .silent()
        .into()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.scene.journal.we_closed(self.lane);
    }
}

fn connect_failure(peer: SocketAddr, error: &io::Error) -> Fault {
    let expected = format!("a connection to {peer} is accepted");
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            Failure::new(expected, "connection refused: nothing listens on that port any more").into()
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::new(
            expected,
            "no answer to our SYN: the queue of connections your program has not accepted yet is full",
        )
        .silent()
        .into(),
        _ => Fault::Broken(format!("could not connect to {peer}: {error}")),
    }
}

fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    fn pair() -> (Stream, TcpStream) {
        let scene = Scene::new(Duration::from_secs(20));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = Stream::connect(&scene, listener.local_addr().unwrap(), "client").unwrap();
        (stream, listener.accept().unwrap().0)
    }

    /// The lengths of the reads by which a plain reader takes in everything.
    fn reads(mut socket: TcpStream) -> Vec<usize> {
        let mut block = [0; 4096];
        std::iter::from_fn(|| socket.read(&mut block).ok().filter(|&n| n > 0)).collect()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn pieces_arrive_as_they_were_cut_though_both_cores_are_busy() {
        let stop = AtomicBool::new(false);
        let cores = thread::available_parallelism().map_or(2, usize::from);
        thread::scope(|scope| {
            for _ in 0..2 * cores {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            for _ in 0..4 {
                let (mut stream, socket) = pair();
                let reader = scope.spawn(|| reads(socket));
                let cuts: Vec<usize> = (1..199).collect();
                let sent = stream.send_pieces(&[b'x'; 199], &cuts).unwrap();
                drop(stream);
                assert_eq!(sent, Sent::All);
                assert_eq!(reader.join().unwrap(), vec![1; 199]);
            }
            stop.store(true, Ordering::Relaxed);
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_stops_reading_is_told_how_much_it_left() {
        let scene = Scene::new(Duration::from_millis(50));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = Stream::connect(&scene, listener.local_addr().unwrap(), "client").unwrap();
        let (mut socket, _) = listener.accept().unwrap();
        let reader = thread::spawn(move || {
            socket.read_exact(&mut [0; 2]).unwrap();
            socket
        });
        let Err(Fault::Failed(failure)) = stream.send_pieces(b"abcde", &[2]) else { panic!("it was read") };
        assert_eq!(failure.seen, "3 of 5 octets stay unread in your program's receive buffer");
        assert!(failure.silent);
        drop(reader.join());
    }

    #[test]
    fn a_fin_and_a_reset_are_told_apart() {
        let (mut closed, socket) = pair();
        drop(socket);
        let deadline = closed.scene().deadline();
        assert_eq!(closed.receive(&mut Vec::new(), deadline).unwrap(), Arrival::Fin);

        let (mut reset, mut socket) = pair();
        let _ = reset.send(b"unread").unwrap();
        socket.set_nonblocking(false).unwrap();
        socket.read_exact(&mut [0; 1]).unwrap();
        drop(socket);
        assert_eq!(reset.receive(&mut Vec::new(), deadline).unwrap(), Arrival::Reset);
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let (mut stream, _socket) = pair();
        let deadline = Deadline::after(Duration::from_millis(20));
        assert_eq!(stream.receive(&mut Vec::new(), deadline).unwrap(), Arrival::Silence);
        assert!(deadline.passed());
    }

    #[test]
    fn our_own_reset_reaches_the_program() {
        let (stream, mut socket) = pair();
        stream.reset().unwrap();
        assert_eq!(socket.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}
