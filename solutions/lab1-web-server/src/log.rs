//! The access log on stdout, in the Common Log Format.
//!
//! A line is one `write`, no longer than what a pipe takes in one piece: lines of threads and
//! processes that write at the same time do not tear each other. What a client sent is escaped, so
//! that no request can forge a line or hide in one.

use std::fs::File;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::SystemTime;

use crate::http::date;

/// Octets that a pipe takes in one piece (POSIX has 512 at least; on Linux it is this).
const PIPE_BUF: usize = 4096;

/// A log. It writes past the lock and the buffer of [`io::stdout`].
#[derive(Debug)]
pub struct Log(File);

/// One answered request.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub client: IpAddr,
    pub when: SystemTime,
    /// The request line as it came, whatever it was.
    pub request: &'a str,
    pub status: u16,
    /// Octets of the body that were sent.
    pub octets: u64,
}

impl Log {
    /// A log on stdout.
    pub fn to_stdout() -> io::Result<Log> {
        Ok(Log::to(File::from(
            io::stdout().as_fd().try_clone_to_owned()?,
        )))
    }

    /// A log in a file.
    pub fn to(file: File) -> Log {
        Log(file)
    }

    /// Writes one line. A log that nobody reads any more stops no server.
    pub fn write(&self, entry: &Entry) {
        let _ = (&self.0).write_all(line(entry).as_bytes());
    }
}

/// Writes `client - - [day/month/year:time +0000] "request" status octets` and a line end.
fn line(entry: &Entry) -> String {
    // ANCHOR: step11_line
    // STARTER: String::new() // step 11: line
    let date = date::format(entry.when); // Sun, 06 Nov 1994 08:49:37 GMT
    let (day, month, year, time) = (&date[5..7], &date[8..11], &date[12..16], &date[17..25]);
    let client = entry.client;
    let mut end = format!("\" {} ", entry.status);
    match entry.octets {
        0 => end.push('-'),
        octets => end += &octets.to_string(),
    }
    end.push('\n');
    let mut line = String::with_capacity(64 + entry.request.len() + end.len());
    line += &format!("{client} - - [{day}/{month}/{year}:{time} +0000] \"");
    for octet in entry.request.bytes() {
        if line.len() + "\\x00".len() + end.len() > PIPE_BUF {
            break;
        }
        match octet {
            b'"' | b'\\' => line.extend(['\\', char::from(octet)]),
            b' '..=b'~' => line.push(char::from(octet)),
            _ => line += &format!("\\x{octet:02x}"),
        }
    }
    line + &end
    // ANCHOR_END: step11_line
}

#[cfg(test)]
mod step11 {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn logged(request: &str, octets: u64) -> String {
        line(&Entry {
            client: IpAddr::from([127, 0, 0, 1]),
            when: UNIX_EPOCH + Duration::from_secs(784_111_777),
            request,
            status: 200,
            octets,
        })
    }

    #[test]
    fn a_line_is_in_the_common_log_format() {
        assert_eq!(
            logged("GET /a?b HTTP/1.1", 12),
            "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a?b HTTP/1.1\" 200 12\n"
        );
        assert!(logged("GET / HTTP/1.1", 0).ends_with("\" 200 -\n"));
    }

    #[test]
    fn a_request_can_neither_end_the_line_nor_leave_its_quotes() {
        let line = logged("a\"b\\c\r\nd\u{7f}\u{e9}", 0);
        assert!(
            line.contains("\"a\\\"b\\\\c\\x0d\\x0ad\\x7f\\xc3\\xa9\""),
            "{line}"
        );
    }

    #[test]
    fn a_line_fits_into_a_pipe_in_one_piece() {
        let line = logged(&"\"".repeat(10_000), 12);
        assert!(line.len() <= PIPE_BUF && line.ends_with("\\\"\" 200 12\n"));
    }
}
