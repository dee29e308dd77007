//! Listings from the solutions, by the regions from which the starters are made (`ANCHOR: step3_parse_head`).
//!
//! A listing is the whole item around a region: its documentation, its signature, its body. In the students' edition
//! the body is what stands in the starter.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use harness::check::Lab;

use super::markdown::fenced;
use crate::commands::starters::regions;
use crate::folder;
use crate::workspace;

/// Steps are fewer.
const EVERY_STEP: u32 = u32::MAX;

/// How much of the solution's code is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Body {
    Solution,
    Starter,
}

/// One item, named by a region in it.
pub fn item(lab: Lab, file: &str, region: &str, body: Body) -> Result<String> {
    let text = fs::read_to_string(workspace::solution(lab).join(file))
        .with_context(|| format!("cannot read the solution's {file}"))?;
    let code = items(&text, |name| name == region, body)?;
    ensure!(!code.is_empty(), "{file} has no region {region}");
    Ok(fenced("rust", &code))
}

/// All that a step asks for, a listing a file.
pub fn step(lab: Lab, number: u32, body: Body) -> Result<String> {
    let solution = workspace::solution(lab);
    let prefix = format!("step{number}_");
    let mut listings = Vec::new();
    for path in sources(&solution)? {
        let text = fs::read_to_string(solution.join(&path))
            .with_context(|| format!("cannot read the solution's {}", path.display()))?;
        let code = items(&text, |name| name.starts_with(&prefix), body)
            .with_context(|| path.display().to_string())?;
        if !code.is_empty() {
            listings.push(format!("`{}`\n\n{}", path.display(), fenced("rust", &code)));
        }
    }
    ensure!(!listings.is_empty(), "{lab} has no step {number}");
    Ok(listings.join("\n"))
}

fn sources(solution: &Path) -> Result<Vec<PathBuf>> {
    let mut files = folder::files(solution)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    Ok(files)
}

/// The items of `text` around the regions that are wanted, each in the frame (`impl …`) in which it stands.
fn items(text: &str, wanted: impl Fn(&str) -> bool, body: Body) -> Result<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut code = String::new();
    let mut frame = None;
    let mut last = None;
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| region(line).is_some_and(&wanted)) {
        let item = around(&lines, at)?;
        // Two regions of one item are one listing.
        if last.as_ref() == Some(&item) {
            continue;
        }
        let inside = enclosing(&lines, *item.start());
        if inside != frame {
            close(&mut code, frame);
            if !code.is_empty() {
                code.push('\n');
            }
            if let Some(opening) = inside {
                code.push_str(&format!("{opening}\n"));
            }
            frame = inside;
        } else if !code.is_empty() {
            code.push('\n');
        }
        code.push_str(&shown(&lines[item.clone()].join("\n"), body)?);
        last = Some(item);
    }
    close(&mut code, frame);
    Ok(code)
}

fn close(code: &mut String, frame: Option<&str>) {
    if frame.is_some() {
        code.push_str("}\n");
    }
}

fn shown(item: &str, body: Body) -> Result<String> {
    let through = if body == Body::Solution { EVERY_STEP } else { 0 };
    let stripped = regions::strip(item, through)?;
    Ok(stripped.map(|stripped| stripped.text).unwrap_or_default())
}

/// The name of the region that opens at this line.
fn region(line: &str) -> Option<&str> {
    line.trim().strip_prefix("// ANCHOR:").map(str::trim)
}

/// The lines of the item in which line `at` stands, its documentation included.
fn around(lines: &[&str], at: usize) -> Result<RangeInclusive<usize>> {
    let (mut head, mut depth) = (at, indent(lines[at]));
    while !opens_item(lines[head]) {
        // A signature over several lines goes on where it began.
        let goes_on = lines[head].trim_start().starts_with([')', '{']) || lines[head].trim() == "where";
        let above = |n: &usize| {
            let there = indent(lines[*n]);
            !blank(lines[*n]) && (there < depth || goes_on && there == depth)
        };
        let Some(opening) = (0..head).rev().find(above) else { break };
        (head, depth) = (opening, indent(lines[opening]));
    }
    ensure!(opens_item(lines[head]), "line {}: there is no item around this region", at + 1);
    let end = (at..lines.len())
        .find(|&n| !blank(lines[n]) && indent(lines[n]) == depth && n > head)
        .with_context(|| format!("line {}: the item does not end", head + 1))?;
    let is_above = |line: &str| {
        let line = line.trim_start();
        line.starts_with("///") || line.starts_with("#[")
    };
    let start = (0..head).rev().take_while(|&n| is_above(lines[n])).last().unwrap_or(head);
    Ok(start..=end)
}

/// The line that opens the block in which line `at` stands, where it is not the file itself.
fn enclosing<'a>(lines: &[&'a str], at: usize) -> Option<&'a str> {
    let depth = indent(lines[at]);
    (0..at).rev().map(|n| lines[n]).find(|line| !blank(line) && indent(line) < depth)
}

fn opens_item(line: &str) -> bool {
    const ITEMS: [&str; 3] = ["fn", "const", "static"];
    let words: BTreeSet<&str> = line.split_whitespace().take(4).collect();
    ITEMS.iter().any(|item| words.contains(item)) && !line.trim_start().starts_with("//")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn blank(line: &str) -> bool {
    line.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
use std::io;

impl Queue {
    /// Adds.
    fn push(
        &self,
        item: u8,
    ) -> bool {
        let all = self.all();
        // ANCHOR: step2_push
        if all {
            return false;
        }

        true
        // ANCHOR_END: step2_push
    }

    fn pop(&self) -> u8 {
        // ANCHOR: step2_pop
        // STARTER: 0 // step 2: pop
        7
        // ANCHOR_END: step2_pop
    }
}
";

    fn code(region: &str, body: Body) -> String {
        items(SOURCE, |name| name.starts_with(region), body).expect("well marked")
    }

    #[test]
    fn a_listing_is_the_item_around_its_region_within_its_frame() {
        assert_eq!(
            code("step2_push", Body::Solution),
            "impl Queue {\n    /// Adds.\n    fn push(\n        &self,\n        item: u8,\n    ) -> bool {\n        let all = self.all();\n        if all {\n            return false;\n        }\n\n        true\n    }\n}\n"
        );
    }

    #[test]
    fn a_student_is_shown_what_the_starter_has() {
        assert_eq!(
            code("step2_pop", Body::Starter),
            "impl Queue {\n    fn pop(&self) -> u8 {\n        0 // step 2: pop\n    }\n}\n"
        );
        assert!(code("step2_push", Body::Starter).contains("        todo!(\"step 2: push\")\n    }\n"));
    }

    #[test]
    fn items_of_one_frame_stand_in_it_together() {
        assert_eq!(code("step2", Body::Solution).matches("impl Queue").count(), 1);
    }

    #[test]
    fn every_step_of_every_lab_has_a_listing_and_none_of_a_students_has_a_body() {
        for lab in Lab::ALL {
            let steps = (1..).map_while(|number| {
                let whole = step(*lab, number, Body::Solution).ok()?;
                Some((number, whole, step(*lab, number, Body::Starter).expect("a starter")))
            });
            let mut count = 0;
            for (number, whole, starter) in steps {
                assert!(!whole.contains("ANCHOR") && !starter.contains("ANCHOR"), "{lab} step {number}");
                assert!(whole != starter, "{lab} step {number}");
                count = number;
            }
            assert!(count > 5, "{lab} has {count} steps");
        }
    }
}
