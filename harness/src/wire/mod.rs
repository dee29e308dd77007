//! The judge's own strict parsers: octets in, values or a precise complaint out.
//!
//! They share no code with any solution and open no socket.

mod base64;
pub mod bytes;
pub mod difference;
pub mod html;
pub mod http;
pub mod icmp;
pub mod mail;
mod scan;
pub mod smtp;
pub mod syntax;
pub mod uri;

pub use syntax::SyntaxError;
