//! `cargo xtask mutants`, on one mutant; the whole bank is tried by `cargo xtask ci`.

use std::fs;

use assert_cmd::cargo::cargo_bin_cmd;
use predicates::str::contains;

#[test]
fn a_mutant_is_built_tried_and_caught() {
    let slug = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/mutants/lab1"))
        .expect("a bank")
        .filter_map(|entry| {
            entry.ok()?.file_name().into_string().ok()?.strip_suffix(".toml").map(str::to_owned)
        })
        .min()
        .expect("a mutant");
    cargo_bin_cmd!("xtask")
        .args(["mutants", "lab1", "--only", &slug])
        .assert()
        .code(0)
        .stdout(contains(format!("\n{slug}  caught")))
        .stdout(contains("1 of 1 mutants caught"));
}

#[test]
fn an_unknown_mutant_is_answered_with_those_there_are() {
    cargo_bin_cmd!("xtask")
        .args(["mutants", "lab1", "--only", "no-such-mistake"])
        .assert()
        .code(2)
        .stderr(contains("there is no mutant \"no-such-mistake\"; there are"));
}
