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
    // ANCHOR: step11_tunnel
    // STARTER: Err(End::Refused(Status::NotImplemented)) // step 11: tunnel
    let authority = target::parse_connect(&request.target)?;
    if hop::is_loop(&request.fields, &proxy.pseudonym) {
        return Err(End::Refused(Status::LoopDetected));
    }
    let client = incoming.stream();
    let origin =
        origin::connect(&authority, proxy.timeout).map_err(|fault| End::Refused(fault.status()))?;
    origin.set_read_timeout(None)?;
    client.set_read_timeout(None)?;

    let mut established = Vec::new();
    Response::new(Status::Ok, Fields::default()).write(&mut established);
    established.extend_from_slice(b"\r\n");
    let mut to_client = client;
    to_client.write_all(&established)?;
    let mut to_origin = &origin;
    to_origin.write_all(incoming.octets())?; // what the client did not wait with

    thread::scope(|threads| {
        threads.spawn(|| pass(client, &origin));
        pass(&origin, client);
    });
    Err(End::Gone)
    // ANCHOR_END: step11_tunnel
}

/// Passes octets on until they end, and then passes the end on: the other direction may go on.
fn pass(from: &TcpStream, to: &TcpStream) {
    // ANCHOR: step11_pass
    let (mut from, mut to) = (from, to);
    let how = match io::copy(&mut from, &mut to) {
        Ok(_) => Shutdown::Write,
        Err(_) => {
            let _ = from.shutdown(Shutdown::Both);
            Shutdown::Both
        }
    };
    let _ = to.shutdown(how); // it may have closed already
    // ANCHOR_END: step11_pass
}
