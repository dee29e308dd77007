//! The judge of wirelab: it plays everyone else on the wire and says what works, what does not, and why.
//!
//! It knows programs, never the crates under test: whatever keeps its lab's contract is judged alike.

pub mod check;
pub mod checks;
pub mod client;
pub mod deadline;
pub mod fake;
pub mod journal;
pub mod report;
pub mod runner;
pub mod scene;
pub mod stream;
pub mod subject;
pub mod sys;
pub mod toml_error;
pub mod trial;
pub mod verdict;
pub mod wire;
