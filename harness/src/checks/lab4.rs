//! Lab 4: `mail`, which submits a mail to a server.

mod auth;
mod certificates;
mod dialogue;
mod gmail;
mod letter;
mod session;
mod tls;

use crate::check::Check;

/// The stages of the climb; each check names one, counted from 1.
pub const STAGES: &[&str] = &[
    "a first mail",
    "replies",
    "refusals",
    "the text",
    "the header",
    "attachments",
    "STARTTLS",
    "AUTH",
    "pipelining",
];

/// One table a group, in the order in which the checks are met.
pub const GROUPS: &[&[Check]] =
    &[dialogue::CHECKS, tls::CHECKS, certificates::CHECKS, auth::CHECKS, gmail::CHECKS];
