//! What the target of a request stands for (RFC 9112 §3.2, RFC 9110 §4.2, RFC 3986).
//!
//! | form      | example                  |                                              |
//! |-----------|--------------------------|----------------------------------------------|
//! | absolute  | `http://host:8080/a?b`   | what a client sends that knows it has a proxy |
//! | path      | `/http://host:8080/a?b`  | the same for one that does not               |
//! |           | `/host:8080/a?b`         | and without the scheme                       |
//! | authority | `host:443`               | with `CONNECT`                               |

use super::Error;

/// An `http` resource: where to connect, and what to ask for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub authority: Authority,
    /// Path and query as they came; `/` at least.
    pub path: String,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// A name or an address, without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// As it was written, for `Host`.
    pub text: String,
}

impl Target {
    /// The resource's URI in one spelling: what the cache knows it by (RFC 9110 §4.2.3).
    pub fn uri(&self) -> String {
        String::new() // step 7: uri
    }

    /// The resource that a reference in a response to a request for this one leads to
    /// (RFC 3986 §5.2), if it is on the same origin.
    pub fn same_origin(&self, reference: &str) -> Option<Target> {
        todo!("step 10: same origin")
    }
}

/// Reads the target of a request that is to be forwarded.
pub fn parse(method: &str, target: &str) -> Result<Target, Error> {
    todo!("step 1: target")
}

/// Reads `http://host:port/path?query`.
fn absolute_form(uri: &str) -> Result<Target, Error> {
    todo!("step 1: absolute form")
}

/// Reads the target of a `CONNECT`: `host:port`, and the port is owed.
pub fn parse_connect(target: &str) -> Result<Authority, Error> {
    todo!("step 11: parse connect")
}

/// Is it `host[:port]`, as `Host` must say it, or nothing?
pub fn check_authority(text: &str) -> Result<(), Error> {
    match text {
        "" => Ok(()),
        text => authority(text).map(drop),
    }
}

/// Reads `host[:port]`. User information is refused (RFC 9110 §4.2.4).
fn authority(text: &str) -> Result<Authority, Error> {
    todo!("step 1: authority")
}

/// RFC 3986 §3.2.2: a name of certain characters, or an IPv6 address in brackets.
fn check_host(host: &str, bracketed: bool) -> Result<(), Error> {
    Ok(()) // step 4: check target host
}

/// Does it begin with `scheme://`, or is it at least `scheme:` and no host?
fn has_scheme(uri: &str) -> bool {
    let (scheme, rest) = uri.split_once(':').unwrap_or_default();
    let is_port = rest.starts_with(|first: char| first.is_ascii_digit());
    let mark = |octet: u8| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(mark)
        && !is_port
}

/// Can the first segment of that path be nothing but a host? One with a port, or a dotted name.
fn begins_with_host(path: &str) -> bool {
    let host = path.split(['/', '?']).next().unwrap_or_default();
    host.contains([':', '.'])
}

/// Resolves the `.` and `..` segments of a path, whose query stays as it is (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    todo!("step 10: without dots")
}

#[cfg(test)]
mod step1 {
    use super::*;

    fn parts(target: &str) -> (String, u16, String) {
        let Target { authority, path } = parse("GET", target).unwrap();
        (authority.host, authority.port, path)
    }

    #[test]
    fn an_absolute_target_names_host_and_path() {
        assert_eq!(
            parts("http://h:81/a?b=/c"),
            ("h".into(), 81, "/a?b=/c".into())
        );
        assert_eq!(parts("HTTP://h/"), ("h".into(), 80, "/".into()));
        assert_eq!(parts("http://[::1]:81/"), ("::1".into(), 81, "/".into()));
        assert_eq!(parts("http://h:/a/../b/%7E%2F").2, "/a/../b/%7E%2F");
    }

    #[test]
    fn an_empty_path_becomes_a_slash() {
        assert_eq!(parts("http://h:81").2, "/");
        assert_eq!(parts("http://h?a").2, "/?a");
    }

    #[test]
    fn the_path_form_stands_for_the_same() {
        for target in ["/http://h:81/a?b", "/h:81/a?b"] {
            assert_eq!(parts(target), parts("http://h:81/a?b"));
        }
        assert_eq!(parts("/www.example.com").0, "www.example.com");
    }

    #[test]
    fn the_authority_is_kept_as_it_was_written() {
        let target = parse("GET", "http://Host:080/").unwrap();
        assert_eq!(target.authority.text, "Host:080");
        assert_eq!(target.authority.port, 80);
    }
}

#[cfg(test)]
mod step4 {
    use super::*;

    fn status(target: &str) -> Option<u16> {
        parse("GET", target)
            .err()
            .map(|fault| fault.status().code())
    }

    #[test]
    fn targets_without_a_valid_host_are_refused() {
        for target in [
            "http:///a",
            "http://",
            "http://:80/",
            "/a",
            "/",
            "*",
            "a",
            "http://u@h/",
            "http://[::1",
            "http://[x]/",
            "http://h/#f",
            "http://h\\a/",
        ] {
            assert_eq!(status(target), Some(400), "{target}");
        }
    }

    #[test]
    fn ports_out_of_range_are_refused() {
        for port in ["0", "65536", "99999", "abc", "-1", "+1", "1:2"] {
            assert_eq!(status(&format!("http://h:{port}/")), Some(400), "{port}");
        }
    }

    #[test]
    fn other_schemes_are_not_implemented() {
        for target in ["https://h/", "ftp://h/", "/ftp://h/", "mailto:a@b"] {
            assert_eq!(status(target), Some(501), "{target}");
        }
    }
}

#[cfg(test)]
mod step5 {
    use super::*;

    #[test]
    fn options_of_a_whole_server_asks_for_an_asterisk() {
        let path = |target| parse("OPTIONS", target).unwrap().path;
        assert_eq!(path("http://h:81"), "*");
        assert_eq!(path("http://h:81/"), "/");
    }
}

#[cfg(test)]
mod step7 {
    use super::*;

    #[test]
    fn spellings_of_one_resource_have_one_uri() {
        let uri = |target| parse("GET", target).unwrap().uri();
        assert_eq!(uri("HTTP://Host/"), uri("http://host:80"));
        assert_eq!(uri("/host:80"), uri("http://host"));
        for other in ["http://h:81/a", "http://h/A", "http://h/a?b", "http://h2/a"] {
            assert_ne!(uri(other), uri("http://h/a"));
        }
    }
}

#[cfg(test)]
mod step10 {
    use super::*;

    #[test]
    fn references_are_resolved_on_the_same_origin() {
        let base = parse("POST", "http://h:81/a/b?c").unwrap();
        let resolved = |reference| base.same_origin(reference).map(|target| target.path);
        for (reference, path) in [
            ("http://H:81/x?y#z", "/x?y"),
            ("//h:81/x", "/x"),
            ("/x/./y/../z", "/x/z"),
            ("x", "/a/x"),
            ("../x/", "/x/"),
            ("?q", "/a/b?q"),
            ("", "/a/b?c"),
            ("..", "/"),
        ] {
            assert_eq!(resolved(reference).as_deref(), Some(path), "{reference}");
        }
        for reference in ["http://h/x", "http://other:81/x", "https://h:81/x"] {
            assert_eq!(resolved(reference), None);
        }
    }
}

#[cfg(test)]
mod step11 {
    use super::*;

    #[test]
    fn connect_owes_a_port() {
        assert_eq!(parse_connect("h:443").unwrap().port, 443);
        assert_eq!(parse_connect("[::1]:443").unwrap().host, "::1");
        for target in ["h", "h:", "[::1]", "http://h:443", "h:0"] {
            assert!(parse_connect(target).is_err(), "{target}");
        }
    }
}
