//! Lab 1: the web server and its small client.

mod bodies;
mod client;
mod conditional;
mod crowd;
mod dates;
mod errors;
mod etag;
mod exchange;
mod files;
mod fork;
mod gzip;
mod head;
mod leaks;
mod limits;
mod listing;
mod log;
mod many;
mod pages;
mod parse;
mod persist;
mod processes;
mod range;
mod serve;
mod site;
mod start;
mod status;
mod twins;
mod types;

use crate::check::Check;

/// The stages of the climb; each check names one, counted from 1.
pub const STAGES: &[&str] = &[
    "listen and answer",
    "files and types",
    "HEAD",
    "errors",
    "listings",
    "persistent connections",
    "robust parsing",
    "conditional requests",
    "many clients",
    "the fork model",
    "status and logs",
    "the client",
    "extensions",
];

/// One table a group, in the order in which the checks are met.
pub const GROUPS: &[&[Check]] = &[
    start::CHECKS,
    files::CHECKS,
    types::CHECKS,
    dates::CHECKS,
    head::CHECKS,
    errors::CHECKS,
    listing::CHECKS,
    persist::CHECKS,
    parse::CHECKS,
    limits::CHECKS,
    bodies::CHECKS,
    conditional::CHECKS,
    many::CHECKS,
    leaks::CHECKS,
    fork::CHECKS,
    status::CHECKS,
    log::CHECKS,
    client::CHECKS,
    etag::CHECKS,
    range::CHECKS,
    gzip::CHECKS,
];
