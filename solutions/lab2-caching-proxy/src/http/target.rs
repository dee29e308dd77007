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
        // ANCHOR: step7_uri
        // STARTER: String::new() // step 7: uri
        let Authority { host, port, .. } = &self.authority;
        format!("http://{}:{port}{}", host.to_ascii_lowercase(), self.path)
        // ANCHOR_END: step7_uri
    }

    /// The resource that a reference in a response to a request for this one leads to
    /// (RFC 3986 §5.2), if it is on the same origin.
    pub fn same_origin(&self, reference: &str) -> Option<Target> {
        // ANCHOR: step10_same_origin
        let reference = reference.split('#').next().unwrap_or_default();
        if has_scheme(reference) || reference.starts_with("//") {
            let absolute = match reference.starts_with("//") {
                true => format!("http:{reference}"),
                false => reference.to_owned(),
            };
            let other = absolute_form(&absolute).ok()?;
            let origin = |target: &Target| {
                let Authority { host, port, .. } = &target.authority;
                (host.to_ascii_lowercase(), *port)
            };
            return (origin(&other) == origin(self)).then_some(other);
        }
        let (base, query) = self
            .path
            .split_at(self.path.find('?').unwrap_or(self.path.len()));
        let path = match reference.as_bytes() {
            [] => format!("{base}{query}"),
            [b'?', ..] => format!("{base}{reference}"),
            [b'/', ..] => without_dots(reference),
            _ => without_dots(&format!("{}{reference}", &base[..=base.rfind('/')?])),
        };
        let authority = self.authority.clone();
        Some(Target { authority, path })
        // ANCHOR_END: step10_same_origin
    }
}

/// Reads the target of a request that is to be forwarded.
pub fn parse(method: &str, target: &str) -> Result<Target, Error> {
    // ANCHOR: step1_target
    if target.contains('#') {
        return Err(Error::Malformed("fragment in a target"));
    }
    let mut parsed = match target.strip_prefix('/') {
        None => absolute_form(target),
        Some(path) if has_scheme(path) => absolute_form(path),
        Some(path) if begins_with_host(path) => absolute_form(&format!("http://{path}")),
        Some(_) => Err(Error::Malformed("target names no host")),
    }?;
    // RFC 9112 §3.2.4: the last proxy asks for the server as a whole.
    if method == "OPTIONS" && parsed.path == "/" && !target.ends_with('/') {
        parsed.path = "*".into();
    }
    Ok(parsed)
    // ANCHOR_END: step1_target
}

/// Reads `http://host:port/path?query`.
fn absolute_form(uri: &str) -> Result<Target, Error> {
    // ANCHOR: step1_absolute_form
    let Some((scheme, rest)) = uri.split_once("://") else {
        return Err(match has_scheme(uri) {
            true => Error::UnknownScheme,
            false => Error::Malformed("target is not a URI"),
        });
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(Error::UnknownScheme);
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (text, path) = rest.split_at(end);
    let authority = authority(text)?;
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"), // RFC 9112 §3.2.1: an empty path is sent as `/`
    };
    Ok(Target { authority, path })
    // ANCHOR_END: step1_absolute_form
}

/// Reads the target of a `CONNECT`: `host:port`, and the port is owed.
pub fn parse_connect(target: &str) -> Result<Authority, Error> {
    // ANCHOR: step11_parse_connect
    let (_, port) = target.rsplit_once(':').unwrap_or_default();
    match port.is_empty() || port.ends_with(']') {
        true => Err(Error::Malformed("CONNECT without a port")),
        false => authority(target),
    }
    // ANCHOR_END: step11_parse_connect
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
    // ANCHOR: step1_authority
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address, port),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => 80,
        Some("") => 80,
        Some(digits) if digits.bytes().all(|octet| octet.is_ascii_digit()) => {
            let port = digits.parse().ok().filter(|&port| port > 0);
            port.ok_or(Error::Malformed("port out of range"))?
        }
        _ => return Err(Error::Malformed("port is not a number")),
    };
    check_host(host, text.starts_with('['))?;
    Ok(Authority {
        host: host.into(),
        port,
        text: text.into(),
    })
    // ANCHOR_END: step1_authority
}

/// RFC 3986 §3.2.2: a name of certain characters, or an IPv6 address in brackets.
fn check_host(host: &str, bracketed: bool) -> Result<(), Error> {
    // ANCHOR: step4_check_target_host
    // STARTER: Ok(()) // step 4: check target host
    let name = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&octet);
    let is_host = match bracketed {
        true => host.parse::<std::net::Ipv6Addr>().is_ok(),
        false => !host.is_empty() && host.bytes().all(name),
    };
    match is_host {
        true => Ok(()),
        false => Err(Error::Malformed("target has no valid host")),
    }
    // ANCHOR_END: step4_check_target_host
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
    // ANCHOR: step10_without_dots
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut kept: Vec<&str> = Vec::new();
    let segments = path.split('/').skip(1);
    for segment in segments {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}{query}", kept.join("/"))
    // ANCHOR_END: step10_without_dots
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
