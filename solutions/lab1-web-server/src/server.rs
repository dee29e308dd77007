//! What all connections share, and the socket on which they arrive.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::counters::Counters;
use crate::http::{Method, Request, Response, Status};
use crate::log::Log;
use crate::resource;
use crate::sys::Root;
use crate::{fork, pool};

/// How long a stop waits for the exchanges in flight; after that they are cut off.
pub const GRACE: Duration = Duration::from_secs(4);

/// How many connections are served at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Model {
    /// A fixed number of threads
    Pool,
    /// A process for each connection
    Fork,
}

/// What all connections share.
pub struct Server {
    pub root: Root,
    pub counters: Counters,
    pub log: Log,
    /// How long a client may be idle, and how long it may take to send the head of a request.
    pub timeout: Duration,
}

impl Server {
    /// A server of the files under a directory.
    pub fn new(root: &Path, log: Log, timeout: Duration) -> io::Result<Server> {
        let (root, counters) = (Root::new(root)?, Counters::new()?);
        Ok(Server {
            root,
            counters,
            log,
            timeout,
        })
    }

    /// Answers a request: with a page of the server's own, something under the root, or an error.
    pub fn respond(&self, request: &Request, now: SystemTime) -> Response {
        let response = match request.method {
            Method::Get | Method::Head if is_status(&request.target) => self.counters.page(),
            Method::Get | Method::Head => {
                resource::find(&self.root, request, now).unwrap_or_else(Response::error)
            }
            Method::Refused => Response::error(Status::MethodNotAllowed),
            Method::Unknown => Response::error(Status::NotImplemented),
        };
        match request.method {
            Method::Head => response.without_body(),
            _ => response,
        }
    }
}

/// Is this the server's own page, in origin-form or absolute-form?
fn is_status(target: &str) -> bool {
    target.ends_with("/server-status?auto")
        && resource::target::resolve(target).is_ok_and(|target| target.path == b"server-status")
}

/// Binds a socket to listen on. The standard library sets `SO_REUSEADDR`: old connections of a
/// server that was just stopped do not keep a new one from the port.
pub fn bind(host: &str, port: u16) -> io::Result<TcpListener> {
    // ANCHOR: step1_bind
    TcpListener::bind((host, port))
    // ANCHOR_END: step1_bind
}

/// Serves connections until a signal stops it.
pub fn run(listener: TcpListener, server: Server, model: Model, workers: usize) -> io::Result<()> {
    match model {
        Model::Pool => {
            // ANCHOR: step9_pool
            // STARTER: // Until step 9, when `pool::run` takes over, one connection after the other.
            // STARTER: for stream in listener.incoming().flatten() {
            // STARTER:     crate::connection::serve_or_survive(&stream, &server);
            // STARTER: }
            // STARTER: Ok(())
            pool::run(listener, Arc::new(server), workers)
            // ANCHOR_END: step9_pool
        }
        Model::Fork => fork::run(listener, &server),
    }
}

#[cfg(test)]
mod step1 {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_bound_socket_takes_connections() {
        let listener = bind("127.0.0.1", 0).unwrap();
        assert!(TcpStream::connect(listener.local_addr().unwrap()).is_ok());
        let taken = bind("127.0.0.1", listener.local_addr().unwrap().port());
        assert_eq!(
            taken.err().map(|error| error.kind()),
            Some(io::ErrorKind::AddrInUse)
        );
    }
}
