//! An origin server that follows a script: `Origin::builder().answer([…]).start(&scene)?`.
//!
//! Each request, on whatever connection, gets the next script; the last one serves all that follow. A script
//! says what goes on the wire to the octet and in which pieces, and how the connection ends. What the
//! program under test sent is kept as it came and parsed by the judge's strict parser.
//!
//! On drop the origin stops, wakes and joins its thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::client::syntax_failure;
use crate::deadline::Deadline;
use crate::scene::Scene;
use crate::stream::{Arrival, Sent, Stream};
use crate::verdict::{Failure, Fault, Verdict};
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
    /// connection waits for the next request.
    Hold,
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
        let addr = listener.local_addr().map_err(broken)?;
        let shared = Arc::new(Shared { scripts: self.scripts, ..Shared::default() });
        let thread = std::thread::spawn({
            let (shared, scene) = (Arc::clone(&shared), scene.clone());
            move || shared.listen(&listener, &scene)
        });
        Ok(Origin { addr, shared, thread: Some(thread) })
    }
}

/// A running origin.
#[derive(Debug)]
pub struct Origin {
    addr: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    scripts: Vec<Vec<Act>>,
    stop: AtomicBool,
    book: Mutex<Book>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Book {
    exchanges: Vec<Exchange>,
    connections: usize,
}

impl Origin {
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Every request so far, in the order of arrival.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.lock().exchanges.clone()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
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

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // A connection wakes the thread that waits in accept.
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed where it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, listener: &TcpListener, scene: &Scene) {
        std::thread::scope(|scope| {
            while let Ok((socket, _)) = listener.accept() {
                if self.stop.load(Ordering::SeqCst) {
                    break;
                }
                self.lock().connections += 1;
                let scene = scene.clone();
                scope.spawn(move || {
                    if let Ok(stream) = Stream::over(&scene, socket, "origin") {
                        // What goes wrong here shows in what the program under test then does.
                        let _ = self.serve(stream);
                    }
                });
            }
        });
    }

    /// One connection: requests, each with its script, until one of them ends it.
    fn serve(&self, mut stream: Stream) -> Verdict {
        let mut buffer = Vec::new();
        while let Some((exchange, used)) = self.read_request(&mut stream, &mut buffer)? {
            buffer.drain(..used);
            let well_formed = exchange.request.is_ok();
            let script = self.enter(exchange);
            if !well_formed || self.play(&mut stream, script)? == Then::Ended {
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
            match self.receive(stream, buffer)? {
                Arrival::Octets(_) => {}
                Arrival::Fin => ended = Some("a FIN"),
                Arrival::Reset => ended = Some("a reset"),
                Arrival::Silence => ended = Some("silence"),
            }
        }
    }

    /// Waits in slices, so that a stop is noticed.
    fn receive(&self, stream: &mut Stream, into: &mut Vec<u8>) -> Verdict<Arrival> {
        const SLICE: std::time::Duration = std::time::Duration::from_millis(20);
        loop {
            // Anew each time: the check may have restarted its clock.
            let deadline = stream.scene().deadline();
            let arrival = stream.receive(into, deadline.earlier(SLICE))?;
            if arrival != Arrival::Silence || deadline.passed() || self.stop.load(Ordering::SeqCst) {
                return Ok(arrival);
            }
        }
    }

    /// Notes an exchange and takes its script.
    fn enter(&self, exchange: Exchange) -> &[Act] {
        let mut book = self.lock();
        let index = book.exchanges.len().min(self.scripts.len().saturating_sub(1));
        book.exchanges.push(exchange);
        self.changed.notify_all();
        self.scripts.get(index).map_or(&[], Vec::as_slice)
    }

    fn play(&self, stream: &mut Stream, script: &[Act]) -> Verdict<Then> {
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
            };
            if sent == Sent::Refused {
                return Ok(Then::Ended);
            }
        }
        Ok(Then::NextRequest)
    }

    fn read_to_end(&self, stream: &mut Stream) -> Verdict {
        while let Arrival::Octets(_) = self.receive(stream, &mut Vec::new())? {}
        Ok(())
    }
}

#[derive(PartialEq, Eq)]
enum Then {
    NextRequest,
    Ended,
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::Shutdown;
    use std::time::{Duration, Instant};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);
    const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

    fn origin(scripts: impl IntoIterator<Item = Vec<Act>>) -> Origin {
        let scene = Scene::new(PATIENCE);
        scripts.into_iter().fold(Origin::builder(), Builder::answer).start(&scene).unwrap()
    }

    fn send(text: &str) -> Act {
        Act::Send(text.into())
    }

    fn connect(origin: &Origin) -> TcpStream {
        let socket = TcpStream::connect(origin.addr()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// A connection on which one request has been sent.
    fn ask(origin: &Origin) -> TcpStream {
        let mut socket = connect(origin);
        socket.write_all(REQUEST).unwrap();
        socket
    }

    fn read(socket: &mut TcpStream, octets: usize) -> String {
        let mut read = vec![0; octets];
        socket.read_exact(&mut read).unwrap();
        String::from_utf8(read).unwrap()
    }

    #[test]
    fn each_request_gets_the_next_script_and_the_last_one_serves_on() {
        let origin = origin([vec![send("first")], vec![send("sec"), send("ond")]]);
        let mut socket = ask(&origin);
        assert_eq!(read(&mut socket, 5), "first");
        for _ in 0..2 {
            socket.write_all(REQUEST).unwrap();
            assert_eq!(read(&mut socket, 6), "second");
        }
        assert_eq!(read(&mut ask(&origin), 6), "second");
        assert_eq!((origin.connections(), origin.exchanges().len()), (2, 4));
    }

    #[test]
    fn pipelined_requests_are_answered_in_order() {
        let origin = origin([vec![send("1")], vec![send("2")], vec![send("3"), Act::Close]]);
        let mut socket = connect(&origin);
        socket.write_all(&REQUEST.repeat(3)).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "123");
    }

    #[test]
    fn requests_are_kept_as_they_came_and_parsed() {
        let origin = origin([vec![send("x")]]);
        let mut socket = connect(&origin);
        let sent = b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";
        socket.write_all(sent).unwrap();
        let request = origin.request(0, Deadline::after(PATIENCE)).unwrap();
        assert_eq!((request.head.method.as_str(), request.body.as_slice()), ("POST", &b"hi"[..]));
        assert_eq!(origin.exchanges()[0].octets, sent);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn pieces_are_each_read_before_the_next_is_sent() {
        let origin = origin([vec![Act::Pieces(b"abcdef".to_vec(), vec![1, 3]), Act::Close]]);
        let mut socket = ask(&origin);
        let mut block = [0; 64];
        let reads: Vec<usize> =
            std::iter::from_fn(|| socket.read(&mut block).ok().filter(|&octets| octets > 0)).collect();
        assert_eq!(reads, [1, 2, 3]);
    }

    #[test]
    fn a_close_and_a_reset_are_told_apart() {
        let closing = origin([vec![send("x"), Act::Close]]);
        let mut socket = ask(&closing);
        assert_eq!(read(&mut socket, 1), "x");
        assert_eq!(socket.read(&mut [0]).unwrap(), 0);

        let resetting = origin([vec![Act::Reset]]);
        let error = ask(&resetting).read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }

    #[test]
    fn a_held_connection_stays_open_until_the_peer_closes_it() {
        let origin = origin([vec![send("x"), Act::Hold]]);
        let mut socket = ask(&origin);
        assert_eq!(read(&mut socket, 1), "x");
        socket.write_all(REQUEST).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
        assert!(socket.read(&mut [0]).is_err(), "neither an answer nor a close");
        socket.shutdown(Shutdown::Write).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(socket.read(&mut [0]).unwrap(), 0);
        assert_eq!(origin.exchanges().len(), 1);
    }

    #[test]
    fn dropping_it_ends_open_connections_at_once() {
        let origin = origin([vec![Act::Hold]]);
        let (mut held, mut idle) = (ask(&origin), connect(&origin));
        origin.request(0, Deadline::after(PATIENCE)).unwrap();
        let began = Instant::now();
        drop(origin);
        assert!(began.elapsed() < Duration::from_secs(1), "took {:?}", began.elapsed());
        assert_eq!((held.read(&mut [0]).unwrap(), idle.read(&mut [0]).unwrap()), (0, 0));
    }

    #[test]
    fn a_bad_request_is_reported_with_the_octet_and_the_rule() {
        let origin = origin([vec![send("never")]]);
        let mut socket = connect(&origin);
        socket.write_all(b"GET /a HTTP/1.1\nHost: h\n\n").unwrap();
        let Err(Fault::Failed(failure)) = origin.request(0, Deadline::after(PATIENCE)) else {
            panic!("it is refused")
        };
        assert_eq!(failure.seen, "octet 15 breaks a rule");
        assert_eq!(failure.excerpt[0], "GET /a HTTP/1.1␊Host: h␊␊");
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert_eq!(answer, b"");
    }

    #[test]
    fn a_request_that_breaks_off_is_reported_with_what_is_missing() {
        let origin = origin([vec![send("never")]]);
        let mut socket = connect(&origin);
        socket.write_all(b"GET /a HTTP/1.1\r\nHost: h\r\n").unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let Err(Fault::Failed(failure)) = origin.request(0, Deadline::after(PATIENCE)) else {
            panic!("it is refused")
        };
        assert_eq!(
            failure.seen,
            "26 octets, then a FIN: the header section is not ended by an empty line yet"
        );
    }
}
