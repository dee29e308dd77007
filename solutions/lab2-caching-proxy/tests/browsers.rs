// SOLUTION ONLY
//! Clients that nobody here wrote ask an origin that nobody here wrote, through `proxy`: curl and
//! Chromium, and nginx, whose log says what it was asked. Nothing leaves this machine. What is not
//! installed is not tried, and the test says so.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;
use std::{env, fs, process, thread};

use lab2_caching_proxy::cache::Cache;
use lab2_caching_proxy::server::{self, Proxy};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A page that shows what it has loaded: the widths of its images, by the one script, which the
/// other calls. Its icon is its own, so that nobody asks for another.
const FILES: [(&str, &str); 4] = [
    (
        "page.html",
        "<!DOCTYPE html><title>images and scripts</title><link rel=icon href=data:,>\
         <img src=large.bmp><img src=small.svg><p></p>\
         <script src=first.js></script><script src=second.js></script>\n",
    ),
    (
        "first.js",
        "const widths = () => [...document.images].map((image) => image.naturalWidth).join();\n",
    ),
    (
        "second.js",
        "onload = () => { document.querySelector('p').textContent = widths(); };\n",
    ),
    (
        "small.svg",
        "<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'></svg>\n",
    ),
];
const SHOWN: &str = "<p>300,24</p>";

#[test]
fn curl_loads_a_page_and_loads_it_again_from_the_cache() {
    let Some(site) = Site::start("http", "curl") else {
        return;
    };
    let proxy = proxy();
    for _ in 0..2 {
        for name in names() {
            assert_eq!(
                curl(&proxy, &site.url(name)).stdout,
                site.file(name),
                "{name}"
            );
        }
    }
    site.was_asked_once_for_each("1.1 wirelab-");
}

#[test]
fn chromium_loads_a_page_and_loads_it_again_from_the_cache() {
    let Some(site) = Site::start("http", "chromium") else {
        return;
    };
    let proxy = proxy();
    for _ in 0..2 {
        chromium(&proxy, &site.url("page.html"));
    }
    site.was_asked_once_for_each("1.1 wirelab-");
}

#[test]
fn curl_loads_a_page_through_a_tunnel() {
    let Some(site) = Site::start("https", "curl") else {
        return;
    };
    let proxy = proxy();
    for name in names() {
        let output = curl(&proxy, &site.url(name));
        assert_eq!(output.stdout, site.file(name), "{name}");
        assert_eq!(output.stderr, b"200", "the answer to CONNECT");
    }
    site.was_asked_once_for_each("- ");
}

#[test]
fn chromium_loads_a_page_through_a_tunnel() {
    let Some(site) = Site::start("https", "chromium") else {
        return;
    };
    chromium(&proxy(), &site.url("page.html"));
    site.was_asked_once_for_each("- ");
}

/// A running proxy's authority.
fn proxy() -> String {
    let listener = server::bind("127.0.0.1", 0).unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::new(Cache::new(16 << 20, 1 << 20), Duration::from_secs(10));
    thread::spawn(|| server::run(listener, proxy));
    authority
}

/// The body is on the standard output, the status of the answer to CONNECT on the other.
fn curl(proxy: &str, url: &str) -> Output {
    let output = limited("20", "curl")
        .args(["-q", "--silent", "--insecure", "--fail"])
        .args(["--write-out", "%{stderr}%{http_connect}"])
        .args(["--noproxy", "", "--proxy", &format!("http://{proxy}"), url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{url}: {output:?}");
    output
}

/// Shows the page, with a profile that has never seen it.
fn chromium(proxy: &str, url: &str) {
    let profile = Directory::new();
    let output = limited("60", "chromium")
        .env("HOME", &profile.0)
        .arg(format!("--user-data-dir={}", profile.0.display()))
        .args(["--headless", "--dump-dom", "--ignore-certificate-errors"])
        // Root has no sandbox, and neither has a container; nor much room for shared memory.
        .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        // What it would ask others for by itself.
        .args(["--no-first-run", "--no-pings", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-breakpad"])
        .args(["--disable-component-update", "--disable-default-apps"])
        // What is left of that goes to the ports 80 and 443, past the proxy, and finds no host. The
        // page's host is not found either, but by the proxy.
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        .arg(format!("--proxy-server=http://{proxy}"))
        .args(["--proxy-bypass-list=<-loopback>;*:80;*:443", url])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains(SHOWN), "{url}: {shown}\n{words}");
}

/// Ends the program and its children after so many seconds.
fn limited(seconds: &str, program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=1", seconds, program]);
    command
}

/// nginx, with the page and all it shows, fresh for ten minutes.
struct Site {
    dir: Directory,
    nginx: Child,
    scheme: &'static str,
    port: u16,
}

impl Site {
    /// `None` if the client is not installed, or what the site needs.
    fn start(scheme: &'static str, client: &str) -> Option<Site> {
        let needed = ["nginx", "openssl", client];
        if let Some(tool) = needed.into_iter().find(|tool| !is_installed(tool)) {
            let _ = writeln!(io::stderr(), "skipped: {tool} is not installed");
            return None;
        }
        let dir = Directory::new();
        for (name, text) in FILES {
            fs::write(dir.0.join(name), text).unwrap();
        }
        fs::write(dir.0.join("large.bmp"), bitmap(300)).unwrap();
        certify(&dir.0);
        // nginx takes over a socket that listens, as from an older nginx: no port to guess, nothing
        // to wait for.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        fs::write(dir.0.join("conf"), configuration(&dir.0, scheme, port)).unwrap();
        let nginx = Command::new("nginx")
            .env("PATH", path())
            .env("NGINX", "0;")
            .args(["-e", "stderr", "-c"])
            .arg(dir.0.join("conf"))
            .stdin(OwnedFd::from(listener))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Some(Site {
            dir,
            nginx,
            scheme,
            port,
        })
    }

    fn url(&self, name: &str) -> String {
        format!("{}://localhost:{}/{name}", self.scheme, self.port)
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.0.join(name)).unwrap()
    }

    /// Lets it end, and reads in its log how often and in what way it was asked for what.
    fn was_asked_once_for_each(mut self, way: &str) {
        self.signal(Signal::SIGQUIT);
        let mut log = String::new();
        let mut stdout = self.nginx.stdout.take().unwrap();
        stdout.read_to_string(&mut log).unwrap();
        for name in names() {
            let line = format!("GET /{name} HTTP/1.1 200 {way}");
            let lines = log.lines().filter(|asked| asked.starts_with(&line));
            assert_eq!(lines.count(), 1, "{line} is in the log once:\n{log}");
        }
        assert_eq!(log.lines().count(), names().count(), "{log}");
    }

    fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.nginx.id() as i32), signal); // it may have ended
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.signal(Signal::SIGTERM);
        let _ = self.nginx.wait();
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name).chain(["large.bmp"])
}

/// With a single worker, which has logged what it has answered.
fn configuration(dir: &Path, scheme: &str, port: u16) -> String {
    let dir = dir.display();
    let tls = match scheme {
        "https" => "ssl",
        _ => "",
    };
    format!(
        "daemon off; user root; error_log stderr error; pid {dir}/pid;
        worker_processes 1; worker_shutdown_timeout 5s;
        events {{}}
        http {{
            types {{ text/html html; text/javascript js; image/bmp bmp; image/svg+xml svg; }}
            log_format asked '$request $status $http_via -';
            access_log /dev/stdout asked;
            client_body_temp_path {dir}/client; proxy_temp_path {dir}/proxy;
            fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
            ssl_certificate {dir}/certificate; ssl_certificate_key {dir}/key;
            root {dir}; expires 10m;
            server {{ listen 127.0.0.1:{port} {tls}; }}
        }}"
    )
}

/// A certificate that nobody signed but its owner.
fn certify(dir: &Path) {
    let output = Command::new("openssl")
        .args(["req", "-x509", "-noenc", "-days", "1", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=localhost", "-keyout", "key"])
        .args(["-out", "certificate"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A square of black pixels, three octets each.
fn bitmap(side: u32) -> Vec<u8> {
    let (heads, pixels) = (54, side * (side * 3).next_multiple_of(4));
    let mut bitmap = b"BM".to_vec();
    for number in [heads + pixels, 0, heads, 40, side, side, 1 | 24 << 16] {
        bitmap.extend(number.to_le_bytes());
    }
    bitmap.resize((heads + pixels) as usize, 0);
    bitmap
}

fn is_installed(program: &str) -> bool {
    env::split_paths(&path()).any(|dir| dir.join(program).is_file())
}

/// Where programs are: Debian keeps servers where not everybody looks.
fn path() -> String {
    format!("{}:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default())
}

/// A directory of its own, which goes with it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", process::id(), NEXT.fetch_add(1, SeqCst));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&path).unwrap();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
