//! The program under test: found, built, run under a supervisor, watched and ended.
//!
//! [`Launch`] starts a program below a [`Supervisor`]; [`Running`] is the harness's view of it. Whatever happens to
//! the harness, the supervisor ends the program and all its descendants.

mod build;
pub mod gate;
mod last_words;
mod live;
pub mod manifest;
mod output;
pub mod ports;
mod ready;
mod run_dir;
mod running;
mod start_error;
mod submission;
pub mod supervisor;
mod watch;

pub use nix::sys::signal::Signal;

pub use build::{BuildError, Programs, Workbench};
pub use last_words::last_words;
pub use live::{abort_all, aborted};
pub use manifest::{Manifest, Model};
pub use output::Output;
pub use ready::{NotReady, Readiness, start_ready};
pub use run_dir::RunDir;
pub use running::{Confinement, Exit, Gone, Launch, Running, Status};
pub use start_error::StartError;
pub use submission::{LoadError, Subject};
pub use supervisor::Supervisor;
