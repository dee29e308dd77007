//! The program under test: found, built, run under a supervisor, watched and ended.
//!
//! [`Launch`] starts a program below a [`Supervisor`]; [`Running`] is the harness's view of it. Whatever happens to
//! the harness, the supervisor ends the program and all its descendants.

mod last_words;
mod live;
mod output;
pub mod ports;
mod ready;
mod run_dir;
mod running;
mod start_error;
pub mod supervisor;
mod watch;

pub use last_words::last_words;
pub use live::{abort_all, aborted};
pub use output::Output;
pub use ready::{NotReady, start_listening};
pub use run_dir::RunDir;
pub use running::{Exit, Gone, Launch, Running, Status};
pub use start_error::StartError;
pub use supervisor::Supervisor;
