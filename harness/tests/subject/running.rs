//! Starting, hearing, signalling.

use std::time::Duration;

use harness::deadline::Deadline;
use harness::subject::Signal;
use harness::subject::{Launch, StartError, Status};

use crate::actor::actor;
use crate::{numbers, sh, soon, start, supervisor};

fn refusal(argv: &[&str], dir: &str) -> String {
    Launch::new(argv, dir).start(&supervisor(), soon()).unwrap_err().to_string()
}

#[test]
fn output_and_exit_status_are_kept() {
    let program = sh("echo out; echo err >&2; exit 3");
    let exit = program.wait_exit(soon()).unwrap();
    assert_eq!(exit.status, Status::Code(3));
    assert_eq!(program.stdout().head(), b"out\n");
    assert_eq!(program.stderr().head(), b"err\n");
    assert_eq!(program.exited(), Some(exit));
}

#[test]
fn all_output_is_there_when_the_exit_is_known() {
    for _ in 0..20 {
        let program = sh("head -c 60000 /dev/zero; echo end >&2");
        program.wait_exit(soon()).unwrap();
        assert_eq!(program.stdout().total(), 60_000);
        assert_eq!(program.stderr().head(), b"end\n");
    }
}

#[test]
fn a_panic_is_shown_by_its_last_words() {
    let program = start(actor("panics"));
    assert_eq!(program.wait_exit(soon()).unwrap().status, Status::Code(101));
    let words = program.last_words();
    assert!(words.starts_with("thread 'actor::plays'"), "{words}");
    assert!(words.ends_with("step 1: bind and accept"), "{words}");
}

#[test]
fn a_flood_of_output_ends_the_program_and_little_of_it_is_kept() {
    let launch = Launch { flood: 8 << 20, ..Launch::new(["yes"], "/") }.keep(1000);
    let program = start(launch);
    assert_eq!(program.wait_exit(soon()).unwrap().status, Status::Signal(libc::SIGKILL));
    assert!(program.flooded());
    let output = program.stdout();
    assert_eq!(output.head().len(), 1000);
    assert!(output.total() > 8 << 20);
    assert!(output.text().len() < 40_000);
}

#[test]
fn a_flood_of_output_costs_the_harness_no_memory() {
    let program = start(actor("floods"));
    let peak = numbers(&program, 1)[0];
    assert!(peak < 32 << 20, "{peak} octets");
}

#[test]
fn a_signal_goes_to_the_program_alone() {
    let program = sh(
        "sleep 600 & echo $!; trap 'echo 15; kill -0 $! && echo 0; exit 7' TERM; echo 1; while :; do wait; done",
    );
    numbers(&program, 2);
    program.signal(Signal::SIGTERM).unwrap();
    assert_eq!(program.wait_exit(soon()).unwrap().status, Status::Code(7));
    assert_eq!(numbers(&program, 4)[1..], [1, 15, 0]);
}

#[test]
fn the_program_starts_with_no_signal_blocked_and_no_foreign_descriptor() {
    let printed = |script| {
        let program = sh(script);
        program.wait_exit(soon()).unwrap();
        program.stdout().text()
    };
    assert_eq!(printed("exec grep SigBlk /proc/self/status"), "SigBlk:\t0000000000000000\n");
    assert_eq!(printed("exec ls /proc/self/fd"), "0\n1\n2\n3\n", "the last is the listing's own");
    assert_eq!(printed("exec readlink /proc/self/fd/0"), "/dev/null\n");
}

#[test]
fn variables_are_added_to_the_environment() {
    let program = start(Launch::new(["sh", "-c", "echo $TZ; pwd"], "/usr").env("TZ", "Asia/Kolkata"));
    program.wait_exit(soon()).unwrap();
    assert_eq!(program.stdout().head(), b"Asia/Kolkata\n/usr\n");
}

#[test]
fn waiting_for_output_ends_when_no_more_can_come() {
    let program = sh("echo almost");
    assert_eq!(program.wait_stdout(soon(), |octets| octets.starts_with(b"never").then_some(())), None);
}

#[test]
fn waiting_for_output_ends_at_the_deadline() {
    let program = sh("echo almost; sleep 600");
    let deadline = Deadline::after(Duration::from_millis(30));
    assert_eq!(program.wait_stdout(deadline, |_| None::<()>), None);
    assert!(deadline.passed());
}

#[test]
fn a_program_that_cannot_run_is_refused_in_words_that_help() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("server.py", "print('hello')\n", 0o644);
    write("orphan", "#!/no/such/python\n", 0o755);
    let dir = dir.path().to_str().unwrap();

    assert_eq!(
        refusal(&["no-such-program"], dir),
        "there is no program no-such-program on PATH: is it installed?"
    );
    assert_eq!(
        refusal(&["server.py"], dir),
        "there is no program server.py on PATH; if the one in the directory is meant, write ./server.py"
    );
    assert_eq!(refusal(&["./server"], dir), format!("there is no program ./server, looked for from {dir}"));
    assert_eq!(
        refusal(&["./server.py"], dir),
        "./server.py is not executable, or a folder: chmod +x, or name its interpreter before it"
    );
    assert_eq!(
        refusal(&["./orphan"], dir),
        "./orphan is there, but what it needs to run is not: its first line is \"#!/no/such/python\""
    );
    assert_eq!(refusal(&["true"], "/no/such/dir"), "there is no directory /no/such/dir");
}

#[test]
fn a_supervisor_that_is_none_is_the_harness_s_fault() {
    let none = harness::subject::Supervisor { exe: "/bin/true".into() };
    let error = Launch::new(["true"], "/").start(&none, soon()).unwrap_err();
    assert!(matches!(error, StartError::Supervisor(_)), "{error}");
}
