//! From a directory to programs that run.

use std::fs;
use std::path::Path;
use std::time::Duration;

use harness::check::{Lab, Role};
use harness::deadline::Deadline;
use harness::subject::{BuildError, Model, Programs, Status, Subject, Workbench};
use tempfile::TempDir;

use crate::{soon, start, supervisor};

fn submission(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn build(dir: &Path) -> Result<Programs, BuildError> {
    Subject::load(dir, Lab::Lab1).unwrap().build(
        &supervisor(),
        Deadline::after(Duration::from_secs(60)),
        &Workbench::default(),
    )
}

const CARGO: &str = "[package]\nname = \"mine\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";

#[test]
fn a_manifest_s_build_runs_in_the_directory_and_its_programs_too() {
    let dir = submission(&[(
        "wirelab.toml",
        "lab = \"lab1\"\nmodels = [\"pool\"]\nbuild = [\"sh\", \"-c\", \"echo 'echo built $1' > server.sh\"]\n\
         [programs]\nserver = [\"sh\", \"server.sh\"]\n",
    )]);
    let programs = build(dir.path()).unwrap();
    assert_eq!(programs.models, [Model::Pool]);
    let program = start(programs.launch(Role::Server, ["--port"]).unwrap());
    assert_eq!(program.wait_exit(soon()).unwrap().status, Status::Code(0));
    assert_eq!(program.stdout().head(), b"built --port\n");
    assert!(programs.launch(Role::Client, ["GET"]).is_none());
}

#[test]
fn a_build_that_fails_has_the_compiler_s_words() {
    let dir = submission(&[(
        "wirelab.toml",
        "lab = \"lab1\"\nbuild = [\"sh\", \"-c\", \"echo no rule; echo stop >&2; exit 2\"]\nprograms.server = [\"s\"]\n",
    )]);
    let error = build(dir.path()).unwrap_err().to_string();
    assert_eq!(error, "`sh -c 'echo no rule; echo stop >&2; exit 2'` ended with status 2:\nno rule\nstop");
}

#[test]
fn a_build_that_hangs_is_ended() {
    let dir = submission(&[(
        "wirelab.toml",
        "lab = \"lab1\"\nbuild = [\"sleep\", \"600\"]\nprograms.server = [\"s\"]\n",
    )]);
    let subject = Subject::load(dir.path(), Lab::Lab1).unwrap();
    let error = subject
        .build(&supervisor(), Deadline::after(Duration::from_millis(300)), &Workbench::default())
        .unwrap_err();
    assert_eq!(error.to_string(), "`sleep 600` did not end within 1 s, and said nothing");
}

#[test]
fn a_build_command_that_is_not_there_is_named() {
    let dir =
        submission(&[("wirelab.toml", "lab = \"lab1\"\nbuild = [\"no-make\"]\nprograms.server = [\"s\"]\n")]);
    assert_eq!(
        build(dir.path()).unwrap_err().to_string(),
        "`no-make` could not be started: there is no program no-make on PATH: is it installed?"
    );
}

#[test]
fn a_cargo_package_provides_the_binaries_it_has() {
    let dir = submission(&[
        ("Cargo.toml", CARGO),
        ("src/bin/web-server.rs", "fn main() { println!(\"served\") }"),
        ("src/bin/other.rs", "fn main() {}"),
    ]);
    let programs = build(dir.path()).unwrap();
    assert_eq!(programs.argv.keys().copied().collect::<Vec<_>>(), [Role::Server]);
    let program = start(programs.launch(Role::Server, [""]).unwrap());
    program.wait_exit(soon()).unwrap();
    assert_eq!(program.stdout().head(), b"served\n");
}

#[test]
fn a_cargo_package_that_does_not_compile_has_rustc_s_words_and_no_json() {
    let dir =
        submission(&[("Cargo.toml", CARGO), ("src/bin/web-server.rs", "fn main() { let x: u8 = \"\"; }")]);
    let error = build(dir.path()).unwrap_err().to_string();
    assert!(
        error
            .contains("ended with status 101:\nerror[E0308]: mismatched types\n --> src/bin/web-server.rs:1"),
        "{error}"
    );
    assert!(!error.contains("reason"), "{error}");
}

#[test]
fn a_cargo_package_without_the_lab_s_binaries_says_what_it_has() {
    let dir = submission(&[("Cargo.toml", CARGO), ("src/bin/webserver.rs", "fn main() {}")]);
    let error = build(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("has no binary web-server or web-client; it has webserver"), "{error}");
}
