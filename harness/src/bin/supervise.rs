//! The supervisor as a program of its own, for tests and for tools that are not `cargo xtask`.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use harness::subject::gate;

fn main() -> ExitCode {
    harness::subject::supervisor::run_if_asked();
    // Without a room around it, and so without what that keeps in.
    let mut args = env::args_os().skip(1);
    let behind_the_gate = args.next().and_then(|word| match word.to_str()? {
        "as-init" => Some(gate::start_as_init as fn(&[OsString], &[(OsString, OsString)]) -> std::io::Error),
        "in-place" => Some(gate::start_in_place),
        _ => None,
    });
    if let Some(start) = behind_the_gate {
        let variables: Vec<_> = env::vars_os().collect();
        eprintln!("{}", start(&args.collect::<Vec<_>>(), &variables));
        return ExitCode::FAILURE;
    }
    eprintln!("this program is started by the harness, which hands it a program to watch over");
    ExitCode::from(2)
}
