//! What all connections share, the socket that listens, and the stop.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::cache::Cache;
use crate::connection;
use crate::sys;

/// How long a stop waits for the exchanges that are going on.
const GRACE: Duration = Duration::from_secs(4);

/// What all connections share.
pub struct Proxy {
    pub cache: Cache,
    /// How long an origin may take to be reached, and may be silent.
    pub timeout: Duration,
    /// This proxy's name in `Via`, which no other has.
    pub pseudonym: String,
    guests: Mutex<HashMap<u64, Arc<Guest>>>,
    /// Told whenever a guest leaves.
    left: Condvar,
    stopping: AtomicBool,
}

/// A client's connection.
pub struct Guest {
    pub stream: TcpStream,
    busy: AtomicBool,
}

impl Guest {
    pub fn new(stream: TcpStream) -> Guest {
        Guest {
            stream,
            busy: AtomicBool::new(false),
        }
    }

    /// Says whether a request is being answered; otherwise a stop need not wait.
    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, SeqCst);
    }
}

impl Proxy {
    pub fn new(cache: Cache, timeout: Duration) -> Proxy {
        let random = RandomState::new().hash_one(0);
        Proxy {
            cache,
            timeout,
            pseudonym: format!("wirelab-{random:016x}"),
            guests: Mutex::default(),
            left: Condvar::new(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Is every answer from now on the last of its connection?
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    /// Waits until what is being answered is answered, though not for ever.
    fn stop(&self) {
        // ANCHOR: step6_stop
        self.stopping.store(true, SeqCst);
        let guests = self.guests();
        for guest in guests.values() {
            guest.stop_if_idle();
        }
        let is_waiting = |guests: &mut HashMap<_, _>| !guests.is_empty();
        drop(self.left.wait_timeout_while(guests, GRACE, is_waiting));
        // ANCHOR_END: step6_stop
    }

    fn guests(&self) -> MutexGuard<'_, HashMap<u64, Arc<Guest>>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// Ends the waiting for a request. What has arrived can still be read, and is answered.
    fn stop_if_idle(&self) {
        if !self.busy.load(SeqCst) {
            let _ = self.stream.shutdown(Shutdown::Read); // the client may have gone
        }
    }
}

/// A guest that is in the books as long as this lives.
struct Stay {
    number: u64,
    guest: Arc<Guest>,
    proxy: Arc<Proxy>,
}

impl Stay {
    fn new(stream: TcpStream, proxy: &Arc<Proxy>) -> Stay {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, SeqCst);
        let guest = Arc::new(Guest::new(stream));
        proxy.guests().insert(number, Arc::clone(&guest));
        if proxy.is_stopping() {
            guest.stop_if_idle();
        }
        Stay {
            number,
            guest,
            proxy: Arc::clone(proxy),
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.proxy.guests().remove(&self.number);
        self.proxy.left.notify_all();
    }
}

/// Binds a socket to listen on. The standard library sets `SO_REUSEADDR`.
pub fn bind(host: &str, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((host, port))
}

/// Serves connections until a signal ends it.
///
/// Step 6 gives each connection a thread of its own, and the signals their meaning.
pub fn run(listener: TcpListener, proxy: Proxy) -> io::Result<()> {
    let proxy = Arc::new(proxy);
    // ANCHOR: step6_run
    // STARTER: for stream in listener.incoming().flatten() {
    // STARTER:     let stay = Stay::new(stream, &proxy);
    // STARTER:     let connection = thread::spawn(move || connection::serve(&stay.guest, &stay.proxy));
    // STARTER:     let _ = connection.join(); // step 6: run, and let nobody wait
    // STARTER: }
    // STARTER: Ok(())
    let signals = sys::Signals::hold()?;
    let listener = Arc::new(listener);
    {
        let (listener, proxy) = (Arc::clone(&listener), Arc::clone(&proxy));
        let acceptor = thread::Builder::new().name("acceptor".into());
        acceptor.spawn(move || accept(&listener, &proxy))?;
    }
    signals.wait()?;
    sys::stop_listening(&listener);
    proxy.stop();
    Ok(())
    // ANCHOR_END: step6_run
}

/// Accepts connections; each is served by a thread of its own, so that none waits for another.
fn accept(listener: &TcpListener, proxy: &Arc<Proxy>) {
    // ANCHOR: step6_accept
    while !proxy.is_stopping() {
        let accepted = listener.accept().and_then(|(stream, _)| {
            let stay = Stay::new(stream, proxy);
            let thread = thread::Builder::new().name("connection".into());
            thread.spawn(move || {
                // However a connection ends, the others do not mind.
                let _ = connection::serve(&stay.guest, &stay.proxy);
            })
        });
        match accepted {
            Ok(_) => {}
            Err(_) if proxy.is_stopping() => {}
            // It does not listen any more.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => break,
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                eprintln!("proxy: failed to accept: {error}");
                // Out of descriptors or threads: no event tells when there are some again.
                thread::park_timeout(Duration::from_millis(100));
            }
        }
    }
    // ANCHOR_END: step6_accept
}
