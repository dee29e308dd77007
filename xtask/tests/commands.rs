//! The commands as a person types them: exit status and the words that matter.

use std::fs;
use std::io;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use harness::check::Lab;
use harness::deadline::{Deadline, poll_until};
use harness::report::Report;
use nix::sys::signal::Signal;
use predicates::prelude::*;
use predicates::str::contains;

fn xtask(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(words);
    command
}

/// The first of lab 1, which needs no other.
fn first() -> &'static str {
    Lab::Lab1.checks().next().expect("lab 1 has checks").id
}

#[test]
fn an_unknown_lab_or_check_is_answered_with_the_nearest() {
    xtask(&["check", "lab11"]).assert().code(2).stderr(contains("error: ").and(contains("lab1")));
    let misspelt = first().replace("web", "wbe");
    for words in [&["explain", &misspelt][..], &["hint", &misspelt], &["check", "lab1", "--only", &misspelt]]
    {
        xtask(words).assert().code(2).stderr(contains("the nearest: ").and(contains(first())));
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let refused: &[(&[&str], &str)] = &[
        (&["--stage", "99"], "stages 1 to"),
        (&["--impl", "/no/such"], "there is no directory /no/such"),
        (&["--cmd", "python3 'x"], "quotation mark"),
        (&["--impl", ".", "--cmd", "x"], "cannot be used with"),
        (&["--seed", "grass"], "hexadecimal"),
        (&["--timeout-factor", "0"], "not above 0"),
    ];
    for (words, why) in refused {
        xtask(&["check", "lab1"]).args(*words).assert().code(2).stdout("").stderr(contains(*why));
    }
}

#[test]
fn a_directory_with_nothing_to_build_ends_as_a_failed_build() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_str().expect("a plain name");
    xtask(&["check", "lab1", "--impl", path]).assert().code(3).stderr(contains("wirelab.toml"));
}

#[test]
fn the_exit_statuses_are_documented() {
    let mut help = xtask(&["check", "--help"]).assert().success();
    for status in ["0  every check", "1  some check", "2  the command", "3  the program", "4  the harness"] {
        help = help.stdout(contains(status));
    }
}

#[test]
fn a_program_that_ends_at_once_fails_and_the_last_line_says_what_is_next() {
    let run =
        xtask(&["check", "lab1", "--cmd", "false", "--only", first(), "--seed", "7f3a"]).assert().code(1);
    let text = String::from_utf8(run.get_output().stdout.clone()).expect("UTF-8");
    assert!(text.ends_with(&format!(" points. Next: {}.\n", first())), "{text}");
    let again = text.split_once("again").expect("the command for it").1.replace("\\\n", " ");
    let words: Vec<&str> = again.split_whitespace().collect();
    let command = format!("cargo xtask check lab1 --cmd false --only {} --seed 7f3a", first());
    assert!(words.join(" ").starts_with(&command), "{again}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\x1b'), "no colour where nobody watches");
}

#[test]
fn colour_can_be_forced_and_forbidden() {
    let run = || xtask(&["check", "lab1", "--cmd", "false", "--only", first()]);
    run().env("CLICOLOR_FORCE", "1").assert().code(1).stdout(contains("\x1b["));
    let plain = run().env("NO_COLOR", "1").assert().code(1);
    assert!(!plain.get_output().stdout.contains(&0x1b));
}

#[test]
fn json_goes_to_stdout_and_is_a_report_a_line_when_repeated() {
    let words = ["check", "lab1", "--cmd", "false", "--only", first(), "--format", "json", "--seed", "1"];
    let once = xtask(&words).assert().code(1).stderr("");
    let report: Report = serde_json::from_slice(&once.get_output().stdout).expect("a report");
    assert_eq!((report.seed.as_str(), report.checks.len()), ("1", 1));

    let twice = xtask(&words).args(["--repeat", "2"]).assert().code(1);
    let text = String::from_utf8(twice.get_output().stdout.clone()).expect("UTF-8");
    let seeds: Vec<String> =
        text.lines().map(|line| serde_json::from_str::<Report>(line).expect("a report").seed).collect();
    assert_eq!(seeds, ["1", "1"]);
}

#[test]
fn each_format_can_go_to_a_file_and_leaves_the_exit_code_alone() {
    let folder = tempfile::tempdir().expect("a directory");
    for format in ["human", "json", "junit", "gradescope", "autolab", "check50", "tap"] {
        let file = folder.path().join(format);
        let words = ["check", "lab1", "--cmd", "false", "--only", first(), "--format", format, "--out"];
        let run = xtask(&words).arg(&file).assert().code(1);
        let text = String::from_utf8(run.get_output().stdout.clone()).expect("UTF-8");
        assert_eq!(text.lines().count(), 1, "only the last line: {text}");
        assert!(fs::read_to_string(&file).expect("the report").contains(first()), "{format}");
    }
}

#[test]
fn the_summary_of_a_github_step_is_appended_to() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("summary.md");
    fs::write(&file, "# before\n").expect("a file");
    let words = ["check", "lab1", "--cmd", "false", "--only", first(), "--format", "github"];
    let run = xtask(&words).env("GITHUB_STEP_SUMMARY", &file).assert().code(1);
    let log = String::from_utf8(run.get_output().stdout.clone()).expect("UTF-8");
    assert!(log.starts_with("::stop-commands::") && log.contains("\n::error title="), "{log}");
    let summary = fs::read_to_string(&file).expect("the summary");
    assert!(summary.starts_with("# before\n## lab1 web server: 0 of "), "{summary}");
}

#[test]
fn a_format_that_cannot_be_had_is_refused_before_the_run() {
    let base = ["check", "lab1", "--cmd", "false", "--format"];
    let without = ["CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL"];
    let mut run = xtask(&base);
    for name in without {
        run.env_remove(name);
    }
    run.arg("classroom50").assert().code(2).stderr(contains("$COMMIT_URL is not set"));
    xtask(&base).args(["tap", "--repeat", "2"]).assert().code(2).stderr(contains("--repeat"));
    let mut run = xtask(&base);
    run.envs(without.map(|name| (name, format!("the {name}"))));
    run.args(["classroom50", "--only", first()])
        .assert()
        .code(1)
        .stdout(contains("\"assignment\": \"the ASSIGNMENT\""));
}

#[test]
fn the_list_has_every_check() {
    let list = xtask(&["list", "lab1", "--format", "json"]).assert().success();
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&list.get_output().stdout).expect("JSON");
    let ids: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids, Lab::Lab1.checks().map(|check| check.id).collect::<Vec<_>>());

    let list = xtask(&["list"]).assert().success();
    let text = String::from_utf8(list.get_output().stdout.clone()).expect("UTF-8");
    assert!(ids.iter().all(|id| text.contains(id)));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn every_check_can_be_explained_within_eighty_columns() {
    for check in Lab::Lab1.checks() {
        let run = xtask(&["explain", check.id]).assert().success().stdout(contains("why"));
        let text = String::from_utf8(run.get_output().stdout.clone()).expect("UTF-8");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn the_doctor_says_what_is_here_and_what_is_not() {
    xtask(&["doctor"]).assert().stdout(contains("cargo").and(contains("loopback")).and(contains("curl")));
}

#[test]
fn ctrl_c_ends_everything_within_a_second() {
    ends_within_a_second(Signal::SIGINT, Stdio::null());
}

/// As when a whole pipeline is ended.
#[test]
fn sigterm_ends_everything_though_nobody_reads_stderr_any_more() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    ends_within_a_second(Signal::SIGTERM, writer.into());
}

fn ends_within_a_second(signal: Signal, stderr: Stdio) {
    let dir = tempfile::tempdir().expect("a directory");
    let mark = dir.path().join("pid");
    let command = format!("sh -c 'echo $$ > {}; exec sleep 60'", mark.display());
    let mut run = Process::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["check", "lab1", "--only", first(), "--cmd", &command])
        .env("TMPDIR", dir.path())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .expect("xtask starts");
    let written = || fs::read_to_string(&mark).ok().filter(|text| text.ends_with('\n'));
    let pid: i32 = poll_until(Deadline::after(Duration::from_secs(10)), written)
        .and_then(|text| text.trim().parse().ok())
        .expect("the program starts");

    let began = Instant::now();
    let xtask = nix::unistd::Pid::from_raw(run.id() as i32);
    nix::sys::signal::kill(xtask, signal).expect("it runs");
    let status = run.wait().expect("it ends");
    assert!(began.elapsed() < Duration::from_millis(1500), "it took {:?}", began.elapsed());
    assert_eq!(status.code(), Some(130));
    assert!(nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_err(), "the program lives on");
    let left: Vec<_> =
        fs::read_dir(dir.path()).expect("the directory").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["pid"]);
}
