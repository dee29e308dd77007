//! Grading a class as an instructor does it: small submissions, files and exit statuses.
//!
//! The submissions are scripts, run without a sandbox: what is tried here is all but confinement.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use harness::deadline::{Deadline, poll_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

const ROSTER: &str = "id,name,email\nada,Ada Lovelace,ada@x.org\nbob,Bob,bob@x.org\ncyd,Cyd,cyd@x.org\n";

const RULES: &str = "[languages]\nscripts = true\nbuild = [\"false\", \"sleep 60\"]\n";

const MANIFEST: &str = "lab = \"lab3\"\nprograms.ping = [\"./ping\"]\n";

/// Fails every check at once.
const REFUSES: &str = "#!/bin/sh\nexit 2\n";

/// A folder with a class in it.
struct Class {
    dir: TempDir,
}

impl Class {
    fn new() -> Self {
        let class = Class { dir: tempfile::tempdir().expect("a directory") };
        class.write("roster.csv", ROSTER);
        class.write("course.toml", RULES);
        fs::create_dir(class.path("submissions")).expect("a folder");
        fs::create_dir(class.path("tmp")).expect("a folder");
        class
    }

    /// A class in which each of these has handed in a script that fails.
    fn of(names: &[&str]) -> Self {
        let class = Class::new();
        names.iter().for_each(|name| class.script(name, REFUSES));
        class
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn script(&self, name: &str, text: &str) {
        self.write(&format!("submissions/{name}/wirelab.toml"), MANIFEST);
        self.write(&format!("submissions/{name}/ping"), text);
    }

    fn words(&self, out: &str, more: &[&str]) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let words = ["grade".to_owned(), path("submissions"), "--lab".into(), "lab3".into()];
        let words =
            words.into_iter().chain(["--roster".into(), path("roster.csv"), "--out".into(), path(out)]);
        let words = words.chain(["--course".into(), path("course.toml"), "--sandbox".into(), "none".into()]);
        let words = words.chain(["--seed-file".into(), path("class.seed")]);
        words.chain(more.iter().map(|word| (*word).to_owned())).collect()
    }

    fn grade_into(&self, out: &str, more: &[&str]) -> Assert {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(self.words(out, more)).env("TMPDIR", self.path("tmp")).assert()
    }

    fn grade(&self, more: &[&str]) -> Assert {
        self.grade_into("results", more)
    }

    fn xtask(&self, words: &[&str]) -> Assert {
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(words).current_dir(self.dir.path()).assert()
    }

    fn record(&self, id: &str) -> Value {
        record(&self.path("results"), id)
    }

    fn status(&self, id: &str) -> String {
        self.record(id)["status"].as_str().expect("a status").to_owned()
    }

    fn words_of(&self, id: &str) -> String {
        self.record(id)["words"].as_str().expect("words").to_owned()
    }
}

fn record(results: &Path, id: &str) -> Value {
    let path = results.join(format!("records/{id}.json"));
    serde_json::from_slice(&fs::read(path).expect("the record")).expect("JSON")
}

fn stdout(run: &Assert) -> String {
    String::from_utf8(run.get_output().stdout.clone()).expect("UTF-8")
}

/// Every file below, with its content.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(tree(&path).into_iter().map(|(name, text)| {
                (entry.file_name().into_string().map(PathBuf::from).expect("UTF-8").join(name), text)
            }));
        } else {
            files.insert(entry.file_name().into(), fs::read(&path).expect("a file"));
        }
    }
    files
}

#[test]
fn a_class_is_graded_whatever_one_of_it_hands_in() {
    let class = Class::new();
    let roster = ["ada", "bob", "cyd", "dan", "eve", "fay", "gil", "hal", "ian", "jo", "kim"];
    let rows: String = roster.iter().map(|id| format!("{id},{id}\n")).collect();
    class.write("roster.csv", &format!("id,name\n{rows}"));
    class.write("course.toml", &format!("{RULES}[limits]\nbuild = \"1 s\"\njudge = \"2 s\"\n"));

    class.script("ada", REFUSES);
    class.write("submissions/bob/essay.txt", "My ping is great.");
    class.write("submissions/cyd/src/bin/proxy.rs", "fn main() {}");
    fs::create_dir(class.path("submissions/dan")).expect("a folder");
    class.write("submissions/eve.zip", "no zip");
    class.script("fay", REFUSES);
    class.write("submissions/fay/wirelab.toml", &format!("build = [\"false\"]\n{MANIFEST}"));
    class.script("gil", REFUSES);
    class.write("submissions/gil/wirelab.toml", &format!("build = [\"sleep\", \"60\"]\n{MANIFEST}"));
    class.script("hal", "#!/bin/sh\nexec sleep 60\n");
    class.write("submissions/ian/wirelab.toml", &format!("build = [\"rm\", \"-rf\"]\n{MANIFEST}"));

    std::os::unix::fs::symlink("/etc", class.path("submissions/kim")).expect("a link");

    let run = class.grade(&["--jobs", "4"]).code(0);
    let expected = [
        ("ada", "graded", ""),
        ("bob", "missing", "it has neither src/bin/ping.rs nor wirelab.toml"),
        ("cyd", "missing", "it is a submission to lab2, and not to lab3"),
        ("dan", "missing", "there is no file in it"),
        ("eve", "policy", "the archive cannot be read: "),
        ("fay", "build_error", "`false` ended with status 1"),
        ("gil", "timeout", "`sleep 60` did not end within 1 s"),
        ("hal", "timeout", "its checks took longer than 2 s together"),
        ("ian", "policy", "the course does not allow its build command `rm -rf`"),
        ("jo", "missing", ""),
        ("kim", "policy", "it is a symbolic link"),
    ];
    for (id, status, words) in expected {
        assert_eq!(class.status(id), status, "{id}");
        assert!(class.words_of(id).starts_with(words), "{id}: {}", class.words_of(id));
    }
    assert_eq!(class.record("ada")["sandbox"]["tier"], "none");
    assert!(class.record("jo")["submission"].is_null());
    assert_eq!(fs::read_dir(class.path("tmp")).expect("the folder").count(), 0, "nothing is left on disk");

    let text = stdout(&run);
    assert!(
        text.lines().filter(|line| line.starts_with(' ')).all(|line| line.chars().count() < 80),
        "{text}"
    );
    assert!(text.contains(" 11/11  "), "{text}");
    assert!(
        text.contains("lab3: 1 graded, 4 nothing handed in, 1 does not build, 2 out of time, 3 refused"),
        "{text}"
    );
}

#[test]
fn a_stranger_is_named_not_graded_and_seen_in_the_exit_status() {
    let class = Class::of(&["ada", "mallory"]);
    class.grade(&[]).code(1).stdout(contains("not graded: mallory: nobody on the roster"));
    assert!(!class.path("results/records/mallory.json").exists());
    assert_eq!(class.status("bob"), "missing");
}

#[test]
fn of_two_submissions_the_latest_is_taken_and_it_is_said() {
    let class = Class::of(&["ada_first", "ada_second"]);
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    let folder = fs::File::open(class.path("submissions/ada_second")).expect("the folder");
    folder.set_modified(old).expect("an older time");
    class.grade(&["--only", "ada"]).code(0);
    let submission = &class.record("ada")["submission"];
    assert_eq!(submission["source"], "ada_first");
    let over = submission["passed_over"][0].as_str().expect("the other");
    assert!(over.starts_with("ada_second of ") && over.ends_with(": older"), "{over}");
}

#[test]
fn the_next_run_keeps_what_has_not_changed_and_tries_again_what_has() {
    let class = Class::of(&["ada", "bob"]);
    class.grade(&[]).code(0);
    let graded_at = class.record("ada")["graded_at"].clone();
    class.script("bob", "#!/bin/sh\nexit 3\n");
    // As after a fault of the machine.
    let path = class.path("results/records/cyd.json");
    fs::write(&path, fs::read_to_string(&path).expect("it").replace("\"missing\"", "\"infra_error\""))
        .expect("written");
    // And what a kill in the middle of a write would leave, had it not been written aside.
    class.write("results/records/.unfinished-x", "{");

    let text = stdout(&class.grade(&["--jobs", "1"]).code(0));
    let kept: Vec<bool> = ["ada", "bob", "cyd"]
        .iter()
        .map(|id| text.lines().any(|line| line.contains(id) && line.contains(" kept ")))
        .collect();
    assert_eq!(kept, [true, false, false], "{text}");
    assert_eq!(class.record("ada")["graded_at"], graded_at);
    assert_eq!(class.status("cyd"), "missing");

    let text = stdout(&class.grade(&["--again"]).code(0));
    assert!(!text.contains(" kept "), "{text}");
}

#[test]
fn new_rules_score_what_is_there_and_run_nothing_again() {
    let class = Class::of(&["ada"]);
    class.grade(&[]).code(0);
    class.write(
        "course.toml",
        &format!("points = 30\n{RULES}[student.ada]\nadd = 7\nreason = \"an oral exam\"\n"),
    );
    class.grade(&[]).code(0).stdout(contains(" kept ").and(contains("7 of 30")));
}

#[test]
fn each_submission_has_values_of_its_own_that_come_again() {
    let class = Class::of(&["ada", "bob"]);
    class.grade(&[]).code(0).stdout(contains("keep it secret"));
    let seed =
        |class: &Class, id: &str| class.record(id)["report"]["seed"].as_str().expect("a seed").to_owned();
    let (ada, bob) = (seed(&class, "ada"), seed(&class, "bob"));
    assert_ne!(ada, bob);
    class.grade(&["--again"]).code(0);
    assert_eq!(seed(&class, "ada"), ada);

    let secret = fs::read_to_string(class.path("class.seed")).expect("the secret");
    assert_eq!(fs::metadata(class.path("class.seed")).expect("it").permissions().mode() & 0o777, 0o600);
    for (path, content) in tree(&class.path("results")) {
        assert!(!String::from_utf8_lossy(&content).contains(secret.trim()), "{}", path.display());
    }
    fs::remove_file(class.path("class.seed")).expect("the secret goes");
    class.grade(&[]).code(0);
    assert_ne!(seed(&class, "ada"), ada, "another secret, and so nothing is kept");
}

#[test]
fn a_replay_is_the_run_that_was_graded_and_writes_nothing() {
    let class = Class::of(&["ada"]);
    class.grade(&[]).code(0);
    let before = tree(&class.path("results"));
    let seed = class.record("ada")["report"]["seed"].as_str().expect("a seed").to_owned();
    let run = class
        .grade(&["--replay", "ada"])
        .code(1)
        .stdout(contains("lab3 UDP ping").and(contains("ping.packet.sent")));
    assert!(stdout(&run).contains(&format!("seed {seed}")), "{}", stdout(&run));
    assert_eq!(tree(&class.path("results")), before);
    class.grade(&["--replay", "bob"]).code(2).stderr(contains("bob has handed in nothing"));
    class.grade(&["--replay", "eve"]).code(2).stderr(contains("no student \"eve\""));
}

#[test]
fn shards_come_together_and_the_proof_finds_who_is_missing_or_double() {
    let class = Class::of(&["ada", "bob"]);
    class.grade_into("one", &["--shard", "hash:1/2"]).code(0);
    class.grade_into("two", &["--shard", "hash:2/2"]).code(0);
    class.grade_into("all", &[]).code(0);
    let merge =
        |words: &[&str]| class.xtask(&[&["grade", "merge", "--roster", "roster.csv"], words].concat());

    merge(&["one", "--out", "no"]).code(1).stdout(contains(": missing").and(contains("nothing is written")));
    merge(&["one", "two", "all", "--out", "no"])
        .code(1)
        .stdout(contains("ada: in ").and(contains(" and in all")));
    assert!(!class.path("no").exists());

    merge(&["one", "two", "--out", "merged"]).code(0).stdout(contains("3 of 3 students"));
    merge(&["two", "one", "--out", "again"]).code(0);
    assert_eq!(tree(&class.path("merged")), tree(&class.path("again")), "in whatever order");
    for id in ["ada", "bob", "cyd"] {
        let (merged, alone) = (record(&class.path("merged"), id), record(&class.path("all"), id));
        assert_eq!(merged["status"], alone["status"]);
        assert_eq!(merged["report"]["seed"], alone["report"]["seed"], "the same values in a shard");
    }
    merge(&["one", "two", "--out", "merged"]).code(2).stderr(contains("holds results already"));
    class.write("roster.csv", "id\nada\nbob\ncyd\ndan\n");
    merge(&["one", "two", "--out", "no"]).code(2).stderr(contains("is not the roster"));
    class.grade_into("three", &["--shard", "hash:2/2"]).code(0);
    merge(&["one", "three", "--out", "no"]).code(2).stderr(contains("different classes: another roster"));
}

#[test]
fn a_shard_can_be_told_by_the_runner_s_variables() {
    let class = Class::of(&[]);
    let auto = |name: &str, value: &str, shard: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(class.words("results", &["--shard", shard])).env(name, value).assert()
    };
    auto("JOB_COMPLETION_INDEX", "0", "auto:1").code(0).stdout(contains("3/3"));
    auto("JOB_COMPLETION_INDEX", "0", "auto").code(2).stderr(contains("auto:N"));
    auto("JOB_COMPLETION_INDEX", "0", "hash:3/2").code(2).stderr(contains("none of hash:K/N"));
}

#[test]
fn other_rules_show_whose_points_change_and_why() {
    let class = Class::of(&["ada", "bob"]);
    class.grade(&[]).code(0);
    let before = tree(&class.path("results"));
    class.write("new.toml", "[student.ada]\nadd = 5\nreason = \"a bonus\"\n");
    let regrade = |more: &[&str]| {
        class.xtask(&[&["grade", "regrade", "results", "--course", "new.toml"], more].concat())
    };

    regrade(&["--dry-run"])
        .code(0)
        .stdout(contains("ada: 0 -> 5 of 100\n    now: +5 points by the instructor: a bonus\n"));
    regrade(&["--out", "other"]).code(0).stdout(contains("1 of 3 have other points"));
    assert_eq!(tree(&class.path("results")), before, "neither has changed the results");
    assert_eq!(record(&class.path("other"), "ada")["score"]["points"], 5.0);
    assert_eq!(record(&class.path("other"), "bob")["score"]["points"], 0.0);

    regrade(&[]).code(0);
    assert_eq!(tree(&class.path("results")), tree(&class.path("other")));
    regrade(&[]).code(0).stdout(contains("0 of 3 have other points"));
    class.write("new.toml", "[student.adda]\nadd = 5\n");
    regrade(&[]).code(2).stderr(contains("new.toml:1:10: ").and(contains("did you mean \"ada\"")));
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_run() {
    let class = Class::of(&["ada"]);
    let refused = |words: &str| {
        class.grade(&[]).code(2).stderr(contains(words));
        assert!(!class.path("results").exists(), "{words}");
    };
    class.write("roster.csv", "id,name\nada,A\nbob,B\nada,C\n");
    refused("lines 2 and 4 have the same id \"ada\"");
    class.write("roster.csv", ROSTER);
    class.write("course.toml", "[late]\nper_dya = 10\n");
    refused("course.toml:2:1: there is no key \"per_dya\"; did you mean \"per_day\"?");
    class.write("course.toml", RULES);
    class.grade(&["--seed-file", &class.path("results/seed").display().to_string()]).code(2);
    class.grade(&["--only", "eve"]).code(2).stderr(contains("no student \"eve\""));
    class.write("results", "no folder");
    class.grade(&[]).code(2);
}

#[test]
fn a_roster_in_another_encoding_is_read_and_it_is_said() {
    let class = Class::of(&["ada"]);
    let text: Vec<u8> = "\u{feff}id;name\r\nada;Zoë\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(class.path("roster.csv"), text).expect("a roster");
    class.grade(&[]).code(0).stdout(contains("UTF-16 (little-endian), separated by semicolons"));
    assert_eq!(class.record("ada")["student"]["name"], "Zoë");
}

#[test]
fn programs_that_are_one_are_flagged_across_the_class() {
    let class = Class::of(&["ada", "bob"]);
    let program = |name: &str| -> String {
        (0..40)
            .map(|n| {
                format!(
                    "def {name}{n}(x):\n    return [{}]\n",
                    format!("{name} + x[{n}], ").repeat(n % 7 + 1)
                )
            })
            .collect()
    };
    class.write("submissions/ada/ping.py", &program("send"));
    class.write("submissions/bob/ping.py", &program("emit"));
    class.script("cyd", REFUSES);
    class.grade(&[]).code(0);
    let flags = |id: &str| class.record(id)["flags"].clone();
    assert_eq!(flags("ada"), serde_json::json!([{"kind": "copy", "with": "bob", "share": 1.0}]));
    assert_eq!(flags("bob"), serde_json::json!([{"kind": "copy", "with": "ada", "share": 1.0}]));
    assert_eq!(flags("cyd"), serde_json::json!([]));
    class.write("submissions/bob/ping.py", "print()\n");
    class.grade(&[]).code(0);
    assert_eq!(flags("ada"), serde_json::json!([]), "a flag goes with its cause");
}

#[test]
fn ctrl_c_leaves_nothing_running_and_the_next_run_goes_on() {
    let class = Class::of(&["ada"]);
    let mark = class.path("pid");
    class.script("bob", &format!("#!/bin/sh\necho $$ > {}\nexec sleep 60\n", mark.display()));
    let mut run = Process::new(env!("CARGO_BIN_EXE_xtask"))
        .args(class.words("results", &["--jobs", "1"]))
        .env("TMPDIR", class.path("tmp"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("xtask starts");
    let written = || fs::read_to_string(&mark).ok().filter(|text| text.ends_with('\n'));
    let pid = poll_until(Deadline::after(Duration::from_secs(20)), written).expect("the program starts");
    kill(Pid::from_raw(run.id() as i32), Signal::SIGINT).expect("it runs");
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    let pid: i32 = pid.trim().parse().expect("a number");
    assert!(kill(Pid::from_raw(pid), None).is_err(), "the program lives on");
    assert_eq!(fs::read_dir(class.path("tmp")).expect("the folder").count(), 0, "nothing is left on disk");
    let written: Vec<PathBuf> = tree(&class.path("results")).into_keys().collect();
    assert_eq!(
        written,
        ["class.json", "prints/ada.json", "prints/bob.json", "records/ada.json"].map(PathBuf::from)
    );

    class.script("bob", REFUSES);
    class.grade(&[]).code(0).stdout(contains(" kept "));
    assert_eq!(class.status("bob"), "graded");
}
