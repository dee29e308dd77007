//! Many clients at once: their files, and clients that stop in the middle of a request.

use std::io;
use std::path::Path;

use super::serve::Server;
use super::site::{File, make_dir, prose, word};
use crate::client::{Conn, expect_status};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, ensure};
use crate::wire::http::message::Response;

/// Small files, no two alike, so that an answer shows whose it is.
pub struct Crowd(Vec<File>);

const FILES: usize = 8;

impl Crowd {
    pub fn make(root: &Path, rng: &mut fastrand::Rng) -> io::Result<Crowd> {
        let folder = word(rng);
        make_dir(&root.join(&folder))?;
        let files = (0..FILES).map(|at| {
            // The line counts do not overlap, and so the lengths differ.
            let body = prose(rng, 4 + 10 * at..5 + 10 * at);
            File::make(root, &format!("{folder}/{}.txt", word(rng)), body)
        });
        Ok(Crowd(files.collect::<io::Result<_>>()?))
    }

    /// The client's own file, counted from 0; with more clients than files they begin again.
    pub fn file(&self, client: usize) -> &File {
        &self.0[client % FILES]
    }
}

/// A client that has sent half of the head of a GET, which ends with `Connection: close`.
pub struct Half {
    pub conn: Conn,
    pub file: File,
    rest: Vec<u8>,
}

impl Half {
    /// Connects and sends; whether anybody reads it is not waited for.
    pub fn send(server: &Server, client: usize) -> Verdict<Half> {
        let file = server.site.crowd.file(client).clone();
        let mut octets = server.get(&file.target).close().octets();
        let rest = octets.split_off(octets.len() / 2);
        let mut conn = server.connect()?;
        conn.send(octets)?;
        Ok(Half { conn, file, rest })
    }

    /// The same, and waits until the program has read it: from then on a worker or a process of the program
    /// is busy with this client.
    pub fn open(server: &Server, client: usize) -> Verdict<Half> {
        let half = Half::send(server, client)?;
        half.conn.wait_drained()?;
        Ok(half)
    }

    /// So many of them at once.
    pub fn open_all(server: &Server, clients: usize) -> Verdict<Vec<Half>> {
        let mut halves = Vec::with_capacity(clients);
        for client in 0..clients {
            let half = Half::open(server, client).explain(|failure| Failure {
                expected: format!(
                    "{clients} clients are served at the same time, each in the middle of its request"
                ),
                seen: match client {
                    0 => format!("nobody reads what the first one sends ({})", failure.seen),
                    _ => format!("{client} are, but nobody reads what the next one sends ({})", failure.seen),
                },
                notes: Vec::new(),
                ..failure
            });
            halves.push(half?);
        }
        Ok(halves)
    }

    /// Sends the rest.
    pub fn complete(&mut self) -> Verdict {
        self.conn.send(&self.rest)
    }

    /// The answer to the whole request; fails unless it is this client's file.
    pub fn answer(&mut self) -> Verdict {
        self.conn
            .response("GET")
            .and_then(|response| expect_file(&response, &self.file))
            .note("this client had sent its request in two halves, the second some time after the first")
    }

    /// Both.
    pub fn finish(mut self) -> Verdict {
        self.complete()?;
        self.answer()
    }
}

/// Fails unless the response is a 200 with the octets of `file`.
pub fn expect_file(response: &Response, file: &File) -> Verdict {
    expect_status(response, 200)?;
    ensure(
        response.body == file.body,
        format!("the {} octets of {}", file.body.len(), file.target),
        format!("{} octets, others than those of that file", response.body.len()),
    )
}

/// Asks again while the answer is 503, which a full queue may give.
pub fn ask_until_served(t: &Trial, server: &Server, file: &File) -> Verdict {
    loop {
        let response = server.ask(&server.get(&file.target).close())?;
        if response.head.status != 503 || t.deadline().passed() {
            return expect_file(&response, file);
        }
    }
}
