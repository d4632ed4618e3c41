use std::collections::BTreeSet;

use lastcall_api::Code;
use lastcall_domain::profile::Profile;
use lastcall_domain::{ProfileOptions, Thresholds};
use serde_json::{Value, json};

use crate::fixture::Api;

const ERRORS: &str = include_str!("../../../../docs/errors.md");

/// The rows of a table in Markdown whose first cell is code.
pub fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"))
        .map(|row| {
            row.split(" | ")
                .map(|cell| cell.trim_matches('`'))
                .collect()
        })
        .collect()
}

#[test]
fn every_code_is_described_with_its_status_and_title_and_no_other() {
    let answers = ERRORS.split("## Codes of failed jobs").next().unwrap();
    let described: Vec<_> = rows(answers).iter().map(|row| row[..3].join("|")).collect();
    let codes: Vec<_> = Code::ALL
        .iter()
        .map(|code| {
            format!(
                "{}|{}|{}",
                code.as_str(),
                code.status().as_u16(),
                code.title()
            )
        })
        .collect();
    assert_eq!(described, codes);
}

#[test]
fn the_type_of_a_problem_leads_to_its_row() {
    let api = Api::start();
    let problem = api.client.get("/nothing").json();
    let reference = problem["type"].as_str().unwrap();
    let (path, fragment) = reference.split_once('#').unwrap();
    let page = api.client.get(path).expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text().contains(&format!("<tr id=\"{fragment}\">")));
    for code in Code::ALL {
        assert!(
            page.text()
                .contains(&format!("<tr id=\"{}\">", code.as_str()))
        );
    }
}

#[test]
fn the_openapi_document_lists_the_values_of_every_enumeration() {
    let document: Value = serde_json::from_str(&lastcall_api::openapi()).unwrap();
    let schemas = &document["components"]["schemas"];
    let edges = &schemas["SharedHistogram"]["properties"]["edges"];
    assert_eq!(edges["items"], json!({"type": ["number", "string"]}));
    let analysis = |title: &str| {
        let mut kinds = schemas["NewAnalysis"]["oneOf"].as_array().unwrap().iter();
        kinds.find(|kind| kind["title"] == title).unwrap()
    };
    let scalars = json!({"type": ["null", "boolean", "number", "string"]});
    for schema in [analysis("NewQuery"), &schemas["JobInput"]] {
        let parameters = &schema["properties"]["parameters"];
        assert_eq!(parameters["items"], scalars, "{schema}");
    }
    // Without a kind an analysis is a profile.
    for (title, wanted) in [("NewProfile", false), ("NewCorrelation", true)] {
        let schema = analysis(title);
        let required = schema["required"].as_array().unwrap();
        assert_eq!(required.contains(&json!("kind")), wanted, "{schema}");
        assert!(required.contains(&json!("dataset")), "{schema}");
    }
}

#[test]
fn the_openapi_document_names_every_operation_and_every_code() {
    let api = Api::start();
    let document = api.client.get("/openapi.json").ok(200);
    let printed: Value = serde_json::from_str(&lastcall_api::openapi()).unwrap();
    assert_eq!(document, printed);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));

    let mut operations = BTreeSet::new();
    let mut codes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.insert(format!("{} {path}", method.to_uppercase()));
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            for response in operation["responses"].as_object().unwrap().values() {
                let schema = &response["content"]["application/problem+json"]["schema"];
                let named = &schema["allOf"][1]["properties"]["code"]["enum"];
                codes.extend(
                    named
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|code| code.as_str().unwrap().to_owned()),
                );
            }
        }
    }
    let expected = [
        "GET /.well-known/oauth-protected-resource",
        "DELETE /v1/jobs/{id}",
        "DELETE /v1/sessions/{sid}",
        "DELETE /v1/sessions/{sid}/datasets/{name}",
        "GET /livez",
        "GET /metrics",
        "GET /readyz",
        "GET /v1/jobs",
        "GET /v1/jobs/{id}",
        "GET /v1/jobs/{id}/events",
        "GET /v1/jobs/{id}/result",
        "GET /v1/sessions",
        "GET /v1/sessions/{sid}",
        "GET /v1/sessions/{sid}/datasets",
        "GET /v1/sessions/{sid}/datasets/{name}",
        "GET /v1/system",
        "GET /v1/system/events",
        "PATCH /v1/sessions/{sid}/datasets/{name}",
        "POST /v1/sessions",
        "POST /v1/sessions/{sid}/analyses",
        "POST /v1/sessions/{sid}/reports",
        "POST /v1/system/drain",
        "PUT /v1/sessions/{sid}/datasets/{name}",
    ];
    assert_eq!(operations, expected.map(str::to_owned).into());
    // What a path or a method that does not exist is answered with belongs to no operation.
    let nowhere = [Code::NotFound, Code::MethodNotAllowed];
    let all = Code::ALL.iter().filter(|code| !nowhere.contains(code));
    assert_eq!(codes, all.map(|code| code.as_str().to_owned()).collect());
}

#[test]
fn every_reference_of_the_openapi_document_leads_somewhere() {
    let document: Value = serde_json::from_str(&lastcall_api::openapi()).unwrap();
    let mut pending = vec![&document];
    let mut references = 0;
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    references += 1;
                }
                pending.extend(object.values());
            }
            Value::Array(values) => pending.extend(values),
            _ => {}
        }
    }
    assert!(references > 50, "{references}");
}

/// Follows a schema's references.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => schema,
    }
}

/// Checks that the schema has every field of the value and the value has every required field of
/// the schema.
fn conforms(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = resolve(document, schema);
    match value {
        Value::Object(object) => {
            if let Some(parts) = schema["allOf"].as_array() {
                let known = |key: &str| {
                    let mut parts = parts.iter().map(|part| resolve(document, part));
                    parts.any(|part| part["properties"].get(key).is_some())
                };
                assert!(object.keys().all(|key| known(key)), "{at}: {object:?}");
                return;
            }
            let Some(properties) = schema["properties"].as_object() else {
                return;
            };
            for key in schema["required"].as_array().into_iter().flatten() {
                assert!(
                    object.contains_key(key.as_str().unwrap()),
                    "{at} lacks {key}"
                );
            }
            for (key, value) in object {
                let schema = properties
                    .get(key)
                    .unwrap_or_else(|| panic!("{at}.{key} is not in the schema"));
                conforms(document, schema, value, &format!("{at}.{key}"));
            }
        }
        Value::Array(values) => {
            for value in values {
                conforms(document, &schema["items"], value, &format!("{at}[]"));
            }
        }
        _ => {}
    }
}

#[test]
fn answers_conform_to_their_schemas() {
    let api = Api::start();
    api.with_services();
    let document: Value = serde_json::from_str(&lastcall_api::openapi()).unwrap();
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    let schema = |path: &str, method: &str, status: &str| {
        let responses = &document["paths"][path][method]["responses"][status];
        responses["content"]["application/json"]["schema"].clone()
    };
    let get = |path: &str| api.client.get(path).json();
    for (route, path) in [
        ("/v1/sessions", "/v1/sessions".to_owned()),
        ("/v1/sessions/{sid}", session.clone()),
        ("/v1/sessions/{sid}/datasets", format!("{session}/datasets")),
        (
            "/v1/sessions/{sid}/datasets/{name}",
            format!("{session}/datasets/penguins"),
        ),
        ("/v1/jobs", "/v1/jobs".to_owned()),
        (
            "/v1/jobs/{id}",
            job["links"]["self"].as_str().unwrap().to_owned(),
        ),
        ("/v1/system", "/v1/system".to_owned()),
        ("/readyz", "/readyz".to_owned()),
        ("/livez", "/livez".to_owned()),
    ] {
        let schema = schema(route, "get", "200");
        assert!(schema.is_object(), "{route}");
        conforms(&document, &schema, &get(&path), route);
    }
    let drain = api.client.post("/v1/system/drain", &json!({})).ok(202);
    for (route, answer) in [
        ("/v1/sessions/{sid}/analyses", job),
        ("/v1/system/drain", drain),
    ] {
        let schema = schema(route, "post", "202");
        assert!(schema.is_object(), "{route}");
        conforms(&document, &schema, &answer, route);
    }
}

#[test]
fn the_document_bounds_the_entries_of_a_page() {
    let api = Api::start();
    let document: Value = serde_json::from_str(&lastcall_api::openapi()).unwrap();
    for list in ["/v1/sessions", "/v1/jobs", "/v1/sessions/{sid}/datasets"] {
        let parameters = document["paths"][list]["get"]["parameters"].as_array();
        let limit = parameters
            .unwrap()
            .iter()
            .find(|one| one["name"] == "limit");
        let schema = &limit.unwrap()["schema"];
        assert_eq!(
            [&schema["minimum"], &schema["maximum"]],
            [1, 1000],
            "{list}"
        );
    }
    for (limit, status) in [(0, 400), (1, 200), (1000, 200), (1001, 400)] {
        api.client
            .get(&format!("/v1/jobs?limit={limit}"))
            .expect(status);
    }
}

#[test]
fn the_schema_of_the_options_knows_every_field_of_them() {
    let document: Value = serde_json::from_str(&lastcall_api::openapi()).unwrap();
    let options = json!({
        "read": {"missing": ["-"], "delimiter": ";", "comment": "#", "decimal": ",",
            "thousands": ".", "sheet": "x"},
        "alerts": Thresholds::default(),
    });
    let read: ProfileOptions = serde_json::from_value(options.clone()).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(written, options);
    let schema = json!({"$ref": "#/components/schemas/ProfileOptions"});
    conforms(&document, &schema, &written, "options");
    // Unknown fields are refused, and the schema declares that.
    let resolved = resolve(&document, &schema);
    let part = |name: &str| resolve(&document, &resolved["properties"][name]);
    for object in [resolved, part("read"), part("alerts")] {
        assert_eq!(object["additionalProperties"], false, "{object}");
    }
    let kinds = document["components"]["schemas"]["NewAnalysis"]["oneOf"].as_array();
    for kind in kinds.unwrap() {
        let options = &kind["properties"]["options"];
        let has = |name: &str| !kind["properties"][name].is_null();
        let named = match (has("contract"), has("baseline")) {
            (true, _) => "CheckOptions",
            (_, true) => "CompareOptions",
            _ => "ProfileOptions",
        };
        if kind["properties"]["query"].is_null() {
            assert!(options.to_string().contains(named), "{kind}");
        }
    }
}

#[test]
fn the_schema_of_a_profile_knows_every_field_of_one() {
    let document: Value = serde_json::from_str(&lastcall_api::openapi()).unwrap();
    let histogram = json!({"edges": [], "counts": [], "estimated": true});
    let profile = json!({
        "dataset": {"name": "x", "format": "csv", "bytes": 1, "rows": 1, "columns": 1,
            "missing_cells": 0, "duplicate_rows": 0, "duplicate_rows_estimated": true,
            "duplicate_rows_error": 0.1},
        "columns": [{"name": "a", "type": "integer", "count": 1, "missing": 0, "distinct": 1,
            "distinct_estimated": true, "distinct_error": 0.1,
            "top": [{"value": 1, "count": 1}], "top_estimated": true, "top_error": 1,
            "mode": {"value": 1, "count": 1}, "sorted": "strictly_ascending",
            "numeric": {"min": 1, "max": 1, "mean": 1.0, "std": null, "variance": null, "sum": 1,
                "skewness": null, "kurtosis": null, "zeros": 0, "negatives": 0, "infinities": 1,
                "quantiles": {"p01": 1.0, "p05": 1.0, "p25": 1.0, "p50": 1.0, "p75": 1.0,
                    "p95": 1.0, "p99": 1.0, "estimated": true, "rank_error": 0.1},
                "iqr": 1, "mad": 0.5, "cv": null, "lowest": [{"value": 1, "row": 1}],
                "highest": [{"value": 1, "row": 1}], "histogram": histogram},
            "text": {"min_length": 1, "max_length": 1, "mean_length": 1.0, "blank": 1,
                "padded": 1, "patterns": [{"pattern": "A-9", "count": 1}],
                "semantic_type": "email", "values_sampled": 1},
            "temporal": {"min": "2012-01-31", "max": null, "histogram": histogram,
                "lowest": [{"value": "2012-01-31", "row": 1}],
                "highest": [{"value": "2012-01-31", "row": 1}]},
            "boolean": {"true": 1, "false": 0}}],
        "correlations": {"columns": ["a"], "pearson": [[1.0]], "spearman": [[null]],
            "spearman_estimated": true, "spearman_sample": 1, "columns_left_out": 1},
        "associations": {"columns": ["a"], "cramers_v": [[1.0]], "sample": 1},
        "missing_patterns": {"complete_rows": 1, "other_rows": 1,
            "patterns": [{"columns": ["a"], "rows": 1}]},
        "duplicates": [{"first": 1, "row": 2, "cells": [1]}],
        "sample": {"columns": ["a"], "first": [{"row": 1, "cells": [1]}],
            "random": [{"row": 1, "cells": [null]}], "last": [{"row": 1, "cells": ["x"]}]},
        "alerts": [{"column": null, "code": "infinite", "value": null, "threshold": null,
            "detail": "x"}],
        "read": {"encoding": "UTF-8", "delimiter": ",", "quote": "\"", "header": true,
            "sheet": "x", "skipped_lines": 0, "decimal": ".", "date_order": "dmy",
            "warnings": [{"code": "ragged_rows", "line": 2, "count": 1, "detail": "x"}],
            "steps": [{"step": "types", "decision": "x", "certainty": "likely"}]},
        "warnings": [{"code": "ragged_rows", "detail": "x", "count": 1}],
    });
    // Deserialized and serialized again, so that a field that the type does not have would be lost.
    let read: Profile = serde_json::from_value(profile.clone()).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(written, profile);
    let schema = json!({"$ref": "#/components/schemas/Profile"});
    conforms(&document, &schema, &written, "profile");
}

#[test]
fn a_generated_client_uploads_bytes_of_any_format() {
    let document = Api::start().client.get("/openapi.json").ok(200);
    let put = &document["paths"]["/v1/sessions/{sid}/datasets/{name}"]["put"];
    let content = put["requestBody"]["content"].as_object().unwrap();
    // Generators take one of those that they know, and JSON would name another format.
    let known: Vec<_> = ["application/json", "application/octet-stream"]
        .into_iter()
        .filter(|media_type| content.contains_key(*media_type))
        .collect();
    assert_eq!(known, ["application/octet-stream"]);
}
