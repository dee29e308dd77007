//! The drawings, each from what a program did or from the code it is about; kept in `book/generated/figures/`.
//!
//! | directive | drawing | from |
//! |---|---|---|
//! | `{{ladder web.start.answers}}` | who sent what to whom; with a number behind it, the first so many messages | the journal of that check, run on the solution |
//! | `{{machine 1 2}}` | the states of a mail's dialogue | the rows of these steps in lab 4's transition table |
//! | `{{lru}}` | the cache's list, before and after a hit | what lab 2's list evicts, and in which order |
//! | `{{pool}}` | who serves, who waits and where | lab 1's server with more clients than workers |
//! | `{{timeline}}` | requests, replies and losses over time | lab 3's ping on a network that follows a script |

mod ladder;
mod lru;
mod machine;
mod pool;
mod svg;
mod timeline;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use harness::check::Check;

use super::generated::{self, Generated};
use super::links;
use super::runs::Runs;

/// A drawing that a page asks for.
pub enum Figure {
    /// With so many of its messages.
    Ladder(&'static Check, usize),
    Machine(Vec<u32>),
    Lru,
    Pool,
    Timeline,
}

impl Figure {
    /// Below `book/generated`.
    pub fn file(&self) -> PathBuf {
        let name = match self {
            Figure::Ladder(check, _) => format!("ladder.{}", check.id),
            Figure::Machine(steps) => {
                format!("machine.{}", steps.iter().map(u32::to_string).collect::<Vec<_>>().join("-"))
            }
            Figure::Lru => "lru".to_owned(),
            Figure::Pool => "pool".to_owned(),
            Figure::Timeline => "timeline".to_owned(),
        };
        PathBuf::from(format!("figures/{name}.svg"))
    }

    fn draw(&self, runs: &mut Runs) -> Result<String> {
        match self {
            Figure::Ladder(check, count) => ladder::draw(check, *count, runs),
            Figure::Machine(steps) => machine::draw(steps),
            Figure::Lru => lru::draw(),
            Figure::Pool => pool::draw(runs),
            Figure::Timeline => timeline::draw(runs),
        }
    }

    /// The drawing within a page, and where it comes from.
    pub fn shown(&self) -> Result<String> {
        let (drawing, from) = (generated::read(&self.file())?, self.origin());
        Ok(format!("<figure>\n{}\n<figcaption>{from}</figcaption>\n</figure>\n\n", drawing.trim_end()))
    }

    /// The drawing as a file that a page at this place leads to.
    pub fn linked(&self, page: &Path) -> String {
        let file = links::from(page, &self.file().display().to_string());
        format!("![{}]({file})\n\n", self.origin())
    }

    fn origin(&self) -> String {
        match self {
            Figure::Ladder(check, _) => format!("From a run of {} on the solution", check.id),
            Figure::Machine(_) => "From the solution's transition table".to_owned(),
            Figure::Lru => "From what the solution's list evicts".to_owned(),
            Figure::Pool => "From a run of the solution".to_owned(),
            Figure::Timeline => "From a run of the solution on a scripted network".to_owned(),
        }
    }
}

/// Draws them all, by file.
pub fn run(figures: &[Figure]) -> Result<Generated> {
    let mut runs = Runs::new()?;
    figures
        .iter()
        .map(|figure| {
            let file = figure.file();
            let drawing = figure.draw(&mut runs).with_context(|| file.display().to_string())?;
            Ok((file, drawing))
        })
        .collect()
}
