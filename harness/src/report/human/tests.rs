use super::*;
use crate::report::samples;

fn lines_fit(text: &str, width: usize) {
    for line in text.lines() {
        assert!(textwrap::core::display_width(line) <= width, "wider than {width} columns: {line}");
        assert_eq!(line, line.trim_end(), "blanks at the end of a line");
    }
}

#[test]
fn every_report_reads_as_it_should() {
    for (name, report) in samples::all() {
        insta::assert_snapshot!(name, render(&report, &Look::default()));
    }
}

#[test]
fn with_all_every_failure_stands_in_full() {
    let look = Look { all: true, ..Look::default() };
    insta::assert_snapshot!(render(&samples::stage_two(), &look));
}

#[test]
fn a_locale_without_utf_8_is_given_ascii() {
    let look = Look { ascii: true, ..Look::default() };
    let text = render(&samples::stage_two(), &look);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (_, report) in samples::all() {
        for (all, ascii, colour) in [(false, false, false), (true, false, true), (true, true, false)] {
            for width in [80, 100] {
                lines_fit(&render(&report, &Look { width, colour, ascii, all }), width);
            }
        }
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    for (_, report) in samples::all() {
        let plain = render(&report, &Look::default());
        let painted = render(&report, &Look { colour: true, ..Look::default() });
        assert!(painted.contains("\x1b["));
        assert_eq!(anstyle_stripped(&painted), plain);
    }
}

#[test]
fn nothing_of_a_program_reaches_the_terminal_as_control() {
    let text = render(&samples::hostile(), &Look::default());
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert!(!text.contains('\u{202e}'));
}

#[test]
fn the_last_line_is_the_verdict() {
    for (_, report) in samples::all() {
        let look = Look::default();
        let last = last_line(&report, &look);
        assert!(last.starts_with("lab1"));
        assert!(render(&report, &look).ends_with(&format!("\n\n{last}")));
    }
}

fn anstyle_stripped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').expect("an end of the sequence").1;
    }
    plain + rest
}
