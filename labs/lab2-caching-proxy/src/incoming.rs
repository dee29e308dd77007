//! The octets that have arrived on a connection and are not yet taken off.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;

/// The reading side of a connection.
pub struct Incoming<'a> {
    stream: &'a TcpStream,
    buffer: Vec<u8>,
    /// What has arrived stands in `buffer[start..end]`.
    start: usize,
    end: usize,
}

impl<'a> Incoming<'a> {
    /// Reads from that connection, about so many octets at a time.
    pub fn new(stream: &'a TcpStream, size: usize) -> Incoming<'a> {
        Incoming {
            stream,
            buffer: vec![0; size],
            start: 0,
            end: 0,
        }
    }

    pub fn stream(&self) -> &'a TcpStream {
        self.stream
    }

    /// What has arrived.
    pub fn octets(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Takes octets off the front.
    pub fn take(&mut self, count: usize) {
        self.start += count;
    }

    /// Waits for more octets, as long as the socket's time limit has it. 0 is the end.
    ///
    /// The buffer grows if it is full of octets that nobody took, so whoever calls this limits how
    /// many that can be.
    pub fn receive(&mut self) -> io::Result<usize> {
        todo!("step 1: receive")
    }
}

/// Was that a socket's time limit? Systems differ in the name they give it.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod step1 {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn octets_stay_until_they_are_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let mut incoming = Incoming::new(&stream, 4);
        client.write_all(b"abcdef").unwrap();
        drop(client);
        assert_eq!(incoming.receive().unwrap(), 4);
        incoming.take(1);
        while incoming.receive().unwrap() > 0 {}
        assert_eq!(incoming.octets(), b"bcdef");
    }
}
