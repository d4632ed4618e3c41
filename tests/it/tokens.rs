//! Tokens of an issuer (JWT), beside keys.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::issuer::{AUDIENCE, Issuer};
use crate::support::service::Builder;
use crate::support::{Home, lastcall, until};

const RUN: &str = "lastcall:run";

/// A service that accepts the tokens of the issuer.
fn service(home: &Home, issuer: &Issuer) -> Builder {
    home.service()
        .set("auth.mode", "jwt")
        .set("auth.jwt.issuer", issuer.url())
        .set("auth.jwt.audience", AUDIENCE)
        .set("auth.jwt.jwks", issuer.jwks())
}

fn keys() -> String {
    let digest: String = Sha256::digest("key-of-ada")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!([{ "name": "ada", "sha256": digest }]).to_string()
}

#[test]
fn a_token_works_from_a_session_to_a_result_and_others_see_nothing_of_it() {
    let (home, issuer) = (Home::new(), Issuer::new("k1"));
    let service = service(&home, &issuer).set("auth.keys", keys()).start();
    let with = |key: &str| service.client().with_key(key);
    let ada = with(&issuer.token("k1", "ada", RUN));
    let session = ada.session_with_birds();
    let job = ada.profile(&session, "birds");
    ada.succeeded(&job);
    // Another token of the same subject, a token of another, and the key that is named like it.
    with(&issuer.token("k1", "ada", "lastcall:read"))
        .get(&format!("/v1/jobs/{job}/result"))
        .expect(200);
    for other in [
        with(&issuer.token("k1", "bob", "lastcall:admin")),
        with("key-of-ada"),
    ] {
        other
            .get(&format!("/v1/sessions/{session}"))
            .expect_problem(404, "session_not_found");
        other
            .get(&format!("/v1/jobs/{job}"))
            .expect_problem(404, "job_not_found");
    }
    service.stop();
}

#[test]
fn a_key_that_is_rotated_is_accepted_without_a_restart_and_the_old_one_is_not() {
    let (home, mut issuer) = (Home::new(), Issuer::new("k1"));
    let mut service = service(&home, &issuer).start();
    let old = service.client().with_key(&issuer.token("k1", "ada", RUN));
    let session = old.session();
    issuer.add("k2");
    issuer.publish(&["k2"]);
    let new = service.client().with_key(&issuer.token("k2", "ada", RUN));
    // The first request with it has the keys fetched.
    new.get(&format!("/v1/sessions/{session}")).expect(200);
    old.get("/v1/sessions").expect_problem(401, "unauthorized");

    // Keys that are not there do not have them fetched again and again.
    let asked = issuer.requests();
    issuer.add("k3");
    let unknown = service.client().with_key(&issuer.token("k3", "ada", RUN));
    for _ in 0..50 {
        unknown
            .get("/v1/sessions")
            .expect_problem(401, "unauthorized");
    }
    assert!(
        issuer.requests() <= asked + 2,
        "{} of {asked}",
        issuer.requests()
    );

    // SIGHUP has them fetched at once: a key that was withdrawn is out.
    issuer.publish(&["k3"]);
    service.signal(Signal::SIGHUP);
    until("the new key is known", || {
        let answer = unknown.get("/v1/sessions");
        (answer.status == 200).then_some(())
    });
    new.get("/v1/sessions").expect_problem(401, "unauthorized");
    service.stop();
}

#[test]
fn an_issuer_that_is_away_takes_nothing_from_tokens_whose_keys_are_known() {
    let (home, mut issuer) = (Home::new(), Issuer::new("k1"));
    let mut service = service(&home, &issuer).start();
    let ada = service.client().with_key(&issuer.token("k1", "ada", RUN));
    let session = ada.session();
    issuer.go_away();
    let asked = issuer.requests();
    service.signal(Signal::SIGHUP);
    until("it has been asked", || {
        (issuer.requests() > asked).then_some(())
    });
    ada.get(&format!("/v1/sessions/{session}")).expect(200);
    issuer.add("k2");
    let new = service.client().with_key(&issuer.token("k2", "ada", RUN));
    // It cannot be validated.
    new.get("/v1/sessions")
        .expect_problem(503, "issuer_unavailable");
    service.client().get("/readyz").expect(200);
    service.wait_for_line("the keys of the token issuer cannot be fetched: the answer is 503");
    service.stop();
}

#[test]
fn an_issuer_that_is_away_at_the_start_is_said_and_waited_for() {
    let (home, issuer) = (Home::new(), Issuer::new("k1"));
    // Nor are keys taken from where it sends.
    let elsewhere = Issuer::new("k1");
    issuer.redirect_to(&elsewhere.jwks());
    let service = service(&home, &issuer).start();
    let client = service.client();
    let degraded = client.get("/readyz").expect(503).json();
    assert_eq!(degraded["status"], "degraded", "{degraded}");
    assert_eq!(degraded["checks"][0]["name"], "jwks", "{degraded}");
    assert!(!degraded.to_string().contains("127.0.0.1"), "{degraded}");
    let ada = client.with_key(&issuer.token("k1", "ada", RUN));
    let refused = ada.get("/v1/sessions");
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    refused.expect_problem(503, "issuer_unavailable");
    client
        .get("/v1/sessions")
        .expect_problem(401, "unauthorized");
    assert_eq!(elsewhere.requests(), 0);

    issuer.publish(&["k1"]);
    until("it is ready", || {
        (client.get("/readyz").status == 200).then_some(())
    });
    ada.get("/v1/sessions").expect(200);
    service.stop();
}

#[test]
fn with_keys_a_service_is_ready_without_its_issuer() {
    let (home, issuer) = (Home::new(), Issuer::new("k1"));
    issuer.go_away();
    let service = service(&home, &issuer).set("auth.keys", keys()).start();
    service.client().get("/readyz").expect(200);
    let ada = service.client().with_key("key-of-ada");
    ada.session();
    service.stop();
}

#[test]
fn a_client_finds_its_way_from_the_refusal_to_the_issuer() {
    let (home, issuer) = (Home::new(), Issuer::new("k1"));
    let service = service(&home, &issuer).start();
    let client = service.client();
    let refused = client.get("/v1/sessions").expect(401);
    let path = "/.well-known/oauth-protected-resource";
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains(&format!("resource_metadata=\"{AUDIENCE}{path}\"")),
        "{challenge}"
    );
    let metadata = client.get(path).expect(200).json();
    assert_eq!(metadata["resource"], AUDIENCE);
    assert_eq!(metadata["authorization_servers"], json!([issuer.url()]));
    let read = client.with_key(&issuer.token("k1", "ada", "lastcall:read"));
    read.get("/v1/sessions").expect(200);
    let refused = read.post("/v1/sessions", &json!({}));
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains(RUN),
        "{challenge}"
    );
    refused.expect_problem(403, "forbidden");
    service.stop();
}

#[test]
fn the_audit_and_the_access_log_name_the_caller_and_never_the_token() {
    let (home, issuer) = (Home::new(), Issuer::new("k1"));
    let mut service = service(&home, &issuer).set("log.access", "1").start();
    let token = issuer.token("k1", "ada", RUN);
    let ada = service.client().with_key(&token);
    let session = ada.session();
    let owner = format!("jwt:{}#sub=ada", issuer.url());
    ada.get(&format!("/v1/sessions/{session}")).expect(200);
    let admin = issuer.token("k1", "root", "lastcall:admin");
    service.mark();
    let root = service.client().with_key(&admin);
    root.post("/v1/system/drain", &json!({})).expect(202);
    let ended = service.wait().expect(0);

    let lines = ended.raw.iter();
    let lines = lines.filter(|line| line.contains("lastcall::audit"));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap())
        .collect();
    assert_eq!(lines[0]["action"], "session.create");
    assert_eq!(lines[0]["owner"], owner);
    assert_eq!(lines[0]["key"], Value::Null);
    assert_eq!(lines[0]["role"], "user");
    assert_eq!(
        lines[0]["token"],
        json!({ "jti": "token-of-ada", "client_id": "console" })
    );
    assert_eq!(lines[1]["action"], "system.drain");
    assert_eq!(lines[1]["role"], "admin");
    let access = format!("owner {owner:?}");
    assert!(
        ended.raw.iter().any(|line| line.contains(&access)),
        "{ended:#?}"
    );
    for token in [token, admin] {
        let signature = token.rsplit('.').next().unwrap();
        assert!(!ended.says(signature), "{ended:#?}");
    }
}

#[test]
fn a_changed_file_puts_other_settings_in_force() {
    let (home, issuer) = (Home::new(), Issuer::new("k1"));
    let file = home.path().join("lastcall.toml");
    let write = |audience: &str| {
        let text = format!(
            "[auth]\nmode = \"jwt\"\n[auth.jwt]\nissuer = \"{}\"\njwks = \"{}\"\n\
             audience = [{audience:?}]\nresource = \"{AUDIENCE}\"\n",
            issuer.url(),
            issuer.jwks()
        );
        // Put in place as a whole.
        let part = file.with_extension("part");
        std::fs::write(&part, text).unwrap();
        std::fs::rename(&part, &file).unwrap();
    };
    write("other");
    let service = home.service().config(&file).start();
    let ada = service.client().with_key(&issuer.token("k1", "ada", RUN));
    ada.get("/v1/sessions").expect_problem(401, "unauthorized");
    write(AUDIENCE);
    service.wait_for_line(&format!("0 keys, tokens of {}", issuer.url()));
    ada.get("/v1/sessions").expect(200);
    service.stop();
}

#[test]
fn the_example_of_the_documentation_is_valid() {
    let text = include_str!("../../docs/configuration.md");
    let (_, tokens) = text.split_once("\n## Tokens\n").unwrap();
    let example: Vec<&str> = tokens
        .lines()
        .skip_while(|line| !line.starts_with("    "))
        .take_while(|line| line.is_empty() || line.starts_with("    "))
        .map(str::trim)
        .collect();
    let home = Home::new();
    let file = home.path().join("lastcall.toml");
    std::fs::write(&file, example.join("\n")).unwrap();
    let check = lastcall(["check", "--config"])
        .arg(&file)
        .output()
        .expect(0);
    assert!(
        check.stdout.contains("tokens of https://id.example.com"),
        "{check:#?}"
    );
}

#[test]
fn once_it_stops_a_token_with_a_new_key_is_sent_elsewhere_and_a_known_one_is_answered() {
    let (home, mut issuer) = (Home::new(), Issuer::new("k1"));
    let mut service = service(&home, &issuer)
        .set("shutdown.lame_duck", "20s")
        .start();
    let ada = service.client().with_key(&issuer.token("k1", "ada", RUN));
    ada.session();
    issuer.add("k2");
    let new = service.client().with_key(&issuer.token("k2", "ada", RUN));
    new.get("/v1/sessions").expect_problem(401, "unauthorized");
    service.signal(Signal::SIGTERM);
    until("nothing is fetched any more", || {
        let refused = new.get("/v1/sessions");
        (refused.status == 503).then(|| refused.expect_problem(503, "issuer_unavailable"))
    });
    ada.get("/v1/sessions").expect(200);
    service.kill9();
}
