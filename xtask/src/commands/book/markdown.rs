//! What is code on a Markdown page, and what is made for one.

/// Told each line of a page in turn.
#[derive(Default)]
pub struct Fences {
    /// The mark that opened the present listing.
    open: Option<String>,
}

impl Fences {
    /// Whether this line stands in a listing, its fences included.
    pub fn is_code(&mut self, line: &str) -> bool {
        let line = line.trim();
        let mark: String = line.chars().take_while(|&c| c == '`').collect();
        match &self.open {
            Some(open) => {
                if mark.len() >= open.len() && line.len() == mark.len() {
                    self.open = None;
                }
                true
            }
            None if mark.len() >= 3 => {
                self.open = Some(mark);
                true
            }
            None => false,
        }
    }
}

/// Plain words, in which nothing is a tag.
pub fn words(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Behind a fold that the reader opens.
pub fn folded(summary: &str, text: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{}\n\n</details>\n\n", text.trim_end())
}

/// `code` as a listing, with a fence that it cannot close.
pub fn fenced(language: &str, code: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}{language}\n{}\n{fence}\n", code.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stands_between_fences() {
        let mut fences = Fences::default();
        let page = ["a", "````text", "```", "b", "````", "c"];
        assert_eq!(page.map(|line| fences.is_code(line)), [false, true, true, true, true, false]);
    }

    #[test]
    fn a_listing_cannot_close_its_own_fence() {
        assert_eq!(fenced("text", "```\n"), "````text\n```\n````\n");
    }
}
