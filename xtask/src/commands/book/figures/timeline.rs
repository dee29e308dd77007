//! Requests over time, and what became of each: from what the solution's ping prints on a network that follows a script.
//!
//! What became of a request is what was printed. Where its reply stands is where the script sent it, since the
//! measured times are others at each run.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use harness::check::{Lab, Role};
use harness::fake::echo::Far;
use harness::fake::network::{Answer, Script};

use super::svg::{Anchor, Drawing, Stroke};
use crate::commands::book::runs::Runs;

/// Between two requests, and how long each is waited for, in ms.
const INTERVAL: u64 = 200;
const PATIENCE: u64 = 700;
const WIDTH: u32 = 380;

/// After how many ms each answer to a request leaves; with none, the request is lost.
const ANSWERS: [&[u64]; 7] = [&[120], &[], &[480], &[100], &[150, 350], &[1100], &[120]];

/// What was printed of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fate {
    replies: u32,
    timed_out: bool,
}

pub fn draw(runs: &mut Runs) -> Result<String> {
    let (printed, _) = runs.scene(Lab::Lab3, "book.timeline", |trial| {
        let script = (1..).zip(ANSWERS).fold(Script::silent(), |script, (number, answers)| {
            let ms = |after: &u64| Answer::reply().after(Duration::from_millis(*after));
            script.at(number, answers.iter().map(ms))
        });
        let far = Far::start(trial.scene(), script)?;
        let seconds = |ms: u64| format!("{}", ms as f32 / 1000.0);
        let words = [
            "127.0.0.1".to_owned(),
            "--port".to_owned(),
            far.addr().port().to_string(),
            "-c".to_owned(),
            ANSWERS.len().to_string(),
            "-i".to_owned(),
            seconds(INTERVAL),
            "-W".to_owned(),
            seconds(PATIENCE),
        ];
        let running = trial.run(Role::Ping, words.map(Into::into).to_vec())?;
        trial.wait_exit(&running, "after its last request")?;
        Ok(running.stdout().text())
    })?;
    Ok(drawn(&fates(&printed)))
}

/// By sequence number.
fn fates(printed: &str) -> BTreeMap<usize, Fate> {
    let mut fates: BTreeMap<usize, Fate> = BTreeMap::new();
    for line in printed.lines() {
        let number = |behind: &str| {
            let digits = line.split_once(behind)?.1.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<usize>().ok()
        };
        if let Some(number) = number("seq=") {
            fates.entry(number).or_default().replies += 1;
        } else if let Some(number) = number("timeout for seq ") {
            fates.entry(number).or_default().timed_out = true;
        }
    }
    fates
}

fn drawn(fates: &BTreeMap<usize, Fate>) -> String {
    let at = |ms: u64| 56.0 + ms as f32 * 0.16;
    let words = |fate: &Fate| match (fate.timed_out, fate.replies) {
        (true, _) => "lost",
        (false, 0) => "",
        (false, 1) => "answered",
        (false, _) => "answered twice",
    };
    let spoken: Vec<String> =
        fates.iter().map(|(number, fate)| format!("request {number}: {}", words(fate))).collect();
    let mut drawing = Drawing::new(WIDTH, "Requests and their replies over time", &spoken.join(", "));
    let bottom = 34.0 + 26.0 * ANSWERS.len() as f32;
    for ms in (0..=1600).step_by(400) {
        drawing.line((at(ms), 18.0), (at(ms), bottom), Stroke::Faint);
        drawing.text((at(ms), 12.0), Anchor::Middle, &format!("{ms} ms"));
    }
    for (index, answers) in ANSWERS.iter().enumerate() {
        let fate = fates.get(&(index + 1)).copied().unwrap_or_default();
        let (sent, y) = (INTERVAL * index as u64, 38.0 + 26.0 * index as f32);
        drawing.text((4.0, y + 4.0), Anchor::Start, &format!("seq {}", index + 1));
        drawing.line((at(sent), y - 5.0), (at(sent), y + 5.0), Stroke::Plain);
        let end = if fate.timed_out { PATIENCE } else { answers.first().copied().unwrap_or(PATIENCE) };
        if fate.timed_out {
            drawing.line((at(sent), y), (at(sent + end), y), Stroke::Dashed);
            drawing.cross((at(sent + end), y));
        } else {
            drawing.line((at(sent), y), (at(sent + end), y), Stroke::Plain);
        }
        let seen = if fate.timed_out { 0 } else { fate.replies as usize };
        for answer in &answers[..seen.min(answers.len())] {
            drawing.dot((at(sent + answer), y));
        }
        let last = answers[..seen.min(answers.len())].last().copied().unwrap_or(end);
        drawing.text((at(sent + last) + 9.0, y + 4.0), Anchor::Start, words(&fate));
    }
    drawing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_request_is_what_was_printed() {
        let printed = "64 bytes from 127.0.0.1: seq=1 time=120.0 ms\nRequest timeout for seq 2\n\
                       64 bytes from 127.0.0.1: seq=1 time=350.0 ms (DUP!)\n";
        let fates = fates(printed);
        assert_eq!(fates[&1], Fate { replies: 2, timed_out: false });
        assert_eq!(fates[&2], Fate { replies: 0, timed_out: true });
        assert!(drawn(&fates).contains("answered twice"));
    }
}
