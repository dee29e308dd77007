//! base64 (RFC 4648 §4): three octets as four characters, and in a message in lines of 76 (RFC 2045
//! §6.8).

/// Octets in a line of 76 characters.
pub const PER_LINE: usize = 57;

/// The length of `encode_lines`' output for so many octets.
pub fn encoded_length(octets: u64) -> u64 {
    // ANCHOR: step6_encoded_length
    octets.div_ceil(3) * 4 + octets.div_ceil(PER_LINE as u64) * 2
    // ANCHOR_END: step6_encoded_length
}

/// Appends the octets in lines of 76 characters, each with its CRLF.
///
/// What is too long for the memory comes in several calls, all but the last with a multiple of
/// `PER_LINE` octets.
pub fn encode_lines(octets: &[u8], out: &mut Vec<u8>) {
    // ANCHOR: step4_encode_lines
    for line in octets.chunks(PER_LINE) {
        encode(line, out);
        out.extend(b"\r\n");
    }
    // ANCHOR_END: step4_encode_lines
}

/// Appends the octets in one line.
pub fn encode(octets: &[u8], out: &mut Vec<u8>) {
    // ANCHOR: step4_encode
    let start = out.len();
    out.resize(start + octets.len().div_ceil(3) * 4, b'=');
    let (triples, rest) = octets.as_chunks::<3>();
    let mut quads = out[start..].as_chunks_mut::<4>().0.iter_mut();
    for (&[a, b, c], quad) in triples.iter().zip(&mut quads) {
        let [first, second] = PAIRS[usize::from(a) << 4 | usize::from(b) >> 4];
        let [third, fourth] = PAIRS[usize::from(b & 0xf) << 8 | usize::from(c)];
        *quad = [first, second, third, fourth];
    }
    match (rest, quads.next()) {
        (&[a], Some(quad)) => quad[..2].copy_from_slice(&PAIRS[usize::from(a) << 4]),
        (&[a, b], Some(quad)) => {
            quad[..2].copy_from_slice(&PAIRS[usize::from(a) << 4 | usize::from(b) >> 4]);
            quad[2] = ALPHABET[usize::from(b & 0xf) << 2];
        }
        _ => {}
    }
    // ANCHOR_END: step4_encode
}

/// The octets in one line, as a string.
pub fn encoded(octets: &[u8]) -> String {
    let mut line = Vec::new();
    encode(octets, &mut line);
    line.into_iter().map(char::from).collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// ANCHOR: extra_step4_pairs
/// Two characters for every twelve bits: half the lookups of a table with one for six.
static PAIRS: [[u8; 2]; 4096] = {
    let mut pairs = [[0; 2]; 4096];
    let mut bits = 0;
    while bits < 4096 {
        pairs[bits] = [ALPHABET[bits >> 6], ALPHABET[bits & 63]];
        bits += 1;
    }
    pairs
};
// ANCHOR_END: extra_step4_pairs

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
