//! The laws of the starters, tried on starters generated for the occasion: a student's own half-done lab never
//! turns a test red.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use assert_cmd::cargo::cargo_bin_cmd;
use harness::check::Lab;
use predicates::str::contains;
use serde_json::Value;

#[test]
fn every_starter_compiles_without_a_warning() {
    for lab in Lab::ALL {
        let starter = starter(*lab, 0);
        let built =
            cargo(&starter, &["build", "--all-targets", "--locked", "--quiet", "--message-format=json"]);
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
        let formatted = cargo(&starter(*lab, 0), &["fmt", "--check"]);
        assert!(formatted.status.success(), "{lab}");
    }
}

#[test]
fn every_starter_fails_its_first_check_and_hears_of_the_first_step() {
    for lab in Lab::ALL {
        let report = starter(*lab, 0).check([]);
        let outcome = &report["checks"][0]["outcome"];
        assert_eq!(outcome["kind"], "failed", "{lab}: {outcome:#}");
        assert!(outcome.to_string().contains("step 1: "), "{lab}: {outcome:#}");
    }
}

/// Each lab, as someone has it who came that far. In lab 1 a step's number is its stage's from step 4 on.
#[test]
fn whoever_has_written_the_steps_up_to_one_passes_the_stages_up_to_it() {
    let lab1 = [(3, 2), (6, 6), (9, 9)].map(|(through, stages)| (Lab::Lab1, through, stages));
    let lab2 = [1, 4, 6, 8].map(|through| (Lab::Lab2, through, u64::from(through)));
    let lab3 = [1, 2, 4, 6].map(|through| (Lab::Lab3, through, u64::from(through)));
    let lab4 = [1, 3, 6, 7].map(|through| (Lab::Lab4, through, u64::from(through)));
    for (lab, through, stages) in lab1.into_iter().chain(lab2).chain(lab3).chain(lab4) {
        // What comes much later fails by waiting for what is not written, and would take its time.
        let near = lab.checks().filter(|check| u64::from(check.stage) <= stages + 1);
        let report = starter(lab, through).check(near.flat_map(|check| ["--only", check.id]));
        let is_good = |stage: u64, kinds: &[&str]| {
            let checks = report["checks"].as_array().expect("checks").iter();
            let mut ours = checks.filter(|check| check["stage"] == stage);
            ours.all(|check| kinds.contains(&check["outcome"]["kind"].as_str().expect("a kind")))
        };
        for stage in 1..=stages {
            assert!(is_good(stage, &["passed"]), "{lab}, steps 1 to {through}, stage {stage}: {report:#}");
        }
        assert!(
            !is_good(stages + 1, &["passed", "skipped"]),
            "{lab}: steps 1 to {through} are enough for more"
        );
    }
}

#[test]
fn the_unit_tests_turn_green_step_by_step_and_none_hangs() {
    const THROUGH: u32 = 7;
    let starter = starter(Lab::Lab1, THROUGH);
    let tried = cargo(&starter, &["test", "--no-fail-fast"]);
    let (mut green, mut red) = (BTreeSet::new(), BTreeSet::new());
    for line in String::from_utf8_lossy(&tried.stdout).lines() {
        let Some((name, verdict)) = line.strip_prefix("test ").and_then(|line| line.split_once(" ... "))
        else {
            continue;
        };
        let step = name.split("::").find_map(|part| part.strip_prefix("step")?.parse::<u32>().ok());
        let steps = if verdict == "ok" { &mut green } else { &mut red };
        steps.extend(step);
    }
    assert_eq!(red.first(), Some(&(THROUGH + 1)), "{}", String::from_utf8_lossy(&tried.stdout));
    assert_eq!(red, BTreeSet::from([8, 9, 11, 12, 13]), "each later step has a test that waits for it");
    assert!(green.range(..=THROUGH).copied().eq(1..=THROUGH), "each step so far has a test: {green:?}");
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

/// A lab's starter, for one test at a time: always in the same place, so that its build stays warm.
struct Starter {
    lab: Lab,
    path: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

/// The lab's starter with the steps up to `through` written.
fn starter(lab: Lab, through: u32) -> Starter {
    static PLACE: Mutex<()> = Mutex::new(());
    let alone = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("starters");
    let generate = || {
        let mut xtask = cargo_bin_cmd!("xtask");
        xtask.args(["starters", lab.name(), "--through", &through.to_string(), "--into"]).arg(&into);
        xtask.output().unwrap()
    };
    // What an interrupted test left would be taken for someone's work.
    if !generate().status.success() {
        let _ = fs::remove_dir_all(&into);
        let again = generate();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    }
    Starter { lab, path: into.join(lab.folder()), _alone: alone }
}

impl Starter {
    /// The report on it, which is not all good.
    fn check<'a>(&'a self, options: impl IntoIterator<Item = &'a str>) -> Value {
        let path = self.path.to_str().expect("a path in UTF-8");
        let args: Vec<&str> = [self.lab.name(), "--impl", path].into_iter().chain(options).collect();
        check(&args, 1)
    }
}

fn cargo(starter: &Starter, args: &[&str]) -> Output {
    Command::new(env!("CARGO")).args(args).current_dir(&starter.path).output().expect("cargo runs")
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
