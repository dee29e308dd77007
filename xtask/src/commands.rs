//! One file a command: its `Args`, and `run`, which says how the process ends.

pub mod check;
pub mod compare;
pub mod doctor;
pub mod explain;
pub mod hint;
pub mod list;
pub mod reset;

// ANCHOR: extra_step0_commands
// What makes the labs and the book, and tries them against the solutions.
pub mod book;
pub mod ci;
pub mod handout;
pub mod mutants;
pub mod starters;
// ANCHOR_END: extra_step0_commands
