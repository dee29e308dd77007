//! Certificates made anew for each run of the harness: one authority, and what servers show of themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::version::{TLS12, TLS13};

/// The host that a certificate names.
pub const HOST: &str = "localhost";

const DAY: Duration = Duration::from_secs(86_400);

/// What a server shows in the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// For `localhost` and the loopback addresses, of the authority, valid today.
    #[default]
    Right,
    /// Right but for the name.
    OtherName,
    /// Right but for its time, which is over.
    Expired,
    /// Right but for its issuer, whom nobody knows.
    OtherIssuer,
}

/// The versions of TLS that a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    #[default]
    Both,
    Only12,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// The authority's certificate in PEM, as a client is given it to trust.
pub fn authority_pem() -> &'static str {
    &authority().pem
}

fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| make_authority("wirelab authority of this run"))
}

fn make_authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    // RFC 5280 §4.2.1.3: Python's checks have been strict about it since 3.13.
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, SystemTime::now());
    let key = key();
    let pem = params.self_signed(&key).expect("an authority's certificate has all that is needed").pem();
    Authority { issuer: Issuer::new(params, key), pem }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("an elliptic key is made without input")
}

/// From two days before `now` to a year after.
fn valid(params: &mut CertificateParams, now: SystemTime) {
    params.not_before = (now - 2 * DAY).into();
    params.not_after = (now + 365 * DAY).into();
}

/// How a server that shows this speaks TLS.
pub fn server(shown: Shown, versions: Versions) -> ServerConfig {
    let mut params = CertificateParams::default();
    let name = if shown == Shown::OtherName { "mail.elsewhere.example" } else { HOST };
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = vec![SanType::DnsName(name.try_into().expect("a host's name is ASCII"))];
    if shown != Shown::OtherName {
        let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        params.subject_alt_names.extend(loopback.map(SanType::IpAddress));
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // RFC 5280 §4.2.1.1: whoever is strict wants it in what an authority signs.
    params.use_authority_key_identifier_extension = true;
    let now = SystemTime::now();
    valid(&mut params, now);
    if shown == Shown::Expired {
        params.not_after = (now - DAY).into();
    }
    let key = key();
    let certificate = match shown {
        Shown::OtherIssuer => params.signed_by(&key, &make_authority("somebody else").issuer),
        _ => params.signed_by(&key, &authority().issuer),
    };
    let certificate = certificate.expect("a server's certificate has all that is needed");
    let versions: &[_] = match versions {
        Versions::Both => &[&TLS13, &TLS12],
        Versions::Only12 => &[&TLS12],
    };
    let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("the provider has both versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("the key belongs to the certificate")
}
