// SOLUTION ONLY
//! `mail` and servers that nobody here wrote: a Postfix of its own, below a temporary directory,
//! which wants STARTTLS and a password, and aiosmtpd. What they deliver is read with a parser that
//! nobody here wrote either, and compared with what was to be sent. Nothing leaves loopback: the
//! Postfix has no service that could send.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, iter};

use mail_parser::{Address, Message, MessageParser, MimeHeaders};
use tempfile::TempDir;

const FROM: &str = "ann@example.com";
const BCC: &str = "nobody.knows@example.org";
const SUBJECT: &str = "Grüße aus Zürich: 你好, and words enough for a field of more than one line";
const TEXT: &str = ".\n..\n.a line that begins with a dot\n\n.\nGrüße, 你好 \n last = last";
const NAMES: [&str; 2] = ["Übersicht – 報告.pdf", "octets.bin"];
const PASSWORD: &str = "a pässword, \"quoted\"";

/// Long enough that nothing fails because the machine is busy.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn postfix_delivers_to_everyone_what_was_sent_with_a_password() {
    let Some(mut postfix) = Postfix::start() else {
        return;
    };
    let letter = Letter::new();
    for (tls, port) in [
        ("starttls", postfix.submission),
        ("implicit", postfix.submissions),
    ] {
        let output = letter.send(&postfix.options(tls, port), PASSWORD);
        assert_eq!(output.status.code(), Some(0), "{tls}: {output:?}");
        postfix.server.wait_for("removed");
        let mut copies: BTreeSet<String> = letter.recipients().map(str::to_owned).collect();
        for copy in take_mails(&postfix.maildir()) {
            let mail = read(&copy);
            let recipient = mail.header_raw("Delivered-To").unwrap().trim();
            assert!(copies.remove(recipient), "another copy for {recipient}");
            assert_eq!(mail.return_address(), Some(FROM));
            if recipient != BCC {
                assert!(!String::from_utf8_lossy(&copy).contains(BCC));
            }
            letter.assert_is(&mail);
        }
        assert_eq!(copies, BTreeSet::new(), "nothing came for them");
    }

    let options = postfix.options("starttls", postfix.submission);
    let output = letter.send(&options, "guess");
    assert_eq!(output.status.code(), Some(77), "{output:?}");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("authentication failed"), "{words}");
    // Without the authority's certificate, the last option, the server's is nobody's.
    let output = letter.send(&options[..options.len() - 2], PASSWORD);
    assert_eq!(output.status.code(), Some(76), "{output:?}");
}

#[test]
fn aiosmtpd_gets_what_was_sent() {
    let Some(aiosmtpd) = Aiosmtpd::start() else {
        return;
    };
    let letter = Letter::new();
    let port = aiosmtpd.port.to_string();
    let options = ["--server", "127.0.0.1", "--port", &port, "--tls", "none"];
    let output = letter.send(&options.map(String::from), "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mails = take_mails(&aiosmtpd.maildir());
    assert_eq!(mails.len(), 1);
    let mail = read(&mails[0]);
    assert_eq!(mail.header_raw("X-MailFrom").map(str::trim), Some(FROM));
    let envelope = mail.header_raw("X-RcptTo").unwrap();
    let envelope: Vec<&str> = envelope.split(',').map(str::trim).collect();
    assert_eq!(envelope, letter.recipients().collect::<Vec<_>>());
    letter.assert_is(&mail);
}

/// What is sent, with its files.
struct Letter {
    dir: TempDir,
    to: Vec<String>,
    cc: Vec<String>,
    attachments: [Vec<u8>; NAMES.len()],
}

impl Letter {
    fn new() -> Letter {
        let letter = Letter {
            dir: TempDir::new().unwrap(),
            to: (1..=50).map(|n| format!("to{n}@example.org")).collect(),
            cc: vec!["cc@example.org".into(), "o'neil+cc@example.org".into()],
            attachments: [random(1), random(200_000)],
        };
        fs::write(letter.path("text"), TEXT).unwrap();
        for (name, octets) in NAMES.iter().zip(&letter.attachments) {
            fs::write(letter.path(name), octets).unwrap();
        }
        letter
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn recipients(&self) -> impl Iterator<Item = &str> {
        let named = self.to.iter().chain(&self.cc).map(String::as_str);
        named.chain(iter::once(BCC))
    }

    fn send(&self, options: &[String], password: &str) -> Output {
        let mut mail = Command::new(env!("CARGO_BIN_EXE_mail"));
        mail.args(["--from", FROM, "--bcc", BCC, "--subject", SUBJECT]);
        mail.args(["--timeout", "20", "--text-file"])
            .arg(self.path("text"));
        mail.arg("--to").args(&self.to).arg("--cc").args(&self.cc);
        for name in NAMES {
            mail.arg("--attach").arg(self.path(name));
        }
        mail.args(options).env("PASSWORD", password);
        mail.output().unwrap()
    }

    fn assert_is(&self, mail: &Message) {
        assert_eq!(addresses(mail.from()), [FROM]);
        assert_eq!(addresses(mail.to()), self.to);
        assert_eq!(addresses(mail.cc()), self.cc);
        assert!(mail.bcc().is_none());
        assert_eq!(mail.subject(), Some(SUBJECT));
        assert!(mail.message_id().is_some() && mail.date().is_some());
        let text = mail.body_text(0).unwrap().replace("\r\n", "\n");
        assert_eq!(text.strip_suffix('\n').unwrap_or(&text), TEXT);
        let names = mail.attachments().map(|part| part.attachment_name());
        assert_eq!(names.collect::<Vec<_>>(), NAMES.map(Some));
        for (part, octets) in mail.attachments().zip(&self.attachments) {
            // Not `assert_eq`: nobody reads 200,000 octets.
            assert!(part.contents() == octets, "{:?}", part.attachment_name());
        }
    }
}

fn random(length: u64) -> Vec<u8> {
    let mut octets = Vec::new();
    let source = fs::File::open("/dev/urandom").unwrap();
    source.take(length).read_to_end(&mut octets).unwrap();
    octets
}

fn addresses<'a>(field: Option<&'a Address>) -> Vec<&'a str> {
    let list = field.into_iter().flat_map(Address::iter);
    list.map(|address| address.address().unwrap()).collect()
}

fn read(mail: &[u8]) -> Message<'_> {
    MessageParser::default().parse(mail).unwrap()
}

/// The mails in a maildir, which has none then.
fn take_mails(maildir: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(maildir.join("new")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let take = |path: PathBuf| {
        let mail = fs::read(&path).unwrap();
        fs::remove_file(path).unwrap();
        mail
    };
    paths.map(take).collect()
}

struct Postfix {
    dir: TempDir,
    server: Server,
    submission: u16,
    submissions: u16,
}

impl Postfix {
    /// `None` where it cannot run.
    fn start() -> Option<Postfix> {
        let dir = TempDir::new().unwrap();
        if dir.path().metadata().unwrap().uid() != 0 {
            return skip("Postfix is started by root alone");
        }
        let programs = ["postfix", "saslpasswd2", "openssl"];
        if let Some(missing) = programs.iter().find(|program| !is_installed(program)) {
            return skip(&format!("{missing} is not installed"));
        }
        let (submission, submissions) = (free_port(), free_port());
        configure(dir.path(), submission, submissions);
        let mut server = Server::start(postfix(dir.path()).arg("start-fg"));
        server.wait_for("daemon started");
        Some(Postfix {
            dir,
            server,
            submission,
            submissions,
        })
    }

    fn maildir(&self) -> PathBuf {
        self.dir.path().join("mail")
    }

    fn options(&self, tls: &str, port: u16) -> Vec<String> {
        let authority = self.dir.path().join("authority.pem");
        let options = format!(
            "--server localhost --port {port} --username ann --password-env PASSWORD --tls {tls}
             --ca-file {}",
            authority.display()
        );
        options.split_whitespace().map(String::from).collect()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // Its processes are a session of their own, which only it ends as a whole.
        let _ = postfix(self.dir.path()).arg("stop").output();
    }
}

fn postfix(dir: &Path) -> Command {
    let mut postfix = command("postfix");
    postfix.arg("-c").arg(dir.join("etc"));
    postfix
}

/// Everything that a Postfix of its own has: its queue, its users and their passwords, its
/// certificate, and one maildir for all recipients.
fn configure(dir: &Path, submission: u16, submissions: u16) {
    let main = format!(
        "compatibility_level = 3.6
config_directory = {dir}/etc
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = /dev/stdout
inet_interfaces = 127.0.0.1
myhostname = localhost
mydestination =
mynetworks =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {dir}
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_error_sleep_time = 0
smtpd_tls_chain_files = {dir}/chain.pem
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = localhost
cyrus_sasl_config_path = {dir}/etc/sasl
",
        dir = dir.display()
    );
    let services = format!(
        "127.0.0.1:{submission} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
127.0.0.1:{submissions} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
tlsmgr unix - - n 1000? 1 tlsmgr
bounce unix - - n - 0 discard
defer unix - - n - 0 discard
trace unix - - n - 0 discard
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"
    );
    let sasl = format!(
        "pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {}/passwords
mech_list: PLAIN LOGIN
",
        dir.display()
    );
    for directory in ["etc/sasl", "queue", "data", "mail"] {
        fs::create_dir_all(dir.join(directory)).unwrap();
    }
    fs::write(dir.join("etc/main.cf"), main).unwrap();
    fs::write(dir.join("etc/master.cf"), services).unwrap();
    fs::write(dir.join("etc/sasl/smtpd.conf"), sasl).unwrap();

    // A certificate that an authority of its own has signed; a password; and what each of
    // Postfix's users reads and writes.
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2";
    let script = format!(
        "openssl req -x509 {key} -subj /CN=authority -keyout authority.key -out authority.pem &&
         openssl req -x509 {key} -subj /CN=localhost -keyout chain.pem -out server.pem \
             -CA authority.pem -CAkey authority.key -addext subjectAltName=DNS:localhost \
             -addext basicConstraints=critical,CA:FALSE &&
         cat server.pem >> chain.pem &&
         printf %s \"$PASSWORD\" | saslpasswd2 -p -c -f passwords -u localhost ann &&
         chown postfix data passwords && chown 65534 mail"
    );
    let mut shell = command("sh");
    shell.args(["-c", &script]).env("PASSWORD", PASSWORD);
    let output = shell.current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
}

struct Aiosmtpd {
    dir: TempDir,
    port: u16,
    _server: Server,
}

impl Aiosmtpd {
    /// `None` where it is not installed.
    fn start() -> Option<Aiosmtpd> {
        if !is_installed("aiosmtpd") {
            return skip("aiosmtpd is not installed");
        }
        let (dir, port) = (TempDir::new().unwrap(), free_port());
        let mut aiosmtpd = command("aiosmtpd");
        aiosmtpd.args(["-n", "-d", "-l", &format!("127.0.0.1:{port}")]);
        aiosmtpd.args(["-c", "aiosmtpd.handlers.Mailbox"]);
        let mut server = Server::start(aiosmtpd.arg(dir.path().join("mail")));
        server.wait_for("listening");
        Some(Aiosmtpd {
            dir,
            port,
            _server: server,
        })
    }

    fn maildir(&self) -> PathBuf {
        self.dir.path().join("mail")
    }
}

/// A process that says what it does.
struct Server {
    process: Child,
    lines: Receiver<String>,
}

impl Server {
    fn start(command: &mut Command) -> Server {
        let (reader, writer) = io::pipe().unwrap();
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let process = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
            lines.all(|line| sender.send(line).is_ok())
        });
        Server { process, lines }
    }

    fn wait_for(&mut self, words: &str) {
        let limit = Instant::now() + PATIENCE;
        let mut said = Vec::<String>::new();
        while said.last().is_none_or(|line| !line.contains(words)) {
            let left = limit.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => said.push(line),
                Err(_) => panic!("it does not say {words:?}: {said:#?}"),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn skip<T>(reason: &str) -> Option<T> {
    let _ = writeln!(io::stderr(), "skipped: {reason}");
    None
}

fn path() -> String {
    env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin"
}

/// Programs of the system's administrator are found as well.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", path());
    command
}

fn is_installed(program: &str) -> bool {
    env::split_paths(&path()).any(|dir| dir.join(program).is_file())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
