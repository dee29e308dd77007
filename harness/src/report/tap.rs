//! The report as TAP, the Test Anything Protocol, version 14.
//!
//! What did not earn its points is `not ok`, blocked checks and the harness's own faults with it; only what found
//! nothing to try is skipped. A block of YAML says why.

use std::fmt::Write;

use super::plain::{bounded, cause, details, name, verdict};
use super::{CheckReport, Outcome, Report};

pub fn render(report: &Report) -> String {
    let report = &bounded(report);
    let mut out = format!("TAP version 14\n1..{}\n", report.checks.len());
    let _ = writeln!(out, "# {} {}, seed {}", report.lab, report.lab.title(), report.seed);
    for (index, check) in report.checks.iter().enumerate() {
        point(&mut out, report, index + 1, check);
    }
    let _ = writeln!(out, "# {}", verdict(report));
    out
}

fn point(out: &mut String, report: &Report, number: usize, check: &CheckReport) {
    let ok = if check.outcome.earns() || matches!(check.outcome, Outcome::Skipped { .. }) {
        "ok"
    } else {
        "not ok"
    };
    let _ = write!(out, "{ok} {number} - {}", escaped(&name(check)));
    if let Outcome::Skipped { why } = &check.outcome {
        let _ = write!(out, " # SKIP {}", escaped(why));
    }
    out.push('\n');
    let severity = match check.outcome {
        Outcome::Passed | Outcome::Skipped { .. } => return,
        Outcome::Failed { .. } => "fail",
        Outcome::Blocked { .. } => "blocked",
        Outcome::Flaky { .. } => "flaky",
        Outcome::Broken { .. } => "broken",
    };
    let _ = writeln!(out, "  ---\n  severity: {severity}");
    literal(out, "message", &cause(check).unwrap_or_default());
    let _ = writeln!(out, "  points: {}\n  of: {}", check.earned(), check.of());
    if let Outcome::Failed { .. } | Outcome::Flaky { .. } = check.outcome {
        literal(out, "details", &details(report, check).unwrap_or_default());
    }
    out.push_str("  ...\n");
}

/// A block in which nothing has a meaning; its first line must not begin with a blank.
fn literal(out: &mut String, key: &str, text: &str) {
    let _ = writeln!(out, "  {key}: |");
    for line in text.trim_start().lines() {
        let _ = writeln!(out, "    {line}");
    }
}

/// In a description a bare `#` would begin a directive.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::report::{hostile, samples};

    /// Prints what Perl's parser makes of its input: errors of form first, then a line a test.
    const PERL: &str = r#"
        my $tap = do { local $/; <STDIN> };
        my $parser = TAP::Parser->new({ tap => $tap });
        while (my $r = $parser->next) {
            my ($ok, $skip) = $r->is_test && ($r->is_actual_ok ? "ok" : "not", $r->has_skip ? " skip" : "");
            print "$ok ", $r->number, "$skip\n" if $r->is_test;
            print "yaml\n" if $r->is_yaml && ref $r->data;
            print "unknown: ", $r->as_string, "\n" if $r->is_unknown;
            print "bail\n" if $r->is_bailout;
        }
        print "error: $_\n" for $parser->parse_errors;
        print "version ", $parser->version, "\n";
    "#;

    /// Perl's parser, as `prove` has it; `None` where it is not installed.
    fn perl(tap: &str) -> Option<String> {
        let mut perl = Command::new("perl")
            .args(["-MTAP::Parser", "-e", PERL])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        perl.stdin.take()?.write_all(tap.as_bytes()).ok()?;
        let output = perl.wait_with_output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn every_report_reads_as_it_should() {
        insta::assert_snapshot!(render(&samples::stage_two()));
    }

    #[test]
    fn perl_reads_every_report_as_it_was_meant() {
        if perl("1..0\n").is_none() {
            eprintln!("skipped: perl with TAP::Parser is not installed");
            return;
        }
        let all = samples::all().into_iter().map(|(_, report)| report).chain([hostile::report()]);
        for report in all {
            let tap = render(&report);
            let mut expected = String::new();
            for (index, check) in report.checks.iter().enumerate() {
                let skipped = matches!(check.outcome, Outcome::Skipped { .. });
                let ok = if check.outcome.earns() || skipped { "ok" } else { "not" };
                let _ = writeln!(expected, "{ok} {}{}", index + 1, if skipped { " skip" } else { "" });
                if !skipped && check.outcome != Outcome::Passed {
                    expected.push_str("yaml\n");
                }
            }
            // Perl knows versions up to 13, of which 14 is the orderly form.
            let read = perl(&tap.replacen("version 14", "version 13", 1)).expect("perl");
            assert_eq!(read, format!("{expected}version 13\n"), "{tap}");
        }
    }

    #[test]
    fn a_number_sign_in_a_reason_begins_no_directive() {
        assert_eq!(escaped("a # TODO \\b\nc"), "a \\# TODO \\\\b c");
    }
}
