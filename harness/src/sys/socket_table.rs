//! The same as sock_diag, read from `/proc/net/tcp` and `/proc/net/tcp6` (`proc(5)`): slower, and always there.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::sockets::{TcpSocket, TcpState};

pub(super) fn connection(local: SocketAddr, peer: SocketAddr) -> io::Result<Option<TcpSocket>> {
    Ok(table()?.into_iter().find(|socket| socket.local == local && socket.peer == peer))
}

pub(super) fn listening(port: Option<u16>) -> io::Result<Vec<TcpSocket>> {
    let mut sockets = table()?;
    sockets.retain(|socket| {
        socket.state == TcpState::Listen && port.is_none_or(|port| socket.local.port() == port)
    });
    Ok(sockets)
}

fn table() -> io::Result<Vec<TcpSocket>> {
    let ipv4 = fs::read_to_string("/proc/net/tcp")?;
    let ipv6 = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    Ok(ipv4.lines().chain(ipv6.lines()).filter_map(row).collect())
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`
fn row(line: &str) -> Option<TcpSocket> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [_, local, peer, state, queues, _, _, _, _, inode, ..] = fields[..] else {
        return None;
    };
    let (send_queue, receive_queue) = queues.split_once(':')?;
    Some(TcpSocket {
        state: TcpState::from_kernel(u8::from_str_radix(state, 16).ok()?)?,
        local: address(local)?,
        peer: address(peer)?,
        receive_queue: u32::from_str_radix(receive_queue, 16).ok()?,
        send_queue: u32::from_str_radix(send_queue, 16).ok()?,
        inode: inode.parse().ok()?,
        ipv6_only: false,
        received: None,
    })
}

/// Hexadecimal groups of 32 bits as the host reads them from memory in network order, then the port.
fn address(field: &str) -> Option<SocketAddr> {
    let (groups, port) = field.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut octets = Vec::with_capacity(16);
    for at in (0..groups.len()).step_by(8) {
        octets.extend(u32::from_str_radix(groups.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    }
    let ip = match <[u8; 4]>::try_from(&octets[..]) {
        Ok(octets) => IpAddr::V4(Ipv4Addr::from(octets)),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(&octets[..]).ok()?).to_canonical(),
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_ipv4_table_is_read() {
        let line =
            "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  0  0 4711 1 0 100";
        let socket = row(line).unwrap();
        assert_eq!(socket.local, "127.0.0.1:8080".parse().unwrap());
        assert_eq!((socket.state, socket.receive_queue, socket.inode), (TcpState::Listen, 3, 4711));
    }

    #[test]
    fn mapped_addresses_of_the_ipv6_table_are_shown_as_ipv4() {
        assert_eq!(address("0000000000000000FFFF00000100007F:0050"), Some("127.0.0.1:80".parse().unwrap()));
        assert_eq!(address("00000000000000000000000001000000:0050"), Some("[::1]:80".parse().unwrap()));
    }

    #[test]
    fn the_heading_is_no_row() {
        assert_eq!(row("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt"), None);
    }
}
