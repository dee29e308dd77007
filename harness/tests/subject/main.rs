//! The program under test, from its start to its end: real processes, a real supervisor.
#![cfg(target_os = "linux")]

mod abort;
mod actor;
mod build;
mod ending;
mod gate;
mod ready;
mod running;

use std::time::Duration;

use harness::deadline::{Deadline, poll_until};
use harness::subject::{Launch, Running, Supervisor};
use harness::sys;

fn supervisor() -> Supervisor {
    Supervisor { exe: env!("CARGO_BIN_EXE_supervise").into() }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn sh(script: &str) -> Running {
    start(Launch::new(["sh", "-c", script], "/"))
}

fn start(launch: Launch) -> Running {
    launch.start(&supervisor(), soon()).unwrap()
}

/// The first numbers, one a line, that the program prints.
fn numbers(program: &Running, count: usize) -> Vec<i32> {
    let found = program.wait_stdout(soon(), |octets| {
        let text = String::from_utf8_lossy(octets);
        let whole_lines = text.rsplit_once('\n')?.0;
        let numbers: Vec<i32> = whole_lines.lines().filter_map(|line| line.parse().ok()).collect();
        (numbers.len() >= count).then_some(numbers)
    });
    found.unwrap_or_else(|| panic!("printed: {:?}", program.stdout().text()))
}

fn lives(pid: i32) -> bool {
    sys::facts(pid).is_ok_and(|facts| !facts.is_zombie())
}

fn dies(pid: i32) -> bool {
    poll_until(soon(), || (!lives(pid)).then_some(())).is_some()
}
