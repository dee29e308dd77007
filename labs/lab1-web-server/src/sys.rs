//! Given, not a step: what the operating system offers beyond the standard library. The only module
//! with `unsafe` code, and the only one that knows on which system it runs.
//!
//! How a stop works: SIGTERM or SIGINT sets a flag, and shuts the reading side of the sockets on
//! which somebody waits. What has arrived can still be read and answered; then reading says "end",
//! as if the client had gone. No one has to be woken by other means.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{self, OFlag};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, Signal};
use nix::sys::socket::{self, MsgFlags};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{self, ForkResult};

pub use nix::unistd::Pid;

/// No descriptor.
const NONE: i32 = -1;

static STOPPING: AtomicBool = AtomicBool::new(false);
/// The socket whose reading side a stop shuts.
static STOPPED_SOCKET: AtomicI32 = AtomicI32::new(NONE);
/// The writing end of the pipe that wakes [`Signals::wait`].
static WAKING_END: AtomicI32 = AtomicI32::new(NONE);

/// Has a signal asked this process to stop?
pub fn stopping() -> bool {
    STOPPING.load(SeqCst)
}

/// A stop shuts the reading side of that socket, now if it has come already. There is one such
/// socket in a process; the caller keeps it open.
pub fn shut_on_stop(socket: &impl AsRawFd) {
    STOPPED_SOCKET.store(socket.as_raw_fd(), SeqCst);
    if stopping() {
        shut(socket.as_raw_fd());
    }
}

fn shut(socket: i32) {
    // It may be shut or gone already, which is as good.
    let _ = socket::shutdown(socket, socket::Shutdown::Read);
}

/// Runs in the middle of anything, so it does only what signal-safety(7) allows.
extern "C" fn on_signal(number: i32) {
    let errno = Errno::last_raw();
    if number != Signal::SIGCHLD as i32 {
        STOPPING.store(true, SeqCst);
        shut(STOPPED_SOCKET.load(SeqCst));
    }
    let waking_end = WAKING_END.load(SeqCst);
    if waking_end != NONE {
        // SAFETY: the descriptor was given up to this static and is never closed.
        let waking_end = unsafe { BorrowedFd::borrow_raw(waking_end) };
        let _ = unistd::write(waking_end, &[0]); // a full pipe wakes as well
    }
    Errno::set_raw(errno);
}

/// The signals SIGTERM, SIGINT and SIGCHLD, as something to wait for.
pub struct Signals {
    pipe: UnixStream,
}

impl Signals {
    /// Begins to catch them. Once in a process.
    pub fn catch() -> io::Result<Signals> {
        let (pipe, waking_end) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        waking_end.set_nonblocking(true)?;
        WAKING_END.store(waking_end.into_raw_fd(), SeqCst);
        let handler = SigHandler::Handler(on_signal);
        let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD] {
            // SAFETY: the handler calls async-signal-safe functions only.
            unsafe { signal::sigaction(signal, &action) }?;
        }
        Ok(Signals { pipe })
    }

    /// Waits for a signal, for a connection if there is a listener, or until that time has passed.
    /// True if a connection is waiting.
    pub fn wait(
        &self,
        listener: Option<&TcpListener>,
        limit: Option<Duration>,
    ) -> io::Result<bool> {
        let mut fds = vec![PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN)];
        fds.extend(listener.map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)));
        let limit = match limit {
            Some(limit) => PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX),
            None => PollTimeout::NONE,
        };
        match poll(&mut fds, limit) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let connection = fds.get(1).and_then(PollFd::any).unwrap_or(false);
        while matches!((&self.pipe).read(&mut [0; 64]), Ok(1..)) {}
        Ok(connection)
    }
}

/// Forks: the child's process id for the parent, `None` for the child. The caller has one thread:
/// another one might hold a lock at this moment, which the child would then find locked for ever.
pub fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: with one thread, the child is a complete copy and may do what the parent may.
    match unsafe { unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => {
            WAKING_END.store(NONE, SeqCst); // the pipe is the parent's
            Ok(None)
        }
    }
}

/// Takes leave of a child that has ended, if there is one, without waiting.
pub fn reap() -> Option<Pid> {
    waitpid(None, Some(WaitPidFlag::WNOHANG)).ok()?.pid()
}

/// Asks a child to stop.
pub fn terminate(child: Pid) {
    let _ = signal::kill(child, Signal::SIGTERM); // it may have ended already
}

/// Ends a child at once.
pub fn kill(child: Pid) {
    let _ = signal::kill(child, Signal::SIGKILL);
}

/// Counters, all 0, that this process shares with the children it will fork.
pub fn shared_counters<const N: usize>() -> io::Result<&'static [AtomicU64; N]> {
    let size = NonZeroUsize::new(size_of::<[AtomicU64; N]>()).ok_or(io::ErrorKind::InvalidInput)?;
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new mapping at a place of the kernel's choice overlaps nothing.
    let memory = unsafe { mmap_anonymous(None, size, access, MapFlags::MAP_SHARED) }?;
    // SAFETY: the mapping is large enough, aligned to a page, never unmapped, and zero, which is a
    // valid value of an atomic; processes share it by atomic operations alone.
    Ok(unsafe { memory.cast().as_ref() })
}

/// The directory under which all that is served lies.
pub struct Root(OwnedFd);

impl Root {
    /// Opens the root.
    pub fn new(path: &Path) -> io::Result<Root> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Root(fcntl::open(path, flags, Mode::empty())?))
    }

    /// Opens a file or directory by its path under the root, for reading. Whatever symbolic links
    /// there are on the way, it is under the root or else `PermissionDenied`.
    pub fn open(&self, path: &[u8]) -> io::Result<File> {
        // A pipe without a writer must not block; a regular file does not care.
        self.open_with(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)
    }

    /// What a path under the root leads to, even if it cannot be read.
    pub fn metadata(&self, path: &[u8]) -> io::Result<Metadata> {
        #[cfg(target_os = "linux")]
        let flags = OFlag::O_PATH;
        #[cfg(not(target_os = "linux"))]
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
        self.open_with(path, flags)?.metadata()
    }

    fn open_with(&self, path: &[u8], flags: OFlag) -> io::Result<File> {
        let path = if path.is_empty() { b"." } else { path };
        let flags = flags | OFlag::O_CLOEXEC;
        #[cfg(target_os = "linux")]
        {
            use fcntl::{OpenHow, ResolveFlag};
            let within = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
            let how = OpenHow::new().flags(flags).resolve(within);
            match fcntl::openat2(&self.0, path, how) {
                Err(Errno::ENOSYS | Errno::EPERM) => {} // an old kernel, or a sandbox
                Err(Errno::EAGAIN) => {}                // something was renamed meanwhile
                opened => return opened.map(File::from).map_err(refusal),
            }
        }
        self.walk(path, flags).map_err(refusal)
    }

    /// The portable way: one segment after another, and no symbolic link at all.
    fn walk(&self, path: &[u8], flags: OFlag) -> nix::Result<File> {
        let on_the_way = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut segments = path.split(|&octet| octet == b'/').peekable();
        let mut parent: Option<OwnedFd> = None;
        while let Some(segment) = segments.next() {
            let flags = if segments.peek().is_some() {
                on_the_way
            } else {
                flags
            };
            let at = parent.as_ref().unwrap_or(&self.0);
            parent = Some(fcntl::openat(
                at,
                segment,
                flags | OFlag::O_NOFOLLOW,
                Mode::empty(),
            )?);
        }
        parent.map(File::from).ok_or(Errno::ENOENT)
    }
}

/// Why a path was not opened, in terms that do not depend on how it was tried.
fn refusal(errno: Errno) -> io::Error {
    match errno {
        Errno::ENAMETOOLONG => io::ErrorKind::NotFound.into(),
        // The path leads outside, or to a socket or a device without a driver.
        Errno::EXDEV | Errno::ELOOP | Errno::EMLINK | Errno::ENXIO | Errno::ENODEV => {
            io::ErrorKind::PermissionDenied.into()
        }
        other => other.into(),
    }
}

/// The names in a directory, in no order, `.` and `..` among them.
pub fn names(directory: File) -> io::Result<Vec<Vec<u8>>> {
    let name = |entry: nix::Result<nix::dir::Entry>| Ok(entry?.file_name().to_bytes().to_vec());
    Dir::from_fd(directory.into())?.iter().map(name).collect()
}

/// Sends octets, and says that more follow at once: the kernel then waits for them and fills the
/// segment, instead of sending a small one of its own.
pub fn send_with_more(mut stream: &TcpStream, mut octets: &[u8]) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    while !octets.is_empty() {
        let more = MsgFlags::from_bits_retain(nix::libc::MSG_MORE);
        match socket::send(stream.as_raw_fd(), octets, more) {
            Ok(sent) => octets = &octets[sent..],
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    stream.write_all(octets)
}

/// Sends a part of a file. On Linux the kernel moves it from its cache into the socket, and not one
/// octet comes through this program.
#[cfg(target_os = "linux")]
pub fn send_file(stream: &TcpStream, file: &File, offset: u64, length: u64) -> io::Result<()> {
    let mut at = i64::try_from(offset).map_err(io::Error::other)?;
    let end = i64::try_from(offset + length).map_err(io::Error::other)?;
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        match nix::sys::sendfile::sendfile64(stream, file, Some(&mut at), left) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()), // the file has shrunk
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Sends a part of a file, the portable way.
#[cfg(not(target_os = "linux"))]
pub fn send_file(mut stream: &TcpStream, file: &File, offset: u64, length: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    let mut file = file;
    file.seek(SeekFrom::Start(offset))?;
    match io::copy(&mut file.take(length), &mut stream)? == length {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()), // the file has shrunk
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A directory with a root in it, and beside the root what must stay out of reach.
    fn scene() -> (tempfile::TempDir, Root) {
        let scene = tempfile::tempdir().unwrap();
        let root = scene.path().join("www");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::create_dir(scene.path().join("www-secret")).unwrap();
        fs::write(scene.path().join("www-secret/file"), "secret").unwrap();
        fs::write(root.join("sub/file"), "public").unwrap();
        symlink("sub/file", root.join("inside")).unwrap();
        symlink("../www-secret/file", root.join("outside")).unwrap();
        symlink("/etc", root.join("absolute")).unwrap();
        symlink("round", root.join("round")).unwrap();
        let root = Root::new(&root).unwrap();
        (scene, root)
    }

    fn text(file: io::Result<File>) -> Result<String, io::ErrorKind> {
        let mut text = String::new();
        match file.and_then(|mut file| file.read_to_string(&mut text)) {
            Ok(_) => Ok(text),
            Err(error) => Err(error.kind()),
        }
    }

    #[test]
    fn files_under_the_root_are_opened_and_none_beside_it() {
        let (_scene, root) = scene();
        let read = |path: &str| text(root.open(path.as_bytes()));
        assert_eq!(read("sub/file").as_deref(), Ok("public"));
        assert_eq!(read("missing"), Err(io::ErrorKind::NotFound));
        assert_eq!(read(&"n".repeat(300)), Err(io::ErrorKind::NotFound));
        for path in ["outside", "absolute/passwd", "round", "../www-secret/file"] {
            assert_eq!(read(path), Err(io::ErrorKind::PermissionDenied), "{path}");
        }
        assert!(root.open(b"").unwrap().metadata().unwrap().is_dir());
    }

    #[test]
    fn the_portable_way_follows_no_link() {
        let (_scene, root) = scene();
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let read = |path: &str| text(root.walk(path.as_bytes(), flags).map_err(refusal));
        assert_eq!(read("sub/file").as_deref(), Ok("public"));
        for path in ["inside", "outside", "round"] {
            assert_eq!(read(path), Err(io::ErrorKind::PermissionDenied), "{path}");
        }
        assert!(read("absolute/passwd").is_err());
    }

    #[test]
    fn a_directory_tells_its_names() {
        let (_scene, root) = scene();
        let names = names(root.open(b"sub").unwrap()).unwrap();
        assert!(names.contains(&b"file".to_vec()), "{names:?}");
    }

    #[test]
    fn a_part_of_a_file_is_sent_as_it_is() {
        let file = tempfile::tempfile().unwrap();
        (&file).write_all(b"0123456789").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        send_with_more(&stream, b"head ").unwrap();
        send_file(&stream, &file, 2, 5).unwrap();
        assert!(
            send_file(&stream, &file, 8, 5).is_err(),
            "the file is shorter"
        );
        drop(stream);
        let mut received = String::new();
        client.read_to_string(&mut received).unwrap();
        assert_eq!(received, "head 2345689");
    }
}
