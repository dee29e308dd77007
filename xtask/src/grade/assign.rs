//! Which submission is whose; of several by one student, the latest.

use jiff::Timestamp;

use super::course::Course;
use super::intake::entries::Entry;
use super::intake::names::Names;
use super::record::Student;
use super::roster::Roster;

/// One student, and what is to be judged.
pub struct Assigned {
    pub student: Student,
    pub chosen: Option<Chosen>,
}

#[derive(Clone)]
pub struct Chosen {
    pub entry: Entry,
    /// By which rule it is the student's.
    pub named_by: &'static str,
    pub received: Option<Timestamp>,
    /// The student's others, and why not those.
    pub passed_over: Vec<String>,
}

/// Everyone on the roster, in its order, and the entries that are nobody's.
pub fn assign(entries: Vec<Entry>, roster: &Roster, course: &Course) -> (Vec<Assigned>, Vec<String>) {
    let names = Names::new(roster);
    let mut strangers = Vec::new();
    let mut found: Vec<Vec<Chosen>> = roster.students.iter().map(|_| Vec::new()).collect();
    for entry in entries {
        match names.of(&entry) {
            Ok(found_by) => {
                for at in found_by.students {
                    found[at].push(Chosen {
                        received: received(&entry, course),
                        entry: entry.clone(),
                        named_by: found_by.rule,
                        passed_over: Vec::new(),
                    });
                }
            }
            Err(why) => strangers.push(format!("{}: {why}", entry.name)),
        }
    }
    let of = |(student, chosen): (&Student, Vec<Chosen>)| Assigned {
        student: student.clone(),
        chosen: latest(chosen),
    };
    (roster.students.iter().zip(found).map(of).collect(), strangers)
}

fn received(entry: &Entry, course: &Course) -> Option<Timestamp> {
    let told = entry.told.as_ref().and_then(|told| told.created);
    told.or(course.file_times.then_some(entry.modified))
}

/// By when they came, where that is known of all; else by their time in the file system, then by name.
fn latest(mut all: Vec<Chosen>) -> Option<Chosen> {
    let known = all.iter().all(|chosen| chosen.received.is_some());
    let time = |chosen: &Chosen| chosen.received.filter(|_| known).unwrap_or(chosen.entry.modified);
    all.sort_by(|a, b| time(a).cmp(&time(b)).then_with(|| a.entry.name.cmp(&b.entry.name)));
    let mut best = all.pop()?;
    let at = time(&best);
    best.passed_over = all
        .iter()
        .map(|other| {
            let why = if time(other) == at { "as old, and its name comes first" } else { "older" };
            format!("{} of {}: {why}", other.entry.name, time(other))
        })
        .collect();
    Some(best)
}
