//! Real software fails no check but those that fixtures/peers/README.md says it deserves to fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::report::{Outcome, Report};
use harness::subject::Manifest;

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/peers")
}

/// Id and clause of each row below the heading of that name.
fn deserved(readme: &str, name: &str) -> Vec<(String, String)> {
    let heading = format!("## {name}");
    readme
        .lines()
        .skip_while(|line| **line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter_map(|(id, rest)| Some((id.to_owned(), rest.split_once(" | ")?.0.to_owned())))
        .collect()
}

/// In the lab of its manifest; `None` if the peer is not installed.
fn check(name: &str, options: &[&str]) -> Option<Report> {
    let dir = peers().join(name);
    let manifest = Manifest::load(&dir).unwrap().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["check", manifest.lab.name(), "--format", "json", "--impl"])
        .arg(dir)
        .args(options)
        .output()
        .unwrap();
    if output.stdout.is_empty() {
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words}");
        eprint!("{words}");
        return None;
    }
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// What did not pass, for other reasons than that it was not tried.
fn failed(report: &Report) -> BTreeSet<String> {
    let tried_in_vain = |outcome: &Outcome| {
        !outcome.earns() && !matches!(outcome, Outcome::Skipped { .. } | Outcome::Blocked { .. })
    };
    report.checks.iter().filter(|check| tried_in_vain(&check.outcome)).map(|check| check.id.clone()).collect()
}

#[test]
fn a_peer_fails_nothing_that_it_does_not_deserve_to_fail() {
    let readme = fs::read_to_string(peers().join("README.md")).unwrap();
    for entry in fs::read_dir(peers()).unwrap() {
        let dir = entry.unwrap().path();
        if !dir.join("wirelab.toml").is_file() {
            continue;
        }
        let name = dir.file_name().unwrap().to_str().unwrap();
        assert!(readme.contains(&format!("\n## {name}\n")), "the README has no section on {name}");
        let deserved = deserved(&readme, name);
        for (id, clause) in &deserved {
            assert!(clause.starts_with("RFC "), "{name}, {id}: no clause of an RFC but {clause}");
        }
        let Some(report) = check(name, &["--basis", "rfc"]) else { continue };
        let deserved: BTreeSet<String> = deserved.into_iter().map(|(id, _)| id).collect();
        let failed = failed(&report);
        let undeserved: Vec<_> = failed.difference(&deserved).collect();
        assert!(undeserved.is_empty(), "{name} does not deserve {undeserved:?}, seed {}", report.seed);
        // Another version than the README speaks of.
        for id in deserved.difference(&failed) {
            eprintln!("{name} passes {id}: the README says it does not");
        }
    }
}

#[test]
fn curl_keeps_the_whole_contract_of_the_client() {
    if let Some(report) = check("curl", &["--only", "client"]) {
        assert_eq!(failed(&report), BTreeSet::new(), "seed {}", report.seed);
    }
}

#[test]
fn a_table_is_read_row_by_row() {
    let readme =
        "## a\n\n| id | clause | why |\n|---|---|---|\n| `x.y` | RFC 1 §2 | so |\n\n## b\n| `z` | c | d |\n";
    assert_eq!(deserved(readme, "a"), [("x.y".to_owned(), "RFC 1 §2".to_owned())]);
    assert_eq!(deserved(readme, "c"), []);
}
