//! Where the clients of a thread pool are when there are more of them than workers.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use harness::check::{Lab, Role};
use harness::client::Conn;
use harness::sys;
use harness::verdict::{Fault, Verdict};

use super::svg::{Anchor, Drawing, Stroke};
use crate::commands::book::runs::Runs;

const WORKERS: usize = 3;
const CLIENTS: usize = 8;
const WIDTH: u32 = 340;

/// What a look at the server shows.
struct Seen {
    /// Threads that are called workers.
    workers: usize,
    /// Connections that the program has accepted.
    accepted: usize,
}

/// Lets clients connect that say nothing, and looks where they are.
pub fn draw(runs: &mut Runs) -> Result<String> {
    let (seen, _) = runs.scene(Lab::Lab1, "book.pool", |trial| {
        let root = trial.dir()?;
        let up = trial.start(Role::Server, |port| {
            let root = root.display().to_string();
            let words = ["--port", &port.to_string(), "--root", &root, "--workers", &WORKERS.to_string()];
            words.map(Into::into).to_vec()
        })?;
        let pid = up.running.pid();
        let before = sockets(pid)?;
        let clients =
            (0..CLIENTS).map(|_| Conn::open(trial.scene(), up.addr)).collect::<Verdict<Vec<_>>>()?;
        sys::quiet_within(pid, Duration::from_secs(5));
        let seen = Seen { workers: workers(pid)?, accepted: sockets(pid)? - before };
        drop(clients);
        Ok(seen)
    })?;
    drawn(&seen)
}

fn sockets(pid: i32) -> Verdict<usize> {
    Ok(sys::socket_inodes(pid).map_err(|error| Fault::Broken(error.to_string()))?.len())
}

fn workers(pid: i32) -> Verdict<usize> {
    let tasks =
        fs::read_dir(format!("/proc/{pid}/task")).map_err(|error| Fault::Broken(error.to_string()))?;
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    Ok(names.filter(|name| name.starts_with("worker")).count())
}

fn drawn(seen: &Seen) -> Result<String> {
    let Seen { workers, accepted } = *seen;
    // One is in the acceptor's hand, which waits until the queue has room.
    ensure!(
        workers > 0 && (workers + 2..CLIENTS).contains(&accepted),
        "{accepted} accepted by {workers} workers"
    );
    let queued = accepted - workers - 1;
    let rows =
        [("in the kernel", CLIENTS - accepted), ("acceptor", 1), ("queue", queued), ("workers", workers)];
    let spoken: Vec<String> = rows.iter().map(|(where_, count)| format!("{where_}: {count}")).collect();
    let title = format!("{CLIENTS} clients of a pool with {workers} workers");
    let mut drawing = Drawing::new(WIDTH, &title, &spoken.join(", "));
    let (mut y, mut client) = (6.0, CLIENTS);
    for (index, (place, count)) in rows.iter().enumerate() {
        if index > 0 {
            drawing.arrow(&[(200.0, y - 22.0), (200.0, y - 2.0)], Stroke::Plain);
        }
        drawing.text((4.0, y + 19.0), Anchor::Start, place);
        let width = 44.0 * *count as f32 + 8.0;
        let mut x = 200.0 - width / 2.0;
        drawing.framed((x, y), (width, 34.0), Stroke::Faint, "");
        for _ in 0..*count {
            drawing.framed((x + 6.0, y + 5.0), (40.0, 24.0), Stroke::Plain, &format!("{client}"));
            (x, client) = (x + 44.0, client - 1);
        }
        y += 58.0;
    }
    Ok(drawing.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_its_place() {
        let drawn = drawn(&Seen { workers: 3, accepted: 7 }).expect("places for all");
        for client in 1..=CLIENTS {
            assert!(drawn.contains(&format!(">{client}<")), "{client}");
        }
    }

    #[test]
    fn a_server_that_takes_all_is_no_pool() {
        assert!(drawn(&Seen { workers: 3, accepted: 8 }).is_err());
    }
}
