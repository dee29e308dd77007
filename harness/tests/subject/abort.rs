//! Ctrl-C, and runs side by side.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::actor::actor_command;
use crate::lives;

#[test]
fn an_abort_ends_all_programs_and_removes_all_directories_within_a_second() {
    let started = Instant::now();
    let output = actor_command("aborts").output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let dir = said.lines().find(|line| line.starts_with('/')).unwrap();
    let pids: Vec<i32> = said.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|&pid| !lives(pid)));
    assert!(!Path::new(dir).exists());
}

#[test]
fn leases_of_two_runs_never_collide() {
    let start = || {
        let mut run = actor_command("leases").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(run.stdout.take().unwrap()).lines();
        (run, lines.filter_map(|line| line.unwrap().parse::<u16>().ok()).take_while(|&port| port != 0))
    };
    let runs = [start(), start(), start()];
    let mut all = BTreeSet::new();
    let mut holders: Vec<Child> = Vec::new();
    for (holder, ports) in runs {
        let ports: Vec<u16> = ports.collect();
        assert_eq!(ports.len(), 300);
        all.extend(ports);
        holders.push(holder);
    }
    assert_eq!(all.len(), 900);
    for mut holder in holders {
        drop(holder.stdin.take());
        assert!(holder.wait().unwrap().success());
    }
}
