//! TLS on the listener: the certificate in force, and its replacement.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// HTTP/2 as ALPN names it.
pub(crate) const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";
/// The largest file with certificates, or with a key.
const MAX_FILE: u64 = 1 << 20;

/// A certificate with its chain and its matching private key.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<CertifiedKey>);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file of the certificate and its chain.
    #[error("{0}")]
    Certificate(String),
    /// The file of the private key.
    #[error("{0}")]
    Key(String),
}

impl Certificate {
    /// Reads PEM files: the certificate followed by its chain, and its private key.
    ///
    /// # Errors
    /// If one of them cannot be read, or they do not match.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let chain = read(certificate).map_err(CertificateError::Certificate)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
        let chain = match chain {
            Ok(chain) if !chain.is_empty() => chain,
            Ok(_) => {
                let why = "it holds no certificate in PEM".to_owned();
                return Err(CertificateError::Certificate(why));
            }
            Err(error) => return Err(CertificateError::Certificate(error.to_string())),
        };
        let text = read(key).map_err(CertificateError::Key)?;
        // The contents of the file are not shown, because they may be a part of the key.
        let key = PrivateKeyDer::from_pem_slice(&text)
            .map_err(|_| CertificateError::Key("it holds no private key in PEM".to_owned()))?;
        let certified = CertifiedKey::from_der(chain, key, &default_provider()).map_err(
            |error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    CertificateError::Key("it is not the key of the certificate".to_owned())
                }
                rustls::Error::InvalidCertificate(error) => {
                    CertificateError::Certificate(format!("not a valid certificate: {error:?}"))
                }
                error => CertificateError::Key(error.to_string()),
            },
        )?;
        Ok(Self(Arc::new(certified)))
    }
}

/// The text of a file. Reading is bounded, because an endless device may be named.
fn read(file: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let file = File::open(file).map_err(unreadable)?;
    let mut text = Vec::new();
    let read = file.take(MAX_FILE + 1).read_to_end(&mut text);
    if read.map_err(unreadable)? as u64 > MAX_FILE {
        return Err(format!("it is larger than {MAX_FILE} bytes"));
    }
    Ok(text)
}

/// TLS with the certificate in force. Clones share it.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    current: Arc<Current>,
}

impl Tls {
    /// TLS 1.2 and 1.3 with this certificate, and HTTP/2 or HTTP/1.1 as the client prefers.
    ///
    /// # Errors
    /// If the library supports neither version.
    pub fn new(certificate: Certificate) -> Result<Self, rustls::Error> {
        let current = Arc::new(Current(RwLock::new(certificate)));
        let provider: Arc<CryptoProvider> = Arc::new(default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Current>::clone(&current));
        config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
        Ok(Self {
            config: Arc::new(config),
            current,
        })
    }

    /// Uses this certificate for new connections. Open connections continue.
    pub fn replace(&self, certificate: Certificate) {
        let current = &self.current.0;
        *current.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

/// The certificate that is in force.
#[derive(Debug)]
struct Current(RwLock<Certificate>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.0))
    }
}
