//! Lab 2: the caching proxy. The harness plays its clients and its origins at once.

mod answers;
mod broken;
mod cache;
mod cached;
mod cases;
mod connect;
mod failing;
mod family;
mod fields;
mod finer;
mod flow;
mod forward;
mod framing;
mod freshness;
mod lru;
mod many;
mod pages;
mod parsing;
mod persist;
mod reply;
mod requests;
mod session;
mod smuggling;
mod status;
mod stored;
mod validation;

use crate::check::Check;

/// The stages of the climb; each check names one, counted from 1.
pub const STAGES: &[&str] = &[
    "forward",
    "framing",
    "header fields",
    "when the origin fails",
    "robust parsing",
    "many at once",
    "the cache",
    "validation",
    "least recently used",
    "the finer rules",
    "extensions",
];

/// One table a group, in the order in which the checks are met.
pub const GROUPS: &[&[Check]] = &[
    forward::CHECKS,
    framing::CHECKS,
    requests::CHECKS,
    fields::CHECKS,
    failing::CHECKS,
    broken::CHECKS,
    failing::SLOW,
    parsing::CHECKS,
    answers::CHECKS,
    smuggling::CHECKS,
    many::CHECKS,
    flow::CHECKS,
    persist::CHECKS,
    cache::CHECKS,
    freshness::CHECKS,
    stored::FIELDS,
    validation::CHECKS,
    stored::CONNECTION,
    lru::CHECKS,
    finer::CHECKS,
    stored::STALE,
    status::CHECKS,
    connect::CHECKS,
];
