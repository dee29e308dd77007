//! The judge of wirelab: it plays everyone else on the wire and says what works, what does not, and why.
//!
//! It knows programs, never the crates under test: whatever keeps its lab's contract is judged alike.

pub mod check;
pub mod checks;
pub mod deadline;
pub mod report;
pub mod subject;
pub mod sys;
pub mod trial;
pub mod verdict;
