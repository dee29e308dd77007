//! The two laws of the starters, tried on starters generated for the occasion: a student's own half-done lab
//! never turns a test red.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use assert_cmd::cargo::cargo_bin_cmd;
use harness::check::Lab;
use predicates::str::contains;
use serde_json::Value;

#[test]
fn every_starter_compiles_without_a_warning() {
    for lab in Lab::ALL {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--all-targets", "--locked", "--quiet", "--message-format=json"])
            .current_dir(starter(*lab))
            .output()
            .expect("cargo runs");
        let complaints: Vec<String> = String::from_utf8_lossy(&built.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["reason"] == "compiler-message")
            .map(|message| message["message"]["rendered"].as_str().unwrap_or("?").to_owned())
            .collect();
        assert!(complaints.is_empty(), "{lab}:\n{}", complaints.join("\n"));
        assert!(built.status.success(), "{lab}:\n{}", String::from_utf8_lossy(&built.stderr));
    }
}

#[test]
fn every_starter_is_formatted() {
    for lab in Lab::ALL {
        let formatted = Command::new(env!("CARGO"))
            .args(["fmt", "--check"])
            .current_dir(starter(*lab))
            .status()
            .expect("cargo runs");
        assert!(formatted.success(), "{lab}");
    }
}

#[test]
fn every_starter_fails_its_first_check_and_hears_of_the_first_step() {
    for lab in Lab::ALL {
        let starter = starter(*lab);
        let report = check(&[lab.name(), "--impl", &starter.display().to_string()], 1);
        let outcome = &report["checks"][0]["outcome"];
        assert_eq!(outcome["kind"], "failed", "{lab}: {outcome:#}");
        assert!(outcome.to_string().contains("step 1: "), "{lab}: {outcome:#}");
    }
}

#[test]
fn every_solution_passes_everything() {
    for lab in Lab::ALL {
        assert_all_passed(&check(&[lab.name(), "--solution"], 0));
    }
}

#[test]
fn the_web_server_passes_everything_in_the_fork_model_too() {
    assert_all_passed(&check(&["lab1", "--solution", "--model", "fork"], 0));
}

#[test]
fn a_changed_lab_is_someones_work_and_is_not_overwritten() {
    let into = tempfile::tempdir().unwrap();
    cargo_bin_cmd!("xtask").args(["starters", "lab1", "--into"]).arg(into.path()).assert().success();
    let readme = into.path().join("lab1-web-server/README.md");
    fs::write(&readme, "mine").unwrap();
    cargo_bin_cmd!("xtask")
        .args(["starters", "lab1", "--into"])
        .arg(into.path())
        .assert()
        .code(1)
        .stdout(contains("holds someone's work and stays as it is: README.md"));
    assert_eq!(fs::read_to_string(readme).unwrap(), "mine");
}

/// The lab's starter, always in the same place so that its build stays warm.
fn starter(lab: Lab) -> PathBuf {
    static STARTERS: OnceLock<PathBuf> = OnceLock::new();
    let starters = STARTERS.get_or_init(|| {
        let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("starters");
        let generate = || cargo_bin_cmd!("xtask").args(["starters", "--into"]).arg(&into).output().unwrap();
        // What an interrupted test left would be taken for someone's work.
        if !generate().status.success() {
            let _ = fs::remove_dir_all(&into);
            let again = generate();
            assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        }
        into
    });
    starters.join(lab.folder())
}

fn check(args: &[&str], code: i32) -> Value {
    let output = cargo_bin_cmd!("xtask").arg("check").args(args).args(["--format", "json"]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{stdout}\n{stderr}");
    serde_json::from_str(&stdout).expect("a report")
}

fn assert_all_passed(report: &Value) {
    let checks = report["checks"].as_array().expect("checks");
    assert!(!checks.is_empty());
    let others: Vec<_> = checks.iter().filter(|check| check["outcome"]["kind"] != "passed").collect();
    assert!(others.is_empty(), "{others:#?}");
}
