//! Socket look-ups by netlink, as in `sock_diag(7)`: some microseconds each, whatever the number of sockets.
//!
//! The messages are `struct inet_diag_req_v2` and `struct inet_diag_msg` of `linux/inet_diag.h`, after a
//! `struct nlmsghdr`; numbers are in the host's order, ports and addresses in the network's.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::sockets::{TcpSocket, TcpState};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const HEADER: usize = 16;
const REQUEST: usize = HEADER + 56;
const REPLY: usize = 72;
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_SKV6ONLY: u16 = 11;
/// Where `struct tcp_info` of `linux/tcp.h` has `tcpi_bytes_received`.
const BYTES_RECEIVED: std::ops::Range<usize> = 128..136;
const ALL_STATES: u32 = u32::MAX;
const LISTEN_ONLY: u32 = 1 << 10;

thread_local! {
    static KERNEL: io::Result<Socket> = open();
}

/// The connection with these two addresses, seen from its owner.
pub(super) fn connection(local: SocketAddr, peer: SocketAddr) -> io::Result<Option<TcpSocket>> {
    let mapped = local.is_ipv4().then_some(libc::AF_INET6);
    for family in [Some(family_of(local)), mapped].into_iter().flatten() {
        let found = ask(&request(family, 0, ALL_STATES, local, peer))?;
        // The kernel answers with the listening socket where there is no connection.
        if let Some(socket) = found.into_iter().find(|socket| socket.local == local && socket.peer == peer) {
            return Ok(Some(socket));
        }
    }
    Ok(None)
}

/// The listening sockets of both families, on one port or on all.
pub(super) fn listening(port: Option<u16>) -> io::Result<Vec<TcpSocket>> {
    let local = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port.unwrap_or(0)));
    let peer = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let mut found = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        found.extend(ask(&request(family, libc::NLM_F_DUMP, LISTEN_ONLY, local, peer))?);
    }
    Ok(found)
}

fn open() -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::from(libc::AF_NETLINK),
        Type::DGRAM,
        Some(Protocol::from(libc::NETLINK_INET_DIAG)),
    )?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    Ok(socket)
}

fn family_of(addr: SocketAddr) -> i32 {
    if addr.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 }
}

fn request(family: i32, flags: i32, states: u32, local: SocketAddr, peer: SocketAddr) -> [u8; REQUEST] {
    let mut message = [0; REQUEST];
    message[0..4].copy_from_slice(&(REQUEST as u32).to_ne_bytes());
    message[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message[6..8].copy_from_slice(&((libc::NLM_F_REQUEST | flags) as u16).to_ne_bytes());
    message[16] = family as u8;
    message[17] = libc::IPPROTO_TCP as u8;
    message[18] = 1 << (INET_DIAG_INFO - 1);
    message[20..24].copy_from_slice(&states.to_ne_bytes());
    message[24..26].copy_from_slice(&local.port().to_be_bytes());
    message[26..28].copy_from_slice(&peer.port().to_be_bytes());
    message[28..44].copy_from_slice(&address_field(family, local.ip()));
    message[44..60].copy_from_slice(&address_field(family, peer.ip()));
    message[64..72].fill(0xff); // INET_DIAG_NOCOOKIE
    message
}

fn address_field(family: i32, ip: IpAddr) -> [u8; 16] {
    let mut field = [0; 16];
    match ip {
        IpAddr::V4(ip) if family == libc::AF_INET => field[..4].copy_from_slice(&ip.octets()),
        IpAddr::V4(ip) => field = ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => field = ip.octets(),
    }
    field
}

fn ask(request: &[u8]) -> io::Result<Vec<TcpSocket>> {
    KERNEL.with(|kernel| match kernel {
        Ok(socket) => exchange(socket, request),
        Err(error) => Err(error.kind().into()),
    })
}

fn exchange(mut kernel: &Socket, request: &[u8]) -> io::Result<Vec<TcpSocket>> {
    let dump = request[7] & (libc::NLM_F_DUMP >> 8) as u8 != 0;
    kernel.send(request)?;
    let mut found = Vec::new();
    let mut buffer = [0; 32 * 1024];
    loop {
        let count = kernel.read(&mut buffer)?;
        let mut messages = &buffer[..count];
        while messages.len() >= HEADER {
            let length = (u32_at(messages, 0) as usize).clamp(HEADER, messages.len());
            let (message, rest) = messages.split_at(length);
            match i32::from(u16_at(message, 4)) {
                libc::NLMSG_DONE => return Ok(found),
                libc::NLMSG_ERROR if message.len() >= HEADER + 4 => {
                    return match -(u32_at(message, HEADER) as i32) {
                        libc::ENOENT => Ok(found),
                        errno => Err(io::Error::from_raw_os_error(errno)),
                    };
                }
                _ => found.extend(parse(&message[HEADER..])),
            }
            if !dump {
                return Ok(found);
            }
            messages = rest.get(length.next_multiple_of(4) - length..).unwrap_or_default();
        }
    }
}

fn parse(message: &[u8]) -> Option<TcpSocket> {
    if message.len() < REPLY {
        return None;
    }
    let family = i32::from(message[0]);
    Some(TcpSocket {
        state: TcpState::from_kernel(message[1])?,
        local: SocketAddr::new(address_at(family, &message[8..24]), port_at(message, 4)),
        peer: SocketAddr::new(address_at(family, &message[24..40]), port_at(message, 6)),
        receive_queue: u32_at(message, 56),
        send_queue: u32_at(message, 60),
        inode: u64::from(u32_at(message, 68)),
        ipv6_only: attribute(&message[REPLY..], INET_DIAG_SKV6ONLY).is_some_and(|value| value[0] != 0),
        received: attribute(&message[REPLY..], INET_DIAG_INFO)
            .and_then(|info| info.get(BYTES_RECEIVED)?.try_into().ok())
            .map(u64::from_ne_bytes),
    })
}

/// Attributes are a length, a type and a value, padded to four octets. The value has an octet at least.
fn attribute(mut attributes: &[u8], kind: u16) -> Option<&[u8]> {
    while attributes.len() > 4 {
        let length = usize::from(u16_at(attributes, 0)).max(4);
        if u16_at(attributes, 2) == kind {
            return attributes.get(4..length).filter(|value| !value.is_empty());
        }
        attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    None
}

fn address_at(family: i32, field: &[u8]) -> IpAddr {
    if family == libc::AF_INET {
        IpAddr::from([field[0], field[1], field[2], field[3]])
    } else {
        let octets: [u8; 16] = field.try_into().expect("an address field has sixteen octets");
        Ipv6Addr::from(octets).to_canonical()
    }
}

fn port_at(message: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([message[at], message[at + 1]])
}

fn u16_at(message: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([message[at], message[at + 1]])
}

fn u32_at(message: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([message[at], message[at + 1], message[at + 2], message[at + 3]])
}
