//! `--repeat N`: the same run often, and which verdicts were not the same each time.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use harness::report::human::{self, visible};
use harness::report::{Outcome, Report, exit, json};

use super::Run;
use super::format::Format;
use crate::terminal;

/// How often each verdict came, and the seed of its first time.
type Verdicts<'a> = BTreeMap<&'static str, (usize, &'a str)>;

/// Ends as the worst of the runs does.
pub fn run(run: &Run<'_>) -> Result<ExitCode> {
    let look = terminal::look(run.args.all);
    let mut reports = Vec::new();
    for number in 1..=run.args.repeat {
        let report = run.report(run.seed())?;
        if let Format::Human = run.args.format {
            let line = human::last_line(&report, &look);
            terminal::print(&format!("{number:>3}  seed {:<8}  {line}", report.seed))?;
        } else {
            terminal::print(&json::render_line(&report))?;
        }
        reports.push(report);
    }
    let worst = reports.iter().map(Report::exit_code).max().unwrap_or(exit::PASSED);
    if let Format::Human = run.args.format {
        if let Some(report) =
            reports.iter().find(|report| report.exit_code() == worst && worst != exit::PASSED)
        {
            terminal::print(&format!("\n{}", human::render(report, &look)))?;
        }
        terminal::print("\n")?;
        terminal::show(|page| {
            for (id, verdicts) in differing(&reports) {
                let times = |(verdict, (count, seed)): (&&str, &(usize, &str))| {
                    format!("{verdict} {count} of {} (first with seed {seed})", reports.len())
                };
                let times: Vec<String> = verdicts.iter().map(times).collect();
                page.prose("  ", "    ", &format!("{}: {}", visible(id), times.join(", ")));
            }
            page.gap();
            page.line(&sum(&reports));
        })?;
    }
    Ok(ExitCode::from(worst))
}

fn sum(reports: &[Report]) -> String {
    match differing(reports).len() {
        0 => format!("{} runs: every check came to the same verdict each time.", reports.len()),
        1 => format!("{} runs: one check did not come to the same verdict each time.", reports.len()),
        many => format!("{} runs: {many} checks did not come to the same verdict each time.", reports.len()),
    }
}

/// The checks that did not end alike in all runs, in the order of the tables.
fn differing(reports: &[Report]) -> Vec<(&str, Verdicts<'_>)> {
    let Some(first) = reports.first() else { return Vec::new() };
    let verdicts = |at: usize| {
        let mut verdicts = Verdicts::new();
        for report in reports {
            let verdict = verdict(&report.checks[at].outcome);
            verdicts.entry(verdict).or_insert((0, &report.seed)).0 += 1;
        }
        verdicts
    };
    let rows = first.checks.iter().enumerate().map(|(at, check)| (check.id.as_str(), verdicts(at)));
    rows.filter(|(_, verdicts)| verdicts.len() > 1).collect()
}

fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed { .. } => "failed",
        Outcome::Blocked { .. } => "blocked",
        Outcome::Flaky { .. } => "flaky",
        Outcome::Broken { .. } => "broken",
        Outcome::Skipped { .. } => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use harness::check::{Basis, Lab, Tier};
    use harness::report::{CheckReport, Points, Program, SCHEMA};

    use super::*;

    fn report(seed: &str, outcomes: [Outcome; 2]) -> Report {
        let row = |(id, outcome): (&str, Outcome)| CheckReport {
            id: id.to_owned(),
            title: String::new(),
            stage: 1,
            tier: Tier::Core,
            points: 1,
            basis: Basis::Must,
            clause: String::new(),
            outcome,
            elapsed_ms: 1,
        };
        Report {
            schema: SCHEMA.to_owned(),
            lab: Lab::Lab1,
            program: Program { what: String::new(), origin: String::new(), build_ms: None },
            seed: seed.to_owned(),
            narrowed: Vec::new(),
            checks: ["a", "b"].into_iter().zip(outcomes).map(row).collect(),
            points: Points::default(),
            elapsed_ms: 1,
        }
    }

    #[test]
    fn a_verdict_that_differs_is_named_with_its_seeds() {
        let skipped = || Outcome::Skipped { why: String::new() };
        let reports = [
            report("1", [Outcome::Passed, Outcome::Passed]),
            report("2", [Outcome::Passed, skipped()]),
            report("3", [Outcome::Passed, skipped()]),
        ];
        let expected = Verdicts::from([("passed", (1, "1")), ("skipped", (2, "2"))]);
        assert_eq!(differing(&reports), [("b", expected)]);
        assert_eq!(sum(&reports), "3 runs: one check did not come to the same verdict each time.");
        assert!(sum(&reports[1..]).starts_with("2 runs: every check"));
    }
}
