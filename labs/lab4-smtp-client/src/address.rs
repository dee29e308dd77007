//! Mailboxes: `local-part@domain` (RFC 5321 §4.1.2), in ASCII.
//!
//! What is no mailbox is refused here, before anything is sent: the octets of one go into commands
//! and header fields as they are, so a line end in it would begin a command of its own.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::error::Error;

/// A local part of 64 octets, the `@`, and a domain of 255 (RFC 5321 §4.5.3.1).
const MAX_LENGTH: usize = 64 + 1 + 255;

/// A mailbox, without angle brackets and display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Address, Error> {
        todo!("step 1: address")
    }
}

#[cfg(test)]
mod step1 {
    use super::*;

    #[test]
    fn mailboxes_are_taken_as_they_are() {
        for text in [
            "a@b",
            "first.last+tag@sub.example.org",
            "{x}@1-2.example",
            r#""two words"@example.org"#,
            r#""a@\"b\\"@example.org"#,
            "a@[127.0.0.1]",
            "a@[IPv6:::1]",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        assert_eq!("a@b@c".parse::<Address>().ok(), None);
        let quoted: Address = r#""a@b"@c.example"#.parse().unwrap();
        assert_eq!(quoted.domain(), "c.example");
    }

    #[test]
    fn what_is_no_mailbox_is_a_usage_error() {
        let long = format!("{}@example.org", "a".repeat(400));
        for text in [
            "",
            "a",
            "a@",
            "@b",
            "a b@c",
            "<a@b>",
            "a.@b",
            ".a@b",
            "a..b@c",
            "a@b.",
            "a@-b",
            "a@b c",
            "a@b\r\nDATA",
            "a\r\n@b",
            "a@b\n",
            "ä@b",
            "a@ä.example",
            r#""a"b"@c"#,
            r#""a\"@c"#,
            "a@[300.0.0.1]",
            "a@[::1]",
            "a@b_c",
            "a,b@c",
            &long,
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.exit_status(), crate::error::USAGE, "{text:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
