//! Lab 2: the caching proxy. The harness plays its clients and its origins at once.

mod cache;
mod cached;
mod cases;
mod finer;
mod forward;
mod freshness;
mod lru;
mod reply;
mod session;
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
pub const GROUPS: &[&[Check]] =
    &[forward::CHECKS, cache::CHECKS, freshness::CHECKS, validation::CHECKS, lru::CHECKS, finer::CHECKS];
