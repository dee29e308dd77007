//! mdBook, which sets the pages: one version, built once into `target/`, so that nothing is installed by hand and no
//! other command pays for it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use harness::sys;

use crate::workspace;

const VERSION: &str = "0.5.4";

/// A program that is there.
pub struct Tool(PathBuf);

impl Tool {
    /// Builds the program where it is not there yet.
    pub fn ready() -> Result<Self> {
        let place = workspace::root().join("target/book-tool").join(VERSION);
        let program = place.join("bin/mdbook");
        if !program.is_file() {
            eprintln!("building mdBook {VERSION} into target/book-tool, once; it takes a few minutes …");
            let began = Instant::now();
            install(&place)?;
            eprintln!("built in {} s", began.elapsed().as_secs());
        }
        Ok(Tool(program))
    }

    /// Sets the book in `source` into `out`, whose content it replaces.
    pub fn build(&self, source: &Path, out: &Path) -> Result<()> {
        let done = self.command("build", source, out).output().context("cannot run mdBook")?;
        let words = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "mdBook cannot set the book:\n{}", words.trim_end());
        // At this level it says nothing but what is amiss.
        ensure!(words.trim().is_empty(), "mdBook finds something amiss:\n{}", words.trim_end());
        Ok(())
    }

    /// Serves the book at that port of loopback, and sets it again whenever `source` changes, until it is ended.
    pub fn serve(&self, source: &Path, out: &Path, port: u16) -> Result<()> {
        println!("served at http://127.0.0.1:{port}/ until you press Ctrl-C");
        let mut command = self.command("serve", source, out);
        command.args(["--hostname", "127.0.0.1", "--port", &port.to_string()]);
        sys::die_with_parent(&mut command);
        let ended = command.status().context("cannot run mdBook")?;
        ensure!(ended.success() || ended.code().is_none(), "mdBook ended with {ended}");
        Ok(())
    }

    fn command(&self, what: &str, source: &Path, out: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command.arg(what).arg(source).arg("--dest-dir").arg(out).env("MDBOOK_LOG", "warn");
        command
    }
}

/// Whether the port is free; somebody may take it before the book is served, but hardly.
pub fn can_serve(port: u16) -> Result<()> {
    if let Err(error) = TcpListener::bind(("127.0.0.1", port)) {
        bail!("cannot serve at 127.0.0.1:{port}: {error}; `--port N` takes another");
    }
    Ok(())
}

fn install(place: &Path) -> Result<()> {
    let mut cargo = Command::new(workspace::cargo());
    cargo
        .args([
            "install",
            "mdbook",
            "--locked",
            "--quiet",
            "--profile",
            "dev",
            "--config",
            "profile.dev.debug=false",
        ])
        .args(["--version", &format!("={VERSION}")])
        .arg("--root")
        .arg(place)
        .current_dir(workspace::root());
    let done = cargo.output().context("cannot run cargo")?;
    if done.status.success() {
        return Ok(());
    }
    // Half an installation must not be taken for one.
    let _ = fs::remove_dir_all(place);
    let words = String::from_utf8_lossy(&done.stderr);
    bail!(
        "cannot build mdBook {VERSION}; the first `cargo xtask book` needs the network, later ones do not.\n{}",
        words.trim_end()
    );
}
