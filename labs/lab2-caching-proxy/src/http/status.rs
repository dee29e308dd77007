//! The statuses this proxy answers with itself (RFC 9110 §15, RFC 5842, RFC 6585).

/// A status code and its reason phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Status {
    Ok = 200,
    PartialContent = 206,
    NotModified = 304,
    BadRequest = 400,
    UriTooLong = 414,
    RangeNotSatisfiable = 416,
    FieldsTooLarge = 431,
    NotImplemented = 501,
    BadGateway = 502,
    GatewayTimeout = 504,
    VersionNotSupported = 505,
    LoopDetected = 508,
}

impl Status {
    pub fn code(self) -> u16 {
        self as u16
    }

    pub fn reason(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::PartialContent => "Partial Content",
            Status::NotModified => "Not Modified",
            Status::BadRequest => "Bad Request",
            Status::UriTooLong => "URI Too Long",
            Status::RangeNotSatisfiable => "Range Not Satisfiable",
            Status::FieldsTooLarge => "Request Header Fields Too Large",
            Status::NotImplemented => "Not Implemented",
            Status::BadGateway => "Bad Gateway",
            Status::GatewayTimeout => "Gateway Timeout",
            Status::VersionNotSupported => "HTTP Version Not Supported",
            Status::LoopDetected => "Loop Detected",
        }
    }
}
