//! Whose submission an entry is, by its name.
//!
//! | the name | who |
//! |---|---|
//! | `ada`, `ada@x.org`, `12345` | whose id, email, login or number it is |
//! | `submission_77` in Gradescope's `submission_metadata.yml` | those named there |
//! | `lovelaceada_LATE_12345_67890_lab3.zip` | Canvas: whose number the first one is |
//! | `Ada Lovelace_4711_assignsubmission_file_` | Moodle: whose number it is, else whose name |
//! | `ada_lab3`, `lab3-ada`, `ada.zip` | whose id, email or login begins or ends it, the longest one |
//! | `Ada Lovelace` | whose name it is, where nobody else has it |
//!
//! Capitals do not matter. A name that could be two students' is nobody's.

use std::collections::HashMap;

use super::super::roster::Roster;
use super::entries::Entry;

/// Students by all that they are known by.
pub struct Names<'a> {
    roster: &'a Roster,
    /// Ids, emails, logins and numbers; `None` where several share one.
    words: HashMap<String, Option<usize>>,
    full: HashMap<String, Option<usize>>,
}

/// Whose an entry is, and by which rule. Indices into the roster.
#[derive(Debug, PartialEq, Eq)]
pub struct Match {
    pub students: Vec<usize>,
    pub rule: &'static str,
}

impl<'a> Names<'a> {
    pub fn new(roster: &'a Roster) -> Self {
        let (mut words, mut full) = (HashMap::new(), HashMap::new());
        let note = |map: &mut HashMap<String, Option<usize>>, word: String, at: usize| {
            let first = *map.entry(word.clone()).or_insert(Some(at));
            if first != Some(at) {
                map.insert(word, None);
            }
        };
        for (at, student) in roster.students.iter().enumerate() {
            for alias in &roster.aliases[at] {
                note(&mut words, alias.clone(), at);
            }
            note(&mut full, person(&student.name), at);
        }
        // An id is its student's, whosever number it may be besides.
        for (at, student) in roster.students.iter().enumerate() {
            words.insert(student.id.to_lowercase(), Some(at));
        }
        Names { roster, words, full }
    }

    /// An error says why it is nobody's.
    pub fn of(&self, entry: &Entry) -> Result<Match, String> {
        if let Some(told) = &entry.told {
            return self.told(&told.submitters);
        }
        let stem = entry.stem().to_lowercase();
        if let Some(at) = self.word(&stem)? {
            return Ok(one(at, "its name is the student's"));
        }
        if let Some((who, _)) = stem.split_once("_assignsubmission_") {
            return Ok(one(self.moodle(who)?, "Moodle named it"));
        }
        if let Some(number) = canvas(&stem) {
            // The rest is the student's own, and may well be somebody's name.
            let student = self.word(number)?;
            let student =
                student.ok_or_else(|| format!("Canvas's number {number} is nobody's on the roster"))?;
            return Ok(one(student, "Canvas named it"));
        }
        if let Some(at) = self.edge(&stem)? {
            return Ok(one(at, "its name begins or ends with the student's"));
        }
        match self.full.get(&person(&stem)) {
            Some(Some(at)) => Ok(one(*at, "its name is the student's full name")),
            Some(None) => Err("several on the roster have this name".to_owned()),
            None => Err("nobody on the roster is known by this name".to_owned()),
        }
    }

    fn word(&self, word: &str) -> Result<Option<usize>, String> {
        match self.words.get(word) {
            Some(None) => Err(format!("several on the roster are known as {word:?}")),
            found => Ok(found.copied().flatten()),
        }
    }

    fn told(&self, submitters: &[Vec<String>]) -> Result<Match, String> {
        let mut students = Vec::new();
        for words in submitters {
            let by_word = |word: &String| {
                let word = word.to_lowercase();
                self.words.get(&word).or_else(|| self.full.get(&person(&word))).copied().flatten()
            };
            match words.iter().find_map(by_word) {
                Some(at) => students.push(at),
                None => return Err(format!("nobody on the roster is {}", words.join(" or "))),
            }
        }
        students.dedup();
        if students.is_empty() {
            return Err("Gradescope names nobody who handed it in".to_owned());
        }
        Ok(Match { students, rule: "Gradescope's list names it" })
    }

    /// `ada lovelace_4711`: the number is of the assignment, so a roster has it only if it is the assignment's
    /// grading worksheet.
    fn moodle(&self, who: &str) -> Result<usize, String> {
        let (name, number) = who.rsplit_once('_').unwrap_or((who, ""));
        if let Some(at) = self.words.get(number).copied().flatten() {
            return Ok(at);
        }
        match self.full.get(&person(name)) {
            Some(Some(at)) => Ok(*at),
            Some(None) => Err(format!("several on the roster are called {name:?}")),
            None => Err(format!("nobody on the roster is called {name:?}")),
        }
    }

    /// The longest word that begins or ends the name, with a separator next to it.
    fn edge(&self, stem: &str) -> Result<Option<usize>, String> {
        let separates = |c: char| "_- .+".contains(c);
        let mut best: Option<(usize, usize)> = None;
        let mut also = None;
        for (at, c) in stem.char_indices().filter(|&(_, c)| separates(c)) {
            for part in [&stem[..at], &stem[at + c.len_utf8()..]] {
                let Some(student) = self.word(part)? else { continue };
                match best {
                    Some((length, _)) if length > part.len() => {}
                    Some((length, other)) if length == part.len() && other != student => also = Some(length),
                    _ => best = Some((part.len(), student)),
                }
            }
        }
        match (best, also) {
            (Some((length, student)), Some(tie)) if length == tie => {
                let name = &self.roster.students[student].id;
                Err(format!("it could be {name}'s and somebody else's"))
            }
            (best, _) => Ok(best.map(|(_, student)| student)),
        }
    }
}

fn one(student: usize, rule: &'static str) -> Match {
    Match { students: vec![student], rule }
}

/// `Lovelace, Ada` and `ada  lovelace` are one.
fn person(name: &str) -> String {
    let lower = name.to_lowercase();
    let turned = match lower.split_once(',') {
        Some((last, first)) => format!("{first} {last}"),
        None => lower,
    };
    turned.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `lovelaceada_LATE_12345_67890_lab3`: the first number is the student's, the second the submission's.
fn canvas(stem: &str) -> Option<&str> {
    let mut parts = stem.split('_').skip(1).skip_while(|part| *part == "late");
    let (student, submission) = (parts.next()?, parts.next()?);
    let number = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    (number(student) && number(submission)).then_some(student)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::entries::{Form, Told};
    use super::*;
    use crate::grade::roster;

    const ROSTER: &[u8] = b"id,name,login,email,sis user id\n\
        ada,\"Lovelace, Ada\",alove,ada@x.org,12345\n\
        smith,Bob Smith,bsmith,bob@x.org,12346\n\
        adams-smith,Cy Smith,,cy@x.org,\n\
        dup1,Di Dup,,di@x.org,\ndup2,Di Dup,,di2@x.org,\n";

    fn entry(name: &str) -> Entry {
        let form = if name.contains(".zip") { Form::Zip } else { Form::Folder };
        Entry { name: name.to_owned(), path: name.into(), form, modified: Timestamp::default(), told: None }
    }

    fn of(name: &str) -> Result<String, String> {
        let roster = roster::parse(ROSTER).expect("a roster");
        let found = Names::new(&roster).of(&entry(name))?;
        Ok(roster.students[found.students[0]].id.clone())
    }

    #[test]
    fn each_convention_finds_its_student() {
        let cases = [
            ("ada", "ada"),
            ("ADA.zip", "ada"),
            ("ada@x.org", "ada"),
            ("alove", "ada"),
            ("12345", "ada"),
            ("lovelaceada_12345_67890_lab3.zip", "ada"),
            ("lovelaceada_LATE_12345_67890_lab3-1.zip", "ada"),
            ("Ada Lovelace_4711_assignsubmission_file_", "ada"),
            ("Ada Lovelace_4711_assignsubmission_file", "ada"),
            ("Ada Lovelace", "ada"),
            ("ada_lab3.zip", "ada"),
            ("lab3-bsmith", "smith"),
            ("lab3-adams-smith", "adams-smith"),
            ("bob@x.org_lab3.zip", "smith"),
            ("lab3-alove.git", "ada"),
        ];
        for (name, student) in cases {
            assert_eq!(of(name).as_deref(), Ok(student), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_nobody_s_or_two_students_is_not_guessed() {
        assert_eq!(of("eve").unwrap_err(), "nobody on the roster is known by this name");
        assert!(of("xada").is_err() && of("adax_lab3").is_err());
        assert_eq!(of("Di Dup").unwrap_err(), "several on the roster have this name");
        assert!(of("dup1_dup2").unwrap_err().starts_with("it could be"));
        // What Canvas and Moodle put in front says who it is, and not the name that a student gave a file.
        assert_eq!(of("xy_77_88_ada.zip").unwrap_err(), "Canvas's number 77 is nobody's on the roster");
        assert!(of("Eve_4711_assignsubmission_file_ada").is_err());
    }

    #[test]
    fn gradescope_names_everyone_of_a_group() {
        let roster = roster::parse(ROSTER).expect("a roster");
        let group = |words: &[&[&str]]| {
            let submitters =
                words.iter().map(|words| words.iter().map(|w| (*w).to_owned()).collect()).collect();
            Entry { told: Some(Told { submitters, created: None }), ..entry("submission_77") }
        };
        let found = Names::new(&roster).of(&group(&[&["?", "ada@x.org"], &["12346"]])).expect("two students");
        assert_eq!(found.students, [0, 1]);
        let stranger = Names::new(&roster).of(&group(&[&["ada"], &["eve@x.org"]]));
        assert_eq!(stranger.unwrap_err(), "nobody on the roster is eve@x.org");
    }
}
