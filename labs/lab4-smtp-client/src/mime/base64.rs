//! base64 (RFC 4648 §4): three octets as four characters, and in a message in lines of 76 (RFC 2045
//! §6.8).

/// Octets in a line of 76 characters.
pub const PER_LINE: usize = 57;

/// The length of `encode_lines`' output for so many octets.
pub fn encoded_length(octets: u64) -> u64 {
    todo!("step 6: encoded length")
}

/// Appends the octets in lines of 76 characters, each with its CRLF.
///
/// What is too long for the memory comes in several calls, all but the last with a multiple of
/// `PER_LINE` octets.
pub fn encode_lines(octets: &[u8], out: &mut Vec<u8>) {
    todo!("step 4: encode lines")
}

/// Appends the octets in one line.
pub fn encode(octets: &[u8], out: &mut Vec<u8>) {
    todo!("step 4: encode")
}

/// The octets in one line, as a string.
pub fn encoded(octets: &[u8]) -> String {
    let mut line = Vec::new();
    encode(octets, &mut line);
    line.into_iter().map(char::from).collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod step4 {
    use base64::prelude::{BASE64_STANDARD, Engine};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648() {
        let vectors = [
            "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
        ];
        for (length, expected) in vectors.iter().enumerate() {
            assert_eq!(encoded(&b"foobar"[..length]), *expected);
        }
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_base64_crate(octets: Vec<u8>) {
            let mut out = Vec::new();
            encode_lines(&octets, &mut out);
            let expected = BASE64_STANDARD.encode(&octets);
            let lines: Vec<&[u8]> = expected.as_bytes().chunks(76).collect();
            let expected: Vec<u8> = lines.iter().flat_map(|line| [*line, b"\r\n"].concat()).collect();
            prop_assert_eq!(out, expected);
        }
    }
}

#[cfg(test)]
mod step6 {
    use super::*;

    #[test]
    fn the_length_is_known_before_anything_is_encoded() {
        for length in 0..200 {
            let mut out = Vec::new();
            encode_lines(&vec![7; length], &mut out);
            assert_eq!(encoded_length(length as u64), out.len() as u64, "{length}");
        }
    }
}
