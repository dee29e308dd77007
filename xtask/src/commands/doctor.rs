//! `cargo xtask doctor`: whether this machine has what the labs need, and how to mend what it has not.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Result;
use harness::report::exit;
use harness::report::human::Page;
use harness::subject::ports;
use nix::sys::resource::{Resource, getrlimit};

use crate::terminal;
// ANCHOR: extra_step0_uses
use crate::grade::record::Tier;
use crate::grade::sandbox::Sandbox;
// ANCHOR_END: extra_step0_uses

/// The oldest Rust that builds the labs.
const RUST: (u32, u32) = (1, 88);

/// Open files that suffice for all checks side by side.
const FILES: u64 = 1024;

/// Look whether this machine has all that the labs need
#[derive(clap::Args)]
pub struct Args {}

/// What was found of one thing.
enum Finding {
    Well(String),
    /// Missing, and the labs do without: what one loses.
    Without(String),
    /// Missing, and needed: how to mend it.
    Ill(String),
}

use Finding::{Ill, Well, Without};

pub fn run(_: Args) -> Result<ExitCode> {
    let mut findings = vec![("rustc", rust("rustc")), ("cargo", rust("cargo"))];
    findings.push(("loopback", loopback(Ipv4Addr::LOCALHOST.into())));
    findings.push(("loopback, IPv6", loopback(Ipv6Addr::LOCALHOST.into())));
    findings.push(("ports", ports()));
    findings.push(("open files", open_files()));
    findings.push(("temporary files", temporary_files()));
    findings.push(("/proc/net/tcp", socket_table()));
    findings.push(("socket diagnosis", socket_diagnosis()));
    // ANCHOR: extra_step0_sandbox
    findings.extend([("sandbox, full", Tier::Full), ("sandbox, reduced", Tier::Reduced)].map(sandbox));
    // ANCHOR_END: extra_step0_sandbox
    findings.extend(TOOLS.iter().map(|tool| (tool.name, tool.look())));

    let ill = findings.iter().filter(|(_, finding)| matches!(finding, Ill(_))).count();
    terminal::show(|page| set(page, &findings, ill))?;
    Ok(ExitCode::from(if ill == 0 { exit::PASSED } else { exit::FAILED }))
}

fn set(page: &mut Page, findings: &[(&str, Finding)], ill: usize) {
    let width = findings.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, finding) in findings {
        let (mark, words) = match finding {
            Well(words) => ("✔", words),
            Without(words) => ("–", words),
            Ill(words) => ("✘", words),
        };
        page.prose(&format!("  {mark} {name:<width$}  "), &" ".repeat(width + 6), words);
    }
    page.gap();
    page.line(&match ill {
        0 => "All that is needed is here.".to_owned(),
        1 => "One thing that is needed is missing: see ✘ above.".to_owned(),
        many => format!("{many} things that are needed are missing: see ✘ above."),
    });
}

fn rust(tool: &str) -> Finding {
    let mend = "install Rust with rustup, as rust-lang.org says";
    let Ok(output) = Command::new(tool).arg("--version").output() else {
        return Ill(format!("not found; {mend}"));
    };
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match version(&text) {
        Some(found) if found >= RUST => Well(text),
        Some(_) => {
            Ill(format!("{text}, but {}.{} is the oldest that will do; `rustup update`", RUST.0, RUST.1))
        }
        None => Ill(format!("does not tell its version; {mend}")),
    }
}

/// The first two numbers of `rustc 1.85.0 (…)`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn loopback(address: IpAddr) -> Finding {
    let exchange = || -> io::Result<()> {
        let listener = TcpListener::bind((address, 0))?;
        let mut client = TcpStream::connect_timeout(&listener.local_addr()?, Duration::from_secs(2))?;
        let (mut server, _) = listener.accept()?;
        client.write_all(b"?")?;
        server.set_read_timeout(Some(Duration::from_secs(2)))?;
        server.read_exact(&mut [0])
    };
    match exchange() {
        Ok(()) => Well(format!("an octet went over {address}")),
        Err(error) if address.is_ipv6() => {
            Without(format!("{error}: what is tried is tried over IPv4 alone"))
        }
        Err(error) => Ill(format!("{error}: bring the loopback interface up (ip link set lo up)")),
    }
}

fn ports() -> Finding {
    match ports::lease() {
        Ok(lease) => {
            Well(format!("{} is free, below those that the system hands out by itself", lease.port()))
        }
        Err(error) => Ill(format!("{error}; end what holds them (`ss -tlnp` names it)")),
    }
}

fn open_files() -> Finding {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) if soft >= FILES => Well(format!("{soft} at once")),
        Ok((soft, _)) => Ill(format!("only {soft} at once; `ulimit -n {FILES}` in this shell")),
        Err(error) => Without(format!("the limit cannot be read ({error})")),
    }
}

fn temporary_files() -> Finding {
    let dir = env::temp_dir();
    match tempfile::tempdir() {
        Ok(_) => Well(format!("in {}", dir.display())),
        Err(error) => Ill(format!("{error} in {}; point TMPDIR to a place you may write to", dir.display())),
    }
}

fn socket_table() -> Finding {
    match fs::read_to_string("/proc/net/tcp") {
        Ok(_) => Well("tells who listens where".to_owned()),
        Err(_) => Without("not readable: that a program is up is seen by connecting to it".to_owned()),
    }
}

#[cfg(target_os = "linux")]
fn socket_diagnosis() -> Finding {
    use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
    let opened = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkSockDiag,
    );
    match opened {
        Ok(_) => Well("the kernel answers about single sockets".to_owned()),
        Err(error) => Without(format!("{}: sockets are looked up in /proc instead", error.desc())),
    }
}

#[cfg(not(target_os = "linux"))]
fn socket_diagnosis() -> Finding {
    Without("Linux alone has it: what rests on it is unverified here, and graded on Linux".to_owned())
}

// ANCHOR: extra_step0_sandboxes
/// Whether a class can be graded so.
fn sandbox((name, tier): (&'static str, Tier)) -> (&'static str, Finding) {
    let finding = match Sandbox::choose(Some(tier)) {
        Ok(sandbox) => {
            let found = sandbox.confinement();
            let lacking = match &found.lacking[..] {
                [] => String::new(),
                lacking => format!("; lacking: {}", lacking.join("; ")),
            };
            Well(format!("{}{lacking}", found.in_force.join("; ")))
        }
        Err(why) => Without(format!("{why} (only `cargo xtask grade` needs it)")),
    };
    (name, finding)
}
// ANCHOR_END: extra_step0_sandboxes

/// A program that is good to have.
struct Tool {
    name: &'static str,
    /// Any of them will do.
    programs: &'static [&'static str],
    /// What one does without, where there is none.
    loss: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool { name: "curl", programs: &["curl"], loss: "the lines `by hand` cannot be tried as they are" },
    Tool { name: "nc", programs: &["nc", "ncat", "netcat"], loss: "no typing HTTP by hand as the book does" },
    Tool {
        name: "python3",
        programs: &["python3"],
        loss: "its http.server is not among the real servers tried",
    },
    Tool { name: "nginx", programs: &["nginx"], loss: "it is not among the real servers tried" },
    Tool {
        name: "wireshark",
        programs: &["wireshark", "tshark"],
        loss: "no looking at the wire with it; the reports show the octets too",
    },
];

impl Tool {
    fn look(&self) -> Finding {
        let path = env::var_os("PATH").unwrap_or_default();
        // A daemon such as nginx lies where an ordinary user's PATH does not reach.
        let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        let mut places = folders.flat_map(|folder| self.programs.iter().map(move |name| folder.join(name)));
        match places.find(|place| place.is_file()) {
            Some(place) => Well(place.display().to_string()),
            None => Without(format!("not found: {}", self.loss)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_two_numbers_behind_the_name() {
        assert_eq!(version("rustc 1.85.0-nightly (abc 2025-01-01)"), Some((1, 85)));
        assert_eq!(version("rustc"), None);
        assert!(version("cargo 1.100.0") > Some(RUST));
    }

    #[test]
    fn this_machine_s_loopback_carries_an_octet() {
        assert!(matches!(loopback(Ipv4Addr::LOCALHOST.into()), Well(_)));
    }
}
