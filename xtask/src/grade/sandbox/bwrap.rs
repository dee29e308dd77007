//! The words with which bubblewrap (`bwrap(1)`) makes a room: one around the judge of a submission, with a network of
//! its own, and in it one around each program.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Words for bubblewrap, in their order: what comes later is laid over what comes before.
#[derive(Clone, Debug, Default)]
pub struct Words(Vec<OsString>);

/// What a program sees of the machine's configuration, where it is there. Nothing of it is secret or tells whose machine
/// this is.
const CONFIGURATION: &[&str] =
    &["alternatives", "ld.so.cache", "ssl/certs", "ssl/openssl.cnf", "ca-certificates", "mime.types", "perl"];

/// Languages whose run time has configuration of its own: `/etc/java-17-openjdk`.
const LANGUAGES: &[&str] = &["java", "python3"];

/// Folders of programs and libraries beside `/usr`; on most machines links into it.
const SYSTEM: &[&str] = &["/bin", "/sbin", "/lib", "/lib32", "/lib64"];

impl Words {
    /// Around the judge: the machine as it is, but for its own network, in which only the loopback interface is up, and
    /// a `/tmp` of its own of so many octets at most.
    pub fn around_the_judge(as_root: bool, tmp: u64) -> Self {
        let mut words = Self(vec!["bwrap".into()]);
        if !as_root {
            // For as long as it takes to lay a file system over another.
            words = words.add(["--unshare-user", "--cap-add", "CAP_SYS_ADMIN"]);
        }
        words
            .add(["--dev-bind", "/", "/", "--unshare-net", "--unshare-ipc", "--die-with-parent"])
            .add(["--chdir", "/tmp", "--clearenv", "--setenv", "PATH"])
            .add([std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into())])
            .tmpfs("/tmp", tmp)
    }

    /// Around a program: nothing but what is named, processes and users of its own, no way to make further rooms.
    /// `/tmp` may be written to, so many octets at most.
    pub fn around_a_program(tmp: u64) -> Self {
        let words = Self(vec!["bwrap".into()])
            .add(["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup"])
            .add(["--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1"])
            .add(["--hostname", "sandbox", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"])
            .read("/usr");
        let words = SYSTEM.iter().fold(words, |words, dir| match fs::read_link(dir) {
            Ok(target) => words.symlink(target, dir),
            Err(_) => words.read_if_there(dir),
        });
        let words = configuration().into_iter().fold(words, Self::read_if_there);
        words.add(["--proc", "/proc", "--dev", "/dev"]).tmpfs("/tmp", tmp).tmpfs("/dev/shm", 1 << 20)
    }

    /// Without any network, loopback included.
    pub fn without_network(self) -> Self {
        self.add(["--unshare-net"])
    }

    /// May be read, at the same path.
    pub fn read(self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        self.read_at(&path, &path)
    }

    pub fn read_at(self, from: impl AsRef<Path>, at: impl AsRef<Path>) -> Self {
        self.add([OsStr::new("--ro-bind"), from.as_ref().as_os_str(), at.as_ref().as_os_str()])
    }

    fn read_if_there(self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().as_os_str();
        self.add([OsStr::new("--ro-bind-try"), path, path])
    }

    /// May be read and written.
    pub fn write_at(self, from: impl AsRef<Path>, at: impl AsRef<Path>) -> Self {
        self.add([OsStr::new("--bind"), from.as_ref().as_os_str(), at.as_ref().as_os_str()])
    }

    /// An empty file system in memory that anybody may write to, of so many octets at most.
    pub fn tmpfs(self, at: &str, octets: u64) -> Self {
        self.add(["--perms", "1777", "--size", &octets.to_string(), "--tmpfs", at])
    }

    fn symlink(self, target: impl AsRef<Path>, at: &str) -> Self {
        self.add([OsStr::new("--symlink"), target.as_ref().as_os_str(), OsStr::new(at)])
    }

    /// Nothing but the file systems in memory may be written to, the devices' own folder included; then comes the program.
    pub fn sealed(self) -> Vec<OsString> {
        self.add(["--remount-ro", "/dev", "--remount-ro", "/"]).program()
    }

    /// Then comes the program.
    pub fn program(self) -> Vec<OsString> {
        self.add(["--"]).0
    }

    fn add<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.0.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }
}

/// The paths of [`CONFIGURATION`] and [`LANGUAGES`] here.
pub fn configuration() -> Vec<PathBuf> {
    let etc = Path::new("/etc");
    let languages = fs::read_dir(etc).into_iter().flatten().flatten().filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        LANGUAGES.iter().any(|language| name.starts_with(language))
    });
    let languages = languages.map(|entry| entry.path());
    CONFIGURATION.iter().map(|name| etc.join(name)).chain(languages).collect()
}

/// Where it is installed, if it is.
pub fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let runs = |path: &PathBuf| path.metadata().is_ok_and(|data| data.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&path).map(|dir| dir.join("bwrap")).find(|path| path.is_file() && runs(path))
}
