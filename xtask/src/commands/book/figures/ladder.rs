//! Who sent what to whom: a line an event, between the program and those that the harness played.

use anyhow::Result;
use harness::check::{Check, Role};
use harness::journal::{Event, Journal, Kind, Lane, Octets};
use harness::wire::bytes;

use super::svg::{Anchor, Drawing, LETTER, Stroke, short};
use crate::commands::book::runs::Runs;

/// From one lifeline to the next.
const SPAN: f32 = 200.0;
const MARGIN: f32 = 60.0;
const HEAD: f32 = 22.0;
const ROW: f32 = 30.0;

/// Runs the check on the solution and draws its record.
pub fn draw(check: &Check, runs: &mut Runs) -> Result<String> {
    let journal = runs.of(check)?;
    Ok(ladder(check, &messages(&journal, check.role)))
}

/// One arrow.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    from: String,
    to: String,
    words: String,
}

/// What went over the wire; runs of octets in one direction are one message.
fn messages(journal: &Journal, role: Role) -> Vec<Message> {
    let program = program(role);
    let several = {
        let mut parties: Vec<String> = journal
            .events()
            .iter()
            .filter_map(|event| lane(event))
            .map(|lane| party(&journal.name(lane)))
            .collect();
        parties.sort();
        parties.dedup();
        parties.len() > 1
    };
    let mut messages = Vec::new();
    let mut last: Option<(Lane, bool, Vec<u8>)> = None;
    let end = |last: &mut Option<(Lane, bool, Vec<u8>)>, messages: &mut Vec<Message>| {
        if let Some((lane, ours, octets)) = last.take() {
            messages.push(message(&party(&journal.name(lane)), program, ours, &first_line(&octets)));
        }
    };
    for event in journal.events() {
        if let Some((lane, ours, Octets { kept, .. })) = octets(&event.kind) {
            match &mut last {
                Some((same, direction, gathered)) if *same == lane && *direction == ours => {
                    gathered.extend(kept)
                }
                _ => {
                    end(&mut last, &mut messages);
                    last = Some((lane, ours, kept.clone()));
                }
            }
            continue;
        }
        let sign = match &event.kind {
            Kind::WeHalfClosed(lane) => Some((*lane, true, "FIN".to_owned())),
            Kind::TheyClosed(lane) => Some((*lane, false, "FIN".to_owned())),
            Kind::WeReset(lane) => Some((*lane, true, "RST".to_owned())),
            Kind::TheyReset(lane) => Some((*lane, false, "RST".to_owned())),
            Kind::Datagram { lane, ours, what, .. } => Some((*lane, *ours, what.clone())),
            _ => None,
        };
        // With several connections their ends come in no order that means anything.
        if let Some((lane, ours, words)) = sign.filter(|(_, _, words)| !several || !is_end(words)) {
            end(&mut last, &mut messages);
            messages.push(message(&party(&journal.name(lane)), program, ours, &words));
        }
    }
    end(&mut last, &mut messages);
    messages
}

fn message(party: &str, program: &str, ours: bool, words: &str) -> Message {
    let (from, to) = if ours { (party, program) } else { (program, party) };
    Message { from: from.to_owned(), to: to.to_owned(), words: words.to_owned() }
}

fn is_end(words: &str) -> bool {
    matches!(words, "FIN" | "RST")
}

fn octets(kind: &Kind) -> Option<(Lane, bool, &Octets)> {
    match kind {
        Kind::Sent(lane, octets) => Some((*lane, true, octets)),
        Kind::Received(lane, octets) => Some((*lane, false, octets)),
        _ => None,
    }
}

fn lane(event: &Event) -> Option<Lane> {
    match &event.kind {
        Kind::Datagram { lane, .. } => Some(*lane),
        kind => octets(kind).map(|(lane, ..)| lane),
    }
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

/// What a message is, by its first line.
fn first_line(octets: &[u8]) -> String {
    let line = octets.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let shown = bytes::show(line);
    if octets.len() > line.len() + 2 { format!("{shown} …") } else { shown }
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
    let spoken: Vec<String> =
        messages.iter().map(|Message { from, to, words }| format!("{from} to {to}: {words}.")).collect();
    let title = format!("The messages of {}", check.id);
    let mut drawing = Drawing::new(width as u32, &title, &spoken.join(" "));
    let bottom = HEAD + 14.0 + ROW * messages.len() as f32;
    for line in &lines {
        let x = place(line);
        drawing.framed((x - 50.0, 2.0), (100.0, HEAD), Stroke::Plain, line);
        drawing.line((x, HEAD + 2.0), (x, bottom), Stroke::Faint);
    }
    let room = ((span - 12.0) / LETTER) as usize;
    for (index, Message { from, to, words }) in messages.iter().enumerate() {
        let y = HEAD + ROW * (index + 1) as f32;
        let (start, end) = (place(from), place(to));
        let stroke = if is_end(words) { Stroke::Dashed } else { Stroke::Plain };
        drawing.text(((start + end) / 2.0, y - 5.0), Anchor::Middle, &short(words, room));
        drawing.arrow(&[(start, y), (end, y)], stroke);
    }
    drawing.finish()
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
        assert_eq!(words, ["GET / HTTP/1.1 …", "HTTP/1.1 200 OK", "FIN"]);
    }

    #[test]
    fn the_program_stands_between_those_who_ask_it_and_those_it_asks() {
        let journal = Journal::default();
        let (client, origin) = (journal.lane("client"), journal.lane("origin"));
        journal.sent(client, b"GET http://o/ HTTP/1.1\r\n");
        journal.received(origin, b"GET / HTTP/1.1\r\n");
        let check = Lab2Check::any();
        assert_eq!(lifelines(check, &messages(&journal, check.role)), ["client", "proxy", "origin"]);
    }

    struct Lab2Check;

    impl Lab2Check {
        fn any() -> &'static Check {
            harness::check::find("cache.hit").expect("a check of lab 2")
        }
    }
}
