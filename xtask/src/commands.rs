//! One file a command: its `Args`, and `run`, which says how the process ends.

pub mod attacks;
pub mod check;
pub mod ci;
pub mod doctor;
pub mod explain;
pub mod grade;
pub mod hint;
pub mod list;
pub mod mutants;
pub mod package;
pub mod reset;
pub mod starters;
pub mod synthetic;
pub mod throughput;
