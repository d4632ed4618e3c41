//! The life of a key set.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};

use super::*;
use crate::Algorithm;
use crate::key_set::KeySet;

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

#[test]
fn without_keys_no_token_can_be_checked() {
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
            // The withdrawn one is gone.
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
fn without_a_fetching_task_a_token_with_a_new_key_does_not_wait() {
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
fn keys_of_another_location_are_discarded_at_once() {
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
