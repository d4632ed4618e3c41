//! Every way in which a token can be wrong, and the life of a key set.

use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
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

use crate::key_set::KeySet;
use crate::{Access, Algorithm, KeySource, Rejection, Settings, Token, TokenVerifier};

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

/// The claims with others in their place; `null` takes one away.
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
    let look = async {
        while !verifier.has_keys() {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), look).await;
    in_time.expect("the keys are fetched");
}

/// While somebody fetches keys, as in the service.
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

#[test]
fn a_sound_token_says_whose_it_is_and_what_it_allows() {
    let issuer = Issuer::new();
    let verifier = verifier(settings(), &issuer.jwks());
    let claims = with(json!({
        "aud": ["other", "lastcall"], "jti": "t-1", "client_id": "cli", "nbf": 0.5, "iat": 1,
    }));
    for head in [
        json!({ "alg": "ES256", "kid": "ec", "typ": "JWT" }),
        json!({ "alg": "ES256", "kid": "ec", "typ": "at+jwt" }),
        json!({ "alg": "EdDSA", "kid": "ed", "typ": "application/AT+JWT" }),
        // The only key of its algorithm.
        json!({ "alg": "EdDSA" }),
    ] {
        let token = verify(&verifier, &issuer.sign(&head, &claims)).unwrap();
        assert_eq!(token.owner.as_str(), "jwt:https://id.example.com#sub=ada");
        assert_eq!(token.access, Some(Access::Run));
        assert_eq!(token.id.as_deref(), Some("t-1"));
        assert_eq!(token.client.as_deref(), Some("cli"));
    }
}

#[test]
fn claims_that_are_wrong_are_refused_each_for_its_reason() {
    let issuer = Issuer::new();
    let verifier = verifier(settings(), &issuer.jwks());
    let at = |seconds: i64| now().timestamp() + seconds;
    let head = json!({ "alg": "ES256", "kid": "ec" });
    for (changes, expected) in [
        (
            json!({ "iss": "https://id.example.com/" }),
            "another issuer",
        ),
        (json!({ "iss": "https://evil.example" }), "another issuer"),
        (json!({ "iss": [ISSUER] }), "another issuer"),
        (json!({ "iss": null }), "lacks one of"),
        (json!({ "aud": "other" }), "another audience"),
        (json!({ "aud": [] }), "another audience"),
        (json!({ "aud": [7] }), "lacks one of"),
        (json!({ "aud": null }), "lacks one of"),
        (json!({ "exp": null }), "lacks one of"),
        (json!({ "exp": "2999-01-01" }), "lacks one of"),
        (json!({ "exp": -1 }), "lacks one of"),
        (json!({ "exp": at(-61) }), "expired"),
        (json!({ "nbf": at(90) }), "not valid yet"),
        (json!({ "nbf": "soon" }), "not a number"),
        (json!({ "iat": at(90) }), "in the future"),
        (json!({ "iat": [] }), "not a number"),
        (json!({ "sub": null }), "names the owner"),
        (json!({ "sub": "" }), "names the owner"),
        (json!({ "sub": 7 }), "names the owner"),
        (json!({ "sub": "a\u{0}b" }), "names the owner"),
        (json!({ "sub": "a\nb" }), "names the owner"),
        (json!({ "sub": "x".repeat(256) }), "names the owner"),
    ] {
        let token = issuer.sign(&head, &with(changes.clone()));
        let why = why(&verifier, &token);
        assert!(why.contains(expected), "{changes}: {why}");
    }
    // Within the leeway they are right.
    for changes in [
        json!({ "exp": at(-30) }),
        json!({ "nbf": at(30) }),
        json!({ "iat": at(30) }),
    ] {
        let token = issuer.sign(&head, &with(changes.clone()));
        assert!(verify(&verifier, &token).is_ok(), "{changes}");
    }
}

#[test]
fn heads_that_are_wrong_are_refused_each_for_its_reason() {
    let issuer = Issuer::new();
    let verifier = verifier(settings(), &issuer.jwks());
    for (head, expected) in [
        (
            json!({ "alg": "ES256", "kid": "other" }),
            "none of the issuer's keys",
        ),
        // A key is for its own algorithm.
        (
            json!({ "alg": "EdDSA", "kid": "ec" }),
            "none of the issuer's keys",
        ),
        (
            json!({ "alg": "RS256", "kid": "ec" }),
            "none of the issuer's keys",
        ),
        (
            json!({ "alg": "ES256", "kid": "ed" }),
            "none of the issuer's keys",
        ),
        (json!({ "alg": "ES384", "kid": "ec" }), "algorithm"),
        (json!({ "alg": "PS256", "kid": "ec" }), "algorithm"),
        (json!({ "alg": "HS256", "kid": "ec" }), "algorithm"),
        (json!({ "alg": "none", "kid": "ec" }), "algorithm"),
        (json!({ "kid": "ec" }), "head"),
        (json!([]), "head"),
        (
            json!({ "alg": "ES256", "kid": "ec", "typ": "logout+jwt" }),
            "type",
        ),
        (
            json!({ "alg": "ES256", "kid": "ec", "crit": ["exp"], "exp": 1 }),
            "critical",
        ),
        (
            json!({ "alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": true }),
            "critical",
        ),
        (
            json!({ "alg": "ES256", "kid": "ec", "crit": [] }),
            "critical",
        ),
        (
            json!({ "alg": "ES256", "kid": "ec", "b64": false }),
            "invalid",
        ),
        (
            json!({ "alg": "ES256", "kid": "x".repeat(256) }),
            "too long",
        ),
        (json!({ "alg": "ES256", "kid": 7 }), "head"),
    ] {
        let why = why(&verifier, &issuer.sign(&head, &claims()));
        assert!(why.contains(expected), "{head}: {why}");
    }
}

#[test]
fn signatures_of_others_and_of_none_are_refused() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let verifier = verifier(settings(), &issuer.jwks());
    let head = json!({ "alg": "ES256", "kid": "ec" });
    let good = issuer.sign(&head, &claims());
    assert!(verify(&verifier, &good).is_ok());
    let (message, signature) = good.rsplit_once('.').unwrap();

    let wrong = "the signature of the token is wrong";
    assert_eq!(why(&verifier, &other.sign(&head, &claims())), wrong);
    // Claims that were changed afterwards.
    let changed = encode(with(json!({ "sub": "root" })).to_string());
    let forged = format!("{}.{changed}.{signature}", encode(head.to_string()));
    assert_eq!(why(&verifier, &forged), wrong);
    // A key of the sender's own, in the head.
    let own = json!({ "alg": "ES256", "kid": "ec", "jwk": other.ec_jwk(), "jku": "https://evil.example" });
    assert_eq!(why(&verifier, &other.sign(&own, &claims())), wrong);
    for cut in ["", "AA", "AAAA", &signature[4..]] {
        let why = why(&verifier, &format!("{message}.{cut}"));
        assert!(
            why.contains("signature") || why.contains("not a JWT"),
            "{why}"
        );
    }
}

/// The classic confusion: the public key, which anybody has, as the secret of an HMAC.
#[test]
fn a_public_key_is_not_taken_for_a_shared_secret() {
    let issuer = Issuer::new();
    let mut set = issuer.jwks();
    // Not even where the issuer publishes a secret.
    let secret = json!({ "kty": "oct", "kid": "ec", "k": encode(b"secret"), "alg": "HS256" });
    set["keys"].as_array_mut().unwrap().insert(0, secret);
    let verifier = verifier(settings(), &set);
    let head = encode(json!({ "alg": "HS256", "kid": "ec" }).to_string());
    let message = format!("{head}.{}", encode(claims().to_string()));
    for secret in [issuer.ec.public_key().as_ref(), b"secret"] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        let signature = ring::hmac::sign(&key, message.as_bytes());
        let token = format!("{message}.{}", encode(signature));
        assert!(why(&verifier, &token).contains("algorithm"));
    }
    let none = encode(json!({ "alg": "none" }).to_string());
    let token = format!("{none}.{}.", encode(claims().to_string()));
    assert_eq!(why(&verifier, &token), "the token is not a JWT");
}

#[test]
fn what_is_no_token_is_refused_and_never_panics() {
    let issuer = Issuer::new();
    let verifier = verifier(settings(), &issuer.jwks());
    let good = issuer.sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims());
    for token in [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "é.ü.ß",
        &good[1..],
    ] {
        why(&verifier, token);
    }
    // Cut anywhere, and with any byte changed.
    for at in 0..good.len() {
        why(&verifier, &good[..at]);
    }
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(verify(&verifier, &changed).is_err(), "{at}");
    }
    let padded = with(json!({ "padding": "x".repeat(8 * 1024) }));
    let long = issuer.sign(&json!({ "alg": "ES256", "kid": "ec" }), &padded);
    assert_eq!(why(&verifier, &long), "the token is longer than 8 KiB");
}

#[test]
fn owners_of_other_issuers_and_other_claims_are_others() {
    let issuer = Issuer::new();
    let head = json!({ "alg": "ES256", "kid": "ec" });
    let claims = |iss: &str| with(json!({ "iss": iss, "email": "ada" }));
    let owner = |iss: &str, claim: &str| {
        let settings = Settings {
            issuer: iss.to_owned(),
            owner_claim: claim.to_owned(),
            ..settings()
        };
        let verifier = verifier(settings, &issuer.jwks());
        let token = issuer.sign(&head, &claims(iss));
        verify(&verifier, &token).unwrap().owner
    };
    let owners = [
        owner("https://a.example", "sub"),
        owner("https://b.example", "sub"),
        owner("https://a.example", "email"),
    ];
    assert_eq!(
        owners
            .iter()
            .collect::<std::collections::HashSet<_>>()
            .len(),
        3
    );
    assert!(
        owners
            .iter()
            .all(|owner| owner.as_str().starts_with("jwt:"))
    );
}

#[test]
fn keys_for_other_uses_and_of_unknown_kinds_are_left_out() {
    let issuer = Issuer::new();
    let changed = |changes: Value| {
        let mut key = issuer.ec_jwk();
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    };
    let left_out = [
        changed(json!({ "use": "enc" })),
        changed(json!({ "key_ops": ["sign"] })),
        changed(json!({ "alg": "ES384" })),
        changed(json!({ "alg": "ECDH-ES" })),
        changed(json!({ "crv": "P-521" })),
        changed(json!({ "crv": "secp256k1" })),
        changed(json!({ "x": "not base64!" })),
        changed(json!({ "kid": 7 })),
        json!({ "kty": "new" }),
        json!({ "kty": "OKP", "crv": "X25519", "x": "AAAA" }),
        json!(7),
    ];
    for key in left_out {
        let set = json!({ "keys": [key] }).to_string();
        assert_eq!(KeySet::parse(set.as_bytes()).unwrap().len(), 0, "{set}");
    }
    let two = json!({ "keys": [issuer.ed_jwk(), issuer.ec_jwk(), changed(json!({ "kid": "x" }))] });
    let set = KeySet::parse(two.to_string().as_bytes()).unwrap();
    assert_eq!(set.len(), 3);
    assert!(set.find(None, Algorithm::EdDSA).is_some());
    assert!(set.find(None, Algorithm::ES256).is_none(), "there are two");
    assert!(set.find(Some("x"), Algorithm::ES256).is_some());
}

#[test]
fn what_is_no_key_set_is_an_error() {
    let many = json!({ "keys": vec![json!({ "kty": "new" }); 101] }).to_string();
    for text in ["", "[]", "{}", "{\"keys\": 7}", "<html>", &many] {
        assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(KeySet::parse(b"{\"keys\": []}").unwrap().len(), 0);
}

/// The example of RFC 7515, appendix A.2: made by another implementation, with a key of RSA.
#[test]
fn the_signature_of_rfc_7515_is_right() {
    let jwk = json!({ "keys": [{ "kty": "RSA", "e": "AQAB", "n":
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx\
         HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs\
         D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH\
         SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV\
         MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8\
         NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" }] });
    let token = "eyJhbGciOiJSUzI1NiJ9.\
         eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
         cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
         cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7\
         AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4\
         BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K\
         0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv\
         hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB\
         p0igcN_IoypGlUPQGe77Rw";
    let verifier = verifier(settings(), &jwk);
    // It is of another issuer, which is looked at after the signature.
    assert!(why(&verifier, token).contains("lacks one of"));
    let last = token.rfind("Rw").unwrap();
    let forged = format!("{}Rg", &token[..last]);
    assert!(why(&verifier, &forged).contains("signature"));
}

#[test]
fn without_any_keys_nobody_can_say() {
    let verifier = TokenVerifier::new(settings());
    let issuer = Issuer::new();
    let token = issuer.sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims());
    let refused = block(async {
        tokio::select! {
            never = verifier.run() => match never {},
            refused = verifier.verify(&token, now()) => refused,
        }
    });
    assert_eq!(refused, Err(Rejection::Unavailable));
    assert!(!verifier.has_keys());
}

#[test]
fn a_key_that_is_new_is_fetched_when_the_first_token_has_it() {
    let (old, new) = (Issuer::new(), Issuer::new());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, json!({ "keys": [old.ec_jwk()] }).to_string()).unwrap();
    let verifier = Arc::new(TokenVerifier::new(Settings {
        jwks: KeySource::File(file.clone()),
        ..settings()
    }));
    block(async {
        let rotated = async {
            fetched(&verifier).await;
            std::fs::write(&file, json!({ "keys": [new.ed_jwk()] }).to_string()).unwrap();
            let head = json!({ "alg": "EdDSA", "kid": "ed" });
            let token = new.sign(&head, &claims());
            // Many at once have one fetch: another would not be allowed so soon.
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let (verifier, token) = (Arc::clone(&verifier), token.clone());
                all.spawn(async move { verifier.verify(&token, now()).await });
            }
            for verified in all.join_all().await {
                assert!(verified.is_ok(), "{verified:?}");
            }
            // The one that was withdrawn is gone with it.
            let head = json!({ "alg": "ES256", "kid": "ec" });
            let refused = verifier.verify(&old.sign(&head, &claims()), now()).await;
            assert!(matches!(refused, Err(Rejection::Invalid(_))), "{refused:?}");
        };
        tokio::select! {
            never = verifier.run() => match never {},
            () = rotated => {}
        }
    });
}

#[test]
fn when_nobody_fetches_any_more_a_token_with_a_new_key_is_not_kept_waiting() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let verifier = verifier(settings(), &issuer.jwks());
    let known = json!({ "alg": "ES256", "kid": "ec" });
    let new = json!({ "alg": "ES256", "kid": "new" });
    let (known, new) = (issuer.sign(&known, &claims()), other.sign(&new, &claims()));
    // Polled once, and not again.
    let poll = |token: &str| {
        let mut context = Context::from_waker(Waker::noop());
        pin!(verifier.verify(token, now())).poll(&mut context)
    };
    assert!(matches!(poll(&known), Poll::Ready(Ok(_))));
    assert_eq!(poll(&new), Poll::Ready(Err(Rejection::Unavailable)));
}

#[test]
fn keys_of_another_place_are_forgotten_at_once_and_others_are_not() {
    let issuer = Issuer::new();
    let verifier = verifier(settings(), &issuer.jwks());
    let token = issuer.sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims());
    let known = (*verifier.settings()).clone();
    verifier.reconfigure(Settings {
        audience: vec!["other".to_owned()],
        ..known.clone()
    });
    assert_eq!(why(&verifier, &token), "the token is for another audience");
    verifier.reconfigure(Settings {
        algorithms: vec![Algorithm::EdDSA],
        ..known.clone()
    });
    assert!(why(&verifier, &token).contains("algorithm"));
    verifier.reconfigure(known.clone());
    assert!(verify(&verifier, &token).is_ok());
    verifier.reconfigure(Settings {
        issuer: "https://other.example".to_owned(),
        ..known
    });
    assert!(!verifier.has_keys());
}
