//! The parties that the harness plays itself, each a builder that binds port 0 and runs on a thread of its own.

mod accepting;
pub mod certificates;
pub mod echo;
pub mod latch;
pub mod network;
pub mod origin;
pub mod smtp;
