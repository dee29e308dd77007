//! Given, not a step: what the operating system offers beyond the standard library.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{self, Shutdown, sockopt};

/// The signals that end this program, as something to wait for.
pub struct Signals(SigSet);

impl Signals {
    /// Keeps SIGTERM and SIGINT from interrupting this thread and those it will start.
    pub fn hold() -> io::Result<Signals> {
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        signals.thread_block()?;
        Ok(Signals(signals))
    }

    /// Waits until one of them has come.
    pub fn wait(&self) -> io::Result<()> {
        self.0.wait()?;
        Ok(())
    }
}

/// Ends the waiting for connections: who is in `accept` returns, and who connects is refused.
pub fn stop_listening(listener: &TcpListener) {
    // Where the system does not know this, connections are refused when the program has ended.
    let _ = socket::shutdown(listener.as_raw_fd(), Shutdown::Both);
}

/// Says how a connection ends when it is closed: with a reset, which the other side sees as a break,
/// or in the ordinary way, as a message that is whole.
pub fn reset_on_close(stream: &TcpStream, reset: bool) -> io::Result<()> {
    let linger = nix::libc::linger {
        l_onoff: reset.into(),
        l_linger: 0,
    };
    socket::setsockopt(stream, sockopt::Linger, &linger)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};

    use super::*;

    #[test]
    fn a_connection_is_reset_if_it_was_said_so() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for reset in [true, false] {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            reset_on_close(&stream, true).unwrap();
            stream.write_all(b"half").unwrap();
            client.read_exact(&mut [0; 4]).unwrap();
            reset_on_close(&stream, reset).unwrap();
            drop(stream);
            match client.read(&mut [0]) {
                Ok(length) => assert!(length == 0 && !reset),
                Err(error) => assert!(error.kind() == ErrorKind::ConnectionReset && reset),
            }
        }
    }
}
