//! What a server says of itself in its reply to `EHLO` (RFC 5321 §4.1.1.1): a keyword a line, in any
//! case, with parameters behind it.

use super::reply::Reply;

/// Of the keywords, those that matter here. After `HELO`, there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 1870: the most octets of a mail, where 0 says nothing about it.
    pub size: Option<u64>,
    /// RFC 4954: mechanisms, in upper case.
    pub auth: Vec<String>,
}

impl Capabilities {
    /// Reads the lines behind the first, which is a greeting.
    pub fn read(reply: &Reply) -> Capabilities {
        Capabilities::default() // step 2: read the keywords
    }
}

#[cfg(test)]
mod step2 {
    use super::*;

    fn read(text: &str) -> Capabilities {
        let lines = text.lines().map(|line| line.as_bytes().to_vec()).collect();
        Capabilities::read(&Reply { code: 250, lines })
    }

    #[test]
    fn keywords_have_any_case_and_unknown_ones_do_not_matter() {
        let capabilities = read(
            "STARTTLS.example\nstartTLS\nX-MORE a b\nSize 35882577\nPipelining\nauth login PLAIN x",
        );
        assert!(capabilities.starttls && capabilities.pipelining);
        assert_eq!(capabilities.size, Some(35_882_577));
        assert_eq!(capabilities.auth, ["LOGIN", "PLAIN", "X"]);
    }

    #[test]
    fn the_greeting_offers_nothing() {
        assert_eq!(read("STARTTLS AUTH PLAIN"), Capabilities::default());
        assert!(!read("mail\nSTARTTLSX").starttls);
    }

    #[test]
    fn a_size_may_be_unlimited_and_auth_may_come_twice() {
        assert_eq!(read("mail\nSIZE").size, Some(0));
        assert_eq!(read("mail\nSIZE 0").size, Some(0));
        assert_eq!(
            read("mail\nAUTH LOGIN\nAUTH=PLAIN").auth,
            ["LOGIN", "PLAIN"]
        );
    }
}
