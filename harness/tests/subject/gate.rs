//! Programs behind a gate: known by their own number, their own end and their own words.

use harness::subject::{Confinement, Launch, Signal, StartError, Status};

use crate::{soon, start, supervisor};

/// The ways in, without a room.
const WAYS: [&str; 2] = ["as-init", "in-place"];

fn behind(way: &str, argv: &[&str]) -> Launch {
    let argv = Launch::new(argv, "/");
    argv.confined(Some(Confinement { argv: vec![supervisor().exe.into(), way.into()], groups: Vec::new() }))
}

#[test]
fn the_program_s_own_number_and_words_come_through() {
    for way in WAYS {
        let running = start(behind(way, &["sh", "-c", "echo $$; echo problem >&2; exit 7"]));
        assert_eq!(running.wait_exit(soon()).unwrap().status, Status::Code(7), "{way}");
        assert_eq!(running.stdout().text().trim(), running.pid().to_string(), "{way}");
        assert_eq!(running.stderr().text(), "problem\n", "{way}");
    }
}

#[test]
fn a_signal_reaches_the_program_and_its_end_by_it_is_told() {
    for way in WAYS {
        let running = start(behind(way, &["sleep", "600"]));
        running.signal(Signal::SIGTERM).unwrap();
        assert_eq!(running.wait_exit(soon()).unwrap().status, Status::Signal(15), "{way}");
    }
}

#[test]
fn its_streams_end_with_it_and_not_with_what_confines_it() {
    for way in WAYS {
        let running = start(behind(way, &["sh", "-c", "exec >&- 2>&-; exec sleep 600"]));
        assert!(running.wait_stdout(soon(), |_| None::<()>).is_none());
        assert!(running.stdout().is_closed() && running.exited().is_none(), "{way}");
    }
}

#[test]
fn the_reaper_has_the_program_s_processes_below_it_and_no_others() {
    for way in WAYS {
        let running = start(behind(way, &["sh", "-c", "sleep 600 & echo up; wait"]));
        running.wait_stdout(soon(), |said| said.starts_with(b"up").then_some(())).unwrap();
        let family = harness::sys::descendants(running.reaper_pid()).unwrap();
        assert_eq!(family.len(), 2, "{way}: {family:?}");
        assert_eq!(family[0], running.pid());
    }
}

#[test]
fn what_a_program_leaves_behind_is_counted_and_killed() {
    for way in WAYS {
        let mut running = start(behind(way, &["sh", "-c", "sleep 600 & exit 3"]));
        let exit = running.wait_exit(soon()).unwrap();
        assert_eq!((exit.status, exit.left_behind), (Status::Code(3), 1), "{way}");
        assert_eq!(running.kill_and_reap().left_behind, 1, "{way}");
    }
}

#[test]
fn a_program_that_is_not_there_is_the_program_s_fault() {
    for way in WAYS {
        let error = behind(way, &["no-such-program"]).start(&supervisor(), soon()).unwrap_err();
        assert!(matches!(&error, StartError::NotOnPath { .. }), "{way}: {error}");
    }
}

#[test]
fn a_room_that_cannot_be_made_is_ours_and_says_why() {
    let argv = ["sh", "-c", "echo no room >&2; exit 1"].map(Into::into).into();
    let launch = Launch::new(["true"], "/").confined(Some(Confinement { argv, groups: Vec::new() }));
    let error = launch.start(&supervisor(), soon()).unwrap_err();
    assert!(error.is_the_harness_s_fault());
    assert_eq!(error.to_string(), "the program could not be confined: no room");
}
