//! Lab 3: a pinger and an echo server over UDP, on a network that loses, repeats, delays and lies.
//!
//! | module       | its job                                                              |
//! |--------------|----------------------------------------------------------------------|
//! | `packet`     | the message and its checksum (RFC 792, RFC 1071)                     |
//! | `window`     | the requests still unanswered, and what a datagram is to them        |
//! | `schedule`   | when the next request leaves                                         |
//! | `statistics` | what is counted, and round-trip times in one pass                    |
//! | `report`     | given: the lines that are printed                                    |
//! | `pinger`     | `ping`: one socket, one clock, one loop                              |
//! | `echo`       | `echo`: the other end                                                |
//! | `sys`        | given: to wait for a datagram, a signal or a moment, whichever first |
//!
//! `packet`, `window`, `schedule` and `statistics` touch neither socket nor clock: they take octets
//! and moments and return values, which is why each can be tested on its own.
//! Left out: raw sockets (real ICMP needs privileges), and which request an ICMP error is about.

// STARTER: #![allow(dead_code, unused_variables, unused_imports)] // delete when the last step is done

pub mod echo;
pub mod packet;
pub mod pinger;
pub mod report;
pub mod schedule;
pub mod statistics;
pub mod sys;
pub mod window;
