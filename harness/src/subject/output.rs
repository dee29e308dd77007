//! What a program printed, kept within bounds: the first octets, the last ones, and the count of all.

use std::collections::VecDeque;
use std::time::Instant;

/// One stream of a program's output.
#[derive(Clone, Debug)]
pub struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    head_limit: usize,
    /// For each read from the pipe: where its octets end in `head`, and when they came.
    arrivals: Vec<(usize, Instant)>,
    closed: bool,
}

/// How many octets of the end are kept once the head is full.
const TAIL: usize = 32 * 1024;

impl Output {
    pub(super) fn keeping(head_limit: usize) -> Self {
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            total: 0,
            head_limit,
            arrivals: Vec::new(),
            closed: false,
        }
    }

    pub(super) fn push(&mut self, octets: &[u8], at: Instant) {
        self.total += octets.len() as u64;
        let (first, rest) = octets.split_at(octets.len().min(self.head_limit - self.head.len()));
        if !first.is_empty() {
            self.head.extend_from_slice(first);
            self.arrivals.push((self.head.len(), at));
        }
        let rest = &rest[rest.len().saturating_sub(TAIL)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(TAIL);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// The first octets: everything, unless [`Output::is_cut`].
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// All octets ever printed, kept or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// More was printed than `head` holds.
    pub fn is_cut(&self) -> bool {
        self.total > self.head.len() as u64
    }

    /// Nobody holds the other end any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// When the octet at this offset of `head` came, as the harness saw it.
    pub fn arrival(&self, offset: usize) -> Option<Instant> {
        let read = self.arrivals.partition_point(|&(end, _)| end <= offset);
        self.arrivals.get(read).map(|&(_, at)| at)
    }

    /// For people: as text, with a note where something was left out.
    pub fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        let left_out = self.total - self.head.len() as u64 - self.tail.len() as u64;
        if left_out > 0 {
            text.push_str(&format!("\n[… {left_out} octets left out …]\n"));
        }
        text.push_str(&String::from_utf8_lossy(&self.tail.iter().copied().collect::<Vec<u8>>()));
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn short_output_is_kept_whole() {
        let mut output = Output::keeping(16);
        output.push(b"one\n", Instant::now());
        output.push(b"two\n", Instant::now());
        assert_eq!(output.head(), b"one\ntwo\n");
        assert!(!output.is_cut());
        assert_eq!(output.text(), "one\ntwo\n");
    }

    #[test]
    fn long_output_keeps_its_beginning_and_its_end() {
        let mut output = Output::keeping(4);
        output.push(b"head", Instant::now());
        for _ in 0..100 {
            output.push(&[b'.'; 1000], Instant::now());
        }
        output.push(b"end", Instant::now());
        assert_eq!(output.total(), 100_007);
        assert!(output.is_cut());
        let text = output.text();
        assert!(
            text.starts_with(&format!("head\n[… {} octets left out …]\n...", 100_003 - TAIL)),
            "{text:.60}"
        );
        assert!(text.ends_with("..end"));
    }

    #[test]
    fn one_huge_piece_is_cut_like_many_small_ones() {
        let mut output = Output::keeping(4);
        output.push(&vec![b'x'; 10 * TAIL], Instant::now());
        assert_eq!((output.head().len(), output.tail.len()), (4, TAIL));
    }

    #[test]
    fn every_octet_has_the_time_of_its_piece() {
        let mut output = Output::keeping(16);
        let first = Instant::now();
        let second = first + Duration::from_millis(5);
        output.push(b"one\n", first);
        output.push(b"two\n", second);
        assert_eq!(output.arrival(3), Some(first));
        assert_eq!(output.arrival(4), Some(second));
        assert_eq!(output.arrival(8), None);
    }
}
