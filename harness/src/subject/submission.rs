//! An implementation: a directory with a manifest or a Cargo package in it, or a command.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{FILE_NAME, Manifest, Model};
use crate::check::{Lab, Role};
use crate::toml_error::TomlError;

/// What is to be judged, found but not built.
#[derive(Clone, Debug)]
pub struct Subject {
    pub lab: Lab,
    pub dir: PathBuf,
    pub models: Vec<Model>,
    /// Programs of the system without which there is nothing to try.
    pub requires: Vec<String>,
    pub(super) source: Source,
}

#[derive(Clone, Debug)]
pub(super) enum Source {
    Cargo,
    Commands { build: Option<Vec<String>>, programs: BTreeMap<Role, Vec<String>> },
}

/// Why there is nothing to judge.
#[derive(Debug)]
pub enum LoadError {
    NoDirectory(PathBuf),
    Nothing {
        dir: PathBuf,
        lab: Lab,
    },
    Manifest(TomlError),
    OtherLab {
        path: PathBuf,
        theirs: Lab,
        wanted: Lab,
    },
    /// `--cmd` with an open quotation mark, or empty.
    Command(String),
    Io(io::Error),
}

impl Subject {
    pub fn load(dir: &Path, lab: Lab) -> Result<Self, LoadError> {
        if !dir.is_dir() {
            return Err(LoadError::NoDirectory(dir.into()));
        }
        let dir = dir.canonicalize().map_err(LoadError::Io)?;
        match Manifest::load(&dir) {
            Some(manifest) => {
                let manifest = manifest.map_err(LoadError::Manifest)?;
                if manifest.lab != lab {
                    let path = dir.join(FILE_NAME);
                    return Err(LoadError::OtherLab { path, theirs: manifest.lab, wanted: lab });
                }
                let source = Source::Commands { build: manifest.build, programs: manifest.programs };
                Ok(Self { lab, dir, models: manifest.models, requires: manifest.requires, source })
            }
            None if dir.join("Cargo.toml").is_file() => {
                let models = Model::ALL.into();
                Ok(Self { lab, dir, models, requires: Vec::new(), source: Source::Cargo })
            }
            None => Err(LoadError::Nothing { dir, lab }),
        }
    }

    /// A one-liner such as `python3 server.py`, split as a shell would; it plays the lab's first role, here and now.
    pub fn from_command(command: &str, lab: Lab) -> Result<Self, LoadError> {
        let argv = shlex::split(command).filter(|argv| !argv.is_empty());
        let argv = argv.ok_or_else(|| LoadError::Command(command.into()))?;
        let (role, _) = lab.programs()[0];
        let source = Source::Commands { build: None, programs: BTreeMap::from([(role, argv)]) };
        let dir = std::env::current_dir().map_err(LoadError::Io)?;
        Ok(Self { lab, dir, models: Model::ALL.into(), requires: Vec::new(), source })
    }

    /// The first program it requires that is not installed.
    pub fn missing(&self) -> Option<&str> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Servers are kept where a user's PATH does not always look.
        let dirs: Vec<PathBuf> =
            std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
        let installed = |program: &String| dirs.iter().any(|dir| dir.join(program).is_file());
        self.requires.iter().find(|program| !installed(program)).map(String::as_str)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoDirectory(dir) => write!(f, "there is no directory {}", dir.display()),
            Self::Nothing { dir, lab } => {
                let binaries: Vec<&str> = lab.programs().iter().map(|&(_, binary)| binary).collect();
                write!(
                    f,
                    "{} has neither a {FILE_NAME} nor a Cargo package with a binary {}",
                    dir.display(),
                    binaries.join(" or ")
                )
            }
            Self::Manifest(error) => error.fmt(f),
            Self::OtherLab { path, theirs, wanted } => {
                write!(f, "{} says {theirs}, and {wanted} is to be checked", path.display())
            }
            Self::Command(command) if command.trim().is_empty() => write!(f, "the command is empty"),
            Self::Command(command) => write!(f, "a quotation mark is not closed in {command}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_liner_plays_the_first_role() {
        let subject = Subject::from_command("python3 'my server.py' -u", Lab::Lab1).unwrap();
        let Source::Commands { programs, build: None } = subject.source else {
            panic!("{:?}", subject.source)
        };
        assert_eq!(programs[&Role::Server], ["python3", "my server.py", "-u"]);
    }

    #[test]
    fn a_program_that_is_not_installed_is_missing() {
        let mut subject = Subject::from_command("true", Lab::Lab1).unwrap();
        assert_eq!(subject.missing(), None);
        subject.requires = vec!["sh".to_owned(), "no-such-program".to_owned()];
        assert_eq!(subject.missing(), Some("no-such-program"));
    }

    #[test]
    fn a_command_with_an_open_quotation_mark_is_refused() {
        let error = Subject::from_command("python3 'x", Lab::Lab1).unwrap_err();
        assert_eq!(error.to_string(), "a quotation mark is not closed in python3 'x");
        assert_eq!(Subject::from_command(" ", Lab::Lab1).unwrap_err().to_string(), "the command is empty");
    }

    #[test]
    fn a_directory_without_anything_in_it_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let error = Subject::load(dir.path(), Lab::Lab1).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "has neither a wirelab.toml nor a Cargo package with a binary web-server or web-client"
            ),
            "{error}"
        );
        let error = Subject::load(Path::new("/no/such"), Lab::Lab1).unwrap_err();
        assert_eq!(error.to_string(), "there is no directory /no/such");
    }

    #[test]
    fn a_manifest_of_another_lab_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE_NAME), "lab = \"lab2\"\nprograms.proxy = [\"./p\"]").unwrap();
        let error = Subject::load(dir.path(), Lab::Lab1).unwrap_err().to_string();
        assert!(error.ends_with("wirelab.toml says lab2, and lab1 is to be checked"), "{error}");
    }
}
