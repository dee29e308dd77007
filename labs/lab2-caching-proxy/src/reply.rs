//! What is written to a client: heads, pages of the proxy's own, and what is stored.

use std::io::{self, IoSlice, Write};
use std::net::TcpStream;
use std::time::SystemTime;

use crate::cache::range::{Part, part};
use crate::cache::{Entry, validation};
use crate::http::{Fields, Request, Response, Status, date};

/// Writes a whole head: what is stored of it, and what is for this client alone.
pub fn head(response: &Response, mut more: Fields, persists: bool) -> Vec<u8> {
    if !persists {
        more.push("Connection", "close");
    }
    let mut out = Vec::with_capacity(1024);
    response.write(&mut out);
    more.write(&mut out);
    out.extend_from_slice(b"\r\n");
    out
}

/// Sends a page that says what went wrong; its body, unless it was not asked for, is its reason.
pub fn send_page(
    client: &TcpStream,
    status: Status,
    method: &str,
    persists: bool,
) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into()) // step 4: send page
}

/// Sends what is stored: all of it, a part, or that the client has it already.
pub fn send_stored(
    client: &TcpStream,
    entry: &Entry,
    request: &Request,
    more: Fields,
    persists: bool,
) -> io::Result<()> {
    todo!("step 7: send stored")
}

/// The part of a stored response that a request asks for (RFC 9110 §14).
fn selected<'a>(entry: &'a Entry, request: &Request) -> (Response, &'a [u8]) {
    (entry.response.clone(), &entry.body) // step 10: selected
}

/// Writes head and body in one piece: two small ones would wait for each other (Nagle's algorithm
/// here, and the delayed acknowledgement over there).
fn write_both(mut stream: &TcpStream, head: &[u8], body: &[u8]) -> io::Result<()> {
    let mut both = [IoSlice::new(head), IoSlice::new(body)];
    let mut left = &mut both[..];
    while left.iter().any(|slice| !slice.is_empty()) {
        match stream.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut left, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
