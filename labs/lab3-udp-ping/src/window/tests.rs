//! A window, seen from the pinger's side: requests go out, datagrams come in, time passes.

use super::*;

const MS: Duration = Duration::from_millis(1);
const IDENTIFIER: u16 = 0x1234;
const SIZE: usize = 12;

/// A window with requests 1 to `count`, sent 10 ms apart from `start`, each with its number as its
/// stamp and 100 ms to be answered.
struct Run {
    window: Window,
    start: Instant,
}

impl Run {
    fn of(count: u32) -> Run {
        let start = Instant::now();
        let window = Window::new(IDENTIFIER, SIZE, 100 * MS);
        let mut run = Run { window, start };
        (0..count).for_each(|i| run.send(10 * i));
        run
    }

    fn send(&mut self, ms: u32) {
        let stamp = self.window.next_sequence().into();
        self.window.sent(stamp, self.start + ms * MS);
    }

    fn receive(&mut self, datagram: &[u8], ms: u32) -> Received {
        self.window.judge(datagram, self.start + ms * MS)
    }

    fn reply(&mut self, sequence: u16, ms: u32) -> Received {
        self.receive(&datagram(packet::REPLY, 0, IDENTIFIER, sequence), ms)
    }

    fn expired(&mut self, ms: u32) -> Vec<u16> {
        let now = self.start + ms * MS;
        std::iter::from_fn(|| self.window.expire(now)).collect()
    }

    /// In ms from the start.
    fn deadline(&mut self) -> Option<u128> {
        let deadline = self.window.deadline()?;
        Some((deadline - self.start).as_millis())
    }
}

fn datagram(kind: u8, code: u8, identifier: u16, sequence: u16) -> Vec<u8> {
    let data = packet::data(sequence.into(), SIZE);
    let message = Message {
        kind,
        code,
        identifier,
        sequence,
        data: &data,
    };
    message.encode()
}

fn reply(sequence: u16, ms: u32) -> Received {
    let rtt = ms * MS;
    Received::Reply { sequence, rtt }
}

fn ignored(reason: Reason) -> Received {
    Received::Ignored(reason)
}

mod step2 {
    use super::*;

    #[test]
    fn a_reply_is_timed_from_its_request() {
        let mut run = Run::of(1);
        assert_eq!(run.reply(1, 3), reply(1, 3));
        assert_eq!(run.deadline(), None);
        assert_eq!(run.expired(1000), []);
    }

    #[test]
    fn a_request_is_given_up_when_its_time_has_passed_and_not_before() {
        let mut run = Run::of(1);
        assert_eq!(run.deadline(), Some(100));
        assert_eq!(run.expired(99), []);
        assert_eq!(run.expired(100), [1]);
        assert_eq!(run.expired(100), []);
        assert_eq!(run.deadline(), None);
    }

    #[test]
    fn a_reply_to_a_request_given_up_is_late() {
        let mut run = Run::of(1);
        run.expired(100);
        assert_eq!(run.reply(1, 101), ignored(Reason::Late(1)));
    }

    #[test]
    fn a_reply_after_its_time_is_late_though_nobody_has_looked_at_the_clock() {
        let mut run = Run::of(1);
        assert_eq!(run.reply(1, 101), ignored(Reason::Late(1)));
        assert_eq!(run.expired(101), [1]);
    }

    #[test]
    fn a_late_reply_does_not_answer_the_next_request() {
        let mut run = Run::of(1);
        run.expired(100);
        run.send(100);
        assert!(matches!(run.reply(1, 110), Received::Ignored(_)));
        assert_eq!(run.reply(2, 120), reply(2, 20));
    }

    #[test]
    fn what_is_too_short_is_no_message() {
        let mut run = Run::of(1);
        for length in 0..packet::HEADER {
            let reason = Reason::Short(length);
            assert_eq!(run.receive(&[0; 7][..length], 1), ignored(reason));
        }
    }

    #[test]
    fn a_request_that_was_not_sent_uses_up_its_number_and_does_not_wait() {
        let mut run = Run::of(0);
        run.window.not_sent(1, run.start);
        assert_eq!(run.deadline(), None);
        run.send(0);
        assert_eq!(run.reply(2, 1), reply(2, 1));
    }
}

mod step3 {
    use super::*;

    #[test]
    fn replies_in_any_order_find_their_requests() {
        let mut run = Run::of(4);
        for sequence in [3, 1, 4, 2] {
            let ms = 60 - 10 * (u32::from(sequence) - 1);
            assert_eq!(run.reply(sequence, 60), reply(sequence, ms));
        }
        assert_eq!(run.deadline(), None);
    }

    #[test]
    fn requests_are_given_up_in_the_order_of_their_sending() {
        let mut run = Run::of(5);
        run.reply(2, 50);
        assert_eq!(run.deadline(), Some(100));
        assert_eq!(run.expired(120), [1, 3]);
        assert_eq!(run.deadline(), Some(130));
        assert_eq!(run.expired(1000), [4, 5]);
    }

    #[test]
    fn numbers_that_were_never_sent_are_not_found() {
        let mut run = Run::of(3);
        for sequence in [0, 4, 1003, u16::MAX] {
            assert_eq!(run.reply(sequence, 30), ignored(Reason::Sequence(sequence)));
        }
    }

    #[test]
    fn sequence_numbers_come_round_again() {
        let mut run = Run::of(0);
        run.window.next = u16::MAX - 1;
        (0..4).for_each(|_| run.send(0));
        for sequence in [0, u16::MAX, 1] {
            assert_eq!(run.reply(sequence, 5), reply(sequence, 5));
        }
        assert_eq!(run.expired(100), [u16::MAX - 1]);
    }

    #[test]
    fn a_million_requests_take_no_more_memory_than_the_remembered_ones() {
        let mut run = Run::of(0);
        for _ in 0..1_000_000 {
            run.send(0);
            let sequence = run.window.last_sequence();
            let index = run.window.find(sequence).unwrap();
            run.window.requests[index].state = State::Answered;
            assert_eq!(run.window.oldest(), None);
        }
        assert!(run.window.requests.len() <= MEMORY + 2);
    }

    #[test]
    fn a_number_that_is_needed_again_is_given_up_before_its_time() {
        let mut run = Run::of(0);
        (0..CAPACITY).for_each(|_| run.send(0));
        assert_eq!(
            run.expired(1),
            [1],
            "number 0 is free, and the one after it soon needed"
        );
        run.send(1);
        assert_eq!(run.expired(1), [2]);
        assert_eq!(run.window.requests.len(), CAPACITY);
    }
}

mod step4 {
    use super::*;

    #[test]
    fn a_second_valid_reply_is_a_duplicate() {
        let mut run = Run::of(2);
        assert_eq!(run.reply(2, 12), reply(2, 2));
        let rtt = 5 * MS;
        assert_eq!(run.reply(2, 15), Received::Duplicate { sequence: 2, rtt });
        assert_eq!(run.reply(1, 16), reply(1, 16));
    }

    #[test]
    fn a_request_come_back_unchanged_is_a_reply() {
        let mut run = Run::of(1);
        let echoed = datagram(packet::REQUEST, 0, IDENTIFIER, 1);
        assert_eq!(run.receive(&echoed, 1), reply(1, 1));
    }

    #[test]
    fn neither_another_type_nor_another_code_is_a_reply() {
        let mut run = Run::of(1);
        for (kind, code) in [(3, 0), (0, 1), (8, 1), (255, 255)] {
            let lie = datagram(kind, code, IDENTIFIER, 1);
            assert_eq!(run.receive(&lie, 1), ignored(Reason::Kind(kind, code)));
        }
    }

    #[test]
    fn what_another_program_asked_is_not_ours() {
        let mut run = Run::of(1);
        for kind in [packet::REPLY, packet::REQUEST] {
            let foreign = datagram(kind, 0, !IDENTIFIER, 1);
            assert_eq!(
                run.receive(&foreign, 1),
                ignored(Reason::Identifier(!IDENTIFIER))
            );
        }
    }

    #[test]
    fn data_that_is_not_ours_is_a_lie_though_its_checksum_is_right() {
        let mut run = Run::of(1);
        let data = packet::data(1, SIZE);
        let altered = [&data[..SIZE - 1], b"!"].concat();
        let longer = [&data[..], b"!"].concat();
        for lie in [
            &altered[..],
            &longer,
            &data[..SIZE - 1],
            &packet::data(2, SIZE),
            b"",
        ] {
            let message = Message {
                kind: packet::REPLY,
                code: 0,
                identifier: IDENTIFIER,
                sequence: 1,
                data: lie,
            };
            assert_eq!(run.receive(&message.encode(), 1), ignored(Reason::Data(1)));
        }
        assert_eq!(run.reply(1, 2), reply(1, 2));
    }

    #[test]
    fn cut_off_or_damaged_anywhere_it_does_not_count() {
        let mut run = Run::of(1);
        let whole = datagram(packet::REPLY, 0, IDENTIFIER, 1);
        for length in 0..whole.len() {
            assert!(matches!(
                run.receive(&whole[..length], 1),
                Received::Ignored(_)
            ));
        }
        for octet in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[octet] ^= 0x10;
            assert_eq!(run.receive(&damaged, 1), ignored(Reason::Checksum));
        }
        assert_eq!(run.reply(1, 1), reply(1, 1));
    }

    #[test]
    fn what_is_ignored_gives_a_request_no_more_time() {
        let mut run = Run::of(1);
        run.receive(b"junk and more junk", 60);
        assert_eq!(run.deadline(), Some(100));
        assert_eq!(run.expired(100), [1]);
    }
}

mod step6 {
    use super::*;

    #[test]
    fn an_error_is_taken_for_the_oldest_that_waits() {
        let mut run = Run::of(3);
        run.reply(1, 25);
        assert_eq!(run.window.fail(), 2);
        assert_eq!(run.window.fail(), 3);
        assert_eq!(run.expired(1000), [], "an error is reported once");
        assert_eq!(run.window.fail(), 3, "a late error names the last request");
    }
}
