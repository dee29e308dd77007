//! A class that never was, of any size: for the tests of what shows a class, and for measuring it.
//!
//! It has the lab's own checks, mistakes that many make and mistakes that one makes, values that differ from one
//! student to the next, and each way in which a submission can end. The same numbers give the same class.

use std::collections::BTreeMap;

use fastrand::Rng;
use harness::check::{Check, Lab};
use harness::report::{CheckReport, FailureReport, Outcome, Program, Report};
use harness::verdict::Failure;

use super::record::{self, Confinement, Flag, Record, Score, Status, Student, Submission, Tier};

const FIRST: &[&str] = &[
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Radia",
    "Vint",
    "Jon",
    "Karen",
    "Łukasz",
    "Søren",
    "Zoë",
    "陳",
    "Anne-Marie",
    "José",
];
const LAST: &[&str] = &[
    "Lovelace",
    "Hopper",
    "Turing",
    "Dijkstra",
    "Liskov",
    "Knuth",
    "Perlman",
    "Cerf",
    "Postel",
    "Spärck Jones",
    "O'Neill",
    "van Jacobson",
    "小明",
    "Müller",
    "de la Cruz",
];

/// A class of so many, `progress` of the way from the beginning (0) to the due date (1).
pub struct Class {
    pub lab: Lab,
    pub students: usize,
    pub progress: f64,
}

impl Class {
    #[cfg(test)]
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        (0..self.students).map(|number| self.record(number))
    }

    pub fn student(&self, number: usize) -> Student {
        student(&mut rng(number), number)
    }

    pub fn record(&self, number: usize) -> Record {
        let mut rng = rng(number);
        let student = student(&mut rng, number);
        let skill = rng.f64().sqrt();
        let status = match rng.u32(0..100) {
            0..=2 => Status::Missing,
            3..=4 => Status::BuildError,
            5 if rng.bool() => Status::Timeout,
            5 => Status::Resource,
            6 if rng.u8(..) < 64 => Status::Policy,
            6 if rng.u8(..) < 64 => Status::InfraError,
            _ => Status::Graded,
        };
        let report = (status == Status::Graded).then(|| self.report(&mut rng, skill));
        let mut score = score(report.as_ref(), status);
        let mut flags = flags(&mut rng, report.as_ref());
        if status == Status::Graded && number % 17 == 3 {
            score.because.push("1 day late: -10 %".to_owned());
            score.points *= 0.9;
        }
        if number % 97 == 5 {
            flags.push(Flag::Override { reason: "ill in the week before the due date".to_owned() });
        }
        let confinement = Confinement {
            tier: Tier::Full,
            in_force: vec!["memory 512 MiB (cgroup v2)".to_owned()],
            lacking: Vec::new(),
        };
        Record {
            schema: record::SCHEMA.to_owned(),
            lab: self.lab,
            submission: (status != Status::Missing).then(|| submission(&mut rng, &student)),
            student,
            status,
            words: words(status).to_owned(),
            sandbox: report.as_ref().map(|_| confinement),
            build_ms: report.as_ref().map(|_| 240),
            report,
            score,
            flags,
            graded_at: "2026-10-01T08:00:00Z".to_owned(),
            course: String::new(),
            wirelab: String::new(),
        }
    }

    fn report(&self, rng: &mut Rng, skill: f64) -> Report {
        let count = self.lab.checks().count() as f64;
        let mut checks: Vec<CheckReport> = Vec::new();
        for (at, check) in self.lab.checks().enumerate() {
            // The further in the lab, the more of the class has not come there; some stumble everywhere.
            let far = at as f64 / count > skill * 0.6 + self.progress * 0.5;
            let stumbles = rng.f64() < 0.06;
            let blocked = check
                .needs
                .iter()
                .find(|need| checks.iter().any(|earlier| earlier.id == **need && !earlier.outcome.earns()));
            let outcome = match blocked {
                Some(need) => Outcome::Blocked { by: (*need).to_owned() },
                None if far || stumbles => {
                    Outcome::Failed { failure: Box::new(failure(rng, self.lab, check, far)) }
                }
                None => odd(rng, self.lab, check),
            };
            checks.push(CheckReport::new(check, outcome, 14));
        }
        Report {
            schema: harness::report::SCHEMA.to_owned(),
            lab: self.lab,
            program: Program {
                what: "your program".to_owned(),
                origin: "submissions/somebody".to_owned(),
                build_ms: Some(240),
            },
            seed: format!("{:016x}", rng.u64(..)),
            narrowed: Vec::new(),
            points: Report::count(&checks),
            checks,
            elapsed_ms: rng.u64(900..6000),
        }
    }
}

fn rng(number: usize) -> Rng {
    Rng::with_seed(number as u64 * 7919 + 1)
}

fn student(rng: &mut Rng, number: usize) -> Student {
    let mut pick = |names: &[&str]| names[rng.usize(..names.len())].to_owned();
    let name = format!("{} {}", pick(FIRST), pick(LAST));
    let id = format!("s{:05}", number + 1);
    let extra = [
        ("id", (40_000 + number).to_string()),
        ("sis user id", format!("U{number:06}")),
        ("sis login id", format!("{id}@uni.example")),
        ("section", format!("Group {}", 1 + number % 12)),
    ];
    let extra: BTreeMap<String, String> =
        extra.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Student { email: Some(format!("{id}@uni.example")), id, name, extra }
}

fn submission(rng: &mut Rng, student: &Student) -> Submission {
    Submission {
        source: format!("{}.zip", student.id),
        digest: format!("{:064x}", rng.u128(..)),
        named_by: String::new(),
        received: Some("2026-09-30T21:14:00Z".to_owned()),
        modified: None,
        passed_over: Vec::new(),
        left_out: Vec::new(),
    }
}

fn words(status: Status) -> &'static str {
    match status {
        Status::Graded => "",
        Status::Missing => "there is nothing by this student in the folder",
        Status::BuildError => {
            "error[E0425]: cannot find value `buffer` in this scope\n  --> src/http/head.rs:31:9\n   |\n31 |     buffer.push(octet);"
        }
        Status::Timeout => "the build took longer than 120 s",
        Status::Resource => "the build wanted more than 512 MiB of memory",
        Status::Policy => "the archive leaves its folder: ../../.ssh/authorized_keys",
        Status::InfraError => "could not make a network namespace: no space left on device",
    }
}

fn score(report: Option<&Report>, status: Status) -> Score {
    let broken = report.is_some_and(|report| {
        report.checks.iter().any(|check| matches!(check.outcome, Outcome::Broken { .. }))
    });
    let points = report.map_or(0, |report| report.points.earned + report.points.extension_earned);
    Score {
        points: points.into(),
        of: report.map_or(100, |report| report.points.of).into(),
        because: Vec::new(),
        held: broken || status == Status::InfraError,
        excused: false,
    }
}

fn flags(rng: &mut Rng, report: Option<&Report>) -> Vec<Flag> {
    let flaky: Vec<String> = report
        .into_iter()
        .flat_map(|report| &report.checks)
        .filter(|check| matches!(check.outcome, Outcome::Flaky { .. }))
        .map(|check| check.id.clone())
        .collect();
    let mut flags = Vec::new();
    if !flaky.is_empty() {
        flags.push(Flag::Flaky { checks: flaky });
    }
    if report.is_some() && rng.u32(..100) == 0 {
        flags.push(Flag::Copy { with: format!("s{:05}", rng.u32(1..99)), share: 0.97 });
    }
    if report.is_some() && rng.u32(..200) == 0 {
        flags.push(Flag::LeftBehind { processes: 2 });
    }
    flags
}

/// Mostly passed.
fn odd(rng: &mut Rng, lab: Lab, check: &Check) -> Outcome {
    match rng.u32(..4000) {
        0..=2 => Outcome::Flaky {
            failure: Box::new(failure(rng, lab, check, false)),
            records: vec!["/tmp/results/records/web/1".to_owned()],
        },
        3 => Outcome::Broken { why: "could not bind 127.0.0.1:0: too many open files".to_owned() },
        4..=6 => Outcome::Skipped { why: "no program for this role".to_owned() },
        _ => Outcome::Passed,
    }
}

fn failure(rng: &mut Rng, lab: Lab, check: &Check, far: bool) -> FailureReport {
    let word: String = (0..8).map(|_| rng.lowercase()).collect();
    let (port, octets, status) = (rng.u16(20_000..), rng.u32(100..90_000), [400, 404, 500][rng.usize(..3)]);
    let start = format!(
        "started your program: /home/grader/wirelab/target/build/{word}/program --host 127.0.0.1 --port {port} \
         --root /tmp/wirelab-run-{word}/www"
    );
    let mut steps = vec![start, format!("sent   GET /{word}.bin HTTP/1.1␍␊Host: 127.0.0.1:{port}␍␊␍␊")];
    let words = if far && rng.bool() {
        let step = check.stage;
        steps.push(format!(
            "it ended after 12 ms, with status 101 and these last words:\n  thread 'main' panicked at \
             src/server.rs:{}:5:\n  not yet implemented: step {step}: answer",
            10 * u32::from(step)
        ));
        Failure::new("a whole response", "the program ended")
    } else {
        match rng.u32(..4) {
            0 => Failure::new(
                format!("{octets} octets, the file as it is on disk"),
                format!("{} octets; the first that differs is octet {}", octets / 2, octets / 3),
            )
            .excerpt(["7e 7f ef bf bd ef bf bd", "      ^^^^^^^^ the mark of a lossy conversion"]),
            1 => Failure::new("status 200 and the file", format!("status {status}")),
            2 => Failure::new("a whole response", format!("nothing within {}.0 s", rng.u32(4..13))).silent(),
            _ => Failure::new("a whole response", "the connection was closed (FIN) without an answer"),
        }
        .by_hand(format!("curl -s http://127.0.0.1:8080/{word}.bin"))
    };
    FailureReport {
        steps,
        failure: words,
        why: format!("{} ({})", check.why, check.authority()),
        chapter: check.chapter(),
        hint: check.hints[0].to_owned(),
        again: format!("cargo xtask check {lab} --only {} --seed 5ec2e7", check.id),
    }
}
