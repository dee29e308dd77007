//! An origin's response, exact to the octet, and the script that sends it.

use std::time::{Duration, SystemTime};

use crate::fake::origin::Act;

/// Built up piece by piece. Without more it is `HTTP/1.1 200 OK` with `Date`, `Content-Length: 0` and no validator.
#[derive(Clone, Debug)]
pub struct Reply {
    version: &'static str,
    status: u16,
    date: bool,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    framing: Framing,
}

/// How the end of the body is told.
#[derive(Clone, Debug)]
enum Framing {
    Length,
    /// In chunks that end at these offsets.
    Chunked(Vec<usize>),
    Close,
    /// The caller's fields say it, or there is no body.
    Own,
}

impl Reply {
    pub fn new(status: u16) -> Self {
        let (fields, body) = (Vec::new(), Vec::new());
        Reply { version: "HTTP/1.1", status, date: true, fields, body, framing: Framing::Length }
    }

    /// 200 with this body.
    pub fn ok(body: impl AsRef<[u8]>) -> Self {
        Reply::new(200).body(body)
    }

    /// 304 without a body.
    pub fn not_modified() -> Self {
        Reply { framing: Framing::Own, ..Reply::new(304) }
    }

    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        Reply { body: body.as_ref().to_vec(), ..self }
    }

    /// One more field line.
    pub fn field(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// Fresh for so many seconds.
    pub fn max_age(self, seconds: u64) -> Self {
        self.field("Cache-Control", format!("max-age={seconds}"))
    }

    pub fn without_date(self) -> Self {
        Reply { date: false, ..self }
    }

    pub fn http_1_0(self) -> Self {
        Reply { version: "HTTP/1.0", ..self }
    }

    /// With `Transfer-Encoding: chunked`, in chunks that end at these offsets and at the end.
    pub fn chunked(self, cuts: &[usize]) -> Self {
        Reply { framing: Framing::Chunked(cuts.to_vec()), ..self }
    }

    /// The body ends with the connection.
    pub fn close_delimited(self) -> Self {
        Reply { framing: Framing::Close, ..self }
    }

    /// The body as it is, and no field but the caller's says how long it is.
    pub fn own_framing(self) -> Self {
        Reply { framing: Framing::Own, ..self }
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    /// Up to the empty line.
    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} {}\r\n", self.version, self.status, reason(self.status));
        let mut line = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
        if self.date {
            line("Date", &date(0));
        }
        self.fields.iter().for_each(|(name, value)| line(name, value));
        match &self.framing {
            Framing::Length => line("Content-Length", &self.body.len().to_string()),
            Framing::Chunked(_) => line("Transfer-Encoding", "chunked"),
            Framing::Close => line("Connection", "close"),
            Framing::Own => {}
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// All that goes on the wire.
    pub fn octets(&self) -> Vec<u8> {
        [self.head(), self.payload()].concat()
    }

    /// What comes behind the head, framed.
    pub fn payload(&self) -> Vec<u8> {
        let Framing::Chunked(cuts) = &self.framing else { return self.body.clone() };
        let (mut octets, mut start) = (Vec::new(), 0);
        for &end in cuts.iter().chain([&self.body.len()]) {
            if end > start {
                octets.extend(format!("{:x}\r\n", end - start).as_bytes());
                octets.extend(&self.body[start..end]);
                octets.extend(b"\r\n");
                start = end;
            }
        }
        octets.extend(b"0\r\n\r\n");
        octets
    }

    /// Sends it; closes the connection where that ends the body.
    pub fn script(&self) -> Vec<Act> {
        let mut acts = vec![Act::Send(self.octets())];
        acts.extend(matches!(self.framing, Framing::Close).then_some(Act::Close));
        acts
    }
}

/// The time so many seconds from now (or ago), as RFC 9110 §5.6.7 has it.
pub fn date(seconds: i64) -> String {
    let span = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    httpdate::fmt_http_date(if seconds < 0 { now - span } else { now + span })
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        304 => "Not Modified",
        404 => "Not Found",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        // RFC 9112 §4: it may be empty.
        299 => "",
        _ => "Whatever",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::message::{Progress, read_response};

    #[test]
    fn each_framing_carries_the_same_body() {
        let reply = Reply::ok("hello world").max_age(60);
        for reply in [reply.clone(), reply.clone().chunked(&[1, 5]), reply.close_delimited()] {
            let Ok(Progress::Complete(read)) = read_response(&reply.octets(), "GET", true) else {
                panic!("{reply:?}")
            };
            assert_eq!((read.head.status, read.body.as_slice()), (200, &b"hello world"[..]));
            assert_eq!(read.head.fields.get("cache-control"), Some(&b"max-age=60"[..]));
        }
    }
}
