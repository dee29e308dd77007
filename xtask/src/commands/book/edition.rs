//! The two books made of one source, and the passages that stand in one of them only.
//!
//! ```text
//! {{whole}}
//! with the code of the solution
//! {{students}}
//! without
//! {{end}}
//! ```

use std::fmt;

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;

use super::markdown::Fences;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Edition {
    /// Everything, for those who teach or carry the kit on
    Whole,
    /// Without the solutions' code, for a handout
    Students,
}

impl Edition {
    pub fn name(self) -> &'static str {
        match self {
            Edition::Whole => "whole",
            Edition::Students => "students",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Edition::Whole => "the whole book",
            Edition::Students => "the students' book",
        }
    }

    /// The text without the passages of the other edition.
    pub fn of(self, text: &str) -> Result<String> {
        let mut kept = String::new();
        let mut only = None;
        let mut fences = Fences::default();
        for line in text.lines() {
            let marker = if fences.is_code(line) { None } else { Marker::read(line) };
            match marker {
                Some(Marker::Only(edition)) => only = Some(edition),
                Some(Marker::End) => {
                    ensure!(only.is_some(), "{{{{end}}}} ends nothing");
                    only = None;
                }
                None if only.is_none_or(|only| only == self) => {
                    kept.push_str(line);
                    kept.push('\n');
                }
                None => {}
            }
        }
        if let Some(edition) = only {
            bail!("{{{{{edition}}}}} has no {{{{end}}}}");
        }
        Ok(kept)
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

enum Marker {
    Only(Edition),
    End,
}

impl Marker {
    fn read(line: &str) -> Option<Self> {
        match line.trim() {
            "{{whole}}" => Some(Marker::Only(Edition::Whole)),
            "{{students}}" => Some(Marker::Only(Edition::Students)),
            "{{end}}" => Some(Marker::End),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_stands_in_its_edition_only() {
        let text = "a\n{{whole}}\nb\n{{students}}\nc\n{{end}}\nd\n";
        assert_eq!(Edition::Whole.of(text).unwrap(), "a\nb\nd\n");
        assert_eq!(Edition::Students.of(text).unwrap(), "a\nc\nd\n");
    }

    #[test]
    fn a_marker_in_a_listing_is_text() {
        let text = "```text\n{{whole}}\n```\n";
        assert_eq!(Edition::Students.of(text).unwrap(), text);
    }

    #[test]
    fn a_passage_that_does_not_end_is_refused() {
        assert!(Edition::Whole.of("{{whole}}\na\n").is_err());
        assert!(Edition::Whole.of("a\n{{end}}\n").is_err());
    }
}
