//! A record in which every word is somebody's try to break out of what shows it, for the tests of the renderings.

use harness::report::{Outcome, Report};

use super::record::{Flag, Record, Status};
use super::synthetic::Class;

/// One attack a line.
pub const WORDS: &str = "</td></tr></table></style></script><script>alert(1)</script>\n\
\"><img src=x onerror=alert(1)> ' onmouseover='alert(1)\n\
<!-- <![CDATA[ &lt;b&gt; &amp; &#x3c;script&#x3e;\n\
```\n````\n</details>\n| a | b | [link](javascript:alert(1)) ![i](https://forged.example) **bold** <b>raw</b>\n\
# heading\n\
=HYPERLINK(\"https://forged.example\",\"x\"),\"quoted\"\n\
\x1b[31mred \0 \x08 \u{9b}31m \u{202e}gpj \u{feff} \u{ffff}\r return\n";

/// As [`WORDS`], where a field has one line.
pub const LINE: &str = "=cmd|'/c calc'!A1\"><script>alert(1)</script>,\"x\u{202e}";

/// Everything that comes from outside is hostile, and some of it is long.
pub fn record(status: Status) -> Record {
    let class = Class { lab: harness::check::Lab::Lab1, students: 1, progress: 0.4 };
    let mut record =
        (0..).map(|n| class.record(n)).find(|record| record.report.is_some()).expect("a graded one");
    record.student.name = LINE.to_owned();
    record.student.email = Some(LINE.to_owned());
    record.student.extra.values_mut().for_each(|value| *value = LINE.to_owned());
    record.status = status;
    record.words = format!("{WORDS}{}", "5 MB ".repeat(1_000_000));
    record.score.because = vec![LINE.to_owned()];
    record.flags = vec![
        Flag::Copy { with: LINE.to_owned(), share: 0.9 },
        Flag::Flaky { checks: vec![LINE.to_owned()] },
        Flag::Override { reason: LINE.to_owned() },
    ];
    if let Some(submission) = &mut record.submission {
        submission.source = LINE.to_owned();
        submission.left_out = vec![LINE.to_owned(); 3];
        submission.passed_over = vec![LINE.to_owned()];
    }
    let report = record.report.take().map(spoiled);
    record.report = report.filter(|_| status == Status::Graded);
    record
}

fn spoiled(mut report: Report) -> Report {
    report.program.what = WORDS.to_owned();
    report.program.origin = WORDS.to_owned();
    for check in &mut report.checks {
        match &mut check.outcome {
            Outcome::Failed { failure } | Outcome::Flaky { failure, .. } => {
                failure.steps.push(WORDS.to_owned());
                failure.failure.texts().for_each(|text| *text = WORDS.to_owned());
                failure.failure.notes = vec!["long ".repeat(100_000), WORDS.to_owned()];
                failure.failure.excerpt = WORDS.lines().map(str::to_owned).collect();
                failure.again = WORDS.to_owned();
            }
            Outcome::Broken { why } | Outcome::Skipped { why } => *why = WORDS.to_owned(),
            Outcome::Passed | Outcome::Blocked { .. } => {}
        }
    }
    report
}
