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
        // ANCHOR: step8_validate
        // STARTER: self.forward(incoming, uri, None, Why::Stale).map(drop) // step 8: validate
        let Some(news) = self.forward(incoming, uri, Some(entry), Why::Stale)? else {
            return Ok(()); // it is not, and the client has had what is
        };
        if !validation::is_about(entry, &news.response) {
            return self.forward(incoming, uri, None, Why::Stale).map(drop);
        }
        let fresh = validation::freshened(entry, &news.response, news.times);
        if storing::may_store(&self.request, &fresh.response, news.times.received) {
            let fields = &self.request.fields;
            self.proxy.cache.replace(uri, fields, entry, fresh.clone());
        }
        self.send_stored(&fresh, "fwd=stale; fwd-status=304")
        // ANCHOR_END: step8_validate
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
        // ANCHOR: step1_forward
        let upload = Upload::new(self.framing);
        let asked = SystemTime::now();
        let stream = match origin::connect(&self.target.authority, self.proxy.timeout) {
            Ok(stream) => stream,
            Err(fault) => return self.give_up(fault, &upload, stored),
        };
        let validated = stored.filter(|entry| validation::can_ask(entry, &self.request));
        let mut head = Vec::new();
        self.outgoing(validated).write(&mut head);
        // An origin that does not take it may have said why before it closed.
        let _ = (&stream).write_all(&head);

        thread::scope(|threads| {
            if self.framing != Framing::Length(0) {
                threads.spawn(|| upload.run(incoming, self.framing, &stream));
            }
            let mut origin = Answering::new(&stream, &upload, self.proxy.timeout);
            let passed = self.final_head(&mut origin).and_then(|head| {
                let is_news = validated.is_some() && head.status == 304;
                let received = self.received(head, asked).map_err(Fault::from)?;
                if is_news {
                    return Ok(Some(received));
                }
                self.pass_on(&mut origin, &upload, uri, received, why)?;
                Ok(None)
            });
            drop(origin);
            let passed = match passed {
                Ok(news) => Ok(news),
                Err(Stop::Fault(fault)) => self.give_up(fault, &upload, stored),
                Err(Stop::End(end)) => Err(end),
            };
            upload.dismiss(self.client);
            passed
        })
        // ANCHOR_END: step1_forward
    }

    /// The request as the origin gets it.
    fn outgoing(&self, validated: Option<&Arc<Entry>>) -> Request {
        // ANCHOR: step1_outgoing
        let mut request = self.request.clone();
        request.target = self.target.path.clone();
        request.fields.set("Host", &*self.target.authority.text); // RFC 9112 §3.2.2
        if let Some(entry) = validated {
            validation::ask_for(entry, &mut request.fields);
        }
        hop::add_via(&mut request.fields, request.version, &self.proxy.pseudonym);
        match self.framing {
            Framing::Length(0) | Framing::UntilClose => {}
            Framing::Length(length) => request.fields.set("Content-Length", length.to_string()),
            Framing::Chunked => request.fields.set("Transfer-Encoding", "chunked"),
        }
        request.fields.push("Connection", "close");
        request
        // ANCHOR_END: step1_outgoing
    }

    /// Reads heads until one is the answer's. Those before it are passed on (RFC 9110 §15.2), though
    /// not to HTTP/1.0, which does not know them.
    fn final_head(&self, origin: &mut Answering) -> Result<Response, Stop> {
        // ANCHOR: step5_final_head
        // STARTER: Ok(origin.head()?) // step 5: final head
        for _ in 0..MAX_INTERIM {
            let mut head = origin.head()?;
            match head.status {
                101 => break, // nobody asked for another protocol
                100..200 if self.request.version == Version::Http11 => {
                    hop::strip(&mut head.fields);
                    hop::add_via(&mut head.fields, head.version, &self.proxy.pseudonym);
                    let mut client = self.client;
                    client.write_all(&reply::head(&head, Fields::default(), true))?;
                }
                100..200 => {}
                _ => return Ok(head),
            }
        }
        Err(Fault::Unusable.into())
        // ANCHOR_END: step5_final_head
    }

    /// The response as it is passed on and stored.
    fn received(&self, head: Response, asked: SystemTime) -> Result<Received, Error> {
        // ANCHOR: step1_received
        let received = SystemTime::now();
        let framing = body::of_response(&self.request.method, &head)?;
        let mut response = head;
        announce(&mut response, framing)?;
        hop::strip(&mut response.fields);
        if !response.fields.has("Date") {
            response.fields.push("Date", date::format(received)); // RFC 9110 §6.6.1
        }
        hop::add_via(
            &mut response.fields,
            response.version,
            &self.proxy.pseudonym,
        );
        Ok(Received {
            response,
            framing,
            times: Times { asked, received },
        })
        // ANCHOR_END: step1_received
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
        // ANCHOR: step1_pass_on
        let Received {
            response,
            framing,
            times,
        } = received;
        self.invalidate(uri, &response);
        let mut kept = match why != Why::Bypass
            && storing::may_store(&self.request, &response, times.received)
        {
            true => Kept::up_to(self.proxy.cache.max_object),
            false => Kept::nothing(),
        };
        let coding = coding(framing, self.request.version);
        let mut more = Fields::default();
        if coding == Coding::Chunked {
            more.push("Transfer-Encoding", "chunked");
        }
        add_status(&mut more, why.word());
        let persists = self.persists && upload.is_read() && !self.proxy.is_stopping();
        let head = reply::head(&response, more, persists);

        let ends_with_connection =
            coding == Coding::Plain && !matches!(framing, Framing::Length(_));
        if ends_with_connection {
            // Until it is whole, its end must not look like one.
            sys::reset_on_close(self.client, true)?;
        }
        let last = match download(origin, framing, self.client, coding, &mut kept, head) {
            Ok(last) => last,
            Err(Broken::Unsent) => {
                sys::reset_on_close(self.client, false)?;
                return Err(Fault::Unusable.into());
            }
            Err(Broken::Source) => return Err(Stop::End(End::Broken)),
            Err(Broken::Sink) => return Err(Stop::End(End::Gone)),
        };
        if let Some(body) = kept.whole() {
            let entry = Entry::new(response, body.into(), times);
            self.proxy.cache.insert(uri, &self.request.fields, entry);
        }
        let mut client = self.client;
        client.write_all(&last)?;
        if ends_with_connection {
            sys::reset_on_close(self.client, false)?;
        }
        match persists {
            true => Ok(()),
            false => Err(Stop::End(End::Closing)),
        }
        // ANCHOR_END: step1_pass_on
    }

    /// What an unsafe request has changed is stored no longer (RFC 9111 §4.4).
    fn invalidate(&self, uri: &str, response: &Response) {
        // ANCHOR: step10_invalidate_after
        // STARTER: // step 10: invalidate after
        if self.request.is_safe() || !(200..400).contains(&response.status) {
            return;
        }
        self.proxy.cache.invalidate(uri);
        for name in ["Location", "Content-Location"] {
            let reference = response.fields.get(name);
            if let Some(other) = reference.and_then(|it| self.target.same_origin(it)) {
                self.proxy.cache.invalidate(&other.uri());
            }
        }
        // ANCHOR_END: step10_invalidate_after
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
    // ANCHOR: step2_announce
    // STARTER: Ok(()) // step 2: announce
    let length = match framing {
        Framing::Length(0) => body::content_length(&response.fields, Repeated::Same)?,
        Framing::Length(length) => Some(length),
        Framing::Chunked | Framing::UntilClose => None,
    };
    response.fields.remove("Transfer-Encoding");
    match length {
        Some(length) if response.status != 204 => {
            response.fields.set("Content-Length", length.to_string());
        }
        _ => response.fields.remove("Content-Length"), // RFC 9110 §8.6: a 204 has none
    }
    Ok(())
    // ANCHOR_END: step2_announce
}

/// How a body that ends like this is sent on. Chunks are not for HTTP/1.0 (RFC 9112 §6.1): there the
/// end of the connection ends what has no length.
fn coding(framing: Framing, version: Version) -> Coding {
    // ANCHOR: step2_coding
    // STARTER: Coding::Plain // step 2: coding
    match (framing, version) {
        (Framing::Length(_), _) | (_, Version::Http10) => Coding::Plain,
        (Framing::Chunked | Framing::UntilClose, Version::Http11) => Coding::Chunked,
    }
    // ANCHOR_END: step2_coding
}

/// Says what the cache did (RFC 9211).
fn add_status(fields: &mut Fields, what: &str) {
    // ANCHOR: step11_add_status
    // STARTER: // step 11: add status
    fields.push("Cache-Status", format!("wirelab; {what}"));
    // ANCHOR_END: step11_add_status
}
