//! Stage 11, the log on stdout: one line a response in the Common Log Format, whole and not to be forged.
//!
//! The format has no RFC; it is NCSA httpd's and Apache's (`%h %l %u %t "%r" %>s %b`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::serve::{Fresh, Server};
use super::site::word;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::Deadline;
use crate::trial::Trial;
use crate::verdict::{Failure, Fault, Verdict};
use crate::wire::bytes;

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.log.lines",
        title: "each response is logged on stdout, in the Common Log Format",
        lab: Lab::Lab1,
        stage: 11,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "One line a response, `127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] \"GET /a.txt HTTP/1.1\" 200 2326`: who \
              asked, when, the request line, the status, the octets of the body. Programs have read this since the 1990s.",
        peers: "Apache's `common` format is exactly this; nginx's default adds the referrer and the user agent.",
        hints: &[
            "Write the line when the response has been sent: only then the number of octets is known.",
            "stdout into a pipe is buffered by blocks in most languages: flush after each line.",
        ],
        run: lines,
    },
    Check {
        id: "web.log.parallel",
        title: "lines of requests at the same time do not run into each other",
        lab: Lab::Lab1,
        stage: 11,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.log.lines", "web.many.concurrent"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "Workers that write their lines in pieces write them into each other. One write for the whole line, or a \
              lock around it, keeps it whole; between processes, only one write of at most 4096 octets does.",
        peers: "Apache writes each line with one `write` to a file opened with O_APPEND.",
        hints: &[
            "How many `write`s does one line take? `strace -f -e trace=write` counts them.",
            "Format the whole line with its end of line into one string first, then write that once.",
        ],
        run: parallel,
    },
    Check {
        id: "web.log.injection",
        title: "nobody can forge a line of the log by what they ask for",
        lab: Lab::Lab1,
        stage: 11,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: &["web.log.lines"],
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A path that is logged after percent-decoding may hold CR LF and behind it a line that was never asked \
              for. Log the request line as it came.",
        peers: "Apache and nginx log the request line undecoded, and other control octets as \\xNN.",
        hints: &[
            "Is the decoded path in the log? The request line as it was sent has no line ends inside.",
            "Whatever else goes into the log: escape everything below 0x20.",
        ],
        run: injection,
    },
];

/// A line of the log, read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    request: String,
    status: u16,
    /// `None` for `-`.
    octets: Option<u64>,
}

/// Reads `host ident user [date] "request" status octets`; or says at which part it stops being that.
fn read_line(line: &str) -> Result<Line, &'static str> {
    let host = "a host, an identity and a user (`127.0.0.1 - - `)";
    let rest = (0..3).try_fold(line, |rest, _| {
        let (word, rest) = rest.split_once(' ').ok_or(host)?;
        if word.is_empty() || word.contains(['[', '"']) { Err(host) } else { Ok(rest) }
    })?;
    let date = "a date like [10/Oct/2026:13:55:36 +0000]";
    let (when, rest) = rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")).ok_or(date)?;
    if !is_date(when) {
        return Err(date);
    }
    let (request, rest) = rest
        .strip_prefix('"')
        .and_then(|rest| rest.rsplit_once("\" "))
        .ok_or("the request line in quotation marks")?;
    let (status, octets) = rest.split_once(' ').ok_or("a status and a number of octets at its end")?;
    let status = status
        .parse()
        .ok()
        .filter(|status| (100..600).contains(status))
        .ok_or("a status of three digits before the last number")?;
    let octets = match octets {
        "-" => None,
        _ => Some(octets.parse().map_err(|_| "a number of octets (or `-`) at its end")?),
    };
    Ok(Line { request: request.to_owned(), status, octets })
}

/// The shape of `10/Oct/2026:13:55:36 +0530`.
fn is_date(text: &str) -> bool {
    const SHAPE: &[u8] = b"00/Aaa/0000:00:00:00 +0000";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(octet, shape)| match shape {
            b'0' => octet.is_ascii_digit(),
            b'A' => octet.is_ascii_uppercase(),
            b'a' => octet.is_ascii_lowercase(),
            b'+' => octet == b'+' || octet == b'-',
            other => octet == *other,
        })
}

/// What a line must say of an exchange.
struct Wanted {
    request: String,
    status: u16,
    /// Any of these numbers; 0 stands for `-`, too.
    octets: Vec<u64>,
}

impl Wanted {
    fn fits(&self, line: &Line) -> bool {
        line.request == self.request
            && line.status == self.status
            && self.octets.contains(&line.octets.unwrap_or(0))
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let octets: Vec<String> = self.octets.iter().map(u64::to_string).collect();
        write!(f, "… [date] \"{}\" {} {}", self.request, self.status, octets.join(" or "))
    }
}

/// The contract's second, and one more for a busy machine.
const LAG: Duration = Duration::from_secs(2);

fn lines(t: &mut Trial) -> Verdict {
    let server = Fresh::new().start(t)?;
    let file = &server.site.text.target;
    let requests = [("GET", file.as_str()), ("HEAD", file), ("GET", "/no/such/file?q=1")];
    for (method, target) in requests {
        let wanted = exchange(&server, method, target)?;
        let found = server.running().wait_stdout(Deadline::within(LAG), |log| {
            whole_lines(log).any(|line| read_line(&line).is_ok_and(|line| wanted.fits(&line))).then_some(())
        });
        found.ok_or_else(|| missing(&server, &wanted))?;
    }
    let log = server.running().stdout();
    let count = whole_lines(log.head()).filter(|line| read_line(line).is_ok()).count();
    if count != requests.len() {
        return Err(Failure::new(
            format!("{} lines for {} responses", requests.len(), requests.len()),
            format!("{count} lines"),
        )
        .excerpt(whole_lines(log.head()).take(6))
        .into());
    }
    Ok(())
}

/// Asks, and says what the log owes for the answer.
fn exchange(server: &Server, method: &str, target: &str) -> Verdict<Wanted> {
    let response = server.ask(&server.request(method, target).close())?;
    let length = response.head.fields.text("Content-Length").and_then(|value| value.parse().ok());
    let octets = match method {
        "HEAD" => [0].into_iter().chain(length.filter(|&length| length > 0)).collect(),
        _ => vec![response.body.len() as u64],
    };
    Ok(Wanted { request: format!("{method} {target} HTTP/1.1"), status: response.head.status, octets })
}

fn whole_lines(log: &[u8]) -> impl Iterator<Item = String> + '_ {
    let end = log.iter().rposition(|&octet| octet == b'\n').map_or(0, |at| at + 1);
    let lines = log[..end].split(|&octet| octet == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
}

/// Why this line is missing: written otherwise, or not at all.
fn missing(server: &Server, wanted: &Wanted) -> Fault {
    let running = server.running();
    let before = running.stdout();
    let expected = format!("within 1 s a line {wanted}");
    let mine = whole_lines(before.head()).find(|line| line.contains(&wanted.request));
    if let Some(line) = mine.clone().or_else(|| whole_lines(before.head()).last()) {
        let seen = match (read_line(&line), mine) {
            (Err(part), _) => format!("a line without {part}"),
            (Ok(line), Some(_)) => {
                let octets = line.octets.map_or("-".to_owned(), |octets| octets.to_string());
                format!("a line that says {} {octets}", line.status)
            }
            (Ok(_), None) => "none for that request; the last one is another's".to_owned(),
        };
        return Failure::new(expected, seen).excerpt([line]).into();
    }
    let failure = Failure::new(expected, "nothing on stdout").note(
        "if it prints to a terminal: into a pipe, most languages buffer stdout by blocks; flush it after each line",
    );
    let failure = match running.stderr().total() {
        0 => failure,
        _ => failure.note("something is on stderr; the log belongs on stdout"),
    };
    failure.silent().into()
}

/// Clients at the same time, and requests of each.
const CLIENTS: usize = 6;
const REQUESTS: usize = 30;

fn parallel(t: &mut Trial) -> Verdict {
    let server = Fresh::new().start(t)?;
    // Long lines are longer under way; all together stay below what one `write` to a pipe keeps whole.
    let tag: String = (0..60).map(|_| word(&mut t.rng)).collect();
    let target = |client: usize, at: usize| format!("{}?{tag}-{client}-{at}", server.site.text.target);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (server, target) = (&server, &target);
                scope.spawn(move || {
                    (0..REQUESTS)
                        .try_for_each(|at| server.ask(&server.get(&target(client, at)).close()).map(drop))
                })
            })
            .collect();
        let panicked = |_| Err(Fault::Broken("a client panicked".to_owned()));
        clients.into_iter().try_for_each(|client| client.join().unwrap_or_else(panicked))
    })?;
    t.step(format!("{CLIENTS} clients at the same time have asked {REQUESTS} times each"));

    let all = CLIENTS * REQUESTS;
    let enough = |log: &[u8]| (whole_lines(log).count() >= all).then_some(());
    let _ = server.running().wait_stdout(Deadline::within(LAG), enough);
    let log = server.running().stdout();
    let mut ours = (0..CLIENTS).flat_map(|client| (0..REQUESTS).map(move |at| (client, at)));
    let mut seen: BTreeMap<String, usize> =
        ours.clone().map(|(client, at)| (format!("GET {} HTTP/1.1", target(client, at)), 0)).collect();
    for line in whole_lines(log.head()).filter(|line| line.contains(&tag[..8])) {
        match read_line(&line).ok().and_then(|read| seen.get_mut(&read.request)) {
            Some(times) => *times += 1,
            None => {
                return Err(Failure::new(
                    "every line of the log is whole",
                    "a line that is torn, or several in one",
                )
                .excerpt([shortened(&line, &tag)])
                .note("two workers have written at the same time, each its line in several pieces")
                .into());
            }
        }
    }
    let missing =
        ours.find(|&(client, at)| seen.get(&format!("GET {} HTTP/1.1", target(client, at))) != Some(&1));
    match missing {
        None => Ok(()),
        Some((client, at)) => Err(Failure::new(
            format!("one line for each of {all} requests"),
            format!(
                "{} lines; not one for request {} of client {}",
                seen.values().sum::<usize>(),
                at + 1,
                client + 1
            ),
        )
        .into()),
    }
}

/// The line with the long random word cut short.
fn shortened(line: &str, tag: &str) -> String {
    let line = line.replace(tag, &format!("{}…", &tag[..8]));
    bytes::excerpt(line.as_bytes(), line.len(), 0, 160).0
}

fn injection(t: &mut Trial) -> Verdict {
    let server = Fresh::new().start(t)?;
    let forged = "%20-%20-%20[10/Oct/2026:13:55:36%20+0000]%20%22GET%20/forged%20HTTP/1.1%22%20200%201";
    for (ends, name) in [("%0d%0a", "an encoded CR LF"), ("%0a", "an encoded LF"), ("%0D", "an encoded CR")] {
        let canary = word(&mut t.rng);
        let target = format!("/{}{ends}{canary}{forged}", word(&mut t.rng));
        let mut conn = server.connect()?;
        conn.send(server.get(&target).close().octets())?;
        // What it answers is another check's matter.
        conn.wait_drained()?;
        // A fence: its line comes, and by then the other's, too, or soon.
        let fence = format!("{}?{}", server.site.text.target, word(&mut t.rng));
        server.ask(&server.get(&fence).close())?;
        t.step(format!("asked for a path with {name} and a forged line behind it"));
        let both = |log: &[u8]| {
            let lines: Vec<String> = whole_lines(log).collect();
            let named = |word: &str| lines.iter().any(|line| line.contains(word));
            (named(&fence) && named(&canary)).then_some(())
        };
        let _ = server.running().wait_stdout(Deadline::within(LAG), both);
        let log = server.running().stdout();
        let is_forged = |line: &[u8]| line.starts_with(canary.as_bytes()) || line.contains(&b'\r');
        let lines =
            log.head().split(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        if let Some(line) = lines.into_iter().find(|line| is_forged(line)) {
            return Err(Failure::new(
                format!("{name} in a path stays encoded in the log, as it was sent"),
                "it stands there decoded",
            )
            .excerpt([bytes::show(line)])
            .into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"127.0.0.1 - - [10/Oct/2026:13:55:36 +0530] "GET /a HTTP/1.1" 200 2326"#;

    #[test]
    fn a_line_of_the_common_log_format_is_read() {
        let line = Line { request: "GET /a HTTP/1.1".to_owned(), status: 200, octets: Some(2326) };
        assert_eq!(read_line(LINE), Ok(line));
        assert_eq!(read_line(&LINE.replace("2326", "-")).unwrap().octets, None);
        assert!(read_line(&LINE.replace("127.0.0.1", "::ffff:127.0.0.1")).is_ok());
    }

    #[test]
    fn what_is_no_such_line_is_told_by_the_part_that_is_missing() {
        for (line, part) in [
            ("listening on 8080", "a host"),
            (&LINE.replace("Oct", "10"), "a date"),
            (&LINE.replace(" 2326", ""), "a status and a number"),
            (&LINE.replace('"', ""), "the request line"),
            (&format!("{LINE} \"-\" \"curl\""), "a status and a number"),
        ] {
            assert!(read_line(line).unwrap_err().starts_with(part), "{line}: {:?}", read_line(line));
        }
    }
}
