use lastcall_domain::store::{JobResult, Outcome};
use lastcall_domain::{ContentKey, Service, SessionId};
use serde_json::{Value, json};

use crate::fixture::{Api, block, inline};

/// The next job of AnalysisService is done, and its result is known by what it is about.
fn work(api: &Api) {
    let job = api.claim(Service::Analysis).unwrap();
    let key = block(ContentKey::of(&api.store, job.session, &job.spec));
    api.new_sessions.remove(job.session);
    let result = JobResult {
        content_key: key,
        ..inline("application/json", "{\"a\": 1}")
    };
    api.complete(&job, Outcome::Succeeded(result)).unwrap();
}

fn ask(api: &Api, session: &str, headers: &[(&str, &str)]) -> Value {
    let body = json!({"dataset": "penguins", "kind": "profile"});
    let path = format!("{session}/analyses");
    let client = api.client.with("accept", "*/*");
    let client = headers
        .iter()
        .fold(client, |client, (name, value)| client.with(name, value));
    client.post(&path, &body).ok(202)
}

#[test]
fn the_same_analysis_of_the_same_bytes_is_answered_from_the_store() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let first = ask(&api, &session, &[]);
    assert_eq!(first.get("cached"), None);
    // What has not ended answers nothing.
    let second = ask(&api, &session, &[]);
    assert_eq!(second["state"], "queued");
    work(&api);
    let woken = api.system.woken.lock().unwrap().len();
    let third = ask(&api, &session, &[]);
    assert_eq!(
        (&third["state"], &third["cached"]),
        (&json!("succeeded"), &json!(true))
    );
    assert_eq!(
        (&third["attempt"], &third["progress"]),
        (&json!(0), &json!(1.0))
    );
    assert_ne!(third["id"], first["id"]);
    assert_eq!(
        api.system.woken.lock().unwrap().len(),
        woken,
        "nobody has to work"
    );
    let path = format!("/v1/jobs/{}/result", third["id"].as_str().unwrap());
    assert_eq!(api.client.get(&path).expect(200).text(), "{\"a\": 1}");
    let job = format!("/v1/jobs/{}", third["id"].as_str().unwrap());
    assert_eq!(api.client.get(&job).ok(200)["cached"], true);
    let anew = ask(&api, &session, &[("cache-control", "no-cache")]);
    assert_eq!(anew["state"], "queued");
    let body = json!({"dataset": "penguins", "options": {"alerts": {"zeros": 0.1}}});
    let other = api
        .client
        .post(&format!("{session}/analyses"), &body)
        .ok(202);
    assert_eq!(other["state"], "queued");
    let path = format!("{session}/datasets/penguins");
    api.client.put(&path, "text/csv", b"a,b\n1,2\n").expect(200);
    assert_eq!(ask(&api, &session, &[])["state"], "queued");
}

#[test]
fn a_repeat_under_its_key_gets_the_first_answer_cached_or_not() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let key = [("idempotency-key", "one")];
    let first = ask(&api, &session, &key);
    work(&api);
    assert_eq!(ask(&api, &session, &key), first);
    let other = [("idempotency-key", "two")];
    let cached = ask(&api, &session, &other);
    assert_eq!(cached["cached"], true);
    assert_eq!(ask(&api, &session, &other), cached);
}

#[test]
fn nothing_is_looked_up_in_a_session_without_results() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let id: SessionId = session.rsplit('/').next().unwrap().parse().unwrap();
    assert!(api.new_sessions.contains(id));
    let calls_of = |headers: &[(&str, &str)]| {
        let before = api.store.faults().calls();
        ask(&api, &session, headers);
        api.store.faults().calls() - before
    };
    // The first request reads the session as well.
    calls_of(&[]);
    let of_new = calls_of(&[]);
    work(&api);
    assert_eq!(calls_of(&[("cache-control", "no-cache")]), of_new);
    assert!(calls_of(&[]) > of_new);
    api.client.delete(&session).expect(204);
    assert!(!api.new_sessions.contains(id));
}
