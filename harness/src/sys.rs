//! What only the operating system can tell: the state of sockets and of processes.
//!
//! All platform code of the harness is here. Linux answers everything (sock_diag and `/proc`); elsewhere the functions
//! return an error, and their callers fall back or say that they could not check. Nothing here waits.

pub mod datagram;
mod process;
#[cfg(target_os = "linux")]
mod sock_diag;
mod socket_table;
mod sockets;

pub use process::{
    Activity, Facts, TO_SLEEP, activity, become_subreaper, children, close_inherited_on_exec, descendants,
    die_with_parent, facts, family_activity, family_memory, family_peak, family_time, fd_count,
    forbid_inspection, join_groups, quiet_within, socket_inodes, wait_quiet,
};
pub use sockets::{
    Listener, TcpSocket, TcpState, far_end, listeners, listeners_of, tcp_socket, unacknowledged, unsent,
};
