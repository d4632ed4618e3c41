use lastcall_domain::Service;
use serde_json::{Value, json};

use crate::fixture::Api;

#[test]
fn jobs_are_found_by_their_labels() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let post = |kind: &str, body: &Value| {
        let job = api.client.post(&format!("{session}/{kind}"), body).ok(202);
        (job["id"].clone(), job["labels"].clone())
    };
    let labels = json!({"team": "blue", "run": "Q3: 日本"});
    let body = json!({"dataset": "penguins", "labels": labels});
    let (analysis, stored) = post("analyses", &body);
    assert_eq!(stored, labels);
    let body = json!({"dataset": "penguins", "format": "md", "labels": {"team": "red"}});
    let (report, _) = post("reports", &body);
    let (_, none) = post("analyses", &json!({"dataset": "penguins"}));
    assert_eq!(none, Value::Null);
    for (filter, found) in [
        ("team", vec![&analysis, &report]),
        ("team:red", vec![&report]),
        ("run:Q3:%20%E6%97%A5%E6%9C%AC", vec![&analysis]),
        ("team:green", vec![]),
    ] {
        let list = api.client.get(&format!("/v1/jobs?label={filter}")).ok(200);
        let ids = list["items"].as_array().unwrap().iter();
        let ids: Vec<&Value> = ids.map(|job| &job["id"]).collect();
        assert_eq!(ids, found, "{filter}");
    }
    for filter in ["", "%20x", ":red"] {
        let list = api.client.get(&format!("/v1/jobs?label={filter}"));
        list.problem(400, "invalid_parameter");
    }
}

#[test]
fn a_long_page_of_jobs_is_whole_and_in_order() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let id = |job: &Value| job["id"].as_str().unwrap().to_owned();
    // More than are read from the store at once, and not a multiple of it.
    let all: Vec<String> = (0..130).map(|_| id(&api.profile(&session))).collect();
    let reversed: Vec<String> = all.iter().rev().cloned().collect();
    for (limit, pages) in [(1000, 1), (130, 1), (129, 2), (100, 2), (60, 3)] {
        for (order, expected) in [("asc", &all), ("desc", &reversed)] {
            let mut seen = Vec::new();
            let mut cursor = String::new();
            for page in 1..=pages {
                let path = format!("/v1/jobs?order={order}&limit={limit}{cursor}");
                let list = api.client.get(&path).ok(200);
                let items = list["items"].as_array().unwrap();
                assert_eq!(items.len(), limit.min(130 - seen.len()), "{path}");
                seen.extend(items.iter().map(id));
                match list["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => assert_eq!(page, pages, "{path}"),
                }
            }
            assert_eq!(seen, *expected);
        }
    }
}

#[test]
fn jobs_are_listed_by_session_state_and_service() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let other = api.session_with_penguins();
    let id = |job: &Value| job["id"].as_str().unwrap().to_owned();
    let first = id(&api.profile(&session));
    let second = id(&api.profile(&session));
    let third = id(&api.profile(&other));
    let body = json!({"dataset": "penguins", "format": "md"});
    let report = id(&api
        .client
        .post(&format!("{session}/reports"), &body)
        .ok(202));
    api.work(Service::Analysis, "application/json", "{}");

    let list = |query: &str| {
        let page = api.client.get(&format!("/v1/jobs?{query}")).ok(200);
        let items = page["items"].as_array().unwrap();
        items.iter().map(id).collect::<Vec<String>>()
    };
    let session = session.rsplit('/').next().unwrap();
    assert_eq!(list(""), [&*first, &second, &third, &report]);
    assert_eq!(
        list(&format!("session={session}")),
        [&*first, &second, &report]
    );
    assert_eq!(list("state=succeeded"), [&*first]);
    assert_eq!(list("state=queued&service=analysis"), [&*second, &third]);
    assert_eq!(list("service=report"), [&*report]);
    assert_eq!(list("kind=report"), [&*report]);
    assert_eq!(
        list(&format!("kind=profile&dataset=penguins&session={session}")),
        [&*first, &second]
    );
    assert_eq!(list("dataset=nothing"), [""; 0]);
    assert_eq!(list("limit=1"), [&*first]);
    assert_eq!(list(&format!("limit=2&cursor={first}")), [&*second, &third]);

    for query in [
        "state=done",
        "service=x",
        "kind=x",
        "dataset=a%2Fb",
        "session",
        "foo=1",
        "cursor=1",
    ] {
        let reply = api.client.get(&format!("/v1/jobs?{query}"));
        reply.problem(400, "invalid_parameter");
    }
    api.client
        .get("/v1/jobs?session=x")
        .problem(404, "session_not_found");
}
