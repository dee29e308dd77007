//! The one record of a check: every octet, open, close, half-close, reset and datagram, with monotonic times and lanes.
//!
//! Whatever a person is shown of a run (the steps of a failure, a ladder diagram, a capture file) is a
//! rendering of this record.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use memchr::memmem;

use crate::wire::bytes;

/// What stands for a secret.
pub const HIDDEN: &str = "[the password]";

/// Octets kept of one check; of what comes after, only the length is known.
const KEEP: usize = 4 << 20;

/// One connection, from the harness's side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane(usize);

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Since the check began.
    pub at: Duration,
    /// The part of the check in which it happened.
    part: Part,
    pub kind: Kind,
}

/// A part of a check that stands for itself; a failure tells of one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part(usize);

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub ours: SocketAddr,
    pub theirs: SocketAddr,
    /// Who connected.
    pub opened_by_us: bool,
}

/// Where a datagram came from and where it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    pub from: SocketAddr,
    pub to: SocketAddr,
}

/// What happened; "we" are the harness, "they" the program under test.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Something done or seen that no wire shows, as a sentence: `started your program on 127.0.0.1:40213`.
    Step(String),
    /// A connection came to be; one that is gone again at once may have no ends to tell of.
    Opened(Lane, Option<Ends>),
    Sent(Lane, Octets),
    Received(Lane, Octets),
    /// We sent FIN and go on reading.
    WeHalfClosed(Lane),
    /// They sent FIN.
    TheyClosed(Lane),
    TheyReset(Lane),
    WeClosed(Lane),
    /// We sent RST.
    WeReset(Lane),
    /// A datagram that we sent, or received, and what it is: `request 3, 64 octets`.
    Datagram {
        lane: Lane,
        ours: bool,
        way: Way,
        what: String,
        octets: Octets,
    },
}

/// Octets as they went by; `kept` is their beginning.
#[derive(Clone, Debug)]
pub struct Octets {
    pub kept: Vec<u8>,
    pub total: usize,
}

/// See the module.
#[derive(Debug)]
pub struct Journal {
    start: Instant,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// Lane names, by number.
    lanes: Vec<String>,
    events: Vec<Event>,
    /// The part under way, and how many there have been before the last one.
    part: Part,
    parts: usize,
    kept: usize,
    /// What no record may show, in each form in which it goes by.
    secrets: Vec<Vec<u8>>,
}

impl Default for Journal {
    fn default() -> Self {
        Journal { start: Instant::now(), book: Mutex::default() }
    }
}

impl Journal {
    /// A lane of its own for a connection: `client`, `client 2`, `origin`.
    pub fn lane(&self, name: &str) -> Lane {
        let mut book = self.lock();
        let earlier = book.lanes.iter().filter(|lane| lane.split(' ').next() == Some(name)).count();
        book.lanes.push(if earlier == 0 { name.to_owned() } else { format!("{name} {}", earlier + 1) });
        Lane(book.lanes.len() - 1)
    }

    /// From now on the record has a placeholder for it, where it goes by in one piece.
    pub fn hide(&self, secret: &str) {
        self.lock().secrets.push(secret.as_bytes().to_vec());
    }

    /// Notes a step that no wire shows.
    pub fn step(&self, sentence: impl Into<String>) {
        self.push(|_| Kind::Step(sentence.into()));
    }

    pub fn opened(&self, lane: Lane, ends: Option<Ends>) {
        self.push(|_| Kind::Opened(lane, ends));
    }

    pub fn sent(&self, lane: Lane, octets: &[u8]) {
        self.push(|book| Kind::Sent(lane, book.keep(octets)));
    }

    /// Notes octets that were on their way from a moment ([`Journal::age`]) on: what they have caused may be in the
    /// record already, and has its place behind them.
    pub fn sent_since(&self, began: Duration, lane: Lane, octets: &[u8]) {
        self.push_at(began, |book| Kind::Sent(lane, book.keep(octets)));
    }

    pub fn received(&self, lane: Lane, octets: &[u8]) {
        self.push(|book| Kind::Received(lane, book.keep(octets)));
    }

    pub fn we_half_closed(&self, lane: Lane) {
        self.push(|_| Kind::WeHalfClosed(lane));
    }

    pub fn they_closed(&self, lane: Lane) {
        self.push(|_| Kind::TheyClosed(lane));
    }

    pub fn they_reset(&self, lane: Lane) {
        self.push(|_| Kind::TheyReset(lane));
    }

    pub fn we_closed(&self, lane: Lane) {
        self.push(|_| Kind::WeClosed(lane));
    }

    pub fn we_reset(&self, lane: Lane) {
        self.push(|_| Kind::WeReset(lane));
    }

    /// Notes a datagram, `ours` if we sent it.
    pub fn datagram(&self, lane: Lane, ours: bool, way: Way, what: impl Into<String>, octets: &[u8]) {
        self.push(|book| Kind::Datagram { lane, ours, way, what: what.into(), octets: book.keep(octets) });
    }

    /// Begins another part, and returns the one before.
    pub fn begin_part(&self) -> Part {
        let mut book = self.lock();
        book.parts += 1;
        let next = Part(book.parts);
        std::mem::replace(&mut book.part, next)
    }

    /// From now on an earlier part is told of.
    pub fn go_back_to(&self, part: Part) {
        self.lock().part = part;
    }

    /// Everything so far, of every part, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// Since the check began.
    pub fn age(&self) -> Duration {
        self.start.elapsed()
    }

    pub fn name(&self, lane: Lane) -> String {
        self.lock().lanes[lane.0].clone()
    }

    /// The whole record as text, a line an event: time, lane, what happened.
    pub fn transcript(&self) -> String {
        let book = self.lock();
        let mut text = String::new();
        for event in &book.events {
            let name = event.kind.lane().map_or("", |lane| book.lanes[lane.0].as_str());
            let what = event.kind.describe(usize::MAX);
            let _ = writeln!(text, "{:>10.3} ms  {name:<10} {what}", event.at.as_secs_f64() * 1e3);
        }
        text
    }

    /// What was done and what came in this part, a step a line, for a failure: neighbours that belong together are one
    /// step, and of a long record the first and the last steps are shown.
    pub fn steps(&self) -> Vec<String> {
        let book = self.lock();
        let several = book.lanes.len() > 1;
        let mut steps: Vec<String> = Vec::new();
        let told = book.events.iter().filter(|event| event.part == book.part);
        for kind in merged(told) {
            if matches!(kind, Kind::Opened(..) | Kind::WeClosed(_)) {
                continue;
            }
            let what = kind.describe(SHOWN);
            steps.push(match kind.lane() {
                Some(lane) if several => format!("{what}   ({})", book.lanes[lane.0]),
                _ => what,
            });
        }
        shorten(steps)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn push(&self, kind: impl FnOnce(&mut Book) -> Kind) {
        self.push_at(self.start.elapsed(), kind);
    }

    fn push_at(&self, at: Duration, kind: impl FnOnce(&mut Book) -> Kind) {
        let mut book = self.lock();
        let kind = kind(&mut book);
        let part = book.part;
        let earlier = book.events.iter().rposition(|event| event.at <= at);
        book.events.insert(earlier.map_or(0, |place| place + 1), Event { at, part, kind });
    }
}

impl Book {
    fn keep(&mut self, octets: &[u8]) -> Octets {
        let shown = self.secrets.iter().fold(Cow::Borrowed(octets), without);
        let octets = &*shown;
        let room = KEEP.saturating_sub(self.kept).min(octets.len());
        self.kept += room;
        Octets { kept: octets[..room].to_vec(), total: octets.len() }
    }
}

fn without<'a>(octets: Cow<'a, [u8]>, secret: &Vec<u8>) -> Cow<'a, [u8]> {
    match memmem::find(&octets, secret) {
        None => octets,
        Some(at) => {
            let rest = without(Cow::Borrowed(&octets[at + secret.len()..]), secret);
            Cow::Owned([&octets[..at], HIDDEN.as_bytes(), &rest].concat())
        }
    }
}

/// Octets of one step that are shown in a failure.
const SHOWN: usize = 300;

/// Steps shown of a long record: this many from its beginning and from its end.
const FIRST_STEPS: usize = 4;
const LAST_STEPS: usize = 11;

impl Kind {
    fn lane(&self) -> Option<Lane> {
        match self {
            Kind::Step(_) => None,
            Kind::Opened(lane, _)
            | Kind::Sent(lane, _)
            | Kind::Received(lane, _)
            | Kind::WeHalfClosed(lane)
            | Kind::TheyClosed(lane)
            | Kind::TheyReset(lane)
            | Kind::WeClosed(lane)
            | Kind::WeReset(lane)
            | Kind::Datagram { lane, .. } => Some(*lane),
        }
    }

    fn describe(&self, shown: usize) -> String {
        match self {
            Kind::Step(sentence) => sentence.clone(),
            Kind::Opened(..) => "connected".to_owned(),
            Kind::Sent(_, octets) => format!("sent   {}", octets.describe(shown)),
            Kind::Received(_, octets) => format!("got    {}", octets.describe(shown)),
            Kind::WeHalfClosed(_) => "closed our direction (FIN), still reading".to_owned(),
            Kind::TheyClosed(_) => "got    FIN: your program closed the connection".to_owned(),
            Kind::TheyReset(_) => "got    RST: the connection was reset".to_owned(),
            Kind::WeClosed(_) => "closed the connection".to_owned(),
            Kind::WeReset(_) => "reset the connection (RST)".to_owned(),
            Kind::Datagram { ours, what, octets, .. } => {
                let verb = if *ours { "sent" } else { "got " };
                // What it is says enough, except in the full record.
                let shown = if shown == usize::MAX { octets.describe(shown) } else { String::new() };
                format!("{verb}   {what}  {shown}").trim_end().to_owned()
            }
        }
    }
}

impl Octets {
    fn describe(&self, shown: usize) -> String {
        let shown = shown.min(self.kept.len());
        let mut text = bytes::show(&self.kept[..shown]);
        if shown < self.total {
            let _ = write!(text, " … ({} octets in all)", self.total);
        }
        text
    }
}

/// Runs of octets in one direction of one lane, each as a single event.
fn merged<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    for event in events {
        match (kinds.last_mut(), &event.kind) {
            (Some(Kind::Sent(lane, octets)), Kind::Sent(same, more))
            | (Some(Kind::Received(lane, octets)), Kind::Received(same, more))
                if lane == same =>
            {
                // What is shown is contiguous: nothing is appended behind a gap.
                if octets.kept.len() == octets.total {
                    octets.kept.extend_from_slice(&more.kept);
                }
                octets.total += more.total;
            }
            (_, kind) => kinds.push(kind.clone()),
        }
    }
    kinds
}

fn shorten(mut steps: Vec<String>) -> Vec<String> {
    if steps.len() > FIRST_STEPS + LAST_STEPS + 1 {
        let left_out = steps.len() - FIRST_STEPS - LAST_STEPS;
        steps.splice(
            FIRST_STEPS..FIRST_STEPS + left_out,
            [format!("… {left_out} further steps (the record has them)")],
        );
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_a_placeholder_in_the_record() {
        let journal = Journal::default();
        journal.hide("opal");
        let lane = journal.lane("server");
        journal.sent(lane, b"535 opal is not opal\r\n");
        assert_eq!(journal.steps(), ["sent   535 [the password] is not [the password]␍␊"]);
    }

    #[test]
    fn what_was_sent_stands_before_what_it_caused() {
        let journal = Journal::default();
        let (origin, client) = (journal.lane("origin"), journal.lane("client"));
        journal.step("asked");
        let began = journal.age();
        // The client's thread was quicker than ours, which has only now come back from its write.
        journal.received(client, b"page");
        journal.sent_since(began, origin, b"page");
        assert_eq!(journal.steps(), ["asked", "sent   page   (origin)", "got    page   (client)"]);
    }

    #[test]
    fn octets_of_one_direction_become_one_step() {
        let journal = Journal::default();
        let lane = journal.lane("client");
        journal.step("started your program");
        journal.opened(lane, None);
        for octet in b"GET / HTTP/1.1\r\n" {
            journal.sent(lane, &[*octet]);
        }
        journal.received(lane, b"HTTP/1.1 200 OK\r\n");
        journal.they_closed(lane);
        assert_eq!(
            journal.steps(),
            [
                "started your program",
                "sent   GET / HTTP/1.1␍␊",
                "got    HTTP/1.1 200 OK␍␊",
                "got    FIN: your program closed the connection",
            ]
        );
    }

    #[test]
    fn steps_tell_of_one_part_and_the_record_has_them_all() {
        let journal = Journal::default();
        journal.step("pool");
        let pool = journal.begin_part();
        journal.step("fork");
        assert_eq!(journal.steps(), ["fork"]);
        journal.go_back_to(pool);
        assert_eq!(journal.steps(), ["pool"]);
        assert_eq!(journal.begin_part(), pool);
        assert_eq!(journal.steps(), Vec::<String>::new());
        assert_eq!(journal.events().len(), 2);
    }

    #[test]
    fn lanes_are_named_when_there_are_several() {
        let journal = Journal::default();
        let (first, second) = (journal.lane("client"), journal.lane("client"));
        journal.sent(first, b"a");
        journal.sent(second, b"b");
        assert_eq!(journal.steps(), ["sent   a   (client)", "sent   b   (client 2)"]);
    }

    #[test]
    fn of_a_long_record_the_middle_is_left_out() {
        let journal = Journal::default();
        for n in 0..100 {
            journal.step(format!("step {n}"));
        }
        let steps = journal.steps();
        assert_eq!(steps.len(), FIRST_STEPS + LAST_STEPS + 1);
        assert_eq!(steps[FIRST_STEPS], "… 85 further steps (the record has them)");
        assert_eq!(steps.last().unwrap(), "step 99");
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_length_is_not_lost() {
        let journal = Journal::default();
        let lane = journal.lane("client");
        let block = vec![b'x'; 1 << 20];
        for _ in 0..10 {
            journal.received(lane, &block);
        }
        let kept: usize = journal
            .events()
            .iter()
            .map(|event| match &event.kind {
                Kind::Received(_, octets) => octets.kept.len(),
                _ => 0,
            })
            .sum();
        assert_eq!(kept, KEEP);
        assert!(journal.steps()[0].ends_with("(10485760 octets in all)"));
    }
}
