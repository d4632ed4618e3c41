//! Keys: who may do what, and that the things of others are not there.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Home, Service, data};

const KEYS: [(&str, &str, &str); 3] = [
    ("web", "key-of-the-web", "user"),
    ("batch", "key-of-the-batch", "user"),
    ("ops", "key-of-the-operators", "admin"),
];

fn digest(key: &str) -> String {
    let digest = Sha256::digest(key);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn start(home: &Home) -> Service {
    let keys: Vec<Value> = KEYS
        .iter()
        .map(|(name, key, role)| json!({ "name": name, "sha256": digest(key), "role": role }))
        .collect();
    home.service()
        .set("auth.mode", "keys")
        .set("auth.keys", Value::from(keys).to_string())
        .start()
}

#[test]
fn without_a_key_only_health_and_documents_are_there() {
    let home = Home::new();
    let service = start(&home);
    let client = service.client();
    for path in ["/livez", "/readyz"] {
        client.get(path).expect(200);
    }
    for path in ["/v1/sessions", "/v1/jobs", "/v1/system"] {
        let refused = client.get(path).expect_problem(401, "unauthorized");
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
        let wrong = client.with_key("key-of-nobody").get(path);
        wrong.expect_problem(401, "unauthorized");
    }
    let refused = client.post("/v1/sessions", &json!({}));
    refused.expect_problem(401, "unauthorized");
    let refused = client.post("/v1/system/drain", &json!({}));
    refused.expect_problem(401, "unauthorized");
    service.stop();
}

#[test]
fn the_sessions_and_jobs_of_others_are_not_there() {
    let home = Home::new();
    let service = start(&home);
    let web = service.client().with_key(KEYS[0].1);
    let session = web.session_with_birds();
    let job = web.profile(&session, "birds");
    web.succeeded(&job);

    for (_, key, _) in &KEYS[1..] {
        let other = service.client().with_key(key);
        let path = format!("/v1/sessions/{session}");
        other.get(&path).expect_problem(404, "session_not_found");
        other.delete(&path).expect_problem(404, "session_not_found");
        other
            .get(&format!("{path}/datasets"))
            .expect_problem(404, "session_not_found");
        other
            .put(
                &format!("{path}/datasets/birds"),
                "text/csv",
                data::BIRDS.as_bytes(),
            )
            .expect_problem(404, "session_not_found");
        other
            .post(&format!("{path}/analyses"), &json!({ "dataset": "birds" }))
            .expect_problem(404, "session_not_found");
        for path in ["", "/result", "/events"] {
            other
                .get(&format!("/v1/jobs/{job}{path}"))
                .expect_problem(404, "job_not_found");
        }
        other
            .delete(&format!("/v1/jobs/{job}"))
            .expect_problem(404, "job_not_found");
        let own = other.session();
        other
            .post(
                &format!("/v1/sessions/{own}/reports"),
                &json!({ "analysis": job, "format": "md" }),
            )
            .expect_problem(404, "job_not_found");
        for (list, expected) in [("/v1/jobs", 0), ("/v1/sessions", 1)] {
            let items = other.get(list).expect(200).json();
            assert_eq!(
                items["items"].as_array().unwrap().len(),
                expected,
                "{items:#}"
            );
        }
        other
            .get(&format!("/v1/jobs?session={session}"))
            .expect_problem(404, "session_not_found");
    }
    web.get(&format!("/v1/jobs/{job}/result")).expect(200);
    service.stop();
}

#[test]
fn the_same_idempotency_key_of_two_callers_is_two_keys() {
    let home = Home::new();
    let service = start(&home);
    let key = [("idempotency-key", "same")];
    let [web, batch] = [KEYS[0].1, KEYS[1].1].map(|key| service.client().with_key(key));
    let first = web
        .post_with("/v1/sessions", &key, &json!({}))
        .expect(201)
        .json();
    let second = batch
        .post_with("/v1/sessions", &key, &json!({}))
        .expect(201)
        .json();
    assert_ne!(first["id"], second["id"]);
    service.stop();
}

#[test]
fn only_an_administrator_may_begin_the_shutdown() {
    let home = Home::new();
    let mut service = start(&home);
    let user = service.client().with_key(KEYS[0].1);
    user.post("/v1/system/drain", &json!({}))
        .expect_problem(403, "forbidden");
    user.get("/v1/system").expect(200);
    service.mark();
    let admin = service.client().with_key(KEYS[2].1);
    admin.post("/v1/system/drain", &json!({})).expect(202);
    let ended = service.wait().expect(0);
    for (_, key, _) in KEYS {
        assert!(!ended.says(key) && !ended.says(&digest(key)), "{ended:#?}");
    }
    assert_eq!(home.report()["reason"], "api");
}

#[test]
fn a_page_of_another_origin_cannot_use_a_service_without_keys() {
    let home = Home::new();
    let mut service = home.start();
    let client = service.client();
    let origin = [("origin", "http://evil.example")];
    client
        .post_with("/v1/sessions", &origin, &json!({}))
        .expect_problem(403, "cross_origin");
    client
        .get_with("/v1/sessions", &[("host", "evil.example")])
        .expect_problem(421, "misdirected_request");
    service.signal(Signal::SIGTERM);
    service.wait().expect(0);
}
