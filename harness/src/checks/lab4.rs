//! Lab 4: `mail`, which submits a mail to a server.

mod attachments;
mod auth;
mod certificates;
mod dialogue;
mod gmail;
mod header;
mod large;
mod letter;
mod names;
mod parts;
mod pipelining;
mod recipients;
mod refusals;
mod replies;
mod session;
mod text;
mod timing;
mod tls;
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
pub const GROUPS: &[&[Check]] = &[
    dialogue::CHECKS,
    replies::CHECKS,
    refusals::CHECKS,
    timing::CHECKS,
    transparency::CHECKS,
    text::CHECKS,
    header::CHECKS,
    recipients::CHECKS,
    attachments::CHECKS,
    large::CHECKS,
    names::CHECKS,
    tls::CHECKS,
    certificates::CHECKS,
    auth::CHECKS,
    gmail::CHECKS,
    pipelining::CHECKS,
];

/// Those that wait for a time-out.
pub const WAITING: &[&str] = &[
    "mail.refused.quit",
    "mail.refused.hang",
    "mail.refused.progress",
    "mail.attach.unread",
    "mail.tls.stalled",
];
