//! Is the server up, and if not, why not?

use std::cell::{Cell, OnceCell};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use harness::deadline::{Deadline, poll_until};
use harness::subject::{Launch, NotReady, Readiness, Running, Status, ports, start_ready};

use crate::actor::actor;
use crate::{sh, soon, start, supervisor};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn listening_on(addr: &str) -> Running {
    let program = start(actor("listens").env("LISTEN", addr));
    let listens = || (!program.listeners().unwrap().is_empty()).then_some(());
    poll_until(soon(), listens).expect("the actor listens");
    program
}

fn not_ready(program: &Running, port: u16) -> NotReady {
    program.wait_listening((LOOPBACK, port).into(), Deadline::after(Duration::ZERO)).unwrap_err()
}

#[test]
fn a_server_is_up_when_it_listens_and_was_not_disturbed() {
    for host in ["127.0.0.1", "0.0.0.0", "[::]"] {
        let lease = ports::lease().unwrap();
        let program = start(actor("listens").env("LISTEN", format!("{host}:{}", lease.port())));
        program.wait_listening((LOOPBACK, lease.port()).into(), soon()).unwrap();
        assert_eq!(program.listeners().unwrap()[0].backlog, 0);
    }
}

#[test]
fn a_program_that_ends_at_once_is_shown_with_its_last_words() {
    let program = start(actor("panics"));
    let error = program.wait_listening((LOOPBACK, 1).into(), soon()).unwrap_err();
    let words = error.to_string();
    assert!(words.starts_with("ended after "), "{words}");
    assert!(words.contains(" ms with status 101, before it was up; its last words:\n  thread "), "{words}");
    assert!(words.ends_with("\n  step 1: bind and accept"), "{words}");
}

#[test]
fn the_wrong_port_is_named() {
    let (wanted, other) = (ports::lease().unwrap(), ports::lease().unwrap());
    let program = listening_on(&format!("127.0.0.1:{}", other.port()));
    assert_eq!(
        not_ready(&program, wanted.port()).to_string(),
        format!("listens on 127.0.0.1:{}, not on port {}: is --port read?", other.port(), wanted.port())
    );
}

#[test]
fn the_wrong_address_is_named() {
    let lease = ports::lease().unwrap();
    let program = listening_on(&format!("127.0.0.2:{}", lease.port()));
    let port = lease.port();
    assert_eq!(
        not_ready(&program, port).to_string(),
        format!(
            "listens on 127.0.0.2:{port}, where connections to 127.0.0.1:{port} do not arrive: is --host read?"
        )
    );
}

#[test]
fn a_program_that_listens_nowhere_is_told_so() {
    let lease = ports::lease().unwrap();
    let program = sh("echo hello; sleep 600");
    program.wait_stdout(soon(), |octets| octets.ends_with(b"\n").then_some(())).unwrap();
    let words = not_ready(&program, lease.port()).to_string();
    assert!(words.starts_with("runs, but after "), "{words}");
    let end = format!("listens nowhere; 127.0.0.1:{} was wanted; its last words:\n  hello", lease.port());
    assert!(words.ends_with(&end), "{words}");
}

#[test]
fn a_listener_of_another_program_is_not_taken_for_the_server() {
    let foreign = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let program = sh("sleep 600");
    let error = not_ready(&program, foreign.local_addr().unwrap().port());
    assert!(matches!(error, NotReady::NotListening { .. }), "{error}");
}

#[test]
fn a_daemon_is_told_to_stay_in_the_foreground() {
    let program = sh("setsid sleep 600 & exit 0");
    let error = program.wait_listening((LOOPBACK, 1).into(), soon()).unwrap_err();
    assert!(matches!(&error, NotReady::LeftForeground { left_behind: 1, .. }), "{error}");
}

#[test]
fn a_flood_is_named() {
    let program = start(Launch { flood: 4 << 20, ..Launch::new(["yes"], "/") });
    let error = program.wait_listening((LOOPBACK, 1).into(), soon()).unwrap_err();
    assert_eq!(error.to_string(), "printed more than 4 MiB and was ended");
}

#[test]
fn a_start_that_lost_its_port_to_somebody_else_is_tried_on_another() {
    let thief: OnceCell<TcpListener> = OnceCell::new();
    let launch = |port: u16| {
        thief.get_or_init(|| TcpListener::bind((LOOPBACK, port)).unwrap());
        actor("listens").env("LISTEN", SocketAddr::from((LOOPBACK, port)).to_string())
    };
    let (program, lease) =
        start_ready(&supervisor(), Readiness::Listening, LOOPBACK, soon(), launch).unwrap();
    let stolen = thief.get().unwrap().local_addr().unwrap().port();
    assert_ne!(lease.port(), stolen);
    assert_eq!(program.listeners().unwrap()[0].addr.port(), lease.port());
}

#[test]
fn a_program_that_fails_by_itself_is_started_once() {
    let starts = Cell::new(0);
    let launch = |_| {
        starts.set(starts.get() + 1);
        Launch::new(["sh", "-c", "exit 7"], "/")
    };
    let error = start_ready(&supervisor(), Readiness::Listening, LOOPBACK, soon(), launch).unwrap_err();
    let NotReady::Exited { exit, .. } = error else { panic!("{error}") };
    assert_eq!((exit.status, starts.get()), (Status::Code(7), 1));
}

#[test]
fn an_echo_server_is_up_when_it_answers() {
    let launch = |port: u16| actor("echoes").env("LISTEN", SocketAddr::from((LOOPBACK, port)).to_string());
    let (program, _lease) =
        start_ready(&supervisor(), Readiness::Answering, LOOPBACK, soon(), launch).unwrap();
    assert_eq!(program.exited(), None);
}

#[test]
fn an_echo_server_that_never_answers_is_said_to_run() {
    let launch = |_| Launch::new(["sleep", "60"], "/");
    let deadline = Deadline::after(Duration::from_millis(50));
    let error = start_ready(&supervisor(), Readiness::Answering, LOOPBACK, deadline, launch).unwrap_err();
    assert!(error.to_string().contains("it has answered no echo request sent to 127.0.0.1:"), "{error}");
}
