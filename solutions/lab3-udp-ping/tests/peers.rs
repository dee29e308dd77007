// SOLUTION ONLY
//! `ping` against echo services that nobody here wrote, and `ping` and `echo` through a network that
//! really loses, repeats and reorders. What is random is never judged by its probability: whatever
//! became of each request, the report must add up.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PING: &str = env!("CARGO_BIN_EXE_ping");
const ECHO: &str = env!("CARGO_BIN_EXE_echo");

#[test]
fn socat_echoes_every_size() {
    for (kind, host, size) in [
        ("UDP4", "127.0.0.1", 0),
        ("UDP4", "127.0.0.1", 1400),
        ("UDP6", "::1", 56),
    ] {
        let Some(socat) = Socat::start(kind, host) else {
            return;
        };
        let (port, size) = (socat.port.to_string(), size.to_string());
        let args = [
            host, "--port", &port, "-c", "20", "-i", "0.002", "-W", "5", "-s", &size,
        ];
        let output = Command::new(PING).args(args).output().unwrap();
        let report = Report::read(&output);
        assert_eq!(report.answered.len(), 20, "{}", report.text);
        report.assert_adds_up(20);
    }
}

#[test]
fn a_network_that_loses_and_repeats_is_reported_as_it_is() {
    // The second is there where the first is not: it loses what comes too fast.
    let netem = "netem delay 3ms 2ms loss 20% duplicate 20% reorder 25% 50%";
    let narrow = "tbf rate 200kbit burst 2kb latency 20ms";
    if !unshare("true").status.success() {
        return skip("no network namespace can be made here");
    }
    let Some(impairment) = [netem, narrow].into_iter().find(|impairment| {
        unshare(&format!("tc qdisc add dev lo root {impairment}"))
            .status
            .success()
    }) else {
        return skip("this kernel impairs no network: neither netem nor tbf");
    };
    let script = format!(
        "ip link set lo up && {{ {ECHO} & }} && echo=$! &&
         until {PING} 127.0.0.1 -c 1 -W 0.2 >/dev/null; do :; done &&
         tc qdisc add dev lo root {impairment} &&
         {PING} 127.0.0.1 -c 200 -i 0.004 -W 0.3
         status=$?; kill $echo; exit $status"
    );
    let report = Report::read(&unshare(&script));
    report.assert_adds_up(200);
}

fn unshare(script: &str) -> Output {
    let args = [
        "10",
        "unshare",
        "--user",
        "--map-root-user",
        "--net",
        "sh",
        "-c",
        script,
    ];
    Command::new("timeout").args(args).output().unwrap()
}

fn skip(reason: &str) {
    let _ = writeln!(io::stderr(), "skipped: {reason}");
}

/// An echo service of a process a datagram.
struct Socat {
    process: Child,
    port: u16,
}

impl Socat {
    /// Starts it and waits until it answers; `None` where it is not installed.
    fn start(kind: &str, host: &str) -> Option<Socat> {
        let probe = UdpSocket::bind((host, 0)).unwrap();
        let port = UdpSocket::bind((host, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = match host.contains(':') {
            true => format!("{kind}-RECVFROM:{port},bind=[{host}],fork"),
            false => format!("{kind}-RECVFROM:{port},bind={host},fork"),
        };
        let mut command = Command::new("socat");
        command
            .args(["-b", "65536", &address, "PIPE"])
            .stderr(Stdio::null());
        let process = match command.spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                skip("socat is not installed");
                return None;
            }
            Err(error) => panic!("failed to start socat: {error}"),
        };
        let socat = Socat { process, port };
        let limit = Instant::now() + Duration::from_secs(5);
        probe
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let is_up = || {
            let sent = probe.send_to(b"up?", (host, port));
            sent.and_then(|_| probe.recv(&mut [0; 8])).is_ok()
        };
        while !is_up() {
            assert!(Instant::now() < limit, "socat does not answer");
        }
        Some(socat)
    }
}

impl Drop for Socat {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What `ping` said.
struct Report {
    text: String,
    status: Option<i32>,
    answered: BTreeSet<u16>,
    timeouts: BTreeSet<u16>,
    duplicates: usize,
    /// In milliseconds.
    slowest: f64,
    /// The last two lines, but for the names.
    counts: String,
    times: String,
}

impl Report {
    fn read(output: &Output) -> Report {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let mut report = Report {
            status: output.status.code(),
            answered: BTreeSet::new(),
            timeouts: BTreeSet::new(),
            duplicates: 0,
            slowest: 0.0,
            counts: String::new(),
            times: String::new(),
            text: format!("{text}{}", String::from_utf8_lossy(&output.stderr)),
        };
        for line in text.lines() {
            if let Some((_, reply)) = line.split_once(": seq=") {
                let (sequence, time) = reply.split_once(" time=").expect("a time");
                let (time, rest) = time.split_once(" ms").expect("a unit");
                if rest == " (DUP!)" {
                    report.duplicates += 1;
                } else {
                    assert!(
                        report.answered.insert(sequence.parse().unwrap()),
                        "twice: {line}"
                    );
                    report.slowest = report.slowest.max(time.parse().unwrap());
                }
            } else if let Some(sequence) = line.strip_prefix("Request timeout for seq ") {
                assert!(
                    report.timeouts.insert(sequence.parse().unwrap()),
                    "twice: {line}"
                );
            } else if line.contains(" packets transmitted, ") {
                report.counts = line.into();
            } else if let Some(times) = line.strip_prefix("rtt min/avg/max/mdev = ") {
                report.times = times.into();
            }
        }
        report
    }

    /// Each request is answered or timed out and never both, and the last lines count what the
    /// others say.
    fn assert_adds_up(&self, count: u16) {
        let Report {
            text,
            answered,
            timeouts,
            duplicates,
            ..
        } = self;
        assert!(answered.is_disjoint(timeouts), "{text}");
        assert!(answered.union(timeouts).copied().eq(1..=count), "{text}");
        let received = answered.len();
        let duplicates = match duplicates {
            0 => String::new(),
            some => format!(", +{some} duplicates"),
        };
        let counts = format!("{count} packets transmitted, {received} received{duplicates}, ");
        let rest = self.counts.strip_prefix(&counts).expect(text);
        let (loss, _) = rest.split_once('%').expect(text);
        let exact = timeouts.len() as f64 * 100.0 / f64::from(count);
        assert!(
            (loss.parse::<f64>().unwrap() - exact).abs() < 1e-3,
            "{text}"
        );
        assert_eq!(self.status, Some(i32::from(received == 0)), "{text}");
        if received > 0 {
            let times = self.times.strip_suffix(" ms").expect(text).split('/');
            let times: Vec<f64> = times.map(|time| time.parse().unwrap()).collect();
            assert!(times[0] <= times[1] && times[1] <= times[2], "{text}");
            assert!((times[2] - self.slowest).abs() < 1e-9, "{text}");
        }
    }
}
