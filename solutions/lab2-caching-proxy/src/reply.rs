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
    // ANCHOR: step4_send_page
    // STARTER: Err(io::ErrorKind::Unsupported.into()) // step 4: send page
    let mut fields = Fields::from([("Content-Type", "text/plain")]);
    fields.push("Date", date::format(SystemTime::now()));
    fields.push("Content-Length", status.reason().len().to_string());
    let page = Response::new(status, fields);
    let mut client = client;
    let mut out = head(&page, Fields::default(), persists);
    if method != "HEAD" {
        out.extend_from_slice(page.reason.as_bytes());
    }
    client.write_all(&out)
    // ANCHOR_END: step4_send_page
}

/// Sends what is stored: all of it, a part, or that the client has it already.
pub fn send_stored(
    client: &TcpStream,
    entry: &Entry,
    request: &Request,
    more: Fields,
    persists: bool,
) -> io::Result<()> {
    // ANCHOR: step7_send_stored
    let mut more = more;
    more.push("Age", entry.age(SystemTime::now()).as_secs().to_string());
    if validation::client_has(entry, request) {
        let out = head(&validation::not_modified(entry), more, persists);
        return write_both(client, &out, b"");
    }
    let (response, body) = selected(entry, request);
    let body = match &*request.method {
        "HEAD" => b"",
        _ => body,
    };
    write_both(client, &head(&response, more, persists), body)
    // ANCHOR_END: step7_send_stored
}

/// The part of a stored response that a request asks for (RFC 9110 §14).
fn selected<'a>(entry: &'a Entry, request: &Request) -> (Response, &'a [u8]) {
    // ANCHOR: step10_selected
    // STARTER: (entry.response.clone(), &entry.body) // step 10: selected
    let mut fields = entry.response.fields.clone();
    let length = entry.body.len();
    match part(entry, request) {
        Part::Whole => (entry.response.clone(), &entry.body),
        Part::Octets(range) => {
            let (first, last) = (range.start, range.end - 1);
            fields.set("Content-Range", format!("bytes {first}-{last}/{length}"));
            fields.set("Content-Length", range.len().to_string());
            (
                Response::new(Status::PartialContent, fields),
                &entry.body[range],
            )
        }
        Part::Nothing => {
            let mut fields = Fields::from([("Content-Length", "0")]);
            fields.push("Content-Range", format!("bytes */{length}"));
            (Response::new(Status::RangeNotSatisfiable, fields), b"")
        }
    }
    // ANCHOR_END: step10_selected
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
