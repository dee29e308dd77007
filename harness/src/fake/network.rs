//! What a lossy, lying network makes of an echo: which datagrams come back for a request, when, and in what shape.
//!
//! Nothing here is drawn from a stream of random numbers. A [`Script`] says it outright for each sequence number; in
//! a [`Profile`] every decision is a hash of the seed, the sequence number, which copy of the request it is, and what
//! is decided. So neither load, nor the order of arrival, nor a repeated request changes what happens to another one.
//! No check tests a probability: what happened to each datagram is in the far end's trace.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::wire::icmp::Echo;

/// A datagram that goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Since the request was read.
    pub after: Duration,
    pub form: Form,
    /// From another port than the one that was asked.
    pub from_elsewhere: bool,
    /// Sent again and again, so much later each time.
    pub again_after: Option<Duration>,
}

/// What it is made of. All but the forms that say otherwise carry a right checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Type 0 and the rest as it came.
    Reply,
    /// The request itself, octet for octet, as RFC 862 has it.
    Identical,
    /// The reply with this bit, of all of its octets, the other way round.
    Flipped(usize),
    /// The reply with another octet at this place of its data, where there is one.
    Altered(usize),
    /// No more than the first octets of the reply, its checksum as it was.
    Cut(usize),
    /// The reply with so many octets more of data.
    Longer(usize),
    /// The reply to the request so many numbers later (earlier, where negative), with this one's data.
    OtherSequence(i16),
    /// The reply with an identifier that is not the request's.
    OtherIdentifier,
    /// A request such as this one, with an identifier that is not its own: another program asks.
    OtherRequest,
    /// The reply with this type and code.
    Other { kind: u8, code: u8 },
    /// So many octets that mean nothing.
    Junk(usize),
}

impl Answer {
    /// At once, from where it was asked.
    pub fn of(form: Form) -> Self {
        Answer { after: Duration::ZERO, form, from_elsewhere: false, again_after: None }
    }

    /// A good reply, at once.
    pub fn reply() -> Self {
        Answer::of(Form::Reply)
    }

    pub fn after(self, after: Duration) -> Self {
        Answer { after, ..self }
    }

    pub fn from_elsewhere(self) -> Self {
        Answer { from_elsewhere: true, ..self }
    }

    /// And again at every `interval`, for as long as somebody is there; at once, if that is zero.
    pub fn again_every(self, interval: Duration) -> Self {
        Answer { again_after: Some(interval), ..self }
    }
}

impl Form {
    /// The octets that answer `request`, of which `message` is what it says.
    pub fn octets(&self, request: &[u8], message: &Echo) -> Vec<u8> {
        let reply = message.reply();
        match *self {
            Form::Reply => reply.to_octets(),
            Form::Identical => request.to_vec(),
            Form::Flipped(bit) => {
                let mut octets = reply.to_octets();
                let bit = bit % (8 * octets.len());
                octets[bit / 8] ^= 1 << (bit % 8);
                octets
            }
            Form::Altered(at) => {
                let mut data = reply.data.clone();
                if let Some(octet) = data.get_mut(at) {
                    *octet = octet.wrapping_add(1);
                }
                Echo { data, ..reply }.to_octets()
            }
            Form::Cut(length) => {
                let mut octets = reply.to_octets();
                octets.truncate(length);
                octets
            }
            Form::Longer(more) => {
                let mut data = reply.data.clone();
                data.extend((0..more).map(|n| n as u8));
                Echo { data, ..reply }.to_octets()
            }
            Form::OtherSequence(by) => {
                Echo { sequence: reply.sequence.wrapping_add_signed(by), ..reply }.to_octets()
            }
            Form::OtherIdentifier => Echo { identifier: reply.identifier ^ 0x5555, ..reply }.to_octets(),
            Form::OtherRequest => {
                Echo { identifier: message.identifier ^ 0x5555, ..message.clone() }.to_octets()
            }
            Form::Other { kind, code } => Echo { kind, code, ..reply }.to_octets(),
            Form::Junk(length) => (0..length).map(|n| (n * 37 + 11) as u8).collect(),
        }
    }

    /// Whether it answers the request as lab 3's contract wants it: the program must count it.
    pub fn counts(&self) -> bool {
        matches!(self, Form::Reply | Form::Identical)
    }

    /// For a person: `a reply with bit 70 flipped`.
    pub fn describe(&self) -> String {
        match self {
            Form::Reply => "the reply".to_owned(),
            Form::Identical => "the identical datagram".to_owned(),
            Form::Flipped(bit) => format!("the reply with bit {} of octet {} flipped", bit % 8, bit / 8),
            Form::Altered(at) => {
                format!("the reply with octet {at} of its data changed and the checksum made right again")
            }
            Form::Cut(length) => format!("the first {length} octets of the reply"),
            Form::Longer(more) => format!("the reply with {more} octets of data more, checksum right"),
            Form::OtherSequence(by) => {
                format!("the reply with its sequence number changed by {by:+}, checksum right")
            }
            Form::OtherIdentifier => "the reply with another identifier, checksum right".to_owned(),
            Form::OtherRequest => "a request with another identifier, checksum right".to_owned(),
            Form::Other { kind, code } => {
                format!("the reply made type {kind}, code {code}, checksum right")
            }
            Form::Junk(length) => format!("{length} octets of junk"),
        }
    }
}

/// Decides what answers a request.
#[derive(Clone, Debug)]
pub enum Network {
    Script(Script),
    Profile(Profile),
}

impl Network {
    /// What goes back for the request with this sequence number; `copy` counts its earlier arrivals.
    pub fn answers(&self, sequence: u16, copy: u32) -> Vec<Answer> {
        match self {
            Network::Script(script) => script.answers(sequence),
            Network::Profile(profile) => profile.answers(sequence, copy),
        }
    }
}

/// Answers by sequence number; each copy of a request gets the same.
#[derive(Clone, Debug)]
pub struct Script {
    by_sequence: BTreeMap<u16, Vec<Answer>>,
    otherwise: Vec<Answer>,
}

impl Script {
    /// Answers every request at once.
    pub fn answering() -> Self {
        Script::always([Answer::reply()])
    }

    /// Answers nothing.
    pub fn silent() -> Self {
        Script::always([])
    }

    pub fn always(answers: impl IntoIterator<Item = Answer>) -> Self {
        Script { by_sequence: BTreeMap::new(), otherwise: answers.into_iter().collect() }
    }

    /// These answers for the request with this sequence number.
    pub fn at(mut self, sequence: u16, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.by_sequence.insert(sequence, answers.into_iter().collect());
        self
    }

    /// No answer for these.
    pub fn dropping(self, sequences: impl IntoIterator<Item = u16>) -> Self {
        sequences.into_iter().fold(self, |script, sequence| script.at(sequence, []))
    }

    fn answers(&self, sequence: u16) -> Vec<Answer> {
        self.by_sequence.get(&sequence).unwrap_or(&self.otherwise).clone()
    }
}

/// A network as it might be in the wild; everything is decided by the seed.
#[derive(Clone, Debug)]
pub struct Profile {
    pub seed: u64,
    pub loss: Loss,
    /// The share of replies that arrive twice.
    pub duplicated: f64,
    /// The share of replies with a bit flipped.
    pub corrupted: f64,
    /// A reply is held back for at least the first, and evenly spread up to the second: that reorders.
    pub delay: (Duration, Duration),
}

/// How requests are lost.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    /// Each with this probability.
    Independent(f64),
    /// After Gilbert and Elliott: a chain of two states, good at first, that makes one step for each sequence number.
    Bursts { enter: f64, leave: f64, in_good: f64, in_bad: f64 },
}

/// What a decision is about. A hash of two different ones says nothing of each other.
#[derive(Clone, Copy)]
enum Knob {
    Step = 1,
    Lose,
    Duplicate,
    Delay,
    Corrupt,
    Bit,
}

impl Profile {
    fn answers(&self, sequence: u16, copy: u32) -> Vec<Answer> {
        if self.chance(sequence, copy, Knob::Lose) < self.loss(sequence) {
            return Vec::new();
        }
        let copies = if self.chance(sequence, copy, Knob::Duplicate) < self.duplicated { 2 } else { 1 };
        // The copies of one reply have decisions of their own: their numbers lie above those of requests.
        (0..copies).map(|n| self.answer(sequence, 2 * copy + n)).collect()
    }

    fn answer(&self, sequence: u16, copy: u32) -> Answer {
        let (least, most) = self.delay;
        let spread = most.saturating_sub(least).mul_f64(self.chance(sequence, copy, Knob::Delay));
        let form = if self.chance(sequence, copy, Knob::Corrupt) < self.corrupted {
            Form::Flipped(self.hash(sequence, copy, Knob::Bit) as usize % (8 * crate::wire::icmp::HEADER))
        } else {
            Form::Reply
        };
        Answer::of(form).after(least + spread)
    }

    /// The probability that a request is lost, by the state the chain is in at its number.
    fn loss(&self, sequence: u16) -> f64 {
        match self.loss {
            Loss::Independent(probability) => probability,
            Loss::Bursts { in_good, in_bad, .. } => {
                if self.is_bad(sequence) {
                    in_bad
                } else {
                    in_good
                }
            }
        }
    }

    /// Whether the chain of [`Loss::Bursts`] is in its bad state at this number: from the start each time, so that
    /// requests may come in any order.
    pub fn is_bad(&self, sequence: u16) -> bool {
        let Loss::Bursts { enter, leave, .. } = self.loss else { return false };
        (1..=sequence).fold(false, |bad, step| {
            let chance = self.chance(step, 0, Knob::Step);
            if bad { chance >= leave } else { chance < enter }
        })
    }

    /// From 0 up to 1, evenly.
    fn chance(&self, sequence: u16, copy: u32, knob: Knob) -> f64 {
        (self.hash(sequence, copy, knob) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn hash(&self, sequence: u16, copy: u32, knob: Knob) -> u64 {
        let counter = u64::from(sequence) << 40 | u64::from(copy) << 8 | knob as u64;
        mix(mix(self.seed).wrapping_add(counter.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
