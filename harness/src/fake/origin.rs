//! An origin server that follows a script: `Origin::builder().answer([…]).start(&scene)?`.
//!
//! Each request, on whatever connection, gets the next script; the last one serves all that follow, until
//! [`Origin::now`] gives another. A script says what goes on the wire to the octet and in which pieces, what is waited
//! for in between, and how the connection ends. What the program under test sent is kept as it came and parsed by the
//! judge's strict parser.
//!
//! On drop the origin ends.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::accepting::{Accepting, Stop};
use super::latch::Latch;
use crate::client::syntax_failure;
use crate::deadline::Deadline;
use crate::scene::Scene;
use crate::stream::{Arrival, Sent, Stream};
use crate::verdict::{Failure, Fault, Verdict};
use crate::wire::http::Fields;
use crate::wire::http::message::{Progress, Request, read_request};

/// One act of the origin on a connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes in one piece.
    Send(Vec<u8>),
    /// Writes in the pieces that end at these offsets, each read by the peer before the next is sent.
    Pieces(Vec<u8>, Vec<usize>),
    /// Sends FIN, then reads until the peer closes.
    Close,
    /// Sends RST.
    Reset,
    /// Keeps the connection open and silent until the peer closes it. Without it, and without an end, the
    /// connection waits for the next request, or is closed where the request has asked for that.
    Hold,
    /// Waits until the latch is open.
    Await(Latch),
    /// Writes the same octets so often.
    Repeat(Vec<u8>, usize),
    /// The first acts where the request has one of these fields, else the others.
    IfAsked(&'static [&'static str], Vec<Act>, Vec<Act>),
}

/// What came in on one connection for one script.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub octets: Vec<u8>,
    /// `Err`: what the strict parser says, or that the connection ended first.
    pub request: Result<Request, Failure>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Builder {
    scripts: Vec<Vec<Act>>,
}

impl Builder {
    /// Adds the script for the next request.
    pub fn answer(mut self, script: impl IntoIterator<Item = Act>) -> Self {
        self.scripts.push(script.into_iter().collect());
        self
    }

    pub fn start(self, scene: &Scene) -> Verdict<Origin> {
        let broken = |error: io::Error| Fault::Broken(format!("could not start an origin server: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(broken)?;
        let book = Book { scripts: self.scripts.into_iter().map(Arc::from).collect(), ..Book::default() };
        let shared = Arc::new(Shared { book: Mutex::new(book), ..Shared::default() });
        let serve = {
            let (shared, scene) = (Arc::clone(&shared), scene.clone());
            move |socket| shared.accept(socket, &scene)
        };
        let accepting = Accepting::start(listener, shared.stop.clone(), serve).map_err(broken)?;
        Ok(Origin { shared, accepting })
    }
}

/// A running origin.
#[derive(Debug)]
pub struct Origin {
    shared: Arc<Shared>,
    accepting: Accepting,
}

#[derive(Debug, Default)]
struct Shared {
    stop: Stop,
    book: Mutex<Book>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Book {
    /// The first is the next; the last one stays.
    scripts: VecDeque<Arc<[Act]>>,
    exchanges: Vec<Exchange>,
    connections: usize,
    /// That have come, of requests and behind them.
    octets: usize,
    /// What came behind the last request of a connection.
    strays: Vec<u8>,
}

impl Origin {
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub fn addr(&self) -> SocketAddr {
        self.accepting.addr()
    }

    /// From now on every request gets this script.
    pub fn now(&self, script: impl IntoIterator<Item = Act>) {
        self.shared.lock().scripts = VecDeque::from([script.into_iter().collect()]);
    }

    /// How many requests have come so far.
    pub fn asked(&self) -> usize {
        self.shared.lock().exchanges.len()
    }

    /// `host:port`, as in a target or a Host field.
    pub fn authority(&self) -> String {
        self.addr().to_string()
    }

    /// The absolute-form target for a path (RFC 9112 §3.2.2).
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr())
    }

    /// Every request so far, in the order of arrival.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.lock().exchanges.clone()
    }

    /// Whether so many octets of requests have come by then.
    pub fn has_come(&self, octets: usize, deadline: Deadline) -> bool {
        let book = self.shared.lock();
        let (book, _) = self
            .shared
            .changed
            .wait_timeout_while(book, deadline.remaining(), |book| book.octets < octets)
            .unwrap_or_else(PoisonError::into_inner);
        book.octets >= octets
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// Ends it once all that has been sent to it is read. Returns every request, and what came behind the last one of
    /// a connection.
    pub fn finish(self) -> Verdict<(Vec<Exchange>, Vec<u8>)> {
        let ended = self.accepting.finish();
        ended.map_err(|error| Fault::Broken(format!("could not end an origin server: {error}")))?;
        let mut book = self.shared.lock();
        Ok((std::mem::take(&mut book.exchanges), std::mem::take(&mut book.strays)))
    }

    /// The request at `index`, strictly parsed, as soon as it is there.
    pub fn request(&self, index: usize, deadline: Deadline) -> Verdict<Request> {
        let book = self.shared.lock();
        let (book, _) = self
            .shared
            .changed
            .wait_timeout_while(book, deadline.remaining(), |book| book.exchanges.len() <= index)
            .unwrap_or_else(PoisonError::into_inner);
        match book.exchanges.get(index) {
            Some(exchange) => exchange.request.clone().map_err(Fault::from),
            None => Err(Failure::new("a request", "none came").silent().into()),
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(&self, socket: TcpStream, scene: &Scene) {
        self.lock().connections += 1;
        if let Ok(stream) = Stream::over(scene, socket, "origin") {
            // What goes wrong here shows in what the program under test then does.
            let _ = self.serve(stream);
        }
    }

    /// One connection: requests, each with its script, until one of them ends it.
    fn serve(&self, mut stream: Stream) -> Verdict {
        let mut buffer = Vec::new();
        while let Some((exchange, used)) = self.read_request(&mut stream, &mut buffer)? {
            buffer.drain(..used);
            let asked = exchange.request.as_ref().ok().map(|it| (is_last(it), it.head.fields.clone()));
            let script = self.enter(exchange);
            // After what is no request nothing can be answered.
            let Some((is_last, fields)) = asked else { break };
            if self.play(&mut stream, &script, &fields)? == Then::Ended {
                break;
            }
            if is_last {
                self.lock().strays.append(&mut buffer);
                self.play(&mut stream, &[Act::Close], &fields)?;
                break;
            }
        }
        Ok(())
    }

    /// `None`: the peer ended the connection between requests, or the origin stops.
    fn read_request(&self, stream: &mut Stream, buffer: &mut Vec<u8>) -> Verdict<Option<(Exchange, usize)>> {
        let mut ended = None;
        loop {
            let exchange = |request| Exchange { octets: buffer.clone(), request };
            match read_request(buffer, ended.is_some()) {
                Ok(Progress::Complete(request)) => {
                    let used = request.consumed;
                    return Ok(Some((exchange(Ok(request)), used)));
                }
                Err(error) => {
                    let failure = match syntax_failure(buffer, &error) {
                        Fault::Failed(failure) => *failure,
                        Fault::Broken(why) | Fault::Skipped(why) => Failure::new("a request", why),
                    };
                    return Ok(Some((exchange(Err(failure)), buffer.len())));
                }
                Ok(Progress::NeedMore(missing) | Progress::Truncated(missing)) => {
                    if let Some(end) = ended {
                        if buffer.is_empty() {
                            return Ok(None);
                        }
                        let seen = format!("{} octets, then {end}: {missing}", buffer.len());
                        let failure = Failure::new("a whole request", seen);
                        return Ok(Some((exchange(Err(failure)), buffer.len())));
                    }
                }
            }
            match self.stop.receive(stream, buffer)? {
                Arrival::Octets(more) => {
                    self.lock().octets += more;
                    self.changed.notify_all();
                }
                Arrival::Fin => ended = Some("a FIN"),
                Arrival::Reset => ended = Some("a reset"),
                Arrival::Silence => ended = Some("silence"),
            }
        }
    }

    /// Notes an exchange and takes its script.
    fn enter(&self, exchange: Exchange) -> Arc<[Act]> {
        let mut book = self.lock();
        book.exchanges.push(exchange);
        self.changed.notify_all();
        let next =
            if book.scripts.len() > 1 { book.scripts.pop_front() } else { book.scripts.front().cloned() };
        next.unwrap_or_default()
    }

    fn play(&self, stream: &mut Stream, script: &[Act], asked: &Fields) -> Verdict<Then> {
        for act in script {
            let sent = match act {
                Act::Send(octets) => stream.send(octets)?,
                Act::Pieces(octets, cuts) => stream.send_pieces(octets, cuts)?,
                Act::Close => {
                    stream.half_close();
                    self.read_to_end(stream)?;
                    return Ok(Then::Ended);
                }
                Act::Hold => {
                    self.read_to_end(stream)?;
                    return Ok(Then::Ended);
                }
                Act::Reset => {
                    stream.reset_on_close()?;
                    return Ok(Then::Ended);
                }
                Act::Await(latch) => {
                    if !self.stop.wait_open(latch, stream.scene().deadline()) {
                        return Ok(Then::Ended);
                    }
                    Sent::All
                }
                Act::Repeat(octets, times) => {
                    let sent = (0..*times).try_fold(Sent::All, |_, _| match stream.send(octets) {
                        Ok(Sent::All) if !self.stop.is_set() => Ok(Sent::All),
                        other => Err(other),
                    });
                    sent.or_else(|ended| ended)?
                }
                Act::IfAsked(names, then, otherwise) => {
                    let script = if names.iter().any(|name| asked.has(name)) { then } else { otherwise };
                    if self.play(stream, script, asked)? == Then::Ended {
                        return Ok(Then::Ended);
                    }
                    Sent::All
                }
            };
            if sent == Sent::Refused {
                return Ok(Then::Ended);
            }
        }
        Ok(Then::NextRequest)
    }

    fn read_to_end(&self, stream: &mut Stream) -> Verdict {
        let mut strays = Vec::new();
        while let Arrival::Octets(_) = self.stop.receive(stream, &mut strays)? {}
        self.lock().strays.append(&mut strays);
        Ok(())
    }
}

/// Whether its sender takes no further response on this connection (RFC 9112 §9.3).
fn is_last(request: &Request) -> bool {
    let option = |option| request.head.fields.list_has("Connection", option);
    option("close") || request.head.version < (1, 1) && !option("keep-alive")
}

#[derive(PartialEq, Eq)]
enum Then {
    NextRequest,
    Ended,
}

#[cfg(test)]
mod tests;
