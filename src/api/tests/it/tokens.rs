//! Tokens beside keys: owners, scopes, and the contents of a refusal.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lastcall_api::{ApiKey, Auth, Role};
use lastcall_domain::{Clock as _, SystemClock};
use lastcall_jwt::{Algorithm, KeySource, Settings};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::client::Client;
use crate::fixture::{Api, CSV};

const ISSUER: &str = "https://id.example.com";
const RESOURCE: &str = "https://lastcall.example.com/jobs";
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// An issuer whose keys are in a file.
struct Issuer {
    folder: TempDir,
    pair: Ed25519KeyPair,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    fn new() -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let issuer = Self {
            folder: tempfile::tempdir().unwrap(),
            pair: Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap(),
        };
        let x = encode(issuer.pair.public_key().as_ref());
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x });
        let set = json!({ "keys": [key] }).to_string();
        std::fs::write(issuer.folder.path().join("jwks.json"), set).unwrap();
        issuer
    }

    fn settings(&self) -> Settings {
        Settings {
            issuer: ISSUER.to_owned(),
            audience: vec!["lastcall".to_owned()],
            jwks: KeySource::File(self.folder.path().join("jwks.json")),
            resource: RESOURCE.to_owned(),
            owner_claim: "sub".to_owned(),
            leeway: Duration::from_secs(60),
            algorithms: Algorithm::DEFAULT.to_vec(),
        }
    }

    fn token(&self, subject: &str, scope: &str) -> String {
        let head = encode(json!({ "alg": "EdDSA", "kid": "k" }).to_string());
        let claims = json!({
            "iss": ISSUER, "aud": "lastcall", "sub": subject, "scope": scope,
            "exp": SystemClock.now().timestamp() + 600,
        });
        let message = format!("{head}.{}", encode(claims.to_string()));
        let signature = encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// A service that accepts its tokens, and these keys.
    fn api(&self, keys: Vec<ApiKey>) -> Api {
        let settings = Box::new(self.settings());
        Api::with(|config| config.auth = Auth::Jwt { keys, settings })
    }
}

fn key(name: &str, key: &str, role: Role) -> ApiKey {
    ApiKey::new(name, Sha256::digest(key.as_bytes()).into(), role)
}

fn bearer(api: &Api, token: &str) -> Client {
    api.client.with("authorization", &format!("Bearer {token}"))
}

#[test]
fn the_subject_of_a_token_is_not_the_owner_of_a_key_with_the_same_name() {
    let issuer = Issuer::new();
    let api = issuer.api(vec![key("ada", "key-of-ada", Role::User)]);
    let with_key = bearer(&api, "key-of-ada");
    let with_token = bearer(&api, &issuer.token("ada", "lastcall:run"));
    let other = bearer(&api, &issuer.token("bob", "lastcall:admin"));
    for (own, others) in [
        (&with_key, [&with_token, &other]),
        (&with_token, [&with_key, &other]),
    ] {
        let session = own.post("/v1/sessions", &json!({})).expect(201);
        let session = session.header("location").to_owned();
        let dataset = format!("{session}/datasets/penguins");
        own.put(&dataset, "text/csv", CSV).expect(201);
        for other in others {
            other.get(&session).problem(404, "session_not_found");
            other.get(&dataset).problem(404, "session_not_found");
            other.delete(&session).problem(404, "session_not_found");
            assert_eq!(other.get("/v1/sessions").ok(200)["items"], json!([]));
        }
        own.get(&dataset).expect(200);
        own.delete(&session).expect(204);
    }
}

#[test]
fn a_scope_allows_its_operations_and_a_refusal_names_the_missing_one() {
    let issuer = Issuer::new();
    let api = issuer.api(Vec::new());
    let [none, read, run, admin] = ["openid", "lastcall:read", "lastcall:run", "lastcall:admin"]
        .map(|scope| bearer(&api, &issuer.token("ada", scope)));
    let session = run.post("/v1/sessions", &json!({})).expect(201);
    let session = session.header("location").to_owned();
    let refused = |reply: crate::client::Reply, scope: &str| {
        let challenge = reply.header("www-authenticate").to_owned();
        assert!(
            challenge.contains("error=\"insufficient_scope\""),
            "{challenge}"
        );
        assert!(
            challenge.contains(&format!("scope=\"{scope}\"")),
            "{challenge}"
        );
        reply.problem(403, "forbidden");
    };
    refused(none.get(&session), "lastcall:read");
    refused(none.post("/v1/sessions", &json!({})), "lastcall:run");
    for client in [&read, &run, &admin] {
        client.get(&session).expect(200);
        client.get("/v1/jobs").expect(200);
    }
    let dataset = format!("{session}/datasets/penguins");
    refused(read.post("/v1/sessions", &json!({})), "lastcall:run");
    refused(read.put(&dataset, "text/csv", CSV), "lastcall:run");
    refused(read.delete(&session), "lastcall:run");
    run.put(&dataset, "text/csv", CSV).expect(201);
    admin.put(&dataset, "text/csv", CSV).expect(200);
    for (client, role) in [(&read, "reader"), (&run, "user"), (&admin, "admin")] {
        assert_eq!(client.get("/v1/system").ok(200)["role"], role);
    }
    refused(read.raw("POST", "/v1/system/drain", b""), "lastcall:run");
    refused(run.raw("POST", "/v1/system/drain", b""), "lastcall:admin");
    assert_eq!(*api.system.drains.lock().unwrap(), 0);
    admin.raw("POST", "/v1/system/drain", b"").expect(202);
}

#[test]
fn a_refusal_names_the_metadata_and_the_error_of_the_token() {
    let issuer = Issuer::new();
    let api = issuer.api(vec![key("ada", "key-of-ada", Role::User)]);
    let metadata = "resource_metadata=\
                    \"https://lastcall.example.com/.well-known/oauth-protected-resource/jobs\"";
    let missing = api.client.get("/v1/jobs");
    let challenge = missing.header("www-authenticate").to_owned();
    assert!(
        challenge.starts_with("Bearer realm=\"lastcall\""),
        "{challenge}"
    );
    assert!(challenge.contains(metadata), "{challenge}");
    assert!(
        !challenge.contains("error"),
        "nothing was sent: {challenge}"
    );
    missing.problem(401, "unauthorized");
    let token = issuer.token("ada", "lastcall:run");
    for bad in ["key-of-nobody", "a.b.c", &token[..token.len() - 4]] {
        let refused = bearer(&api, bad).get("/v1/jobs");
        let challenge = refused.header("www-authenticate").to_owned();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        assert!(challenge.contains(metadata), "{challenge}");
        refused.problem(401, "unauthorized");
    }
    // By the service's own clock.
    let ada = bearer(&api, &token);
    ada.get("/v1/jobs").expect(200);
    api.clock.advance(Duration::from_secs(659));
    ada.get("/v1/jobs").expect(200);
    api.clock.advance(Duration::from_secs(600));
    let refused = ada.get("/v1/jobs");
    assert!(
        refused
            .header("www-authenticate")
            .contains("the token has expired")
    );
    refused.problem(401, "unauthorized");
    bearer(&api, "key-of-ada").get("/v1/jobs").expect(200);
}

#[test]
fn the_metadata_names_the_issuer_and_needs_no_token() {
    let issuer = Issuer::new();
    let api = issuer.api(Vec::new());
    let expected = json!({
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["lastcall:read", "lastcall:run", "lastcall:admin"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Lastcall",
    });
    for path in [METADATA.to_owned(), format!("{METADATA}/jobs")] {
        let reply = api.client.get(&path);
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.ok(200), expected);
    }
    for path in ["/other", "/jobs/", "x"] {
        let path = format!("{METADATA}{path}");
        api.client.get(&path).problem(404, "not_found");
    }
    let wrong = api.client.post(METADATA, &Value::Null);
    wrong.problem(405, "method_not_allowed");
    Api::start().client.get(METADATA).problem(404, "not_found");
}

#[test]
fn without_the_issuers_keys_tokens_are_answered_with_503_and_keys_are_not() {
    let issuer = Issuer::new();
    let token = issuer.token("ada", "lastcall:run");
    std::fs::remove_file(issuer.folder.path().join("jwks.json")).unwrap();
    for keys in [Vec::new(), vec![key("ada", "key-of-ada", Role::User)]] {
        let has_keys = !keys.is_empty();
        let api = issuer.api(keys);
        let refused = bearer(&api, &token).get("/v1/jobs");
        assert_eq!(refused.header("retry-after"), "5");
        refused.problem(503, "issuer_unavailable");
        if has_keys {
            bearer(&api, "key-of-ada").get("/v1/jobs").expect(200);
            api.client.get("/readyz").expect(200);
        } else {
            let degraded = api.client.get("/readyz").ok(503);
            assert_eq!(degraded["checks"][0]["name"], "jwks", "{degraded}");
        }
    }
}

#[test]
fn settings_that_change_hold_from_the_next_request_on() {
    let issuer = Issuer::new();
    let api = issuer.api(Vec::new());
    let ada = bearer(&api, &issuer.token("ada", "lastcall:run"));
    ada.get("/v1/jobs").expect(200);
    let change = |audience: &str, keys: Vec<ApiKey>| {
        let settings = Box::new(Settings {
            audience: vec![audience.to_owned()],
            ..issuer.settings()
        });
        api.state.set_auth(Auth::Jwt { keys, settings }, "a test");
    };
    change("other", vec![key("ada", "key-of-ada", Role::User)]);
    ada.get("/v1/jobs").problem(401, "unauthorized");
    bearer(&api, "key-of-ada").get("/v1/jobs").expect(200);
    change("lastcall", Vec::new());
    ada.get("/v1/jobs").expect(200);
    bearer(&api, "key-of-ada")
        .get("/v1/jobs")
        .problem(401, "unauthorized");
}
