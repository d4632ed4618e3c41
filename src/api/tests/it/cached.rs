use lastcall_domain::{ContentKey, DatasetName, JobId, Service, SessionId, Store};
use serde_json::{Value, json};

use crate::fixture::{Api, block};

/// The next job of AnalysisService is done, and known by what it was about.
fn work(api: &Api, session: &str) -> JobId {
    let id = api.work(Service::Analysis, "application/json", "{\"a\": 1}");
    let session: SessionId = session.rsplit('/').next().unwrap().parse().unwrap();
    let name = DatasetName::try_from("penguins".to_owned()).unwrap();
    let found = async {
        let job = api.store.job(id).await.unwrap().unwrap();
        let dataset = api.store.dataset(session, &name).await.unwrap().unwrap();
        ContentKey::new(&job.spec, &[dataset]).unwrap()
    };
    let key = block(found);
    api.answered.note(session, key, id);
    id
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
    work(&api, &session);
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
    work(&api, &session);
    assert_eq!(ask(&api, &session, &key), first);
    let other = [("idempotency-key", "two")];
    let cached = ask(&api, &session, &other);
    assert_eq!(cached["cached"], true);
    assert_eq!(ask(&api, &session, &other), cached);
}

#[test]
fn answers_go_with_their_session() {
    let api = Api::start();
    let session = api.session_with_penguins();
    ask(&api, &session, &[]);
    work(&api, &session);
    let id: SessionId = session.rsplit('/').next().unwrap().parse().unwrap();
    assert!(api.answered.knows(id));
    api.client.delete(&session).expect(204);
    assert!(!api.answered.knows(id));
}
