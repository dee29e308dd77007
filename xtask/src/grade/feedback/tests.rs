use harness::check::Lab;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use scraper::{Html, Selector};

use super::*;
use crate::grade::hostile;
use crate::grade::synthetic::Class;

fn class() -> Vec<Record> {
    Class { lab: Lab::Lab3, students: 200, progress: 0.7 }.records().collect()
}

fn one(wanted: impl Fn(&Record) -> bool) -> Record {
    (0..)
        .map(|n| Class { lab: Lab::Lab3, students: 0, progress: 0.7 }.record(n))
        .find(wanted)
        .expect("one of these")
}

fn kind(report: &Report, test: fn(&Outcome) -> bool) -> bool {
    report.checks.iter().any(|check| test(&check.outcome))
}

fn shown(record: &Record) -> [String; 2] {
    [markdown(record, &BTreeSet::new()), html(record, &BTreeSet::new())]
}

fn read(html: &str) -> String {
    let html = Html::parse_document(html);
    let body = Selector::parse("h1, p, h2, li, body > pre").expect("a selector");
    let lines = html.select(&body).map(|element| element.text().collect::<String>().trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_graded_one_reads_as_it_should() {
    let record = one(|record| {
        let report = record.report.as_ref();
        !record.score.because.is_empty() && report.is_some_and(|report| report.failures().count() == 3)
    });
    insta::assert_snapshot!("graded_md", markdown(&record, &BTreeSet::new()));
    insta::assert_snapshot!("graded_html", read(&html(&record, &BTreeSet::new())));
}

#[test]
fn every_other_end_reads_as_it_should() {
    let mut text = String::new();
    for status in [
        Status::Missing,
        Status::BuildError,
        Status::Timeout,
        Status::Resource,
        Status::Policy,
        Status::InfraError,
    ] {
        text.push_str(&read(&html(&one(|record| record.status == status), &BTreeSet::new())));
        text.push_str("\n\n");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn points_that_are_held_back_are_not_told() {
    let record = one(|record| {
        record.report.as_ref().is_some_and(|report| kind(report, |o| matches!(o, Outcome::Broken { .. })))
    });
    assert!(record.score.held);
    for text in shown(&record) {
        assert!(text.contains("held back") && !text.contains(&format!("{} of 100", record.score.points)));
        assert!(!text.contains("too many open files"), "why the harness broke is the teacher's to read");
    }
}

#[test]
fn nothing_of_the_graders_or_of_others_is_told() {
    for mut record in class() {
        record.flags.push(super::super::record::Flag::Copy { with: "s98765".to_owned(), share: 0.97 });
        let seed = record.report.as_ref().map(|report| report.seed.clone());
        if let Some(report) = &mut record.report {
            report.program.origin = "/srv/grading/submissions/somebody".to_owned();
        }
        for text in shown(&record) {
            for secret in [
                "s98765",
                "/home/",
                "/tmp/",
                "/srv/",
                "grader",
                "5ec2e7",
                "--seed",
                "submissions/somebody",
                "records/",
            ] {
                assert!(!text.contains(secret), "{}: {secret}\n{text}", record.student.id);
            }
            assert!(seed.as_ref().is_none_or(|seed| !text.contains(seed.as_str())));
        }
    }
}

#[test]
fn a_hidden_check_is_not_named_and_nothing_says_how_it_ended() {
    let record = one(|record| {
        let report = record.report.as_ref();
        report.is_some_and(|report| {
            kind(report, |o| matches!(o, Outcome::Blocked { .. })) && report.failures().count() > 4
        })
    });
    let report = record.report.as_ref().expect("a report");
    let needed = report.checks.iter().find_map(|check| match &check.outcome {
        Outcome::Blocked { by } => Some(by.clone()),
        _ => None,
    });
    let hidden: BTreeSet<String> =
        report.next().map(|check| check.id.clone()).into_iter().chain(needed).collect();
    for text in [markdown(&record, &hidden), html(&record, &hidden)] {
        for id in &hidden {
            let check = harness::check::find(id).expect("a check");
            // Another's title may begin with it.
            let named = text.contains(&format!("{id}:")) || text.contains(&format!("{id} ·"));
            assert!(!named && !text.contains(&format!(": {}", check.title)), "{id} in\n{text}");
            assert!(!text.contains(&format!("waits for {id}")), "{id} in\n{text}");
        }
        assert!(text.contains("does not show every check"));
    }
}

#[test]
fn hostile_words_break_out_of_nothing() {
    for status in [Status::Graded, Status::BuildError, Status::Policy, Status::InfraError] {
        let record = hostile::record(status);
        let [markdown, html] = shown(&record);
        assert!(markdown.len() < 3_000_000 && html.len() < 3_000_000, "{} {}", markdown.len(), html.len());

        let page = Html::parse_document(&html);
        let foreign = "script, img, iframe, object, a, form, link, [onerror], [onmouseover], [src], [href]";
        assert_eq!(page.select(&Selector::parse(foreign).expect("a selector")).count(), 0);
        assert!(html.chars().all(|c| c == '\n' || !c.is_control()));

        let mut code = false;
        for event in Parser::new_ext(&markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => code = true,
                Event::End(TagEnd::CodeBlock) => code = false,
                Event::Html(raw) | Event::InlineHtml(raw) => {
                    let raw = raw.trim();
                    assert!(!code && (raw.starts_with("<details") || raw == "</details>"), "{raw}");
                    assert!(!raw.contains("<script") && !raw.contains("<img"), "{raw}");
                }
                Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Strong | Tag::Emphasis)
                | Event::Start(Tag::BlockQuote(_) | Tag::List(_))
                | Event::Rule => panic!("{event:?}"),
                _ => {}
            }
        }
    }
}
