//! `cargo xtask handout`: what students get, and what they do not. `cargo xtask ci` builds one and tries it.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::str::contains;

fn handout(out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["handout", "--no-pages", "--out"]).arg(out);
    command
}

#[test]
fn students_get_the_labs_and_nothing_that_needs_a_solution() {
    let folder = tempfile::tempdir().expect("a directory");
    let out = folder.path().join("course/kit");
    handout(&out).assert().success().stdout(contains("no solution"));
    for present in ["labs/lab4-smtp-client/src/lib.rs", "book/src/SUMMARY.md", ".github/workflows/labs.yml"] {
        assert!(out.join(present).is_file(), "{present}");
    }
    for absent in
        ["solutions", "fixtures/mutants", "xtask/src/commands/mutants.rs", "xtask/tests/starters.rs"]
    {
        assert!(!out.join(absent).exists(), "{absent}");
    }
    let read = |path: &str| fs::read_to_string(out.join(path)).expect("a file of the handout");
    assert!(read("Cargo.toml").contains("members = [\"harness\", \"xtask\"]"));
    let lock = read("Cargo.lock");
    assert!(lock.contains("name = \"xtask\"") && !lock.contains("name = \"lab2-caching-proxy\""));
    let main = read("xtask/src/main.rs");
    assert!(main.contains("check::run") && !main.contains("mutants") && !main.contains("ANCHOR"), "{main}");
    assert!(!read("xtask/src/commands/check.rs").contains("--solution"));
    assert_eq!(
        read("labs/lab3-udp-ping/src/packet.rs"),
        read("fixtures/starters/lab3-udp-ping/src/packet.rs")
    );
    let beside = fs::read_dir(out.parent().expect("a parent")).expect("a folder").count();
    assert_eq!(beside, 1, "nothing is left beside it");
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let folder = tempfile::tempdir().expect("a directory");
    fs::write(folder.path().join("mine.txt"), "mine").expect("a file");
    handout(folder.path()).assert().code(2).stderr(contains("is not empty"));
    handout(&folder.path().join("mine.txt")).assert().code(2).stderr(contains("is a file"));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}
