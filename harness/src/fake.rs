//! The parties that the harness plays itself, each a builder that binds port 0 and runs on a thread of its own.

pub mod echo;
pub mod network;
pub mod origin;
