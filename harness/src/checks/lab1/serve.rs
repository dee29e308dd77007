//! Starting the server under test, and talking to it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::site::Site;
use crate::check::Role;
use crate::client::{Conn, Request};
use crate::scene::Scene;
use crate::subject::Running;
use crate::trial::{Model, Trial, Up};
use crate::verdict::Verdict;
use crate::wire::http::message::Response;

/// Workers of a server whose number is not what the check is about. No check leaves as many idle
/// connections open at once (contract: an idle connection may hold a worker).
pub const WORKERS: usize = 8;

/// `--timeout` where none is to be reached: longer than any check waits.
const LONG: f64 = 60.0;

/// A server under test that is up, as one check sees it.
#[derive(Clone)]
pub struct Server {
    pub up: Up,
    pub site: Arc<Site>,
    scene: Scene,
}

/// The server that only reads, started once for many checks, on the run's [`Site`].
pub fn shared(t: &mut Trial) -> Verdict<Server> {
    let site = Site::of(t)?;
    let options = Fresh::new();
    let model = t.model();
    let up = t.share(Role::Server, |port| options.arguments(port, &site.root, model))?;
    Ok(Server { up, site, scene: t.scene().clone() })
}

/// A server of the check's own: `Fresh::new().workers(2).timeout(0.3).start(t)?`.
#[derive(Clone, Debug)]
pub struct Fresh {
    workers: usize,
    timeout: f64,
    root: Option<PathBuf>,
}

impl Fresh {
    pub fn new() -> Self {
        Fresh { workers: WORKERS, timeout: LONG, root: None }
    }

    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// `--timeout`, in seconds.
    pub fn timeout(mut self, seconds: f64) -> Self {
        self.timeout = seconds;
        self
    }

    /// A document root of the check's own, instead of the run's [`Site`].
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = Some(root.into());
        self
    }

    pub fn start(self, t: &mut Trial) -> Verdict<Server> {
        let site = Site::of(t)?;
        let model = t.model();
        let root = self.root.as_ref().unwrap_or(&site.root);
        let up = t.start(Role::Server, |port| self.arguments(port, root, model))?;
        Ok(Server { up, site, scene: t.scene().clone() })
    }

    /// The contract's arguments. The model is named only where the submission has a choice.
    pub fn arguments(&self, port: u16, root: &Path, model: Model) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["--host".into(), "127.0.0.1".into(), "--port".into()];
        arguments.push(port.to_string().into());
        arguments.push("--root".into());
        arguments.push(root.into());
        arguments.push("--workers".into());
        arguments.push(self.workers.to_string().into());
        arguments.push("--model".into());
        arguments.push(model.name().into());
        arguments.push("--timeout".into());
        arguments.push(self.timeout.to_string().into());
        arguments
    }
}

impl Server {
    pub fn addr(&self) -> SocketAddr {
        self.up.addr
    }

    pub fn running(&self) -> &Arc<Running> {
        &self.up.running
    }

    /// What `Host` says: `127.0.0.1:40213`.
    pub fn host(&self) -> String {
        self.up.addr.to_string()
    }

    /// Gives what follows the check's whole patience.
    pub fn restart_clock(&self) {
        self.scene.restart_clock();
    }

    pub fn connect(&self) -> Verdict<Conn> {
        Conn::open(&self.scene, self.up.addr)
    }

    /// `METHOD target HTTP/1.1` with the right `Host`.
    pub fn request(&self, method: &str, target: &str) -> Request {
        Request::new(method, target, &self.host())
    }

    pub fn get(&self, target: &str) -> Request {
        self.request("GET", target)
    }

    /// One request on a connection of its own, which the request asks to close: whether the connection could
    /// persist is left to the checks that are about it.
    pub fn ask(&self, request: &Request) -> Verdict<Response> {
        self.connect()?.ask(&request.clone().without("Connection").close())
    }
}
