//! How many, how they ended, and how the points are distributed.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Overview, counted, points};
use crate::grade::html::text;
use crate::grade::record::{Status, Tier};

/// Bars of the distribution, each of so many hundredths of the points.
const BAR: usize = 5;

pub fn head(out: &mut String, class: &Overview, lab: &str) {
    let graded = match &class.graded {
        None => String::new(),
        Some((first, last)) if first == last => format!("graded {}", text(last)),
        Some((first, last)) => format!("graded {} to {}", text(first), text(last)),
    };
    let confined: Vec<String> = class
        .confinements
        .iter()
        .map(|(tier, &number)| match tier {
            Tier::Full => format!("{} fully confined", counted(number, "program")),
            Tier::Reduced => format!("{} confined in part", counted(number, "program")),
            Tier::None => format!("<strong>{} not confined</strong>", counted(number, "program")),
        })
        .collect();
    let facts: Vec<String> = [graded].into_iter().filter(|fact| !fact.is_empty()).chain(confined).collect();
    let _ = writeln!(
        out,
        "<header>\n<h1>{lab}</h1>\n<p>{}</p>\n<nav><a href=\"#look\">To look at</a> <a href=\"#mistakes\">Mistakes</a> \
         <a href=\"#matrix\">Everyone</a></nav>\n</header>",
        facts.join(" · ")
    );
}

pub fn section(out: &mut String, class: &Overview) {
    let mut statuses: BTreeMap<Status, usize> = BTreeMap::new();
    for row in &class.rows {
        *statuses.entry(row.status).or_default() += 1;
    }
    let mut shares: Vec<f64> = class
        .rows
        .iter()
        .filter(|row| row.status == Status::Graded)
        .filter_map(|row| Some(row.share()? * 100.0))
        .collect();
    shares.sort_by(f64::total_cmp);
    out.push_str("<section aria-label=\"Figures\" class=\"figures\">\n<dl>\n");
    fact(out, "students", &counted(class.rows.len(), ""));
    for (status, &number) in &statuses {
        fact(out, status.words(), &counted(number, ""));
    }
    let held = class.rows.iter().filter(|row| row.score.held).count();
    if held > 0 {
        fact(out, "held back", &counted(held, ""));
    }
    if let Some(median) = middle(&shares) {
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        fact(out, "median", &format!("{} %", points(median)));
        fact(out, "mean", &format!("{} %", points(mean)));
    }
    out.push_str("</dl>\n");
    distribution(out, &shares);
    out.push_str("</section>\n");
}

fn fact(out: &mut String, what: &str, value: &str) {
    let _ = writeln!(out, "<div><dt>{what}</dt><dd>{value}</dd></div>");
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    Some(if sorted.len() % 2 == 1 { upper } else { (sorted[half - 1] + upper) / 2.0 })
}

/// Who has how many of the points: a bar for each step, its number above it.
fn distribution(out: &mut String, shares: &[f64]) {
    if shares.is_empty() {
        return;
    }
    let steps = 100 / BAR;
    let mut bars = vec![0_usize; steps + 1];
    for share in shares {
        bars[((share.max(0.0) / BAR as f64) as usize).min(steps)] += 1;
    }
    let most = bars.iter().copied().max().unwrap_or(1).max(1);
    let (width, high) = (30, 120);
    let whole = width * (steps + 1);
    let _ = writeln!(
        out,
        "<figure>\n<svg viewBox=\"0 0 {whole} {}\" role=\"img\" aria-label=\"Distribution of the points of {}\">",
        high + 40,
        counted(shares.len(), "graded student"),
    );
    for (step, &number) in bars.iter().enumerate() {
        let from = step * BAR;
        let range =
            if step == steps { "100 % and more".to_owned() } else { format!("{from} to {} %", from + BAR) };
        let tall = (number * high).div_ceil(most);
        let (x, y) = (step * width, 18 + high - tall);
        let _ = write!(
            out,
            "<g><title>{range}: {}</title><rect x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{tall}\"/>",
            counted(number, "student"),
            x + 2,
            width - 4
        );
        let middle = x + width / 2;
        if number > 0 {
            let _ = write!(out, "<text x=\"{middle}\" y=\"{}\">{number}</text>", y - 4);
        }
        if step % 2 == 0 {
            let _ = write!(out, "<text x=\"{middle}\" y=\"{}\">{from}</text>", high + 34);
        }
        out.push_str("</g>\n");
    }
    let _ = writeln!(
        out,
        "<path d=\"M0 {0}H{whole}\"/>\n</svg>\n<figcaption>Graded students by points, in hundredths of the \
         maximum; extensions may lead beyond it.</figcaption>\n</figure>",
        18 + high
    );
}
