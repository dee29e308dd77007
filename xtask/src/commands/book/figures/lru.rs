//! The cache's list before and after a hit, and what goes when another page comes.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::svg::{Anchor, Drawing, Stroke};
use crate::workspace;

const CELL: f32 = 44.0;
const WIDTH: u32 = 340;

/// Asks the solution's own list.
pub fn draw() -> Result<String> {
    let ran = Command::new(workspace::cargo())
        .args(["run", "--quiet", "--package", "lab2-caching-proxy", "--example", "lru-order"])
        .current_dir(workspace::root())
        .output()
        .context("cannot run cargo")?;
    ensure!(ran.status.success(), "lru-order: {}", String::from_utf8_lossy(&ran.stderr).trim_end());
    rows(&String::from_utf8_lossy(&ran.stdout))
}

/// A line of the example is `what happened: oldest … newest`, and `| evicted` behind it.
fn rows(printed: &str) -> Result<String> {
    let mut drawing =
        Drawing::new(WIDTH, "The list of a cache with four places", &printed.replace('\n', ". "));
    let mut y = 16.0;
    for line in printed.lines() {
        let (what, rest) = line.split_once(": ").with_context(|| format!("lru-order printed {line:?}"))?;
        let (kept, gone) = rest.split_once(" | ").unwrap_or((rest, ""));
        drawing.text((4.0, y), Anchor::Start, what);
        y += 10.0;
        // The newest stands at the left.
        let mut x = 52.0;
        drawing.text((4.0, y + 18.0), Anchor::Start, "newest");
        for (index, key) in kept.split(' ').rev().enumerate() {
            if index > 0 {
                drawing.arrow(&[(x - 14.0, y + 14.0), (x, y + 14.0)], Stroke::Plain);
            }
            drawing.framed((x, y), (CELL - 14.0, 28.0), Stroke::Plain, key);
            x += CELL;
        }
        drawing.text((x - 8.0, y + 18.0), Anchor::Start, "oldest");
        if !gone.is_empty() {
            x += 44.0;
            drawing.framed((x, y), (CELL - 14.0, 28.0), Stroke::Dashed, gone);
            drawing.text((x, y + 42.0), Anchor::Start, "gone");
        }
        y += 56.0;
    }
    ensure!(y > 100.0, "lru-order printed nothing");
    Ok(drawing.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_evicted_stands_apart() {
        let drawn = rows("at first: a b\nthen c comes: b c | a\n").expect("two rows");
        assert_eq!(drawn.matches("<rect").count(), 5);
        assert_eq!(drawn.matches(">gone<").count(), 1);
        assert!(rows("").is_err() && rows("panicked\n").is_err());
    }
}
