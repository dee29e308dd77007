//! `ping` as a whole, against services on loopback that answer as they please.

use std::net::{SocketAddr, UdpSocket};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lab3_udp_ping::packet::{self, Message};
use lab3_udp_ping::pinger::{self, Options};
use lab3_udp_ping::statistics::Statistics;

/// Long enough that nothing is lost because the machine is busy.
const LONG: Duration = Duration::from_secs(20);
/// Long enough, and short enough to wait for once if something is wrong.
const SOME: Duration = Duration::from_secs(2);
/// Short enough to wait for something to be lost.
const SHORT: Duration = Duration::from_millis(50);

/// Starts a service that answers with `answer(socket, request, client)` to the first `count`
/// requests; its port.
fn serve(
    count: usize,
    mut answer: impl FnMut(&UdpSocket, &[u8], SocketAddr) + Send + 'static,
) -> (u16, JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let service = thread::spawn(move || {
        let mut buffer = vec![0; packet::MAX_DATAGRAM];
        for _ in 0..count {
            let (length, client) = socket.recv_from(&mut buffer).expect("another request");
            answer(&socket, &buffer[..length], client);
        }
    });
    (port, service)
}

/// The service of RFC 862: whatever comes goes back.
fn echo(socket: &UdpSocket, request: &[u8], client: SocketAddr) {
    socket.send_to(request, client).unwrap();
}

fn options(port: u16, count: u64, patience: Duration) -> Options {
    Options {
        host: "127.0.0.1".into(),
        port,
        count,
        interval: Duration::from_millis(1),
        patience,
        size: 56,
    }
}

fn ping(options: &Options) -> (Statistics, String) {
    let mut out = Vec::new();
    let statistics = pinger::run(options, &mut out).unwrap();
    (statistics, String::from_utf8(out).unwrap())
}

mod step1 {
    use super::*;

    #[test]
    fn each_request_is_right_and_of_the_same_run() {
        let mut expected = 1..=3u8;
        let mut identifiers = Vec::new();
        let (port, service) = serve(3, move |socket, request, client| {
            assert_eq!(request.len(), 64);
            assert_eq!(request[..2], [8, 0]);
            assert_eq!(packet::checksum(request), 0);
            assert_eq!(request[6..8], [0, expected.next().unwrap()]);
            identifiers.push([request[4], request[5]]);
            assert!(identifiers.windows(2).all(|pair| pair[0] == pair[1]));
            echo(socket, request, client);
        });
        ping(&options(port, 3, LONG));
        service.join().unwrap();
    }
}

mod step2 {
    use super::*;

    #[test]
    fn a_service_that_echoes_answers_everything() {
        for size in [0, 7, 56, 65_499] {
            let (port, service) = serve(3, echo);
            let order = Options {
                size,
                ..options(port, 3, LONG)
            };
            let (statistics, text) = ping(&order);
            assert_eq!(statistics.received, 3);
            let line = format!(
                "\n{} bytes from 127.0.0.1: seq=3 time=",
                size + packet::HEADER
            );
            assert!(text.contains(&line), "{text}");
            service.join().unwrap();
        }
    }

    #[test]
    fn a_service_that_is_silent_answers_nothing() {
        let (port, service) = serve(2, |_, _, _| {});
        let (statistics, text) = ping(&options(port, 2, SHORT));
        assert_eq!(statistics.received, 0);
        let lines = "\nRequest timeout for seq 1\nRequest timeout for seq 2\n";
        assert!(text.contains(lines), "{text}");
        service.join().unwrap();
    }
}

mod step3 {
    use super::*;

    #[test]
    fn requests_leave_whatever_is_unanswered() {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        let (port, service) = serve(3, move |socket, request, client| {
            kept.push(request.into());
            if kept.len() == 3 {
                kept.iter()
                    .rev()
                    .for_each(|request| echo(socket, request, client));
            }
        });
        let (statistics, text) = ping(&options(port, 3, SOME));
        assert_eq!(statistics.received, 3);
        let fields = text.split_whitespace();
        let order: Vec<&str> = fields.filter(|field| field.starts_with("seq=")).collect();
        assert_eq!(order, ["seq=3", "seq=2", "seq=1"]);
        service.join().unwrap();
    }
}

mod step4 {
    use super::*;

    #[test]
    fn a_duplicate_and_a_lie_are_told_from_a_reply() {
        let (port, service) = serve(2, |socket, request, client| {
            let lie = Message {
                data: b"a lie",
                ..Message::decode(request).unwrap()
            };
            echo(socket, &lie.encode(), client);
            echo(socket, request, client);
            echo(socket, request, client);
        });
        let order = Options {
            interval: Duration::ZERO, // the second leaves when the first is answered
            ..options(port, 2, LONG)
        };
        let (statistics, text) = ping(&order);
        assert_eq!(statistics.received, 2);
        // The duplicate of the last one may come when nobody waits any more.
        assert!((1..=2).contains(&statistics.duplicates), "{text}");
        assert!(text.contains(" ms (DUP!)\n"), "{text}");
        service.join().unwrap();
    }
}

mod step5 {
    use super::*;

    #[test]
    fn the_report_ends_with_its_statistics() {
        let (port, service) = serve(2, echo);
        let (_, text) = ping(&options(port, 2, SOME));
        let (_, end) = text
            .split_once("\n\n--- 127.0.0.1 ping statistics ---\n")
            .expect(&text);
        assert!(end.starts_with("2 packets transmitted, 2 received, 0% packet loss, time "));
        assert!(end.contains(" ms\nrtt min/avg/max/mdev = "));
        service.join().unwrap();
    }
}

mod step6 {
    use super::*;

    #[test]
    fn a_closed_port_is_reported_for_each_request() {
        // Connected to itself, it holds a port that nobody else gets, and refuses all others.
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = closed.local_addr().unwrap();
        closed.connect(address).unwrap();
        let (statistics, text) = ping(&options(address.port(), 3, SOME));
        assert_eq!((statistics.received, statistics.errors), (0, 3), "{text}");
        assert!(text.contains("\nFrom 127.0.0.1: seq=3 Destination Port Unreachable\n"));
    }

    #[test]
    fn a_host_without_an_address_is_named() {
        let host = ["a"; 200].join("."); // more octets than a name may have: nobody is asked
        let order = Options {
            host: host.clone(),
            ..options(1, 1, SHORT)
        };
        let error = pinger::run(&order, Vec::new()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("no address found for {host}: "))
        );
    }
}
