//! The response a server sends: what it says, and how its head is written (RFC 9112 §4).

use std::borrow::Cow;
use std::fs::File;
use std::time::SystemTime;

use super::{Status, date};

/// A response, not yet on the wire.
#[derive(Debug)]
pub struct Response {
    pub status: Status,
    pub fields: Vec<(&'static str, Cow<'static, str>)>,
    pub body: Body,
}

/// What follows the head.
#[derive(Debug)]
pub enum Body {
    None,
    Octets(Vec<u8>),
    /// A part of a file, from an offset on, which is sent without being read first.
    File {
        file: File,
        offset: u64,
        length: u64,
    },
}

impl Body {
    /// The octets in it.
    pub fn len(&self) -> u64 {
        match self {
            Body::None => 0,
            Body::Octets(octets) => octets.len() as u64,
            Body::File { length, .. } => *length,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Response {
    /// A response without a body or a field.
    pub fn new(status: Status) -> Response {
        Response {
            status,
            fields: Vec::new(),
            body: Body::None,
        }
    }

    /// Adds a field.
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Response {
        self.fields.push((name, value.into()));
        self
    }

    /// Sets the body and the fields that describe it.
    pub fn with_body(mut self, media_type: &'static str, body: Body) -> Response {
        self.fields.push(("Content-Type", media_type.into()));
        self.fields
            .push(("Content-Length", body.len().to_string().into()));
        self.body = body;
        self
    }

    /// A page that says in words what the status says as a number.
    pub fn error(status: Status) -> Response {
        // ANCHOR: step4_error
        let (code, reason) = (status.code(), status.reason());
        let page = format!("<!DOCTYPE html>\n<title>{code} {reason}</title>\n<h1>{reason}</h1>\n");
        let body = Body::Octets(page.into_bytes());
        let response = Response::new(status).with_body("text/html; charset=utf-8", body);
        match status {
            // RFC 9110 §15.5.6: a 405 says what would have been allowed.
            Status::MethodNotAllowed => response.with("Allow", "GET, HEAD"),
            _ => response,
        }
        // ANCHOR_END: step4_error
    }

    /// The answer to `HEAD`: the fields of the answer to `GET`, and no body (RFC 9110 §9.3.2).
    pub fn without_body(self) -> Response {
        // ANCHOR: step4_head
        Response {
            body: Body::None,
            ..self
        }
        // ANCHOR_END: step4_head
    }

    /// Writes the status line, the fields and the empty line; `connection` is what the field of
    /// that name says, if it is sent at all.
    pub fn write_head(&self, now: SystemTime, connection: Option<&str>, out: &mut Vec<u8>) {
        // ANCHOR: step1_write_head
        let (code, reason) = (self.status.code(), self.status.reason());
        let date = date::format(now);
        let mut line = |parts: &[&str]| {
            for part in parts {
                out.extend_from_slice(part.as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        };
        line(&["HTTP/1.1 ", &code.to_string(), " ", reason]);
        line(&["Date: ", &date]);
        for (name, value) in &self.fields {
            line(&[name, ": ", value]);
        }
        if let Some(connection) = connection {
            line(&["Connection: ", connection]);
        }
        line(&[]);
        // ANCHOR_END: step1_write_head
    }
}

#[cfg(test)]
mod step1 {
    use std::time::UNIX_EPOCH;

    use super::*;

    pub(super) fn head(response: &Response, connection: Option<&str>) -> String {
        let mut out = Vec::new();
        response.write_head(UNIX_EPOCH, connection, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_is_lines_that_end_with_crlf_and_then_an_empty_one() {
        let response =
            Response::new(Status::Ok).with_body("text/plain", Body::Octets(b"hi".into()));
        assert_eq!(
            head(&response, Some("close")),
            "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/plain\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\n"
        );
    }
}

#[cfg(test)]
mod step4 {
    use super::step1::head;
    use super::*;

    #[test]
    fn the_answer_to_head_has_the_same_fields_and_no_body() {
        let response =
            || Response::new(Status::Ok).with_body("text/plain", Body::Octets(b"hi".into()));
        let bodiless = response().without_body();
        assert!(bodiless.body.is_empty());
        assert_eq!(head(&bodiless, None), head(&response(), None));
    }

    #[test]
    fn an_error_says_its_reason_and_a_405_what_is_allowed() {
        let response = Response::error(Status::MethodNotAllowed);
        assert!(head(&response, None).contains("\r\nAllow: GET, HEAD\r\n"));
        assert!(
            matches!(response.body, Body::Octets(page) if page.ends_with(b"Method Not Allowed</h1>\n"))
        );
    }
}
