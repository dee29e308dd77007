//! Pages that an origin gives, with paths and texts that nobody can know.

use crate::client::{self, Request};
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict};
use crate::wire::http::message::Response;

use super::session::by_hand;

/// A path that nobody has asked for.
pub fn fresh_path(t: &mut Trial) -> String {
    format!("/{}/{}", word(t), word(t))
}

pub fn word(t: &mut Trial) -> String {
    (0..8).map(|_| t.rng.lowercase()).collect()
}

/// A text that nobody can know.
pub fn text(t: &mut Trial) -> String {
    (0..20).map(|_| word(t)).collect::<Vec<_>>().join(" ")
}

/// Fails unless the proxy gave this body, octet for octet.
pub fn same_body(response: &Response, body: &[u8], request: &Request) -> Verdict {
    client::expect_body(response, body, "the origin's body").by_hand(by_hand(request))
}
