//! TLS, by the same rustls as the blob store's client.

use std::sync::Arc;

use lastcall_domain::{StoreError, StoreResult};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::{Roots, Trust};

/// The TLS connector.
pub(super) fn connector(trust: &Trust) -> StoreResult<MakeRustlsConnect> {
    let failed = |error: &dyn std::fmt::Display| StoreError::Failed(format!("TLS: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = |roots: &Roots| -> StoreResult<Arc<WebPkiServerVerifier>> {
        let roots = Arc::new(load(roots)?);
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| failed(&error))
    };
    let any_host = |chain| AnyHost {
        chain,
        provider: Arc::clone(&provider),
    };
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Any => Arc::new(any_host(None)),
        Trust::Authority(roots) => Arc::new(any_host(Some(chain(roots)?))),
        Trust::Host(roots) => chain(roots)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn load(roots: &Roots) -> StoreResult<RootCertStore> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
        }
        Roots::File(path) => {
            let failed = |error: &dyn std::fmt::Display| {
                StoreError::Failed(format!("sslrootcert {}: {error}", path.display()))
            };
            let found = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| failed(&error))?;
                store.add(certificate).map_err(|error| failed(&error))?;
            }
        }
    }
    if store.is_empty() {
        return Err(StoreError::Failed(
            "TLS: no certificate authority is known to check the server by; name a file with \
             sslrootcert"
                .to_owned(),
        ));
    }
    Ok(store)
}

/// The verifier of `sslmode=require`, which accepts any server, and `sslmode=verify-ca`, which
/// accepts a certificate of a trusted authority for any host.
#[derive(Debug)]
struct AnyHost {
    /// The verifier of the certificate, if it is checked.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        match chain.verify_server_cert(end_entity, intermediates, host, ocsp, now) {
            // The name is checked last, when the chain is valid.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
