//! The connection to a server: octets, in clear at first and under TLS later, and how long nothing
//! may move on it.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::tls::{Secured, Tls};

/// What the dialogue needs of a connection.
#[cfg_attr(test, mockall::automock)]
pub trait Transport {
    /// Waits for octets; 0 of them say that the server has closed the connection.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Sends all of them, at once.
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()>;

    /// Begins TLS. What it is told before the handshake is not to be trusted.
    fn secure(&mut self) -> io::Result<()>;
}

/// What a message needs of a clock.
#[cfg_attr(test, mockall::automock)]
pub trait Clock {
    fn now(&self) -> SystemTime;
}

/// The one on the wall.
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A connection over TCP.
pub struct Connection {
    wire: Wire,
    tls: Option<Tls>,
    secured: Option<Secured>,
}

impl Connection {
    /// Connects to the first of the addresses that answers; `tls` is for later.
    pub fn open(
        addresses: &[SocketAddr],
        timeout: Duration,
        tls: Option<Tls>,
    ) -> io::Result<Connection> {
        let mut last = io::Error::new(ErrorKind::NotFound, "it has no address");
        for address in addresses {
            match Wire::open(address, timeout) {
                Ok(wire) => {
                    return Ok(Connection {
                        wire,
                        tls,
                        secured: None,
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// This end of it.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.wire.tcp.local_addr()
    }
}

impl Transport for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.secured {
            Some(secured) => secured.read(&mut self.wire, buffer),
            None => self.wire.read(buffer),
        }
    }

    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.secured {
            Some(secured) => secured.write_all(&mut self.wire, octets),
            None => self.wire.write_all(octets),
        }
    }

    fn secure(&mut self) -> io::Result<()> {
        todo!("step 7: secure")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(secured) = &mut self.secured {
            secured.close(&mut self.wire);
        }
    }
}

/// A socket on which every call waits so long, and no longer, for something to move.
struct Wire {
    tcp: TcpStream,
    timeout: Duration,
}

impl Wire {
    fn open(address: &SocketAddr, timeout: Duration) -> io::Result<Wire> {
        todo!("step 1: open")
    }

    fn limit_waiting(&self) -> io::Result<()> {
        Ok(()) // step 3: until nothing has moved for too long
    }

    fn patiently(
        &mut self,
        mut act: impl FnMut(&mut TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        act(&mut self.tcp) // step 3: until something moves, or nothing did for too long
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.patiently(|tcp| tcp.read(buffer))
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.patiently(|tcp| tcp.write(octets))
    }

    fn write_vectored(&mut self, octets: &[IoSlice<'_>]) -> io::Result<usize> {
        self.patiently(|tcp| tcp.write_vectored(octets))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The addresses of a server, a name or an address. A resolver may take its time; we do not.
pub fn resolve(server: &str, port: u16, timeout: Duration) -> io::Result<Vec<SocketAddr>> {
    let (sender, receiver) = mpsc::channel();
    let server = server.to_owned();
    thread::spawn(move || {
        let found = (server.as_str(), port).to_socket_addrs();
        sender.send(found.map(Iterator::collect)) // in vain, where nobody waits any more
    });
    let waited = receiver.recv_timeout(timeout);
    waited.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod step3 {
    use std::net::TcpListener;

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(200);

    /// A connection to a server that does nothing.
    fn connection(listener: &TcpListener) -> Connection {
        Connection::open(&[listener.local_addr().unwrap()], TIMEOUT, None).unwrap()
    }

    #[track_caller]
    fn assert_times_out(result: io::Result<()>, start: Instant) {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(start.elapsed() >= TIMEOUT, "{:?}", start.elapsed());
    }

    #[test]
    fn silence_is_waited_for_so_long() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = connection(&listener);
        let start = Instant::now();
        assert_times_out(connection.read(&mut [0; 9]).map(drop), start);
    }

    #[test]
    fn a_server_that_takes_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = connection(&listener);
        let start = Instant::now();
        let octets = vec![b'x'; 1 << 20];
        assert_times_out(
            (0..99).try_for_each(|_| connection.write_all(&octets)),
            start,
        );
    }

    #[test]
    fn every_address_is_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Nobody listens at port 0.
        let closed = SocketAddr::from(([127, 0, 0, 1], 0));
        let addresses = [closed, listener.local_addr().unwrap()];
        assert!(Connection::open(&addresses, TIMEOUT, None).is_ok());
        assert!(Connection::open(&addresses[..1], TIMEOUT, None).is_err());
        assert!(Connection::open(&[], TIMEOUT, None).is_err());
    }
}
