//! Credentials, and what a server is told of them: `PLAIN` (RFC 4616) in one message, `LOGIN` in two.
//!
//! The password leaves this module on its way to the server alone; `redacted` takes it out of what
//! the server says.

use std::fmt;

use crate::mime::base64;

/// Who we are, and the proof of it.
#[derive(Clone)]
pub struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Credentials {
        Credentials {
            username: username.into(),
            password: password.into(),
        }
    }

    /// All of it, as one line: no other identity to act for, the name, the password.
    pub fn plain(&self) -> String {
        todo!("step 8: plain")
    }

    pub fn username(&self) -> String {
        base64::encoded(self.username.as_bytes())
    }

    pub fn password(&self) -> String {
        base64::encoded(self.password.as_bytes())
    }

    /// A server's words without the password, in clear or in base64.
    pub fn redacted(&self, words: &str) -> String {
        words.to_owned() // step 8: without the password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let username = &self.username;
        f.debug_struct("Credentials")
            .field("username", username)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod step8 {
    use super::*;

    #[test]
    fn plain_is_that_of_rfc_4616() {
        let credentials = Credentials::new("tim", "tanstaaftanstaaf");
        assert_eq!(credentials.plain(), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
    }

    #[test]
    fn no_form_of_the_password_is_left_in_a_servers_words() {
        let credentials = Credentials::new("me", "s3cret!");
        let (plain, password) = (credentials.plain(), credentials.password());
        let words = format!("no {plain} and {password} and s3cret!s3cret! \u{fc}");
        let redacted = credentials.redacted(&words);
        assert_eq!(redacted, "no ***= and ***== and ****** \u{fc}");
        assert!(!format!("{credentials:?}").contains("s3cret"));
    }
}
