//! Words of students and of programs as HTML: data that opens no element and ends no attribute.

use harness::report::human::visible;

/// For text and for a quoted attribute.
pub fn text(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in visible(words).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// [`text`] in one line, of at most `room` characters before escaping.
pub fn line(words: &str, room: usize) -> String {
    text(&capped(words, room).replace('\n', " "))
}

/// At most `room` characters, the last a mark where something had to go.
pub fn capped(words: &str, room: usize) -> String {
    match words.char_indices().nth(room) {
        None => words.to_owned(),
        Some(_) => words.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_within_text_and_attributes() {
        assert_eq!(text("<b a='\"'>&\x1b"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;␛");
        assert_eq!(line("one\ntwo three", 9), "one two …");
        assert_eq!(line("<<<<", 3), "&lt;&lt;…");
    }
}
