//! A line chart as SVG, in colours that are read on white and on black.

use std::fmt::Write as _;

/// Some curves over the number of clients, which is drawn on a logarithmic axis, as are the values.
pub struct Chart {
    pub title: &'static str,
    /// Of the values.
    pub unit: &'static str,
    pub lines: Vec<Line>,
}

#[derive(Clone)]
pub struct Line {
    pub name: &'static str,
    pub points: Vec<(f64, f64)>,
}

const COLOURS: [&str; 3] = ["#3b82f6", "#16a34a", "#ea580c"];
/// A line that is not told by its colour is told by its dashes.
const DASHES: [&str; 3] = ["none", "7 4", "2 4"];
const GREY: &str = "#808080";

/// The drawing and, in it, the rectangle of the curves: left, top, right, bottom.
const SIZE: (f64, f64) = (640.0, 360.0);
const PLOT: (f64, f64, f64, f64) = (70.0, 40.0, 620.0, 270.0);

impl Chart {
    pub fn svg(&self) -> String {
        let values = || self.lines.iter().flat_map(|line| &line.points);
        let across = Axis::over(values().map(|point| point.0), 2.0);
        let up = Axis::over(values().map(|point| point.1), 10.0);
        let (left, top, right, bottom) = PLOT;
        let x = |value: f64| left + across.part(value) * (right - left);
        let y = |value: f64| bottom - up.part(value) * (bottom - top);

        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" \
             font-family=\"sans-serif\" font-size=\"16\" fill=\"{GREY}\">\n<title>{}</title>\n",
            SIZE.0, SIZE.1, self.title,
        );
        let mut put = |element: std::fmt::Arguments| {
            let _ = writeln!(svg, "{element}");
        };
        put(format_args!(
            "<text x=\"{left}\" y=\"22\" font-size=\"18\">{}, {}</text>",
            self.title, self.unit
        ));
        for mark in up.marks() {
            let at = y(mark);
            put(format_args!(
                "<path d=\"M{left} {at:.1}H{right}\" stroke=\"{GREY}\" stroke-opacity=\".3\"/>"
            ));
            put(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{mark}</text>",
                left - 8.0,
                at + 4.0
            ));
        }
        for mark in across.marks() {
            put(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{mark}</text>",
                x(mark),
                bottom + 20.0
            ));
        }
        put(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">clients at once</text>",
            f64::midpoint(left, right),
            bottom + 40.0
        ));
        for (number, line) in self.lines.iter().enumerate() {
            let stroke = format!("stroke=\"{}\" stroke-dasharray=\"{}\"", COLOURS[number], DASHES[number]);
            let points: Vec<String> =
                line.points.iter().map(|&(across, up)| format!("{:.1},{:.1}", x(across), y(up))).collect();
            let points = points.join(" ");
            put(format_args!("<polyline points=\"{points}\" fill=\"none\" stroke-width=\"2.5\" {stroke}/>"));
            let at = left + 185.0 * number as f64;
            let below = SIZE.1 - 14.0;
            put(format_args!("<path d=\"M{at} {}h30\" stroke-width=\"2.5\" {stroke}/>", below - 4.0));
            put(format_args!("<text x=\"{}\" y=\"{below}\">{}</text>", at + 38.0, line.name));
        }
        svg + "</svg>\n"
    }
}

/// A logarithmic axis that begins and ends at a power of its base.
struct Axis {
    base: f64,
    first: f64,
    last: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, base: f64) -> Axis {
        let (low, high) = values
            .filter(|&value| value > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = if high > 0.0 { (low, high) } else { (1.0, base) };
        let first = low.log(base).floor();
        Axis { base, first, last: high.log(base).ceil().max(first + 1.0) }
    }

    /// Where on the axis, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let power = if value > 0.0 { value.log(self.base) } else { self.first };
        (power - self.first) / (self.last - self.first)
    }

    fn marks(&self) -> impl Iterator<Item = f64> {
        (self.first as i32..=self.last as i32).map(|power| self.base.powi(power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_begins_and_ends_at_a_power_of_its_base() {
        let axis = Axis::over([30.0, 4000.0].into_iter(), 10.0);
        assert_eq!(axis.marks().collect::<Vec<_>>(), [10.0, 100.0, 1000.0, 10_000.0]);
        assert_eq!((axis.part(10.0), axis.part(10_000.0)), (0.0, 1.0));
    }

    #[test]
    fn an_axis_of_one_value_has_a_length() {
        assert_eq!(Axis::over([1.0].into_iter(), 2.0).marks().collect::<Vec<_>>(), [1.0, 2.0]);
        assert_eq!(Axis::over([0.0].into_iter(), 10.0).marks().collect::<Vec<_>>(), [1.0, 10.0]);
    }

    #[test]
    fn a_chart_has_a_line_and_a_name_for_each_curve() {
        let line = |name| Line { name, points: vec![(1.0, 100.0), (64.0, 2000.0)] };
        let svg = Chart { title: "Speed", unit: "requests/s", lines: vec![line("pool"), line("fork")] }.svg();
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains(">pool</text>") && svg.contains(">fork</text>"), "{svg}");
        assert!(svg.contains("points=\"70.0,270.0 620.0,"), "{svg}");
    }
}
