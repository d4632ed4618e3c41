use std::time::Duration;

use lastcall_domain::{JobSpec, Service, State, Thresholds};
use serde_json::{Value, json};

use crate::fixture::{Api, CSV};

#[test]
fn an_analysis_is_accepted_as_a_job() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let reply = api.client.post(
        &format!("{session}/analyses"),
        &json!({"dataset": "penguins", "kind": "profile"}),
    );
    let location = reply.header("location").to_owned();
    let job = reply.ok(202);
    let id = job["id"].as_str().unwrap();
    assert_eq!(location, format!("/v1/jobs/{id}"));
    assert_eq!(
        job,
        json!({
            "id": id,
            "session": session.rsplit('/').next().unwrap(),
            "service": "analysis",
            "kind": "profile",
            "format": "json",
            "priority": "normal",
            "state": "queued",
            "attempt": 0,
            "interruptions": 0,
            "progress": 0.0,
            "dataset": "penguins",
            "options": {"read": {}, "alerts": Thresholds::default()},
            "created_at": job["created_at"],
            "started_at": null,
            "finished_at": null,
            "error": null,
            "links": {
                "self": location,
                "events": format!("{location}/events"),
                "result": format!("{location}/result"),
                "session": session,
            },
        })
    );
    assert_eq!(*api.system.woken.lock().unwrap(), [Service::Analysis]);
    assert_eq!(api.client.get(&location).ok(200), job);
}

#[test]
fn every_kind_of_analysis_reaches_its_worker_unchanged() {
    let api = Api::start();
    let session = api.session_with_penguins();
    api.put(&session, "others").expect(201);
    for (body, spec) in [
        (
            json!({"dataset": "penguins"}),
            json!({"kind": "profile", "dataset": "penguins"}),
        ),
        (
            json!({"dataset": "penguins", "kind": "profile",
                   "options": {"read": {"missing": ["-"]}, "alerts": {"zeros": 0.1}}}),
            json!({"kind": "profile", "dataset": "penguins",
                   "options": {"read": {"missing": ["-"]}, "alerts": {"zeros": 0.1}}}),
        ),
        (
            json!({"kind": "sql", "query": "select 1"}),
            json!({"kind": "sql", "query": "select 1"}),
        ),
        (
            json!({"kind": "sql", "query": "select $1", "parameters": [1, -2.5, "x", true, null]}),
            json!({"kind": "sql", "query": "select $1", "parameters": [1, -2.5, "x", true, null]}),
        ),
        (
            json!({"kind": "sql", "query": "select 1", "format": "parquet"}),
            json!({"kind": "sql", "query": "select 1", "format": "parquet"}),
        ),
        (
            json!({"kind": "correlation", "dataset": "penguins"}),
            json!({"kind": "correlation", "dataset": "penguins"}),
        ),
        (
            json!({"kind": "compare", "dataset": "penguins", "with": "others"}),
            json!({"kind": "compare", "baseline": "penguins", "candidate": "others"}),
        ),
        (
            json!({"kind": "compare", "baseline": "penguins", "candidate": "others"}),
            json!({"kind": "compare", "dataset": "penguins", "with": "others"}),
        ),
    ] {
        api.client
            .post(&format!("{session}/analyses"), &body)
            .expect(202);
        let job = api.claim(Service::Analysis).unwrap();
        let expected: JobSpec = serde_json::from_value(spec).unwrap();
        assert_eq!(job.spec, expected);
    }
}

#[test]
fn a_queued_job_is_cancelled_at_once_and_a_running_one_as_soon_as_it_yields() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let queued = api.profile(&session)["links"]["self"]
        .as_str()
        .unwrap()
        .to_owned();
    let cancelled = api.client.delete(&queued).ok(202);
    assert_eq!(cancelled["state"], "cancelled");
    assert!(cancelled["finished_at"].is_string());

    let running = api.profile(&session)["links"]["self"]
        .as_str()
        .unwrap()
        .to_owned();
    let job = api.claim(Service::Analysis).unwrap();
    assert_eq!(api.client.delete(&running).ok(202)["state"], "running");
    assert!(api.system.cancelled.lock().unwrap().contains(&job.id));
    api.complete(&job, lastcall_domain::store::Outcome::Cancelled)
        .unwrap();
    assert_eq!(api.client.get(&running).ok(200)["state"], "cancelled");
}

#[test]
fn cancelling_a_job_that_has_ended_leaves_it_as_it_is() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = api.profile(&session)["links"]["self"]
        .as_str()
        .unwrap()
        .to_owned();
    api.work(Service::Analysis, "application/json", "{}");
    assert_eq!(api.client.delete(&path).ok(202)["state"], "succeeded");
    api.client.get(&format!("{path}/result")).expect(200);
}

#[test]
fn a_job_that_is_preferred_finished_is_waited_for() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let body = json!({"dataset": "penguins"});
    let reply = std::thread::scope(|scope| {
        let posted = scope.spawn(|| {
            api.client
                .with("prefer", "wait=30")
                .post(&format!("{session}/analyses"), &body)
        });
        let job = loop {
            if let Some(job) = api.claim(Service::Analysis) {
                break job;
            }
            std::thread::yield_now();
        };
        api.feed.progress(job.id, 0.5);
        let result = crate::fixture::inline("application/json", "{}");
        api.complete(&job, lastcall_domain::store::Outcome::Succeeded(result))
            .unwrap();
        posted.join().unwrap()
    });
    assert_eq!(reply.header("preference-applied"), "wait=30");
    let location = reply.header("location").to_owned();
    let job = reply.ok(200);
    assert_eq!(job["state"], State::Succeeded.as_str());
    assert_eq!(job["progress"], 1.0);
    assert_eq!(job["links"]["self"], location);
}

#[test]
fn a_job_that_does_not_finish_in_time_is_answered_as_accepted() {
    let api = Api::with(|config| config.max_wait = Duration::from_secs(1));
    let session = api.session_with_penguins();
    let body = json!({"dataset": "penguins"});
    for (prefer, applied) in [("wait=0", "wait=0"), ("wait=100", "wait=1")] {
        let reply = api
            .client
            .with("prefer", prefer)
            .post(&format!("{session}/analyses"), &body);
        assert_eq!(reply.header("preference-applied"), applied);
        assert_eq!(reply.ok(202)["state"], "queued");
    }
}

#[test]
fn a_failed_job_has_an_error() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = api.profile(&session)["links"]["self"]
        .as_str()
        .unwrap()
        .to_owned();
    api.fail(Service::Analysis, "invalid_data");
    let job = api.client.get(&path).ok(200);
    assert_eq!(job["state"], "failed");
    assert_eq!(
        job["error"],
        json!({"code": "invalid_data", "message": "it did not go well"})
    );
}

#[test]
fn a_burst_of_submissions_reads_the_session_and_the_dataset_once() {
    let api = Api::start();
    let session = api.session_with_penguins();
    api.profile(&session);
    let before = api.store.faults().calls();
    for _ in 0..10 {
        api.profile(&session);
    }
    // Ten submissions, and the two rows now and then, by how long it takes; 30 with every read.
    let calls = api.store.faults().calls() - before;
    assert!((10..20).contains(&calls), "{calls}");
}

#[test]
fn a_submission_after_a_burst_notices_what_has_changed() {
    let api = Api::with(|config| config.default_ttl = Duration::from_secs(100));
    let body = json!({"dataset": "penguins"});

    let session = api.session_with_penguins();
    let path = format!("{session}/analyses");
    api.profile(&session);
    api.client
        .delete(&format!("{session}/datasets/penguins"))
        .expect(204);
    api.client
        .post(&path, &body)
        .problem(404, "dataset_not_found");
    api.put(&session, "penguins").expect(201);
    api.profile(&session);
    api.client.delete(&session).expect(204);
    api.client
        .post(&path, &body)
        .problem(404, "session_not_found");

    // By a peer, without an update for this process.
    let session = api.session_with_penguins();
    let path = format!("{session}/analyses");
    api.profile(&session);
    let id = session.rsplit('/').next().unwrap().parse().unwrap();
    crate::fixture::block(lastcall_domain::Store::delete_session(&api.store, id)).unwrap();
    api.client
        .post(&path, &body)
        .problem(404, "session_not_found");

    let session = api.session_with_penguins();
    let path = format!("{session}/analyses");
    api.profile(&session);
    api.clock.advance(Duration::from_secs(99));
    api.profile(&session);
    api.clock.advance(Duration::from_secs(99));
    api.profile(&session);
    api.clock.advance(Duration::from_secs(100));
    api.client
        .post(&path, &body)
        .problem(410, "session_expired");
}

#[test]
fn a_job_shows_its_specification() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let others = format!("{session}/datasets/others");
    api.client.put(&others, "text/csv", CSV).expect(201);
    let submit = |what: &str, body: &Value| {
        let job = api.client.post(&format!("{session}/{what}"), body).ok(202);
        let path = job["links"]["self"].as_str().unwrap().to_owned();
        assert_eq!(api.client.get(&path).ok(200), job);
        job
    };
    let options = json!({"read": {"missing": ["-"]}, "alerts": {"zeros": 0.1}});
    let job = submit(
        "analyses",
        &json!({"dataset": "penguins", "options": options}),
    );
    assert_eq!(job["dataset"], "penguins");
    assert_eq!(job["options"]["read"], options["read"]);
    assert_eq!(job["options"]["alerts"]["zeros"], 0.1);
    assert!(job.get("query").is_none());
    let analysis = job["id"].clone();

    let compare = json!({"kind": "compare", "dataset": "penguins", "with": "others"});
    let job = submit("analyses", &compare);
    assert_eq!(job["baseline"], "penguins");
    assert_eq!(job["candidate"], "others");

    let job = submit("analyses", &json!({"kind": "sql", "query": "select 1"}));
    assert_eq!(
        (&job["query"], &job["parameters"]),
        (&json!("select 1"), &json!([]))
    );
    let values = json!([i64::MAX, 1.0, "x", null]);
    let query = json!({"kind": "sql", "query": "select $1", "parameters": values});
    assert_eq!(submit("analyses", &query)["parameters"], values);
    let long = json!({"kind": "sql", "query": "select $1", "parameters": ["x".repeat(20_000)]});
    assert!(submit("analyses", &long).get("parameters").is_none());
    let job = submit("reports", &json!({"dataset": "penguins", "format": "pdf"}));
    assert_eq!(
        (&job["dataset"], &job["format"]),
        (&json!("penguins"), &json!("pdf"))
    );
    let job = submit("reports", &json!({"analysis": analysis, "format": "html"}));
    assert_eq!(job["analysis"], analysis);
}
