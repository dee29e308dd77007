//! What the reference of lab 3 prints on each scripted network, with its times taken out: what a person sees.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use harness::fake::echo::Far;
use harness::fake::network::{Answer, Form, Script};
use harness::scene::Scene;
use insta::assert_snapshot;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The reference, built once.
fn reference() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let built = Command::new(env!("CARGO"))
            .args(["build", "-q", "-p", "lab3-udp-ping"])
            .current_dir(root)
            .status();
        assert!(built.expect("cargo runs").success());
        Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("ping")
    })
}

/// What `ping` prints with these options, and its exit status.
fn printed(script: Script, options: &[&str]) -> String {
    let far = Far::start(&Scene::new(Duration::from_secs(20)), script).unwrap();
    let port = far.addr().port().to_string();
    run(&port, options)
}

fn run(port: &str, options: &[&str]) -> String {
    let output = Command::new(reference())
        .args(["127.0.0.1", "--port", port])
        .args(options)
        .output()
        .expect("the reference runs");
    let mut text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    if !errors.is_empty() {
        text += &format!("\nstderr:\n{errors}");
    }
    text += &format!("\nexit status {}\n", output.status.code().unwrap_or(-1));
    redacted(&text, port)
}

/// Times and the port are others at each run.
fn redacted(text: &str, port: &str) -> String {
    let lines =
        text.lines().map(|line| match line.split_once("time=").or_else(|| line.split_once(", time ")) {
            Some((before, after)) if before.ends_with("loss") => {
                format!("{before}, time [T] {}", last_word(after))
            }
            Some((before, after)) => {
                format!("{before}time=[T] {}", after.split_once(' ').map_or("", |(_, rest)| rest))
            }
            None => match line.split_once(" = ") {
                Some((before, after)) => format!("{before} = [T]/[T]/[T]/[T] {}", last_word(after)),
                None => line.replace(port, "[PORT]"),
            },
        });
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn last_word(text: &str) -> &str {
    text.rsplit(' ').next().unwrap_or_default()
}

const QUICK: [&str; 6] = ["-c", "4", "-i", "0.05", "-W", "0.3"];

#[test]
fn a_network_that_answers() {
    assert_snapshot!(printed(Script::answering(), &QUICK));
}

#[test]
fn a_network_that_loses() {
    assert_snapshot!(printed(Script::answering().dropping([2, 4]), &QUICK));
}

#[test]
fn a_network_that_loses_everything() {
    assert_snapshot!(printed(Script::silent(), &QUICK));
}

#[test]
fn a_network_that_doubles() {
    let doubled = [Answer::reply(), Answer::reply()];
    assert_snapshot!(printed(Script::answering().at(2, doubled), &QUICK));
}

#[test]
fn a_network_that_reorders() {
    let script =
        Script::answering().at(1, [Answer::reply().after(ms(600))]).at(2, [Answer::reply().after(ms(300))]);
    assert_snapshot!(printed(script, &["-c", "4", "-i", "0.05", "-W", "2"]));
}

#[test]
fn a_network_that_is_late() {
    let script =
        Script::silent().at(1, [Answer::reply().after(ms(1300))]).at(4, [Answer::reply().after(ms(600))]);
    assert_snapshot!(printed(script, &["-c", "4", "-i", "0.3", "-W", "1"]));
}

#[test]
fn a_network_that_lies() {
    let lie = |form| [Answer::of(form), Answer::reply().after(ms(20))];
    let script = Script::answering()
        .at(1, lie(Form::Flipped(70)))
        .at(2, lie(Form::Altered(20)))
        .at(3, lie(Form::OtherIdentifier))
        .at(4, lie(Form::OtherSequence(1000)))
        .at(5, lie(Form::Other { kind: 3, code: 1 }))
        .at(6, lie(Form::Cut(5)))
        .at(7, [Answer::reply().from_elsewhere(), Answer::of(Form::Identical).after(ms(20))]);
    let options = ["-c", "7", "-i", "0.05", "-W", "0.3"];
    let text = printed(script, &options);
    // The identifier is the process's own.
    let text = text.lines().map(|line| match line.split_once("another program, ") {
        Some((before, _)) => format!("{before}another program, [ID]\n"),
        None => format!("{line}\n"),
    });
    assert_snapshot!(text.collect::<String>());
}

#[test]
fn a_port_that_is_closed() {
    let lease = harness::subject::ports::lease().unwrap();
    assert_snapshot!(run(&lease.port().to_string(), &["-c", "3", "-i", "0.05", "-W", "0.3"]));
}
