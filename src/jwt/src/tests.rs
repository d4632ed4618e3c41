//! A test issuer, and the tests of its tokens.

mod keys;
mod tokens;

use std::ops::Deref;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lastcall_domain::{Clock as _, SystemClock, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Algorithm, KeySource, Rejection, Settings, Token, TokenVerifier};

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "https://lastcall.example.com";

pub(crate) fn settings() -> Settings {
    Settings {
        issuer: ISSUER.to_owned(),
        audience: vec![AUDIENCE.to_owned(), "lastcall".to_owned()],
        jwks: KeySource::File("/nowhere".into()),
        resource: AUDIENCE.to_owned(),
        owner_claim: "sub".to_owned(),
        leeway: Duration::from_secs(60),
        algorithms: Algorithm::DEFAULT.to_vec(),
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An issuer with a key of P-256, called `ec`, and one of Ed25519, called `ed`.
struct Issuer {
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

impl Issuer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let ec = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Self {
            ec: EcdsaKeyPair::from_pkcs8(algorithm, ec.as_ref(), &random).unwrap(),
            ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap(),
        }
    }

    fn ec_jwk(&self) -> Value {
        let point = self.ec.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "alg": "ES256",
            "x": encode(&point[1..33]), "y": encode(&point[33..]),
        })
    }

    fn ed_jwk(&self) -> Value {
        let x = encode(self.ed.public_key().as_ref());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": x })
    }

    fn jwks(&self) -> Value {
        json!({ "keys": [self.ec_jwk(), self.ed_jwk()] })
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        let message = format!(
            "{}.{}",
            encode(head.to_string()),
            encode(claims.to_string())
        );
        let signature = if head["alg"] == "EdDSA" {
            self.ed.sign(message.as_bytes()).as_ref().to_vec()
        } else {
            let random = SystemRandom::new();
            let signature = self.ec.sign(&random, message.as_bytes()).unwrap();
            signature.as_ref().to_vec()
        };
        format!("{message}.{}", encode(signature))
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": now().timestamp() + 300,
        "scope": "lastcall:run",
    })
}

/// The claims with these changes; `null` removes one.
fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn block<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// A verifier with the keys of a file, fetched once.
struct WithKeys {
    verifier: TokenVerifier,
    _folder: TempDir,
}

impl Deref for WithKeys {
    type Target = TokenVerifier;

    fn deref(&self) -> &TokenVerifier {
        &self.verifier
    }
}

fn verifier(settings: Settings, keys: &Value) -> WithKeys {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, keys.to_string()).unwrap();
    let jwks = KeySource::File(file);
    let verifier = TokenVerifier::new(Settings { jwks, ..settings });
    block(async {
        tokio::select! {
            never = verifier.run() => match never {},
            () = fetched(&verifier) => {}
        }
    });
    WithKeys {
        verifier,
        _folder: folder,
    }
}

/// Waits until there are keys.
async fn fetched(verifier: &TokenVerifier) {
    let poll = async {
        while !verifier.has_keys() {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), poll).await;
    in_time.expect("the keys are fetched");
}

/// Checks a token while a task fetches keys, as in the service.
fn verify(verifier: &TokenVerifier, token: &str) -> Result<Token, Rejection> {
    block(async {
        tokio::select! {
            biased;
            never = verifier.run() => match never {},
            verified = verifier.verify(token, now()) => verified,
        }
    })
}

fn why(verifier: &TokenVerifier, token: &str) -> &'static str {
    match verify(verifier, token) {
        Err(Rejection::Invalid(why)) => why,
        other => panic!("{other:?}: {token}"),
    }
}
