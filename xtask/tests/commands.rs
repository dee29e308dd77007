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

// ANCHOR: extra_step0_book
#[test]
fn a_book_that_cannot_be_written_or_served_is_refused_before_anything_is_built() {
    let full = tempfile::tempdir().expect("a directory");
    fs::write(full.path().join("thesis.txt"), "years of work").expect("a file");
    let path = full.path().to_str().expect("a plain name");
    xtask(&["book", "--out", path]).assert().code(2).stderr(contains("holds something that is no book"));
    assert!(full.path().join("thesis.txt").is_file());

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    xtask(&["book", "--serve", "--port", &port])
        .assert()
        .code(2)
        .stderr(contains("`--port N` takes another"));

    xtask(&["book", "--edition", "teachers"]).assert().code(2).stderr(contains("whole, students"));
    xtask(&["book", "--only", "lru"]).assert().code(2).stderr(contains("--generate"));
}
// ANCHOR_END: extra_step0_book

#[test]
fn a_capture_file_is_written_for_each_check_and_each_look() {
    let dir = tempfile::tempdir().expect("a directory");
    let captures = dir.path().join("captures");
    let dir = captures.to_str().expect("a plain name");
    // A server that accepts and says nothing.
    let mute = "python3 -c 'import socket, sys, time; s = socket.create_server((\"127.0.0.1\", \
                int(sys.argv[sys.argv.index(\"--port\") + 1]))); s.accept(); time.sleep(60)'";
    let words = ["check", "lab1", "--cmd", mute, "--only", "web.start.answers", "--timeout-factor", "0.1"];
    xtask(&words).args(["--capture", dir]).assert().code(1);
    for file in ["web.start.answers.pcapng", "web.start.answers-again.pcapng"] {
        let octets = fs::read(captures.join(file)).expect("a capture file");
        assert_eq!(octets[..4], [0x0a, 0x0d, 0x0d, 0x0a], "a pcapng file begins with its section header");
        assert!(octets.windows(5).any(|window| window == b"GET /"), "the request is in it");
    }
    xtask(&words).args(["--capture", "/proc/no"]).assert().code(2).stderr(contains("cannot write captures"));
}

// ANCHOR: extra_step0_compare
#[test]
fn compare_writes_a_table_and_its_curves() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().to_str().expect("a plain name");
    let words =
        ["compare", "--solution", "--clients", "1,9", "--seconds", "0.05", "--rounds", "1", "--out", out];
    xtask(&words).assert().success().stdout(contains("pool of 8").and(contains("a process each")));
    let table = fs::read_to_string(dir.path().join("compare.csv")).expect("a table");
    // Two loads, three servers, two numbers of clients.
    assert_eq!(table.lines().count(), 1 + 2 * 3 * 2, "{table}");
    for row in table.lines().skip(1) {
        let figures: Vec<f64> =
            row.split(',').skip(2).map(|field| field.parse().expect("a number")).collect();
        assert!(figures.iter().all(|&figure| figure >= 0.0) && figures[1] > 0.0 && figures[4] > 0.0, "{row}");
    }
    for curves in ["short-time.svg", "kept-time.svg", "kept-wait.svg", "kept-memory.svg"] {
        let svg = fs::read_to_string(dir.path().join(curves)).expect("curves");
        assert_eq!(svg.matches("<polyline").count(), 3, "{svg}");
    }
}
// ANCHOR_END: extra_step0_compare

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
