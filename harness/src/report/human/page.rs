//! The sheet a report is set on: wrapped to the width, cut where it must not wrap, painted where colour is wanted.

use anstyle::Style;
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter};

/// The columns before the text of a labelled field.
const LABEL: usize = 12;

/// Columns that a caption behind carets wants at least.
const CAPTION: usize = 20;

/// A space that no line breaks at; it is a plain one by the time it is written.
const GLUE: char = '\u{a0}';

/// How the report is to look.
#[derive(Clone, Debug)]
pub struct Look {
    /// Columns.
    pub width: usize,
    pub colour: bool,
    /// Nothing but ASCII, for a locale that knows no more.
    pub ascii: bool,
    /// Every failure in full, not the first alone.
    pub all: bool,
}

impl Default for Look {
    fn default() -> Self {
        Look { width: 80, colour: false, ascii: false, all: false }
    }
}

impl Look {
    /// Styles never carry the meaning alone: the marks and words say the same.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn letters(&self, text: &str) -> String {
        if !self.ascii {
            return text.to_owned();
        }
        text.chars()
            .map(|c| match c {
                '␍' => "\\r".to_owned(),
                '␊' => "\\n".to_owned(),
                '§' => "section ".to_owned(),
                GLUE => GLUE.to_string(),
                _ => ascii(c).to_string(),
            })
            .collect()
    }
}

pub struct Page<'a> {
    pub look: &'a Look,
    out: String,
}

impl<'a> Page<'a> {
    pub fn new(look: &'a Look) -> Self {
        Page { look, out: String::new() }
    }

    pub fn paint(&self, style: Style, text: &str) -> String {
        self.look.paint(style, text)
    }

    pub fn finish(self) -> String {
        self.out
    }

    /// One empty line between two parts; never two, and none at the top.
    pub fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A line that is short by its nature.
    pub fn line(&mut self, text: &str) {
        self.out.push_str(self.look.letters(text).trim_end());
        self.out.push('\n');
    }

    /// Words, wrapped; `first` stands before the first line and `rest` before the others.
    pub fn prose(&mut self, first: &str, rest: &str, text: &str) {
        self.wrapped(first, rest, text, self.look.width);
    }

    /// Parts that stay whole, as many on a line as fit.
    pub fn parts(&mut self, parts: &[String], between: &str) {
        let mut row = String::new();
        for part in parts {
            let longer = if row.is_empty() { part.clone() } else { format!("{row}{between}{part}") };
            if display_width(&longer) > self.look.width && !row.is_empty() {
                self.prose("", "  ", &row);
                row = format!("  {part}");
            } else {
                row = longer;
            }
        }
        self.prose("", "  ", &row);
    }

    /// `  expected  256 octets, …`.
    pub fn field(&mut self, label: &str, text: &str) {
        let first = self.label(label);
        self.prose(&first, &" ".repeat(LABEL), text);
    }

    /// Words on the left, wrapped, and a few at the right edge of their first line.
    pub fn heading(&mut self, left: &str, right: &str) {
        let start = self.out.len();
        self.wrapped("", "  ", left, self.look.width.saturating_sub(display_width(right) + 3));
        let end = self.out[start..].find('\n').map_or(self.out.len(), |n| start + n);
        let room =
            self.look.width.saturating_sub(display_width(&self.out[start..end]) + display_width(right));
        self.out.insert_str(end, &format!("{}{right}", " ".repeat(room)));
    }

    /// A line whose columns mean something: never wrapped, but cut. Only what is said behind carets wraps.
    pub fn verbatim(&mut self, line: &str) {
        let line: String = if self.look.ascii { line.chars().map(ascii).collect() } else { line.to_owned() };
        let indent = " ".repeat(LABEL + 2);
        let room = self.look.width.saturating_sub(LABEL + 2);
        if display_width(&line) > room
            && let Some((carets, caption)) = carets(&line)
            && display_width(carets) + CAPTION <= room
        {
            let below = " ".repeat(LABEL + 2 + display_width(carets));
            self.prose(&format!("{indent}{carets}"), &below, caption);
            return;
        }
        let mark = if self.look.ascii { '~' } else { '…' };
        self.out.push_str(format!("{indent}{}", cut(&line, room, mark)).trim_end());
        self.out.push('\n');
    }

    /// Commands for a shell, one a line; a long one goes on behind a backslash, so that it can be copied.
    pub fn command(&mut self, label: &str, commands: &str) {
        let room = self.look.width.saturating_sub(LABEL);
        let mut before = self.label(label);
        for command in commands.lines() {
            let mut row = self.look.letters(command);
            while display_width(&row) > room {
                let Some(at) = last_break(&row, room.saturating_sub(2)) else { break };
                self.out.push_str(&format!("{before}{} \\\n", &row[..at]));
                row = row[at + 1..].to_owned();
                before = " ".repeat(LABEL);
            }
            self.out.push_str(&format!("{before}{row}\n"));
            before = " ".repeat(LABEL);
        }
    }

    fn label(&self, label: &str) -> String {
        format!("  {}{}", self.paint(super::LABEL, label), " ".repeat(LABEL.saturating_sub(label.len() + 2)))
    }

    fn wrapped(&mut self, first: &str, rest: &str, text: &str, width: usize) {
        let options = Options::new(width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        for line in textwrap::wrap(&self.look.letters(text), options) {
            self.out.push_str(line.replace(GLUE, " ").trim_end());
            self.out.push('\n');
        }
    }
}

/// Words that stay together on a line.
pub fn glued(words: &str) -> String {
    words.replace(' ', &GLUE.to_string())
}

/// What the program under test may have written, without any power over the terminal: each control or
/// direction mark becomes one visible character, so that columns stay. Line breaks stay too.
pub fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => c,
            '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            '\x7f' => '␡',
            '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => '\u{fffd}',
            _ => c,
        })
        .collect()
}

/// The first `room` columns, the last of them `mark` where something had to go.
pub fn cut(line: &str, room: usize, mark: char) -> String {
    if display_width(line) <= room {
        return line.to_owned();
    }
    let mut kept = String::new();
    for c in line.chars() {
        if display_width(&kept) + display_width(c.encode_utf8(&mut [0; 4])) >= room {
            break;
        }
        kept.push(c);
    }
    kept.push(mark);
    kept
}

/// `   ^^^^ ` and what is said behind it.
fn carets(line: &str) -> Option<(&str, &str)> {
    let start = line.find(|c| c != ' ').filter(|&at| line[at..].starts_with('^'))?;
    let end = start + line[start..].find(' ')? + 1;
    Some(line.split_at(end))
}

/// One ASCII character for one character.
fn ascii(c: char) -> char {
    match c {
        '✔' => '+',
        '✘' => 'x',
        '–' | '—' | '·' => '-',
        '…' => '~',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        '\u{2400}'..='\u{2421}' => '.',
        c if c.is_ascii() => c,
        _ => '?',
    }
}

/// The last space outside quotes that ends a row of at most `room` columns, before an option rather than its
/// value; failing that, the first at all.
fn last_break(command: &str, room: usize) -> Option<usize> {
    let mut quote = None;
    let mut spaces = Vec::new();
    for (at, c) in command.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ' ') => spaces.push(at),
            _ => {}
        }
    }
    let fits = |at: &&usize| display_width(&command[..**at]) <= room;
    let option = |at: &&usize| command[**at..].starts_with(" -");
    let fitting = || spaces.iter().rev().filter(fits);
    fitting().find(option).or_else(|| fitting().next()).or(spaces.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_the_program_under_test_lose_their_power() {
        assert_eq!(visible("a\x1b[2J\tb\r\nc\u{9b}31m\u{202e}"), "a␛[2J␉b␍\nc\u{fffd}31m\u{fffd}");
    }

    #[test]
    fn a_long_command_breaks_where_a_shell_joins_it_again() {
        let look = Look { width: 40, ..Look::default() };
        let mut page = Page::new(&look);
        page.command("again", "cargo xtask check --cmd 'python3 a  b' --only web.start");
        assert_eq!(
            page.finish(),
            "  again     cargo xtask check \\\n            --cmd 'python3 a  b' \\\n            --only web.start\n"
        );
    }

    #[test]
    fn a_cut_line_says_so() {
        assert_eq!(cut("0123456789", 10, '…'), "0123456789");
        assert_eq!(cut("0123456789a", 10, '…'), "012345678…");
    }
}
