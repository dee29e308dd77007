//! A request, exact to the octet: nothing is added, sorted or mended.

/// Built up piece by piece; [`Request::octets`] is what goes on the wire.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: Vec<u8>,
    version: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    /// `METHOD target HTTP/1.1` with `Host: host` and no other field.
    pub fn new(method: &str, target: impl AsRef<[u8]>, host: &str) -> Self {
        Request {
            method: method.to_owned(),
            target: target.as_ref().to_vec(),
            version: "HTTP/1.1".to_owned(),
            fields: vec![("Host".to_owned(), host.as_bytes().to_vec())],
            body: Vec::new(),
        }
    }

    /// Another version; HTTP/1.0 needs no `Host` but may have one.
    pub fn version(mut self, version: &str) -> Self {
        self.version = version.to_owned();
        self
    }

    /// One more field line.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Without any field of this name, in any case.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| !field.eq_ignore_ascii_case(name));
        self
    }

    /// Octets behind the head; the caller says how they are framed.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// `Connection: close`.
    pub fn close(self) -> Self {
        self.field("Connection", "close")
    }

    pub fn method(&self) -> &str {
        &self.method
    }

    /// `HTTP/1.1`, unless another was given.
    pub fn http_version(&self) -> &str {
        &self.version
    }

    pub fn target(&self) -> &[u8] {
        &self.target
    }

    pub fn octets(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(256 + self.body.len());
        octets.extend_from_slice(self.method.as_bytes());
        octets.push(b' ');
        octets.extend_from_slice(&self.target);
        octets.push(b' ');
        octets.extend_from_slice(self.version.as_bytes());
        octets.extend_from_slice(b"\r\n");
        for (name, value) in &self.fields {
            octets.extend_from_slice(name.as_bytes());
            octets.extend_from_slice(b": ");
            octets.extend_from_slice(value);
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(b"\r\n");
        octets.extend_from_slice(&self.body);
        octets
    }
}
