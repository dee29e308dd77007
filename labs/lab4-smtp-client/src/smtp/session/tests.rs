//! Whole dialogues with a server that is a list: what it says, and what it is to hear then.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::UNIX_EPOCH;

use super::super::auth::Credentials;
use super::*;
use crate::error::{NO_PERM, NO_USER, PROTOCOL, TEMP_FAIL, UNAVAILABLE};
use crate::message::Message;
use crate::mime;
use crate::transport::MockTransport;

/// What happens on a connection, in its order.
#[derive(Debug, Clone)]
enum Turn {
    /// Octets that arrive together.
    Says(&'static str),
    /// Octets that are sent together.
    Hears(&'static str),
    /// A mail, with its dot, in as many pieces as it has.
    HearsMail,
    Handshake,
    Closes,
    IsSilent,
    /// What is sent does not arrive.
    Resets,
}

use Turn::*;

/// A connection on which this happens, and nothing else.
fn transport(turns: &[Turn]) -> (MockTransport, Rc<RefCell<VecDeque<Turn>>>) {
    let script = Rc::new(RefCell::new(VecDeque::from(turns.to_vec())));
    let mut transport = MockTransport::new();
    let turns = Rc::clone(&script);
    transport
        .expect_read()
        .returning_st(move |buffer| match turns.borrow_mut().pop_front() {
            Some(Says(octets)) => {
                buffer[..octets.len()].copy_from_slice(octets.as_bytes());
                Ok(octets.len())
            }
            Some(Closes) => Ok(0),
            Some(IsSilent) => Err(ErrorKind::TimedOut.into()),
            other => panic!("it waits where the script says {other:?}"),
        });
    let turns = Rc::clone(&script);
    transport.expect_write_all().returning_st(move |octets| {
        match turns.borrow_mut().pop_front() {
            Some(Hears(expected)) => assert_eq!(String::from_utf8_lossy(octets), expected),
            Some(HearsMail) => assert!(octets.ends_with(b"\r\n.\r\n")),
            Some(Resets) => return Err(ErrorKind::ConnectionReset.into()),
            other => panic!(
                "it says {:?} where the script says {other:?}",
                octets.escape_ascii()
            ),
        }
        Ok(())
    });
    let turns = Rc::clone(&script);
    transport.expect_secure().returning_st(move || {
        assert!(matches!(turns.borrow_mut().pop_front(), Some(Handshake)));
        Ok(())
    });
    (transport, script)
}

/// A mail from `a@b` to `x@y` and as many more as there are.
fn message(recipients: &[&str]) -> Message {
    let recipients = recipients.iter().map(|address| address.parse().unwrap());
    let mut message = Message::new("a@b".parse().unwrap(), recipients.collect());
    message.text = "Hello\n.\n".into();
    message
}

/// Plays it to the end of the script, with what the task is changed to.
fn play_as(
    message: &Message,
    change: impl FnOnce(&mut Task),
    turns: &[Turn],
) -> Result<Receipt, Error> {
    let mut task = Task {
        local_ip: Ipv4Addr::LOCALHOST.into(),
        needs_starttls: false,
        credentials: None,
        from: &message.from,
        recipients: message.recipients(),
        mail: mime::compose(message, UNIX_EPOCH),
    };
    change(&mut task);
    let (mut transport, script) = transport(turns);
    let result = play(&mut transport, &task);
    assert!(script.borrow().is_empty(), "left: {:?}", script.borrow());
    result
}

fn play_to(recipients: &[&str], turns: &[Turn]) -> Result<Receipt, Error> {
    play_as(&message(recipients), |_| {}, turns)
}

/// The turns, and then a farewell.
fn and_quit(turns: &[Turn]) -> Vec<Turn> {
    [turns, &[Hears("QUIT\r\n"), Says("221 bye\r\n")]].concat()
}

const EHLO: [Turn; 2] = [Says("220 hi\r\n"), Hears("EHLO [127.0.0.1]\r\n")];
const MAIL: Turn = Hears("MAIL FROM:<a@b>\r\n");
const RCPT: Turn = Hears("RCPT TO:<x@y>\r\n");

/// The turns up to the reply to `EHLO`, and then others.
fn greeted(reply: &'static str, turns: &[Turn]) -> Vec<Turn> {
    [&EHLO[..], &[Says(reply)], turns].concat()
}

/// The turns up to the mail, and then others.
fn sent(turns: &[Turn]) -> Vec<Turn> {
    let before = [
        MAIL,
        Says("250 ok\r\n"),
        RCPT,
        Says("250 ok\r\n"),
        Hears("DATA\r\n"),
        Says("354 go\r\n"),
        HearsMail,
    ];
    greeted("250 me\r\n", &[&before[..], turns].concat())
}

#[track_caller]
fn assert_fails(result: Result<Receipt, Error>, status: u8, words: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.exit_status(), status, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

mod step1 {
    use super::*;

    #[test]
    fn one_mail_from_the_greeting_to_the_end() {
        let receipt = play_to(&["x@y"], &and_quit(&sent(&[Says("250 taken\r\n")])));
        assert_eq!(receipt.unwrap().exit_status(), OK);
    }

    #[test]
    fn every_recipient_has_a_command_of_its_own() {
        let turns = [
            MAIL,
            Says("250 ok\r\n"),
            RCPT,
            Says("250 ok\r\n"),
            Hears("RCPT TO:<z@y>\r\n"),
            Says("250 ok\r\n"),
            Hears("DATA\r\n"),
            Says("354 go\r\n"),
            HearsMail,
            Says("250 taken\r\n"),
        ];
        let receipt = play_to(
            &["x@y", "z@y", "x@y"],
            &and_quit(&greeted("250 me\r\n", &turns)),
        );
        assert_eq!(receipt.unwrap().refused, []);
    }
}

mod step2 {
    use super::*;

    #[test]
    fn replies_come_in_pieces_and_several_at_once_and_only_the_digit_counts() {
        let turns = [
            Says("22"),
            Says("0-hi\r\n220"),
            Says(" 554 no\r\n"),
            Hears("EHLO [127.0.0.1]\r\n"),
            Says("250-me\r\n250-X\r\n250\r\n"),
            MAIL,
            Says("299 550\r\n"),
            RCPT,
            Says("251-will\r\n251 forward\r\n354"),
            Hears("DATA\r\n"),
            Says("-go\r\n354 on\r\n"),
            HearsMail,
            Says("252\r\n"),
        ];
        assert!(play_to(&["x@y"], &and_quit(&turns)).is_ok());
    }

    #[test]
    fn who_does_not_know_ehlo_is_told_helo_and_no_parameter() {
        let turns = [
            Says("502 what?\r\n"),
            Hears("HELO [127.0.0.1]\r\n"),
            Says("250-me\r\n250 SIZE 9\r\n"),
            MAIL,
            Says("250 ok\r\n"),
            RCPT,
            Says("250 ok\r\n"),
            Hears("DATA\r\n"),
            Says("354 go\r\n"),
            HearsMail,
            Says("250 taken\r\n"),
        ];
        assert!(play_to(&["x@y"], &and_quit(&[&EHLO[..], &turns].concat())).is_ok());
    }

    #[test]
    fn what_is_no_reply_ends_the_dialogue_at_once() {
        for octets in ["SSH-2.0-x\r\n", "2x0 ok\r\n", "220-a\r\n221 b\r\n"] {
            assert_fails(play_to(&["x@y"], &[Says(octets)]), PROTOCOL, "no SMTP");
        }
        let turns = greeted("250 me\r\n", &[MAIL, Says("ok\r\n")]);
        assert_fails(play_to(&["x@y"], &turns), PROTOCOL, "ok");
    }
}

mod step3 {
    use super::*;

    #[test]
    fn a_server_that_turns_us_away_is_asked_for_nothing() {
        for (reply, status) in [("554 no\r\n", UNAVAILABLE), ("450 later\r\n", TEMP_FAIL)] {
            assert_fails(
                play_to(&["x@y"], &and_quit(&[Says(reply)])),
                status,
                "connecting",
            );
        }
        assert_fails(
            play_to(&["x@y"], &[Says("421 busy\r\n")]),
            TEMP_FAIL,
            "421 busy",
        );
    }

    #[test]
    fn a_refused_sender_ends_it_with_the_servers_words() {
        for (reply, status) in [
            ("550-5.7.1 not\r\n550 5.7.1 you\r\n", UNAVAILABLE),
            ("451 5.7.1 not 5.7.1 you\r\n", TEMP_FAIL),
            ("354 5.7.1 not 5.7.1 you\r\n", PROTOCOL),
        ] {
            let turns = and_quit(&greeted("250 me\r\n", &[MAIL, Says(reply)]));
            assert_fails(play_to(&["x@y"], &turns), status, "5.7.1 not 5.7.1 you");
        }
    }

    #[test]
    fn the_mail_goes_to_those_who_are_accepted() {
        let turns = [
            MAIL,
            Says("250 ok\r\n"),
            RCPT,
            Says("550 who?\r\n"),
            Hears("RCPT TO:<z@y>\r\n"),
            Says("250 ok\r\n"),
            Hears("DATA\r\n"),
            Says("354 go\r\n"),
            HearsMail,
            Says("250 taken\r\n"),
        ];
        let receipt = play_to(&["x@y", "z@y"], &and_quit(&greeted("250 me\r\n", &turns)));
        let receipt = receipt.unwrap();
        assert_eq!(receipt.exit_status(), NO_USER);
        assert_eq!(receipt.refused[0].to_string(), "x@y was refused: 550 who?");
    }

    #[test]
    fn a_mail_for_nobody_is_not_sent() {
        for (reply, status) in [("550 who?\r\n", UNAVAILABLE), ("450 later\r\n", TEMP_FAIL)] {
            let turns = [MAIL, Says("250 ok\r\n"), RCPT, Says(reply)];
            let result = play_to(&["x@y"], &and_quit(&greeted("250 me\r\n", &turns)));
            assert_fails(result, status, "x@y was refused: ");
        }
    }

    #[test]
    fn without_a_go_ahead_no_mail_is_sent() {
        for (reply, status) in [
            ("554 no\r\n", UNAVAILABLE),
            ("451 no\r\n", TEMP_FAIL),
            ("250 no\r\n", PROTOCOL),
        ] {
            let turns = [
                MAIL,
                Says("250 ok\r\n"),
                RCPT,
                Says("250 ok\r\n"),
                Hears("DATA\r\n"),
                Says(reply),
            ];
            let result = play_to(&["x@y"], &and_quit(&greeted("250 me\r\n", &turns)));
            assert_fails(result, status, "DATA");
        }
    }

    #[test]
    fn a_mail_that_is_refused_or_has_no_reply_is_not_sent() {
        for (reply, status) in [("554 spam\r\n", UNAVAILABLE), ("451 full\r\n", TEMP_FAIL)] {
            assert_fails(
                play_to(&["x@y"], &and_quit(&sent(&[Says(reply)]))),
                status,
                "the mail",
            );
        }
        for turn in [Closes, IsSilent, Says("421 bye\r\n")] {
            assert_fails(play_to(&["x@y"], &sent(&[turn])), TEMP_FAIL, "the mail");
        }
    }

    #[test]
    fn once_the_mail_is_taken_no_farewell_can_lose_it() {
        for turn in [
            Says("500 what?\r\n"),
            Says("421 bye\r\n"),
            Says("?"),
            Closes,
            IsSilent,
        ] {
            let turns = sent(&[Says("250 taken\r\n"), Hears("QUIT\r\n"), turn]);
            assert!(play_to(&["x@y"], &turns).is_ok());
        }
        let turns = sent(&[Says("250 taken\r\n"), Resets, Closes]);
        assert!(play_to(&["x@y"], &turns).is_ok());
    }

    #[test]
    fn a_server_that_cuts_the_mail_off_is_asked_why() {
        let mut turns = sent(&[]);
        turns.pop();
        turns.push(Resets);
        for (said, status, words) in [
            (Says("552 too much\r\n"), UNAVAILABLE, "552 too much"),
            (Says("421 shutting down\r\n"), TEMP_FAIL, "421"),
            (Says("250 taken\r\n"), TEMP_FAIL, "lost the connection"),
            (Closes, TEMP_FAIL, "lost the connection"),
        ] {
            let turns = [&turns[..], &[said]].concat();
            assert_fails(play_to(&["x@y"], &turns), status, words);
        }
    }

    #[test]
    fn what_a_server_says_cannot_move_the_cursor() {
        let turns = [Says("554 a\tb\x1b[2Jc\nd\r\n")];
        assert_fails(
            play_to(&["x@y"], &and_quit(&turns)),
            UNAVAILABLE,
            "554 a b [2Jc d",
        );
    }
}

mod step4 {
    use super::*;

    #[test]
    fn the_size_is_told_to_who_asks() {
        let size = mime::compose(&message(&["x@y"]), UNIX_EPOCH).size();
        let said: &'static str = format!("MAIL FROM:<a@b> SIZE={size}\r\n").leak();
        let turns = greeted(
            "250-me\r\n250 SIZE\r\n",
            &[Hears(said), Says("552 full\r\n")],
        );
        assert_fails(
            play_to(&["x@y"], &and_quit(&turns)),
            UNAVAILABLE,
            "552 full",
        );
    }

    #[test]
    fn a_mail_that_is_too_large_is_not_offered() {
        let turns = and_quit(&greeted("250-me\r\n250 SIZE 99\r\n", &[]));
        assert_fails(
            play_to(&["x@y"], &turns),
            UNAVAILABLE,
            "the server takes 99",
        );
    }

    #[test]
    fn the_dots_are_stuffed_and_the_end_is_a_line_of_its_own() {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let into = Rc::clone(&heard);
        let mut transport = MockTransport::new();
        transport.expect_write_all().returning_st(move |octets| {
            into.borrow_mut().extend_from_slice(octets);
            Ok(())
        });
        let message = message(&["x@y"]);
        let task = Task {
            local_ip: Ipv4Addr::LOCALHOST.into(),
            needs_starttls: false,
            credentials: None,
            from: &message.from,
            recipients: message.recipients(),
            mail: mime::compose(&message, UNIX_EPOCH),
        };
        Session::new(&mut transport, &task).send().unwrap();
        assert!(heard.borrow().ends_with(b"\r\n\r\nHello\r\n..\r\n.\r\n"));
    }
}

mod step7 {
    use super::*;

    fn play_secure(turns: &[Turn]) -> Result<Receipt, Error> {
        play_as(&message(&["x@y"]), |task| task.needs_starttls = true, turns)
    }

    const STARTTLS: Turn = Hears("STARTTLS\r\n");

    #[test]
    fn without_tls_nothing_is_sent() {
        let turns = and_quit(&greeted("250-me\r\n250 SIZE\r\n", &[]));
        assert_fails(play_secure(&turns), PROTOCOL, "does not offer STARTTLS");
        for reply in ["454 not now\r\n", "502 what?\r\n", "250 fine\r\n"] {
            let turns = and_quit(&greeted(
                "250-me\r\n250 STARTTLS\r\n",
                &[STARTTLS, Says(reply)],
            ));
            assert_fails(play_secure(&turns), PROTOCOL, &reply[..3]);
        }
    }

    #[test]
    fn what_came_in_clear_is_forgotten_and_everything_is_said_anew() {
        let turns = [
            STARTTLS,
            Says("220 go\r\n250-evil\r\n250 PIPELINING\r\n"),
            Handshake,
            Hears("EHLO [127.0.0.1]\r\n"),
            Says("250-me\r\n250 STARTTLS\r\n"),
            MAIL,
            Says("554 no\r\n"),
        ];
        let offer = "250-me\r\n250-SIZE 1\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";
        assert_fails(
            play_secure(&and_quit(&greeted(offer, &turns))),
            UNAVAILABLE,
            "554 no",
        );
    }
}

mod step8 {
    use super::*;

    fn play_known(password: &str, turns: &[Turn]) -> Result<Receipt, Error> {
        let credentials = Credentials::new("me", password);
        let credentials = Some(&credentials);
        // The task borrows what lives here only, so it is made anew.
        let message = message(&["x@y"]);
        let (mut transport, script) = transport(turns);
        let task = Task {
            local_ip: Ipv4Addr::LOCALHOST.into(),
            needs_starttls: false,
            credentials,
            from: &message.from,
            recipients: message.recipients(),
            mail: mime::compose(&message, UNIX_EPOCH),
        };
        let result = play(&mut transport, &task);
        assert!(script.borrow().is_empty(), "left: {:?}", script.borrow());
        result
    }

    const PLAIN: Turn = Hears("AUTH PLAIN AG1lAHMzY3JldA==\r\n"); // me, s3cret
    const LOGIN: Turn = Hears("AUTH LOGIN\r\n");
    const REFUSED: [Turn; 2] = [MAIL, Says("550 no\r\n")];

    #[test]
    fn plain_is_one_line() {
        let offer = "250-me\r\n250 AUTH XOAUTH2 LOGIN PLAIN\r\n";
        let turns = [&[PLAIN, Says("235 ok\r\n")][..], &REFUSED].concat();
        assert_fails(
            play_known("s3cret", &and_quit(&greeted(offer, &turns))),
            UNAVAILABLE,
            "MAIL",
        );
    }

    #[test]
    fn plain_is_said_again_to_who_has_not_listened() {
        let offer = "250-me\r\n250 AUTH PLAIN\r\n";
        let turns = [
            PLAIN,
            Says("334 \r\n"),
            Hears("AG1lAHMzY3JldA==\r\n"),
            Says("235\r\n"),
        ];
        let turns = [&turns[..], &REFUSED].concat();
        assert_fails(
            play_known("s3cret", &and_quit(&greeted(offer, &turns))),
            UNAVAILABLE,
            "MAIL",
        );
    }

    #[test]
    fn what_is_too_long_for_a_command_waits_to_be_asked() {
        let message: &'static str =
            (Credentials::new("me", "x".repeat(400)).plain() + "\r\n").leak();
        let offer = "250-me\r\n250 AUTH PLAIN\r\n";
        let turns = [
            Hears("AUTH PLAIN\r\n"),
            Says("334\r\n"),
            Hears(message),
            Says("235 ok\r\n"),
        ];
        let turns = and_quit(&greeted(offer, &[&turns[..], &REFUSED].concat()));
        assert_fails(play_known(&"x".repeat(400), &turns), UNAVAILABLE, "MAIL");
    }

    #[test]
    fn login_answers_whatever_it_is_asked() {
        let offer = "250-me\r\n250 AUTH CRAM-MD5 LOGIN\r\n";
        let turns = [
            LOGIN,
            Says("334 VXNlcm5hbWU6\r\n"),
            Hears("bWU=\r\n"),
            Says("334 ?\r\n"),
            Hears("czNjcmV0\r\n"),
            Says("235 ok\r\n"),
        ];
        let turns = and_quit(&greeted(offer, &[&turns[..], &REFUSED].concat()));
        assert_fails(play_known("s3cret", &turns), UNAVAILABLE, "MAIL");
    }

    #[test]
    fn who_is_not_believed_sends_no_mail_and_tells_no_secret() {
        let offer = "250-me\r\n250 AUTH PLAIN\r\n";
        for (reply, status) in [
            (
                "535-5.7.8 s3cret? czNjcmV0?\r\n535 AG1lAHMzY3JldA== no\r\n",
                NO_PERM,
            ),
            ("454 AG1lAHMzY3JldA==\r\n", TEMP_FAIL),
        ] {
            let turns = and_quit(&greeted(offer, &[PLAIN, Says(reply)]));
            let error = play_known("s3cret", &turns).unwrap_err();
            assert_eq!(error.exit_status(), status, "{error}");
            for secret in ["s3cret", "czNjcmV0", "AG1lAHMzY3JldA"] {
                assert!(!error.to_string().contains(secret), "{error}");
            }
        }
        let turns = greeted(offer, &[PLAIN, Says("what is s3cret?\r\n")]);
        assert_fails(play_known("s3cret", &turns), PROTOCOL, "what is ***?");
    }

    #[test]
    fn who_is_asked_for_more_has_no_more() {
        let turns = [
            PLAIN,
            Says("334\r\n"),
            Hears("AG1lAHMzY3JldA==\r\n"),
            Says("334\r\n"),
            Hears("*\r\n"),
            Says("501 cancelled\r\n"),
        ];
        let turns = and_quit(&greeted("250-me\r\n250 AUTH PLAIN\r\n", &turns));
        assert_fails(play_known("s3cret", &turns), NO_PERM, "501 cancelled");
    }

    #[test]
    fn who_cannot_say_who_we_are_gets_no_mail() {
        for offer in ["250 me\r\n", "250-me\r\n250 AUTH CRAM-MD5 XPLAIN\r\n"] {
            let turns = and_quit(&greeted(offer, &[]));
            assert_fails(
                play_known("s3cret", &turns),
                NO_PERM,
                "neither PLAIN nor LOGIN",
            );
        }
    }
}

mod step9 {
    use super::*;

    const OFFER: &str = "250-me\r\n250 PIPELINING\r\n";
    const TWO: &[&str] = &["x@y", "z@y"];
    const GROUP: Turn = Hears("MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nRCPT TO:<z@y>\r\nDATA\r\n");

    #[test]
    fn a_group_is_sent_at_once_and_its_replies_are_matched() {
        let turns = [
            GROUP,
            Says("250 ok\r\n550 who?\r\n25"),
            Says("0 ok\r\n354 go\r\n"),
            HearsMail,
            Says("250 taken\r\n"),
        ];
        let receipt = play_to(TWO, &and_quit(&greeted(OFFER, &turns))).unwrap();
        assert_eq!(receipt.refused[0].recipient.to_string(), "x@y");
        assert_eq!(receipt.refused.len(), 1);
    }

    #[test]
    fn every_reply_of_a_group_is_heard_though_the_first_says_no() {
        let turns = [
            GROUP,
            Says("451 later\r\n503 MAIL?\r\n503 MAIL?\r\n503 RCPT?\r\n"),
        ];
        let result = play_to(TWO, &and_quit(&greeted(OFFER, &turns)));
        assert_fails(result, TEMP_FAIL, "451 later");
    }

    #[test]
    fn whoever_waits_for_a_mail_to_nobody_gets_a_lone_dot() {
        for (replies, status, words) in [
            (
                "250 ok\r\n550 a\r\n550 b\r\n354 go\r\n",
                UNAVAILABLE,
                "z@y was refused: 550 b",
            ),
            (
                "550 a\r\n250 ok\r\n250 ok\r\n354 go\r\n",
                UNAVAILABLE,
                "550 a",
            ),
        ] {
            let turns = [GROUP, Says(replies), Hears(".\r\n"), Says("554 nobody\r\n")];
            let result = play_to(TWO, &and_quit(&greeted(OFFER, &turns)));
            assert_fails(result, status, words);
        }
    }

    #[test]
    fn a_group_is_no_longer_than_the_other_side_can_keep() {
        let recipients: Vec<String> = (0..300).map(|n| format!("{n:0>20}@example.org")).collect();
        let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
        let mut transport = MockTransport::new();
        let waiting = Rc::new(RefCell::new(VecDeque::from([String::from("220 hi\r\n")])));
        let replies = Rc::clone(&waiting);
        transport.expect_read().returning_st(move |buffer| {
            let reply = replies.borrow_mut().pop_front().expect("it waits in vain");
            buffer[..reply.len()].copy_from_slice(reply.as_bytes());
            Ok(reply.len())
        });
        transport.expect_write_all().returning_st(move |octets| {
            assert!(octets.len() <= super::GROUP);
            let reply = |line: &str| match &line[..4] {
                "EHLO" => OFFER.to_owned(),
                "MAIL" | "RCPT" => "250 ok\r\n".to_owned(),
                "DATA" => "354 go\r\n".to_owned(),
                "QUIT" => "221 bye\r\n".to_owned(),
                _ => "250 taken\r\n".to_owned(),
            };
            let text = String::from_utf8_lossy(octets);
            match text.starts_with("Date") {
                true => waiting.borrow_mut().push_back(reply("mail")),
                false => waiting.borrow_mut().extend(text.lines().map(reply)),
            }
            Ok(())
        });
        let mut message = message(&recipients);
        message.bcc = std::mem::replace(&mut message.to, vec!["x@y".parse().unwrap()]);
        let task = Task {
            local_ip: Ipv4Addr::LOCALHOST.into(),
            needs_starttls: false,
            credentials: None,
            from: &message.from,
            recipients: message.recipients(),
            mail: mime::compose(&message, UNIX_EPOCH),
        };
        assert_eq!(play(&mut transport, &task).unwrap().refused, []);
    }
}
