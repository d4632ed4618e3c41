use serde_json::json;

use crate::fixture::Api;

#[test]
fn with_too_little_room_nothing_new_is_accepted_and_removal_goes_on() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let other = api.session();
    let job = api.profile(&session);
    let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    let blobs = api.blobs.keys().len();
    api.disks.set_free(999);
    let profile = json!({"dataset": "penguins", "kind": "profile"});
    let report = json!({"dataset": "penguins", "format": "html"});
    for reply in [
        api.put(&session, "more"),
        api.client.post("/v1/sessions", &json!({})),
        api.client.post(&format!("{session}/analyses"), &profile),
        api.client.post(&format!("{session}/reports"), &report),
    ] {
        let reply = reply.problem(507, "insufficient_storage");
        assert!(reply["detail"].as_str().unwrap().contains("blobs"));
    }
    assert_eq!(api.blobs.keys().len(), blobs);
    let degraded = api.client.get("/readyz").ok(503);
    assert_eq!(degraded["checks"][0]["name"], "disk");
    let system = api.client.get("/v1/system").ok(200);
    let disk = json!({"name": "blobs", "free_bytes": 999, "min_free_bytes": 1000, "low": true});
    assert_eq!(system["disks"], json!([disk]));
    api.client.get(&session).expect(200);
    api.client.delete(&job).expect(202);
    api.client
        .delete(&format!("{session}/datasets/penguins"))
        .expect(204);
    api.client.delete(&other).expect(204);
    api.disks.set_free(1_000);
    api.put(&session, "more").expect(201);
}

#[test]
fn a_repeat_of_what_was_accepted_gets_its_answer_however_little_room_there_is() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let profile = json!({"dataset": "penguins", "kind": "profile"});
    let client = api.client.with("idempotency-key", "k");
    let report = json!({"dataset": "penguins", "format": "html"});
    let posts = [
        ("/v1/sessions".to_owned(), json!({"ttl": "5m"}), 201),
        (format!("{session}/analyses"), profile, 202),
        (format!("{session}/reports"), report, 202),
    ];
    let firsts = posts
        .each_ref()
        .map(|(path, body, status)| client.post(path, body).ok(*status));
    api.disks.set_free(0);
    for ((path, body, status), first) in posts.iter().zip(firsts) {
        let again = client.post(path, body).expect(*status);
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.json(), first, "{path}");
        client
            .post(path, &json!({"kind": "profile"}))
            .problem(422, "idempotency_key_reused");
        let other = api.client.with("idempotency-key", "other");
        other.post(path, body).problem(507, "insufficient_storage");
        api.client
            .post(path, body)
            .problem(507, "insufficient_storage");
    }
}
