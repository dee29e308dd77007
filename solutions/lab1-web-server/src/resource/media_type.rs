//! The media type of a file, by the extension of its name (RFC 9110 §8.3).

/// The type for the last extension of a path, in any case; what is unknown is octets.
pub fn of(path: &[u8]) -> &'static str {
    // ANCHOR: step3_media_type
    let name = path.rsplit(|&octet| octet == b'/').next().unwrap_or(path);
    let extension = name
        .iter()
        .rposition(|&octet| octet == b'.')
        .map(|dot| &name[dot + 1..]);
    extension
        .and_then(|extension| std::str::from_utf8(extension).ok())
        .and_then(|extension| mime_guess::from_ext(extension).first_raw())
        .unwrap_or("application/octet-stream")
    // ANCHOR_END: step3_media_type
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
