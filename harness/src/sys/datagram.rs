//! Datagrams with the moment at which the kernel took them, which is that of their sending where both ends are on
//! this machine: a harness that reads late does not see them late (`SO_TIMESTAMPNS` of `socket(7)`).

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};

use crate::deadline::{Deadline, poll_until};

/// A datagram that was read.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub octets: usize,
    pub from: SocketAddr,
    /// Where the kernel does not say, the moment of reading.
    pub at: Instant,
}

/// Makes the kernel note when datagrams arrive, and the socket never wait.
///
/// The kernel begins to note it a moment after the first socket of the machine asks for it, and ends with the last:
/// until then it says when a datagram was read.
pub fn prepare(socket: &UdpSocket) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt::ReceiveTimestampns};
        static ASKS_ON: std::sync::OnceLock<UdpSocket> = std::sync::OnceLock::new();
        setsockopt(socket, ReceiveTimestampns, &true)?;
        if ASKS_ON.get().is_none() {
            let other = UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
            setsockopt(&other, ReceiveTimestampns, &true)?;
            let _ = ASKS_ON.set(other);
        }
    }
    socket.set_nonblocking(true)
}

/// A socket on a port that nobody else should have. Whoever was started when the port was last probed may hold the
/// probing socket until it is another program: that is waited for.
pub fn bind(addr: SocketAddr, deadline: Deadline) -> io::Result<UdpSocket> {
    let bound = poll_until(deadline, || {
        Some(UdpSocket::bind(addr))
            .filter(|bound| !matches!(bound, Err(error) if error.kind() == io::ErrorKind::AddrInUse))
    });
    bound.unwrap_or_else(|| Err(io::ErrorKind::AddrInUse.into()))
}

/// `None` if there is no datagram.
pub fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<Arrival>> {
    match arrival(socket, buffer) {
        Ok(arrival) => Ok(Some(arrival)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(target_os = "linux")]
fn arrival(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Arrival> {
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};

    let mut control = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let mut parts = [io::IoSliceMut::new(buffer)];
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty())?;
    let (now, today) = both_clocks();
    let stamp = message.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
        _ => None,
    });
    let age = stamp
        .and_then(|stamp| today.duration_since(SystemTime::UNIX_EPOCH + stamp).ok())
        .filter(|age| *age < LONGEST_WAIT)
        .unwrap_or_default();
    let from = message.address.as_ref().and_then(address).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Arrival { octets: message.bytes, from, at: now.checked_sub(age).unwrap_or(now) })
}

/// The same moment on both: read again if something else ran in between.
#[cfg(target_os = "linux")]
fn both_clocks() -> (Instant, SystemTime) {
    loop {
        let (now, today) = (Instant::now(), SystemTime::now());
        if now.elapsed() < Duration::from_micros(100) {
            return (now, today);
        }
    }
}

/// A stamp that is older was made by a clock that has been set since.
#[cfg(target_os = "linux")]
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[cfg(target_os = "linux")]
fn address(from: &nix::sys::socket::SockaddrStorage) -> Option<SocketAddr> {
    let v4 = from.as_sockaddr_in().map(|it| SocketAddr::from((it.ip(), it.port())));
    v4.or_else(|| from.as_sockaddr_in6().map(|it| SocketAddr::from((it.ip(), it.port()))))
}

#[cfg(not(target_os = "linux"))]
fn arrival(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Arrival> {
    let (octets, from) = socket.recv_from(buffer)?;
    Ok(Arrival { octets, from, at: Instant::now() })
}

/// Waits until one of them can be read, or `until` has come (without it, for ever). `poll` alone would wait in whole
/// milliseconds.
pub fn wait_readable(fds: &[BorrowedFd<'_>], until: Option<Instant>) -> io::Result<()> {
    let mut fds: Vec<PollFd> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    let remaining = until.map(|until| until.saturating_duration_since(Instant::now()));
    #[cfg(target_os = "linux")]
    let waited = nix::poll::ppoll(&mut fds, remaining.map(Into::into), None);
    #[cfg(not(target_os = "linux"))]
    let waited = nix::poll::poll(
        &mut fds,
        remaining.map_or(nix::poll::PollTimeout::NONE, |it| {
            nix::poll::PollTimeout::try_from(it).unwrap_or(nix::poll::PollTimeout::MAX)
        }),
    );
    match waited {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
