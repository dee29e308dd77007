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

pub mod inner;
pub mod judge;
pub mod record;
pub mod sandbox;
pub mod store;
