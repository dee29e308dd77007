//! The far end does what its script says, and its trace says what it did.

use super::*;
use crate::wire::icmp::ECHO_REQUEST;

const PATIENCE: Duration = Duration::from_secs(5);

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn request(sequence: u16) -> Echo {
    Echo { kind: ECHO_REQUEST, code: 0, identifier: 0x1234, sequence, data: b"twelve bytes".to_vec() }
}

fn pinger(far: &Far) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(far.addr()).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 2048];
    let length = socket.recv(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn far(script: Script) -> Far {
    Far::start(&Scene::new(PATIENCE), script).unwrap()
}

#[test]
fn a_request_is_answered_and_both_are_in_the_trace() {
    let far = far(Script::answering());
    let socket = pinger(&far);
    let before = Instant::now();
    socket.send(&request(1).to_octets()).unwrap();
    assert_eq!(Echo::parse(&receive(&socket)), Ok(request(1).reply()));
    let answered = Instant::now();
    let trace = far.finish();
    assert_eq!(trace.requests[0].message, Ok(request(1)));
    assert_eq!(trace.requests[0].from, socket.local_addr().unwrap());
    // The stamp is of another clock, and read at another moment.
    assert!((before - ms(1)..answered + ms(1)).contains(&trace.requests[0].at));
    assert_eq!((trace.sent[0].request, trace.sent[0].form.clone()), (0, Form::Reply));
}

#[test]
fn answers_leave_in_the_order_of_their_moments_and_not_before() {
    let far = far(Script::answering()
        .at(1, [Answer::reply().after(ms(60))])
        .at(2, [Answer::reply().after(ms(20))]));
    let socket = pinger(&far);
    let sent = Instant::now();
    for sequence in 1..=3 {
        socket.send(&request(sequence).to_octets()).unwrap();
    }
    let order: Vec<u16> = (0..3).map(|_| Echo::parse(&receive(&socket)).unwrap().sequence).collect();
    assert_eq!(order, [3, 2, 1]);
    assert!(sent.elapsed() >= ms(59), "{:?}", sent.elapsed());
    let trace = far.finish();
    let held = trace.sent[2].at - trace.requests[0].at;
    assert!(held >= ms(60), "{held:?}");
}

#[test]
fn what_a_script_drops_is_not_answered() {
    let far = far(Script::answering().dropping([1]).at(2, [Answer::of(Form::Junk(3)), Answer::reply()]));
    let socket = pinger(&far);
    socket.send(&request(1).to_octets()).unwrap();
    socket.send(&request(2).to_octets()).unwrap();
    assert_eq!(receive(&socket).len(), 3);
    assert_eq!(Echo::parse(&receive(&socket)), Ok(request(2).reply()));
    assert_eq!(far.finish().sent.len(), 2);
}

#[test]
fn what_is_no_request_is_recorded_and_not_answered() {
    let far = far(Script::answering());
    let socket = pinger(&far);
    socket.send(b"hello").unwrap();
    socket.send(&request(1).reply().to_octets()).unwrap();
    socket.send(&request(2).to_octets()).unwrap();
    assert_eq!(Echo::parse(&receive(&socket)), Ok(request(2).reply()));
    let trace = far.finish();
    assert_eq!((trace.requests.len(), trace.sent.len()), (3, 1));
    assert_eq!(trace.requests[0].message, Err(Malformed::Short { octets: 5 }));
}

#[test]
fn an_answer_from_elsewhere_has_another_port() {
    let far = far(Script::answering().at(1, [Answer::reply().from_elsewhere()]));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(&request(1).to_octets(), far.addr()).unwrap();
    let (_, from) = socket.recv_from(&mut [0; 64]).unwrap();
    assert_eq!(from.ip(), far.addr().ip());
    assert_ne!(from.port(), far.addr().port());
}

#[test]
fn an_answer_may_come_again_until_the_far_end_stops_and_is_in_the_trace_once() {
    let far = far(Script::always([Answer::reply().again_every(Duration::ZERO)]));
    let socket = pinger(&far);
    socket.send(&request(1).to_octets()).unwrap();
    for _ in 0..1_000 {
        receive(&socket);
    }
    assert_eq!(far.finish().sent.len(), 1);
}

#[test]
fn what_was_sent_before_the_end_is_in_the_trace() {
    let far = far(Script::silent());
    let socket = pinger(&far);
    for sequence in 1..=100 {
        socket.send(&request(sequence).to_octets()).unwrap();
    }
    let sequences: Vec<u16> = far.finish().requests.iter().filter_map(Request::sequence).collect();
    assert_eq!(sequences, (1..=100).collect::<Vec<u16>>());
}
