//! Ports for programs under test: below the range from which the system takes its own, and nobody else's.
//!
//! A lease is an abstract Unix socket named after the port: like a port it belongs to one network namespace, it
//! excludes every other run on the machine, and it vanishes with its process. Elsewhere than on Linux there is no
//! such lock; a race that is lost there, or to a foreign program, is run again on another port
//! ([`start_ready`](super::start_ready)).

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use socket2::{Domain, Socket, Type};

/// How many ports are offered, where the system leaves that many.
const OFFERED: u16 = 12_000;
/// Below, there are too many ports that people know by heart.
const LOWEST: u16 = 10_240;
const FALLBACK: Range<u16> = 20_000..32_000;

/// A port that is free, and stays ours until dropped.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    #[cfg(target_os = "linux")]
    _lock: std::os::unix::net::UnixListener,
}

impl PortLease {
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Starts at random, so that runs side by side seldom meet.
pub fn lease() -> io::Result<PortLease> {
    let range = range();
    let offset = fastrand::u16(..range.len() as u16);
    for step in 0..range.len() as u16 {
        let port = range.start + (offset + step) % range.len() as u16;
        if let Some(lease) = lock(port)
            && is_free(port)
        {
            return Ok(lease);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        format!("no port from {} to {} is free", range.start, range.end - 1),
    ))
}

#[cfg(target_os = "linux")]
fn lock(port: u16) -> Option<PortLease> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let name = SocketAddr::from_abstract_name(format!("wirelab port {port}")).ok()?;
    Some(PortLease { port, _lock: UnixListener::bind_addr(&name).ok()? })
}

#[cfg(not(target_os = "linux"))]
fn lock(port: u16) -> Option<PortLease> {
    Some(PortLease { port })
}

/// Whether a program could bind the port, for TCP and for UDP, on any address and without `SO_REUSEADDR`: connections
/// of an earlier server that linger in TIME_WAIT would keep a beginner's program from it.
pub fn is_free(port: u16) -> bool {
    let _undisturbed = undisturbed();
    is_free_for(Type::STREAM, port) && is_free_for(Type::DGRAM, port)
}

/// While this is held no process is started here: a child has copies of all sockets until it becomes its program, and
/// a port would not be free for so long.
pub(super) fn undisturbed() -> MutexGuard<'static, ()> {
    static STARTING: Mutex<()> = Mutex::new(());
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_free_for(kind: Type, port: u16) -> bool {
    let binds = |domain, addr: SocketAddr| {
        let socket = Socket::new(domain, kind, None)?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(true)?;
        }
        socket.bind(&addr.into())
    };
    let no_ipv6 = |error: &io::Error| error.kind() != io::ErrorKind::AddrInUse;
    binds(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into()).is_ok()
        && binds(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into())
            .map_or_else(|error| no_ipv6(&error), |()| true)
}

fn range() -> Range<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    below(text.split_ascii_whitespace().next().and_then(|low| low.parse().ok()).unwrap_or(FALLBACK.end))
}

/// The ports just below the ephemeral ones.
fn below(ephemeral: u16) -> Range<u16> {
    if ephemeral < LOWEST + 1_000 {
        FALLBACK
    } else {
        ephemeral.saturating_sub(OFFERED).max(LOWEST)..ephemeral
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn ports_come_from_below_the_ephemeral_range() {
        assert_eq!(below(32_768), 20_768..32_768);
        assert_eq!(below(16_000), 10_240..16_000);
        assert_eq!(below(1_024), FALLBACK);
    }

    #[test]
    fn a_leased_port_is_free_and_not_leased_again() {
        let leases: Vec<PortLease> = (0..200).map(|_| lease().unwrap()).collect();
        let mut ports: Vec<u16> = leases.iter().map(PortLease::port).collect();
        assert!(ports.iter().all(|&port| range().contains(&port) && is_free(port)));
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 200);
    }

    #[test]
    fn a_port_is_not_free_while_somebody_listens_on_it() {
        for host in ["127.0.0.1", "0.0.0.0", "[::1]"] {
            let lease = lease().unwrap();
            let Ok(_busy) = TcpListener::bind(format!("{host}:{}", lease.port())) else { continue };
            assert!(!is_free(lease.port()), "{host}");
        }
    }

    #[test]
    fn a_port_is_not_free_while_datagrams_arrive_on_it() {
        let lease = lease().unwrap();
        let _busy = UdpSocket::bind((Ipv4Addr::LOCALHOST, lease.port())).unwrap();
        assert!(!is_free(lease.port()));
    }

    #[test]
    fn a_port_is_not_free_while_a_connection_lingers_on_it() {
        let lease = lease().unwrap();
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, lease.port())).unwrap();
        let client = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
        drop((server.accept().unwrap(), server));
        drop(client);
        assert!(!is_free(lease.port()), "the server closed first and is in TIME_WAIT");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_lease_ends_when_it_is_dropped() {
        let first = lease().unwrap();
        let port = first.port();
        assert!(lock(port).is_none());
        drop(first);
        assert!(lock(port).is_some());
    }
}
