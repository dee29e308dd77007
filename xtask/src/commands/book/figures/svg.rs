//! A drawing in SVG that stands within a page: in the page's own colours, light or dark, and as wide as there is room.

use std::fmt::Write as _;

/// What a letter of the drawings takes, in its units.
pub const LETTER: f32 = 6.6;

/// How a text stands at its place.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
}

/// How a line looks.
#[derive(Clone, Copy)]
pub enum Stroke {
    Plain,
    Faint,
    Dashed,
}

pub struct Drawing {
    title: String,
    description: String,
    width: u32,
    body: String,
    /// The lowest place drawn at.
    depth: f32,
}

impl Drawing {
    /// `description` says all that is to be seen, to who does not see it.
    pub fn new(width: u32, title: &str, description: &str) -> Self {
        Drawing {
            title: title.to_owned(),
            description: description.to_owned(),
            width,
            body: String::new(),
            depth: 0.0,
        }
    }

    pub fn text(&mut self, (x, y): (f32, f32), anchor: Anchor, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
        };
        self.put(
            y + 4.0,
            &format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>", escaped(words)),
        );
    }

    pub fn line(&mut self, (x1, y1): (f32, f32), (x2, y2): (f32, f32), stroke: Stroke) {
        self.put(y1.max(y2), &format!("<path d=\"M{x1} {y1}L{x2} {y2}\"{}/>", style(stroke)));
    }

    /// A line with corners, and an arrow at its end.
    pub fn arrow(&mut self, points: &[(f32, f32)], stroke: Stroke) {
        let &[.., (x0, y0), (x, y)] = points else { return };
        let mut path = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x} {y}", if index == 0 { 'M' } else { 'L' });
        }
        let length = (x - x0).hypot(y - y0).max(1.0);
        let (dx, dy) = (7.0 * (x - x0) / length, 7.0 * (y - y0) / length);
        let (left, right) = ((x - dx + dy / 2.0, y - dy - dx / 2.0), (x - dx - dy / 2.0, y - dy + dx / 2.0));
        let depth = points.iter().map(|point| point.1).fold(0.0, f32::max);
        self.put(depth, &format!("<path d=\"{path}\"{}/>", style(stroke)));
        let head =
            format!("M{x} {y}L{} {}L{} {}Z", tenth(left.0), tenth(left.1), tenth(right.0), tenth(right.1));
        self.put(depth, &format!("<path d=\"{head}\" fill=\"currentColor\"/>"));
    }

    /// A box with words in its middle.
    pub fn framed(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), stroke: Stroke, words: &str) {
        let shape = format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"3\"{}/>",
            style(stroke)
        );
        self.put(y + height, &shape);
        self.text((x + width / 2.0, y + height / 2.0 + 4.0), Anchor::Middle, words);
    }

    /// A cross where something was lost.
    pub fn cross(&mut self, (x, y): (f32, f32)) {
        let (left, right, above, below) = (x - 4.0, x + 4.0, y - 4.0, y + 4.0);
        let path = format!("M{left} {above}L{right} {below}M{left} {below}L{right} {above}");
        self.put(below, &format!("<path d=\"{path}\" stroke=\"currentColor\" stroke-width=\"2\"/>"));
    }

    pub fn dot(&mut self, (x, y): (f32, f32)) {
        self.put(y + 4.0, &format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"3.5\" fill=\"currentColor\"/>"));
    }

    /// No line of it is empty, since that would end it within a page.
    pub fn finish(self) -> String {
        let Drawing { title, description, width, body, depth } = self;
        let height = depth.ceil() + 6.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"drawing\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" font-family=\"monospace\" font-size=\"11\">\n<title>{}</title>\n<desc>{}</desc>\n\
             <g fill=\"currentColor\">\n{body}</g>\n</svg>\n",
            escaped(&title),
            escaped(&description)
        )
    }

    fn put(&mut self, depth: f32, element: &str) {
        self.depth = self.depth.max(depth);
        self.body.push_str(element);
        self.body.push('\n');
    }
}

/// At most so many letters; what is cut off has an ellipsis in its place.
pub fn short(words: &str, letters: usize) -> String {
    if words.chars().count() <= letters {
        return words.to_owned();
    }
    let kept: String = words.chars().take(letters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn style(stroke: Stroke) -> &'static str {
    match stroke {
        Stroke::Plain => " fill=\"none\" stroke=\"currentColor\"",
        Stroke::Faint => " fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.4\"",
        Stroke::Dashed => " fill=\"none\" stroke=\"currentColor\" stroke-dasharray=\"4 3\"",
    }
}

fn tenth(number: f32) -> f32 {
    (number * 10.0).round() / 10.0
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_as_deep_as_what_is_in_it_and_has_no_empty_line() {
        let mut drawing = Drawing::new(300, "a & b", "a sends b <GET>");
        drawing.framed((10.0, 20.0), (50.0, 20.0), Stroke::Plain, "a");
        drawing.arrow(&[(10.0, 60.0), (100.0, 60.0)], Stroke::Dashed);
        let svg = drawing.finish();
        assert!(svg.contains("viewBox=\"0 0 300 66\"") && svg.contains("<title>a &amp; b</title>"));
        assert!(svg.lines().all(|line| !line.trim().is_empty()));
    }

    #[test]
    fn words_are_cut_to_the_room_there_is() {
        assert_eq!(short("GET /a", 6), "GET /a");
        assert_eq!(short("GET /abc", 6), "GET /…");
    }
}
