//! Header and trailer sections: field lines up to the empty line (RFC 9112 §5, RFC 9110 §5).

use super::Parsed;
use super::cursor::{Cursor, Stop, settle};

/// One field line, with where its parts stand in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As sent; compare it with [`Field::is`].
    pub name: Vec<u8>,
    /// Without the whitespace around it.
    pub value: Vec<u8>,
    pub name_at: usize,
    pub value_at: usize,
}

impl Field {
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The field lines of one section, in the order in which they came. Names are looked up in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<Field>);

impl Fields {
    pub fn iter(&self) -> std::slice::Iter<'_, Field> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All lines of that name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Field> {
        self.0.iter().filter(move |field| field.is(name))
    }

    /// The first line of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.is(name))
    }

    /// The value of the first line of that name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.field(name).map(|field| field.value.as_slice())
    }

    /// The same as text to show or to compare; octets that are not UTF-8 become U+FFFD.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    pub fn count(&self, name: &str) -> usize {
        self.all(name).count()
    }

    pub fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// The names in lower case, each once, in order of first appearance.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for field in &self.0 {
            let name = String::from_utf8_lossy(&field.name).to_ascii_lowercase();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The comma-separated members of all lines of that name, without empty ones (RFC 9110 §5.6.1.2).
    /// A comma inside a quoted string separates nothing.
    pub fn list(&self, name: &str) -> Vec<&[u8]> {
        self.members(name).into_iter().map(|(member, _)| member).collect()
    }

    /// Whether the list has this member, in any case, as in `Connection: keep-alive, Close`.
    pub fn list_has(&self, name: &str, member: &str) -> bool {
        self.list(name).iter().any(|m| m.eq_ignore_ascii_case(member.as_bytes()))
    }

    /// Counts all offsets from `by` octets earlier.
    pub(super) fn shift(&mut self, by: usize) {
        for field in &mut self.0 {
            field.name_at += by;
            field.value_at += by;
        }
    }

    /// The members of [`Fields::list`] with their offsets in the input.
    pub(super) fn members(&self, name: &str) -> Vec<(&[u8], usize)> {
        self.all(name).flat_map(|field| split_list(&field.value, field.value_at)).collect()
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = &'a Field;
    type IntoIter = std::slice::Iter<'a, Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn split_list(value: &[u8], at: usize) -> Vec<(&[u8], usize)> {
    let mut members = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    let mut close = |start: usize, end: usize| {
        let member = &value[start..end];
        let trimmed = member.trim_ascii();
        if !trimmed.is_empty() {
            members.push((trimmed, at + start + (member.len() - member.trim_ascii_start().len())));
        }
    };
    for (i, &octet) in value.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                close(start, i);
                start = i + 1;
            }
            _ => {}
        }
    }
    close(start, value.len());
    members
}

/// A section from its first octet to the end of its empty line.
pub fn parse(input: &[u8]) -> Parsed<Fields> {
    let mut cursor = Cursor::new(input, 0);
    let fields = settle(section(&mut cursor, "the header section"))?;
    Ok(fields.map(|fields| (fields, cursor.taken())))
}

/// `section` names what is read: the header section or the trailer section.
pub(super) fn section(cursor: &mut Cursor<'_>, section: &str) -> Result<Fields, Stop> {
    let mut fields = Fields::default();
    loop {
        match cursor.peek()? {
            b'\r' | b'\n' => {
                cursor.end_of_line(&format!("the empty line after {section}"), "", "")?;
                return Ok(fields);
            }
            b' ' | b'\t' if fields.is_empty() => {
                return Err(
                    cursor.refuse("no whitespace stands before the first header field", "RFC 9112 §2.2")
                );
            }
            b' ' | b'\t' => {
                return Err(cursor.refuse(
                    "a field line begins with its name; whitespace here would fold it into the line before, \
                     which no sender may do",
                    "RFC 9112 §5.2",
                ));
            }
            _ => fields.0.push(field_line(cursor)?),
        }
    }
}

fn field_line(cursor: &mut Cursor<'_>) -> Result<Field, Stop> {
    let name_at = cursor.offset();
    let name = cursor.token()?.to_vec();
    match cursor.peek()? {
        b':' if name.is_empty() => {
            return Err(cursor.refuse("a field line has a name before the colon", "RFC 9110 §5.1"));
        }
        b':' => cursor.advance(),
        b' ' | b'\t' => {
            return Err(
                cursor.refuse("no whitespace stands between a field name and the colon", "RFC 9112 §5.1")
            );
        }
        b'\r' | b'\n' => {
            return Err(cursor
                .refuse("a field line is a name, a colon, and a value; here is no colon", "RFC 9112 §5"));
        }
        _ => {
            return Err(cursor.refuse(
                "a field name holds only letters, digits and !#$%&'*+-.^_`|~, up to the colon",
                "RFC 9110 §5.6.2",
            ));
        }
    }
    cursor.whitespace()?;
    let value_at = cursor.offset();
    let value = cursor.take_while(is_text_octet)?.trim_ascii_end().to_vec();
    cursor.end_of_line("a header line", "a field value holds no control octets", "RFC 9110 §5.5")?;
    Ok(Field { name, value, name_at, value_at })
}

/// HTAB, SP, VCHAR or obs-text: a field value (RFC 9110 §5.5) and a reason phrase (RFC 9112 §4) consist of these.
pub(super) fn is_text_octet(octet: u8) -> bool {
    octet == b'\t' || (octet >= b' ' && octet != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::testing::{accepted, refused};

    fn fields(text: &str) -> Fields {
        accepted(text.as_bytes(), parse)
    }

    #[test]
    fn names_are_found_in_any_case_and_values_lose_the_whitespace_around_them() {
        let fields = fields("Content-TYPE:text/html\r\nX-Pad: \t a b \t\r\nEmpty:\r\n\r\n");
        assert_eq!(fields.get("content-type"), Some(&b"text/html"[..]));
        assert_eq!(fields.get("x-pad"), Some(&b"a b"[..]));
        assert_eq!(fields.get("empty"), Some(&b""[..]));
        assert_eq!(fields.names(), ["content-type", "x-pad", "empty"]);
        assert_eq!(fields.field("x-pad").map(|field| (field.name_at, field.value_at)), Some((24, 33)));
    }

    #[test]
    fn a_list_spans_lines_and_keeps_quoted_commas() {
        let fields = fields("Via: a , \"b, \\\" c\",,\r\nOther: x\r\nvia: d\r\n\r\n");
        assert_eq!(fields.list("Via"), [&b"a"[..], b"\"b, \\\" c\"", b"d"]);
        assert_eq!(fields.members("via").iter().map(|&(_, at)| at).collect::<Vec<_>>(), [5, 9, 37]);
        assert_eq!(fields.count("VIA"), 2);
        assert!(fields.list_has("via", "D") && !fields.list_has("via", "b"));
    }

    #[test]
    fn an_empty_section_is_one_empty_line() {
        assert!(fields("\r\n").is_empty());
    }

    #[test]
    fn each_broken_field_line_is_refused_at_its_octet() {
        for (text, offset, clause) in [
            (" A: b\r\n\r\n", 0, "RFC 9112 §2.2"),
            ("A: b\r\n c\r\n\r\n", 6, "RFC 9112 §5.2"),
            ("A : b\r\n\r\n", 1, "RFC 9112 §5.1"),
            (": b\r\n\r\n", 0, "RFC 9110 §5.1"),
            ("A(: b\r\n\r\n", 1, "RFC 9110 §5.6.2"),
            ("Ab\r\n\r\n", 2, "RFC 9112 §5"),
            ("A: b\n\r\n", 4, "RFC 9112 §2.2"),
            ("A: b\rc\r\n\r\n", 4, "RFC 9112 §2.2"),
            ("A: b\0c\r\n\r\n", 4, "RFC 9110 §5.5"),
            ("A: b\r\n\n", 6, "RFC 9112 §2.2"),
            ("A: b\r\n\rX", 6, "RFC 9112 §2.2"),
        ] {
            let error = refused(text.as_bytes(), parse);
            assert_eq!((error.offset, error.clause), (offset, clause), "{text:?}: {error}");
        }
    }
}
