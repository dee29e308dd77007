//! The states of a mail's dialogue, one below the other, from the transition table of lab 4's solution.
//!
//! What leads to the state below is an arrow down; all else leaves its box at the right, and runs to its end in a
//! lane of its own.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use harness::check::Lab;

use super::svg::{Anchor, Drawing, Stroke};
use crate::workspace;

const TABLE: &str = "src/smtp/machine.rs";

const BOX_WIDTH: f32 = 104.0;
const LEFT: f32 = 4.0;
const LINE: f32 = 17.0;
/// Where the first lane runs.
const LANES: f32 = 300.0;
const LANE: f32 = 9.0;

/// Draws the rows of these steps.
pub fn draw(steps: &[u32]) -> Result<String> {
    let path = workspace::solution(Lab::Lab4).join(TABLE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let edges = edges(&text, steps);
    ensure!(!edges.is_empty(), "the table has no rows of these steps");
    Ok(drawn(&edges))
}

/// From one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edge {
    from: String,
    to: String,
    /// What came, and what is done: `2yz: say EHLO`.
    words: String,
}

/// The rows in the regions of these steps, those with the same end and action as one.
fn edges(text: &str, steps: &[u32]) -> Vec<Edge> {
    let mut within = false;
    let mut rows: Vec<(String, String, String, Vec<String>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(region) = line.strip_prefix("// ANCHOR: ") {
            within = steps.iter().any(|step| region.starts_with(&format!("step{step}_")));
        } else if line.starts_with("// ANCHOR_END") {
            within = false;
        }
        let Some(row) = line.strip_prefix("row(").and_then(|row| row.strip_suffix("),")) else { continue };
        let cells: Vec<&str> = row.split(',').map(str::trim).collect();
        let ([from, came, action, to], true) = (cells.as_slice(), within) else { continue };
        let (from, to, action) = (state(from), state(to), self::action(action));
        let came = self::came(came);
        match rows.iter_mut().find(|row| (&row.0, &row.1, &row.2) == (&from, &to, &action)) {
            Some(row) => row.3.push(came),
            None => rows.push((from, to, action, vec![came])),
        }
    }
    let joined = |came: Vec<String>, action: String| match (came.join(", "), action) {
        (came, action) if action.is_empty() => came,
        (came, action) if came.is_empty() => action,
        (came, action) => format!("{came}: {action}"),
    };
    rows.into_iter().map(|(from, to, action, came)| Edge { from, to, words: joined(came, action) }).collect()
}

fn state(name: &str) -> String {
    match name.strip_prefix("Choose") {
        Some(question) => format!("{question}?"),
        None => spaced(name),
    }
}

fn came(name: &str) -> String {
    let digits = match name {
        "Done" => "2yz",
        "Ready" => "220",
        "GoOn" => "3yz",
        "TryAgain" => "4yz",
        "Never" => "5yz",
        "Closing" => "421",
        "Lost" => "no reply",
        "Anything" => "whatever",
        "Always" => "",
        _ => return spaced(name).to_lowercase(),
    };
    digits.to_owned()
}

fn action(name: &str) -> String {
    match name.strip_prefix("Say(Command::").and_then(|name| name.strip_suffix(')')) {
        Some(command) => format!("say {}", command_word(command)),
        None if name == "Nothing" => String::new(),
        None => spaced(name).to_lowercase(),
    }
}

/// A command as it is on the wire, where it is a word there.
fn command_word(name: &str) -> String {
    match name {
        "Name" | "Password" => format!("the {}", name.to_lowercase()),
        "PlainMessage" => "both".to_owned(),
        "Cancel" => "*".to_owned(),
        "Dot" => "a dot".to_owned(),
        "StartTls" => "STARTTLS".to_owned(),
        _ => spaced(name).to_uppercase(),
    }
}

/// `GroupMail` as `Group mail`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for (index, letter) in name.char_indices() {
        if index > 0 && letter.is_uppercase() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

/// A state's box.
#[derive(Clone, Copy)]
struct Place {
    top: f32,
    bottom: f32,
}

fn drawn(edges: &[Edge]) -> String {
    let mut states: Vec<&str> = Vec::new();
    for name in edges.iter().flat_map(|edge| [&edge.from, &edge.to]) {
        if !states.contains(&name.as_str()) {
            states.push(name);
        }
    }
    let below = |edge: &Edge| {
        let at = states.iter().position(|state| *state == edge.from);
        let is_next = at.and_then(|at| states.get(at + 1)).is_some_and(|next| *next == edge.to);
        let first = edges.iter().find(|other| (&other.from, &other.to) == (&edge.from, &edge.to));
        is_next && first == Some(edge)
    };
    let aside = |state: &str| edges.iter().filter(|edge| edge.from == state && !below(edge)).count();
    let entered = |state: &str| edges.iter().any(|edge| edge.to == state && !below(edge));

    let mut places = BTreeMap::new();
    let mut y = 4.0;
    for state in &states {
        let lines = aside(state) + usize::from(entered(state));
        let height = (LINE * lines as f32 + 6.0).max(24.0);
        places.insert(*state, Place { top: y, bottom: y + height });
        let leads_down = edges.iter().any(|edge| edge.from == *state && below(edge));
        y += height + if leads_down { 34.0 } else { 14.0 };
    }

    let spoken: Vec<String> =
        edges.iter().map(|Edge { from, to, words }| format!("{from}, {words}, then {to}.")).collect();
    let lanes = lanes(edges.iter().filter(|edge| !below(edge)).map(|edge| span(edge, &places)));
    let width = LANES + LANE * (lanes.iter().max().map_or(0, |lane| lane + 1)) as f32 + 8.0;
    let mut drawing = Drawing::new(width as u32, "The states of the dialogue", &spoken.join(" "));
    for state in &states {
        let Place { top, bottom } = places[state];
        drawing.framed((LEFT, top), (BOX_WIDTH, bottom - top), Stroke::Plain, state);
    }
    let mut lanes = lanes.into_iter();
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for edge in edges {
        let from = places[edge.from.as_str()];
        if below(edge) {
            let (x, end) = (LEFT + BOX_WIDTH / 2.0, places[edge.to.as_str()].top);
            drawing.arrow(&[(x, from.bottom), (x, end)], Stroke::Plain);
            drawing.text((x + 8.0, (from.bottom + end) / 2.0 + 4.0), Anchor::Start, &edge.words);
            continue;
        }
        let line = left.entry(&edge.from).or_default();
        let y = from.top + LINE * (*line as f32 + 1.0) - 2.0;
        *line += 1;
        let right = LEFT + BOX_WIDTH;
        let lane = LANES + LANE * lanes.next().unwrap_or_default() as f32;
        let end = places[edge.to.as_str()].bottom - 6.0;
        drawing.text((right + 6.0, y - 3.0), Anchor::Start, &edge.words);
        drawing.arrow(&[(right, y), (lane, y), (lane, end), (right, end)], Stroke::Plain);
    }
    drawing.finish()
}

/// Between which heights an edge runs in its lane.
fn span(edge: &Edge, places: &BTreeMap<&str, Place>) -> (f32, f32) {
    let (from, to) = (places[edge.from.as_str()], places[edge.to.as_str()]);
    (from.top.min(to.top), from.bottom.max(to.bottom))
}

/// For each span the first lane in which no other runs at its height.
fn lanes(spans: impl Iterator<Item = (f32, f32)>) -> Vec<usize> {
    let mut taken: Vec<(usize, (f32, f32))> = Vec::new();
    for (top, bottom) in spans {
        let free = |lane: usize| {
            taken.iter().all(|(other, (start, end))| *other != lane || bottom < *start || *end < top)
        };
        let lane = (0..).find(|lane| free(*lane)).unwrap_or_default();
        taken.push((lane, (top, bottom)));
    }
    taken.into_iter().map(|(lane, _)| lane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "\
// ANCHOR: step1_table
row(Rcpt,         Done,          Accept,                     ChooseRcpt),
row(ChooseRcpt,   RecipientLeft, Say(Command::Rcpt),         Rcpt),
// ANCHOR_END: step1_table
// ANCHOR: step3_table
row(Rcpt,         TryAgain,      Refuse,                     ChooseRcpt),
row(Rcpt,         Never,         Refuse,                     ChooseRcpt),
// ANCHOR_END: step3_table
";

    #[test]
    fn rows_with_one_end_and_action_are_one_edge() {
        let edges = edges(ROWS, &[3]);
        assert_eq!(
            edges,
            [Edge { from: "Rcpt".into(), to: "Rcpt?".into(), words: "4yz, 5yz: refuse".into() }]
        );
    }

    #[test]
    fn what_leads_back_runs_in_a_lane_that_is_free() {
        assert_eq!(lanes([(0.0, 10.0), (20.0, 30.0), (5.0, 25.0)].into_iter()), [0, 0, 1]);
        assert_eq!(edges(ROWS, &[1])[1].words, "recipient left: say RCPT");
    }

    #[test]
    fn each_step_with_rows_in_the_table_can_be_drawn() {
        for step in [1, 2, 3, 4, 7, 8, 9] {
            draw(&[step]).unwrap_or_else(|error| panic!("step {step}: {error}"));
        }
        assert!(draw(&[99]).is_err());
    }
}
