//! Octets shown to people: one line, every octet visible, carets under those that matter.

use std::ops::Range;

/// Printable text as it is, CR as ␍, LF as ␊, all else as `\xNN`.
pub fn show(octets: &[u8]) -> String {
    cells(octets, 0).into_iter().map(|cell| cell.text).collect()
}

/// One line of context around `len` octets at `at`, and under it a line with carets below exactly these (one caret
/// below the end, if `at` is there). At most `width` columns, counted in characters; `…` stands where it was cut.
pub fn excerpt(octets: &[u8], at: usize, len: usize, width: usize) -> (String, String) {
    let at = at.min(octets.len());
    let marked = at..(at + len.max(1));
    let window = around(octets, &marked, width);
    let cells = cells(&octets[window.clone()], window.start);
    let first = cells.iter().position(|cell| cell.octets.end > at).unwrap_or(cells.len());
    let last = cells.iter().position(|cell| cell.octets.start >= marked.end).unwrap_or(cells.len());
    let (left, middle, right) =
        (columns(&cells[..first]), columns(&cells[first..last]).max(1), columns(&cells[last..]));
    let whole = window == (0..octets.len()) && left + middle + right <= width;
    // Two columns are kept for the marks of what was cut.
    let room = if whole { width - middle } else { width.saturating_sub(middle + 2) };
    let before = left.min((room / 2).max(room.saturating_sub(right)));
    let start = first - fitting(cells[..first].iter().rev(), before);
    let end = last + fitting(cells[last..].iter(), room.saturating_sub(before));
    let mark_end =
        first + fitting(cells[first..last].iter(), if whole { width } else { width.saturating_sub(2) });
    let end = if mark_end < last { mark_end } else { end };

    let cut_left = cells.get(start).is_some_and(|cell| cell.octets.start > 0);
    let cut_right = end < cells.len() || window.end < octets.len();
    let mut line = String::from(if cut_left { "…" } else { "" });
    line.extend(cells[start..end].iter().map(|cell| cell.text.as_str()));
    line.push_str(if cut_right { "…" } else { "" });
    let indent = usize::from(cut_left) + columns(&cells[start..first]);
    let carets = " ".repeat(indent) + &"^".repeat(columns(&cells[first..mark_end]).max(1));
    (line, carets)
}

/// Octets around `len` of them at `at` in hexadecimal, and carets below exactly these, as [`excerpt`] does for text.
pub fn hex_excerpt(octets: &[u8], at: usize, len: usize) -> (String, String) {
    const BEFORE: usize = 6;
    const SHOWN: usize = 16;
    let at = at.min(octets.len());
    let start = at.saturating_sub(BEFORE);
    let end = octets.len().min(start + SHOWN);
    let hex: Vec<String> = octets[start..end].iter().map(|octet| format!("{octet:02x}")).collect();
    let cut_left = if start > 0 { "… " } else { "" };
    let cut_right = if end < octets.len() { " …" } else { "" };
    let marked = (at + len.max(1)).min(end.max(at + 1)) - at;
    let indent = cut_left.chars().count() + 3 * (at - start);
    (format!("{cut_left}{}{cut_right}", hex.join(" ")), " ".repeat(indent) + &"^".repeat(3 * marked - 1))
}

/// What one character, or one octet that is none, looks like.
struct Cell {
    octets: Range<usize>,
    text: String,
}

fn cells(octets: &[u8], base: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut at = base;
    for chunk in octets.utf8_chunks() {
        for char in chunk.valid().chars() {
            let end = at + char.len_utf8();
            let text = match char {
                '\r' => "␍".to_owned(),
                '\n' => "␊".to_owned(),
                _ if is_unseen(char) => {
                    char.to_string().bytes().map(|octet| format!("\\x{octet:02x}")).collect()
                }
                _ => char.to_string(),
            };
            cells.push(Cell { octets: at..end, text });
            at = end;
        }
        for octet in chunk.invalid() {
            cells.push(Cell { octets: at..at + 1, text: format!("\\x{octet:02x}") });
            at += 1;
        }
    }
    cells
}

/// Control characters, and those that are invisible or turn the direction of the text around them.
fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The part of a long input that can come into view, cut between characters.
fn around(octets: &[u8], marked: &Range<usize>, width: usize) -> Range<usize> {
    let reach = 4 * width;
    let between = |at: &usize| !matches!(octets.get(*at), Some(0x80..=0xbf));
    let start = marked.start.saturating_sub(reach);
    let end = octets.len().min(marked.start.saturating_add(reach));
    let start = (start.saturating_sub(3)..=start).rev().find(between).unwrap_or(start);
    let end = (end..octets.len().min(end + 3)).find(between).unwrap_or(end);
    start..end
}

fn columns(cells: &[Cell]) -> usize {
    cells.iter().map(|cell| cell.text.chars().count()).sum()
}

/// How many cells, from the first, fit into `room` columns.
fn fitting<'a>(cells: impl Iterator<Item = &'a Cell>, room: usize) -> usize {
    cells
        .scan(0, |used, cell| {
            *used += cell.text.chars().count();
            Some(*used)
        })
        .take_while(|&used| used <= room)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_is_visible() {
        assert_eq!(show("a é\t\r\n\0\u{7f}".as_bytes()), "a é\\x09␍␊\\x00\\x7f");
        assert_eq!(show(b"\xff\xc3("), "\\xff\\xc3(");
        assert_eq!(show("a\u{202e}b".as_bytes()), "a\\xe2\\x80\\xaeb");
    }

    #[test]
    fn carets_stand_exactly_below_the_octets() {
        assert_eq!(excerpt(b"A: b\nC: d\r\n", 4, 1, 80), ("A: b␊C: d␍␊".to_owned(), "    ^".to_owned()));
        assert_eq!(excerpt("é\0x".as_bytes(), 2, 1, 80), ("é\\x00x".to_owned(), " ^^^^".to_owned()));
        assert_eq!(excerpt("aéb".as_bytes(), 2, 1, 80), ("aéb".to_owned(), " ^".to_owned()));
        assert_eq!(excerpt(b"abc", 3, 0, 80), ("abc".to_owned(), "   ^".to_owned()));
        assert_eq!(excerpt(b"", 0, 0, 80), (String::new(), "^".to_owned()));
        assert_eq!(excerpt(b"abc", 1, 9, 80), ("abc".to_owned(), " ^^".to_owned()));
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides_and_keeps_its_width() {
        let text: Vec<u8> = (0..1000).map(|i| b'a' + (i % 26) as u8).collect();
        assert_eq!(excerpt(&text, 500, 2, 14), ("…bcdefghijklm…".to_owned(), "      ^^".to_owned()));
        assert_eq!(excerpt(&text, 0, 1, 8), ("abcdef…".to_owned(), "^".to_owned()));
        assert_eq!(excerpt(&text, 1000, 0, 8), ("…hijkl".to_owned(), "      ^".to_owned()));
        assert_eq!(excerpt(&text, 100, 50, 8), ("…wxyzab…".to_owned(), " ^^^^^^".to_owned()));
    }

    #[test]
    fn no_excerpt_is_wider_than_asked_and_carets_stay_below_it() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let octets: Vec<u8> = (0..random.usize(0..300)).map(|_| random.u8(..)).collect();
            let (at, len, width) =
                (random.usize(0..=octets.len()), random.usize(0..20), random.usize(16..100));
            let (line, carets) = excerpt(&octets, at, len, width);
            assert!(line.chars().count() <= width, "{line} in {width}");
            assert!(carets.len() <= width.max(line.chars().count() + 1), "{line} and {carets}");
        }
    }

    #[test]
    fn binary_data_is_shown_in_hexadecimal() {
        let octets: Vec<u8> = (0..=255).collect();
        assert_eq!(
            hex_excerpt(&octets, 128, 3),
            ("… 7a 7b 7c 7d 7e 7f 80 81 82 83 84 85 86 87 88 89 …".to_owned(), " ".repeat(20) + "^^^^^^^^")
        );
        assert_eq!(hex_excerpt(b"\x01\x02", 0, 1), ("01 02".to_owned(), "^^".to_owned()));
        assert_eq!(hex_excerpt(b"\x01\x02", 2, 0), ("01 02".to_owned(), "      ^^".to_owned()));
    }
}
