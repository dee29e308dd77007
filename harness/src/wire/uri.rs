//! URI references as octets: which octets they hold, their parts, and what they resolve to (RFC 3986).
//!
//! Left out: the grammar inside an authority, and schemes' own rules for equality.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use super::http::SyntaxError;

/// The five parts of a reference (RFC 3986 §3, §4.1), as they stand there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reference<'a> {
    pub scheme: Option<&'a [u8]>,
    pub authority: Option<&'a [u8]>,
    pub path: &'a [u8],
    pub query: Option<&'a [u8]>,
    pub fragment: Option<&'a [u8]>,
}

impl<'a> Reference<'a> {
    /// Splits any octets, as the regular expression of RFC 3986 appendix B does.
    pub fn split(reference: &'a [u8]) -> Self {
        let (rest, fragment) = split_at_octet(reference, b'#');
        let (rest, query) = split_at_octet(rest, b'?');
        let (scheme, rest) = match split_at_octet(rest, b':') {
            (scheme, Some(rest)) if is_scheme(scheme) => (Some(scheme), rest),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix(b"//") {
            Some(rest) => {
                let end = rest.iter().position(|&octet| octet == b'/').unwrap_or(rest.len());
                (Some(&rest[..end]), &rest[end..])
            }
            None => (None, rest),
        };
        Reference { scheme, authority, path, query, fragment }
    }

    /// RFC 3986 §5.3.
    fn recompose(&self) -> Vec<u8> {
        let mut whole = Vec::new();
        if let Some(scheme) = self.scheme {
            whole.extend([scheme, b":"].concat());
        }
        if let Some(authority) = self.authority {
            whole.extend([b"//", authority].concat());
        }
        whole.extend(self.path);
        if let Some(query) = self.query {
            whole.extend([b"?", query].concat());
        }
        if let Some(fragment) = self.fragment {
            whole.extend([b"#", fragment].concat());
        }
        whole
    }
}

fn split_at_octet(octets: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match octets.iter().position(|&octet| octet == at) {
        Some(i) => (&octets[..i], Some(&octets[i + 1..])),
        None => (octets, None),
    }
}

/// RFC 3986 §3.1.
fn is_scheme(octets: &[u8]) -> bool {
    octets.first().is_some_and(u8::is_ascii_alphabetic)
        && octets.iter().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(octet))
}

/// What `reference` means on the page `base` (RFC 3986 §5.2). The base may be a whole URI or, when the host does not
/// matter, its path and query alone. Split the result to read its path.
pub fn resolve(base: &[u8], reference: &[u8]) -> Vec<u8> {
    let base = Reference::split(base);
    let r = Reference::split(reference);
    let (authority, path, query);
    if r.scheme.is_some() || r.authority.is_some() {
        (authority, path, query) = (r.authority, remove_dot_segments(r.path), r.query);
    } else if r.path.is_empty() {
        (authority, path, query) = (base.authority, base.path.to_vec(), r.query.or(base.query));
    } else if r.path.starts_with(b"/") {
        (authority, path, query) = (base.authority, remove_dot_segments(r.path), r.query);
    } else {
        (authority, path, query) = (base.authority, remove_dot_segments(&merge(&base, r.path)), r.query);
    }
    let scheme = r.scheme.or(base.scheme);
    Reference { scheme, authority, path: &path, query, fragment: r.fragment }.recompose()
}

/// RFC 3986 §5.2.3.
fn merge(base: &Reference<'_>, path: &[u8]) -> Vec<u8> {
    if base.authority.is_some() && base.path.is_empty() {
        return [b"/", path].concat();
    }
    let directory = base.path.iter().rposition(|&octet| octet == b'/').map_or(0, |slash| slash + 1);
    [&base.path[..directory], path].concat()
}

/// RFC 3986 §5.2.4.
pub fn remove_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut input = path;
    let mut output: Vec<u8> = Vec::new();
    while !input.is_empty() {
        if let Some(rest) = input.strip_prefix(b"../").or_else(|| input.strip_prefix(b"./")) {
            input = rest;
        } else if input.starts_with(b"/./") {
            input = &input[2..];
        } else if input == b"/." {
            input = b"/";
        } else if input.starts_with(b"/../") || input == b"/.." {
            let parent = output.iter().rposition(|&octet| octet == b'/').unwrap_or(0);
            output.truncate(parent);
            input = if input.len() > 3 { &input[3..] } else { b"/" };
        } else if input == b"." || input == b".." {
            input = b"";
        } else {
            let end =
                input.iter().skip(1).position(|&octet| octet == b'/').map_or(input.len(), |slash| slash + 1);
            output.extend(&input[..end]);
            input = &input[end..];
        }
    }
    output
}

/// The authority, and the path with its query, of `scheme://authority/path?query`; an empty path reads `/`.
pub fn split_absolute(uri: &[u8]) -> Option<(&[u8], Cow<'_, [u8]>)> {
    let parts = Reference::split(uri);
    parts.scheme?;
    let authority = parts.authority?;
    let path = if parts.path.is_empty() { b"/" } else { parts.path };
    let target = match parts.query {
        None => Cow::Borrowed(path),
        Some(query) => Cow::Owned([path, b"?", query].concat()),
    };
    Some((authority, target))
}

/// Percent-decodes once; `%` without two hexadecimal digits stays (RFC 3986 §2.1, §2.4).
pub fn percent_decode(octets: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(octets).collect()
}

/// All but unreserved characters (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A file's name as one segment of a path, whatever octets it holds.
pub fn encode_segment(name: &[u8]) -> String {
    percent_encoding::percent_encode(name, RESERVED).to_string()
}

/// Encodes each segment of a path and keeps its slashes.
pub fn encode_path(path: &[u8]) -> String {
    path.split(|&octet| octet == b'/').map(encode_segment).collect::<Vec<_>>().join("/")
}

/// Whether all octets are ones that a URI is made of (RFC 3986 §2): no space, nothing but ASCII, `%` only before two
/// hexadecimal digits.
pub fn check_octets(uri: &[u8]) -> Result<(), SyntaxError> {
    let mut at = 0;
    while at < uri.len() {
        match character(&uri[at..]).map_err(|error| error.shifted(at))? {
            Some(length) => at += length,
            None => return Err(bare_percent(uri.len() - at).shifted(at)),
        }
    }
    Ok(())
}

/// How many octets the character at the front takes: three if it is percent-encoded. `None`: more octets are needed.
pub(super) fn character(rest: &[u8]) -> Result<Option<usize>, SyntaxError> {
    match rest {
        [] => Ok(None),
        [b'%', digits @ ..] => {
            let count = digits.iter().take(2).take_while(|octet| octet.is_ascii_hexdigit()).count();
            match digits.len() {
                _ if count == 2 => Ok(Some(3)),
                seen if seen == count => Ok(None),
                _ => Err(bare_percent(1 + count)),
            }
        }
        [octet, ..] if octet.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(octet) => {
            Ok(Some(1))
        }
        [octet, ..] => {
            let rule = format!("a URI holds no such octet; in a URI it is written %{octet:02X}");
            Err(SyntaxError::new(0, 1, rule, "RFC 3986 §2"))
        }
    }
}

fn bare_percent(len: usize) -> SyntaxError {
    let rule = "\"%\" in a URI stands before two hexadecimal digits; itself it is written %25";
    SyntaxError::new(0, len, rule, "RFC 3986 §2.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(base: &str, reference: &str) -> String {
        String::from_utf8_lossy(&resolve(base.as_bytes(), reference.as_bytes())).into_owned()
    }

    #[test]
    fn the_examples_of_the_rfc_resolve() {
        for (reference, target) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q#s"),
            ("g?y#s", "http://a/b/c/g?y#s"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
        ] {
            assert_eq!(resolved("http://a/b/c/d;p?q", reference), target, "{reference:?}");
        }
    }

    #[test]
    fn a_path_alone_may_be_the_base() {
        assert_eq!(resolved("/dir/?C=N", "a%20b"), "/dir/a%20b");
        assert_eq!(resolved("/dir/", "../"), "/");
        assert_eq!(resolved("/dir/", "http://h/x"), "http://h/x");
        assert_eq!(resolved("/dir/", "a:b"), "a:b");
        assert_eq!(resolved("/dir/", "./a:b"), "/dir/a:b");
        assert_eq!(resolved("http://h", "x"), "http://h/x");
    }

    #[test]
    fn an_absolute_target_splits_into_authority_and_path() {
        let split =
            |uri: &'static str| split_absolute(uri.as_bytes()).map(|(host, path)| (host, path.into_owned()));
        assert_eq!(split("http://h:80/a?b"), Some((&b"h:80"[..], b"/a?b".to_vec())));
        assert_eq!(split("http://h"), Some((&b"h"[..], b"/".to_vec())));
        assert_eq!(split("/a"), None);
        assert_eq!(split("mailto:a@b"), None);
    }

    #[test]
    fn any_file_name_survives_encoding_and_decoding() {
        let name: Vec<u8> = (0..=255).collect();
        let encoded = encode_segment(&name);
        assert_eq!(check_octets(encoded.as_bytes()), Ok(()));
        assert_eq!(percent_decode(encoded.as_bytes()), name);
        assert_eq!(encode_path("/a b/é".as_bytes()), "/a%20b/%C3%A9");
        assert_eq!(percent_decode(b"%2541%zz%4"), b"%41%zz%4");
    }

    #[test]
    fn octets_that_no_uri_holds_are_found() {
        for (uri, offset, clause) in [
            ("/a b", 2, "RFC 3986 §2"),
            ("/é", 1, "RFC 3986 §2"),
            ("/a<b>", 2, "RFC 3986 §2"),
            ("/%4", 1, "RFC 3986 §2.1"),
            ("/%20%zz", 4, "RFC 3986 §2.1"),
        ] {
            let error = check_octets(uri.as_bytes()).expect_err(uri);
            assert_eq!((error.offset, error.clause), (offset, clause), "{uri}");
        }
    }
}
