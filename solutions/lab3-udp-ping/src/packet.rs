//! The message: an ICMP echo message (RFC 792), carried in a UDP datagram.
//!
//! ```text
//!  0               1               2               3
//! +---------------+---------------+-------------------------------+
//! | type (8 or 0) |    code (0)   |           checksum            |
//! +---------------+---------------+-------------------------------+
//! |          identifier           |        sequence number        |
//! +-------------------------------+-------------------------------+
//! |  data: a time stamp of 8 octets, then a pattern …
//! ```
//!
//! Numbers have their most significant octet first. Whether a message is believed is decided in
//! `window`, not here.

/// The type of a request.
pub const REQUEST: u8 = 8;
/// The type of a reply.
pub const REPLY: u8 = 0;
/// The octets before the data.
pub const HEADER: usize = 8;
/// The most data for which IPv4 has room: 65,535 octets less its own header of 20, UDP's of 8, and
/// ours.
pub const MAX_DATA: u16 = 65_499;
/// No datagram is longer.
pub const MAX_DATAGRAM: usize = 65_536;

/// A message but for its checksum, which `encode` makes and `is_intact` verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    pub kind: u8,
    pub code: u8,
    /// Tells the requests of one program from those of another.
    pub identifier: u16,
    /// Tells the requests of one program from each other.
    pub sequence: u16,
    pub data: &'a [u8],
}

impl<'a> Message<'a> {
    /// The octets of the message, with the right checksum.
    pub fn encode(&self) -> Vec<u8> {
        // ANCHOR: step1_encode
        let mut octets = Vec::with_capacity(HEADER + self.data.len());
        octets.extend([self.kind, self.code, 0, 0]);
        octets.extend(self.identifier.to_be_bytes());
        octets.extend(self.sequence.to_be_bytes());
        octets.extend(self.data);
        // RFC 792: for computing the checksum, the checksum field should be zero.
        let checksum = checksum(&octets);
        octets[2..4].copy_from_slice(&checksum.to_be_bytes());
        octets
        // ANCHOR_END: step1_encode
    }

    /// Takes a datagram apart; `None` if it is too short for a message.
    pub fn decode(datagram: &'a [u8]) -> Option<Message<'a>> {
        // ANCHOR: step2_decode
        let (header, data) = datagram.split_first_chunk::<HEADER>()?;
        let &[kind, code, _, _, i0, i1, s0, s1] = header;
        Some(Message {
            kind,
            code,
            identifier: u16::from_be_bytes([i0, i1]),
            sequence: u16::from_be_bytes([s0, s1]),
            data,
        })
        // ANCHOR_END: step2_decode
    }
}

/// The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of all 16-bit
/// words. Of octets that hold their own right checksum it is 0.
pub fn checksum(octets: &[u8]) -> u16 {
    // ANCHOR: step1_checksum
    let words = octets.chunks(2).map(|word| match *word {
        [high, low] => u16::from_be_bytes([high, low]),
        // RFC 1071 §4.1: an octet left over is padded with zero.
        ref last => u16::from_be_bytes([last[0], 0]),
    });
    // No overflow: a datagram has less than 2^15 words of less than 2^16 each.
    let mut sum: u32 = words.map(u32::from).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16); // RFC 1071 §2: carries come in again at the low end
    }
    !(sum as u16)
    // ANCHOR_END: step1_checksum
}

/// Does the datagram hold its own right checksum?
pub fn is_intact(datagram: &[u8]) -> bool {
    // ANCHOR: step4_is_intact
    // STARTER: true // step 4: compute it
    checksum(datagram) == 0
    // ANCHOR_END: step4_is_intact
}

/// The data of a request: its time stamp, then each octet its own position; cut off after `size`.
///
/// The stamp's fastest octet comes first, so that even a stamp cut off tells requests apart.
pub fn data(stamp: u64, size: usize) -> Vec<u8> {
    // ANCHOR: step1_data
    let pattern = (8..=u8::MAX).chain((0..=u8::MAX).cycle());
    let mut data = Vec::with_capacity(size);
    data.extend(stamp.to_le_bytes().into_iter().chain(pattern).take(size));
    data
    // ANCHOR_END: step1_data
}

#[cfg(test)]
mod step1 {
    use super::*;

    #[test]
    fn the_checksum_of_the_example_in_rfc_1071_is_right() {
        let octets = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&octets), !0xddf2);
    }

    #[test]
    fn an_octet_left_over_counts_as_if_a_zero_came_after_it() {
        assert_eq!(checksum(&[0x12, 0x34, 0x56]), !(0x1234 + 0x5600));
        assert_eq!(
            checksum(&[0x12, 0x34, 0x56]),
            checksum(&[0x12, 0x34, 0x56, 0x00])
        );
        assert_eq!(checksum(&[]), 0xffff);
    }

    #[test]
    fn a_carry_that_brings_another_carry_comes_in_again_too() {
        assert_eq!(checksum(&[0xff, 0xff, 0x00, 0x01]), !1);
        assert_eq!(checksum(&[0xff; 65_535]), !0xff00);
        let carries_twice = [0xff, 0xff].repeat(0x8000);
        assert_eq!(
            checksum(&[&carries_twice[..], &[0x80, 0x00]].concat()),
            !0x8000
        );
    }

    #[test]
    fn the_order_of_the_words_does_not_matter() {
        let octets = data(0x0123_4567_89ab_cdef, 40);
        let reversed: Vec<u8> = octets.rchunks(2).flatten().copied().collect();
        assert_eq!(checksum(&octets), checksum(&reversed));
    }

    #[test]
    fn a_request_has_its_fields_where_rfc_792_wants_them() {
        let message = Message {
            kind: REQUEST,
            code: 0,
            identifier: 0x1234,
            sequence: 1,
            data: b"ab",
        };
        assert_eq!(message.encode(), *b"\x08\x00\x84\x68\x12\x34\x00\x01ab");
    }

    #[test]
    fn whatever_the_length_the_checksum_of_the_whole_is_zero() {
        for size in 0..=65 {
            let data = data(0xfedc_ba98_7654_3210, size);
            let message = Message {
                kind: REPLY,
                code: 0,
                identifier: 0xffff,
                sequence: 0xfffe,
                data: &data,
            };
            assert_eq!(checksum(&message.encode()), 0, "{size} octets of data");
        }
    }

    #[test]
    fn the_data_is_the_stamp_and_a_pattern_or_as_much_of_them_as_fits() {
        let stamp = u64::from_le_bytes(*b"stamped.");
        assert_eq!(data(stamp, 12), *b"stamped.\x08\x09\x0a\x0b");
        assert_eq!(data(stamp, 3), *b"sta");
        assert_eq!(data(stamp, 0), *b"");
        assert_eq!(data(stamp, 300)[254..258], [254, 255, 0, 1]);
        assert_eq!(data(stamp, 65_499).len(), 65_499);
    }
}

#[cfg(test)]
mod step2 {
    use super::*;

    const DATAGRAM: &[u8] = b"\x00\x07\xab\xcd\x12\x34\x56\x78data";

    #[test]
    fn a_datagram_is_taken_apart() {
        let message = Message {
            kind: REPLY,
            code: 7,
            identifier: 0x1234,
            sequence: 0x5678,
            data: b"data",
        };
        assert_eq!(Message::decode(DATAGRAM), Some(message));
    }

    #[test]
    fn cut_off_anywhere_it_is_a_message_only_with_a_whole_header() {
        for length in 0..=DATAGRAM.len() {
            let decoded = Message::decode(&DATAGRAM[..length]);
            let data = DATAGRAM.get(HEADER..length);
            assert_eq!(decoded.map(|message| message.data), data, "{length} octets");
        }
    }
}

#[cfg(test)]
mod step4 {
    use super::*;

    #[test]
    fn one_bit_flipped_anywhere_is_noticed() {
        let message = Message {
            kind: REPLY,
            code: 0,
            identifier: 1,
            sequence: 2,
            data: b"odd",
        };
        let mut datagram = message.encode();
        assert!(is_intact(&datagram));
        for bit in 0..datagram.len() * 8 {
            datagram[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_intact(&datagram), "bit {bit}");
            datagram[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
