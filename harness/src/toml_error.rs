//! What is wrong in a file of TOML that a person wrote: the line, the column, carets, and where it can the mend.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What is wrong in a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlError {
    pub path: PathBuf,
    /// Both count from 1; columns are characters.
    pub line: usize,
    pub column: usize,
    pub what: String,
    /// The line, and how many of its characters from `column` on are meant.
    excerpt: (String, usize),
}

/// `dir/wirelab.toml:4:1: …`, then the line with carets under the words in question.
impl fmt::Display for TomlError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { path, line, column, what, excerpt: (text, width) } = self;
        writeln!(f, "{}:{line}:{column}: {what}", path.display())?;
        let number = line.to_string();
        writeln!(f, "  {number} | {text}")?;
        write!(f, "  {:1$} | {2:3$}{4}", "", number.len(), "", column - 1, "^".repeat((*width).max(1)))
    }
}

impl std::error::Error for TomlError {}

impl TomlError {
    /// `span` are octets of `text`; `path` is what it says where it was.
    pub fn at(path: &Path, text: &str, span: Range<usize>, what: String) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let meant = text.get(span).and_then(|meant| meant.lines().next()).unwrap_or_default();
        TomlError {
            path: path.into(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what,
            excerpt: (line.into(), meant.chars().count()),
        }
    }
}

/// The parser's words in one line; an unknown key is told with the nearest.
pub fn explained(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field")
        && let Some(name) = names.next()
    {
        return unknown("key", name, &names.collect::<Vec<_>>());
    }
    message.trim_end().replace('\n', ", ")
}

/// `there is no model threads; there are pool, fork`, or with the nearest name where one is near.
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("there is no {kind} {name:?}; did you mean {near:?}?"),
        None => format!("there is no {kind} {name:?}; there is {}", known.join(", ")),
    }
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |known: &&&str| strsim::damerau_levenshtein(name, known);
    known.iter().min_by_key(distance).filter(|known| distance(known) <= 2).copied()
}
