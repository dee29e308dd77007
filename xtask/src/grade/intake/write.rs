//! Writes what was taken where it is to be built, with new times and plain permissions.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use harness::check::Lab;

use super::Taken;
use crate::grade::judge::Kind;
use crate::workspace;

/// `dir` is there and empty.
pub fn write(taken: &Taken, lab: Lab, dir: &Path) -> io::Result<()> {
    for (path, content) in &taken.files {
        let file = dir.join(path);
        fs::create_dir_all(file.parent().unwrap_or(dir))?;
        fs::write(&file, content)?;
        // A zip made on Windows does not say which files are programs.
        let mode = if taken.kind == Kind::Manifest { 0o755 } else { 0o644 };
        fs::set_permissions(&file, Permissions::from_mode(mode))?;
    }
    if taken.kind == Kind::Cargo {
        let own = workspace::lab(lab);
        fs::write(dir.join("Cargo.toml"), trusted(&fs::read_to_string(own.join("Cargo.toml"))?))?;
        fs::copy(own.join("Cargo.lock"), dir.join("Cargo.lock"))?;
    }
    Ok(())
}

/// The lab's own manifest, in which no file of the package is a build script.
fn trusted(manifest: &str) -> String {
    manifest.replacen("[package]\n", "[package]\nbuild = false\n", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lab_s_template_has_a_build_script() {
        for &lab in Lab::ALL {
            let text =
                fs::read_to_string(workspace::lab(lab).join("Cargo.toml")).expect("the lab's manifest");
            let table: toml::Table = trusted(&text).parse().expect("a manifest");
            assert_eq!(table["package"]["build"], toml::Value::Boolean(false), "{lab}");
        }
    }
}
