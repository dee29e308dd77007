//! Lab 3: `ping`, and the `echo` that answers it.

mod credit;
mod echo;
mod errors;
mod figures;
mod liars;
mod noise;
mod output;
mod packet;
mod session;
mod statistics;
mod wait;
mod window;

use crate::check::Check;

/// The stages of the climb; each check names one, counted from 1.
pub const STAGES: &[&str] = &[
    "the packet",
    "stop and wait",
    "the window",
    "duplicates and liars",
    "statistics",
    "errors and addresses",
    "the echo server",
];

/// One table a group, in the order in which the checks are met.
pub const GROUPS: &[&[Check]] = &[
    packet::CHECKS,
    wait::CHECKS,
    window::CHECKS,
    liars::CHECKS,
    noise::CHECKS,
    statistics::CHECKS,
    errors::CHECKS,
    echo::CHECKS,
];
