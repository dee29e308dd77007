//! `echo`: answers every valid request, and nothing else.

use std::io;
use std::net::UdpSocket;

use crate::packet::{self, Message};
use crate::sys::{Event, Signals};

/// Answers requests until a signal comes.
pub fn run(socket: &UdpSocket) -> io::Result<()> {
    let signals = Signals::catch()?;
    socket.set_nonblocking(true)?;
    // ANCHOR: step7_run
    let mut buffer = vec![0; packet::MAX_DATAGRAM];
    loop {
        match signals.wait(socket, None)? {
            Event::Signal => return Ok(()),
            Event::Moment => continue,
            Event::Datagram => {}
        }
        // What cannot be received or sent is lost, as any datagram may be: the next one is not.
        if let Ok((length, client)) = socket.recv_from(&mut buffer)
            && let Some(reply) = answer(&buffer[..length])
        {
            let _ = socket.send_to(&reply, client);
        }
    }
    // ANCHOR_END: step7_run
}

/// The reply to a datagram, if it is a valid request (RFC 792: the type changed to 0 and the
/// checksum made anew, all else as it was).
fn answer(datagram: &[u8]) -> Option<Vec<u8>> {
    // ANCHOR: step7_answer
    let request = Message::decode(datagram)?;
    let is_valid =
        packet::is_intact(datagram) && (request.kind, request.code) == (packet::REQUEST, 0);
    let reply = Message {
        kind: packet::REPLY,
        ..request
    };
    is_valid.then(|| reply.encode())
    // ANCHOR_END: step7_answer
}

#[cfg(test)]
mod step7 {
    use super::*;

    fn message(kind: u8, code: u8, data: &[u8]) -> Vec<u8> {
        let message = Message {
            kind,
            code,
            identifier: 0xabcd,
            sequence: 0xfffe,
            data,
        };
        message.encode()
    }

    #[test]
    fn a_request_becomes_a_reply_and_stays_the_same_but_for_its_checksum() {
        for data in [&b""[..], b"x", b"even", b"odd data."] {
            let request = message(packet::REQUEST, 0, data);
            assert_eq!(answer(&request), Some(message(packet::REPLY, 0, data)));
        }
    }

    #[test]
    fn what_is_no_valid_request_gets_no_answer() {
        let request = message(packet::REQUEST, 0, b"data");
        for length in 0..request.len() {
            assert_eq!(answer(&request[..length]), None, "{length} octets");
        }
        assert_eq!(answer(&[&request[..], b"!"].concat()), None);
        for (kind, code) in [(packet::REPLY, 0), (packet::REQUEST, 1), (13, 0)] {
            assert_eq!(
                answer(&message(kind, code, b"data")),
                None,
                "type {kind}, code {code}"
            );
        }
    }
}
