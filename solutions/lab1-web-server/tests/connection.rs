//! One connection, seen from the client's side: what is sent, what comes back, when it ends.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lab1_web_server::connection::serve_or_survive;
use lab1_web_server::log::Log;
use lab1_web_server::server::Server;

const TIMEOUT: Duration = Duration::from_millis(200);
const LARGE: usize = 3 * 1024 * 1024;

/// A connection to a server of its own, with a few files.
struct Client {
    stream: TcpStream,
    root: tempfile::TempDir,
    served: Option<JoinHandle<()>>,
}

impl Client {
    fn connect() -> Client {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.txt"), "hello\n").unwrap();
        fs::write(root.path().join("large"), vec![0xe9; LARGE]).unwrap();
        fs::create_dir(root.path().join("dir")).unwrap();
        let log = Log::to(File::create(root.path().join(".log")).unwrap());
        let server = Server::new(root.path(), log, TIMEOUT).unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted = listener.accept().unwrap().0;
        let served = Some(thread::spawn(move || serve_or_survive(&accepted, &server)));
        Client {
            stream,
            root,
            served,
        }
    }

    /// Sends octets and reads until the server closes.
    fn converse(&mut self, request: &str) -> String {
        self.stream.write_all(request.as_bytes()).unwrap();
        let mut answers = Vec::new();
        self.stream.read_to_end(&mut answers).unwrap();
        String::from_utf8_lossy(&answers).into_owned()
    }

    /// The log, after the connection has ended.
    fn log(&mut self) -> String {
        self.stream.shutdown(Shutdown::Both).ok();
        self.served.take().unwrap().join().unwrap();
        fs::read_to_string(self.root.path().join(".log")).unwrap()
    }
}

/// The status of each answer, in order.
fn statuses(answers: &str) -> Vec<&str> {
    answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect()
}

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n")
}

mod step3 {
    use super::*;

    #[test]
    fn a_file_is_served_with_its_type_and_length() {
        let answer = Client::connect().converse(&get("/a.txt", "Connection: close\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("\r\nContent-Type: text/plain\r\n"), "{head}");
        assert!(head.contains("\r\nContent-Length: 6\r\n"), "{head}");
        assert_eq!(body, "hello\n");
    }
}

mod step6 {
    use super::*;

    #[test]
    fn a_large_file_arrives_whole_and_the_next_answer_after_it() {
        let mut client = Client::connect();
        let requests = get("/large", "") + &get("/a.txt", "Connection: close\r\n");
        client.stream.write_all(requests.as_bytes()).unwrap();
        let mut answers = Vec::new();
        client.stream.read_to_end(&mut answers).unwrap();
        assert_eq!(
            answers.iter().filter(|&&octet| octet == 0xe9).count(),
            LARGE
        );
        assert!(answers.ends_with(b"\r\n\r\nhello\n"));
    }

    #[test]
    fn pipelined_requests_are_answered_in_order() {
        let requests = [get("/a.txt", ""), get("/missing", ""), get("/dir", "")].concat();
        let head = "HEAD /a.txt HTTP/1.1\r\nHost: h\r\n\r\n";
        let last = "GET /a.txt HTTP/1.0\r\n\r\n";
        let answers = Client::connect().converse(&(requests + head + last));
        assert_eq!(statuses(&answers), ["200", "404", "301", "200", "200"]);
        assert_eq!(answers.matches("hello").count(), 2, "HEAD has no body");
    }
}

mod step7 {
    use super::*;

    #[test]
    fn a_body_is_not_taken_for_the_next_request() {
        let counted = get("/a.txt", "Content-Length: 3\r\n") + "abc";
        let chunked = get("/a.txt", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n";
        let requests = counted + &chunked + &get("/a.txt", "Connection: close\r\n");
        let answers = Client::connect().converse(&requests);
        assert_eq!(statuses(&answers), ["200", "200", "200"]);
    }

    #[test]
    fn what_is_malformed_is_refused_and_nothing_after_it_is_read() {
        for (request, status) in [
            ("hello\r\n\r\n".to_owned(), "400"),
            (get("/%zz", ""), "400"),
            (get("/", "Content-Length: +3\r\n"), "400"),
            (
                get("/", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
                "400",
            ),
            (get("/", "Transfer-Encoding: xyz\r\n"), "501"),
            (get("/", "Content-Length: 99999999\r\n"), "413"),
            (
                get("/", "Content-Length: 3\r\nExpect: 100-continue\r\n"),
                "200",
            ),
            (get(&"/x".repeat(9000), ""), "414"),
            (get("/", &"A: b\r\n".repeat(201)), "431"),
        ] {
            let answers = Client::connect().converse(&(request + &get("/a.txt", "")));
            assert_eq!(statuses(&answers), [status]);
        }
    }

    #[test]
    fn an_idle_client_is_dropped_in_silence_and_a_slow_one_with_a_408() {
        let idle = Client::connect().converse(&get("/a.txt", ""));
        assert_eq!(statuses(&idle), ["200"]);
        let slow = Client::connect().converse("GET /a.t");
        assert_eq!(statuses(&slow), ["408"]);
    }
}

mod step11 {
    use super::*;

    #[test]
    fn every_answer_is_logged() {
        let mut client = Client::connect();
        client.converse(&(get("/a.txt", "") + "say \"hi\"\r\n\r\n"));
        let log = client.log();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert!(lines[0].ends_with("\"GET /a.txt HTTP/1.1\" 200 6"), "{log}");
        assert!(lines[1].ends_with("\"say \\\"hi\\\"\" 400 -"), "{log}");
    }
}
