//! Lab 2: a caching HTTP/1.1 proxy, from sockets up.
//!
//! ```text
//! client ──request──▶ connection ──▶ exchange ──request──▶ origin
//!                                     │    ▲
//!                                     ▼    │
//!                                     cache          an answer comes from here, or passes through
//! ```
//!
//! | module       | its job                                                             |
//! |--------------|---------------------------------------------------------------------|
//! | `http`       | messages as octets: read, changed on the way, written (RFC 9112)    |
//! | `cache`      | what is kept, and whether it may be used again (RFC 9111)           |
//! | `server`     | what all connections share, the socket that listens, and the stop   |
//! | `connection` | one client's connection, from its first request to its close        |
//! | `exchange`   | one request: answered from the cache, or by the origin              |
//! | `origin`     | the connection to an origin: made, and listened to with patience    |
//! | `reply`      | what is written to a client that does not come from an origin now   |
//! | `transfer`   | bodies on their way, in either direction, never held as a whole     |
//! | `tunnel`     | `CONNECT`: octets that are none of the proxy's business             |
//! | `incoming`   | the octets that have arrived on a connection                        |
//! | `sys`        | given: signals, and the reset of a connection                       |
//!
//! `http` and `cache` touch neither socket nor clock. Left out: HTTP/2, TLS of the proxy's own,
//! connections to origins that are used twice, heuristic freshness, and trailer fields.

#![allow(dead_code, unused_variables, unused_imports)] // delete when the last step is done

pub mod cache;
pub mod connection;
pub mod exchange;
pub mod http;
pub mod incoming;
pub mod origin;
pub mod reply;
pub mod server;
pub mod sys;
pub mod transfer;
pub mod tunnel;
