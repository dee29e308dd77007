//! The edges between the crates, and what is deliberately absent (ARCHITECTURE.md).

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Runtimes, frameworks and protocol libraries. What a lab teaches is written by hand.
const ABSENT: &[&str] = &[
    "actix-web",
    "async-std",
    "attohttpc",
    "axum",
    "curl",
    "h2",
    "http",
    "httparse",
    "hyper",
    "isahc",
    "lettre",
    "mail-builder",
    "mail-parser",
    "mail-send",
    "minreq",
    "mio",
    "reqwest",
    "rocket",
    "rouille",
    "smol",
    "tiny_http",
    "tokio",
    "ureq",
    "warp",
];

#[test]
fn xtask_needs_the_harness_and_no_other_of_our_crates_needs_another() {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo writes JSON");
    let mut edges = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        for dependency in dependencies.iter().filter(|dependency| !dependency["path"].is_null()) {
            edges.insert(format!("{} → {}", text(&package["name"]), text(&dependency["name"])));
        }
    }
    assert_eq!(edges, BTreeSet::from(["xtask → harness".to_owned()]));
}

#[test]
fn no_runtime_and_no_protocol_library_is_built_in() {
    let tree = cargo(&["tree", "--workspace", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let present: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let found: Vec<_> = ABSENT.iter().filter(|name| present.contains(*name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
