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

#[test]
fn two_keys_of_one_owner_overlap_and_one_that_has_expired_is_refused() {
    let home = Home::new();
    let key = |name: &str, expires: &str| json!({ "name": name, "owner": "web", "sha256": digest(name), "expires": expires });
    let keys = json!([
        key("old", "2999-01-01T00:00:00Z"),
        key("new", "2999-01-01T00:00:00+02:00"),
        key("gone", "2020-01-01T00:00:00Z")
    ]);
    let service = home
        .service()
        .set("auth.mode", "keys")
        .set("auth.keys", keys.to_string())
        .start();
    let (old, new) = (
        service.client().with_key("old"),
        service.client().with_key("new"),
    );
    let session = old.session();
    new.get(&format!("/v1/sessions/{session}")).expect(200);
    let gone = service.client().with_key("gone").get("/v1/sessions");
    gone.expect_problem(401, "unauthorized");
    service.wait_for_line("the key \"gone\" of \"web\" has expired");
    service.stop();
}

/// Starts a service whose keys and level of the log are in files.
fn start_from_files(home: &Home, level: &str) -> Service {
    let path = |name: &str| home.path().join(name).display().to_string();
    std::fs::write(path("level"), level).unwrap();
    home.service()
        .set("auth.mode", "keys")
        .env("LASTCALL__AUTH__KEYS_FILE", path("keys"))
        .env("LASTCALL__LOG__LEVEL_FILE", path("level"))
        .start()
}

fn write_keys(home: &Home, names: &[&str]) {
    let keys = names.iter();
    let keys: Vec<Value> = keys
        .map(|name| json!({ "name": name, "owner": "web", "sha256": digest(name) }))
        .collect();
    // Put in place as a whole, as orchestrators do.
    let (file, part) = (home.path().join("keys"), home.path().join("keys.part"));
    std::fs::write(&part, Value::from(keys).to_string()).unwrap();
    std::fs::rename(&part, &file).unwrap();
}

#[test]
fn a_hangup_reads_keys_and_the_level_of_the_log_again() {
    let home = Home::new();
    write_keys(&home, &["old"]);
    let mut service = start_from_files(&home, "info");
    let session = service.client().with_key("old").session();
    write_keys(&home, &["new"]);
    std::fs::write(home.path().join("level"), "debug").unwrap();
    service.signal(Signal::SIGHUP);
    service.wait_for_line("1 keys, log.level DEBUG");
    let client = service.client();
    client.with_key("old").get("/v1/sessions").expect(401);
    let new = client.with_key("new");
    new.get(&format!("/v1/sessions/{session}")).expect(200);

    // What is wrong changes nothing.
    std::fs::write(home.path().join("keys"), "nothing of the kind").unwrap();
    service.signal(Signal::SIGHUP);
    service.wait_for_line("configuration unchanged");
    new.get("/v1/sessions").expect(200);
    service.stop();
}

#[test]
fn a_file_of_keys_that_changes_is_read_again_without_a_signal() {
    let home = Home::new();
    write_keys(&home, &["old"]);
    let service = start_from_files(&home, "info");
    write_keys(&home, &["old", "new"]);
    service.wait_for_line("a file of the configuration changed: 2 keys");
    service
        .client()
        .with_key("new")
        .get("/v1/sessions")
        .expect(200);
    service.stop();
}
