use lastcall_domain::Service;
use serde_json::{Value, json};

use crate::fixture::Api;

fn id(job: &Value) -> &str {
    job["id"].as_str().unwrap()
}

#[test]
fn a_report_on_a_dataset_is_accepted_in_every_format() {
    let api = Api::start();
    let session = api.session_with_penguins();
    for format in ["html", "pdf", "xlsx", "md"] {
        let body = json!({"dataset": "penguins", "format": format});
        let job = api
            .client
            .post(&format!("{session}/reports"), &body)
            .ok(202);
        assert_eq!(job["service"], "report");
        assert_eq!(job["kind"], "report");
        assert_eq!(job["format"], format);
    }
    assert_eq!(api.system.woken.lock().unwrap().len(), 4);
}

#[test]
fn a_report_on_an_analysis_waits_for_it() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let analysis = api.profile(&session);
    let body = json!({"analysis": id(&analysis), "format": "html"});
    api.client
        .post(&format!("{session}/reports"), &body)
        .ok(202);
    assert!(api.claim(Service::Report).is_none());
    api.work(Service::Analysis, "application/json", "{}");
    assert!(api.claim(Service::Report).is_some());
    api.client
        .post(&format!("{session}/reports"), &body)
        .ok(202);
}

#[test]
fn a_report_that_makes_no_sense_is_refused() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let analysis = api.profile(&session);
    for body in [
        json!({}),
        json!({"dataset": "penguins"}),
        json!({"format": "pdf"}),
        json!({"dataset": "penguins", "format": "doc"}),
        json!({"dataset": "penguins", "format": "json"}),
        json!({"dataset": "penguins", "analysis": id(&analysis), "format": "pdf"}),
        json!({"dataset": "penguins", "format": "pdf", "title": "x"}),
    ] {
        api.client
            .post(&path, &body)
            .problem(422, "invalid_request");
    }
    let refused = api
        .client
        .post(&path, &json!({"dataset": "penguins", "format": "doc"}))
        .json();
    for format in ["html", "pdf", "xlsx", "md"] {
        assert!(refused["detail"].as_str().unwrap().contains(format));
    }
    api.client
        .post(&path, &json!({"dataset": "walrus", "format": "pdf"}))
        .problem(404, "dataset_not_found");
}

#[test]
fn a_report_is_made_of_an_analysis_of_its_session_that_may_have_a_result() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let report = |analysis: &str| json!({"analysis": analysis, "format": "pdf"});
    let other = api.profile(&api.session_with_penguins());
    for unknown in ["x", "00000000-0000-0000-0000-000000000000", id(&other)] {
        api.client
            .post(&path, &report(unknown))
            .problem(404, "job_not_found");
    }
    let body = json!({"dataset": "penguins", "format": "pdf"});
    let no_analysis = api.client.post(&path, &body).ok(202);
    api.client
        .post(&path, &report(id(&no_analysis)))
        .problem(422, "invalid_request");

    let body = json!({"kind": "sql", "query": "select 1", "format": "csv"});
    let no_json = api
        .client
        .post(&format!("{session}/analyses"), &body)
        .ok(202);
    api.client
        .post(&path, &report(id(&no_json)))
        .problem(422, "invalid_request");

    while api.claim(Service::Analysis).is_some() {}
    let analysis = api.profile(&session);
    api.fail(Service::Analysis, "invalid_data");
    let problem = api
        .client
        .post(&path, &report(id(&analysis)))
        .problem(409, "analysis_not_succeeded");
    assert_eq!(problem["job_error"]["code"], "invalid_data");

    let analysis = api.profile(&session);
    api.client
        .delete(&format!("/v1/jobs/{}", id(&analysis)))
        .expect(202);
    api.client
        .post(&path, &report(id(&analysis)))
        .problem(409, "analysis_not_succeeded");
}

/// A query of the session, to report on.
fn query(api: &Api, session: &str) -> String {
    let body = json!({"kind": "sql", "query": "select 1 as a, 2 as b"});
    let path = format!("{session}/analyses");
    id(&api.client.post(&path, &body).ok(202)).to_owned()
}

#[test]
fn a_report_on_a_query_may_have_a_chart_and_says_which() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let chart = json!({"type": "bar", "x": "a", "y": ["b"], "title": "B by a"});
    let body = json!({"analysis": query(&api, &session), "format": "html", "chart": chart});
    let job = api.client.post(&path, &body).ok(202);
    assert_eq!(job["chart"], chart);
    let job = api.client.get(&format!("/v1/jobs/{}", id(&job))).ok(200);
    assert_eq!(job["chart"], chart, "the row keeps it");
}

#[test]
fn a_chart_that_makes_no_sense_is_refused() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/reports");
    let query = query(&api, &session);
    let wide: Vec<_> = (0..9).map(|i| i.to_string()).collect();
    for (chart, says) in [
        (json!({"type": "pie", "x": "a", "y": ["b"]}), "pie"),
        (
            json!({"type": "bar", "x": "a", "y": ["b"], "colour": 1}),
            "colour",
        ),
        (json!({"type": "bar", "x": "a", "y": "b"}), "sequence"),
        (json!({"type": "bar", "x": "a"}), "`y`"),
        (json!({"type": "bar", "x": "a", "y": []}), "chart.y"),
        (json!({"type": "bar", "x": "a", "y": wide}), "chart.y"),
        (json!({"type": "bar", "x": "a", "y": ["b", "b"]}), "twice"),
        (
            json!({"type": "bar", "x": "a", "y": ["b"], "title": ""}),
            "chart.title",
        ),
    ] {
        let body = json!({"analysis": query, "format": "pdf", "chart": chart});
        let problem = api
            .client
            .post(&path, &body)
            .problem(422, "invalid_request");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
    }
    // Only the result of a query has columns to draw.
    let chart = json!({"type": "bar", "x": "a", "y": ["b"]});
    let profile = api.profile(&session);
    for body in [
        json!({"dataset": "penguins", "format": "pdf", "chart": chart}),
        json!({"analysis": id(&profile), "format": "pdf", "chart": chart}),
    ] {
        let problem = api
            .client
            .post(&path, &body)
            .problem(422, "invalid_request");
        assert!(problem["detail"].as_str().unwrap().contains("chart"));
    }
}
