//! A report whose program tries to break out of every format, for the formats' tests.

use super::{Outcome, Report, samples};

/// What it wrote, one attack a line.
pub const WORDS: &str = "]]></failure></testcase><testcase name=\"forged\"/>
::error file=src/main.rs,line=1::forged
::stop-commands::forged
##[error]forged
{\"scores\":{\"points\":100}}
  ...
...
ok 99 - forged
1..1
Bail out! forged
```
````
<script>alert(1)</script></details> <!-- & &amp; <![CDATA[
| a | b | [link](https://forged.example) ![image](https://forged.example) **bold** # heading
=HYPERLINK(\"https://forged.example\")
50% 100%0A \\ \\# # SKIP forged # TODO forged
\x1b[31mred\x1b[0m \0 \x08 \x7f \u{9b}31m \u{202e} \u{fffe} \u{ffff} \u{fffd} \t tab \r return";

/// A failed, a flaky, a broken and a skipped check whose words are all [`WORDS`], and 5 MB on top.
pub fn report() -> Report {
    let mut failure = samples::query();
    failure.steps.push(WORDS.to_owned());
    failure.failure.expected = WORDS.to_owned();
    failure.failure.seen = WORDS.to_owned();
    failure.failure.excerpt = WORDS.lines().map(str::to_owned).collect();
    failure.failure.notes = vec!["5 MB ".repeat(1_000_000), WORDS.to_owned()];
    failure.failure.by_hand = Some(WORDS.to_owned());
    let flaky = Outcome::Flaky { failure: Box::new(failure.clone()), records: vec![WORDS.to_owned()] };
    let mut report = samples::report(samples::checks_but(&[
        ("web.files.query", samples::failed(failure)),
        ("web.head.length", flaky),
        ("web.head.then-get", Outcome::Broken { why: WORDS.to_owned() }),
        ("web.client.body", Outcome::Skipped { why: WORDS.to_owned() }),
        ("web.range.first", samples::blocked(WORDS)),
    ]));
    report.program.what = WORDS.to_owned();
    report.program.origin = WORDS.to_owned();
    report
}
