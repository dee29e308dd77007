use std::collections::BTreeSet;

use harness::check::Lab;
use scraper::{ElementRef, Html, Selector};

use super::*;
use crate::grade::hostile;
use crate::grade::record::{Record, Status};
use crate::grade::synthetic::Class;

fn class(students: usize, progress: f64) -> Vec<Record> {
    Class { lab: Lab::Lab3, students, progress }.records().collect()
}

fn page(records: &[Record], before: Option<&[Record]>) -> String {
    let before: Option<Overview> = before.map(|records| records.iter().collect());
    render(&records.iter().collect(), before.as_ref(), Some("feedback"))
}

fn all<'a>(html: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    html.select(&Selector::parse(selector).expect("a selector")).collect()
}

fn words(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a person reads, a line an item or a row, signs where they stand.
fn read(html: &Html) -> String {
    let mut out = String::new();
    for element in all(html, "h1, header p, h2, dl div, summary, li, section > p, tr") {
        let line = match element.value().name() {
            "li" if all_below(element, "details") => continue,
            "tr" => {
                let cells = Selector::parse("th, td").expect("a selector");
                let cell = |cell: ElementRef<'_>| cell.text().collect::<String>().trim().replace('\n', " ");
                element.select(&cells).map(cell).collect::<Vec<_>>().join(" | ")
            }
            _ => words(element),
        };
        out.push_str(line.trim());
        out.push('\n');
    }
    out
}

fn all_below(element: ElementRef<'_>, selector: &str) -> bool {
    element.select(&Selector::parse(selector).expect("a selector")).next().is_some()
}

#[test]
fn a_small_class_reads_as_it_should() {
    let page = Html::parse_document(&page(&class(14, 0.8), Some(&class(13, 0.5))));
    insta::assert_snapshot!(read(&page));
}

#[test]
fn every_student_has_a_row_and_every_check_a_sign() {
    let records = class(600, 0.6);
    let html = Html::parse_document(&page(&records, None));
    let rows = all(&html, ".scroll tbody tr");
    assert_eq!(rows.len(), records.len());
    let stages = Lab::Lab3.stages().len();
    for (row, record) in rows.iter().zip(&records) {
        assert_eq!(row.value().id(), Some(format!("s-{}", record.student.id).as_str()));
        let cells = row.select(&Selector::parse("td").expect("a selector")).skip(1).collect::<Vec<_>>();
        let Some(report) = &record.report else {
            assert!(cells.len() == 1 && words(cells[0]).starts_with(record.status.words()));
            continue;
        };
        assert_eq!(cells.len(), stages);
        let signs: String = cells.iter().flat_map(|cell| cell.text()).collect();
        let expected: String =
            report.checks.iter().map(|check| overview::Cell::of(&check.outcome).sign()).collect();
        assert_eq!(signs, expected, "{}", record.student.id);
    }
}

#[test]
fn every_link_leads_somewhere_and_no_id_is_given_twice() {
    let records = class(300, 0.7);
    let html = Html::parse_document(&page(&records, None));
    let mut ids = BTreeSet::new();
    for element in all(&html, "[id]") {
        let id = element.value().id().unwrap_or_default();
        assert!(ids.insert(id), "{id} is there twice");
    }
    for link in all(&html, "a[href]") {
        let to = link.value().attr("href").unwrap_or_default();
        let known = match to.strip_prefix('#') {
            Some(id) => ids.contains(id),
            None => to.strip_prefix("feedback/").is_some_and(|file| file.ends_with(".html")),
        };
        assert!(known, "{to} leads nowhere");
    }
}

#[test]
fn nothing_is_fetched_from_anywhere() {
    let html = Html::parse_document(&page(&class(20, 0.5), None));
    assert!(all(&html, "link, img, iframe, object, embed, [src], base").is_empty());
    for place in ["http:", "https:", "url(", "@import", "fetch(", "innerHTML"] {
        assert!(
            !include_str!("page.css").contains(place) && !include_str!("page.js").contains(place),
            "{place}"
        );
    }
}

#[test]
fn a_mistake_of_many_is_one_with_all_their_names() {
    let mut records = class(40, 1.0);
    records.iter_mut().filter_map(|record| record.report.as_mut()).for_each(|report| {
        report.checks.iter_mut().for_each(|check| check.outcome = harness::report::Outcome::Passed);
    });
    let mut made = 0;
    for (number, report) in records.iter_mut().filter_map(|record| record.report.as_mut()).enumerate().take(5)
    {
        let failed = class(60, 0.2)
            .into_iter()
            .filter_map(|record| record.report)
            .flat_map(|report| report.checks)
            .find_map(|check| check.failure().cloned());
        let mut failure = failed.expect("somebody fails");
        failure.steps.clear();
        failure.failure.excerpt.clear();
        failure.failure.expected = format!("{} octets", 100 + number);
        failure.failure.seen = format!("{} octets from 127.0.0.1:{}", number, 4000 + number);
        report.checks[2].outcome = harness::report::Outcome::Failed { failure: Box::new(failure) };
        made += 1;
    }
    let html = Html::parse_document(&page(&records, None));
    let mistakes = all(&html, ".mistakes li");
    assert_eq!(mistakes.len(), 1);
    assert!(words(mistakes[0]).contains("expected # octets; seen # octets from #"), "{}", words(mistakes[0]));
    assert_eq!(mistakes[0].select(&Selector::parse("a").expect("a selector")).count(), made);
}

#[test]
fn hostile_words_open_no_element_and_end_no_attribute() {
    let mut records: Vec<Record> = [
        Status::Graded,
        Status::BuildError,
        Status::Missing,
        Status::Timeout,
        Status::Resource,
        Status::Policy,
        Status::InfraError,
    ]
    .map(hostile::record)
    .into();
    for (number, record) in records.iter_mut().enumerate() {
        record.student.id = format!("s{number}");
    }
    let before: Vec<Record> = records
        .iter()
        .cloned()
        .map(|mut record| {
            record.score.points += 5.0;
            record.score.because.clear();
            record
        })
        .collect();
    let text = page(&records, Some(&before));
    assert!(text.len() < 1_000_000, "{} octets", text.len());
    let html = Html::parse_document(&text);
    assert_eq!(all(&html, "script").len(), 1);
    assert_eq!(all(&html, "img, b, h3").len(), 0);
    let known: BTreeSet<&str> = [
        "action",
        "aria-hidden",
        "aria-label",
        "charset",
        "class",
        "colspan",
        "content",
        "d",
        "height",
        "hidden",
        "href",
        "http-equiv",
        "id",
        "lang",
        "name",
        "open",
        "placeholder",
        "role",
        "rowspan",
        "scope",
        "start",
        "style",
        "tabindex",
        "title",
        "type",
        "value",
        "viewBox",
        "width",
        "x",
        "y",
    ]
    .into();
    for element in all(&html, "*") {
        for (name, value) in element.value().attrs() {
            assert!(known.contains(name), "{name}={value}");
            assert!(name != "href" || value.starts_with('#') || value.starts_with("feedback/"), "{value}");
        }
    }
    let shown = text.chars().filter(|c| c.is_control() && *c != '\n').count();
    assert_eq!(shown, 0, "control characters");
    assert!(html.root_element().text().any(|text| text.contains("<script>alert(1)</script>")));
}

#[test]
fn what_changed_is_told_with_its_reason() {
    let before = class(30, 0.5);
    let mut now = before.clone();
    now[3].score.points -= 10.0;
    now[3].score.because.push("1 day late: -10 %".to_owned());
    now.pop();
    let html = Html::parse_document(&page(&now, Some(&before)));
    let rows = all(&html, "#changes tbody tr");
    assert_eq!(rows.len(), 1);
    assert!(
        words(rows[0]).contains("▼ −10") && words(rows[0]).ends_with("1 day late: -10 %"),
        "{}",
        words(rows[0])
    );
    assert!(words(all(&html, "#changes")[0]).contains("no longer here"));
}
