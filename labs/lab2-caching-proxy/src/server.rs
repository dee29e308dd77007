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
        todo!("step 6: stop")
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
    for stream in listener.incoming().flatten() {
        let stay = Stay::new(stream, &proxy);
        let connection = thread::spawn(move || connection::serve(&stay.guest, &stay.proxy));
        let _ = connection.join(); // step 6: run, and let nobody wait
    }
    Ok(())
}

/// Accepts connections; each is served by a thread of its own, so that none waits for another.
fn accept(listener: &TcpListener, proxy: &Arc<Proxy>) {
    todo!("step 6: accept")
}
