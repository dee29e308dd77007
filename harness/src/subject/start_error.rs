//! Why a program could not be started, in words for the person who wrote it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::running::Launch;

#[derive(Debug)]
pub enum StartError {
    NoDirectory(PathBuf),
    /// A name without `/` that is not on `PATH`, though maybe in the directory.
    NotOnPath {
        program: String,
        in_directory: bool,
    },
    NotFound {
        program: String,
        dir: PathBuf,
    },
    /// The file is there, but not the interpreter that its first line names.
    NoInterpreter {
        program: String,
        first_line: String,
    },
    NotExecutable(String),
    /// Neither a binary for this machine nor a script with a first line that says what runs it.
    NotAProgram(String),
    Refused {
        program: String,
        words: io::Error,
    },
    /// Ctrl-C.
    Aborted,
    /// The harness's own fault.
    Supervisor(io::Error),
    /// What should have confined the program could not; not the program's fault.
    Unconfined(String),
}

impl StartError {
    /// From the number of the error with which the system refused.
    pub(super) fn refused(launch: &Launch, errno: i32) -> Self {
        let program = launch.argv.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let path = launch.dir.join(&program);
        match errno {
            0 => Self::Supervisor(io::Error::other("the supervisor ended before it had started the program")),
            libc::ENOENT if !program.contains('/') => {
                Self::NotOnPath { in_directory: path.is_file(), program }
            }
            libc::ENOENT if path.exists() => Self::NoInterpreter { first_line: first_line(&path), program },
            libc::ENOENT | libc::ENOTDIR => Self::NotFound { program, dir: launch.dir.clone() },
            libc::EACCES => Self::NotExecutable(program),
            libc::ENOEXEC => Self::NotAProgram(program),
            _ => Self::Refused { program, words: io::Error::from_raw_os_error(errno) },
        }
    }

    pub fn is_the_harness_s_fault(&self) -> bool {
        matches!(self, Self::Supervisor(_) | Self::Unconfined(_))
    }
}

fn first_line(path: &Path) -> String {
    let octets = std::fs::read(path).unwrap_or_default();
    let line = octets.split(|&octet| octet == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned()
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Supervisor(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoDirectory(dir) => write!(f, "there is no directory {}", dir.display()),
            Self::NotOnPath { program, in_directory: true } => {
                write!(
                    f,
                    "there is no program {program} on PATH; if the one in the directory is meant, write ./{program}"
                )
            }
            Self::NotOnPath { program, .. } => {
                write!(f, "there is no program {program} on PATH: is it installed?")
            }
            Self::NotFound { program, dir } => {
                write!(f, "there is no program {program}, looked for from {}", dir.display())
            }
            Self::NoInterpreter { program, first_line } => {
                write!(
                    f,
                    "{program} is there, but what it needs to run is not: its first line is {first_line:?}"
                )
            }
            Self::NotExecutable(program) => {
                write!(
                    f,
                    "{program} is not executable, or a folder: chmod +x, or name its interpreter before it"
                )
            }
            Self::NotAProgram(program) => {
                write!(
                    f,
                    "{program} is no program for this machine: a script begins with #! and its interpreter"
                )
            }
            Self::Refused { program, words } => write!(f, "the system does not run {program}: {words}"),
            Self::Aborted => write!(f, "interrupted"),
            Self::Unconfined(words) => write!(f, "the program could not be confined: {words}"),
            Self::Supervisor(error) => write!(f, "the supervisor could not do its part: {error}"),
        }
    }
}

impl std::error::Error for StartError {}
