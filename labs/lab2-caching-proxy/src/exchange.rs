//! One request, and its answer: from the cache, from the origin, or from both.
//!
//! ```text
//!           ┌─ fresh ───────────────────────────────────────────▶ stored response
//! cache ────┼─ stale ──▶ origin, "if it has changed" ──┬─ 304 ──▶ stored response, freshened
//!           │                                          └─ none ─▶ stored response, if it may be stale
//!           └─ nothing ▶ origin ──────────────────────── else ──▶ passed on, maybe stored
//! ```

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use crate::cache::control::Control;
use crate::cache::{Answer, Entry, Times, Why, storing, validation};
use crate::connection::End;
use crate::http::body::{self, Coding, Framing, Repeated};
use crate::http::{Error, Fields, Request, Response, Status, Target, Version, date, hop};
use crate::incoming::Incoming;
use crate::origin::{self, Answering, Fault};
use crate::reply;
use crate::server::Proxy;
use crate::sys;
use crate::transfer::{Broken, Kept, Upload, download};

/// Interim responses to one request; an origin that sends more of them never comes to the point.
const MAX_INTERIM: usize = 100;

/// A request to be answered.
pub struct Exchange<'a> {
    pub proxy: &'a Proxy,
    pub client: &'a TcpStream,
    /// Without its hop-by-hop fields.
    pub request: Request,
    /// How its body ends, which is still to be read.
    pub framing: Framing,
    pub target: Target,
    /// May the connection go on afterwards, as far as the request is concerned?
    pub persists: bool,
}

/// Why an origin's answer is not passed on to its end.
enum Stop {
    /// There is no answer, and the client has heard nothing yet.
    Fault(Fault),
    /// There is no client, or it has half an answer already.
    End(End),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Stop {
        Stop::End(End::Gone)
    }
}

/// An origin's answer, as far as its head goes.
struct Received {
    /// As it is passed on and stored.
    response: Response,
    /// How its body ends, which is still to be read.
    framing: Framing,
    times: Times,
}

impl Exchange<'_> {
    /// Answers the request: `Ok` if another one may follow.
    pub fn run(&self, incoming: &mut Incoming) -> Result<(), End> {
        let uri = self.target.uri();
        let now = SystemTime::now();
        let has_body = self.framing != Framing::Length(0);
        match self.proxy.cache.answer(&self.request, has_body, &uri, now) {
            Answer::Fresh(entry) => self.send_stored(&entry, "hit"),
            Answer::Stale(entry) => self.validate(incoming, &uri, &entry),
            Answer::Forward(why) => self.forward(incoming, &uri, None, why).map(drop),
            Answer::Nothing => self.send_page(Status::GatewayTimeout, self.persists),
        }
    }

    /// Asks the origin whether a stored response is still right, and answers accordingly.
    ///
    /// Until step 8 the origin is asked as if nothing were stored.
    fn validate(&self, incoming: &mut Incoming, uri: &str, entry: &Arc<Entry>) -> Result<(), End> {
        self.forward(incoming, uri, None, Why::Stale).map(drop) // step 8: validate
    }

    /// Sends the request to the origin, and the answer to the client. If something is stored, asks
    /// about that if it can, and does not pass on that it is still right, but returns it.
    fn forward(
        &self,
        incoming: &mut Incoming,
        uri: &str,
        stored: Option<&Arc<Entry>>,
        why: Why,
    ) -> Result<Option<Received>, End> {
        todo!("step 1: forward")
    }

    /// The request as the origin gets it.
    fn outgoing(&self, validated: Option<&Arc<Entry>>) -> Request {
        todo!("step 1: outgoing")
    }

    /// Reads heads until one is the answer's. Those before it are passed on (RFC 9110 §15.2), though
    /// not to HTTP/1.0, which does not know them.
    fn final_head(&self, origin: &mut Answering) -> Result<Response, Stop> {
        Ok(origin.head()?) // step 5: final head
    }

    /// The response as it is passed on and stored.
    fn received(&self, head: Response, asked: SystemTime) -> Result<Received, Error> {
        todo!("step 1: received")
    }

    /// Passes the origin's answer on, and stores it if that is allowed.
    fn pass_on(
        &self,
        origin: &mut Answering,
        upload: &Upload,
        uri: &str,
        received: Received,
        why: Why,
    ) -> Result<(), Stop> {
        todo!("step 1: pass on")
    }

    /// What an unsafe request has changed is stored no longer (RFC 9111 §4.4).
    fn invalidate(&self, uri: &str, response: &Response) {
        // step 10: invalidate after
    }

    /// Answers with what is stored, and says what that has to do with the origin.
    fn send_stored(&self, entry: &Entry, status: &str) -> Result<(), End> {
        let mut more = Fields::default();
        add_status(&mut more, status);
        let persists = self.persists && !self.proxy.is_stopping();
        reply::send_stored(self.client, entry, &self.request, more, persists)?;
        end_unless(persists)
    }

    /// Answers with a page of the proxy's own.
    fn send_page(&self, status: Status, persists: bool) -> Result<(), End> {
        let persists = persists && !self.proxy.is_stopping();
        reply::send_page(self.client, status, &self.request.method, persists)?;
        end_unless(persists)
    }

    /// There is no answer: what is stored may do instead, or the client is told.
    fn give_up(
        &self,
        fault: Fault,
        upload: &Upload,
        stored: Option<&Arc<Entry>>,
    ) -> Result<Option<Received>, End> {
        let asked = Control::of(&self.request.fields);
        match stored {
            Some(entry) if entry.may_serve_stale(&asked) => {
                self.send_stored(entry, "hit; detail=stale")
            }
            _ => self.send_page(fault.status(), self.persists && upload.is_read()),
        }?;
        Ok(None)
    }
}

/// `Ok` if another request may follow.
fn end_unless(persists: bool) -> Result<(), End> {
    match persists {
        true => Ok(()),
        false => Err(End::Closing),
    }
}

/// Makes a response announce its body as it will be sent: its length if that is known, and nothing of
/// how it came.
fn announce(response: &mut Response, framing: Framing) -> Result<(), Error> {
    Ok(()) // step 2: announce
}

/// How a body that ends like this is sent on. Chunks are not for HTTP/1.0 (RFC 9112 §6.1): there the
/// end of the connection ends what has no length.
fn coding(framing: Framing, version: Version) -> Coding {
    Coding::Plain // step 2: coding
}

/// Says what the cache did (RFC 9211).
fn add_status(fields: &mut Fields, what: &str) {
    // step 11: add status
}
