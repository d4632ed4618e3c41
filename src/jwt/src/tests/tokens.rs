//! Every way in which a token can be wrong.

use serde_json::json;

use super::*;
use crate::Access;

#[test]
fn a_valid_token_names_its_owner_and_access() {
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
    // It is from another issuer, which is checked after the signature.
    assert!(why(&verifier, token).contains("lacks one of"));
    let last = token.rfind("Rw").unwrap();
    let forged = format!("{}Rg", &token[..last]);
    assert!(why(&verifier, &forged).contains("signature"));
}
