//! ICMP echo messages (RFC 792) as lab 3 carries them in UDP, and the Internet checksum (RFC 1071).
//!
//! ```text
//!  0        1        2                 4                 6                 8
//!  +--------+--------+-----------------+-----------------+-----------------+------
//!  |  type  |  code  |    checksum     |   identifier    | sequence number | data …
//!  +--------+--------+-----------------+-----------------+-----------------+------
//! ```

use std::fmt;

/// Octets before the data.
pub const HEADER: usize = 8;

pub const ECHO_REPLY: u8 = 0;
pub const ECHO_REQUEST: u8 = 8;

/// One message; its checksum is not kept, but made when it is written and verified when it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    pub kind: u8,
    pub code: u8,
    pub identifier: u16,
    pub sequence: u16,
    pub data: Vec<u8>,
}

/// Why a datagram is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It has not even a header.
    Short { octets: usize },
    /// The checksum it carries, and the one that would be right for its octets.
    Checksum { found: u16, right: u16 },
}

/// Completes "the datagram …".
impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Malformed::Short { octets } => {
                write!(f, "has {octets} octets, and the header alone has {HEADER}")
            }
            Malformed::Checksum { found, right } => {
                write!(f, "carries the checksum {found:04x}; {right:04x} is right for its octets")
            }
        }
    }
}

impl Echo {
    /// RFC 792, "Echo or Echo Reply Message"; a checksum over the whole of it, its own field taken as zero.
    pub fn parse(octets: &[u8]) -> Result<Echo, Malformed> {
        let message = Echo::parse_leniently(octets).ok_or(Malformed::Short { octets: octets.len() })?;
        let found = u16::from_be_bytes([octets[2], octets[3]]);
        // Of the two zeros of one's complement either is right.
        match checksum(octets) {
            0 | 0xffff => Ok(message),
            _ => Err(Malformed::Checksum { found, right: message.checksum() }),
        }
    }

    /// Whatever the checksum is.
    pub fn parse_leniently(octets: &[u8]) -> Option<Echo> {
        let (&[kind, code, _, _, i, d, s, n], data) = octets.split_first_chunk::<HEADER>()?;
        let (identifier, sequence) = (u16::from_be_bytes([i, d]), u16::from_be_bytes([s, n]));
        Some(Echo { kind, code, identifier, sequence, data: data.to_vec() })
    }

    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = vec![self.kind, self.code, 0, 0];
        octets.extend(self.identifier.to_be_bytes());
        octets.extend(self.sequence.to_be_bytes());
        octets.extend(&self.data);
        let sum = checksum(&octets);
        octets[2..4].copy_from_slice(&sum.to_be_bytes());
        octets
    }

    /// The answer to this request.
    pub fn reply(&self) -> Echo {
        Echo { kind: ECHO_REPLY, code: 0, ..self.clone() }
    }

    pub fn is_request(&self) -> bool {
        (self.kind, self.code) == (ECHO_REQUEST, 0)
    }

    fn checksum(&self) -> u16 {
        let octets = self.to_octets();
        u16::from_be_bytes([octets[2], octets[3]])
    }
}

/// The one's complement of the one's complement sum of the 16-bit words, an odd octet at the end being the high half
/// of a word (RFC 1071 §1). 0 over octets whose checksum field is right.
pub fn checksum(octets: &[u8]) -> u16 {
    let (words, odd) = octets.as_chunks::<2>();
    let words = words.iter().map(|&word| u64::from(u16::from_be_bytes(word)));
    let mut sum: u64 = words.chain(odd.iter().map(|&octet| u64::from(octet) << 8)).sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_example_in_rfc_1071() {
        // §3: the sum of these octets is ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn an_odd_octet_is_the_high_half_of_a_word() {
        assert_eq!(checksum(&[0x12, 0x34, 0x56]), checksum(&[0x12, 0x34, 0x56, 0x00]));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0, 1, 8, 55, 56, 65_499] {
            let data = (0..length).map(|n| n as u8).collect();
            let message = Echo { kind: ECHO_REQUEST, code: 0, identifier: 0xbeef, sequence: 7, data };
            let octets = message.to_octets();
            assert_eq!(Echo::parse(&octets), Ok(message));
            assert_eq!(octets.len(), HEADER + length);
        }
    }

    #[test]
    fn a_datagram_without_a_whole_header_is_short() {
        for octets in 0..HEADER {
            assert_eq!(Echo::parse(&vec![0xff; octets]), Err(Malformed::Short { octets }));
        }
    }

    #[test]
    fn any_flipped_bit_breaks_the_checksum() {
        let message = Echo { kind: ECHO_REPLY, code: 0, identifier: 1, sequence: 2, data: b"data!".to_vec() };
        let octets = message.to_octets();
        for bit in 0..8 * octets.len() {
            let mut flipped = octets.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Echo::parse(&flipped), Err(Malformed::Checksum { .. })), "bit {bit}");
        }
    }
}
