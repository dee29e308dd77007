//! Grading a class: from a folder of submissions by people nobody has to trust to results that a course can publish.
//!
//! ```text
//! submissions ─▶ intake ─▶ build, sandboxed ─▶ judge, sandboxed ─▶ a Record each, written atomically
//!                 │ hostile archives and links are refused by name        │
//! roster, course ─┴──────────────────────────────▶ score ─────────────────┤
//!                                                     merge, regrade ◀────┴──▶ class page, feedback, grade books
//! ```
//!
//! A [`record::Record`] is all that is known of one submission. Everything that a person or another program reads
//! is a rendering of the records of a class.

pub mod assign;
pub mod copies;
pub mod course;
pub mod feedback;
pub mod gradebook;
pub mod gradescope;
#[cfg(test)]
mod hostile;
pub mod html;
pub mod inner;
pub mod intake;
pub mod judge;
pub mod page;
pub mod private;
pub mod publish;
pub mod record;
pub mod roster;
pub mod run;
pub mod sandbox;
pub mod score;
pub mod secret;
pub mod shard;
pub mod store;
pub mod synthetic;
