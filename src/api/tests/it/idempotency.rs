use lastcall_domain::Service;
use serde_json::json;

use crate::fixture::Api;

#[test]
fn a_repeat_gets_the_first_answer_and_makes_nothing() {
    let api = Api::start();
    let client = api.client.with("idempotency-key", "k1");
    let first = client
        .post("/v1/sessions", &json!({"ttl": "5m"}))
        .expect(201);
    let again = client
        .post("/v1/sessions", &json!({"ttl": "5m"}))
        .expect(201);
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(again.header("idempotent-replayed"), "true");
    client
        .post("/v1/sessions", &json!({"ttl": "6m"}))
        .problem(422, "idempotency_key_reused");

    let session = first.header("location").to_owned();
    api.put(&session, "penguins").expect(201);
    for (kind, body) in [
        ("analyses", json!({"dataset": "penguins"})),
        ("reports", json!({"dataset": "penguins", "format": "md"})),
    ] {
        let path = format!("{session}/{kind}");
        let first = client.post(&path, &body).expect(202);
        let again = client.post(&path, &body).expect(202);
        assert_eq!(first.body, again.body);
        assert_eq!(first.header("location"), again.header("location"));
        assert_eq!(again.header("idempotent-replayed"), "true");
        client
            .post(&path, &json!({"dataset": "penguins", "format": "pdf"}))
            .problem(422, "idempotency_key_reused");
    }
    let jobs = api.client.get("/v1/jobs").ok(200);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_repeat_gets_the_first_answer_even_where_it_would_not_be_accepted_now() {
    let api = Api::with(|config| config.max_queued_analyses = 1);
    let session = api.session_with_penguins();
    let client = api.client.with("idempotency-key", "k");
    let path = format!("{session}/analyses");
    let body = json!({"dataset": "penguins"});
    let first = client.post(&path, &body).expect(202);
    // The queue is full now, and then the dataset is deleted.
    assert_eq!(client.post(&path, &body).expect(202).body, first.body);
    api.work(Service::Analysis, "application/json", "{}");
    api.client
        .delete(&format!("{session}/datasets/penguins"))
        .expect(204);
    assert_eq!(client.post(&path, &body).expect(202).body, first.body);
    api.client
        .with("idempotency-key", "other")
        .post(&path, &body)
        .problem(404, "dataset_not_found");
}

#[test]
fn a_repeat_that_prefers_to_wait_gets_the_finished_job() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let client = api.client.with("idempotency-key", "k");
    let path = format!("{session}/analyses");
    let body = json!({"dataset": "penguins"});
    let first = client.post(&path, &body).ok(202);
    api.work(Service::Analysis, "application/json", "{}");
    let reply = client.with("prefer", "wait=5").post(&path, &body);
    assert_eq!(reply.header("idempotent-replayed"), "true");
    let job = reply.ok(200);
    assert_eq!(job["id"], first["id"]);
    assert_eq!(job["state"], "succeeded");
}

#[test]
fn a_key_counts_for_one_path_only() {
    let api = Api::start();
    let client = api.client.with("idempotency-key", "k");
    let one = api.session_with_penguins();
    let other = api.session_with_penguins();
    let body = json!({"dataset": "penguins"});
    let first = client.post(&format!("{one}/analyses"), &body).ok(202);
    let second = client.post(&format!("{other}/analyses"), &body).ok(202);
    assert_ne!(first["id"], second["id"]);
}

#[test]
fn the_same_key_at_the_same_time_makes_one_job() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/analyses");
    let body = json!({"dataset": "penguins"});
    let ids: Vec<_> = std::thread::scope(|scope| {
        let posts: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let client = api.client.with("idempotency-key", "k");
                    client.post(&path, &body).ok(202)["id"].clone()
                })
            })
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
    let jobs = api.client.get("/v1/jobs").ok(200);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_that_is_too_long_or_empty_or_one_of_several_is_refused() {
    let api = Api::start();
    let long = "k".repeat(256);
    for key in [long.as_str(), "", "a\tb"] {
        api.client
            .with("idempotency-key", key)
            .post("/v1/sessions", &json!({}))
            .problem(400, "invalid_parameter");
    }
    // A proxy may join them to another key, and each may be meant.
    let several = api.client.with("idempotency-key", "a");
    several
        .with("idempotency-key", "b")
        .post("/v1/sessions", &json!({}))
        .problem(400, "invalid_parameter");
    assert_eq!(api.client.get("/v1/sessions").ok(200)["items"], json!([]));
    api.client
        .with("idempotency-key", &long[..255])
        .post("/v1/sessions", &json!({}))
        .expect(201);
}
