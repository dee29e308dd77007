//! The model keeps to its own description.

use proptest::prelude::*;

use super::*;
use crate::wire::icmp::{ECHO_REPLY, ECHO_REQUEST, HEADER, Malformed};

fn request() -> impl Strategy<Value = Echo> {
    let data = proptest::collection::vec(any::<u8>(), 0..200);
    (any::<u16>(), any::<u16>(), data).prop_map(|(identifier, sequence, data)| Echo {
        kind: ECHO_REQUEST,
        code: 0,
        identifier,
        sequence,
        data,
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    let share = 0.0..=1.0_f64;
    let bursts = (share.clone(), share.clone(), share.clone(), share.clone())
        .prop_map(|(enter, leave, in_good, in_bad)| Loss::Bursts { enter, leave, in_good, in_bad });
    let loss = prop_oneof![share.clone().prop_map(Loss::Independent), bursts];
    let delay = (0..100_u64, 0..100_u64)
        .prop_map(|(least, more)| (Duration::from_millis(least), Duration::from_millis(least + more)));
    (any::<u64>(), loss, share.clone(), share, delay).prop_map(
        |(seed, loss, duplicated, corrupted, delay)| Profile { seed, loss, duplicated, corrupted, delay },
    )
}

/// The answers to requests 1 to 60.
fn answers(network: &Network) -> Vec<Vec<Answer>> {
    (1..=60).map(|sequence| network.answers(sequence, 0)).collect()
}

proptest! {
    #[test]
    fn what_happens_to_one_request_depends_on_no_other(profile in profile(), order in Just((1..=60).collect::<Vec<u16>>()).prop_shuffle()) {
        let network = Network::Profile(profile);
        let forwards = answers(&network);
        for sequence in order {
            prop_assert_eq!(&network.answers(sequence, 0), &forwards[usize::from(sequence) - 1]);
        }
    }

    #[test]
    fn delays_and_copies_are_within_what_the_profile_says(profile in profile()) {
        for sequence in 1..=60 {
            let answers = profile.answers(sequence, 0);
            prop_assert!(answers.len() <= 2);
            for answer in answers {
                prop_assert!((profile.delay.0..=profile.delay.1).contains(&answer.after));
                prop_assert!(matches!(answer.form, Form::Reply | Form::Flipped(_)));
                prop_assert!(!answer.from_elsewhere);
            }
        }
    }

    #[test]
    fn bursts_are_those_of_the_chain(seed: u64, enter in 0.0..=1.0_f64, leave in 0.0..=1.0_f64) {
        let loss = Loss::Bursts { enter, leave, in_good: 0.0, in_bad: 1.0 };
        let profile = Profile { seed, loss, duplicated: 0.0, corrupted: 0.0, delay: Default::default() };
        let mut bad = false;
        for sequence in 1..=60 {
            let chance = profile.chance(sequence, 0, Knob::Step);
            bad = if bad { chance >= leave } else { chance < enter };
            prop_assert_eq!(profile.is_bad(sequence), bad);
            prop_assert_eq!(profile.answers(sequence, 0).is_empty(), bad);
        }
    }

    #[test]
    fn a_form_is_what_its_name_says(message in request(), at: usize, length in 0..100_usize, by: i16) {
        let request = message.to_octets();
        let reply = message.reply();
        let octets = |form: Form| form.octets(&request, &message);
        prop_assert_eq!(Echo::parse(&octets(Form::Reply)), Ok(Echo { kind: ECHO_REPLY, ..message.clone() }));
        prop_assert_eq!(octets(Form::Identical), request.clone());

        let right = reply.to_octets();
        let flipped = octets(Form::Flipped(at));
        let differing: u32 = right.iter().zip(&flipped).map(|(a, b)| (a ^ b).count_ones()).sum();
        prop_assert_eq!((flipped.len(), differing), (right.len(), 1));
        let is_checksum_error = matches!(Echo::parse(&flipped), Err(Malformed::Checksum { .. }));
        prop_assert!(is_checksum_error);

        let altered = Echo::parse(&octets(Form::Altered(at % 250)));
        prop_assert_eq!(altered != Ok(reply.clone()), at % 250 < reply.data.len());

        let cut = octets(Form::Cut(length));
        prop_assert_eq!(&cut[..], &right[..length.min(right.len())]);

        let longer = Echo::parse(&octets(Form::Longer(length))).unwrap();
        prop_assert_eq!(longer.data.len(), reply.data.len() + length);
        prop_assert!(longer.data.starts_with(&reply.data));

        let other = Echo::parse(&octets(Form::OtherSequence(by))).unwrap();
        prop_assert_eq!(other.sequence.wrapping_sub(reply.sequence) as i16, by);
        prop_assert_ne!(Echo::parse(&octets(Form::OtherIdentifier)).unwrap().identifier, reply.identifier);
        let asked = Echo::parse(&octets(Form::OtherRequest)).unwrap();
        prop_assert!(asked.is_request() && asked.identifier != message.identifier);
        let kind = Echo::parse(&octets(Form::Other { kind: 3, code: 1 })).unwrap();
        prop_assert_eq!((kind.kind, kind.code), (3, 1));
        prop_assert_eq!(octets(Form::Junk(length)).len(), length);
    }
}

#[test]
fn a_script_answers_each_number_as_it_says_and_the_others_alike() {
    let late = Answer::reply().after(Duration::from_millis(60));
    let script = Script::answering().dropping([2, 5]).at(3, [Answer::of(Form::Junk(HEADER)), late.clone()]);
    assert_eq!(script.answers(1), [Answer::reply()]);
    assert_eq!(script.answers(2), []);
    assert_eq!(script.answers(3), [Answer::of(Form::Junk(HEADER)), late]);
    assert_eq!(script.answers(5), []);
    assert_eq!(script.answers(65_535), [Answer::reply()]);
}

#[test]
fn two_decisions_on_one_request_are_independent() {
    let profile = Profile {
        seed: 1,
        loss: Loss::Independent(0.5),
        duplicated: 0.5,
        corrupted: 0.0,
        delay: Default::default(),
    };
    let (mut lost, mut both) = (0, 0);
    for sequence in 1..=10_000 {
        let is_lost = profile.chance(sequence, 0, Knob::Lose) < 0.5;
        lost += u32::from(is_lost);
        both += u32::from(is_lost && profile.chance(sequence, 0, Knob::Duplicate) < 0.5);
    }
    // The hash is fixed, and so are these numbers: half, and half of that.
    assert!((4_800..5_200).contains(&lost), "{lost}");
    assert!((2_300..2_700).contains(&both), "{both}");
}
