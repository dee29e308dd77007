//! The media type of a file, by the extension of its name (RFC 9110 §8.3).

/// The type for the last extension of a path, in any case; what is unknown is octets.
pub fn of(path: &[u8]) -> &'static str {
    todo!("step 3: media type")
}

#[cfg(test)]
mod step3 {
    use super::*;

    #[test]
    fn the_last_extension_decides_in_any_case() {
        assert_eq!(of(b"index.html"), "text/html");
        assert_eq!(of(b"a.min.js"), "text/javascript");
        assert_eq!(of(b"a/photo.JPG"), "image/jpeg");
        assert_eq!(of(b"logo.svg"), "image/svg+xml");
        assert_eq!(of(b"a.tar.gz"), "application/gzip");
    }

    #[test]
    fn what_is_unknown_is_octets() {
        for path in [
            &b"Makefile"[..],
            b"a.unknown-thing",
            b"a.html/b",
            b"a.",
            b"a.\xff",
        ] {
            assert_eq!(of(path), "application/octet-stream");
        }
    }
}
