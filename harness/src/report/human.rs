//! The report for a person at a terminal: the stages, the first failure in full, and what is next.
//!
//! Everything that a program under test may have written is made harmless before it is set.

mod failure;
mod page;
mod stages;

use anstyle::{AnsiColor, Style};

pub use page::{Look, Page, cut, visible};

use super::{CheckReport, FailureReport, Outcome, Report, plain, unwritten};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const ODD: Style = AnsiColor::Yellow.on_default();
const ID: Style = Style::new().bold();
const LABEL: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();

/// The whole report, ended by a line break.
pub fn render(report: &Report, look: &Look) -> String {
    let report = &plain::each_text(report, visible);
    let mut page = Page::new(look);
    head(&mut page, report);
    page.gap();
    stages::table(&mut page, report);
    failures(&mut page, report);
    blocked(&mut page, report);
    flaky(&mut page, report);
    broken(&mut page, report);
    skipped(&mut page, report);
    page.gap();
    page.line(&verdict(&page, report));
    page.finish()
}

/// One failure of a report whose texts are harmless, as it stands in [`render`].
pub fn failure(report: &Report, check: &CheckReport, failure: &FailureReport) -> String {
    let look = Look::default();
    let mut page = Page::new(&look);
    failure::full(&mut page, report, check, failure);
    page.finish()
}

/// The last line of [`render`]: points, and what is next.
pub fn last_line(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    page.line(&verdict(&page, report));
    page.finish()
}

fn head(page: &mut Page, report: &Report) {
    let program = &report.program;
    let built = program.build_ms.map(|ms| format!(" (built in {})", seconds(ms))).unwrap_or_default();
    let parts = [
        page.paint(ID, &format!("{} {}", report.lab, report.lab.title())),
        format!("{}: {}{built}", program.what, program.origin),
        format!("seed {}", report.seed),
    ];
    page.parts(&parts, " · ");
    if !report.narrowed.is_empty() {
        let count = counted(report.checks.len(), "check");
        page.prose("  ", "  ", &format!("with {}: {count}", report.narrowed.join(" ")));
    }
}

fn failures(page: &mut Page, report: &Report) {
    let failed: Vec<_> = report.checks.iter().filter_map(|check| Some((check, check.failure()?))).collect();
    let Some(((first, failure), others)) = failed.split_first() else { return };
    page.gap();
    if failure::untouched(report) {
        failure::begin(page, report, first, failure);
        return;
    }
    failure::full(page, report, first, failure);
    if page.look.all {
        for (check, failure) in others {
            page.gap();
            failure::full(page, report, check, failure);
        }
        return;
    }
    let (gaps, others): (Vec<_>, Vec<_>) =
        others.iter().copied().partition(|(_, failure)| unwritten::find(failure, &report.program).is_some());
    let (here, later): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|(check, _)| check.stage == first.stage);
    if !here.is_empty() {
        page.gap();
        page.prose("  ", "  ", &format!("{} more failed in this stage (--all shows them):", here.len()));
        for (check, _) in here {
            let (mark, id) = (page.paint(BAD, "✘"), page.paint(ID, &check.id));
            page.heading(&format!("  {mark} {id} · {}", check.title), &points(check));
        }
    }
    if !later.is_empty() {
        page.gap();
        let ids: Vec<&str> = later.iter().map(|(check, _)| check.id.as_str()).collect();
        let text =
            format!("{} more failed in other stages (--all shows them): {}", later.len(), ids.join(", "));
        page.prose("  ", "  ", &text);
    }
    if !gaps.is_empty() {
        page.gap();
        let need = if gaps.len() == 1 { "needs" } else { "need" };
        page.prose("  ", "  ", &format!("{} more {need} steps that are not written yet.", gaps.len()));
    }
}

/// Those in stages that are not blocked as a whole; the table tells of the others.
fn blocked(page: &mut Page, report: &Report) {
    if failure::untouched(report) && !page.look.all {
        return;
    }
    page.gap();
    // A later stage is not what is being worked on.
    let last = report.next().map_or(u8::MAX, |next| next.stage);
    for check in &report.checks {
        let Outcome::Blocked { by } = &check.outcome else { continue };
        if page.look.all || (check.stage <= last && !stages::waits(report, check.stage)) {
            let line = page.paint(DIM, &format!("– {} waits for {by}", check.id));
            page.prose("  ", "    ", &line);
        }
    }
}

fn flaky(page: &mut Page, report: &Report) {
    let mut in_full = report.next().is_none();
    for check in &report.checks {
        let Outcome::Flaky { failure, records } = &check.outcome else { continue };
        page.gap();
        if in_full || page.look.all {
            failure::full(page, report, check, failure);
            in_full = false;
            page.gap();
        } else {
            failure::heading(page, check);
        }
        let kept = match records.as_slice() {
            [] => String::new(),
            paths => format!("; both records are kept under {}", paths.join(" and ")),
        };
        page.prose(
            "  ",
            "  ",
            &format!("Flaky: it failed, then passed with the same seed{kept}. Look for a race."),
        );
    }
}

fn broken(page: &mut Page, report: &Report) {
    for check in &report.checks {
        let Outcome::Broken { why } = &check.outcome else { continue };
        page.gap();
        failure::heading(page, check);
        let text = format!("This is the harness's fault, not yours: {why}. Your points are not affected.");
        page.prose("  ", "  ", &text);
    }
}

/// One line a reason.
fn skipped(page: &mut Page, report: &Report) {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for check in &report.checks {
        let Outcome::Skipped { why } = &check.outcome else { continue };
        match reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, count)) => *count += 1,
            None => reasons.push((why, 1)),
        }
    }
    page.gap();
    for (why, count) in reasons {
        let line = page.paint(DIM, &format!("– {} skipped: {why}", counted(count, "check")));
        page.prose("  ", "    ", &line);
    }
}

/// `lab1: 31 of 100 points. Next: web.files.binary.`
fn verdict(page: &Page, report: &Report) -> String {
    let points = report.points;
    let flaky = report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Flaky { .. })).count();
    let broken = report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Broken { .. })).count();
    let lab = if partial(report) { format!("{} in part", report.lab) } else { report.lab.to_string() };
    let mut line = if points.of + points.extension_of == 0 {
        format!("{lab}: nothing was tried.")
    } else if points.of == 0 {
        format!("{lab}: {} of {} for extensions.", points.extension_earned, points.extension_of)
    } else {
        // What is still missing of the 100 is the news; extensions are told when nothing is.
        let extensions = (points.extension_of > 0 && points.earned == points.of)
            .then(|| format!(", and {} of {} for extensions", points.extension_earned, points.extension_of));
        format!("{lab}: {} of {} points{}.", points.earned, points.of, extensions.unwrap_or_default())
    };
    let next = report.next().filter(|_| points.earned < points.of || points.of == 0);
    if let Some(check) = next {
        line.push_str(&format!(" Next: {}.", check.id));
    } else if broken > 0 {
        line.push_str(&format!(" {broken} broken: the harness's fault."));
    } else if flaky > 0 {
        line.push_str(&format!(" {flaky} flaky: see above."));
    } else {
        line.push_str(&format!(
            " {} in {}.",
            counted(report.checks.len(), "check"),
            seconds(report.elapsed_ms)
        ));
    }
    let style = match report.exit_code() {
        super::exit::PASSED => GOOD,
        super::exit::FAILED => ID,
        _ => ODD,
    };
    page.paint(style.bold(), &line)
}

/// Whether checks were left out on request.
fn partial(report: &Report) -> bool {
    let selects = |option: &String| !option.starts_with("--model");
    report.narrowed.iter().any(selects)
}

fn points(check: &CheckReport) -> String {
    counted(check.points as usize, "point")
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1000.0)
}

#[cfg(test)]
mod tests;
