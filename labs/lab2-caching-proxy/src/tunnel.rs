//! `CONNECT` (RFC 9110 §9.3.6): octets in both directions, and nothing is known about them.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use crate::connection::End;
use crate::http::{Fields, Request, Response, Status, hop, target};
use crate::incoming::Incoming;
use crate::origin;
use crate::server::Proxy;

/// Makes the tunnel that a request asks for, and stays until both ends have had enough.
pub fn run(request: &Request, incoming: &mut Incoming, proxy: &Proxy) -> Result<(), End> {
    Err(End::Refused(Status::NotImplemented)) // step 11: tunnel
}

/// Passes octets on until they end, and then passes the end on: the other direction may go on.
fn pass(from: &TcpStream, to: &TcpStream) {
    todo!("step 11: pass")
}
