//! Jobs: waiting for them, following them, repeating their requests, cancelling them.

use serde_json::{Value, json};

use crate::support::{Client, HeldQueries, Home, data, raw::Connection, until};

fn analyses(session: &str) -> String {
    format!("/v1/sessions/{session}/analyses")
}

fn profile() -> Value {
    json!({ "dataset": "birds", "kind": "profile" })
}

#[test]
fn a_job_has_every_field_of_the_contract() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let id = client.profile(&session, "birds");
    let job = client.succeeded(&id);
    assert_eq!(job["session"], session);
    assert_eq!(job["service"], "analysis");
    assert_eq!(job["kind"], "profile");
    assert_eq!(job["format"], "json");
    assert_eq!(job["attempt"], 1);
    assert_eq!(job["interruptions"], 0);
    assert_eq!(job["progress"], 1.0);
    assert_eq!(job["error"], Value::Null);
    assert_eq!(job["links"]["self"], format!("/v1/jobs/{id}"));
    assert_eq!(job["links"]["result"], format!("/v1/jobs/{id}/result"));
    for time in ["created_at", "started_at", "finished_at"] {
        assert!(job[time].as_str().unwrap().ends_with('Z'), "{job:#}");
    }
    service.stop();
}

#[test]
fn prefer_wait_answers_with_the_finished_job_or_with_the_accepted_one() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();

    let prefer = [("prefer", "wait=60")];
    let answer = client
        .post_with(&analyses(&session), &prefer, &profile())
        .expect(200);
    assert_eq!(answer.json()["state"], "succeeded");
    assert_eq!(answer.header("preference-applied"), "wait=60");

    let held = HeldQueries::of(&service);
    let query = json!({ "kind": "sql", "query": data::COUNT });
    let prefer = [("prefer", "wait=1")];
    let answer = client
        .post_with(&analyses(&session), &prefer, &query)
        .expect(202);
    let job = answer.json()["id"].as_str().unwrap().to_owned();
    client
        .get(&format!("/v1/jobs/{job}/result"))
        .expect_problem(409, "job_not_finished");
    client.delete(&format!("/v1/jobs/{job}")).expect(202);
    client.wait_for(&job, "cancelled");
    client
        .get(&format!("/v1/jobs/{job}/result"))
        .expect_problem(409, "job_cancelled");
    held.release();
    service.stop();
}

#[test]
fn a_request_that_is_sent_again_is_answered_again_and_not_done_again() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let key = [("idempotency-key", "first")];
    let first = client
        .post_with(&analyses(&session), &key, &profile())
        .expect(202);
    let again = client
        .post_with(&analyses(&session), &key, &profile())
        .expect(202);
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(first.body, again.body);
    let other = json!({ "dataset": "birds", "kind": "correlation" });
    client
        .post_with(&analyses(&session), &key, &other)
        .expect_problem(422, "idempotency_key_reused");
    let list = client.get(&format!("/v1/jobs?session={session}")).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);

    let opened = client
        .post_with("/v1/sessions", &key, &json!({}))
        .expect(201);
    let again = client
        .post_with("/v1/sessions", &key, &json!({}))
        .expect(201);
    assert_eq!(opened.body, again.body);
    client
        .post_with("/v1/sessions", &key, &json!({ "ttl": "1m" }))
        .expect_problem(422, "idempotency_key_reused");

    // What was answered is known to the next run, too.
    service.stop();
    let service = home.start();
    let client = service.client();
    let again = client
        .post_with(&analyses(&session), &key, &profile())
        .expect(202);
    assert_eq!(first.body, again.body);
    service.stop();
}

#[test]
fn the_events_of_a_job_end_with_the_job() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let id = client.profile(&session, "birds");
    let stream = client.get(&format!("/v1/jobs/{id}/events")).expect(200);
    assert!(
        stream
            .header("content-type")
            .starts_with("text/event-stream")
    );
    let events = events(&stream.text());
    let (name, first) = &events[0];
    assert_eq!(name, "state");
    assert_eq!(first["id"], id);
    let states: Vec<_> = events
        .iter()
        .filter(|(name, _)| name == "state")
        .map(|(_, job)| job["state"].as_str().unwrap())
        .collect();
    assert_eq!(states.last(), Some(&"succeeded"), "{events:#?}");
    let (name, end) = events.last().unwrap();
    assert_eq!(name, "end");
    assert_eq!(end["reason"], "finished");
    service.stop();
}

#[test]
fn a_stream_follows_a_job_until_it_is_cancelled() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let _held = HeldQueries::of(&service);
    let id = client.sql(&session, data::COUNT);
    client.wait_for(&id, "running");
    let mut stream = Connection::open(service.address());
    stream.request("GET", &format!("/v1/jobs/{id}/events"));
    assert_eq!(stream.answer().status, 200);
    while stream.line() != "event: state" {}
    client.delete(&format!("/v1/jobs/{id}")).expect(202);
    let mut ended = false;
    while !ended {
        ended = stream.line() == "event: end";
    }
    client.wait_for(&id, "cancelled");
    drop(stream);
    service.stop();
}

/// The events of a stream: names and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let field = |event: &str, name: &str| {
        let found = event.lines().find_map(|line| line.strip_prefix(name));
        found.map(|value| value.trim().to_owned())
    };
    text.split("\n\n")
        .filter_map(|event| {
            let data = serde_json::from_str(&field(event, "data:")?).unwrap();
            Some((field(event, "event:")?, data))
        })
        .collect()
}

#[test]
fn lists_are_read_page_by_page_and_filtered() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let other = client.session_with_birds();
    let mut expected: Vec<String> = (0..7).map(|_| client.profile(&session, "birds")).collect();
    client.profile(&other, "birds");
    for id in &expected {
        client.succeeded(id);
    }
    let report = client.report(&session, &json!({ "dataset": "birds", "format": "md" }));
    client.succeeded(&report);
    expected.sort();

    let path = format!("/v1/jobs?session={session}&service=analysis&state=succeeded&limit=3");
    let mut found = pages(&client, &path);
    found.sort();
    assert_eq!(found, expected);
    let reports = pages(
        &client,
        &format!("/v1/jobs?session={session}&service=report"),
    );
    assert_eq!(reports, [report]);
    assert_eq!(
        pages(&client, "/v1/jobs?state=queued"),
        Vec::<String>::new()
    );
    let mut sessions = pages(&client, "/v1/sessions?limit=1");
    sessions.sort();
    let mut both = [session, other];
    both.sort();
    assert_eq!(sessions, both);
    client
        .get("/v1/jobs?limit=0")
        .expect_problem(400, "invalid_parameter");
    client
        .get("/v1/jobs?cursor=x")
        .expect_problem(400, "invalid_parameter");
    service.stop();
}

/// The ids on all pages.
fn pages(client: &Client, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = path.to_owned();
    loop {
        let page = client.get(&next).expect(200).json();
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(crate::support::jobs::id_of));
        let Some(cursor) = page["next_cursor"].as_str() else {
            return found;
        };
        assert!(!items.is_empty());
        let separator = if path.contains('?') { '&' } else { '?' };
        next = format!("{path}{separator}cursor={cursor}");
    }
}

#[test]
fn a_query_reads_a_whole_dataset_while_it_is_replaced_and_removed() {
    const ROWS: u32 = 500;
    let home = Home::new();
    let service = home.start();
    let client = service.client().with("cache-control", "no-cache");
    let session = client.session();
    let table = |factor: u32| -> String {
        let rows = (0..ROWS).map(|i| format!("{i},{}\n", i * factor));
        format!("a,b\n{}", rows.collect::<String>())
    };
    let queries = || -> Vec<String> {
        let query = |i| client.sql(&session, &format!("select count(*) as n, {i} as i from t"));
        (0..3).map(query).collect()
    };
    for round in 0..40 {
        client.upload(&session, "t", &table(2 * round + 1));
        let jobs = queries();
        client.upload(&session, "t", &table(2 * round + 2));
        for job in jobs {
            let result = client.result(&job).json();
            assert_eq!(result["rows"][0][0], ROWS, "{result:#}");
            assert_eq!(client.job(&job)["attempt"], 1);
        }
    }
    let dataset = format!("/v1/sessions/{session}/datasets/t");
    for round in 0..20 {
        client.upload(&session, "t", &table(round));
        let jobs = queries();
        client.delete(&dataset).expect(204);
        for job in jobs {
            let ended = until("the query has ended", || {
                let job = client.job(&job);
                (!job["finished_at"].is_null()).then_some(job)
            });
            if ended["state"] == "succeeded" {
                let result = client.result(&job).json();
                assert_eq!(result["rows"][0][0], ROWS, "{result:#}");
            } else {
                let code = ended["error"]["code"].as_str().unwrap();
                let gone = ["dataset_not_found", "unknown_table"];
                assert!(gone.contains(&code), "{ended:#}");
            }
            assert_eq!(ended["attempt"], 1, "{ended:#}");
        }
    }
    for part in client.system()["dependencies"].as_array().unwrap() {
        assert_eq!(part["outages"], 0, "{part:#}");
    }
    service.stop();
}
