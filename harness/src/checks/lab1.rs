//! Lab 1: the web server and its small client.

mod bodies;
mod client;
mod conditional;
mod errors;
mod exchange;
mod files;
mod head;
mod limits;
mod listing;
mod pages;
mod parse;
mod persist;
mod serve;
mod site;
mod start;
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
    head::CHECKS,
    errors::CHECKS,
    listing::CHECKS,
    persist::CHECKS,
    parse::CHECKS,
    limits::CHECKS,
    bodies::CHECKS,
    conditional::CHECKS,
    client::CHECKS,
];
