//! From a request's target to a path under the root (RFC 9112 §3.2, RFC 3986).
//!
//! The order is what keeps it safe: cut off the query, decode once, then look at the segments. Who
//! looks for `..` before decoding misses `%2e%2e`; who decodes twice finds files nobody asked for.

use crate::http::Status;
use crate::http::request::is_authority;

/// What a target names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The decoded path under the root: its segments joined by `/`, none of them empty, `.` or
    /// `..`; for the root itself nothing.
    pub path: Vec<u8>,
    /// Did it end with a `/`?
    pub is_directory: bool,
    /// What stood behind the `?`, as it came.
    pub query: Option<String>,
}

impl Target {
    /// The path of an entry of this directory.
    pub fn join(&self, name: &[u8]) -> Vec<u8> {
        match self.path.is_empty() {
            true => name.to_vec(),
            false => [&self.path, &b"/"[..], name].concat(),
        }
    }

    /// The path as it stands in a URL, without the last `/`.
    pub fn url(&self) -> String {
        let segments = self
            .path
            .split(|&octet| octet == b'/')
            .filter(|it| !it.is_empty());
        segments
            .map(|segment| format!("/{}", percent_encode(segment)))
            .collect()
    }
}

/// Finds the path a target stands for, or the status that refuses it: 400 for what is no target of
/// a `GET`, 403 for what would leave the root.
pub fn resolve(target: &str) -> Result<Target, Status> {
    // ANCHOR: step3_resolve
    let origin_form = origin_form(target).ok_or(Status::BadRequest)?;
    let (path, query) = match origin_form.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (origin_form, None),
    };
    let path = percent_decode(path).ok_or(Status::BadRequest)?;
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut is_directory = true;
    for segment in path.split(|&octet| octet == b'/') {
        is_directory = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => drop(segments.pop().ok_or(Status::Forbidden)?),
            _ => segments.push(segment),
        }
    }
    Ok(Target {
        path: segments.join(&b'/'),
        is_directory,
        query,
    })
    // ANCHOR_END: step3_resolve
}

/// The part of the target that begins with the path: all of an origin-form, and of an absolute-form
/// (RFC 9112 §3.2.2) what follows the authority.
fn origin_form(target: &str) -> Option<&str> {
    // ANCHOR: step3_origin_form
    if target.starts_with('/') {
        return Some(target);
    }
    let (scheme, rest) = target.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let is_http = scheme.eq_ignore_ascii_case("http");
    (is_http && !authority.is_empty() && is_authority(authority)).then_some(path)
    // ANCHOR_END: step3_origin_form
}

/// Replaces each `%` and two hexadecimal digits by the octet they name, once. `None` when digits
/// are missing, and for an octet 0, which no file name can hold.
pub fn percent_decode(text: &str) -> Option<Vec<u8>> {
    // ANCHOR: step3_percent_decode
    let mut decoded = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        decoded.push(match octet {
            b'%' => {
                let mut digit = || char::from(octets.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    (!decoded.contains(&0)).then_some(decoded)
    // ANCHOR_END: step3_percent_decode
}

/// Writes every octet but the unreserved ones (RFC 3986 §2.3) as `%` and two digits.
pub fn percent_encode(octets: &[u8]) -> String {
    // ANCHOR: step5_percent_encode
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            b'-' | b'.' | b'_' | b'~' => text.push(char::from(octet)),
            _ if octet.is_ascii_alphanumeric() => text.push(char::from(octet)),
            _ => text += &format!("%{octet:02X}"),
        }
    }
    text
    // ANCHOR_END: step5_percent_encode
}

#[cfg(test)]
mod step3 {
    use super::*;

    fn path(target: &str) -> Result<String, Status> {
        resolve(target).map(|it| String::from_utf8_lossy(&it.path).into_owned())
    }

    #[test]
    fn a_target_becomes_a_path_under_the_root() {
        assert_eq!(path("/a/b.txt").as_deref(), Ok("a/b.txt"));
        assert_eq!(path("/").as_deref(), Ok(""));
        assert_eq!(path("//a///b").as_deref(), Ok("a/b"));
        assert_eq!(path("/a..b").as_deref(), Ok("a..b"));
        assert_eq!(path("/a/./../b/c/..").as_deref(), Ok("b"));
    }

    #[test]
    fn it_is_decoded_once_and_a_plus_is_a_plus() {
        assert_eq!(path("/%41%20b").as_deref(), Ok("A b"));
        assert_eq!(path("/a%2541").as_deref(), Ok("a%41"));
        assert_eq!(path("/a+b").as_deref(), Ok("a+b"));
    }

    #[test]
    fn the_query_is_cut_off_before_decoding() {
        let target = resolve("/a%3Fb?c%3F?d").unwrap();
        assert_eq!(target.path, b"a?b");
        assert_eq!(target.query.as_deref(), Some("c%3F?d"));
    }

    #[test]
    fn an_absolute_form_is_as_good_as_its_path() {
        assert_eq!(path("http://h:80/a?b").as_deref(), Ok("a"));
        assert_eq!(path("HTTP://h").as_deref(), Ok(""));
        assert_eq!(path("http://h?q").as_deref(), Ok(""));
        assert_eq!(path("http://h/../etc/passwd"), Err(Status::Forbidden));
    }

    #[test]
    fn nothing_leads_out_of_the_root() {
        for target in [
            "/..",
            "/../x",
            "/a/../../x",
            "/%2e%2e/x",
            "/.%2E/x",
            "/..%2fx",
            "/a/..%2f..%2fx",
            "//../x",
            "/./../x",
        ] {
            assert_eq!(path(target), Err(Status::Forbidden), "{target}");
        }
        assert_eq!(path("/%252e%252e/x").as_deref(), Ok("%2e%2e/x"));
        assert_eq!(path("/..\\x").as_deref(), Ok("..\\x"));
    }

    #[test]
    fn what_is_no_target_is_400() {
        for target in [
            "*",
            "a",
            "h:80",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/a%00b",
            "ftp://h/",
            "http:///a",
        ] {
            assert_eq!(path(target), Err(Status::BadRequest), "{target}");
        }
    }

    #[test]
    fn a_directory_is_what_ends_with_a_slash() {
        let is_directory = |target| resolve(target).unwrap().is_directory;
        assert!(is_directory("/a/") && is_directory("/a/.") && is_directory("/a/b/.."));
        assert!(is_directory("/") && is_directory("http://h"));
        assert!(!is_directory("/a") && !is_directory("/a?b/"));
    }
}

#[cfg(test)]
mod step5 {
    use super::*;

    #[test]
    fn a_url_encodes_what_is_not_unreserved() {
        assert_eq!(
            resolve("/%C3%A9/a%20b%3A%22").unwrap().url(),
            "/%C3%A9/a%20b%3A%22"
        );
        assert_eq!(resolve("//evil/").unwrap().url(), "/evil");
        assert_eq!(percent_encode(b"a-._~b/%"), "a-._~b%2F%25");
    }
}
