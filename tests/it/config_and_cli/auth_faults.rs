//! Faults in the configuration of API keys and tokens.

use super::faults::lines;
use crate::support::lastcall;

#[test]
fn every_fault_of_every_key_is_reported_and_no_digest() {
    let digest = "ab".repeat(32);
    let keys = format!(
        "[{{ name = \"\", sha256 = \"s3cret\" }}, 7, {{ name = \"a\", sha256 = \"{digest}\" }}, \
         {{ name = \"a\", sha256 = \"{digest}\", role = \"root\", rule = \"s3cret\" }}]"
    );
    let output = lastcall(["check"])
        .set("auth.mode", "keys")
        .set("auth.keys", &keys)
        .output()
        .expect(78);
    for expected in [
        "auth.keys[0].name (from LASTCALL__AUTH__KEYS) = \"\": must be",
        "auth.keys[0].sha256 (from LASTCALL__AUTH__KEYS): must be 64 hexadecimal digits",
        "auth.keys[1] (from LASTCALL__AUTH__KEYS): must be a table",
        "auth.keys[3].name (from LASTCALL__AUTH__KEYS) = \"a\": must be",
        "auth.keys[3].sha256 (from LASTCALL__AUTH__KEYS): must be of one key only, and is that of \
         auth.keys[2] too",
        "auth.keys[3].role (from LASTCALL__AUTH__KEYS) = \"root\": must be one of user, admin",
        "auth.keys[3].rule (from LASTCALL__AUTH__KEYS): unknown key",
    ] {
        assert!(output.stderr.contains(expected), "{expected}: {output:#?}");
    }
    assert!(output.stderr.contains("has 7 faults:"), "{output:#?}");
    assert!(!output.stderr.contains("s3cret"), "{output:#?}");
    assert!(!output.stderr.contains(&digest), "{output:#?}");
}

#[test]
fn every_fault_of_the_settings_of_tokens_is_reported() {
    let output = lastcall(["check"])
        .set("auth.mode", "jwt")
        .set("auth.jwt.issuer", "https://me:s3cret@id.example.com")
        .set("auth.jwt.audience", "[]")
        .set("auth.jwt.jwks", "http://id.example.com/jwks")
        .set("auth.jwt.resource", "lastcall")
        .set("auth.jwt.owner_claim", "a=b")
        .set("auth.jwt.leeway", "6m")
        .set("auth.jwt.algorithms", "RS256, HS256")
        .set("auth.jwt.audiences", "x")
        .output()
        .expect(78);
    for (key, expected) in [
        (
            "auth.jwt.issuer",
            "= \"https://…@id.example.com\": must be an https URL",
        ),
        ("auth.jwt.audience", "= \"[]\": must be a text, or a list"),
        (
            "auth.jwt.jwks",
            "= \"http://id.example.com/jwks\": must be an https URL (http only",
        ),
        ("auth.jwt.resource", "must be an https URL"),
        (
            "auth.jwt.owner_claim",
            "= \"a=b\": must be the name of a claim",
        ),
        ("auth.jwt.leeway", "= \"6m\": must be from 0s to 5m"),
        (
            "auth.jwt.algorithms",
            "= \"RS256, HS256\": must be a list of some of RS256,",
        ),
        (
            "auth.jwt.audiences",
            "unknown key; did you mean auth.jwt.audience?",
        ),
    ] {
        let variable = format!(
            "{key} (from LASTCALL__{})",
            key.to_uppercase().replace('.', "__")
        );
        let found = lines(&output.stderr, &variable);
        assert_eq!(found.len(), 1, "{key}: {output:#?}");
        assert!(found[0].contains(expected), "{key}: {found:?}");
    }
    assert!(output.stderr.contains("has 8 faults:"), "{output:#?}");
    assert!(!output.stderr.contains("s3cret"), "{output:#?}");
}

#[test]
fn what_tokens_need_has_no_default() {
    let missing = lastcall(["check"])
        .set("auth.mode", "jwt")
        .output()
        .expect(78);
    for key in ["issuer", "audience", "jwks"] {
        let found = lines(&missing.stderr, &format!("auth.jwt.{key} (the default)"));
        assert_eq!(found.len(), 1, "{key}: {missing:#?}");
        assert!(found[0].contains("with auth.mode = \"jwt\""), "{found:?}");
    }
    assert!(missing.stderr.contains("has 3 faults:"), "{missing:#?}");
    let check = |audience: &str| {
        lastcall(["check"])
            .set("server.bind", "0.0.0.0:8080")
            .set("auth.mode", "jwt")
            .set("auth.jwt.issuer", "https://id.example.com")
            .set("auth.jwt.audience", audience)
            .set("auth.jwt.jwks", "file:///etc/lastcall/jwks.json")
    };
    // Its own URL has to be somewhere.
    let nameless = check("lastcall").output().expect(78);
    assert!(
        nameless.stderr.contains("auth.jwt.resource (the default)"),
        "{nameless:#?}"
    );
    let named = check("lastcall").set("auth.jwt.resource", "https://lastcall.example.com");
    named.output().expect(0);
    let sound = check("lastcall, https://lastcall.example.com")
        .output()
        .expect(0);
    assert!(
        sound.stdout.contains("tokens of https://id.example.com"),
        "{sound:#?}"
    );
    // Without that mode nothing is needed.
    lastcall(["check"]).output().expect(0);
}

#[test]
fn no_key_has_an_owner_of_tokens() {
    let digest = "ab".repeat(32);
    for (field, keys) in [
        (
            "owner",
            format!("[{{ name = \"a\", owner = \"jwt:x\", sha256 = \"{digest}\" }}]"),
        ),
        (
            "name",
            format!("[{{ name = \"jwt:x\", sha256 = \"{digest}\" }}]"),
        ),
    ] {
        let output = lastcall(["check"])
            .set("auth.mode", "keys")
            .set("auth.keys", &keys)
            .output()
            .expect(78);
        let expected =
            format!("auth.keys[0].{field} (from LASTCALL__AUTH__KEYS) = \"jwt:x\": must not begin");
        assert!(output.stderr.contains(&expected), "{output:#?}");
        assert!(output.stderr.contains("has 1 fault:"), "{output:#?}");
    }
}
