//! A certificate authority of the test's own: certificates for servers and for clients, good and
//! bad ones.
//!
//! New keys are made in every run and never leave the machine. What is trusted is only what a test
//! puts into `network.ca_bundle`: nothing is installed in the system.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use crate::child_guard::ChildGuard;

/// A root and what it issues; its files are removed when it is dropped.
#[derive(Debug)]
pub struct CertificateAuthority {
    root: Certificate,
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
    files: AtomicU32,
}

/// A certificate with its key, as a server or a client uses it.
#[derive(Debug)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    file: PathBuf,
}

impl CertificateAuthority {
    /// A new authority.
    ///
    /// # Panics
    /// If its files cannot be written.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Belfry test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("a root certificate");
        let folder = tempfile::Builder::new().prefix("belfry-ca-").tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("root.pem"), root.pem()).expect("the root written");
        Self { root, issuer: Issuer::new(params, key), folder, files: AtomicU32::new(0) }
    }

    /// The authority that all tests of this process share. Its files are removed when the process
    /// ends, however that ends.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<(CertificateAuthority, ChildGuard)> = LazyLock::new(|| {
            let authority = CertificateAuthority::new();
            // A static value is never dropped: the guard's watcher removes the folder.
            let mut idle = Command::new("cat");
            let guard = ChildGuard::spawn_in(idle.stdin(Stdio::piped()), Some(authority.folder.path()));
            (authority, guard.expect("a guard of the folder"))
        });
        &SHARED.0
    }

    /// The root certificate as a PEM file, for `network.ca_bundle`.
    pub fn bundle(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// The root certificate.
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    /// A certificate for a server on loopback: `localhost`, `127.0.0.1` and `::1`.
    pub fn loopback_server(&self) -> Identity {
        self.issue(loopback_params())
    }

    /// The same, out of date since 2001.
    pub fn expired_loopback_server(&self) -> Identity {
        self.issue(expired(loopback_params()))
    }

    /// A certificate for a server of these names.
    ///
    /// # Panics
    /// If a name is not a host name.
    pub fn server(&self, names: &[&str]) -> Identity {
        self.issue(server_params(names))
    }

    /// The same, out of date since 2001.
    ///
    /// # Panics
    /// If a name is not a host name.
    pub fn expired_server(&self, names: &[&str]) -> Identity {
        self.issue(expired(server_params(names)))
    }

    /// A certificate for a client, whose common name is `name`.
    pub fn client(&self, name: &str) -> Identity {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    fn issue(&self, mut params: CertificateParams) -> Identity {
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let file = self.folder.path().join(format!("identity-{number}.pem"));
        std::fs::write(&file, certificate.pem() + &key.serialize_pem()).expect("the certificate written");
        Identity { certificate: certificate.der().clone(), key: PrivateKeyDer::from(key), file }
    }
}

impl Default for CertificateAuthority {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// Certificate and key in one PEM file, for `network.client_cert`; it is removed with its
    /// authority.
    pub fn pem_file(&self) -> &Path {
        &self.file
    }

    /// The certificate alone: what the other side has to trust.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// The chain and the key, as rustls takes them.
    pub fn chain_and_key(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (vec![self.certificate.clone()], self.key.clone_key())
    }
}

fn loopback_params() -> CertificateParams {
    let mut params = server_params(&["localhost"]);
    let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    params.subject_alt_names.extend(addresses.map(SanType::IpAddress));
    params
}

fn expired(mut params: CertificateParams) -> CertificateParams {
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
    params
}

fn server_params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("host names");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}
