//! The supervisor as a program of its own, for tests and for tools that are not `cargo xtask`.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::subject::supervisor::run_if_asked();
    eprintln!("this program is started by the harness, which hands it a program to watch over");
    ExitCode::from(2)
}
