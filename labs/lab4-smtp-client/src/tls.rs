//! Given: TLS around any stream, with rustls: 1.2 and 1.3, certificates checked against the system's
//! roots or those of a file, and the server's name against its certificate.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

use crate::error::Error;

/// What TLS with a server needs to know beforehand.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server: ServerName<'static>,
}

impl Tls {
    /// TLS with a server of that name, or address, whose certificate one of the roots vouches for.
    pub fn new(server: &str, ca_file: Option<&Path>) -> Result<Tls, Error> {
        let name = ServerName::try_from(server.to_owned());
        let config = ClientConfig::builder()
            .with_root_certificates(match ca_file {
                Some(path) => roots_in(path)?,
                None => roots_of_the_system()?,
            })
            .with_no_client_auth();
        Ok(Tls {
            config: Arc::new(config),
            server: name.map_err(|_| Error::Tls(format!("{server:?} is no name of a server")))?,
        })
    }

    /// Shakes hands on a stream that nobody has read ahead of.
    pub fn handshake(&self, stream: &mut (impl Read + Write)) -> io::Result<Secured> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.server.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        connection.set_buffer_limit(None);
        while connection.is_handshaking() {
            connection.complete_io(stream)?;
        }
        Ok(Secured(connection))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.server).finish()
    }
}

/// The TLS on a stream, which is handed to it at every call.
#[derive(Debug)]
pub struct Secured(ClientConnection);

impl Secured {
    /// As `Read::read`. A stream that ends without TLS's own farewell is an error: anyone can cut it.
    pub fn read(
        &mut self,
        stream: &mut (impl Read + Write),
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        Stream::new(&mut self.0, stream).read(buffer)
    }

    /// As `Write::write_all`, and it is sent when this returns.
    pub fn write_all(&mut self, stream: &mut (impl Read + Write), octets: &[u8]) -> io::Result<()> {
        let mut stream = Stream::new(&mut self.0, stream);
        stream.write_all(octets)?;
        stream.flush()
    }

    /// Says farewell, to whoever still listens.
    pub fn close(&mut self, stream: &mut (impl Read + Write)) {
        self.0.send_close_notify();
        let _ = self.0.write_tls(stream);
    }
}

/// Is this an error of TLS itself, and not of what it runs on?
pub fn is_violated(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|cause| cause.is::<rustls::Error>())
}

fn roots_in(path: &Path) -> Result<RootCertStore, Error> {
    let unreadable = |error| Error::Unreadable(path.to_owned(), error);
    let invalid = |error: pem::Error| match error {
        pem::Error::Io(error) => unreadable(error),
        error => unreadable(io::Error::other(error)),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(invalid)? {
        let added = roots.add(certificate.map_err(invalid)?);
        added.map_err(|error| unreadable(io::Error::other(error)))?;
    }
    match roots.is_empty() {
        true => Err(unreadable(io::Error::other("it holds no certificate"))),
        false => Ok(roots),
    }
}

fn roots_of_the_system() -> Result<RootCertStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system may hold a few that cannot be used; only having none is an error.
    roots.add_parsable_certificates(found.certs);
    match roots.is_empty() {
        true => Err(Error::Tls("the system has no root certificates".into())),
        false => Ok(roots),
    }
}
