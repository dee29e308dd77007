//! Lab 4: `mail`, which submits a mail to a server.

mod dialogue;
mod header;
mod letter;
mod recipients;
mod session;
mod text;
mod transparency;

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
    &[dialogue::CHECKS, transparency::CHECKS, text::CHECKS, header::CHECKS, recipients::CHECKS];
