//! `cargo xtask grade publish RESULTS`: the class page, everyone's feedback, and the grade books, from the records.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use harness::report::exit;

use crate::grade::publish::{self, Published};
use crate::terminal;

const EXIT_STATUS: &str = "\
Exit status:
    0  everything is written, with everyone's points
    1  everything is written, and somebody's points are left blank
    2  the command line makes no sense, or these are no results";

/// Write the class page, a page for each student, and grade books for Canvas and Moodle
#[derive(clap::Args)]
#[command(after_help = EXIT_STATUS)]
#[group(id = "publish")]
pub struct Args {
    /// A folder of results
    #[arg(value_name = "RESULTS")]
    results: PathBuf,
    /// The results of an earlier run: the class page says what changed
    #[arg(long, value_name = "RESULTS")]
    since: Option<PathBuf>,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let Published { students, blank } = publish::publish(&args.results, args.since.as_deref())?;
    terminal::show(|page| {
        if !blank.is_empty() {
            let words = format!(
                "left blank in the grade books, since somebody has to look first: {}",
                shortened(&blank).join(", ")
            );
            page.prose("", "  ", &words);
        }
        let folder = args.results.display();
        let files = "class.html, feedback/, canvas.csv and moodle.csv";
        page.prose("", "  ", &format!("{students} results in {folder}: {files}"));
    })?;
    Ok(ExitCode::from(if blank.is_empty() { exit::PASSED } else { exit::FAILED }))
}

/// The class page has them all.
fn shortened(ids: &[String]) -> Vec<String> {
    const FEW: usize = 20;
    let mut few: Vec<String> = ids.iter().take(FEW).cloned().collect();
    if ids.len() > FEW {
        few.push(format!("and {} more", ids.len() - FEW));
    }
    few
}
