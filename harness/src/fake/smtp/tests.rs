//! The server keeps the order of commands, and what it was told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::*;

mod tls;

const PATIENCE: Duration = Duration::from_secs(5);

/// Sends each line once the reply to the one before is there; gives the last lines of the replies and the sessions.
fn talk(builder: Builder, lines: &[&str]) -> (Vec<String>, Vec<Session>) {
    talk_on(&Scene::new(PATIENCE), builder, lines)
}

fn talk_on(scene: &Scene, builder: Builder, lines: &[&str]) -> (Vec<String>, Vec<Session>) {
    let server = builder.start(scene).unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut replies = BufReader::new(socket.try_clone().unwrap()).lines().map_while(Result::ok);
    let mut said = Vec::new();
    let mut read = || {
        let last = replies.by_ref().find(|line| line.as_bytes().get(3) != Some(&b'-'));
        said.extend(last);
    };
    read();
    for line in lines {
        socket.write_all(line.as_bytes()).unwrap();
        read();
    }
    drop((socket, replies));
    (said, server.finish().unwrap())
}

const MAIL: [&str; 6] = [
    "EHLO client.example\r\n",
    "MAIL FROM:<a@example.com>\r\n",
    "RCPT TO:<b@example.com>\r\n",
    "DATA\r\n",
    "Subject: x\r\n\r\n..y\r\n.\r\n",
    "QUIT\r\n",
];

fn codes(replies: &[String]) -> Vec<&str> {
    replies.iter().map(|reply| &reply[..3]).collect()
}

#[test]
fn a_mail_is_taken_as_it_was_meant() {
    let (replies, sessions) = talk(Smtp::builder(), &MAIL);
    assert_eq!(codes(&replies), ["220", "250", "250", "250", "354", "250", "221"]);
    let [session] = &sessions[..] else { panic!("{} sessions", sessions.len()) };
    assert!(session.faults.is_empty(), "{:?}", session.faults);
    assert_eq!(session.commands.len(), 5);
    assert_eq!(session.end, End::Fin);
    let [mail] = &session.mails[..] else { panic!("{} mails", session.mails.len()) };
    assert_eq!(
        (mail.from.as_str(), &mail.recipients[..]),
        ("a@example.com", &["b@example.com".to_owned()][..])
    );
    assert_eq!(mail.content, b"Subject: x\r\n\r\n.y\r\n");
    assert!(mail.whole && !mail.bare_lf && mail.behind == 0);
}

#[test]
fn commands_out_of_order_are_refused_and_noted() {
    let (replies, sessions) = talk(
        Smtp::builder(),
        &["MAIL FROM:<a@b>\r\n", "EHLO c\r\n", "RCPT TO:<a@b>\r\n", "DATA\r\n", "STARTTLS\r\n"],
    );
    assert_eq!(codes(&replies), ["220", "503", "250", "503", "503", "502"]);
    let faults: Vec<_> = sessions[0].faults.iter().map(|fault| (fault.verb.as_str(), fault.what)).collect();
    let order = Wrong::Order;
    assert_eq!(faults, [("MAIL", order), ("RCPT", order), ("DATA", order), ("STARTTLS", Wrong::NotOffered)]);
}

#[test]
fn parameters_need_the_extension_they_belong_to() {
    let with_size =
        ["EHLO c\r\n", "MAIL FROM:<a@b> SIZE=10\r\n", "RSET\r\n", "MAIL FROM:<a@b> SIZE=2000\r\n"];
    let (replies, _) = talk(Smtp::builder().offers(["SIZE 1000"]), &with_size);
    assert_eq!(codes(&replies), ["220", "250", "250", "250", "552"]);
    let (replies, sessions) = talk(Smtp::builder(), &with_size[..2]);
    assert_eq!(codes(&replies), ["220", "250", "555"]);
    assert_eq!(sessions[0].faults[0].what, Wrong::NotOffered);
}

#[test]
fn replies_are_those_of_the_script_and_the_last_one_stays() {
    let builder =
        Smtp::builder().at(Point::Rcpt, line(550, "nobody")).at(Point::Rcpt, reply("250-so\r\n250 be it"));
    let lines =
        ["EHLO c\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "RCPT TO:<e@f>\r\n", "RCPT TO:<g@h>\r\n"];
    let (replies, _) = talk(builder, &lines);
    assert_eq!(codes(&replies), ["220", "250", "250", "550", "250", "250"]);
}

#[test]
fn credentials_are_verified_and_stay_out_of_the_record() {
    let scene = Scene::new(PATIENCE);
    let builder = Smtp::builder().offers(["AUTH PLAIN LOGIN"]).account("user", "pass");
    let (replies, sessions) = talk_on(
        &scene,
        builder.clone(),
        &["EHLO c\r\n", "AUTH PLAIN AHVzZXIAcGFzcw==\r\n", "MAIL FROM:<a@b>\r\n"],
    );
    assert_eq!(codes(&replies), ["220", "250", "235", "250"]);
    assert!(sessions[0].credentials[0].right);
    assert_eq!(sessions[0].commands[1].line, "AUTH PLAIN [credentials]");
    assert!(!format!("{sessions:?}").contains("pass"));

    let (replies, _) =
        talk(builder.clone(), &["EHLO c\r\n", "AUTH LOGIN\r\n", "dXNlcg==\r\n", "cGFzcw==\r\n"]);
    assert_eq!(replies[2..], ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 2.7.0 Accepted"]);

    let (replies, sessions) =
        talk(builder.clone(), &["EHLO c\r\n", "AUTH PLAIN dXNlcgBwYXNz\r\n", "MAIL FROM:<a@b>\r\n"]);
    assert_eq!(codes(&replies), ["220", "250", "535", "530"]);
    assert_eq!(
        sessions[0].faults[0].failure.seen,
        "one NUL, so that the user stands in the place of the authorization identity"
    );
    let (replies, sessions) =
        talk(builder, &["EHLO c\r\n", "cGFzcw==\r\n", "AUTH LOGIN\r\n", "*\r\n", "QUIT\r\n"]);
    assert_eq!(codes(&replies), ["220", "250", "500", "334", "501", "221"]);
    assert_eq!(sessions[0].commands[1].line, "[credentials]");

    let record = scene.journal.steps().join("\n");
    assert!(record.contains("AUTH PLAIN [credentials]") && !record.contains("AHVz"), "{record}");
}

#[test]
fn a_mail_that_ends_in_the_middle_is_kept_and_not_whole() {
    let server = Smtp::builder().start(&Scene::new(PATIENCE)).unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let mut replies = BufReader::new(socket.try_clone().unwrap()).lines();
    for line in MAIL[..4].iter().chain(&["half\r\n"]) {
        replies.next().unwrap().unwrap();
        socket.write_all(line.as_bytes()).unwrap();
    }
    drop((socket, replies));
    let mails = &server.finish().unwrap()[0].mails;
    assert_eq!((mails.len(), mails[0].whole), (1, false));
    assert_eq!(mails[0].content, b"half\r\n");
}

#[test]
fn the_replies_to_a_group_leave_together() {
    let builder = Smtp::builder().offers(["PIPELINING"]).delivery(Delivery::Grouped);
    let server = builder.at(Point::Rcpt, line(550, "nobody")).start(&Scene::new(PATIENCE)).unwrap();
    // No process has this number, so it is always at rest.
    server.watch(i32::MAX);
    let mut socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let read = |socket: &TcpStream| {
        let mut block = [0; 512];
        let octets = (&*socket).read(&mut block).unwrap();
        String::from_utf8_lossy(&block[..octets]).into_owned()
    };
    read(&socket);
    socket.write_all(MAIL[0].as_bytes()).unwrap();
    read(&socket);
    socket.write_all([MAIL[1], MAIL[2], MAIL[3]].concat().as_bytes()).unwrap();
    let replies = read(&socket);
    assert_eq!(replies, "250 sender taken\r\n550 nobody\r\n554 no valid recipients\r\n");
    drop(socket);
    let session = &server.finish().unwrap()[0];
    let behind: Vec<_> = session.commands.iter().map(|command| command.behind).collect();
    assert_eq!(behind, [0, MAIL[2].len() + MAIL[3].len(), MAIL[3].len(), 0]);
}
