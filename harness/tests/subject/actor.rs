//! Programs to be judged, and harnesses to be killed, played by this same test binary when started with `ACTOR` set.

use std::env;
use std::io::{Write, stdout};
use std::process::Command;
use std::thread::park;

use harness::subject::Launch;

use crate::{numbers, sh};

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
        Ok("harness") => plays_a_harness(),
        _ => {}
    }
}

/// Starts a program with a child in a session of its own, prints both, and waits to be killed.
fn plays_a_harness() {
    let program = sh("setsid sleep 600 & echo $!; echo $$; wait");
    for pid in numbers(&program, 2) {
        println!("{pid}");
    }
    stdout().flush().unwrap();
    loop {
        park();
    }
}
