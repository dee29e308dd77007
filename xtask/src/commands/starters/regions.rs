//! What a starter keeps of one file of its solution.
//!
//! A line comment (`//` in Rust, `#` in TOML) can carry a marker:
//!
//! | marker in the solution | in the starter |
//! |---|---|
//! | `ANCHOR: step3_parse_head` … `ANCHOR_END: step3_parse_head` | `todo!("step 3: parse head")` |
//! | `ANCHOR: extra_step3_helpers` … `ANCHOR_END: extra_step3_helpers` | nothing |
//! | `STARTER: text` | `text`; inside a region, instead of the `todo!` |
//! | `SOLUTION ONLY`, on the first line | no such file |
//!
//! A step's region is a function's body, or the rest of it after what is given: no code follows a `todo!` in
//! its block. An extra region holds what only such a body uses. Regions neither nest nor share a name.
//!
//! Lines that stand in for a step (`STARTER`) let the program run before that step is written: until connections
//! persist, each is closed after one answer.

use std::fmt;

/// A file of the starter, and the steps in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Stripped {
    pub text: String,
    pub steps: Vec<Step>,
}

/// Something for the student to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub number: u32,
    /// `parse head`.
    pub name: String,
    /// In the solution, counted from 1.
    pub line: usize,
}

/// A marker that makes no sense where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct RegionError {
    /// Counted from 1.
    pub line: usize,
    pub why: String,
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for RegionError {}

/// The starter's form of `text`, with the regions of the steps up to `through` as the solution has them; `None`
/// for a file that only the solution has.
pub fn strip(text: &str, through: u32) -> Result<Option<Stripped>, RegionError> {
    let mut stripper = Stripper { through, ..Stripper::default() };
    for (line, words) in (1..).zip(text.lines()) {
        let indent = &words[..words.len() - words.trim_start().len()];
        let taken = match Marker::read(words) {
            Some(Marker::SolutionOnly) if line == 1 => return Ok(None),
            Some(Marker::SolutionOnly) => Err("SOLUTION ONLY stands on the first line of a file".to_owned()),
            Some(Marker::Open(name)) => stripper.open(name, line, indent),
            Some(Marker::Close(name)) => stripper.close(name),
            Some(Marker::Starter(text)) => stripper.starter(indent, text),
            None => stripper.line(words),
        };
        taken.map_err(|why| RegionError { line, why })?;
    }
    match stripper.open {
        Some(Region { name, line, .. }) => Err(RegionError { line, why: format!("{name} is not closed") }),
        None => Ok(Some(Stripped { text: stripper.kept, steps: stripper.steps })),
    }
}

/// What is known between two lines.
#[derive(Default)]
struct Stripper<'a> {
    through: u32,
    kept: String,
    steps: Vec<Step>,
    /// Of all regions so far.
    names: Vec<&'a str>,
    open: Option<Region<'a>>,
    /// A step's region has ended, and nothing but blank lines came since.
    after_step: bool,
}

struct Region<'a> {
    name: &'a str,
    /// Where it opened.
    line: usize,
    fate: Fate,
}

/// What becomes of a region's lines.
enum Fate {
    /// They stay.
    Kept,
    /// They go; what stands in for them, if anything does, is in its place.
    LeftOut,
    /// They go, and unless something else stands in for them this line does.
    Todo(String),
}

impl<'a> Stripper<'a> {
    fn open(&mut self, name: &'a str, line: usize, indent: &str) -> Result<(), String> {
        if let Some(outer) = &self.open {
            return Err(format!("{name} opens inside {}, and regions do not nest", outer.name));
        }
        if self.names.contains(&name) {
            return Err(format!("{name} is in this file twice"));
        }
        let kind = Kind::read(name).ok_or(format!("{name} is neither stepN_name nor extra_stepN_name"))?;
        self.names.push(name);
        let fate = match &kind {
            Kind::Step { number, .. } | Kind::Extra { number } if (1..=self.through).contains(number) => {
                Fate::Kept
            }
            Kind::Step { number, name } => Fate::Todo(format!("{indent}todo!(\"step {number}: {name}\")")),
            Kind::Extra { .. } => Fate::LeftOut,
        };
        if let Kind::Step { number, name } = kind {
            self.steps.push(Step { number, name, line });
        }
        self.open = Some(Region { name, line, fate });
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        match self.open.take() {
            Some(Region { name: opened, .. }) if opened != name => {
                return Err(format!("{name} ends where {opened} is open"));
            }
            Some(Region { fate: Fate::Todo(todo), .. }) => {
                self.keep(&todo)?;
                self.after_step = true;
            }
            Some(_) => {}
            None => return Err(format!("{name} ends and was not opened")),
        }
        Ok(())
    }

    fn starter(&mut self, indent: &str, text: &str) -> Result<(), String> {
        match &mut self.open {
            Some(Region { fate: Fate::Kept, .. }) => return Ok(()),
            Some(region) => region.fate = Fate::LeftOut,
            None => {}
        }
        self.keep(&format!("{indent}{text}"))
    }

    fn line(&mut self, words: &str) -> Result<(), String> {
        match &self.open {
            Some(Region { fate: Fate::LeftOut | Fate::Todo(_), .. }) => Ok(()),
            _ => self.keep(words),
        }
    }

    fn keep(&mut self, words: &str) -> Result<(), String> {
        if self.after_step && !words.trim().is_empty() {
            if !words.trim_start().starts_with('}') {
                return Err(
                    "this line stands behind a step in its block, and would follow a todo!".to_owned()
                );
            }
            self.after_step = false;
        }
        self.kept.push_str(words);
        self.kept.push('\n');
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Marker<'a> {
    Open(&'a str),
    Close(&'a str),
    Starter(&'a str),
    SolutionOnly,
}

impl<'a> Marker<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let comment = line.strip_prefix("//").or_else(|| line.strip_prefix('#'))?.trim_start();
        let after = |word| comment.strip_prefix(word).map(str::trim);
        if let Some(name) = after("ANCHOR:") {
            Some(Marker::Open(name))
        } else if let Some(name) = after("ANCHOR_END:") {
            Some(Marker::Close(name))
        } else if let Some(text) = after("STARTER:") {
            Some(Marker::Starter(text))
        } else {
            after("SOLUTION ONLY").map(|_| Marker::SolutionOnly)
        }
    }
}

enum Kind {
    Step { number: u32, name: String },
    Extra { number: u32 },
}

impl Kind {
    fn read(region: &str) -> Option<Self> {
        let (extra, step) = match region.strip_prefix("extra_") {
            Some(step) => (true, step),
            None => (false, region),
        };
        let (number, name) = step.strip_prefix("step")?.split_once('_')?;
        let number: u32 = number.parse().ok()?;
        let well_formed = (extra || number > 0)
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        well_formed.then(|| match extra {
            true => Kind::Extra { number },
            false => Kind::Step { number, name: name.replace('_', " ") },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(solution: &str) -> String {
        through(solution, 0)
    }

    fn through(solution: &str, step: u32) -> String {
        strip(solution, step).expect("well marked").expect("in the starter").text
    }

    fn error(solution: &str) -> String {
        strip(solution, 0).expect_err("ill marked").to_string()
    }

    #[test]
    fn a_step_becomes_a_todo_with_the_indentation_of_its_marker() {
        let solution = "/// Adds.\nfn add(a: u8) -> u8 {\n    // ANCHOR: step2_add_up\n    a + 1\n    // ANCHOR_END: step2_add_up\n}\n";
        assert_eq!(text(solution), "/// Adds.\nfn add(a: u8) -> u8 {\n    todo!(\"step 2: add up\")\n}\n");
        let steps = strip(solution, 0).unwrap().unwrap().steps;
        assert_eq!(steps, [Step { number: 2, name: "add up".into(), line: 3 }]);
    }

    #[test]
    fn an_extra_region_vanishes_and_a_starter_line_appears() {
        let solution = "// STARTER: #![allow(dead_code)] // for now\n// ANCHOR: extra_step1_uses\nuse a::B;\n// ANCHOR_END: extra_step1_uses\nmod c;\n";
        assert_eq!(text(solution), "#![allow(dead_code)] // for now\nmod c;\n");
    }

    #[test]
    fn what_stands_in_for_a_step_goes_when_the_step_is_kept() {
        let solution = "fn f() {\n    // ANCHOR: step2_go\n    // STARTER: h();\n    g()\n    // ANCHOR_END: step2_go\n}\n";
        assert_eq!(text(solution), "fn f() {\n    h();\n}\n");
        assert_eq!(through(solution, 1), text(solution));
        assert_eq!(through(solution, 2), "fn f() {\n    g()\n}\n");
    }

    #[test]
    fn a_kept_step_brings_what_it_uses() {
        let solution = "// ANCHOR: extra_step1_uses\nuse a::B;\n// ANCHOR_END: extra_step1_uses\n// ANCHOR: extra_step0_bench\nuse c::D;\n// ANCHOR_END: extra_step0_bench\n";
        assert_eq!(through(solution, 1), "use a::B;\n");
    }

    #[test]
    fn a_manifest_is_marked_with_its_own_comments() {
        let solution = "[package]\n# ANCHOR: extra_step0_bench\n[[bench]]\n# ANCHOR_END: extra_step0_bench\n";
        assert_eq!(text(solution), "[package]\n");
    }

    #[test]
    fn a_file_that_only_the_solution_has_is_left_out() {
        assert_eq!(strip("// SOLUTION ONLY: the fast path\nfn f() {}\n", 0), Ok(None));
    }

    #[test]
    fn a_marker_out_of_place_is_named_with_its_line() {
        let nested = "// ANCHOR: extra_step1_a\n// ANCHOR: extra_step1_b\n// ANCHOR_END: extra_step1_b\n// ANCHOR_END: extra_step1_a\n";
        assert_eq!(
            error(nested),
            "line 2: extra_step1_b opens inside extra_step1_a, and regions do not nest"
        );
        assert_eq!(error("x\n// ANCHOR: extra_step1_a\n"), "line 2: extra_step1_a is not closed");
        assert_eq!(error("// ANCHOR_END: step1_a\n"), "line 1: step1_a ends and was not opened");
        assert_eq!(
            error("// ANCHOR: extra_step1_a\n// ANCHOR_END: extra_step1_b\n"),
            "line 2: extra_step1_b ends where extra_step1_a is open"
        );
        assert_eq!(
            error("// ANCHOR: stage1_a\n"),
            "line 1: stage1_a is neither stepN_name nor extra_stepN_name"
        );
        let twice = "// ANCHOR: extra_step1_a\n// ANCHOR_END: extra_step1_a\n".repeat(2);
        assert_eq!(error(&twice), "line 3: extra_step1_a is in this file twice");
    }

    #[test]
    fn what_stands_before_a_step_is_given() {
        let solution =
            "fn f() {\n    let a = 1;\n    // ANCHOR: step1_go\n    g(a)\n    // ANCHOR_END: step1_go\n}\n";
        assert_eq!(text(solution), "fn f() {\n    let a = 1;\n    todo!(\"step 1: go\")\n}\n");
    }

    #[test]
    fn a_step_that_does_not_end_its_block_is_refused() {
        let tail = "fn f() {\n    // ANCHOR: step1_go\n    g()\n    // ANCHOR_END: step1_go\n    h()\n}\n";
        assert_eq!(
            error(tail),
            "line 5: this line stands behind a step in its block, and would follow a todo!"
        );
    }
}
