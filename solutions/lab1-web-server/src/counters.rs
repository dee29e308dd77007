//! What the server counts, for `GET /server-status?auto`.
//!
//! The numbers lie in memory that forked children share, and are atomic: each is right whoever
//! counts, a thread or a process, and no lock can be left behind by one that is killed.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::http::{Body, Response, Status};
use crate::sys;

/// The counters of a running server.
#[derive(Debug, Clone, Copy)]
pub struct Counters {
    connections: &'static AtomicU64,
    answers: &'static AtomicU64,
}

impl Counters {
    pub fn new() -> io::Result<Counters> {
        let [connections, answers] = sys::shared_counters()?;
        Ok(Counters {
            connections,
            answers,
        })
    }

    /// A connection has been accepted.
    pub fn opened(&self) {
        // ANCHOR: step11_opened
        // STARTER: // step 11: opened
        self.connections.fetch_add(1, Relaxed);
        // ANCHOR_END: step11_opened
    }

    /// A connection has been closed, or whoever served it is no more.
    pub fn closed(&self) {
        // ANCHOR: step11_closed
        // STARTER: // step 11: closed
        self.connections.fetch_sub(1, Relaxed);
        // ANCHOR_END: step11_closed
    }

    /// A request is being answered.
    pub fn answered(&self) {
        // ANCHOR: step11_answered
        // STARTER: // step 11: answered
        self.answers.fetch_add(1, Relaxed);
        // ANCHOR_END: step11_answered
    }

    /// The status page: the connections open now, and the requests answered before this one.
    pub fn page(&self) -> Response {
        // ANCHOR: step11_page
        let connections = self.connections.load(Relaxed);
        let answers = self.answers.load(Relaxed);
        let page = format!("Total Accesses: {answers}\nConnsTotal: {connections}\n");
        Response::new(Status::Ok)
            .with("Cache-Control", "no-store")
            .with_body("text/plain", Body::Octets(page.into_bytes()))
        // ANCHOR_END: step11_page
    }
}

#[cfg(test)]
mod step11 {
    use super::*;

    #[test]
    fn the_page_tells_what_was_counted() {
        let counters = Counters::new().unwrap();
        for _ in 0..3 {
            counters.opened();
            counters.answered();
        }
        counters.closed();
        let Body::Octets(page) = counters.page().body else {
            panic!("a page is octets");
        };
        assert_eq!(page, b"Total Accesses: 3\nConnsTotal: 2\n");
    }
}
