//! One client's connection, from its first request to its close (RFC 9112 §9).

use std::io;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::exchange::Exchange;
use crate::http::{Error, Request, Status, body, hop, request, target};
use crate::incoming::Incoming;
use crate::reply;
use crate::server::{Guest, Proxy};
use crate::tunnel;

/// Octets read from a client at a time.
const SIZE: usize = 16 * 1024;
/// How long a client may be silent, or take nothing of what is sent to it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a client may go on sending after the last answer.
const LINGER: Duration = Duration::from_secs(1);

/// Why there will be no further request on a connection.
#[derive(Debug)]
pub enum End {
    /// The client has gone, or is as good as gone.
    Gone,
    /// It has had half an answer, and must see that.
    Broken,
    /// It has had its last answer, and knows.
    Closing,
    /// What it sent is not what this proxy takes, and is answered so.
    Refused(Status),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> End {
        End::Gone
    }
}

impl From<Error> for End {
    fn from(error: Error) -> End {
        End::Refused(error.status())
    }
}

/// Serves a connection to its end.
pub fn serve(guest: &Guest, proxy: &Proxy) -> io::Result<()> {
    // ANCHOR: step1_serve
    let stream = &guest.stream;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut incoming = Incoming::new(stream, SIZE);
    let end = loop {
        if let Err(end) = exchange(guest, proxy, &mut incoming) {
            break end;
        }
        guest.set_busy(false);
        if proxy.is_stopping() {
            break End::Closing;
        }
    };
    match end {
        End::Gone | End::Broken => Ok(()),
        End::Closing => linger(&mut incoming),
        End::Refused(status) => {
            reply::send_page(stream, status, "", false)?;
            linger(&mut incoming)
        }
    }
    // ANCHOR_END: step1_serve
}

/// Reads one request and answers it: `Ok` if another one may follow.
fn exchange(guest: &Guest, proxy: &Proxy, incoming: &mut Incoming) -> Result<(), End> {
    // ANCHOR: step1_exchange
    let mut request = receive(incoming)?;
    guest.set_busy(true);
    let framing = body::of_request(&request)?;
    if request.method == "CONNECT" {
        guest.set_busy(false); // nobody knows when a tunnel has had enough
        return tunnel::run(&request, incoming, proxy);
    }
    let target = target::parse(&request.method, &request.target)?;
    let persists = request.persists();
    hop::strip(&mut request.fields);
    if hop::is_loop(&request.fields, &proxy.pseudonym) {
        return Err(End::Refused(Status::LoopDetected));
    }
    if !hop::may_go_on(&request.method, &mut request.fields) {
        return Err(End::Refused(Status::NotImplemented));
    }
    let exchange = Exchange {
        proxy,
        client: incoming.stream(),
        request,
        framing,
        target,
        persists,
    };
    exchange.run(incoming)
    // ANCHOR_END: step1_exchange
}

/// Reads until the head of a request is there.
fn receive(incoming: &mut Incoming) -> Result<Request, End> {
    // ANCHOR: step1_receive_request
    loop {
        if let Some((request, used)) = request::parse(incoming.octets())? {
            incoming.take(used);
            return Ok(request);
        }
        if incoming.receive()? == 0 {
            return Err(End::Gone);
        }
    }
    // ANCHOR_END: step1_receive_request
}

/// Closes in two stages (RFC 9112 §9.6): says that there is no more, and reads on until the client
/// has seen it. To close with octets unread would reset the connection, and a reset can overtake the
/// answer.
fn linger(incoming: &mut Incoming) -> io::Result<()> {
    // ANCHOR: step6_linger
    // STARTER: Ok(()) // step 6: linger
    let stream = incoming.stream();
    stream.shutdown(Shutdown::Write)?;
    let due = Instant::now() + LINGER;
    loop {
        incoming.take(incoming.octets().len());
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        if incoming.receive()? == 0 {
            return Ok(());
        }
    }
    // ANCHOR_END: step6_linger
}
