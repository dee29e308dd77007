//! One request, and its answer: from the cache, from the origin, or from both.
//!
//! ```text
//!           ┌─ fresh ───────────────────────────────────────────▶ stored response
//! cache ────┼─ stale ──▶ origin, "if it has changed" ──┬─ 304 ──▶ stored response, freshened
//!           └─ nothing ▶ origin ───────────────────────┴─ else ─▶ passed on, maybe stored
//! ```

use std::io::{self, IoSlice, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use crate::cache::range::{self, Part};
use crate::cache::{Answer, Entry, Times, Why, storing, validation};
use crate::connection::End;
use crate::http::body::{self, Coding, Framing, Repeated};
use crate::http::{Fields, Request, Response, Status, Target, Version, date, hop};
use crate::incoming::Incoming;
use crate::origin::{self, Answering, Fault};
use crate::server::Proxy;
use crate::sys;
use crate::transfer::{Broken, Copy, Upload, download};

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

/// What an origin says about a stored response that is still right, and when.
type News = Option<(Response, Times)>;

impl Exchange<'_> {
    /// Answers the request: `Ok` if another one may follow.
    pub fn run(&self, incoming: &mut Incoming) -> Result<(), End> {
        let uri = self.target.uri();
        let answer = match self.framing {
            Framing::Length(0) => {
                let now = SystemTime::now();
                self.proxy.cache.answer(&self.request, &uri, now)
            }
            _ => Answer::Forward(Why::Bypass),
        };
        match answer {
            Answer::Fresh(entry) => self.send_stored(&entry, "hit"),
            Answer::Stale(entry) => self.validate(incoming, &uri, &entry),
            Answer::Forward(why) => self.forward(incoming, &uri, None, why).map(drop),
            Answer::Nothing => self.send_own(Status::GatewayTimeout, self.persists),
        }
    }

    /// Asks the origin whether a stored response is still right, and answers accordingly.
    fn validate(&self, incoming: &mut Incoming, uri: &str, entry: &Arc<Entry>) -> Result<(), End> {
        // ANCHOR: step8_validate
        let Some((news, times)) = self.forward(incoming, uri, Some(entry), Why::Stale)? else {
            return Ok(());
        };
        if !validation::is_about(entry, &news) {
            return self.forward(incoming, uri, None, Why::Stale).map(drop);
        }
        let fresh = validation::freshened(entry, &news, times);
        if storing::may_store(&self.request, &fresh.response, times.received) {
            let fields = &self.request.fields;
            self.proxy.cache.replace(uri, fields, entry, fresh.clone());
        }
        self.send_stored(&fresh, "fwd=stale; fwd-status=304")
        // ANCHOR_END: step8_validate
    }

    /// Sends the request to the origin, and the answer to the client. If something is stored, asks
    /// about that, and does not pass on that it is still right, but returns it.
    fn forward(
        &self,
        incoming: &mut Incoming,
        uri: &str,
        stored: Option<&Arc<Entry>>,
        why: Why,
    ) -> Result<News, End> {
        // ANCHOR: step1_forward
        let has_body = self.framing != Framing::Length(0);
        let upload = match has_body {
            true => Upload::expected(),
            false => Upload::none(),
        };
        let asked = SystemTime::now();
        let stream = match origin::connect(&self.target.authority, self.proxy.timeout) {
            Ok(stream) => stream,
            Err(fault) => return self.give_up(fault, &upload).map(|()| None),
        };
        let mut head = Vec::new();
        self.outgoing(stored).write(&mut head);
        // An origin that does not take it may have said why before it closed.
        let _ = (&stream).write_all(&head);

        thread::scope(|threads| {
            if has_body {
                threads.spawn(|| upload.run(incoming, self.framing, &stream));
            }
            let mut origin = Answering::new(&stream, &upload, self.proxy.timeout);
            let passed = self.final_head(&mut origin).and_then(|response| {
                let received = SystemTime::now();
                let times = Times { asked, received };
                let is_news = stored.is_some() && response.status == 304;
                let response = self.for_the_client(response, received)?;
                match is_news {
                    true => Ok(Some((response.0, times))),
                    false => self.pass_on(&mut origin, &upload, uri, response, times, why),
                }
            });
            drop(origin);
            let passed = match passed {
                Ok(news) => Ok(news),
                Err(Stop::Fault(fault)) => self.give_up(fault, &upload).map(|()| None),
                Err(Stop::End(end)) => Err(end),
            };
            upload.dismiss(self.client);
            passed
        })
        // ANCHOR_END: step1_forward
    }

    /// The request as the origin gets it.
    fn outgoing(&self, stored: Option<&Arc<Entry>>) -> Request {
        // ANCHOR: step1_outgoing
        let mut request = self.request.clone();
        request.target = self.target.path.clone();
        request.fields.set("Host", &*self.target.authority.text); // RFC 9112 §3.2.2
        if let Some(entry) = stored {
            validation::ask_for(entry, &mut request.fields);
        }
        hop::add_via(&mut request.fields, request.version, &self.proxy.pseudonym);
        match self.framing {
            Framing::Length(0) | Framing::UntilClose => {}
            Framing::Length(length) => request.fields.set("Content-Length", length.to_string()),
            Framing::Chunked => request.fields.push("Transfer-Encoding", "chunked"),
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
                    let mut out = Vec::new();
                    head.write(&mut out);
                    out.extend_from_slice(b"\r\n");
                    let mut client = self.client;
                    client.write_all(&out)?;
                }
                100..200 => {}
                _ => return Ok(head),
            }
        }
        Err(Fault::Unusable.into())
        // ANCHOR_END: step5_final_head
    }

    /// The response as it is passed on and stored, and how its body ends.
    fn for_the_client(
        &self,
        mut response: Response,
        received: SystemTime,
    ) -> Result<(Response, Framing), Fault> {
        // ANCHOR: step1_for_the_client
        let framing = body::of_response(&self.request.method, &response)?;
        let length = match framing {
            Framing::Length(0) => body::content_length(&response.fields, Repeated::Same)?,
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::UntilClose => None,
        };
        hop::strip(&mut response.fields);
        match length.filter(|_| response.status != 204) {
            Some(length) => response.fields.set("Content-Length", length.to_string()),
            None => response.fields.remove("Content-Length"),
        }
        if !response.fields.has("Date") {
            response.fields.push("Date", date::format(received)); // RFC 9110 §6.6.1
        }
        hop::add_via(
            &mut response.fields,
            response.version,
            &self.proxy.pseudonym,
        );
        Ok((response, framing))
        // ANCHOR_END: step1_for_the_client
    }

    /// Passes the origin's answer on, and stores it if that is allowed.
    fn pass_on(
        &self,
        origin: &mut Answering,
        upload: &Upload,
        uri: &str,
        (response, framing): (Response, Framing),
        times: Times,
        why: Why,
    ) -> Result<News, Stop> {
        // ANCHOR: step1_pass_on
        self.invalidate(uri, &response);
        let max = self.proxy.cache.max_object;
        let is_small = !matches!(framing, Framing::Length(length) if length > max);
        let is_stored = why != Why::Bypass
            && is_small
            && storing::may_store(&self.request, &response, times.received);
        let mut copy = match is_stored {
            true => Copy::up_to(max),
            false => Copy::nothing(),
        };
        let (coding, ends_with_connection) = match (framing, self.request.version) {
            (Framing::Length(_), _) => (Coding::Plain, false),
            (_, Version::Http11) => (Coding::Chunked, false),
            (_, Version::Http10) => (Coding::Plain, true),
        };
        let persists = self.persists && upload.is_read() && !self.proxy.is_stopping();
        let mut more = Fields::default();
        if coding == Coding::Chunked {
            more.push("Transfer-Encoding", "chunked");
        }
        self.add_status(&mut more, why.word());
        let out = head(&response, more, persists);
        if ends_with_connection {
            // Until it is whole, its end must not look like one.
            sys::reset_on_close(self.client, true)?;
        }
        let sent = download(origin, framing, self.client, coding, &mut copy, out);
        let last = sent.map_err(|broken| {
            Stop::End(match broken {
                Broken::Source => End::Broken,
                Broken::Sink => End::Gone,
            })
        })?;
        if let Some(body) = copy.whole() {
            let entry = Entry::new(response, body.into(), times);
            self.proxy.cache.insert(uri, &self.request.fields, entry);
        }
        let mut client = self.client;
        client.write_all(&last)?;
        if ends_with_connection {
            sys::reset_on_close(self.client, false)?;
        }
        match persists {
            true => Ok(None),
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

    /// Answers with what is stored: all of it, a part, or that the client has it already.
    fn send_stored(&self, entry: &Entry, status: &str) -> Result<(), End> {
        // ANCHOR: step7_send_stored
        let mut more = Fields::default();
        more.push("Age", entry.age(SystemTime::now()).as_secs().to_string());
        self.add_status(&mut more, status);
        if validation::client_has(entry, &self.request) {
            return self.send(&validation::not_modified(entry), more, b"");
        }
        let length = entry.body.len();
        let mut response = entry.response.clone();
        let body = match range::part(entry, &self.request) {
            Part::Whole => &entry.body[..],
            Part::Octets(range) => {
                let (first, last) = (range.start, range.end - 1);
                response = Response::new(Status::PartialContent, response.fields);
                more.push("Content-Range", format!("bytes {first}-{last}/{length}"));
                response
                    .fields
                    .set("Content-Length", range.len().to_string());
                &entry.body[range]
            }
            Part::Nothing => {
                let fields = [("Content-Length", "0")].into();
                response = Response::new(Status::RangeNotSatisfiable, fields);
                more.push("Content-Range", format!("bytes */{length}"));
                b""
            }
        };
        self.send(&response, more, body)
        // ANCHOR_END: step7_send_stored
    }

    /// Answers with a page that says what went wrong here.
    pub fn send_own(&self, status: Status, persists: bool) -> Result<(), End> {
        let page = own(status);
        let mut out = head(
            &page,
            Fields::default(),
            persists && !self.proxy.is_stopping(),
        );
        if self.request.method != "HEAD" {
            out.extend_from_slice(page.reason.as_bytes());
        }
        let mut client = self.client;
        client.write_all(&out)?;
        match persists {
            true => Ok(()),
            false => Err(End::Closing),
        }
    }

    /// Tells the client that there is no answer.
    fn give_up(&self, fault: Fault, upload: &Upload) -> Result<(), End> {
        self.send_own(fault.status(), self.persists && upload.is_read())
    }

    /// Sends head and body in one piece: two small ones would wait for each other (Nagle's algorithm
    /// and the other side's delayed acknowledgement).
    fn send(&self, response: &Response, more: Fields, body: &[u8]) -> Result<(), End> {
        // ANCHOR: step7_send
        let persists = self.persists && !self.proxy.is_stopping();
        let head = head(response, more, persists);
        let body = match &*self.request.method {
            "HEAD" => b"",
            _ => body,
        };
        write_both(self.client, &head, body)?;
        match persists {
            true => Ok(()),
            false => Err(End::Closing),
        }
        // ANCHOR_END: step7_send
    }

    /// Says what the cache did (RFC 9211).
    fn add_status(&self, fields: &mut Fields, what: &str) {
        // ANCHOR: step11_add_status
        // STARTER: // step 11: add status
        fields.push("Cache-Status", format!("wirelab; {what}"));
        // ANCHOR_END: step11_add_status
    }
}

/// A response of the proxy's own; its body is its reason.
pub fn own(status: Status) -> Response {
    let mut fields = Fields::default();
    fields.push("Date", date::format(SystemTime::now()));
    fields.push("Content-Type", "text/plain");
    fields.push("Content-Length", status.reason().len().to_string());
    Response::new(status, fields)
}

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

fn write_both(mut stream: &TcpStream, head: &[u8], body: &[u8]) -> io::Result<()> {
    // ANCHOR: step7_write_both
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
    // ANCHOR_END: step7_write_both
}
