//! Reads from a failure that the program stopped at a step of the starter that is not written yet.
//!
//! A starter's gaps are `todo!("step 3: read a request")`, so the panic names the step and its line.

use super::{FailureReport, Program};

const PANIC: &str = "not yet implemented: step ";

/// A step of the starter that is still to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    pub step: u32,
    /// What is to be done in it: `read a request`.
    pub name: String,
    /// `src/server.rs:18`, where the panic said so.
    pub at: Option<String>,
}

/// The step at which the program stopped, if that is what happened.
pub fn find(report: &FailureReport, program: &Program) -> Option<Unwritten> {
    let gap = gap(report)?;
    Some(Unwritten { at: gap.at.map(|at| within(program, at)), ..gap })
}

/// Whether [`find`] would find a step.
pub fn stopped(report: &FailureReport) -> bool {
    gap(report).is_some()
}

fn gap(report: &FailureReport) -> Option<Unwritten> {
    let failure = &report.failure;
    let lines = [&failure.excerpt, &failure.notes, &report.steps].map(|lines| lines.join("\n"));
    read(&failure.seen).or_else(|| lines.iter().find_map(|text| read(text)))
}

fn read(text: &str) -> Option<Unwritten> {
    let start = text.find(PANIC)?;
    let (step, rest) = text[start + PANIC.len()..].split_once(':')?;
    let name = rest.lines().next().unwrap_or_default().trim();
    Some(Unwritten { step: step.parse().ok()?, name: name.to_owned(), at: location(&text[..start]) })
}

/// From `thread 'main' panicked at src/server.rs:18:5:` the part before the column.
fn location(before: &str) -> Option<String> {
    let (_, after) = before.rsplit_once("panicked at ")?;
    let place = after.split_whitespace().next()?.trim_end_matches(':');
    let (line, _column) = place.rsplit_once(':')?;
    Some(line.to_owned())
}

/// Cargo names files from the package; a person looks from where the command was typed.
fn within(program: &Program, at: String) -> String {
    let origin = program.origin.trim_end_matches('/');
    if program.build_ms.is_none()
        || matches!(origin, "" | ".")
        || at.starts_with('/')
        || at.starts_with(origin)
    {
        at
    } else {
        format!("{origin}/{at}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_at_a_step_gives_its_number_name_and_line() {
        let panic =
            "thread 'main' (71) panicked at src/server.rs:18:5:\nnot yet implemented: step 1: bind\nnote";
        assert_eq!(
            read(panic),
            Some(Unwritten { step: 1, name: "bind".into(), at: Some("src/server.rs:18".into()) })
        );
    }

    #[test]
    fn other_panics_are_no_gaps() {
        assert_eq!(read("thread 'main' panicked at src/a.rs:1:2:\nnot yet implemented"), None);
        assert_eq!(read("not yet implemented: step one: bind"), None);
    }

    #[test]
    fn a_line_is_named_from_where_the_command_was_typed() {
        let program =
            |origin: &str, build_ms| Program { what: String::new(), origin: origin.into(), build_ms };
        let at = |program: Program| within(&program, "src/a.rs:1".into());
        assert_eq!(at(program("labs/lab1", Some(9))), "labs/lab1/src/a.rs:1");
        assert_eq!(at(program("src", Some(9))), "src/a.rs:1");
        assert_eq!(at(program("./server", None)), "src/a.rs:1");
    }
}
