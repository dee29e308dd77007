//! A program as tokens without its names: enough of a lexer for the languages that students use.

use std::iter::Peekable;
use std::str::Chars;

/// Endings of sources in which `//` and `/* */` are comments.
const SLASHES: &[&str] = &[
    "c", "cc", "cpp", "cs", "cxx", "d", "dart", "go", "h", "hpp", "java", "js", "kt", "mjs", "php", "rs",
    "scala", "swift", "ts", "zig",
];
/// Those in which `#` begins one.
const HASHES: &[&str] = &["awk", "ex", "jl", "pl", "pm", "py", "r", "rb", "sh", "tcl"];

/// Words that say what a program does, in one language or another. Every other word is a name.
const KEYWORDS: &[&str] = &[
    "as",
    "async",
    "await",
    "begin",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "def",
    "defer",
    "do",
    "elif",
    "else",
    "end",
    "enum",
    "except",
    "extends",
    "finally",
    "fn",
    "for",
    "foreach",
    "func",
    "function",
    "goto",
    "if",
    "impl",
    "import",
    "in",
    "interface",
    "lambda",
    "let",
    "loop",
    "match",
    "mod",
    "move",
    "mut",
    "new",
    "not",
    "or",
    "and",
    "package",
    "pass",
    "pub",
    "raise",
    "return",
    "select",
    "self",
    "static",
    "struct",
    "switch",
    "then",
    "this",
    "throw",
    "trait",
    "try",
    "typedef",
    "unless",
    "unsafe",
    "until",
    "use",
    "var",
    "void",
    "where",
    "while",
    "with",
    "yield",
];

const NAME: u64 = 1;
const NUMBER: u64 = 2;
const TEXT: u64 = 3;
/// What follows stands for keywords, then for characters.
const KEYWORD: u64 = 16;
const CHARACTER: u64 = 1024;

/// None where the file is no source.
pub fn of(path: &str, text: &str) -> Vec<u64> {
    let end = path.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    let hash = HASHES.contains(&end.as_str());
    if !hash && !SLASHES.contains(&end.as_str()) {
        return Vec::new();
    }
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '#' if hash => skip_line(&mut rest),
            '/' if !hash && rest.peek() == Some(&'/') => skip_line(&mut rest),
            '/' if !hash && rest.peek() == Some(&'*') => skip_comment(&mut rest),
            '"' | '`' => tokens.extend(quoted(&mut rest, c)),
            '\'' if end != "rs" => tokens.extend(quoted(&mut rest, c)),
            '\'' => tokens.extend(character_or_lifetime(&mut rest)),
            c if c.is_alphabetic() || c == '_' => {
                let mut word = String::from(c);
                while let Some(&c) = rest.peek().filter(|c| c.is_alphanumeric() || **c == '_') {
                    word.push(c);
                    rest.next();
                }
                let keyword = KEYWORDS.iter().position(|keyword| *keyword == word);
                tokens.push(keyword.map_or(NAME, |at| KEYWORD + at as u64));
            }
            c if c.is_ascii_digit() => {
                while rest.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {}
                tokens.push(NUMBER);
            }
            c if c.is_whitespace() => {}
            c => tokens.push(CHARACTER + u64::from(u32::from(c))),
        }
    }
    tokens
}

type Rest<'a> = Peekable<Chars<'a>>;

fn skip_line(rest: &mut Rest<'_>) {
    while rest.next_if(|c| *c != '\n').is_some() {}
}

/// Comments within comments, as Rust has them, end with the first end here: the rest is then taken for text.
fn skip_comment(rest: &mut Rest<'_>) {
    rest.next();
    while let Some(c) = rest.next() {
        if c == '*' && rest.next_if_eq(&'/').is_some() {
            return;
        }
    }
}

fn quoted(rest: &mut Rest<'_>, end: char) -> Option<u64> {
    while let Some(c) = rest.next() {
        if c == '\\' {
            rest.next();
        } else if c == end {
            break;
        }
    }
    Some(TEXT)
}

/// In Rust `'a'` is a character and `'a` a lifetime.
fn character_or_lifetime(rest: &mut Rest<'_>) -> Option<u64> {
    let mut ahead = rest.clone();
    let first = ahead.next()?;
    if first == '\\' || ahead.next() == Some('\'') {
        return quoted(rest, '\'');
    }
    Some(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_texts_comments_and_blanks_make_no_difference() {
        let one = "fn add(a: u8) -> u8 { /* sum */ a + 1 } // done\nlet s = \"x\\\"y\";";
        let two = "fn plus ( left :u16 )->u16{\n\n left+0x2f }\n let text = \"\";";
        assert_eq!(of("a.rs", one), of("b.rs", two));
        assert_ne!(of("a.rs", one), of("a.rs", &one.replace('+', "-")));
        assert_ne!(of("a.rs", one), of("a.rs", &one.replace("fn", "if")));
    }

    #[test]
    fn each_language_has_its_comments() {
        assert_eq!(of("a.py", "x = 1  # y"), of("a.py", "x = 2"));
        assert_ne!(of("a.rs", "#[test] fn a() {}"), of("a.rs", "fn a() {}"));
        assert_eq!(of("a.c", "x; // y"), of("a.c", "x;"));
        assert!(of("README.md", "x = 1").is_empty() && of("Makefile", "a: b").is_empty());
    }

    #[test]
    fn a_lifetime_is_no_open_text() {
        assert_eq!(of("a.rs", "fn f<'a>(x: &'a str) {}"), of("a.rs", "fn g<'b>(y: &'b Str) {}"));
        assert_eq!(of("a.rs", "x == 'a' || x == '\\''").len(), of("a.rs", "x == 1 || x == 1").len());
    }
}
