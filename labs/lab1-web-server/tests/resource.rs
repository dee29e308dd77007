//! What a target stands for: the answers to requests, without a connection.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use lab1_web_server::http::{Body, Response, request};
use lab1_web_server::resource;
use lab1_web_server::sys::Root;

/// The answer to a `GET`, with a few more fields; an error is its code.
fn get(root: &Path, target: &str, fields: &str) -> Result<Response, u16> {
    let head = format!("GET {target} HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    let (request, _) = request::parse(head.as_bytes()).unwrap().unwrap();
    let answer = resource::find(&Root::new(root).unwrap(), &request, SystemTime::now());
    answer.map_err(|status| status.code())
}

fn field<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let found = response.fields.iter().find(|field| field.0 == name);
    found.map(|(_, value)| value.as_ref())
}

fn page(response: Response) -> String {
    match response.body {
        Body::Octets(octets) => String::from_utf8(octets).unwrap(),
        other => panic!("a page is octets, not {other:?}"),
    }
}

mod step3 {
    use super::*;

    #[test]
    fn a_file_from_the_future_is_dated_now() {
        let root = tempfile::tempdir().unwrap();
        let file = fs::File::create(root.path().join("a")).unwrap();
        let tomorrow = SystemTime::now() + Duration::from_secs(86400);
        file.set_modified(tomorrow).unwrap();
        let answer = get(root.path(), "/a", "").unwrap();
        let date = httpdate::parse_http_date(field(&answer, "Last-Modified").unwrap()).unwrap();
        assert!(date <= SystemTime::now());
    }
}

mod step4 {
    use super::*;

    #[test]
    fn what_cannot_be_served_says_why() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "").unwrap();
        symlink("/etc/passwd", root.path().join("outside")).unwrap();
        for (target, code) in [
            ("/missing", 404),
            ("/a/", 404),
            ("/a/b", 404),
            ("/outside", 403),
            ("/../a", 403),
            ("/%00", 400),
        ] {
            assert_eq!(get(root.path(), target, "").err(), Some(code), "{target}");
        }
    }
}

mod step5 {
    use super::*;

    #[test]
    fn a_directory_is_redirected_then_indexed_then_listed() {
        let root = tempfile::tempdir().unwrap();
        let sub = root.path().join("s b");
        fs::create_dir(&sub).unwrap();
        let moved = get(root.path(), "//s%20b?x=1", "").unwrap();
        assert_eq!(moved.status.code(), 301);
        assert_eq!(field(&moved, "Location"), Some("/s%20b/?x=1"));

        fs::write(sub.join("file"), "").unwrap();
        fs::write(sub.join(".hidden"), "").unwrap();
        fs::create_dir(sub.join("dir")).unwrap();
        symlink("/etc/passwd", sub.join("outside")).unwrap();
        symlink("nowhere", sub.join("dangling")).unwrap();
        let listing = page(get(root.path(), "/s%20b/", "").unwrap());
        let links: Vec<&str> = listing.split("href=\"").skip(1).collect();
        let links: Vec<_> = links
            .iter()
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert_eq!(links, ["../", "dir/", "file"]);

        fs::write(sub.join("index.html"), "index").unwrap();
        let index = get(root.path(), "/s%20b/", "").unwrap();
        assert_eq!(field(&index, "Content-Type"), Some("text/html"));
        assert_eq!(index.body.len(), 5);
    }
}

mod step8 {
    use super::*;

    #[test]
    fn a_file_that_the_client_has_is_not_sent_again() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "hello").unwrap();
        let first = get(root.path(), "/a", "").unwrap();
        let date = field(&first, "Last-Modified").unwrap();
        let again = get(root.path(), "/a", &format!("If-Modified-Since: {date}\r\n")).unwrap();
        assert_eq!(again.status.code(), 304);
        assert!(again.body.is_empty());
    }
}

mod step13 {
    use super::*;

    #[test]
    fn a_tag_tells_the_states_of_a_file_apart() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "hello").unwrap();
        let first = get(root.path(), "/a", "").unwrap();
        let tag = field(&first, "ETag").unwrap();
        let again = get(root.path(), "/a", &format!("If-None-Match: {tag}\r\n")).unwrap();
        assert_eq!(again.status.code(), 304);
        assert_eq!(field(&again, "ETag"), Some(tag));
        let other = get(root.path(), "/a", "If-Match: \"x\"\r\n");
        assert_eq!(other.err(), Some(412));
    }

    #[test]
    fn a_part_is_sent_with_its_place() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "0123456789").unwrap();
        let part = get(root.path(), "/a", "Range: bytes=2-4\r\n").unwrap();
        assert_eq!(part.status.code(), 206);
        assert_eq!(field(&part, "Content-Range"), Some("bytes 2-4/10"));
        assert!(matches!(
            part.body,
            Body::File {
                offset: 2,
                length: 3,
                ..
            }
        ));
        let outside = get(root.path(), "/a", "Range: bytes=10-\r\n").unwrap();
        assert_eq!(outside.status.code(), 416);
        assert_eq!(field(&outside, "Content-Range"), Some("bytes */10"));
        let stale = "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n";
        assert_eq!(get(root.path(), "/a", stale).unwrap().status.code(), 200);
    }

    #[test]
    fn a_compressed_neighbour_is_for_those_who_take_it() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.html"), "plain").unwrap();
        fs::write(root.path().join("a.html.gz"), "gz").unwrap();
        let plain = get(root.path(), "/a.html", "").unwrap();
        let gzip = get(root.path(), "/a.html", "Accept-Encoding: gzip\r\n").unwrap();
        assert_eq!((plain.body.len(), gzip.body.len()), (5, 2));
        for response in [&plain, &gzip] {
            assert_eq!(field(response, "Content-Type"), Some("text/html"));
            assert_eq!(field(response, "Vary"), Some("Accept-Encoding"));
        }
        assert_eq!(field(&plain, "Content-Encoding"), None);
        assert_eq!(field(&gzip, "Content-Encoding"), Some("gzip"));
        assert_ne!(field(&plain, "ETag"), field(&gzip, "ETag"));
    }
}
