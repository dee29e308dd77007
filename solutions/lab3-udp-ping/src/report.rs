//! Given, not a step: the lines of the report, in the manner of iputils.
//!
//! Lines are collected and printed when there is time: between a request and its reply, and among
//! replies that wait in the kernel, printing would be measured as if the network were slow.

use std::io::{self, Write};
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::window::Reason;

/// So many lines a second at most about what is ignored: a flood of junk is no flood of lines.
const IGNORED_PER_SECOND: u32 = 10;

/// Replies and losses for `out`, and what is ignored for standard error.
#[derive(Debug)]
pub struct Report<W> {
    out: W,
    from: IpAddr,
    lines: String,
    ignored: Ignored,
}

impl<W: Write> Report<W> {
    /// A report on requests to that address, with its first line.
    pub fn new(out: W, host: &str, peer: SocketAddr, size: usize) -> Report<W> {
        let (from, port) = (peer.ip(), peer.port());
        Report {
            out,
            from,
            lines: format!("PING {host} ({from}) port {port}: {size} data bytes\n"),
            ignored: Ignored::default(),
        }
    }

    /// A reply of so many octets.
    pub fn reply(&mut self, length: usize, sequence: u16, rtt: Duration) {
        let line = self.timed(length, sequence, rtt);
        self.lines += &format!("{line}\n");
    }

    /// A valid reply to a request that was answered before.
    pub fn duplicate(&mut self, length: usize, sequence: u16, rtt: Duration) {
        let line = self.timed(length, sequence, rtt);
        self.lines += &format!("{line} (DUP!)\n");
    }

    fn timed(&self, length: usize, sequence: u16, rtt: Duration) -> String {
        let (from, ms) = (self.from, rtt.as_secs_f64() * 1e3);
        format!("{length} bytes from {from}: seq={sequence} time={ms:.3} ms")
    }

    /// A request that nobody answered in time.
    pub fn timeout(&mut self, sequence: u16) {
        self.lines += &format!("Request timeout for seq {sequence}\n");
    }

    /// A request that could not be delivered, or not even sent.
    pub fn undelivered(&mut self, sequence: u16, error: &io::Error) {
        let (from, why) = (self.from, cause(error));
        self.lines += &format!("From {from}: seq={sequence} {why}\n");
    }

    /// A datagram that does not count.
    pub fn ignored(&mut self, reason: &Reason, at: Instant) {
        self.ignored.add(reason, at);
    }

    /// The text at the end, and whatever was not said yet.
    pub fn end(mut self, summary: &str) -> io::Result<()> {
        self.lines += summary;
        self.ignored.summarize();
        self.print()
    }

    /// Prints what has come together. That nobody reads standard error is no error.
    pub fn print(&mut self) -> io::Result<()> {
        if !self.ignored.lines.is_empty() {
            let _ = io::stderr().write_all(mem::take(&mut self.ignored.lines).as_bytes());
        }
        if !self.lines.is_empty() {
            self.out.write_all(self.lines.as_bytes())?;
            self.out.flush()?;
            self.lines.clear();
        }
        Ok(())
    }
}

/// An error in the words of ping, where it has its own, otherwise in the system's.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "Destination Port Unreachable".into(),
        io::ErrorKind::HostUnreachable => "Destination Host Unreachable".into(),
        io::ErrorKind::NetworkUnreachable => "Destination Net Unreachable".into(),
        _ => error.to_string(),
    }
}

/// Complaints, of which only so many are made each second.
#[derive(Debug, Default)]
struct Ignored {
    lines: String,
    second: Option<Instant>,
    said: u32,
    unsaid: u64,
}

impl Ignored {
    fn add(&mut self, reason: &Reason, at: Instant) {
        let is_over = |start| at.saturating_duration_since(start) >= Duration::from_secs(1);
        if self.second.is_none_or(is_over) {
            self.summarize();
            self.second = Some(at);
            self.said = 0;
        }
        if self.said == IGNORED_PER_SECOND {
            self.unsaid += 1;
            return;
        }
        self.said += 1;
        self.lines += &format!("ping: ignored a datagram: {reason}\n");
    }

    /// Says how many there were of which nothing else was said.
    fn summarize(&mut self) {
        let unsaid = mem::take(&mut self.unsaid);
        if unsaid > 0 {
            self.lines += &format!("ping: ignored {unsaid} more\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report<Vec<u8>> {
        Report::new(Vec::new(), "localhost", ([127, 0, 0, 1], 12000).into(), 56)
    }

    #[test]
    fn the_lines_are_those_of_the_contract() {
        let mut report = report();
        let (micro, refused) = (
            Duration::from_micros(1),
            io::ErrorKind::ConnectionRefused.into(),
        );
        report.reply(64, 1, 45 * micro);
        report.timeout(2);
        report.reply(64, 3, 51 * micro);
        report.duplicate(64, 3, 62 * micro);
        report.undelivered(4, &refused);
        report.print().unwrap();
        assert_eq!(
            String::from_utf8(report.out).unwrap(),
            "PING localhost (127.0.0.1) port 12000: 56 data bytes\n\
             64 bytes from 127.0.0.1: seq=1 time=0.045 ms\n\
             Request timeout for seq 2\n\
             64 bytes from 127.0.0.1: seq=3 time=0.051 ms\n\
             64 bytes from 127.0.0.1: seq=3 time=0.062 ms (DUP!)\n\
             From 127.0.0.1: seq=4 Destination Port Unreachable\n"
        );
    }

    #[test]
    fn an_error_without_a_name_of_its_own_has_the_systems() {
        let mut report = report();
        report.undelivered(1, &io::Error::from_raw_os_error(nix::libc::EMSGSIZE));
        assert!(
            report.lines.contains("seq=1 Message too long"),
            "{}",
            report.lines
        );
    }

    #[test]
    fn a_flood_of_junk_is_no_flood_of_lines() {
        let mut report = report();
        let start = Instant::now();
        for ms in 0..2500 {
            report.ignored(&Reason::Checksum, start + Duration::from_millis(ms));
        }
        report.ignored.summarize();
        let lines: Vec<&str> = report.ignored.lines.lines().collect();
        assert_eq!(lines.len(), 33);
        assert_eq!(lines[0], "ping: ignored a datagram: its checksum is wrong");
        assert_eq!(lines[10], "ping: ignored 990 more");
        assert_eq!(lines[32], "ping: ignored 490 more");
    }
}
