//! Base64 as RFC 4648 §4 has it: padded, canonical, without line ends.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};

use super::bytes::show;

/// The octets, or the index at which `text` leaves the encoding and the rule it breaks there.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, (usize, String)> {
    STANDARD.decode(text).map_err(|error| match error {
        DecodeError::InvalidByte(at, b'=') => {
            let rule = "in base64, \"=\" stands at the end alone, at most twice; what is encoded in pieces has pieces \
                        of 3n octets";
            (at, rule.to_owned())
        }
        DecodeError::InvalidByte(at, octet) => {
            (at, format!("base64 is letters, digits, \"+\" and \"/\"; here came {:?}", show(&[octet])))
        }
        DecodeError::InvalidLastSymbol(at, _) => {
            (at, "in base64, the bits of the last character that stand for nothing are zero".to_owned())
        }
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => {
            (text.len(), "base64 comes in groups of four characters, the last filled up with \"=\"".to_owned())
        }
    })
}
