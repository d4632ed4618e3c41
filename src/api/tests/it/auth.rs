use lastcall_api::{ApiKey, Auth, Role};
use lastcall_domain::Service;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::client::Client;
use crate::fixture::{Api, CSV};

fn key(name: &str, key: &str, role: Role) -> ApiKey {
    ApiKey::new(name, Sha256::digest(key.as_bytes()).into(), role)
}

fn with_keys() -> Api {
    Api::with(|config| {
        config.auth = Auth::Keys(vec![
            key("ada", "key-of-ada", Role::User),
            key("bob", "key-of-bob", Role::User),
            key("root", "key-of-root", Role::Admin),
        ]);
    })
}

fn bearer(api: &Api, key: &str) -> Client {
    api.client.with("authorization", &format!("Bearer {key}"))
}

#[test]
fn without_a_valid_key_nothing_under_v1_is_answered() {
    let api = with_keys();
    for authorization in [
        None,
        Some("Bearer wrong"),
        Some("Bearer "),
        Some("Bearer"),
        Some("Basic key-of-ada"),
        Some("key-of-ada"),
    ] {
        let client = match authorization {
            Some(value) => api.client.with("authorization", value),
            None => api.client.with("x-nothing", "x"),
        };
        for path in ["/v1/sessions", "/v1/jobs/x", "/v1/system", "/v1/nothing"] {
            let reply = client.get(path);
            assert!(reply.header("www-authenticate").starts_with("Bearer"));
            reply.problem(401, "unauthorized");
        }
    }
    for path in ["/livez", "/readyz", "/metrics"] {
        api.client.get(path).expect(200);
    }
}

#[test]
fn another_callers_sessions_and_jobs_are_not_found() {
    let api = with_keys();
    let ada = bearer(&api, "key-of-ada");
    let bob = bearer(&api, "key-of-bob");
    let session = ada.post("/v1/sessions", &json!({})).expect(201);
    let session = session.header("location").to_owned();
    let dataset = format!("{session}/datasets/penguins");
    ada.put(&dataset, "text/csv", CSV).expect(201);
    let body = json!({"dataset": "penguins"});
    let job = ada.post(&format!("{session}/analyses"), &body).ok(202);
    let job = job["links"]["self"].as_str().unwrap();
    api.work(Service::Analysis, "application/json", "{}");

    for other in [bob, bearer(&api, "key-of-root")] {
        for path in [session.as_str(), &dataset, &format!("{session}/datasets")] {
            other.get(path).problem(404, "session_not_found");
        }
        other
            .put(&dataset, "text/csv", CSV)
            .problem(404, "session_not_found");
        other
            .post(&format!("{session}/analyses"), &body)
            .problem(404, "session_not_found");
        other.delete(&session).problem(404, "session_not_found");
        for path in [job, &format!("{job}/result"), &format!("{job}/events")] {
            other.get(path).problem(404, "job_not_found");
        }
        other.delete(job).problem(404, "job_not_found");
        assert_eq!(other.get("/v1/sessions").ok(200)["items"], json!([]));
        assert_eq!(other.get("/v1/jobs").ok(200)["items"], json!([]));
    }
    ada.get(&format!("{job}/result")).expect(200);
    assert_eq!(
        ada.get("/v1/jobs").ok(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn only_an_administrator_begins_the_shutdown() {
    let api = with_keys();
    let drain = |client: Client| client.raw("POST", "/v1/system/drain", b"");
    drain(bearer(&api, "key-of-ada")).problem(403, "forbidden");
    assert_eq!(*api.system.drains.lock().unwrap(), 0);
    for _ in 0..3 {
        drain(bearer(&api, "key-of-root")).expect(202);
    }
    assert_eq!(*api.system.drains.lock().unwrap(), 1);
}

#[test]
fn a_service_without_keys_is_not_used_through_somebodys_browser() {
    let api = Api::start();
    api.client
        .with("host", "attacker.example")
        .get("/v1/sessions")
        .problem(421, "misdirected_request");
    let post = |origin: &str| {
        let client = api.client.with("origin", origin);
        client.raw("POST", "/v1/sessions", b"{}")
    };
    for origin in ["https://attacker.example", "null", "http://localhost:1"] {
        post(origin).problem(403, "cross_origin");
    }
    post(&format!("http://{}", api.address)).expect(201);
}
