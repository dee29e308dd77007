//! Header fields (RFC 9110 §5, RFC 9112 §5): read, looked up, changed, written again.

use super::{Error, Parsed, Sender, is_token, line, text};

/// Octets in a header section, line ends included.
pub const MAX_SECTION: usize = 64 * 1024;
/// Field lines in a header section.
pub const MAX_FIELDS: usize = 200;

/// The field lines of a message in the order in which they came, lines of one name included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<Field>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: String,
    /// ISO 8859-1: a character an octet.
    value: String,
}

impl Field {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl Fields {
    /// The value of the first line of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The values of all lines of that name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.0.iter().filter(move |field| field.is(name));
        lines.map(|field| field.value.as_str())
    }

    /// Do all lines of that name say the same?
    pub fn agree(&self, name: &str) -> bool {
        let first = self.get(name);
        self.all(name).all(|value| Some(value) == first)
    }

    /// The members of a comma-separated list, over all lines of that name (RFC 9110 §5.6.1).
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let members = self.all(name).flat_map(|value| value.split(','));
        let members = members.map(|member| member.trim_matches([' ', '\t']));
        members.filter(|member| !member.is_empty())
    }

    /// Has that list this member, in any case?
    pub fn lists(&self, name: &str, member: &str) -> bool {
        self.list(name).any(|one| one.eq_ignore_ascii_case(member))
    }

    /// All lines, as names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|field| (&*field.name, &*field.value))
    }

    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push(Field {
            name: name.into(),
            value: value.into(),
        });
    }

    /// Makes that the one line of its name, in the place of the first if there are any.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.0.iter().position(|field| field.is(name)) {
            Some(first) => {
                self.0[first].value = value.into();
                let mut at = 0;
                self.0.retain(|field| {
                    at += 1;
                    at - 1 <= first || !field.is(name)
                });
            }
            None => self.push(name, value),
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|field| !field.is(name));
    }

    /// Keeps the lines whose name passes.
    pub fn retain(&mut self, mut passes: impl FnMut(&str) -> bool) {
        self.0.retain(|field| passes(&field.name));
    }

    /// Writes the lines, without the empty one that ends a section.
    pub fn write(&self, out: &mut Vec<u8>) {
        for field in &self.0 {
            out.extend_from_slice(field.name.as_bytes());
            out.extend_from_slice(b": ");
            match field.value.is_ascii() {
                true => out.extend_from_slice(field.value.as_bytes()),
                false => out.extend(field.value.chars().map(|character| character as u8)),
            }
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Reads a header section, up to and with the empty line.
pub fn parse(octets: &[u8], sender: Sender) -> Parsed<Fields> {
    todo!("step 1: fields")
}

/// Reads `name: value`; the white space around the value is not part of it.
fn field_line(line: &[u8], sender: Sender) -> Result<(String, String), Error> {
    todo!("step 1: field line")
}

/// Refuses what another program might read as another field, or as two (RFC 9110 §5.5,
/// RFC 9112 §5.1, §5.2).
fn check_field(name: &[u8], value: &[u8]) -> Result<(), Error> {
    Ok(()) // step 5: check field
}

impl<const N: usize> From<[(&str, &str); N]> for Fields {
    fn from(lines: [(&str, &str); N]) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in lines {
            fields.push(name, value);
        }
        fields
    }
}

#[cfg(test)]
fn from_client(octets: &[u8]) -> Parsed<Fields> {
    parse(octets, Sender::Client)
}

#[cfg(test)]
mod step1 {
    use super::super::trial::good;
    use super::*;

    #[test]
    fn a_section_ends_with_an_empty_line() {
        let fields = good(
            from_client,
            b"Host: a\r\nX:\t 1 2 \r\nx:3\r\nEmpty:\r\n\r\n",
        );
        assert_eq!(fields.get("HOST"), Some("a"));
        assert_eq!(fields.all("x").collect::<Vec<_>>(), ["1 2", "3"]);
        assert_eq!(fields.get("empty"), Some(""));
        assert!(good(from_client, b"\r\n").get("Host").is_none());
    }

    #[test]
    fn what_was_read_is_written() {
        let section = b"A: \xe9\r\nB: 2\r\nA: 3\r\n";
        let fields = good(from_client, &[&section[..], b"\r\n"].concat());
        let mut out = Vec::new();
        fields.write(&mut out);
        assert_eq!(out, section);
    }
}

#[cfg(test)]
mod step3 {
    use super::*;

    #[test]
    fn a_list_spans_lines() {
        let fields = Fields::from([("Connection", "a,, B "), ("connection", "c")]);
        assert_eq!(
            fields.list("Connection").collect::<Vec<_>>(),
            ["a", "B", "c"]
        );
        assert!(fields.lists("Connection", "b"));
        assert!(!fields.lists("Connection", "a,"));
    }

    #[test]
    fn a_set_field_stands_once_where_the_first_stood() {
        let mut fields = Fields::from([("A", "1"), ("B", "2"), ("a", "3")]);
        fields.set("a", "4");
        assert_eq!(fields, Fields::from([("A", "4"), ("B", "2")]));
        fields.set("C", "5");
        assert_eq!(fields.get("C"), Some("5"));
    }
}

#[cfg(test)]
mod step5 {
    use super::super::trial::bad;
    use super::*;

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for section in [
            &b"Host : a\r\n\r\n"[..],
            b"A: 1\r\n folded\r\n\r\n",
            b" A: 1\r\n\r\n",
            b"no colon\r\n\r\n",
            b": no name\r\n\r\n",
            b"A: 1\x002\r\n\r\n",
            b"A: 1\r2\r\n\r\n",
            b"A(1): 2\r\n\r\n",
        ] {
            assert_eq!(bad(from_client, section).status().code(), 400);
        }
    }

    #[test]
    fn space_before_a_colon_of_an_origins_is_removed() {
        let fields = parse(b"A \t: 1\r\n\r\n", Sender::Origin)
            .unwrap()
            .unwrap()
            .0;
        assert_eq!(fields, [("A", "1")].into());
        assert!(parse(b"A: 1\r\n B: 2\r\n\r\n", Sender::Origin).is_err());
    }

    #[test]
    fn a_flood_of_fields_is_refused() {
        assert_eq!(
            from_client(&b"A: 1\r\n".repeat(MAX_FIELDS + 1)),
            Err(Error::FieldsTooLarge)
        );
        assert_eq!(
            from_client(&vec![b'a'; MAX_SECTION + 1]),
            Err(Error::FieldsTooLarge)
        );
    }
}
