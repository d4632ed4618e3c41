//! What one owner may do and have.

use lastcall_api::{ApiKey, Auth, RatePolicy, Role};
use lastcall_domain::{OwnerLimits, Store as _};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;

use crate::fixture::Api;

fn limited(per_owner: OwnerLimits) -> Api {
    let api = Api::start();
    api.store.limit_owners(per_owner);
    api
}

#[test]
fn answers_say_how_many_requests_are_left_and_the_next_is_refused() {
    let api = Api::with(|config| {
        config.rate = Some(RatePolicy {
            per_second: 2,
            burst: 3,
        });
    });
    for left in ["r=2;t=1", "r=1;t=1", "r=0;t=2"] {
        let reply = api.client.get("/v1/jobs").expect(200);
        assert_eq!(reply.header("ratelimit-policy"), "\"owner\";q=3;w=2");
        assert_eq!(reply.header("ratelimit"), format!("\"owner\";{left}"));
    }
    let refused = api.client.get("/v1/jobs");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit"), "\"owner\";r=0;t=1");
    refused.problem(429, "rate_limited");
    // Operators and probes are not counted.
    for path in ["/v1/system", "/livez", "/metrics"] {
        api.client.get(path).expect(200);
    }
    api.clock.advance(Duration::from_millis(500));
    // What is refused for another reason is counted, too.
    let missing = api.client.get("/v1/jobs/none");
    assert_eq!(missing.header("ratelimit"), "\"owner\";r=0;t=2");
    missing.problem(404, "job_not_found");
    api.client.get("/v1/jobs").problem(429, "rate_limited");
}

#[test]
fn each_owner_is_counted_for_itself_whatever_the_key() {
    let key = |name: &str, owner: &str| ApiKey {
        owner: owner.to_owned(),
        ..ApiKey::new(name, Sha256::digest(name).into(), Role::User)
    };
    let keys = vec![key("old", "web"), key("new", "web"), key("batch", "batch")];
    let api = Api::with(|config| {
        config.auth = Auth::Keys(keys);
        config.rate = Some(RatePolicy {
            per_second: 1,
            burst: 1,
        });
    });
    let get = |key: &str| {
        let bearer = format!("Bearer {key}");
        api.client
            .with("authorization", &bearer)
            .get("/v1/sessions")
    };
    get("old").expect(200);
    get("new").problem(429, "rate_limited");
    get("batch").expect(200);
    // Without a valid key there are no headers about limits.
    let unknown = get("unknown");
    assert_eq!(unknown.headers.get("ratelimit"), None);
    unknown.problem(401, "unauthorized");
}

#[test]
fn without_a_bound_there_are_no_headers_about_it() {
    let api = Api::start();
    let reply = api.client.get("/v1/jobs").expect(200);
    assert_eq!(reply.headers.get("ratelimit"), None);
    assert_eq!(reply.headers.get("ratelimit-policy"), None);
}

#[test]
fn one_session_too_many_is_refused_until_another_is_gone() {
    let api = limited(OwnerLimits {
        sessions: Some(1),
        ..OwnerLimits::default()
    });
    let session = api.session();
    let refused = api.client.post("/v1/sessions", &json!({}));
    assert_eq!(refused.header("retry-after"), "30");
    refused.problem(429, "too_many_sessions");
    api.client.delete(&session).expect(204);
    api.session();
}

#[test]
fn one_job_too_many_of_an_owner_is_refused() {
    let api = limited(OwnerLimits {
        queued_jobs: Some(2),
        ..OwnerLimits::default()
    });
    let session = api.session_with_penguins();
    let path = format!("{session}/analyses");
    let body = |n: u32| json!({ "kind": "sql", "query": format!("select {n}") });
    for n in 0..2 {
        api.client.post(&path, &body(n)).expect(202);
    }
    let refused = api.client.post(&path, &body(2));
    assert_eq!(refused.header("retry-after"), "2");
    refused.problem(429, "owner_queue_full");
}

#[test]
fn a_dataset_beyond_the_quota_leaves_nothing_behind() {
    let api = limited(OwnerLimits {
        stored_bytes: Some(50),
        ..OwnerLimits::default()
    });
    let session = api.session_with_penguins();
    let blobs = api.blobs.keys().len();
    api.put(&session, "more").problem(507, "quota_exceeded");
    let more = format!("{session}/datasets/more");
    api.client.get(&more).problem(404, "dataset_not_found");
    assert_eq!(api.blobs.keys().len(), blobs, "its bytes are gone");
    // The same in its place is no more than there was.
    api.put(&session, "penguins").expect(200);
    api.client
        .delete(&format!("{session}/datasets/penguins"))
        .expect(204);
    api.put(&session, "more").expect(201);
}
