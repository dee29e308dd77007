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
    todo!("step 1: serve")
}

/// Reads one request and answers it: `Ok` if another one may follow.
fn exchange(guest: &Guest, proxy: &Proxy, incoming: &mut Incoming) -> Result<(), End> {
    todo!("step 1: exchange")
}

/// Reads until the head of a request is there.
fn receive(incoming: &mut Incoming) -> Result<Request, End> {
    todo!("step 1: receive request")
}

/// Closes in two stages (RFC 9112 §9.6): says that there is no more, and reads on until the client
/// has seen it. To close with octets unread would reset the connection, and a reset can overtake the
/// answer.
fn linger(incoming: &mut Incoming) -> io::Result<()> {
    Ok(()) // step 6: linger
}
