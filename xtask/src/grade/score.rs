//! From verdicts to points: the course's rules, each that changed something said in words.

use harness::check::{self, Tier};
use harness::report::{Outcome, Report};
use harness::trial::no_program;
use jiff::{SignedDuration, Timestamp};

use super::course::{Course, Override};
use super::record::{Flag, Record, Score, Status};

/// Seconds.
const DAY: i64 = 24 * 60 * 60;

/// The score of a record, and the flags that the rules give rise to.
pub fn score(record: &Record, course: &Course) -> (Score, Vec<Flag>) {
    let mut because = Vec::new();
    let mut flags = Vec::new();
    let own = course.students.get(&record.student.id);
    let (mut points, mut held) = match (record.status, &record.report) {
        (Status::Graded, Some(report)) => {
            flags.extend(flaky(report));
            earned(report, course, &mut because)
        }
        (Status::Graded | Status::InfraError, _) => {
            because.push("it could not be judged: the fault is not the student's".to_owned());
            (0.0, true)
        }
        (status, _) => {
            because.push(status.words().to_owned());
            (0.0, false)
        }
    };
    if points > 0.0 {
        points = after_lateness(points, record, course, own, &mut because);
    }
    let mut excused = false;
    if let Some(own) = own {
        if let Some(instead) = own.points {
            because.push(format!("{} points by the instructor: {}", plain(instead), own.reason));
            (points, held) = (instead, false);
        }
        if let Some(add) = own.add {
            because.push(format!(
                "{}{} points by the instructor: {}",
                if add < 0.0 { "" } else { "+" },
                plain(add),
                own.reason
            ));
            points = (points + add).max(0.0);
        }
        if own.excused {
            because.push(format!("excused: {}", own.reason));
            (points, held, excused) = (0.0, false, true);
        }
        flags.push(Flag::Override { reason: own.reason.clone() });
    }
    (Score { points: rounded(points), of: course.points, because, held, excused }, flags)
}

/// Scores a record anew; the flags that do not come from the rules stay.
pub fn apply(record: &mut Record, course: &Course) {
    let (score, flags) = score(record, course);
    record.score = score;
    record.flags.retain(|flag| !matches!(flag, Flag::Flaky { .. } | Flag::Override { .. }));
    record.flags.extend(flags);
    record.course = course.digest();
}

/// The points of the verdicts, scaled to the course's; and whether the harness broke in one that counts.
fn earned(report: &Report, course: &Course, because: &mut Vec<String>) -> (f64, bool) {
    let (mut earned, mut of, mut all, mut extra) = (0.0, 0.0, 0.0, 0.0);
    let (mut skipped, mut skipped_worth, mut broken, mut weightless) = (0, 0.0, Vec::new(), 0);
    let mut without_program = 0;
    for check in &report.checks {
        let worth = course.worth(check);
        if worth == 0.0 {
            weightless += usize::from(check.points > 0);
            continue;
        }
        let extension = check.tier == Tier::Extension;
        all += if extension { 0.0 } else { worth };
        match &check.outcome {
            Outcome::Broken { .. } => broken.push(check.id.as_str()),
            // A program that is not handed in is no program that cannot be tried.
            Outcome::Skipped { why } if !extension && is_no_program(&check.id, why) => {
                without_program += 1;
                of += worth;
            }
            Outcome::Skipped { .. } if extension => {}
            Outcome::Skipped { .. } => {
                skipped += 1;
                skipped_worth += worth;
            }
            outcome => {
                let got = if outcome.earns() { worth } else { 0.0 };
                if extension {
                    extra += got;
                } else {
                    earned += got;
                    of += worth;
                }
            }
        }
    }
    if without_program > 0 {
        because.push(format!("{without_program} checks are lost, since their program was not handed in"));
    }
    if weightless > 0 {
        because.push(format!("{weightless} checks do not count in this course"));
    }
    if skipped > 0 {
        because
            .push(format!("{skipped} checks skipped: {} points left the denominator", plain(skipped_worth)));
    }
    if !broken.is_empty() {
        because.push(format!("held back: the harness broke in {}", broken.join(", ")));
    }
    if of == 0.0 {
        because.push("held back: no check that counts was tried".to_owned());
        return (0.0, true);
    }
    let unit = course.points / all;
    let bonus = extra * unit;
    because.push(format!("{} of {} points by the checks", plain(earned), plain(of)));
    if extra > 0.0 {
        because.push(format!("+{} for extensions", plain(bonus)));
    }
    (course.points * earned / of + bonus, !broken.is_empty())
}

/// Whether it says no more than what the checks came to.
pub fn routine(rule: &str) -> bool {
    rule.ends_with(" points by the checks") || (rule.starts_with('+') && rule.ends_with(" for extensions"))
}

fn is_no_program(id: &str, why: &str) -> bool {
    check::find(id).is_some_and(|check| why == no_program(check.role))
}

/// Full points, and somebody should look.
fn flaky(report: &Report) -> Option<Flag> {
    let checks: Vec<String> = report
        .checks
        .iter()
        .filter(|check| matches!(check.outcome, Outcome::Flaky { .. }))
        .map(|check| check.id.clone())
        .collect();
    (!checks.is_empty()).then_some(Flag::Flaky { checks })
}

fn after_lateness(
    points: f64,
    record: &Record,
    course: &Course,
    own: Option<&Override>,
    because: &mut Vec<String>,
) -> f64 {
    let extended = own.and_then(|own| own.due);
    let Some(due) = extended.or(course.due) else { return points };
    if extended.is_some() {
        let reason = own.map_or("", |own| own.reason.as_str());
        because.push(format!("due {} for this student: {reason}", shown(due, course)));
    }
    let submission = record.submission.as_ref();
    let told = submission.and_then(|submission| submission.received.as_deref());
    let changed = submission.and_then(|submission| submission.modified.as_deref());
    let told = told.or(changed.filter(|_| course.file_times));
    let received = own.and_then(|own| own.received).or_else(|| told?.parse().ok());
    let Some(received) = received else {
        because.push("when it was handed in is not known, so it is not late".to_owned());
        return points;
    };
    let over = received.duration_since(due);
    let grace = SignedDuration::try_from(course.late.grace).unwrap_or(SignedDuration::MAX);
    if over <= SignedDuration::ZERO {
        return points;
    }
    if over <= grace {
        because.push("late, and within the grace".to_owned());
        return points;
    }
    let cutoff = course.late.cutoff.and_then(|span| SignedDuration::try_from(span).ok());
    if cutoff.is_some_and(|cutoff| over > cutoff) {
        because.push(format!("handed in {}, after the last moment: no points", shown(received, course)));
        return 0.0;
    }
    let days = (over.as_secs() + i64::from(over.subsec_nanos() > 0)).div_ceil_positive(DAY);
    let off = (days as f64 * course.late.per_day).min(course.late.at_most.unwrap_or(100.0)).min(100.0);
    let noun = if days == 1 { "day" } else { "days" };
    because.push(format!("{days} {noun} late: -{} %", plain(off)));
    points * (1.0 - off / 100.0)
}

trait DivCeil {
    fn div_ceil_positive(self, by: i64) -> i64;
}

impl DivCeil for i64 {
    fn div_ceil_positive(self, by: i64) -> i64 {
        (self + by - 1) / by
    }
}

fn shown(moment: Timestamp, course: &Course) -> String {
    course.zone.to_datetime(moment).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Half up, to a hundredth.
fn rounded(points: f64) -> f64 {
    // What is a little below a half only by binary arithmetic is a half.
    ((points * 100.0 + 1e-9).round()) / 100.0
}

/// Without needless digits.
pub fn plain(number: f64) -> String {
    format!("{}", rounded(number))
}

#[cfg(test)]
mod tests;
