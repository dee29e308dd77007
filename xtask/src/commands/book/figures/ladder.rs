//! Who sent what to whom: a line an event, between the program and those that the harness played.

use std::collections::BTreeSet;

use anyhow::Result;
use harness::check::{Check, Role};
use harness::journal::{Journal, Kind, Lane, Octets};
use harness::wire::bytes;

use super::svg::{Anchor, Drawing, LETTER, Stroke, short};
use crate::commands::book::redact::Redaction;
use crate::commands::book::runs::Runs;

/// From one lifeline to the next.
const SPAN: f32 = 200.0;
const MARGIN: f32 = 60.0;
const HEAD: f32 = 22.0;
const ROW: f32 = 30.0;

/// How the journal says that from here on TLS is spoken.
const HANDSHAKE: &str = "the TLS handshake is done";

/// Fields of a head that a message is shown with.
const TELLING: [&str; 7] =
    ["ETag", "If-None-Match", "If-Modified-Since", "Age", "Range", "Content-Range", "Transfer-Encoding"];

/// Runs the check on the solution and draws the first `count` messages of its record.
pub fn draw(check: &Check, count: usize, runs: &mut Runs) -> Result<String> {
    let journal = runs.of(check)?;
    let mut messages = messages(&journal, check.role);
    messages.truncate(count);
    Ok(ladder(check, &messages))
}

/// One arrow.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    from: String,
    /// The same as `from` where it is nothing that was sent.
    to: String,
    words: String,
    /// What else is worth seeing of it.
    details: Vec<String>,
}

/// What went over the wire; runs of octets in one direction are one message.
fn messages(journal: &Journal, role: Role) -> Vec<Message> {
    let program = program(role);
    let mut names = Names::default();
    let mut runs: Vec<(Option<Lane>, bool, Vec<u8>)> = Vec::new();
    for event in journal.events() {
        match (octets(&event.kind), other(&event.kind, role)) {
            (Some((lane, ours, Octets { kept, .. })), _) => match runs.last_mut() {
                Some((same, direction, gathered)) if *same == Some(lane) && *direction == ours => {
                    gathered.extend(kept);
                }
                _ => runs.push((Some(lane), ours, kept.clone())),
            },
            (None, Some((lane, ours, words))) => runs.push((lane, ours, words.into_bytes())),
            (None, None) => {}
        }
    }
    let several = {
        let parties: BTreeSet<String> =
            runs.iter().filter_map(|run| run.0).map(|lane| party(&journal.name(lane))).collect();
        parties.len() > 1
    };
    let mut messages: Vec<Message> = Vec::new();
    for (lane, ours, octets) in runs {
        let words = names.shorten(&first_line(&octets));
        // With several connections their ends come in no order that means anything.
        if several && is_end(&words) {
            continue;
        }
        let party = lane.map_or(program.to_owned(), |lane| party(&journal.name(lane)));
        let (from, to) = if ours { (party.as_str(), program) } else { (program, party.as_str()) };
        let message = Message { from: from.to_owned(), to: to.to_owned(), words, details: details(&octets) };
        // What was sent is noted when the write has returned, and may have had its answer by then: it was sent
        // right after what its sender was told before.
        let at = match messages.iter().rposition(|other| other.from == party || other.to == party) {
            _ if !ours => messages.len(),
            Some(before) => before + 1,
            None => 0,
        };
        messages.insert(at, message);
    }
    messages
}

fn octets(kind: &Kind) -> Option<(Lane, bool, &Octets)> {
    match kind {
        Kind::Sent(lane, octets) => Some((*lane, true, octets)),
        Kind::Received(lane, octets) => Some((*lane, false, octets)),
        _ => None,
    }
}

/// What else is to be seen: the end of a connection, a datagram, a handshake.
fn other(kind: &Kind, role: Role) -> Option<(Option<Lane>, bool, String)> {
    let (lane, ours, words) = match kind {
        Kind::WeHalfClosed(lane) => (lane, true, "FIN"),
        Kind::TheyClosed(lane) => (lane, false, "FIN"),
        Kind::WeReset(lane) => (lane, true, "RST"),
        Kind::TheyReset(lane) => (lane, false, "RST"),
        Kind::Datagram { lane, ours, what, .. } => (lane, *ours, what.as_str()),
        Kind::Step(words) if words.starts_with(HANDSHAKE) => {
            return Some((None, true, "TLS handshake".into()));
        }
        _ => return None,
    };
    // After QUIT both sides close, and either may be first.
    (role != Role::Mail || !is_end(words)).then(|| (Some(*lane), ours, words.to_owned()))
}

fn is_end(words: &str) -> bool {
    matches!(words, "FIN" | "RST")
}

/// The second client is a client too.
fn party(lane: &str) -> String {
    lane.split(' ').next().unwrap_or_default().to_owned()
}

fn program(role: Role) -> &'static str {
    match role {
        Role::Server => "web-server",
        Role::Client => "web-client",
        Role::Proxy => "proxy",
        Role::Ping => "ping",
        Role::Echo => "echo server",
        Role::Mail => "mail",
    }
}

/// What a message is, by its first line, without the version that all of them have.
fn first_line(octets: &[u8]) -> String {
    let line = octets.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    bytes::show(line).replace(" HTTP/1.1", "").replace("HTTP/1.1 ", "")
}

/// Short words for the address of the harness, and for targets that were drawn at random: `/a`, `/b`.
#[derive(Default)]
struct Names {
    redaction: Redaction,
    targets: Vec<String>,
}

impl Names {
    fn shorten(&mut self, words: &str) -> String {
        let words = self.redaction.apply(words);
        let Some((before, target)) = words.split_once("/").map(|(method, _)| words.split_at(method.len()))
        else {
            return words;
        };
        // An absolute target names the origin.
        let (origin, path) = match target.strip_prefix("//").and_then(|rest| rest.split_once('/')) {
            Some((_, path)) => ("//origin", format!("/{path}")),
            None => ("", target.to_owned()),
        };
        if !is_drawn(&path) {
            return words;
        }
        let known = self.targets.iter().position(|known| *known == path).unwrap_or_else(|| {
            self.targets.push(path);
            self.targets.len() - 1
        });
        let letter = char::from(b'a' + u8::try_from(known % 26).unwrap_or_default());
        format!("{before}{origin}/{letter}")
    }
}

/// `/qczuamrw/doprbloc`, `/kcofywss.txt`.
fn is_drawn(path: &str) -> bool {
    path.len() > 8 && path.bytes().all(|octet| octet.is_ascii_lowercase() || b"/.".contains(&octet))
}

/// The fields of a head that tell something, by name.
fn details(octets: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(octets);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let names = head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0));
    names.filter(|name| TELLING.contains(name)).map(str::to_owned).collect()
}

/// From left to right: clients, the program, those it asks.
fn lifelines(check: &Check, messages: &[Message]) -> Vec<String> {
    let program = program(check.role).to_owned();
    let mut left = Vec::new();
    let mut right = Vec::new();
    for party in messages.iter().flat_map(|message| [&message.from, &message.to]) {
        let side = if party == "client" { &mut left } else { &mut right };
        if *party != program && !side.contains(party) {
            side.push(party.clone());
        }
    }
    left.push(program);
    left.extend(right);
    left
}

fn ladder(check: &Check, messages: &[Message]) -> String {
    let lines = lifelines(check, messages);
    let span = if lines.len() > 2 { SPAN * 0.75 } else { SPAN * 1.3 };
    let place = |party: &str| {
        let index = lines.iter().position(|line| line == party).unwrap_or_default();
        MARGIN + span * index as f32
    };
    let width = 2.0 * MARGIN + span * (lines.len() - 1) as f32;
    let spoken: Vec<String> = messages.iter().map(spoken).collect();
    let title = format!("The messages of {}", check.id);
    let mut drawing = Drawing::new(width as u32, &title, &spoken.join(" "));
    let room = ((span - 12.0) / LETTER) as usize;
    let mut y = HEAD;
    for Message { from, to, words, details } in messages {
        y += ROW;
        let (start, end) = (place(from), place(to));
        let middle = if from == to { width / 2.0 } else { (start + end) / 2.0 };
        drawing.text((middle, y - 5.0), Anchor::Middle, &short(words, room));
        if from == to {
            continue;
        }
        let stroke = if is_end(words) { Stroke::Dashed } else { Stroke::Plain };
        drawing.arrow(&[(start, y), (end, y)], stroke);
        for detail in details {
            drawing.text((middle, y + 13.0), Anchor::Middle, &short(detail, room));
            y += 14.0;
        }
    }
    for line in &lines {
        let x = place(line);
        drawing.framed((x - 50.0, 2.0), (100.0, HEAD), Stroke::Plain, line);
        drawing.line((x, HEAD + 2.0), (x, y + 12.0), Stroke::Faint);
    }
    drawing.finish()
}

fn spoken(message: &Message) -> String {
    let Message { from, to, words, details } = message;
    let with = if details.is_empty() { String::new() } else { format!(", with {}", details.join(", ")) };
    if from == to { format!("{words}.") } else { format!("{from} to {to}: {words}{with}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_of_one_direction_are_one_message_by_its_first_line() {
        let journal = Journal::default();
        let lane = journal.lane("client");
        journal.sent(lane, b"GET / HT");
        journal.sent(lane, b"TP/1.1\r\nHost: h\r\n\r\n");
        journal.received(lane, b"HTTP/1.1 200 OK\r\n");
        journal.they_closed(lane);
        let words: Vec<String> =
            messages(&journal, Role::Server).into_iter().map(|message| message.words).collect();
        assert_eq!(words, ["GET /", "200 OK", "FIN"]);
    }

    #[test]
    fn the_program_stands_between_those_who_ask_it_and_those_it_asks() {
        let journal = Journal::default();
        let (client, origin) = (journal.lane("client"), journal.lane("origin"));
        journal.sent(client, b"GET http://o/ HTTP/1.1\r\n");
        journal.received(origin, b"GET / HTTP/1.1\r\n");
        let check = harness::check::find("cache.hit").expect("a check of lab 2");
        assert_eq!(lifelines(check, &messages(&journal, check.role)), ["client", "proxy", "origin"]);
    }

    #[test]
    fn an_answer_that_was_noted_late_stands_before_what_follows_from_it() {
        let journal = Journal::default();
        let (client, origin) = (journal.lane("client"), journal.lane("origin"));
        journal.received(origin, b"GET /\r\n");
        journal.sent(client, b"GET http://o/\r\n");
        journal.received(client, b"HTTP/1.1 200 OK\r\nAge: 3\r\n\r\n");
        journal.sent(origin, b"HTTP/1.1 200 OK\r\n");
        let found = messages(&journal, Role::Proxy);
        let ways: Vec<String> =
            found.iter().map(|message| format!("{} {}", message.from, message.to)).collect();
        assert_eq!(ways, ["client proxy", "proxy origin", "origin proxy", "proxy client"]);
        assert_eq!(found[3].details, ["Age"]);
    }

    #[test]
    fn a_target_that_was_drawn_at_random_has_a_letter() {
        let mut names = Names::default();
        let shortened = |words: &str| names.shorten(words);
        assert_eq!(
            ["GET http://127.0.0.1:40043/czgwxzue/kcofywss", "GET /czgwxzue/kcofywss", "GET /", "200 OK"]
                .map(shortened),
            ["GET http://origin/a", "GET /a", "GET /", "200 OK"]
        );
    }
}
