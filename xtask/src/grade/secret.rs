//! The class's secret, from which each submission gets values of its own, so that memorised answers fail.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use harness::check::Lab;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::intake::hex;

/// Octets of chance.
const LENGTH: usize = 32;

pub struct Secret(Vec<u8>);

impl Secret {
    /// Reads it, or makes it, for its owner's eyes alone; true where it was made.
    pub fn open(path: &Path) -> Result<(Self, bool)> {
        let made =
            !path.exists() && Self::make(path).with_context(|| format!("cannot make {}", path.display()))?;
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = text.trim();
        let sound = text.len() == 2 * LENGTH && text.bytes().all(|octet| octet.is_ascii_hexdigit());
        ensure!(
            sound,
            "{} is no secret of a class: {} hexadecimal digits, made at first use",
            path.display(),
            2 * LENGTH
        );
        Ok((Secret(text.as_bytes().to_vec()), made))
    }

    /// Whole or not at all, and never over one that another shard has just made.
    fn make(path: &Path) -> Result<bool> {
        let mut chance = [0; LENGTH];
        File::open("/dev/urandom")?.read_exact(&mut chance)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file =
            tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o600)).tempfile_in(folder)?;
        writeln!(file, "{}", hex(&chance))?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(true),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error.into()),
        }
    }

    /// The seed of one submission: another for every change of it, and the same whenever it is judged again.
    pub fn seed(&self, lab: Lab, student: &str, digest: &str) -> u64 {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in [lab.name(), student, digest] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let octets = mac.finalize().into_bytes();
        octets.iter().take(8).fold(0, |seed, &octet| seed << 8 | u64::from(octet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("class.seed");
        let (first, made) = Secret::open(&path).expect("a secret");
        assert!(made);
        assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        let (second, made) = Secret::open(&path).expect("a secret");
        assert!(!made && first.0 == second.0);
        fs::write(&path, "7\n").expect("a file");
        assert!(Secret::open(&path).is_err());
    }

    #[test]
    fn a_seed_depends_on_all_that_it_is_of() {
        let one = Secret(b"one".to_vec());
        let seed = one.seed(Lab::Lab1, "ada", "00");
        assert_eq!(seed, one.seed(Lab::Lab1, "ada", "00"));
        let others = [
            one.seed(Lab::Lab2, "ada", "00"),
            one.seed(Lab::Lab1, "ad", "a00"),
            one.seed(Lab::Lab1, "ada", "01"),
            Secret(b"two".to_vec()).seed(Lab::Lab1, "ada", "00"),
        ];
        assert!(others.iter().all(|other| *other != seed));
    }
}
