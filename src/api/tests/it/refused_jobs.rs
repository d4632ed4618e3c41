//! Submissions that are refused, and their errors.

use lastcall_domain::Service;
use serde_json::{Value, json};

use crate::fixture::Api;

#[test]
fn an_analysis_that_makes_no_sense_is_refused() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/analyses");
    for body in [
        json!({}),
        json!({"kind": "profile"}),
        json!({"kind": "magic", "dataset": "penguins"}),
        json!({"kind": "sql"}),
        json!({"kind": "sql", "query": "  "}),
        json!({"kind": "sql", "query": "x".repeat(65_537)}),
        json!({"kind": "sql", "query": "select 1", "dataset": "penguins"}),
        json!({"kind": "sql", "query": "select 1", "format": "yaml"}),
        json!({"kind": "sql", "query": "select $1", "parameters": 1}),
        json!({"kind": "sql", "query": "select $1", "parameters": [[1]]}),
        json!({"kind": "sql", "query": "select $1", "parameters": [{"a": 1}]}),
        json!({"kind": "sql", "query": "select $1", "parameters": vec![1; 1001]}),
        json!({"kind": "sql", "query": "select $1", "parameters": ["x".repeat(65_537)]}),
        json!({"dataset": "penguins", "parameters": [1]}),
        json!({"kind": "profile", "dataset": "penguins", "query": "select 1"}),
        json!({"kind": "profile", "dataset": "penguins", "options": {"red": {}}}),
        json!({"dataset": "penguins", "options": {"read": {"decimal": "x"}}}),
        json!({"dataset": "penguins", "options": []}),
        json!({"dataset": "penguins", "options": {"read": [["-"]]}}),
        json!({"dataset": "penguins", "options": {"alerts": []}}),
        json!(["profile", "penguins", null, null, null, null, null]),
        json!({"dataset": "penguins", "options": {"alerts": {"missing": 2}}}),
        json!({"kind": "compare", "dataset": "penguins"}),
        json!({"kind": "compare", "candidate": "penguins"}),
        json!({"kind": "compare", "baseline": "penguins", "dataset": "penguins",
               "candidate": "penguins"}),
        json!({"dataset": "penguins", "unknown": 1}),
        json!({"dataset": "penguins", "priority": "urgent"}),
        json!({"dataset": "penguins", "priority": 1}),
        json!({"dataset": "penguins", "labels": ["a"]}),
        json!({"dataset": "penguins", "labels": {"a": 1}}),
        json!({"dataset": "penguins", "labels": {"a:b": "x"}}),
        json!({"dataset": "penguins", "labels": {"a": "x\ny"}}),
        json!({"dataset": 1}),
        json!("penguins"),
    ] {
        api.client
            .post(&path, &body)
            .problem(422, "invalid_request");
    }
    for body in [
        json!({"dataset": "walrus"}),
        json!({"dataset": "../etc/passwd"}),
        json!({"kind": "compare", "dataset": "penguins", "with": "walrus"}),
    ] {
        api.client
            .post(&path, &body)
            .problem(404, "dataset_not_found");
    }
    for body in [&b""[..], b"{", b"\xff\xfe", b"{\"dataset\":}"] {
        api.client
            .raw("POST", &path, body)
            .problem(400, "invalid_json");
    }
    let nested = format!("{{\"dataset\":{}1", "[".repeat(100_000));
    api.client
        .raw("POST", &path, nested.as_bytes())
        .expect_client_error();
    assert!(api.claim(Service::Analysis).is_none());
}

#[test]
fn what_is_refused_is_named_by_its_field_and_in_terms_of_the_api() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let dataset = format!("{session}/datasets/penguins");
    let analyses = format!("{session}/analyses");
    let reports = format!("{session}/reports");
    for (method, path, body, code, said) in [
        (
            "POST",
            &analyses,
            json!({"dataset": "penguins", "options": {"alerts": {"missing": "x"}}}),
            "invalid_request",
            "`options.alerts.missing`: invalid type",
        ),
        (
            "POST",
            &analyses,
            json!({"dataset": "penguins", "options": {"read": 1}}),
            "invalid_request",
            "`options.read`: invalid type: integer `1`, expected an object",
        ),
        (
            "POST",
            &analyses,
            json!({"kind": "compare", "dataset": "penguins", "with": "penguins",
                   "options": {"thresholds": {"major": "x"}}}),
            "invalid_request",
            "`options.thresholds.major`: invalid type",
        ),
        (
            "POST",
            &analyses,
            json!({"kind": "sql", "query": "select $1", "parameters": [[1]]}),
            "invalid_request",
            "a parameter of a query has to be null",
        ),
        (
            "POST",
            &reports,
            json!({"dataset": "penguins", "format": "html", "priority": "urgent"}),
            "invalid_request",
            "`priority`: unknown variant",
        ),
        (
            "PATCH",
            &dataset,
            json!({"skip_rows": "x"}),
            "invalid_option",
            "`skip_rows`: invalid type",
        ),
    ] {
        let client = api.client.with("content-type", "application/json");
        let refused = client.raw(method, path, body.to_string().as_bytes());
        let problem = refused.problem(422, code);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail}");
        for internal in ["struct ", "enum "] {
            assert!(!detail.contains(internal), "{detail}");
        }
    }
}

#[test]
fn an_option_that_the_format_of_the_dataset_does_not_have_is_refused_by_name() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let lines = format!("{session}/datasets/lines");
    let lines = api
        .client
        .put(&lines, "application/x-ndjson", b"{\"a\":1}\n");
    lines.expect(201);
    let path = format!("{session}/analyses");
    let ask = |kind: &str, dataset: &str, read: Value| {
        let contract = json!({"version": "3.0.2", "schema": []});
        let mut body = json!({"kind": kind, "dataset": dataset, "options": {"read": read}});
        if kind == "check" {
            body["contract"] = contract;
        }
        if kind == "compare" {
            body["with"] = "penguins".into();
        }
        api.client.post(&path, &body)
    };
    for (kind, dataset, option) in [
        ("profile", "penguins", "sheet"),
        ("correlation", "penguins", "sheet"),
        ("check", "penguins", "sheet"),
        ("profile", "lines", "delimiter"),
        // Neither of the two formats has it.
        ("compare", "lines", "sheet"),
    ] {
        let refused = ask(kind, dataset, json!({ option: ";" }));
        let problem = refused.problem(422, "invalid_request");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("`{option}`")), "{detail}");
    }
    assert!(api.claim(Service::Analysis).is_none());
    let read = json!({"delimiter": ";"});
    ask("profile", "penguins", read.clone()).expect(202);
    // One of the two has it.
    ask("compare", "lines", read).expect(202);
    let missing = ask("profile", "walrus", json!({"missing": ["-"]}));
    missing.problem(404, "dataset_not_found");
}

#[test]
fn a_body_that_is_too_large_or_no_json_is_refused() {
    let api = Api::start();
    let path = format!("{}/analyses", api.session());
    let large = format!("{{\"query\":\"{}\"}}", "x".repeat(1 << 20));
    api.client
        .raw("POST", &path, large.as_bytes())
        .problem(413, "payload_too_large");
    api.client
        .with("content-type", "application/xml")
        .raw("POST", &path, b"<x/>")
        .problem(415, "unsupported_media_type");
    api.client
        .with("content-encoding", "gzip")
        .raw("POST", &path, b"{}")
        .problem(415, "unsupported_encoding");
}

#[test]
fn a_full_queue_is_answered_with_retry_after() {
    let api = Api::with(|config| {
        config.max_queued_analyses = 2;
        config.max_queued_reports = 1;
    });
    let session = api.session_with_penguins();
    api.profile(&session);
    api.profile(&session);
    let body = json!({"dataset": "penguins"});
    let reply = api.client.post(&format!("{session}/analyses"), &body);
    assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0);
    reply.problem(429, "queue_full");

    // The other service has a queue of its own.
    let body = json!({"dataset": "penguins", "format": "pdf"});
    let path = format!("{session}/reports");
    api.client.post(&path, &body).expect(202);
    api.client.post(&path, &body).problem(429, "queue_full");

    api.claim(Service::Analysis).unwrap();
    api.profile(&session);
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let body = br#"{"dataset": "penguins", "dataset": "penguins"}"#;
    api.client
        .raw("POST", &format!("{session}/analyses"), body)
        .problem(422, "invalid_request");
}

#[test]
fn a_text_with_the_character_nul_is_refused() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/analyses");
    let named = |name: &str| json!({"fields": [{"name": name, "type": "string"}]});
    for body in [
        json!({"kind": "sql", "query": "select '\0'"}),
        json!({"kind": "sql", "query": "select '\\\0'"}),
        json!({"kind": "sql", "query": "select $1", "parameters": ["a\0"]}),
        json!({"kind": "check", "dataset": "penguins", "contract": named("a\0")}),
    ] {
        api.client
            .post(&path, &body)
            .problem(422, "invalid_request");
    }
    // As YAML writes it.
    let contract = "fields:\n- name: \"a\\0\"\n  type: string\n";
    let body = json!({"kind": "check", "dataset": "penguins", "contract": contract});
    api.client
        .post(&path, &body)
        .problem(422, "invalid_contract");
    // What only looks like it.
    for body in [
        json!({"kind": "sql", "query": "select '\\u0000'"}),
        json!({"kind": "check", "dataset": "penguins", "contract": named("\\u0000")}),
    ] {
        api.client.post(&path, &body).expect(202);
    }
}
