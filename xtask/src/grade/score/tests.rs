//! Each rule on a report of three checks, worth 3, 2 and 5 points, and an extension worth 4.

use harness::check::{Basis, Lab, Role};
use harness::report::{CheckReport, FailureReport, Points, Program};
use harness::verdict::Failure;

use super::*;
use crate::grade::course;
use crate::grade::record::{SCHEMA, Student, Submission};

/// Real ids, since rules name them.
const IDS: [(&str, u8, u32, Tier); 4] = [
    ("ping.packet.sent", 1, 3, Tier::Core),
    ("ping.wait.replies", 2, 2, Tier::Robust),
    ("ping.window.schedule", 3, 5, Tier::Core),
    ("ping.ipv6", 6, 4, Tier::Extension),
];

fn failure() -> Box<FailureReport> {
    Box::new(FailureReport {
        steps: Vec::new(),
        failure: Failure::default(),
        why: String::new(),
        chapter: String::new(),
        hint: String::new(),
        again: String::new(),
    })
}

fn failed() -> Outcome {
    Outcome::Failed { failure: failure() }
}

fn skipped() -> Outcome {
    Outcome::Skipped { why: "no IPv6 here".to_owned() }
}

fn record(outcomes: [Outcome; 4]) -> Record {
    let row = |((id, stage, points, tier), outcome): (_, Outcome)| CheckReport {
        id: String::from(id),
        title: String::new(),
        stage,
        tier,
        points,
        basis: Basis::Contract,
        clause: String::new(),
        outcome,
        elapsed_ms: 1,
    };
    let checks: Vec<CheckReport> = IDS.into_iter().zip(outcomes).map(row).collect();
    let report = Report {
        schema: String::new(),
        lab: Lab::Lab3,
        program: Program { what: String::new(), origin: String::new(), build_ms: None },
        seed: String::new(),
        narrowed: Vec::new(),
        points: Points::default(),
        checks,
        elapsed_ms: 1,
    };
    Record {
        schema: SCHEMA.to_owned(),
        lab: Lab::Lab3,
        student: Student {
            id: "ada".to_owned(),
            name: "Ada".to_owned(),
            email: None,
            extra: Default::default(),
        },
        submission: Some(Submission {
            source: "ada".to_owned(),
            digest: String::new(),
            named_by: String::new(),
            received: Some("2026-11-30T12:00:00Z".to_owned()),
            modified: None,
            passed_over: Vec::new(),
            left_out: Vec::new(),
        }),
        status: Status::Graded,
        words: String::new(),
        sandbox: None,
        build_ms: None,
        report: Some(report),
        score: Score::default(),
        flags: Vec::new(),
        graded_at: String::new(),
        course: String::new(),
        wirelab: String::new(),
    }
}

fn rules(text: &str) -> Course {
    course::parse(text, "course.toml".as_ref(), Lab::Lab3, &["ada"]).unwrap_or_else(|error| panic!("{error}"))
}

fn of(record: &Record, text: &str) -> Score {
    score(record, &rules(text)).0
}

/// The first two pass, the third fails, and the extension is not there.
fn half() -> Record {
    record([Outcome::Passed, Outcome::Passed, failed(), failed()])
}

#[test]
fn points_are_the_checks_share_of_the_course_s() {
    let score = of(&half(), "");
    assert_eq!((score.points, score.of, score.held), (50.0, 100.0, false));
    assert_eq!(score.because, ["5 of 10 points by the checks"]);
    assert_eq!(of(&half(), "points = 20").points, 10.0);
}

#[test]
fn extensions_come_on_top() {
    let all = record([Outcome::Passed, Outcome::Passed, Outcome::Passed, Outcome::Passed]);
    assert_eq!(of(&all, "").points, 140.0);
    assert_eq!(of(&all, "tiers = [\"core\", \"robust\"]").points, 100.0);
    assert_eq!(of(&all, "tiers = [\"core\"]").of, 100.0);
}

#[test]
fn skipped_checks_leave_the_denominator() {
    let score = of(&record([Outcome::Passed, skipped(), failed(), skipped()]), "");
    assert_eq!(score.points, 37.5);
    assert_eq!(score.because[0], "1 checks skipped: 2 points left the denominator");
}

#[test]
fn a_program_that_was_not_handed_in_is_not_skipped() {
    let none = || Outcome::Skipped { why: no_program(Role::Ping) };
    let score = of(&record([Outcome::Passed, none(), none(), none()]), "");
    assert_eq!(score.points, 30.0);
    assert_eq!(score.because[0], "2 checks are lost, since their program was not handed in");
}

#[test]
fn flaky_checks_have_full_points_and_a_flag() {
    let flaky = Outcome::Flaky { failure: failure(), records: Vec::new() };
    let (score, flags) = score(&record([Outcome::Passed, Outcome::Passed, flaky, failed()]), &rules(""));
    assert_eq!((score.points, score.held), (100.0, false));
    assert_eq!(flags, [Flag::Flaky { checks: vec!["ping.window.schedule".to_owned()] }]);
}

#[test]
fn a_broken_check_holds_the_result_back_unless_it_does_not_count() {
    let broken =
        record([Outcome::Passed, Outcome::Passed, Outcome::Broken { why: "x".to_owned() }, failed()]);
    let score = of(&broken, "");
    assert_eq!((score.points, score.held), (100.0, true));
    assert!(score.because[0].ends_with("the harness broke in ping.window.schedule"));
    assert!(!of(&broken, "off = [\"ping.window\"]").held);
    assert!(of(&record([skipped(), skipped(), skipped(), failed()]), "").held, "nothing was tried");
}

#[test]
fn weights_and_checks_switched_off_change_what_a_check_counts() {
    let cases = [
        ("off = [\"ping.window\"]", 100.0),
        ("weights.check.\"ping.window\" = 0", 100.0),
        ("weights.check.ping = 7", 50.0),
        ("weights.check.ping = 9\nweights.check.\"ping.window\" = 1", 90.0),
        ("weights.stage.3 = 2", 33.33),
        ("weights.tier.robust = 2.5", 61.54),
    ];
    for (text, points) in cases {
        assert_eq!(of(&half(), text).points, points, "{text}");
    }
}

#[test]
fn lateness_costs_by_the_day_that_has_begun() {
    let due =
        |at: &str, late: &str| format!("[due]\nat = \"{at}\"\nzone = \"UTC\"\n[late]\nper_day = 10\n{late}");
    let cases = [
        ("2026-11-30 12:00", "", 50.0, ""),
        ("2026-11-30 11:59", "", 45.0, "1 day late: -10 %"),
        ("2026-11-29 12:00", "", 45.0, "1 day late: -10 %"),
        ("2026-11-29 11:59:59", "", 40.0, "2 days late: -20 %"),
        ("2026-11-30 11:50", "grace = \"10 min\"", 50.0, "late, and within the grace"),
        ("2026-11-30 11:49", "grace = \"10 min\"", 45.0, "1 day late: -10 %"),
        ("2026-11-20 12:00", "at_most = 35", 32.5, "10 days late: -35 %"),
        ("2026-11-10 12:00", "", 0.0, "20 days late: -100 %"),
        (
            "2026-11-20 12:00",
            "cutoff = \"9 days\"",
            0.0,
            "handed in 2026-11-30 12:00, after the last moment: no points",
        ),
        ("2026-11-20 12:00", "cutoff = \"10 days\"", 0.0, "10 days late: -100 %"),
    ];
    for (at, late, points, reason) in cases {
        let score = of(&half(), &due(at, late));
        assert_eq!(score.points, points, "{at} {late}");
        let last = score.because.last().map_or("", String::as_str);
        assert!(reason.is_empty() || last == reason, "{at} {late}: {last}");
    }
}

#[test]
fn the_due_date_is_one_of_its_time_zone() {
    // 13:00 in Berlin in winter is 12:00 in UTC.
    let due = |at: &str| format!("due = {{ at = \"{at}\", zone = \"Europe/Berlin\" }}\nlate.per_day = 10");
    assert_eq!(of(&half(), &due("2026-11-30 13:00")).points, 50.0);
    assert_eq!(of(&half(), &due("2026-11-30 12:59")).points, 45.0);
}

#[test]
fn what_nobody_knows_is_not_late() {
    let mut record = half();
    let submission = record.submission.as_mut().expect("a submission");
    (submission.received, submission.modified) = (None, Some("2026-12-02T00:00:00Z".to_owned()));
    let text = "[late]\nper_day = 10\n[due]\nat = \"2026-11-30 00:00\"\n";
    let score = of(&record, text);
    assert_eq!(
        (score.points, score.because[1].as_str()),
        (50.0, "when it was handed in is not known, so it is not late")
    );
    assert_eq!(of(&record, &format!("{text}file_times = true")).points, 40.0);
}

#[test]
fn exceptions_for_one_student_hold_with_their_reason() {
    let due = "[due]\nat = \"2026-11-29 12:00\"\n[late]\nper_day = 10\n[student.ada]\nreason = \"ill\"\n";
    let cases = [
        ("due = \"2026-12-01 12:00\"", 50.0, "due 2026-12-01 12:00 for this student: ill"),
        ("received = \"2026-11-28 12:00\"", 50.0, "5 of 10 points by the checks"),
        ("points = 77", 77.0, "77 points by the instructor: ill"),
        ("add = -5", 40.0, "-5 points by the instructor: ill"),
        ("add = 2.5", 47.5, "+2.5 points by the instructor: ill"),
        ("excused = true", 0.0, "excused: ill"),
    ];
    for (rule, points, reason) in cases {
        let text = format!("{due}{rule}");
        let (score, flags) = score(&half(), &rules(&text));
        assert_eq!(score.points, points, "{rule}");
        assert!(score.because.iter().any(|words| words == reason), "{rule}: {:?}", score.because);
        assert_eq!(score.excused, rule.starts_with("excused"));
        assert_eq!(flags, [Flag::Override { reason: "ill".to_owned() }]);
    }
}

#[test]
fn what_could_not_be_judged_is_held_and_what_is_not_there_is_a_zero() {
    let with = |status| Record { status, report: None, ..half() };
    let score = of(&with(Status::InfraError), "");
    assert_eq!((score.points, score.held), (0.0, true));
    for status in [Status::Missing, Status::BuildError, Status::Timeout, Status::Resource, Status::Policy] {
        let score = of(&with(status), "");
        assert_eq!((score.points, score.held, score.because), (0.0, false, vec![status.words().to_owned()]));
    }
    let score = of(&with(Status::InfraError), "[student.ada]\npoints = 60\nreason = \"graded by hand\"");
    assert_eq!((score.points, score.held), (60.0, false));
}

#[test]
fn scoring_anew_replaces_what_the_rules_gave_and_keeps_the_rest() {
    let mut record = half();
    let copy = Flag::Copy { with: "bob".to_owned(), share: 1.0 };
    record.flags = vec![copy.clone(), Flag::Override { reason: "old".to_owned() }];
    apply(&mut record, &rules("points = 10"));
    assert_eq!((record.score.points, &record.flags), (5.0, &vec![copy]));
    assert_eq!(record.course, rules("points = 10").digest());
}
