//! The form of `course.toml`, and what can be wrong in it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use harness::check::{Lab, lies_below};
use harness::toml_error::{TomlError, explained, unknown};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

use super::{Allowed, Course, Late, Override, TIERS, Weights};
use crate::grade::judge::Limits;

/// Where, and what.
type Wrong = (Range<usize>, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    lab: Option<Spanned<String>>,
    points: Option<Spanned<f64>>,
    tiers: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    off: Vec<Spanned<String>>,
    #[serde(default)]
    weights: WeightsTable,
    due: Option<DueTable>,
    #[serde(default)]
    late: LateTable,
    #[serde(default)]
    student: BTreeMap<Spanned<String>, StudentTable>,
    #[serde(default)]
    languages: LanguagesTable,
    #[serde(default)]
    limits: LimitsTable,
    #[serde(default)]
    publish: PublishTable,
    #[serde(default)]
    copies: CopiesTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WeightsTable {
    tier: BTreeMap<Spanned<String>, Spanned<f64>>,
    stage: BTreeMap<Spanned<String>, Spanned<f64>>,
    check: BTreeMap<Spanned<String>, Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DueTable {
    at: Spanned<String>,
    zone: Option<Spanned<String>>,
    #[serde(default)]
    file_times: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LateTable {
    grace: Option<Spanned<String>>,
    per_day: Option<Spanned<f64>>,
    at_most: Option<Spanned<f64>>,
    cutoff: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StudentTable {
    due: Option<Spanned<String>>,
    received: Option<Spanned<String>>,
    points: Option<Spanned<f64>>,
    add: Option<Spanned<f64>>,
    #[serde(default)]
    excused: bool,
    reason: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LanguagesTable {
    scripts: bool,
    build: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    build: Option<Spanned<String>>,
    judge: Option<Spanned<String>>,
    memory: Option<Spanned<String>>,
    processes: Option<Spanned<u32>>,
    disk: Option<Spanned<String>>,
    patience: Option<Spanned<f64>>,
    checks: Option<Spanned<usize>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PublishTable {
    hidden: Vec<Spanned<String>>,
    column: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CopiesTable {
    flag_from: Option<Spanned<f64>>,
}

/// Reads a course's rules for a lab and the students of a class.
pub fn load(path: &Path, lab: Lab, ids: &[&str]) -> Result<Course> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(parse(&text, path, lab, ids)?)
}

/// `path` is what an error says where it was.
pub fn parse(text: &str, path: &Path, lab: Lab, ids: &[&str]) -> Result<Course, TomlError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let moment = error.message().contains("map, expected a string");
        let mend = if moment { "; a moment stands in quotation marks" } else { "" };
        TomlError::at(path, text, span, format!("{}{mend}", explained(error.message())))
    })?;
    file.check(text, lab, ids).map_err(|(span, what)| TomlError::at(path, text, span, what))
}

impl File {
    fn check(self, text: &str, lab: Lab, ids: &[&str]) -> Result<Course, Wrong> {
        if let Some(name) = &self.lab
            && name.get_ref() != lab.name()
        {
            return Err((
                name.span(),
                format!("these are the rules of {:?}, and {lab} is graded", name.get_ref()),
            ));
        }
        let base = Course::default();
        let zone = match self.due.as_ref().and_then(|due| due.zone.as_ref()) {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name.get_ref())
                .map_err(|_| (name.span(), format!("there is no time zone {:?}", name.get_ref())))?,
        };
        let due = self.due.as_ref().map(|due| moment(&due.at, &zone)).transpose()?;
        let tiers = match &self.tiers {
            None => base.tiers.clone(),
            Some(names) => names.iter().map(tier).collect::<Result<_, _>>()?,
        };
        for id in self.off.iter().chain(&self.publish.hidden) {
            known_check(lab, id)?;
        }
        let file_times = self.due.as_ref().is_some_and(|due| due.file_times);
        Ok(Course {
            text: text.to_owned(),
            points: at_least_0(self.points.as_ref(), "points")?.unwrap_or(base.points),
            tiers,
            off: self.off.into_iter().map(Spanned::into_inner).collect(),
            weights: self.weights.check(lab)?,
            due,
            late: self.late.check()?,
            students: students(self.student, ids, &zone)?,
            zone,
            file_times,
            allowed: self.languages.check()?,
            limits: self.limits.check(base.limits)?,
            hidden: self.publish.hidden.into_iter().map(Spanned::into_inner).collect(),
            column: self.publish.column,
            copies: match self.copies.flag_from {
                None => base.copies,
                Some(share) if (0.0..=1.0).contains(share.get_ref()) => share.into_inner(),
                Some(share) => return Err((share.span(), "a share is between 0 and 1".to_owned())),
            },
        })
    }
}

impl WeightsTable {
    fn check(self, lab: Lab) -> Result<Weights, Wrong> {
        let mut weights = Weights::default();
        for (name, weight) in &self.tier {
            weights.tier.insert(tier(name)?, factor(weight)?);
        }
        let stages = lab.stages().len();
        for (name, weight) in &self.stage {
            let number = name.get_ref().parse::<u8>().ok();
            let number = number.filter(|number| (1..=stages).contains(&usize::from(*number)));
            let number = number.ok_or_else(|| {
                (name.span(), format!("{lab} has stages 1 to {stages}, and no {}", name.get_ref()))
            })?;
            weights.stage.insert(number, factor(weight)?);
        }
        for (id, weight) in &self.check {
            known_check(lab, id)?;
            weights.check.insert(id.get_ref().clone(), factor(weight)?);
        }
        Ok(weights)
    }
}

impl LateTable {
    fn check(self) -> Result<Late, Wrong> {
        Ok(Late {
            grace: self.grace.as_ref().map(span).transpose()?.unwrap_or_default(),
            per_day: percent(self.per_day.as_ref())?.unwrap_or_default(),
            at_most: percent(self.at_most.as_ref())?,
            cutoff: self.cutoff.as_ref().map(span).transpose()?,
        })
    }
}

impl LanguagesTable {
    fn check(self) -> Result<Allowed, Wrong> {
        let words = |line: &Spanned<String>| {
            let words =
                shlex::split(line.get_ref()).filter(|words| words.first().is_some_and(|word| word != "*"));
            words.ok_or_else(|| {
                (line.span(), "a build command, as one types it: \"make\", \"gcc *\"".to_owned())
            })
        };
        Ok(Allowed { scripts: self.scripts, build: self.build.iter().map(words).collect::<Result<_, _>>()? })
    }
}

impl LimitsTable {
    fn check(self, base: Limits) -> Result<Limits, Wrong> {
        let positive = |number: &Spanned<f64>| match *number.get_ref() {
            factor if factor.is_finite() && factor > 0.0 => Ok(factor),
            _ => Err((number.span(), "it must be above 0".to_owned())),
        };
        Ok(Limits {
            build: self.build.as_ref().map(span).transpose()?.unwrap_or(base.build),
            judge: self.judge.as_ref().map(span).transpose()?.unwrap_or(base.judge),
            memory: self.memory.as_ref().map(size).transpose()?.unwrap_or(base.memory),
            processes: self.processes.map_or(base.processes, Spanned::into_inner),
            disk: self.disk.as_ref().map(size).transpose()?.unwrap_or(base.disk),
            patience: self.patience.as_ref().map(positive).transpose()?.unwrap_or(base.patience),
            checks: self.checks.map_or(base.checks, Spanned::into_inner).max(1),
        })
    }
}

fn students(
    tables: BTreeMap<Spanned<String>, StudentTable>,
    ids: &[&str],
    zone: &TimeZone,
) -> Result<BTreeMap<String, Override>, Wrong> {
    let mut all = BTreeMap::new();
    for (id, table) in tables {
        if !ids.contains(&id.get_ref().as_str()) {
            return Err((id.span(), unknown_student(id.get_ref(), ids)));
        }
        let reason = match table.reason {
            Some(reason) if !reason.get_ref().trim().is_empty() => reason.into_inner(),
            _ => return Err((id.span(), "an exception for one student needs a `reason`".to_owned())),
        };
        let add = match &table.add {
            Some(add) if !add.get_ref().is_finite() => {
                return Err((add.span(), "not a number of points".to_owned()));
            }
            add => add.as_ref().map(|add| *add.get_ref()),
        };
        let rule = Override {
            due: table.due.as_ref().map(|at| moment(at, zone)).transpose()?,
            received: table.received.as_ref().map(|at| moment(at, zone)).transpose()?,
            points: at_least_0(table.points.as_ref(), "points")?,
            add,
            excused: table.excused,
            reason,
        };
        all.insert(id.into_inner(), rule);
    }
    Ok(all)
}

fn unknown_student(id: &str, ids: &[&str]) -> String {
    let words = unknown("student", id, ids);
    // A whole class is no help.
    if words.contains("did you mean") { words } else { format!("there is no student {id:?} on the roster") }
}

fn tier(name: &Spanned<String>) -> Result<harness::check::Tier, Wrong> {
    let found = TIERS.into_iter().find(|tier| tier.name() == name.get_ref());
    found
        .ok_or_else(|| (name.span(), unknown("tier", name.get_ref(), &TIERS.map(harness::check::Tier::name))))
}

fn known_check(lab: Lab, id: &Spanned<String>) -> Result<(), Wrong> {
    if lab.checks().any(|check| lies_below(check.id, id.get_ref())) {
        return Ok(());
    }
    Err((id.span(), crate::nearest::unknown(id.get_ref(), lab.checks())))
}

fn factor(weight: &Spanned<f64>) -> Result<f64, Wrong> {
    at_least_0(Some(weight), "a weight").map(Option::unwrap_or_default)
}

fn at_least_0(number: Option<&Spanned<f64>>, what: &str) -> Result<Option<f64>, Wrong> {
    match number {
        Some(number) if !(number.get_ref().is_finite() && *number.get_ref() >= 0.0) => {
            Err((number.span(), format!("{what} must be 0 or more")))
        }
        number => Ok(number.map(|number| *number.get_ref())),
    }
}

fn percent(number: Option<&Spanned<f64>>) -> Result<Option<f64>, Wrong> {
    match number {
        Some(number) if !(0.0..=100.0).contains(number.get_ref()) => {
            Err((number.span(), "per cent are between 0 and 100".to_owned()))
        }
        number => Ok(number.map(|number| *number.get_ref())),
    }
}

fn span(text: &Spanned<String>) -> Result<Duration, Wrong> {
    humantime::parse_duration(text.get_ref())
        .map_err(|_| (text.span(), "a span of time, such as \"90 s\", \"15 min\" or \"2 days\"".to_owned()))
}

fn size(text: &Spanned<String>) -> Result<u64, Wrong> {
    const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let parse = |text: &str| {
        let (unit, factor) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
        text.strip_suffix(unit)?.trim().parse::<u64>().ok()?.checked_mul(factor).filter(|&size| size > 0)
    };
    parse(text.get_ref()).ok_or_else(|| (text.span(), "a size, such as \"512 MiB\"".to_owned()))
}

/// A moment in the course's zone, unless it names its own offset.
fn moment(text: &Spanned<String>, zone: &TimeZone) -> Result<Timestamp, Wrong> {
    let wrong = || (text.span(), "a moment, such as \"2026-11-30 23:59\"".to_owned());
    if let Ok(moment) = text.get_ref().parse::<Timestamp>() {
        return Ok(moment);
    }
    // A date alone would be its first second, and whoever writes it means the last.
    let civil: DateTime = Some(text.get_ref())
        .filter(|text| text.contains(':'))
        .and_then(|text| text.parse().ok())
        .ok_or_else(wrong)?;
    zone.to_timestamp(civil).map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
