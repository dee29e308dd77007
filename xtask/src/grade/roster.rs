//! The class list, as Canvas, Moodle, Gradescope, GitHub Classroom or a text editor writes it.
//!
//! Excel and its like save such a list in several encodings and with several separators. Each is told by what the
//! file says of itself, and what was found is said, so that a wrong guess is seen.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::record::Student;

/// Everyone who takes part.
#[derive(Clone, Debug)]
pub struct Roster {
    pub students: Vec<Student>,
    /// By which words each is known, next to the id: email, login, numbers. Lower case; as long as `students`.
    pub aliases: Vec<Vec<String>>,
    /// How the file was read, and who in it is no student.
    pub notes: Vec<String>,
}

/// The longest id, which names files.
const LONGEST_ID: usize = 100;

/// What a column says, by the names it has in the exports of several systems, in lower case.
const ID: &[&str] = &["id", "student id", "student_id", "sid", "id number", "identifier"];
const LOGIN: &[&str] =
    &["login", "username", "user name", "sis login id", "github_username", "github", "andrew id"];
const EMAIL: &[&str] = &["email", "email address", "e-mail", "e-mail address", "mail"];
const NAME: &[&str] = &["name", "full name", "student", "student name"];
const FIRST: &[&str] = &["first name", "firstname", "given name"];
const LAST: &[&str] = &["last name", "lastname", "surname", "family name"];
const NUMBER: &[&str] = &["sis user id", "github_id"];
const ROLE: &[&str] = &["role"];

pub fn load(path: &Path) -> Result<Roster> {
    let octets = std::fs::read(path).with_context(|| format!("cannot read the roster {}", path.display()))?;
    parse(&octets).with_context(|| format!("the roster {}", path.display()))
}

/// Reads a roster; an error names the lines in question.
pub fn parse(octets: &[u8]) -> Result<Roster> {
    let (text, encoding) = decode(octets)?;
    let (text, separator) = separator(&text);
    let mut notes = vec![format!("{encoding}, separated by {}", name_of(separator))];
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers()?.iter().map(str::to_lowercase).collect();
    ensure!(
        header.iter().any(|name| !name.is_empty()),
        "is empty: its first line names columns, at least `id`"
    );
    if let Some(twice) =
        header.iter().enumerate().find(|(at, name)| !name.is_empty() && header[..*at].contains(name))
    {
        bail!("has two columns {:?}", twice.1);
    }
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row?;
        let line = row.position().map_or(0, csv::Position::line);
        let row = Row { line, cells: row.iter().map(str::to_owned).collect() };
        if row.cells.iter().all(String::is_empty) {
            continue;
        }
        match no_student(&header, &row) {
            Some(why) => notes.push(format!("line {line} is left out: {why}")),
            None => rows.push(row),
        }
    }
    ensure!(!rows.is_empty(), "has no students");
    let id = id_column(&header, &rows)?;
    if header[id] != "id" {
        notes.push(format!("the id is the column {:?}", header[id]));
    }
    let students = rows.iter().map(|row| student(&header, row, id)).collect::<Result<Vec<_>>>()?;
    unique(&students, &rows)?;
    let aliases = rows.iter().map(|row| aliases(&header, row)).collect();
    Ok(Roster { students, aliases, notes })
}

struct Row {
    line: u64,
    cells: Vec<String>,
}

impl Row {
    fn get(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

/// The first of `names` that is a column.
fn column(header: &[String], names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| header.iter().position(|column| column == name))
}

/// Rows that the exports have besides students.
fn no_student(header: &[String], row: &Row) -> Option<&'static str> {
    let name = column(header, NAME).map_or("", |at| row.get(at));
    let role = column(header, ROLE).map_or("", |at| row.get(at)).to_lowercase();
    if name == "Points Possible" || row.cells.iter().any(|cell| cell == "Manual Posting") {
        Some("it is Canvas's own")
    } else if name == "Student, Test" {
        Some("it is Canvas's test student")
    } else if !role.is_empty() && role != "student" {
        Some("its role is not Student")
    } else {
        None
    }
}

/// The first column that could be the id and that nobody lacks.
fn id_column(header: &[String], rows: &[Row]) -> Result<usize> {
    let candidates: Vec<usize> = [ID, LOGIN, EMAIL]
        .into_iter()
        .flatten()
        .filter_map(|name| header.iter().position(|column| column == name))
        .collect();
    let full = |&&at: &&usize| rows.iter().all(|row| !row.get(at).is_empty());
    if let Some(&at) = candidates.iter().find(full) {
        return Ok(at);
    }
    match candidates.first() {
        Some(&at) => {
            let row = rows.iter().find(|row| row.get(at).is_empty());
            bail!("has no {:?} in line {}", header[at], row.map_or(0, |row| row.line))
        }
        None => bail!(
            "has no column that tells students apart: an `id`, `login` or `email`; it has {}",
            header.join(", ")
        ),
    }
}

fn student(header: &[String], row: &Row, id: usize) -> Result<Student> {
    let text = |names: &[&str]| column(header, names).map(|at| row.get(at)).filter(|text| !text.is_empty());
    // Moodle's grading worksheet: `Participant 12345`.
    let key = row.get(id).strip_prefix("Participant ").unwrap_or(row.get(id));
    let fits = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
    ensure!(
        key.chars().all(fits)
            && key.starts_with(|c: char| c.is_ascii_alphanumeric())
            && key.len() <= LONGEST_ID,
        "line {}: {key:?} cannot name files: an id is of letters, digits, `.`, `_`, `@`, `+` and `-`, \
         begins with a letter or a digit, and has {LONGEST_ID} at most",
        row.line
    );
    let full = match (text(NAME), text(FIRST), text(LAST)) {
        (Some(name), _, _) => name.to_owned(),
        (None, Some(first), Some(last)) => format!("{first} {last}"),
        (None, first, last) => first.or(last).unwrap_or(key).to_owned(),
    };
    let known = [NAME, FIRST, LAST, EMAIL].concat();
    let extra = header.iter().enumerate().filter(|&(at, name)| {
        at != id && !name.is_empty() && !known.contains(&name.as_str()) && !row.get(at).is_empty()
    });
    Ok(Student {
        id: key.to_owned(),
        name: full,
        email: text(EMAIL).map(str::to_owned),
        extra: extra.map(|(at, name)| (name.clone(), row.get(at).to_owned())).collect(),
    })
}

/// Ids that differ in case alone would be one file on some systems.
fn unique(students: &[Student], rows: &[Row]) -> Result<()> {
    let mut seen = HashMap::new();
    for (student, row) in students.iter().zip(rows) {
        if let Some(first) = seen.insert(student.id.to_lowercase(), row.line) {
            bail!("lines {first} and {} have the same id {:?}", row.line, student.id);
        }
    }
    let mut seen: HashMap<String, (u64, &str)> = HashMap::new();
    for (student, row) in students.iter().zip(rows) {
        let Some(email) = &student.email else { continue };
        if let Some((first, other)) = seen.insert(email.to_lowercase(), (row.line, &student.id)) {
            bail!("lines {first} and {} have the same email {email:?}: {other} and {}", row.line, student.id);
        }
    }
    Ok(())
}

fn aliases(header: &[String], row: &Row) -> Vec<String> {
    let mut words: Vec<String> = [ID, LOGIN, EMAIL, NUMBER]
        .into_iter()
        .flatten()
        .filter_map(|name| header.iter().position(|column| column == name))
        .map(|at| row.get(at).strip_prefix("Participant ").unwrap_or(row.get(at)).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    words.sort();
    words.dedup();
    words
}

/// UTF-8 or UTF-16 by its mark or its look; anything else is taken for Windows' Western European, which holds Latin-1.
fn decode(octets: &[u8]) -> Result<(String, &'static str)> {
    let (encoding, said) = match Encoding::for_bom(octets) {
        Some((encoding, _)) if encoding == UTF_8 => (UTF_8, "UTF-8 with a mark"),
        Some((encoding, _)) if encoding == UTF_16LE => (encoding, "UTF-16 (little-endian)"),
        Some((encoding, _)) => (encoding, "UTF-16 (big-endian)"),
        None => match (octets.get(..2), std::str::from_utf8(octets)) {
            (Some([0, _]), _) => (UTF_16BE, "UTF-16 without a mark (big-endian)"),
            (Some([_, 0]), _) => (UTF_16LE, "UTF-16 without a mark (little-endian)"),
            (_, Ok(_)) => (UTF_8, "UTF-8"),
            (_, Err(_)) => (WINDOWS_1252, "not UTF-8, so taken for Latin-1 (Windows-1252)"),
        },
    };
    let (text, faulty) = encoding.decode_with_bom_removal(octets);
    ensure!(!faulty, "is {said}, and not all of it is well-formed");
    ensure!(!text.contains('\0'), "holds a NUL and so is no text");
    Ok((text.into_owned(), said))
}

/// What separates the cells: by Excel's `sep=` line, or what is there most in the first line outside quotation marks.
fn separator(text: &str) -> (&str, u8) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(&[separator]) = first.trim_end().strip_prefix("sep=").map(str::as_bytes) {
        return (rest, separator);
    }
    let mut counts = BTreeMap::from([(b',', 0), (b';', 0), (b'\t', 0)]);
    let mut quoted = false;
    for octet in first.bytes() {
        quoted ^= octet == b'"';
        if let Some(count) = counts.get_mut(&octet).filter(|_| !quoted) {
            *count += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|&(separator, count)| (count, separator == b','));
    (text, most.map_or(b',', |(separator, _)| separator))
}

fn name_of(separator: u8) -> String {
    match separator {
        b',' => "commas".to_owned(),
        b';' => "semicolons".to_owned(),
        b'\t' => "tabs".to_owned(),
        other => format!("{:?}", char::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(roster: &Roster) -> Vec<&str> {
        roster.students.iter().map(|student| student.id.as_str()).collect()
    }

    fn error(text: &str) -> String {
        format!("{:#}", parse(text.as_bytes()).expect_err("no roster"))
    }

    #[test]
    fn a_plain_list_is_read() {
        let roster =
            parse(b"id,name,email\nada,Ada Lovelace,ada@x.org\nbob,\"B, Bob\",\n").expect("a roster");
        assert_eq!(ids(&roster), ["ada", "bob"]);
        assert_eq!(roster.students[1].name, "B, Bob");
        assert_eq!(roster.students[1].email, None);
        assert_eq!(roster.aliases[0], ["ada", "ada@x.org"]);
        assert_eq!(roster.notes, ["UTF-8, separated by commas"]);
    }

    #[test]
    fn canvas_has_rows_that_are_no_students() {
        let text = "Student,ID,SIS User ID,SIS Login ID,Section,Lab 3 (77)\n\
                    ,,,,,Manual Posting\n    Points Possible,,,,,100\n\
                    \"Lovelace, Ada\",12345,S1,ada,A,\n\"Student, Test\",99,,x,A,\n";
        let roster = parse(text.as_bytes()).expect("a roster");
        assert_eq!(ids(&roster), ["12345"]);
        assert_eq!(roster.aliases[0], ["12345", "ada", "s1"]);
        assert_eq!(roster.students[0].extra["sis login id"], "ada");
        assert_eq!(roster.notes.len(), 4);
    }

    #[test]
    fn moodle_and_gradescope_are_told_by_their_columns() {
        let worksheet = "Identifier,Full name,ID number,Email address,Status,Grade\n\
                         Participant 4711,Ada Lovelace,,ada@x.org,,\n";
        let roster = parse(worksheet.as_bytes()).expect("a roster");
        assert_eq!(ids(&roster), ["4711"]);
        let gradescope = "First Name,Last Name,SID,Email,Role\nAda,Lovelace,s1,ada@x.org,Student\n\
                          T,A,s2,ta@x.org,TA\n";
        let roster = parse(gradescope.as_bytes()).expect("a roster");
        assert_eq!((ids(&roster), roster.students[0].name.as_str()), (vec!["s1"], "Ada Lovelace"));
        assert!(roster.notes.iter().any(|note| note == "line 3 is left out: its role is not Student"));
    }

    #[test]
    fn every_encoding_and_separator_comes_to_the_same() {
        let text = "id;name\nada;Zoë\n";
        let wide: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
        let cases: [(Vec<u8>, &str); 7] = [
            (text.into(), "UTF-8, separated by semicolons"),
            ([b"\xEF\xBB\xBF", text.as_bytes()].concat(), "UTF-8 with a mark"),
            ([b"\xFF\xFE".to_vec(), little.clone()].concat(), "UTF-16 (little-endian)"),
            ([b"\xFE\xFF".to_vec(), big].concat(), "UTF-16 (big-endian)"),
            (little, "UTF-16 without a mark"),
            (latin, "Latin-1"),
            (text.replace(';', "\t").into(), "separated by tabs"),
        ];
        for (octets, said) in cases {
            let roster = parse(&octets).expect("a roster");
            assert_eq!((ids(&roster), roster.students[0].name.as_str()), (vec!["ada"], "Zoë"), "{said}");
            assert!(roster.notes[0].contains(said), "{:?}", roster.notes);
        }
        let excel = parse(b"sep=;\r\nid;name\r\nada;A\r\n").expect("a roster");
        assert_eq!(ids(&excel), ["ada"]);
    }

    #[test]
    fn a_duplicate_is_named_with_both_its_lines() {
        assert_eq!(error("id,name\nada,A\nbob,B\nAda,C\n"), "lines 2 and 4 have the same id \"Ada\"");
        assert!(error("id,email\na,x@y\nb,X@y\n").starts_with("lines 2 and 3 have the same email"));
    }

    #[test]
    fn an_id_that_cannot_name_a_file_is_refused() {
        for id in ["../x", "a/b", "-rf", ".hidden", "é", "a b"] {
            let error = error(&format!("id,name\n{id},A\n"));
            assert!(error.starts_with("line 2: ") && error.contains("cannot name files"), "{error}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        assert!(error("").starts_with("is empty"));
        assert_eq!(error("id,name\n"), "has no students");
        assert!(error("name,mark\nA,1\n").contains("tells students apart"));
        assert_eq!(error("id,name\nada,A\n,B\n"), "has no \"id\" in line 3");
        assert_eq!(error("id,id\na,b\n"), "has two columns \"id\"");
    }
}
