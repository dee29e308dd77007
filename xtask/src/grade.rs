//! Grading a class: from a folder of submissions by people nobody has to trust to results that a course can publish.
//!
//! ```text
//! submissions ─▶ intake ─▶ build, sandboxed ─▶ judge, sandboxed ─▶ a Record each, written atomically
//!                 │ hostile archives and links are refused by name        │
//! roster, course ─┴──────────────────────────────▶ score ─────────────────┤
//!                                                     merge, regrade ◀────┴──▶ class page, feedback, grade books
//! ```
//!
//! A [`record::Record`] is all that is known of one submission. Everything that a person or another program reads
//! is a rendering of the records of a class.

pub mod assign;
pub mod copies;
pub mod course;
pub mod inner;
pub mod intake;
pub mod judge;
pub mod record;
pub mod roster;
pub mod run;
pub mod sandbox;
pub mod score;
pub mod secret;
pub mod shard;
pub mod store;

pub fn try_one() {
    use std::time::{Duration, Instant};
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_none_or(|arg| arg != "__one") {
        return;
    }
    let tier = match args[2].as_str() {
        "full" => Some(record::Tier::Full),
        "reduced" => Some(record::Tier::Reduced),
        "none" => Some(record::Tier::None),
        _ => None,
    };
    let t = Instant::now();
    let sandbox = match sandbox::Sandbox::choose(tier) {
        Ok(s) => s,
        Err(e) => {
            println!("no sandbox: {e}");
            std::process::exit(2)
        }
    };
    println!("chosen in {:?}: {:#?}", t.elapsed(), sandbox.confinement());
    if args.len() < 5 {
        std::process::exit(0)
    }
    let lab = *harness::check::Lab::ALL.iter().find(|l| l.name() == args[3]).unwrap();
    let dir = std::path::PathBuf::from(&args[4]);
    let kind = if dir.join("wirelab.toml").exists() { judge::Kind::Manifest } else { judge::Kind::Cargo };
    let limits = judge::Limits {
        build: Duration::from_secs(60),
        judge: Duration::from_secs(180),
        memory: 512 << 20,
        processes: 512,
        disk: 512 << 20,
        patience: 1.0,
        checks: 8,
    };
    for _ in 0..args.get(5).map_or(1, |n| n.parse().unwrap()) {
        let job = judge::Job {
            lab,
            student: "ada".into(),
            dir: dir.clone(),
            kind,
            seed: 7,
            limits: limits.clone(),
        };
        let t = Instant::now();
        match judge::judge(&sandbox, &job) {
            judge::Judged::Report { report, build, .. } => {
                for c in &report.checks {
                    if !matches!(c.outcome, harness::report::Outcome::Passed) {
                        println!(
                            "{} {}",
                            c.id,
                            format!("{:?}", c.outcome).chars().take(300).collect::<String>()
                        );
                    }
                }
                println!("{:?} build {build:?}", report.points);
            }
            judge::Judged::BuildError { words } => println!("build error {words}"),
            judge::Judged::Timeout { words } => println!("timeout {words}"),
            judge::Judged::Resource { words } => println!("resource {words}"),
            judge::Judged::Policy { words } => println!("policy {words}"),
            judge::Judged::Infra { words } => println!("infra {words}"),
        }
        println!("in {:?}", t.elapsed());
    }
    std::process::exit(0);
}
