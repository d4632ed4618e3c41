//! An issuer of tokens: its keys, and the server that publishes them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::TIMEOUT;

/// What tokens are for.
pub(crate) const AUDIENCE: &str = "https://lastcall.example.com";

/// The issuer; it ends with its test.
pub(crate) struct Issuer {
    address: SocketAddr,
    keys: BTreeMap<String, EcdsaKeyPair>,
    shared: Arc<Mutex<Shared>>,
    server: Option<JoinHandle<()>>,
}

struct Shared {
    answer: String,
    requests: usize,
    over: bool,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    /// With a key of this name, which it serves.
    pub(crate) fn new(key: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Mutex::new(Shared {
            answer: unavailable(),
            requests: 0,
            over: false,
        }));
        let theirs = Arc::clone(&shared);
        let mut issuer = Self {
            address: listener.local_addr().unwrap(),
            keys: BTreeMap::new(),
            shared,
            server: Some(std::thread::spawn(move || serve(&listener, &theirs))),
        };
        issuer.add(key);
        issuer.publish(&[key]);
        issuer
    }

    /// What `iss` is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn jwks(&self) -> String {
        format!("{}/jwks", self.url())
    }

    /// Makes a key.
    pub(crate) fn add(&mut self, key: &str) {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        self.keys.insert(key.to_owned(), pair);
    }

    /// Serves these keys, and no others, from now on.
    pub(crate) fn publish(&self, keys: &[&str]) {
        let keys: Vec<Value> = keys.iter().map(|key| self.jwk(key)).collect();
        let body = json!({ "keys": keys }).to_string();
        self.lock().answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
    }

    /// Answers with nothing but 503 from now on.
    pub(crate) fn go_away(&self) {
        self.lock().answer = unavailable();
    }

    /// Redirects every request to that URL from now on.
    pub(crate) fn redirect_to(&self, url: &str) {
        self.lock().answer = format!(
            "HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }

    /// The number of requests.
    pub(crate) fn requests(&self) -> usize {
        self.lock().requests
    }

    /// A token for this subject with these scopes.
    pub(crate) fn token(&self, key: &str, subject: &str, scope: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        self.sign(
            key,
            &json!({
                "iss": self.url(), "aud": AUDIENCE, "sub": subject, "scope": scope,
                "exp": now.as_secs() + 3600, "iat": now.as_secs(),
                "jti": format!("token-of-{subject}"), "client_id": "console",
            }),
        )
    }

    pub(crate) fn sign(&self, key: &str, claims: &Value) -> String {
        let head = json!({ "alg": "ES256", "kid": key, "typ": "at+jwt" });
        let message = format!(
            "{}.{}",
            encode(head.to_string()),
            encode(claims.to_string())
        );
        let pair = &self.keys[key];
        let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encode(signature))
    }

    fn jwk(&self, key: &str) -> Value {
        let point = self.keys[key].public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "kid": key, "use": "sig",
            "x": encode(&point[1..33]), "y": encode(&point[33..]),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.lock().over = true;
        // One more connection, so that the server sees it.
        let _ = TcpStream::connect(self.address);
        if let Some(server) = self.server.take() {
            // Where it has panicked, the test has failed already.
            let _ = server.join();
        }
    }
}

fn unavailable() -> String {
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
}

fn serve(listener: &TcpListener, shared: &Mutex<Shared>) {
    for client in listener.incoming() {
        let mut client = client.unwrap();
        if shared.lock().unwrap().over {
            return;
        }
        client.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && matches!(client.read(&mut byte), Ok(1)) {
            head.push(byte[0]);
        }
        let answer = {
            let mut shared = shared.lock().unwrap();
            shared.requests += 1;
            shared.answer.clone()
        };
        // A client that has disconnected needs no answer.
        let _ = client.write_all(answer.as_bytes());
    }
}
