use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::report::{hostile, samples};

const TOKEN: &str = "4b1d7e0c";

fn log_of(report: &Report) -> String {
    log(report, TOKEN)
}

#[test]
fn every_report_reads_as_it_should() {
    insta::assert_snapshot!("summary", summary(&samples::stage_two()));
    insta::assert_snapshot!("log", log_of(&samples::stage_two()));
}

/// What another parser finds in the Markdown: texts outside code, code blocks, raw HTML, and all else by name.
#[derive(Default)]
struct Found {
    text: String,
    code: Vec<String>,
    html: Vec<String>,
    cells: usize,
    other: Vec<String>,
}

fn found(markdown: &str) -> Found {
    let mut found = Found::default();
    let mut in_code = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                in_code = true;
                found.code.push(String::new());
            }
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(text) if in_code => found.code.last_mut().expect("a block").push_str(&text),
            Event::Text(text) => found.text.push_str(&text),
            Event::Html(html) | Event::InlineHtml(html) => found.html.push(html.trim().to_owned()),
            Event::Start(Tag::TableCell) => found.cells += 1,
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::HtmlBlock | Tag::Table(_))
            | Event::Start(Tag::TableHead | Tag::TableRow)
            | Event::End(_) => {}
            other => found.other.push(format!("{other:?}")),
        }
    }
    found
}

#[test]
fn another_parser_finds_a_row_a_stage_and_a_code_block_a_check_that_went_wrong() {
    for (name, report) in samples::all() {
        let found = found(&summary(&report));
        let told = report.checks.iter().filter(|check| annotated(&check.outcome).is_some()).count();
        let told = told + usize::from(markdown::untried(&report).is_some());
        let stages = report.checks.chunk_by(|a, b| a.stage == b.stage).count();
        assert_eq!((found.code.len(), found.cells), (told, 4 * (stages + 1)), "{name}");
        assert!(found.other.is_empty(), "{name}: {:?}", found.other);
    }
}

#[test]
fn what_the_program_wrote_is_neither_markdown_nor_html() {
    let text = summary(&hostile::report());
    assert!(text.len() < 1 << 20);
    let found = found(&text);
    assert!(found.other.is_empty(), "{:?}", found.other);
    let ours = |html: &String| html.starts_with("<details") || html == "</details>";
    assert!(found.html.iter().all(ours), "{:?}", found.html);
    assert_eq!(found.html.iter().filter(|html| html.starts_with("<details")).count(), 4);
    assert!(found.text.contains("<script>alert(1)</script>") && found.text.contains("**bold**"));
    assert!(found.code.iter().any(|code| code.contains("````") && code.contains("<script>")));
}

#[test]
fn a_long_summary_ends_before_the_limit_and_says_so() {
    let mut report = samples::stage_two();
    let failed = report.checks[2].clone();
    for number in 0..100 {
        let mut check = failed.clone();
        check.id = format!("web.files.{number}");
        if let Outcome::Failed { failure } = &mut check.outcome {
            failure.failure.notes = vec!["x ".repeat(5_000); 5];
        }
        report.checks.push(check);
    }
    let text = summary(&report);
    assert!(text.len() < 1 << 20 && text.ends_with(" more are left out here.\n"));
}

/// The commands of a log, as the runner of GitHub Actions finds them: a line that begins with `::` after blanks, or
/// has `##[` anywhere; none between `stop-commands` and its token.
fn commands(log: &str) -> Vec<&str> {
    let mut stopped: Option<String> = None;
    let mut commands = Vec::new();
    for line in log.lines() {
        let start = line.trim_start();
        if let Some(token) = &stopped {
            if start.eq_ignore_ascii_case(&format!("::{token}::")) {
                stopped = None;
            }
        } else if let Some(token) = start.strip_prefix("::stop-commands::") {
            stopped = Some(token.to_owned());
        } else if start.starts_with("::") || line.contains("##[") {
            commands.push(line);
        }
    }
    assert_eq!(stopped, None, "the commands stay stopped");
    commands
}

#[test]
fn the_runner_finds_our_annotations_and_no_other_command() {
    for report in samples::all().into_iter().map(|(_, report)| report).chain([hostile::report()]) {
        let log = log_of(&report);
        let commands = commands(&log);
        let expected = report.checks.iter().filter(|check| annotated(&check.outcome).is_some()).count();
        assert_eq!(commands.len(), expected, "{commands:#?}");
        for command in commands {
            let (head, _) = command[2..].split_once("::").expect("a head and a message");
            assert!(head.starts_with("error ") || head.starts_with("warning "), "{command}");
            assert_eq!(head.matches("title=").count(), 1, "{command}");
        }
    }
}

#[test]
fn the_words_of_a_failed_build_are_no_commands() {
    let log = refused("error: does not build:\n::error::forged\n##[error]forged\r::error::forged", TOKEN);
    assert_eq!(commands(&log), ["::error::does not build"]);
}

#[test]
fn a_gap_of_the_starter_is_annotated_where_it_is() {
    let log = log_of(&samples::untouched());
    let place = "::error file=labs/lab1-web-server/src/server.rs,line=18,title=web.start.listens%3A ";
    assert!(log.contains(place), "{log}");
}

#[test]
fn no_more_annotations_are_made_than_are_shown() {
    let mut report = samples::stage_two();
    let failed = report.checks[2].clone();
    report.checks.extend(std::iter::repeat_n(failed, 30));
    assert_eq!(commands(&log_of(&report)).len(), ANNOTATIONS);
}
