//! TCP sockets of this host, whoever owns them: asked of the kernel by address.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsFd;

use super::{process, socket_table};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpState {
    Established,
    SynSent,
    SynReceived,
    FinWait1,
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
}

impl TcpState {
    /// From the kernel's number (`include/net/tcp_states.h`).
    pub(super) fn from_kernel(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Established,
            2 => Self::SynSent,
            3 | 12 => Self::SynReceived,
            4 => Self::FinWait1,
            5 => Self::FinWait2,
            6 => Self::TimeWait,
            7 => Self::Close,
            8 => Self::CloseWait,
            9 => Self::LastAck,
            10 => Self::Listen,
            11 => Self::Closing,
            _ => return None,
        })
    }
}

/// One socket as the kernel lists it. Addresses that an IPv6 socket holds as `::ffff:a.b.c.d` are shown as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSocket {
    pub state: TcpState,
    pub local: SocketAddr,
    pub peer: SocketAddr,
    /// Octets received that the program has not read; of a listening socket, connections it has not accepted.
    pub receive_queue: u32,
    /// Octets written that the peer has not acknowledged; of a listening socket, its backlog's limit (0: not known).
    pub send_queue: u32,
    /// 0 once no process holds the socket any more.
    pub inode: u64,
    /// Of a listening IPv6 socket: it takes no IPv4 connections.
    pub ipv6_only: bool,
    /// Octets received in all, where the kernel says. To read it, the kernel takes the socket's lock: a read that was
    /// under way is over, and `receive_queue` was looked up before.
    pub received: Option<u64>,
}

/// A socket in the LISTEN state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    pub addr: SocketAddr,
    /// Connections the kernel has set up that the program has not accepted.
    pub backlog: u32,
    pub inode: u64,
    pub ipv6_only: bool,
}

impl Listener {
    /// Whether a connection to `target` ends up here, going by the address alone.
    pub fn takes(&self, target: SocketAddr) -> bool {
        let family = match (self.addr.ip(), target.ip()) {
            (IpAddr::V6(_), IpAddr::V4(_)) => !self.ipv6_only,
            (mine, theirs) => mine.is_ipv4() == theirs.is_ipv4(),
        };
        let any = self.addr.ip().is_unspecified() && family;
        self.addr.port() == target.port() && (any || self.addr.ip() == target.ip())
    }
}

/// The socket with exactly this pair of addresses, seen from its owner; `None` where there is none (any more).
pub fn tcp_socket(local: SocketAddr, peer: SocketAddr) -> io::Result<Option<TcpSocket>> {
    #[cfg(target_os = "linux")]
    if let Ok(found) = super::sock_diag::connection(local, peer) {
        return Ok(found);
    }
    socket_table::connection(local, peer)
}

/// The other end of a connection to this same host: the socket of the program under test.
pub fn far_end(stream: &TcpStream) -> io::Result<Option<TcpSocket>> {
    tcp_socket(stream.peer_addr()?, stream.local_addr()?)
}

/// All listening TCP sockets, IPv4 and IPv6, or only those on one port.
pub fn listeners(port: Option<u16>) -> io::Result<Vec<Listener>> {
    #[cfg(target_os = "linux")]
    if let Ok(found) = super::sock_diag::listening(port) {
        return Ok(found.iter().map(listener).collect());
    }
    Ok(socket_table::listening(port)?.iter().map(listener).collect())
}

/// The listening sockets that any of these processes holds.
pub fn listeners_of(pids: &[i32]) -> io::Result<Vec<Listener>> {
    let inodes: BTreeSet<u64> =
        pids.iter().flat_map(|&pid| process::socket_inodes(pid).unwrap_or_default()).collect();
    let mut found = listeners(None)?;
    found.retain(|listener| inodes.contains(&listener.inode));
    Ok(found)
}

fn listener(socket: &TcpSocket) -> Listener {
    Listener {
        addr: socket.local,
        backlog: socket.receive_queue,
        inode: socket.inode,
        ipv6_only: socket.ipv6_only,
    }
}

/// Octets written to this socket that have not left it. It does not wait for acknowledgements, which may be delayed.
pub fn unsent(socket: &impl AsFd) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    return queue_length(socket, libc::SIOCOUTQNSD);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = socket;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Octets written to this socket that the peer's kernel has not acknowledged.
pub fn unacknowledged(socket: &impl AsFd) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    return queue_length(socket, libc::TIOCOUTQ);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = socket;
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(target_os = "linux")]
fn queue_length(socket: &impl AsFd, request: libc::c_ulong) -> io::Result<usize> {
    use std::os::fd::AsRawFd;
    let mut octets: libc::c_int = 0;
    // SAFETY: the descriptor is borrowed and so open; both requests write one int, to a place that outlives the call.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), request as _, &raw mut octets) };
    if result == 0 { Ok(octets.max(0) as usize) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn listener_on(addr: &str) -> Listener {
        Listener { addr: addr.parse().unwrap(), backlog: 0, inode: 0, ipv6_only: false }
    }

    #[test]
    fn a_listener_on_any_address_takes_connections_to_loopback() {
        let target = "127.0.0.1:80".parse().unwrap();
        assert!(listener_on("127.0.0.1:80").takes(target));
        assert!(listener_on("0.0.0.0:80").takes(target));
        assert!(listener_on("[::]:80").takes(target));
        assert!(!listener_on("[::1]:80").takes(target));
        assert!(!listener_on("127.0.0.2:80").takes(target));
        assert!(!listener_on("127.0.0.1:81").takes(target));
        assert!(!Listener { ipv6_only: true, ..listener_on("[::]:80") }.takes(target));
        assert!(!listener_on("0.0.0.0:80").takes("[::1]:80".parse().unwrap()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn both_tables_tell_the_same_of_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        near.write_all(b"seven 7").unwrap();
        let (local, peer) = (far.local_addr().unwrap(), far.peer_addr().unwrap());

        let by_diag = super::super::sock_diag::connection(local, peer).unwrap().unwrap();
        assert_eq!(by_diag.state, TcpState::Established);
        assert_eq!(by_diag.receive_queue, 7);
        assert_eq!(by_diag.received, Some(7));
        let by_table = socket_table::connection(local, peer).unwrap().unwrap();
        assert_eq!(by_table, TcpSocket { received: None, ..by_diag });
        assert_eq!(far_end(&near).unwrap().unwrap(), by_diag);

        far.read_exact(&mut [0; 7]).unwrap();
        assert_eq!(far_end(&near).unwrap().unwrap().receive_queue, 0);
        assert_eq!(unsent(&near).unwrap(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_connection_of_a_dual_stack_server_is_found_by_its_ipv4_addresses() {
        let server = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::STREAM, None).unwrap();
        server.set_only_v6(false).unwrap();
        if server.bind(&"[::]:0".parse::<SocketAddr>().unwrap().into()).is_err() {
            return; // a machine without IPv6
        }
        server.listen(8).unwrap();
        let port = server.local_addr().unwrap().as_socket().unwrap().port();
        let mut near = TcpStream::connect(("127.0.0.1", port)).unwrap();
        near.write_all(b"abc").unwrap();

        assert_eq!(listeners(Some(port)).unwrap()[0].backlog, 1);
        let _far = server.accept().unwrap();
        assert_eq!(listeners(Some(port)).unwrap()[0].backlog, 0);
        let (local, peer) = (near.peer_addr().unwrap(), near.local_addr().unwrap());
        let by_diag = super::super::sock_diag::connection(local, peer).unwrap().unwrap();
        assert_eq!((by_diag.local, by_diag.receive_queue), (local, 3));
        assert_eq!(by_diag.received, Some(3));
        let by_table = socket_table::connection(local, peer).unwrap().unwrap();
        assert_eq!(by_table, TcpSocket { received: None, ..by_diag });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn listening_sockets_are_listed_by_port_and_by_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let found = listeners(Some(addr.port())).unwrap();
        assert_eq!(found.iter().map(|l| l.addr).collect::<Vec<_>>(), [addr]);
        assert_eq!(socket_table::listening(Some(addr.port())).unwrap()[0].inode, found[0].inode);
        assert!(listeners_of(&[std::process::id() as i32]).unwrap().iter().any(|l| l.addr == addr));
        drop(listener);
        assert_eq!(listeners(Some(addr.port())).unwrap(), []);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_listening_socket_is_not_taken_for_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        assert_eq!(tcp_socket(local, "127.0.0.1:9".parse().unwrap()).unwrap(), None);
    }
}
