//! Where the repository lies, and what lies where in it.

use std::env;
use std::path::{Path, PathBuf};

use harness::check::Lab;

/// The folder with the workspace's `Cargo.toml`, from wherever in it `cargo xtask` was typed.
pub fn root() -> PathBuf {
    let cargo_says = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let above = |dir: PathBuf| dir.ancestors().find(|dir| is_root(dir)).map(Path::to_path_buf);
    cargo_says.and_then(above).or_else(|| env::current_dir().ok().and_then(above)).unwrap_or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/")).to_path_buf()
    })
}

/// A student's own lab.
pub fn lab(lab: Lab) -> PathBuf {
    root().join("labs").join(lab.folder())
}

// ANCHOR: extra_step0_solution
/// The reference solution of a lab.
pub fn solution(lab: Lab) -> PathBuf {
    root().join("solutions").join(lab.folder())
}

/// The Cargo that runs this, or the one on `PATH`.
pub fn cargo() -> std::ffi::OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
// ANCHOR_END: extra_step0_solution

/// What outlives a run and may be deleted at any time.
pub fn state() -> PathBuf {
    root().join("target/wirelab")
}

/// The path as one would type it here, where that is shorter.
pub fn shown(path: &Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let here = env::current_dir().and_then(|dir| dir.canonicalize()).unwrap_or_default();
    match full.strip_prefix(&here) {
        Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
        Ok(below) => below.display().to_string(),
        Err(_) => full.display().to_string(),
    }
}

fn is_root(dir: &Path) -> bool {
    dir.join("Cargo.toml").is_file() && dir.join("xtask/Cargo.toml").is_file()
}
