//! Header fields (RFC 9110 §5, RFC 9112 §5): the lines between the start line and the empty line.
//!
//! Strict on purpose: white space before the colon and folded lines are refused, not repaired,
//! because two programs that repair them differently can be played against each other.

use super::{Error, Parsed, is_token, line};

/// Octets in a header section, line ends included.
pub const MAX_SECTION: usize = 64 * 1024;
/// Field lines in a header section.
pub const MAX_FIELDS: usize = 200;

/// The field lines of a message, in the order in which they came.
///
/// Values hold octets, not text: each is kept as the character of the same number (ISO 8859-1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of the first field line of that name, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of all field lines of that name, in any case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.0.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// The members of a comma-separated list, which may be spread over several field lines
    /// (RFC 9110 §5.6.1). Empty members are left out.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.all(name)
            .flat_map(|value| value.split(','))
            .map(|member| member.trim_matches([' ', '\t']))
            .filter(|member| !member.is_empty())
    }

    /// Is that token a member of that list, in any case?
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.list(name)
            .any(|member| member.eq_ignore_ascii_case(token))
    }
}

/// Reads a header section up to and with the empty line that ends it.
pub fn parse(bytes: &[u8]) -> Parsed<Fields> {
    todo!("step 2: fields")
}

/// Reads `name: value`, without the white space around the value (RFC 9112 §5.1).
pub fn field_line(line: &[u8]) -> Result<(String, String), Error> {
    todo!("step 2: field line")
}

#[cfg(test)]
impl From<&[(&str, &str)]> for Fields {
    fn from(fields: &[(&str, &str)]) -> Fields {
        Fields(
            fields
                .iter()
                .map(|&(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod step2 {
    use super::super::tests::accepts;
    use super::*;

    #[test]
    fn names_match_in_any_case_and_lists_span_lines() {
        let section = b"Connection: foo , CLOSE\r\nX:\t a b \r\nconnection:bar\r\nEmpty:\r\n\r\n";
        let fields = accepts(parse, section);
        assert_eq!(fields.get("x"), Some("a b"));
        assert_eq!(fields.get("EMPTY"), Some(""));
        assert_eq!(fields.get("missing"), None);
        assert!(fields.lists("connection", "close"));
        assert!(fields.lists("Connection", "bar"));
        assert!(!fields.lists("Connection", "ba"));
    }
}

#[cfg(test)]
mod step7 {
    use super::super::tests::rejects;
    use super::*;

    #[test]
    fn lines_that_are_no_field_are_refused() {
        for section in [
            &b"Host : x\r\n\r\n"[..],
            b"no colon\r\n\r\n",
            b": no name\r\n\r\n",
            b"A: b\r\n folded\r\n\r\n",
            b" A: b\r\n\r\n",
            b"A: b\0c\r\n\r\n",
            b"A: b\rc\r\n\r\n",
            b"A: b\x7f\r\n\r\n",
            b"A: b\n\r\n",
            b"A(: b\r\n\r\n",
        ] {
            assert_eq!(rejects(parse, section).status().code(), 400);
        }
    }

    #[test]
    fn octets_beyond_ascii_are_kept() {
        assert_eq!(field_line(b"A: \xe9"), Ok(("A".into(), "\u{e9}".into())));
    }

    #[test]
    fn a_section_has_a_limit_on_its_octets_and_on_its_lines() {
        let fits = [
            b"A: ".to_vec(),
            vec![b'x'; MAX_SECTION - 7],
            b"\r\n\r\n".to_vec(),
        ]
        .concat();
        assert_eq!(fits.len(), MAX_SECTION);
        assert!(parse(&fits).unwrap().is_some());
        assert_eq!(
            parse(&vec![b'x'; MAX_SECTION + 1]),
            Err(Error::FieldsTooLarge)
        );

        let full = b"A: b\r\n".repeat(MAX_FIELDS);
        assert!(parse(&[&full[..], b"\r\n"].concat()).unwrap().is_some());
        assert_eq!(
            parse(&[&full[..], b"A: b\r\n"].concat()),
            Err(Error::FieldsTooLarge)
        );
    }
}
