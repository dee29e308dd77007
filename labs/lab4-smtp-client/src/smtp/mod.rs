//! The dialogue with a server (RFC 5321, submission as in RFC 6409).

pub mod auth;
pub mod capabilities;
pub mod commands;
pub mod dots;
pub mod machine;
pub mod reply;
pub mod session;
