//! Programs to be judged, and harnesses to be killed, played by this same test binary when started with `ACTOR` set.

use std::env;
use std::io::{Read, Write, stdin, stdout};
use std::net::TcpListener;
use std::process::{Command, exit, id};
use std::thread::{self, park};

use harness::subject::{Launch, RunDir, StartError, Status, abort_all, ports};
use harness::sys;

use crate::{numbers, sh, soon, supervisor};

/// How to start this binary as the actor of that name.
pub fn actor(name: &str) -> Launch {
    let exe = env::current_exe().unwrap();
    Launch::new([exe.as_os_str(), "actor::plays".as_ref()], "/")
        .args(["--exact", "--ignored", "--nocapture"])
        .env("ACTOR", name)
}

pub fn actor_command(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["actor::plays", "--exact", "--ignored", "--nocapture"]).env("ACTOR", name);
    command
}

#[test]
#[ignore = "an actor, started by the other tests"]
fn plays() {
    match env::var("ACTOR").as_deref() {
        Ok("panics") => panic!("step 1: bind and accept"),
        Ok("floods") => floods(),
        Ok("harness") => plays_a_harness(),
        Ok("aborts") => aborts(),
        Ok("leases") => leases(),
        Ok("listens") => listens(),
        Ok("echoes") => echoes(),
        _ => {}
    }
}

/// Prints 64 MiB to a harness and says how much memory that took it.
fn floods() {
    let program = sh("exec cat /dev/zero");
    program.wait_exit(soon()).unwrap();
    println!("{}", sys::facts(id() as i32).unwrap().peak_resident);
}

/// Listens on the address in `LISTEN` until killed.
fn echoes() {
    let socket = std::net::UdpSocket::bind(std::env::var("LISTEN").unwrap()).unwrap();
    let mut buffer = [0; 64];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        socket.send_to(&buffer[..length], from).unwrap();
    }
}

fn listens() {
    let _listener = TcpListener::bind(env::var("LISTEN").unwrap()).unwrap();
    park_for_ever();
}

/// Leases ports, prints them, and holds them until its stdin ends.
fn leases() {
    let leases: Vec<_> = (0..300).map(|_| ports::lease().unwrap()).collect();
    for lease in &leases {
        println!("{}", lease.port());
    }
    println!("0");
    stdin().read_to_end(&mut Vec::new()).unwrap();
    // Nobody reads what the test framework would print.
    exit(0);
}

/// Starts programs in two threads and makes a directory; then everything is aborted, as by Ctrl-C.
fn aborts() {
    let dir = RunDir::new().unwrap();
    println!("{}", dir.path().display());
    let program = sh("trap '' TERM INT; setsid sleep 600 & echo $!; echo $$; wait");
    for pid in numbers(&program, 2) {
        println!("{pid}");
    }
    let waiting = thread::spawn(move || program.wait_exit(soon()).map(|exit| exit.status));
    abort_all();
    assert_eq!(waiting.join().unwrap(), Some(Status::Signal(libc::SIGKILL)));
    let late = Launch::new(["true"], "/").start(&supervisor(), soon());
    assert!(matches!(late, Err(StartError::Aborted)));
    assert!(RunDir::new().is_err());
    // No destructor runs.
    exit(130);
}

/// Starts a program with a child in a session of its own, prints both, and waits to be killed.
fn plays_a_harness() {
    let program = sh("setsid sleep 600 & echo $!; echo $$; wait");
    for pid in numbers(&program, 2) {
        println!("{pid}");
    }
    park_for_ever();
}

fn park_for_ever() {
    stdout().flush().unwrap();
    loop {
        park();
    }
}
