//! The runner on checks that start nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::check::Role;
use crate::verdict::fail;

const CHECK: Check = Check {
    id: "test.a",
    title: "something holds",
    lab: Lab::Lab1,
    stage: 1,
    tier: Tier::Core,
    points: 1,
    role: Role::Server,
    needs: &[],
    basis: Basis::Contract,
    clause: "contract, lab 1",
    why: "Because.",
    peers: "",
    hints: &["Think."],
    run: |_| Ok(()),
};

/// Runs `checks` with four workers and returns their outcomes.
fn outcomes(checks: &[&'static Check]) -> Vec<Outcome> {
    let programs = Programs {
        dir: ".".into(),
        models: vec![Model::Pool],
        argv: BTreeMap::from([(Role::Server, vec!["true".into()])]),
        build_time: Duration::ZERO,
        confinement: None,
    };
    let run_dir = RunDir::new().expect("there is a directory for temporary files");
    let supervisor = Supervisor::current().expect("the test has an executable");
    let options = Options {
        seed: 1,
        jobs: 4,
        select: Selection::default(),
        model: None,
        timeout_factor: 1.0,
        rerun: true,
        supervisor: supervisor.clone(),
        records: run_dir.path().join("records"),
        captures: None,
    };
    let env = Env {
        programs: &programs,
        supervisor: &supervisor,
        run_dir: &run_dir,
        seed: 1,
        model: Model::Pool,
        patience: PATIENCE,
        starts: Gate::new(1),
        dirs: AtomicUsize::new(0),
        prepared: OnceLock::new(),
    };
    let heights = (0..checks.len()).map(|at| height(checks, at)).collect();
    let run = Run { env: &env, checks, heights, options: &options, progress: &|_, _, _| {}, again: "again" };
    run.rows().into_iter().map(|row| row.outcome).collect()
}

fn failing(_: &mut Trial) -> Verdict {
    fail("a", "b")
}

#[test]
fn what_needs_a_failed_check_is_blocked_by_it_and_the_rest_runs() {
    static FAILS: Check = Check { id: "test.fails", run: failing, ..CHECK };
    static NEEDS: Check = Check { id: "test.needs", needs: &["test.fails"], ..CHECK };
    static FAR: Check = Check { id: "test.far", needs: &["test.needs"], ..CHECK };
    static FREE: Check = Check { id: "test.free", ..CHECK };
    // In an order in which what is needed comes last.
    let found = outcomes(&[&FAR, &NEEDS, &FREE, &FAILS]);
    assert_eq!(found[0], Outcome::Blocked { by: "test.fails".to_owned() });
    assert_eq!(found[1], Outcome::Blocked { by: "test.fails".to_owned() });
    assert_eq!(found[2], Outcome::Passed);
    let Outcome::Failed { failure } = &found[3] else { panic!("{:?}", found[3]) };
    assert_eq!(failure.again, "again --only test.fails --seed 1");
}

#[test]
fn a_check_that_passes_the_second_time_is_flaky_and_unblocks_what_needs_it() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static RACY: Check = Check {
        id: "test.racy",
        run: |_| if RUNS.fetch_add(1, Ordering::SeqCst) == 0 { fail("a", "b") } else { Ok(()) },
        ..CHECK
    };
    static NEEDS: Check = Check { id: "test.after-racy", needs: &["test.racy"], ..CHECK };
    let found = outcomes(&[&RACY, &NEEDS]);
    let Outcome::Flaky { failure, records } = &found[0] else { panic!("{:?}", found[0]) };
    assert_eq!(failure.failure.seen, "b");
    assert_eq!(records.len(), 2);
    assert_eq!(found[1], Outcome::Passed);
}

#[test]
fn what_the_harness_could_not_do_it_tries_once_more() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static LATE: Check = Check {
        id: "test.late",
        run: |_| match RUNS.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Fault::Broken("too late".to_owned())),
            _ => Ok(()),
        },
        ..CHECK
    };
    assert_eq!(outcomes(&[&LATE]), [Outcome::Passed]);
}

#[test]
fn what_needs_a_skipped_check_is_skipped_with_it() {
    static SKIPS: Check =
        Check { id: "test.skips", run: |_| Err(Fault::Skipped("no fork".to_owned())), ..CHECK };
    static NEEDS: Check = Check { id: "test.needs-skipped", needs: &["test.skips"], ..CHECK };
    let skipped = Outcome::Skipped { why: "no fork".to_owned() };
    assert_eq!(outcomes(&[&SKIPS, &NEEDS]), [skipped.clone(), skipped]);
}

#[test]
fn a_check_of_a_role_that_is_not_provided_is_skipped() {
    static CLIENT: Check = Check { id: "test.client", role: Role::Client, run: failing, ..CHECK };
    assert_eq!(outcomes(&[&CLIENT]), [Outcome::Skipped { why: "no program for the role client".to_owned() }]);
}

#[test]
fn a_panic_in_a_check_is_the_harness_s_own_fault() {
    static PANICS: Check = Check { id: "test.panics", run: |_| panic!("one plus one"), ..CHECK };
    assert_eq!(outcomes(&[&PANICS]), [Outcome::Broken { why: "a check panicked: one plus one".to_owned() }]);
}

#[test]
fn the_same_check_has_the_same_randomness_in_every_run() {
    static FIRST: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    static DRAWS: Check = Check {
        id: "test.draws",
        run: |t| {
            FIRST.lock().expect("nobody panics").push(t.rng.u64(..));
            Ok(())
        },
        ..CHECK
    };
    static OTHER: Check = Check { id: "test.other", ..CHECK };
    outcomes(&[&DRAWS]);
    outcomes(&[&OTHER, &DRAWS]);
    let first = FIRST.lock().expect("nobody panics");
    assert_eq!(first.len(), 2);
    assert_eq!(first[0], first[1]);
}

#[test]
fn a_need_that_is_not_selected_is_taken_for_granted() {
    static NEEDS: Check = Check { id: "test.alone", needs: &["test.elsewhere"], ..CHECK };
    assert_eq!(outcomes(&[&NEEDS]), [Outcome::Passed]);
}

#[test]
fn a_prefix_selects_what_lies_below_it() {
    let takes = |prefix: &str| {
        let selection = Selection { only: vec![prefix.to_owned()], ..Selection::default() };
        selection.takes(&Check { id: "web.files.binary", ..CHECK })
    };
    assert!(takes("web.files.binary"));
    assert!(takes("web.files"));
    assert!(takes("web"));
    assert!(!takes("web.file"));
    assert!(!takes("web.files.binary.large"));
}

#[test]
fn what_waits_is_begun_first_behind_what_it_needs() {
    let checks: Vec<&Check> = Lab::Lab4.checks().collect();
    let of =
        |id: &str| checks.iter().position(|check| check.id == id).map(|at| (checks[at], height(&checks, at)));
    let (_, ordinary) = of("mail.text.long-line").expect("there is such a check");
    for id in Lab::Lab4.waiting() {
        let (check, height) = of(id).expect("there is such a check");
        assert!(height > ordinary, "{id}");
        assert!(check.needs.iter().all(|need| of(need).is_some_and(|(_, needed)| needed > height)), "{id}");
    }
}
