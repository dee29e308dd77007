//! One file a command: its `Args`, and `run`, which says how the process ends.

pub mod check;
pub mod compare;
pub mod doctor;
pub mod explain;
pub mod hint;
pub mod list;
pub mod reset;

// ANCHOR: extra_step0_commands
// What makes the labs and tries them against their solutions, and what grades a class.
pub mod attacks;
pub mod book;
pub mod ci;
pub mod grade;
pub mod handout;
pub mod mutants;
pub mod package;
pub mod starters;
pub mod synthetic;
pub mod throughput;
// ANCHOR_END: extra_step0_commands
