//! The certificates of the listener, and how they change while it listens.

use std::{
    fmt, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use rustls::{
    client::verify_server_name,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::{ClientHello, ParsedCertificate, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::spawn_blocking,
    time::sleep,
};

use crate::tls::{CertificateFiles, TlsConfig};

/// For whom the certificate of development is.
const DEVELOPMENT: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Why the listener has no certificate to show.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    Read(PathBuf, io::Error),
    /// A file has no certificate, or no private key, in PEM.
    Pem(PathBuf),
    /// The key is not of a kind that is known, or is not the certificate's.
    Key(PathBuf, String),
    /// There is none.
    None,
    /// The cryptographic library fails.
    Provider(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Pem(path) => write!(f, "{} has not what it should have, in PEM", path.display()),
            Self::Key(path, why) => write!(f, "the key {} does not fit: {why}", path.display()),
            Self::None => f.write_str("TLS needs a certificate"),
            Self::Provider(why) => write!(f, "TLS fails: {why}"),
        }
    }
}

impl std::error::Error for TlsError {}

type Keys = Vec<Arc<CertifiedKey>>;

/// What is shown now, and where it came from.
pub(crate) struct Certificates {
    files: Vec<CertificateFiles>,
    shown: RwLock<Arc<Keys>>,
    /// What was read at first.
    state: u64,
}

impl Certificates {
    pub(crate) fn load(config: &TlsConfig) -> Result<Self, TlsError> {
        let (files, keys, state) = match config {
            TlsConfig::SelfSigned => (Vec::new(), vec![self_signed()?], 0),
            TlsConfig::Files(files) if files.is_empty() => return Err(TlsError::None),
            TlsConfig::Files(files) => {
                let read = read(files)?;
                (files.clone(), parse(files, &read)?, state_of(&read))
            }
        };
        Ok(Self { files, shown: RwLock::new(Arc::new(keys)), state })
    }

    fn shown(&self) -> Arc<Keys> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files every `look`, and at each SIGHUP. What is wrong is logged once, and what is shown stays.
    pub(crate) async fn watch(&self, look: Duration) {
        if self.files.is_empty() {
            return std::future::pending().await;
        }
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut state = self.state;
        loop {
            tokio::select! { () = sleep(look) => {}, () = heard(&mut hangup) => {} }
            let files = self.files.clone();
            let looked = spawn_blocking(move || {
                let read = read(&files);
                let new = read.as_ref().map_or_else(|error| state_of(&error.to_string()), state_of);
                (new != state).then(|| (new, read.and_then(|read| parse(&files, &read))))
            });
            let Ok(Some((new, keys))) = looked.await else { continue };
            state = new;
            match keys {
                Ok(keys) => {
                    *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                    tracing::info!("new certificates are shown from now on");
                }
                Err(error) => tracing::error!(%error, "the certificates stay as they were"),
            }
        }
    }
}

/// Ready at the next signal, if they can be heard at all.
async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown();
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let speaks = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        let fits = |key: &&Arc<CertifiedKey>| name.as_ref().is_some_and(|name| is_for(key, name));
        let mut usable = shown.iter().filter(speaks);
        let named = if shown.len() > 1 { usable.clone().find(fits) } else { None };
        named.or_else(|| usable.next()).cloned()
    }
}

fn is_for(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let certificate = key.end_entity_cert().ok().and_then(|der| ParsedCertificate::try_from(der).ok());
    certificate.is_some_and(|certificate| verify_server_name(&certificate, name).is_ok())
}

/// The bytes of a chain and of its key.
type Pem = (Vec<u8>, Vec<u8>);

fn read(files: &[CertificateFiles]) -> Result<Vec<Pem>, TlsError> {
    let read = |path: &Path| fs::read(path).map_err(|error| TlsError::Read(path.to_owned(), error));
    files.iter().map(|files| Ok((read(&files.chain)?, read(&files.key)?))).collect()
}

/// The contents, not the times of the files: a copy may keep them.
fn state_of(read: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    read.hash(&mut hasher);
    hasher.finish()
}

fn parse(files: &[CertificateFiles], read: &[Pem]) -> Result<Keys, TlsError> {
    files.iter().zip(read).map(|(files, pem)| certified(files, pem)).collect()
}

fn certified(files: &CertificateFiles, (chain, key): &Pem) -> Result<Arc<CertifiedKey>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    let certificates = certificates.ok_or_else(|| TlsError::Pem(files.chain.clone()))?;
    let der = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Pem(files.key.clone()))?;
    let certified = CertifiedKey::from_der(certificates, der, &default_provider());
    certified.map(Arc::new).map_err(|error| TlsError::Key(files.key.clone(), error.to_string()))
}

fn self_signed() -> Result<Arc<CertifiedKey>, TlsError> {
    let failed = |error: rcgen::Error| TlsError::Provider(error.to_string());
    let made = rcgen::generate_simple_self_signed(DEVELOPMENT.map(str::to_owned)).map_err(failed)?;
    let der = made.cert.der().clone();
    let sha256 = fingerprint(&der);
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(|why| TlsError::Provider(why.to_owned()))?;
    let certified = CertifiedKey::from_der(vec![der], key, &default_provider());
    let certified = certified.map_err(|error| TlsError::Provider(error.to_string()))?;
    tracing::warn!(%sha256, names = ?DEVELOPMENT, "a self-signed certificate, for development only");
    Ok(Arc::new(certified))
}

/// As browsers and `openssl x509 -fingerprint -sha256` show it.
fn fingerprint(der: &[u8]) -> String {
    let bytes: Vec<_> = digest(&SHA256, der).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}
