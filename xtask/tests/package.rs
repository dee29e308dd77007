//! The zip for Gradescope: what is in it, and that it judges, in a layout like the platform's.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use zip::ZipArchive;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn package(lab: &str, zip: &Path) {
    let done = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["package", "gradescope", lab, "--out"])
        .arg(zip)
        .current_dir(root())
        .output()
        .expect("xtask runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Each file's name, mode and octets.
fn contents(zip: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut zip = ZipArchive::new(File::open(zip).expect("the zip")).expect("a zip");
    (0..zip.len())
        .map(|at| {
            let mut file = zip.by_index(at).expect("a file");
            let mut octets = Vec::new();
            file.read_to_end(&mut octets).expect("its octets");
            (file.name().expect("a name").into_owned(), file.unix_mode().unwrap_or(0), octets)
        })
        .collect()
}

/// What students are to write, lines without their indentation; what is shorter than a line or two is everybody's.
fn bodies(lab: &Path) -> Vec<(String, String)> {
    let mut bodies = Vec::new();
    for file in rust_files(&lab.join("src")) {
        let text = fs::read_to_string(&file).expect("a source");
        let mut open: Option<(String, Vec<&str>)> = None;
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("// ANCHOR: ") {
                open = Some((name.to_owned(), Vec::new()));
            } else if line.starts_with("// ANCHOR_END: ") {
                let (name, lines) = open.take().expect("an anchor is open");
                bodies.push((name, lines.concat()));
            } else if let Some((_, lines)) = &mut open
                && !line.starts_with("//")
            {
                lines.push(line);
            }
        }
    }
    bodies.retain(|(name, body)| name.starts_with("step") && body.len() >= 60);
    bodies
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files
}

#[test]
fn no_solution_and_no_mutant_is_in_the_zip_and_its_scripts_stand_at_its_root() {
    let dir = tempfile::tempdir().expect("a directory");
    let zip = dir.path().join("autograder.zip");
    package("lab2", &zip);
    let files = contents(&zip);
    for script in ["setup.sh", "run_autograder"] {
        let (_, mode, text) = files.iter().find(|(name, ..)| name == script).expect("a script");
        assert!(mode & 0o111 == 0o111 && text.starts_with(b"#!/usr/bin/env bash\n"), "{script}");
    }
    let texts: Vec<(&String, String)> = files
        .iter()
        .map(|(name, _, octets)| {
            let text = String::from_utf8_lossy(octets);
            (name, text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect())
        })
        .collect();
    let mut looked_for = 0;
    let solutions = fs::read_dir(root().join("solutions")).expect("solutions");
    for solution in solutions.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()) {
        for (step, body) in bodies(&solution) {
            looked_for += 1;
            let found = texts.iter().find(|(_, text)| text.contains(&body));
            assert!(found.is_none(), "{step} is in {}", found.expect("found").0);
        }
    }
    assert!(looked_for > 50, "{looked_for} bodies");
    for (name, ..) in &files {
        let forbidden = ["solutions/", "fixtures/", "target/", ".git/"];
        assert!(forbidden.iter().all(|part| !name.contains(part)), "{name}");
    }
}

struct Autograder(PathBuf);

impl Autograder {
    fn script(&self, name: &str) -> Output {
        let mut command = Command::new(self.0.join("source").join(name));
        // As cargo found it, not as it was set for this test.
        for variable in ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "RUSTUP_TOOLCHAIN"] {
            command.env_remove(variable);
        }
        command.env("AUTOGRADER", &self.0).current_dir("/");
        command.output().expect("the script runs")
    }

    /// Hands in a folder's `src` with one file changed, and reads the results.
    fn submit(&self, from: &Path, change: Option<(&str, &str)>) -> Value {
        let (submission, results) = (self.0.join("submission"), self.0.join("results"));
        for place in [&submission, &results] {
            let _ = fs::remove_dir_all(place);
            fs::create_dir_all(place).expect("a folder");
        }
        let copied = Command::new("cp").arg("-r").arg(from.join("src")).arg(&submission).status();
        assert!(copied.expect("cp").success());
        if let Some((file, text)) = change {
            fs::write(submission.join(file), text).expect("a file");
        }
        let done = self.script("run_autograder");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let text = fs::read(results.join("results.json")).expect("results");
        serde_json::from_slice(&text).expect("JSON")
    }
}

/// Unpacked where what it builds stays for the next time.
fn unpacked(zip: &Path) -> Autograder {
    let place = root().join("target/wirelab/autograder");
    for (name, mode, octets) in contents(zip) {
        let file = place.join("source").join(name);
        if fs::read(&file).is_ok_and(|there| there == octets) {
            continue;
        }
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, octets).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode & 0o777)).expect("permissions");
    }
    Autograder(place)
}

#[test]
fn the_zip_builds_and_judges_what_is_handed_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let zip = dir.path().join("autograder.zip");
    package("lab3", &zip);
    let autograder = unpacked(&zip);
    let done = autograder.script("setup.sh");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!autograder.0.join("source/wirelab/solutions").exists());

    let solution = root().join("solutions/lab3-udp-ping");
    let right = autograder.submit(&solution, None);
    assert_eq!(right["score"], 120.0, "{right:#}");
    let tests = right["tests"].as_array().expect("tests");
    assert!(tests.len() > 30 && tests.iter().all(|test| test["status"] == "passed"), "{right:#}");
    assert_eq!(right["stdout_visibility"], "hidden");

    let starter = autograder.submit(&root().join("labs/lab3-udp-ping"), None);
    assert!(starter["score"].as_f64().is_some_and(|score| score < 20.0), "{starter:#}");

    let broken = autograder.submit(&solution, Some(("src/lib.rs", "this is no Rust")));
    assert_eq!(broken["score"], 0.0);
    let words = broken["output"].as_str().expect("words");
    assert!(words.starts_with("does not build\n") && words.contains("error"), "{words}");
    assert!(
        !words.contains(root().to_str().expect("UTF-8")),
        "where it was built is nobody's business: {words}"
    );
}
