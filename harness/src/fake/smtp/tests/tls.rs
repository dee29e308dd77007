//! The server's TLS, tried with a client that shares its library and none of its code.

use std::io::{ErrorKind, Read};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use super::*;

type Secured = BufReader<StreamOwned<ClientConnection, TcpStream>>;

fn connect(server: &Smtp) -> BufReader<TcpStream> {
    let socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(socket)
}

/// The last line of the next reply.
fn reply_on(replies: &mut impl BufRead) -> String {
    replies
        .lines()
        .map_while(Result::ok)
        .find(|line| line.as_bytes().get(3) != Some(&b'-'))
        .unwrap_or_default()
}

fn ask(socket: &mut BufReader<TcpStream>, line: &str) -> String {
    socket.get_mut().write_all(line.as_bytes()).unwrap();
    reply_on(socket)
}

fn ask_secured(secured: &mut Secured, line: &str) -> String {
    secured.get_mut().write_all(line.as_bytes()).unwrap();
    reply_on(secured)
}

/// Whatever has arrived in clear is thrown away.
fn secure(socket: BufReader<TcpStream>, versions: &[&'static SupportedProtocolVersion]) -> Secured {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificates::authority_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(certificates::HOST).unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    BufReader::new(StreamOwned::new(tls, socket.into_inner()))
}

/// Up to the 220 for STARTTLS.
fn start(server: &Smtp) -> BufReader<TcpStream> {
    let mut socket = connect(server);
    reply_on(&mut socket);
    ask(&mut socket, "EHLO c\r\n");
    assert_eq!(&ask(&mut socket, "STARTTLS\r\n")[..3], "220");
    socket
}

fn offering() -> Builder {
    Smtp::builder().offers(["STARTTLS", "SIZE 1000"])
}

fn run(builder: Builder) -> Smtp {
    builder.start(&Scene::new(PATIENCE)).unwrap()
}

#[test]
fn a_mail_goes_under_tls_in_records_of_any_size() {
    use rustls::version::{TLS12, TLS13};
    for (builder, version) in [
        (offering(), &TLS13),
        (offering().speaks(Versions::Only12), &TLS12),
        (offering().records(32), &TLS12),
        (offering().records(32).delivery(Delivery::Pieces(2)), &TLS13),
    ] {
        let server = run(builder);
        let mut secured = secure(start(&server), &[version]);
        let said: Vec<_> = MAIL.iter().map(|line| ask_secured(&mut secured, line)).collect();
        assert_eq!(codes(&said), ["250", "250", "250", "354", "250", "221"]);
        drop(secured);
        let session = &server.finish().unwrap()[0];
        assert!(session.faults.is_empty(), "{:?}", session.faults);
        let agreed = session.handshake.clone().unwrap().unwrap();
        assert_eq!(agreed.server_name.as_deref(), Some("localhost"));
        assert_eq!(agreed.version, format!("{:?}", version.version));
        let mail = &session.mails[0];
        assert!(mail.tls && mail.whole);
        assert_eq!(mail.content, b"Subject: x\r\n\r\n.y\r\n");
        let tls: Vec<_> = session.commands.iter().map(|command| command.tls).collect();
        assert_eq!(tls, [false, false, true, true, true, true, true]);
    }
}

/// What a cipher adds to a record at most (RFC 5288 §3, RFC 8446 §5.2).
const TAG_AND_NONCE: usize = 24;

#[test]
fn one_reply_is_many_records() {
    let server = run(offering()
        .records(32)
        .at(Point::Ehlo, reply("250-a\r\n250 STARTTLS"))
        .at(Point::Ehlo, line(250, &"x".repeat(100))));
    let mut secured = secure(start(&server), &[&rustls::version::TLS12]);
    secured.get_mut().write_all(b"EHLO c\r\n").unwrap();
    let mut wire = [0; 1000];
    let arrived = secured.get_mut().sock.read(&mut wire).unwrap();
    let (mut records, mut count) = (&wire[..arrived], 0);
    while let [23, _, _, high, low, rest @ ..] = records {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        assert!(length < 32 + TAG_AND_NONCE, "{length}");
        records = &rest[length..];
        count += 1;
    }
    assert!(count >= 4 && records.is_empty(), "{count} records");
}

#[test]
fn tls_from_the_first_octet_on() {
    let server = run(Smtp::builder().implicit_tls());
    let mut secured = secure(connect(&server), rustls::ALL_VERSIONS);
    assert_eq!(reply_on(&mut secured), "220 mail.example ESMTP");
    assert_eq!(&ask_secured(&mut secured, "EHLO c\r\n")[..3], "250");
}

#[test]
fn an_end_with_close_notify_is_told_from_a_cut() {
    for (act, end) in [(Act::Close, Ok(0)), (Act::Cut, Err(ErrorKind::UnexpectedEof))] {
        let server = run(offering().at(Point::Mail, Reply::act(act)));
        let mut secured = secure(start(&server), rustls::ALL_VERSIONS);
        ask_secured(&mut secured, "EHLO c\r\n");
        secured.get_mut().write_all(b"MAIL FROM:<a@b>\r\n").unwrap();
        assert_eq!(secured.read(&mut [0; 9]).map_err(|error| error.kind()), end);
    }
}

#[test]
fn a_close_notify_ends_the_session_and_is_answered() {
    let server = run(offering());
    let mut secured = secure(start(&server), rustls::ALL_VERSIONS);
    ask_secured(&mut secured, "EHLO c\r\n");
    let stream = secured.get_mut();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    // The socket is open still.
    assert_eq!(secured.read(&mut [0; 9]).unwrap(), 0);
    assert_eq!(server.finish().unwrap()[0].end, End::Fin);
}

#[test]
fn a_certificate_that_does_not_hold_is_seen_by_whoever_looks() {
    for (shown, words) in [
        (Shown::OtherName, "not valid for name"),
        (Shown::Expired, "expired"),
        (Shown::OtherIssuer, "UnknownIssuer"),
    ] {
        let server = run(offering().shows(shown));
        let mut secured = secure(start(&server), rustls::ALL_VERSIONS);
        let error = secured.get_mut().write_all(b"EHLO c\r\n").unwrap_err();
        assert!(error.to_string().contains(words), "{shown:?}: {error}");
        drop(secured);
        let sessions = server.finish().unwrap();
        assert!(matches!(&sessions[0].handshake, Some(Err(why)) if why.contains("alert")), "{sessions:?}");
        assert_eq!(sessions[0].commands.len(), 2);
    }
}

#[test]
fn what_is_said_in_clear_behind_the_220_is_no_part_of_the_handshake() {
    let injected = Reply::octets("220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n");
    let server = run(offering().at(Point::StartTls, injected));
    let mut socket = start(&server);
    assert_eq!(reply_on(&mut socket), "250 AUTH PLAIN");
    let mut secured = secure(socket, rustls::ALL_VERSIONS);
    assert_eq!(ask_secured(&mut secured, "EHLO c\r\n"), "250 SIZE 1000");
}

#[test]
fn after_a_refused_starttls_the_client_says_how_it_goes_on() {
    let refusing = || run(offering().at(Point::StartTls, line(454, "not now")));
    let begin = |server: &Smtp| {
        let mut socket = connect(server);
        reply_on(&mut socket);
        ask(&mut socket, "EHLO c\r\n");
        assert_eq!(ask(&mut socket, "STARTTLS\r\n"), "454 not now");
        socket
    };
    let server = refusing();
    assert_eq!(ask(&mut begin(&server), "QUIT\r\n"), "221 bye");
    let server = refusing();
    let mut secured = secure(begin(&server), rustls::ALL_VERSIONS);
    assert_eq!(ask_secured(&mut secured, "QUIT\r\n"), "221 bye");
    drop(secured);
    assert!(server.finish().unwrap()[0].commands[2].tls);
}

#[test]
fn what_is_heard_before_an_act_stays_unread() {
    let garbage = line(220, "go").then(Act::Hear).then(Act::Send(b"no TLS\r\n".to_vec())).then(Act::Hold);
    let server = run(offering().at(Point::StartTls, garbage));
    let mut secured = secure(start(&server), rustls::ALL_VERSIONS);
    assert_eq!(secured.get_mut().write_all(b"x").unwrap_err().kind(), ErrorKind::InvalidData);
    drop(secured);
    let sessions = server.finish().unwrap();
    assert!(sessions[0].handshake.is_none());
    assert_eq!(sessions[0].strays[0], 22);
}
