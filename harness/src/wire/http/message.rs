//! One whole message from the front of a buffer: head, framing and body together.
//!
//! The buffer is read anew at each call, so a caller keeps all that arrived and calls again when more has.

use super::body::Framing;
use super::chunked::Decoder;
use super::request::{self, RequestHead};
use super::response::{self, ResponseHead};
use super::{Fields, SyntaxError};

/// How far a message has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<M> {
    /// The sender may still complete it; what is missing, as a fragment.
    NeedMore(String),
    /// The connection ended first; what is missing, as a fragment.
    Truncated(String),
    Complete(M),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The 1xx heads that came before.
    pub interim: Vec<ResponseHead>,
    /// Its offsets count from the start of the buffer, also after interim heads.
    pub head: ResponseHead,
    pub framing: Framing,
    /// Decoded, if it was chunked.
    pub body: Vec<u8>,
    pub trailers: Fields,
    /// Octets of the buffer that belong to this response and its interim heads.
    pub consumed: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub head: RequestHead,
    pub framing: Framing,
    /// Decoded, if it was chunked.
    pub body: Vec<u8>,
    pub trailers: Fields,
    pub consumed: usize,
}

/// The final response to a request with `method`, and the interim ones before it. `eof`: nothing will follow `input`.
pub fn read_response(input: &[u8], method: &str, eof: bool) -> Result<Progress<Response>, SyntaxError> {
    let mut interim = Vec::new();
    let mut start = 0;
    let (head, framing) = loop {
        let rest = &input[start..];
        let Some((mut head, length)) = response::parse_head(rest).map_err(|error| error.shifted(start))?
        else {
            let what = if interim.is_empty() { "response" } else { "final response after the 1xx" };
            return Ok(unfinished(missing_head(rest, what, "status line"), eof));
        };
        head.fields.shift(start);
        start += length;
        let framing = Framing::of_response(&head, method)?;
        if head.status / 100 != 1 {
            break (head, framing);
        }
        interim.push(head);
    };
    Ok(match read_body(input, start, framing, eof)? {
        Ok((body, trailers, consumed)) => {
            Progress::Complete(Response { interim, head, framing, body, trailers, consumed })
        }
        Err(missing) => unfinished(missing, eof),
    })
}

/// The request at the front of `input`. `eof`: nothing will follow.
pub fn read_request(input: &[u8], eof: bool) -> Result<Progress<Request>, SyntaxError> {
    let Some((head, start)) = request::parse_head(input)? else {
        return Ok(unfinished(missing_head(input, "request", "request line"), eof));
    };
    let framing = Framing::of_request(&head)?;
    Ok(match read_body(input, start, framing, eof)? {
        Ok((body, trailers, consumed)) => {
            Progress::Complete(Request { head, framing, body, trailers, consumed })
        }
        Err(missing) => unfinished(missing, eof),
    })
}

fn unfinished<M>(missing: String, eof: bool) -> Progress<M> {
    if eof { Progress::Truncated(missing) } else { Progress::NeedMore(missing) }
}

fn missing_head(seen: &[u8], what: &str, first_line: &str) -> String {
    if seen.is_empty() {
        format!("no octet of the {what} has come")
    } else if !seen.contains(&b'\n') {
        format!("the {first_line} is not ended by CR LF yet")
    } else {
        "the header section is not ended by an empty line yet".to_owned()
    }
}

/// Body, trailers and the offset of their end; or what is missing of them.
type Body = Result<(Vec<u8>, Fields, usize), String>;

fn read_body(input: &[u8], start: usize, framing: Framing, eof: bool) -> Result<Body, SyntaxError> {
    let rest = &input[start..];
    Ok(match framing {
        Framing::Empty => Ok((Vec::new(), Fields::default(), start)),
        Framing::Length(length) => match usize::try_from(length).ok().and_then(|length| rest.get(..length)) {
            Some(body) => Ok((body.to_vec(), Fields::default(), start + body.len())),
            None => Err(format!("{} of {length} octets of the body have come", rest.len())),
        },
        Framing::UntilClose if eof => Ok((rest.to_vec(), Fields::default(), input.len())),
        Framing::UntilClose => Err(format!(
            "{} octets of the body have come; without Content-Length or chunked, only closing the connection ends it",
            rest.len()
        )),
        Framing::Chunked => {
            let mut decoder = Decoder::new(start);
            let taken = decoder.take(rest)?;
            if decoder.is_done() {
                let (body, trailers) = decoder.into_parts();
                Ok((body, trailers, start + taken))
            } else {
                Err(format!("the chunked body is not ended yet: {} is missing", decoder.missing()))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::Parsed;
    use crate::wire::http::testing::{accepted, refused};

    fn whole(method: &'static str) -> impl Fn(&[u8]) -> Parsed<Response> {
        move |input| {
            Ok(match read_response(input, method, false)? {
                Progress::Complete(response) => {
                    let consumed = response.consumed;
                    Some((response, consumed))
                }
                _ => None,
            })
        }
    }

    #[test]
    fn responses_of_each_framing_read_at_every_prefix() {
        for (method, text, body) in [
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
            ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ""),
            ("GET", "HTTP/1.1 304 Not Modified\r\n\r\n", ""),
        ] {
            assert_eq!(accepted(text.as_bytes(), whole(method)).body, body.as_bytes());
        }
    }

    #[test]
    fn interim_responses_are_kept_and_offsets_count_from_the_start() {
        let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
        let response = accepted(text, whole("GET"));
        assert_eq!(response.interim.iter().map(|head| head.status).collect::<Vec<_>>(), [100, 103]);
        let field = response.head.fields.field("content-length").expect("the field");
        assert_eq!(&text[field.value_at..=field.value_at], b"1");
        let error = refused(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\n\r\n", whole("GET"));
        assert_eq!(error.offset, 40);
    }

    #[test]
    fn closing_completes_only_a_body_that_nothing_else_delimits() {
        let close = b"HTTP/1.1 200 OK\r\n\r\nhello";
        assert!(matches!(read_response(close, "GET", false), Ok(Progress::NeedMore(_))));
        let Ok(Progress::Complete(response)) = read_response(close, "GET", true) else {
            panic!("complete at the close")
        };
        assert_eq!((response.body.as_slice(), response.framing), (&b"hello"[..], Framing::UntilClose));
        assert_eq!(
            read_response(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello world!", "GET", true),
            Ok(Progress::Truncated("12 of 100 octets of the body have come".to_owned()))
        );
    }

    #[test]
    fn what_is_missing_is_said_in_words() {
        for (text, missing) in [
            ("", "no octet of the response has come"),
            ("HTTP/1.1 200", "the status line is not ended by CR LF yet"),
            ("HTTP/1.1 200 OK\r\nDate: x\r\n", "the header section is not ended by an empty line yet"),
            ("HTTP/1.1 100 \r\n\r\n", "no octet of the final response after the 1xx has come"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                "the chunked body is not ended yet: after 5 octets of chunked body, the size line of the next chunk, or of \
                 the last, 0 is missing",
            ),
        ] {
            assert_eq!(
                read_response(text.as_bytes(), "GET", false),
                Ok(Progress::NeedMore(missing.to_owned()))
            );
        }
    }

    #[test]
    fn requests_read_with_their_bodies_at_every_prefix() {
        let parse = |input: &[u8]| {
            Ok(match read_request(input, false)? {
                Progress::Complete(request) => Some((request.body, request.consumed)),
                _ => None,
            })
        };
        assert_eq!(accepted(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", parse), b"");
        assert_eq!(accepted(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", parse), b"hi");
        assert_eq!(
            accepted(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", parse),
            b"hi"
        );
    }
}
