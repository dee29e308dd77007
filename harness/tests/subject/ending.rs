//! Whatever a program does, nothing of it is left.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use harness::subject::Signal;
use harness::subject::Status;

use crate::actor::actor_command;
use crate::{dies, lives, numbers, sh, soon};

#[test]
fn a_daemon_that_forked_twice_is_ended() {
    let mut program = sh("(setsid sh -c 'echo $$; sleep 600 & echo $!; wait' &) ; exec sleep 600");
    let pids = numbers(&program, 2);
    let gone = program.kill_and_reap();
    assert_eq!(gone.left_behind, 2);
    assert!(pids.iter().all(|&pid| !lives(pid)), "{pids:?}");
}

#[test]
fn descendants_that_outlive_the_program_are_counted_and_ended() {
    let mut program = sh("sleep 600 & echo $!; setsid sleep 600 & echo $!");
    let pids = numbers(&program, 2);
    let exit = program.wait_exit(soon()).unwrap();
    assert_eq!((exit.status, exit.left_behind), (Status::Code(0), 2));
    assert!(pids.iter().all(|&pid| lives(pid)));
    program.kill_and_reap();
    assert!(pids.iter().all(|&pid| !lives(pid)), "{pids:?}");
}

#[test]
fn a_program_that_ignores_sigterm_is_ended_within_a_second() {
    let mut program = sh("trap '' TERM HUP INT; echo $$; while :; do sleep 600; done");
    let pids = numbers(&program, 1);
    program.signal(Signal::SIGTERM).unwrap();
    let asked = Instant::now();
    program.kill_and_reap();
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert!(!lives(pids[0]));
    assert_eq!(program.exited().unwrap().status, Status::Signal(libc::SIGKILL));
}

#[test]
fn a_stopped_program_is_ended() {
    let program = sh("echo $$; kill -STOP $$");
    let pids = numbers(&program, 1);
    drop(program);
    assert!(!lives(pids[0]));
}

#[test]
fn a_program_that_keeps_moving_to_new_processes_is_ended() {
    let mut program = sh("hop() { (hop) & }; echo $$; hop; sleep 600");
    numbers(&program, 1);
    let asked = Instant::now();
    program.kill_and_reap();
    assert!(asked.elapsed() < Duration::from_secs(1), "took {:?}", asked.elapsed());
}

#[test]
fn a_program_that_kills_its_own_group_leaves_its_supervisor_alone() {
    let program = sh("kill -TERM 0; sleep 600");
    assert_eq!(program.wait_exit(soon()).unwrap().status, Status::Signal(libc::SIGTERM));
}

#[test]
fn a_program_whose_supervisor_is_killed_is_ended_too() {
    let program = sh("trap 'kill -KILL $PPID' TERM; echo $$; sleep 600 & echo $!; while :; do wait; done");
    let pids = numbers(&program, 2);
    program.signal(Signal::SIGTERM).unwrap();
    assert!(pids.iter().all(|&pid| dies(pid)), "{pids:?}");
}

#[test]
fn dropping_ends_the_program() {
    let program = sh("echo $$; sleep 600");
    let pids = numbers(&program, 1);
    drop(program);
    assert!(!lives(pids[0]));
}

#[test]
fn the_program_dies_with_a_harness_that_is_killed() {
    let mut harness = actor_command("harness").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(harness.stdout.take().unwrap()).lines();
    let pids: Vec<i32> = lines.filter_map(|line| line.unwrap().parse().ok()).take(2).collect();
    assert_eq!(pids.len(), 2);
    harness.kill().unwrap();
    harness.wait().unwrap();
    assert!(pids.iter().all(|&pid| dies(pid)), "{pids:?}");
}
