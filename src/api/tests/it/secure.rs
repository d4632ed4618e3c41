//! A service with TLS, and clients of it that speak HTTP/2.

use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use lastcall_api::{ApiConfig, Certificate, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::{Builder as RuntimeBuilder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fixture::Api;

pub const TIMEOUT: Duration = Duration::from_secs(60);

/// A certificate of this machine that nobody else has signed, and its key.
fn files() -> &'static TempDir {
    static FILES: OnceLock<TempDir> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"])
            .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-subj", "/CN=localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-keyout", "tls.key", "-out", "tls.crt"])
            .current_dir(folder.path())
            .output()
            .expect("openssl makes certificates for the tests");
        assert!(made.status.success(), "{made:?}");
        folder
    })
}

/// A service with TLS.
pub fn start(change: impl FnOnce(&mut ApiConfig)) -> Api {
    let folder = files().path();
    let certificate = Certificate::read(&folder.join("tls.crt"), &folder.join("tls.key")).unwrap();
    Api::with(|config| {
        config.tls = Some(Tls::new(certificate).unwrap());
        change(config);
    })
}

pub fn runtime() -> Runtime {
    RuntimeBuilder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// What a client of this protocol connects with.
pub fn client_config(protocol: &[u8]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(files().path().join("tls.crt")).unwrap();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

pub fn server_name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

async fn secured(api: &Api) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(api.address).await.unwrap();
    let connector = TlsConnector::from(client_config(b"h2"));
    let secured = connector.connect(server_name(), stream).await.unwrap();
    assert_eq!(secured.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    secured
}

/// A client with one connection.
pub struct Client {
    pub requests: SendRequest<Bytes>,
    /// How the connection ends.
    pub end: JoinHandle<Result<(), h2::Error>>,
}

impl Client {
    pub async fn connect(api: &Api) -> Self {
        Self::with(api, 1 << 20).await
    }

    /// A client that takes so many bytes of an answer that it does not read.
    pub async fn with(api: &Api, window: u32) -> Self {
        let (requests, connection) = Builder::new()
            .initial_window_size(window)
            .handshake(secured(api).await)
            .await
            .unwrap();
        let end = tokio::spawn(connection);
        Self { requests, end }
    }

    /// Sends the head of a request.
    pub async fn begin(
        &self,
        method: &str,
        path: &str,
        ends: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("content-type", "application/json")
            .body(())
            .unwrap();
        self.request(request, ends).await
    }

    pub async fn request(
        &self,
        request: http::Request<()>,
        ends: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let mut ready = self.requests.clone().ready().await.unwrap();
        ready.send_request(request, ends).unwrap()
    }

    /// The status and the body of an answer.
    pub async fn send(&self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let (answer, mut sent) = self.begin(method, path, body.is_empty()).await;
        if !body.is_empty() {
            sent.send_data(Bytes::copy_from_slice(body.as_bytes()), true)
                .unwrap();
        }
        let answer = answer.await.unwrap();
        let status = answer.status().as_u16();
        (status, all(answer.into_body()).await.unwrap())
    }

    /// Waits until the client has received that the connection is closing.
    pub async fn sent_away(&self) {
        let told = async {
            loop {
                match self.requests.clone().ready().await {
                    Ok(_) => tokio::task::yield_now().await,
                    Err(error) => return error,
                }
            }
        };
        let error = timeout(TIMEOUT, told).await.expect("it is sent away");
        assert!(error.is_go_away(), "{error}");
    }

    /// Waits until the server has closed the connection, which is well before it would close an
    /// idle one.
    pub async fn closed(self) {
        let end = timeout(TIMEOUT, self.end).await.expect("it is closed");
        // The last bytes of the client may reach a closed socket.
        if let Err(error) = end.unwrap() {
            assert!(error.is_io(), "{error}");
        }
    }

    /// The path of a new session.
    pub async fn session(&self) -> String {
        let (answer, mut sent) = self.begin("POST", "/v1/sessions", false).await;
        sent.send_data(Bytes::from_static(b"{}"), true).unwrap();
        let answer = answer.await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

/// All of a body.
pub async fn all(mut body: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut read = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        read.extend_from_slice(&chunk);
    }
    Ok(read)
}
