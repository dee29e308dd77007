//! The table of the stages: how far each is, and what it waits for.

use super::page::Page;
use super::{BAD, DIM, GOOD, ODD};
use crate::report::unwritten;
use crate::report::{CheckReport, Outcome, Report};

/// From how many stages on that wait for the same one they share a line.
const SHARED: usize = 3;

struct Row {
    stage: u8,
    title: String,
    /// `6/9`, or a dash where nothing could be tried.
    count: String,
    mark: &'static str,
    note: String,
}

pub fn table(page: &mut Page, report: &Report) {
    let rows = rows(report);
    let number = rows.iter().map(|row| row.stage.to_string().len()).max().unwrap_or(0);
    let title = rows.iter().map(|row| row.title.chars().count()).max().unwrap_or(0);
    let count = rows.iter().map(|row| row.count.chars().count()).max().unwrap_or(0);
    for group in rows.chunk_by(|a, b| a.count == "–" && b.count == "–" && a.note == b.note) {
        let (first, last) = (&group[0], &group[group.len() - 1]);
        if group.len() >= SHARED && !page.look.all {
            let span = format!("stages {} to {}", first.stage, last.stage);
            let line =
                format!("  {span:<width$}  {:<count$}  {}", "–", first.note, width = number + title + 8);
            page.line(&page.paint(DIM, &line));
            continue;
        }
        for row in group {
            let line = format!("  stage {:>number$}  {:<title$}  ", row.stage, row.title);
            if row.count == "–" {
                page.line(&page.paint(DIM, &format!("{line}{:<count$}  {}", "–", row.note)));
            } else {
                let style = match row.mark {
                    "✔" => GOOD,
                    "✘" => BAD,
                    _ => ODD,
                };
                let mark = page.paint(style, row.mark);
                page.line(&format!("{line}{:>count$}  {mark}  {}", row.count, row.note));
            }
        }
    }
}

/// Whether the whole stage waits for others.
pub fn waits(report: &Report, stage: u8) -> bool {
    in_stage(report, stage).all(|check| matches!(check.outcome, Outcome::Blocked { .. }))
}

fn in_stage(report: &Report, stage: u8) -> impl Iterator<Item = &CheckReport> {
    report.checks.iter().filter(move |check| check.stage == stage)
}

fn rows(report: &Report) -> Vec<Row> {
    let mut stages: Vec<u8> = report.checks.iter().map(|check| check.stage).collect();
    stages.sort_unstable();
    stages.dedup();
    stages.into_iter().map(|stage| row(report, stage)).collect()
}

fn row(report: &Report, stage: u8) -> Row {
    let count =
        |test: fn(&Outcome) -> bool| in_stage(report, stage).filter(|check| test(&check.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed { .. }));
    let flaky = count(|outcome| matches!(outcome, Outcome::Flaky { .. }));
    let blocked = count(|outcome| matches!(outcome, Outcome::Blocked { .. }));
    let broken = count(|outcome| matches!(outcome, Outcome::Broken { .. }));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped { .. }));
    let all = in_stage(report, stage).count();
    let titles = report.lab.stages();
    let title = titles.get(usize::from(stage).wrapping_sub(1)).copied().unwrap_or_default();
    let row = |count: String, mark, note| Row { stage, title: title.to_owned(), count, mark, note };
    if blocked == all {
        return row("–".into(), "", waiting(report, stage));
    }
    if skipped == all {
        return row("–".into(), "", "skipped".into());
    }
    let gaps =
        in_stage(report, stage).filter_map(CheckReport::failure).filter(|f| unwritten::stopped(f)).count();
    let notes: Vec<String> = [
        (gaps, "not written yet"),
        (blocked, "blocked"),
        (flaky, "flaky"),
        (broken, "broken"),
        (skipped, "skipped"),
    ]
    .into_iter()
    .filter(|&(number, _)| number > 0)
    .map(|(number, word)| format!("{number} {word}"))
    .collect();
    let passed = count(Outcome::earns);
    let mark = match failed - gaps {
        0 if passed + skipped == all => "✔",
        0 => "–",
        _ => "✘",
    };
    row(format!("{passed}/{}", all - skipped), mark, notes.join(", "))
}

/// `waits for stage 2`, where the check that holds it up stands.
fn waiting(report: &Report, stage: u8) -> String {
    let mut blocker = "";
    let mut next = in_stage(report, stage).next();
    // A chain of needs is never longer than the table.
    for _ in &report.checks {
        let Some(Outcome::Blocked { by }) = next.map(|check| &check.outcome) else { break };
        blocker = by;
        next = report.checks.iter().find(|check| check.id == *by);
    }
    match next {
        Some(check) if check.stage != stage => format!("waits for stage {}", check.stage),
        _ => format!("waits for {blocker}"),
    }
}
