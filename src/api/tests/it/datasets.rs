use lastcall_actors::Phase;
use lastcall_domain::Service;
use serde_json::json;

use crate::fixture::{Api, CSV, block};

#[test]
fn a_dataset_is_described_with_its_columns_which_are_read_once() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/datasets/penguins");
    for _ in 0..3 {
        let dataset = api.client.get(&path).ok(200);
        assert_eq!(dataset["name"], "penguins");
        assert_eq!(dataset["format"], "csv");
        assert_eq!(dataset["bytes"], CSV.len());
        assert_eq!(
            dataset["schema"],
            json!([{"name": "species", "type": "string"}])
        );
        assert!(dataset.get("schema_error").is_none());
    }
    assert_eq!(*api.describe.asked.borrow(), 1);
}

#[test]
fn the_columns_are_read_again_after_another_upload() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/datasets/penguins");
    api.client.get(&path).ok(200);
    api.put(&session, "penguins").expect(200);
    api.client.get(&path).ok(200);
    assert_eq!(*api.describe.asked.borrow(), 2);
}

#[test]
fn a_dataset_that_cannot_be_read_is_described_with_an_error_instead_of_columns() {
    let api = Api::start();
    let session = api.session();
    for (name, code) in [("broken", "invalid_data"), ("panics", "internal")] {
        api.put(&session, name).expect(201);
        let path = format!("{session}/datasets/{name}");
        let dataset = api.client.get(&path).ok(200);
        assert_eq!(dataset["schema"], json!(null));
        assert_eq!(dataset["schema_error"]["code"], code);
    }
}

#[test]
fn datasets_are_listed_by_name_and_deleted_with_their_bytes() {
    let api = Api::start();
    let session = api.session();
    for name in ["c", "a", "b"] {
        api.put(&session, name).expect(201);
    }
    let first = api
        .client
        .get(&format!("{session}/datasets?limit=2"))
        .ok(200);
    assert_eq!(first["items"][0]["name"], "a");
    assert_eq!(first["items"][1]["name"], "b");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = api
        .client
        .get(&format!("{session}/datasets?limit=2&cursor={cursor}"))
        .ok(200);
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(second["next_cursor"], json!(null));
    for never_given_out in ["b", "x", "after:", "after:a%20b"] {
        api.client
            .get(&format!("{session}/datasets?cursor={never_given_out}"))
            .problem(400, "invalid_parameter");
    }

    let path = format!("{session}/datasets/b");
    assert!(api.client.delete(&path).expect(204).body.is_empty());
    assert_eq!(api.blobs.keys().len(), 2);
    api.client.delete(&path).problem(404, "dataset_not_found");
    api.client.get(&path).problem(404, "dataset_not_found");
}

#[test]
fn what_is_no_name_of_a_dataset_is_not_found_and_not_uploaded() {
    let api = Api::start();
    let session = api.session();
    let long = "n".repeat(129);
    for name in ["-x", "a%20", "a%2Fb", "a%E2%80%8Bb", long.as_str(), ".csv"] {
        let path = format!("{session}/datasets/{name}");
        api.client.get(&path).problem(404, "dataset_not_found");
        api.client
            .put(&path, "text/csv", CSV)
            .problem(422, "invalid_dataset_name");
    }
    assert!(api.blobs.keys().is_empty());
}

#[test]
fn a_dataset_may_have_a_name_in_any_script() {
    let api = Api::start();
    let session = api.session();
    // Decomposed, as some systems write file names.
    let path = format!("{session}/datasets/Umsa%CC%88tze%202024");
    let made = api.client.put(&path, "text/csv", CSV).expect(201);
    assert_eq!(made.json()["name"], "Umsätze 2024");
    let composed = format!("{session}/datasets/Ums%C3%A4tze%202024");
    assert_eq!(made.header("location"), composed);
    api.client.get(&composed).expect(200);
    api.put(&session, "z").expect(201);
    let first = api
        .client
        .get(&format!("{session}/datasets?limit=1"))
        .ok(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = api
        .client
        .get(&format!("{session}/datasets?limit=1&cursor={cursor}"))
        .ok(200);
    assert_eq!(next["items"][0]["name"], "z");
    let body = json!({ "dataset": "Umsätze 2024" });
    let job = api
        .client
        .post(&format!("{session}/analyses"), &body)
        .ok(202);
    assert_eq!(job["dataset"], "Umsätze 2024");
    api.work(Service::Analysis, "application/json", "{}");
    let result = api.client.get(job["links"]["result"].as_str().unwrap());
    assert_eq!(
        result.header("content-disposition"),
        "inline; filename=\"Ums_tze 2024.profile.json\"; \
         filename*=UTF-8''Ums%C3%A4tze%202024.profile.json"
    );
}

#[test]
fn changes_that_are_made_at_once_are_all_kept() {
    let api = Api::start();
    let session = api.session();
    let changes = [
        ("header", "false"),
        ("delimiter", ";"),
        ("quote", "'"),
        ("escape", "%5C"),
        ("comment", "%23"),
        ("skip_rows", "2"),
        ("decimal", ","),
        ("encoding", "utf-8"),
    ];
    for round in 0..16 {
        let path = format!("{session}/datasets/x{round}");
        api.client.put(&path, "text/csv", CSV).expect(201);
        std::thread::scope(|scope| {
            for (option, value) in changes {
                let (client, url) = (&api.client, format!("{path}?{option}={value}"));
                scope.spawn(move || client.raw("PATCH", &url, b"").expect(200));
            }
        });
        let found = api.client.get(&path).ok(200);
        for (option, _) in changes {
            assert!(found["options"].get(option).is_some(), "{option}: {found}");
        }
    }
}

#[test]
fn a_dataset_is_changed_and_deleted_under_its_preconditions() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/datasets/penguins");
    let tag = api.client.get(&path).header("etag").to_owned();
    let url = format!("{path}?delimiter=;");
    for (header, value) in [("If-Match", "\"x\""), ("If-None-Match", "*")] {
        let client = api.client.with(header, value);
        let refused = client.raw("PATCH", &url, b"");
        refused.problem(412, "precondition_failed");
        client.delete(&path).problem(412, "precondition_failed");
    }
    let client = api.client.with("If-Match", "x");
    let refused = client.raw("PATCH", &url, b"");
    refused.problem(400, "invalid_parameter");
    client.delete(&path).problem(400, "invalid_parameter");
    assert_eq!(api.client.get(&path).ok(200).get("options"), None);
    let client = api.client.with("If-Match", &tag);
    let changed = client.raw("PATCH", &url, b"").ok(200);
    assert_eq!(changed["options"]["delimiter"], ";");
    client.delete(&path).expect(204);
    client.delete(&path).problem(404, "dataset_not_found");
}

#[test]
fn the_columns_are_read_once_for_concurrent_requests() {
    let api = Api::start();
    let session = api.session();
    api.put(&session, "slow").expect(201);
    let path = format!("{session}/datasets/slow");
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| api.client.get(&path).ok(200)))
            .collect();
        let mut asked = api.describe.asked.subscribe();
        block(asked.wait_for(|asked| *asked == 1)).unwrap();
        // One permit: a second reading would never end.
        api.describe.slow.add_permits(1);
        for answer in asking {
            assert!(answer.join().unwrap()["schema"].is_array());
        }
    });
    assert_eq!(*api.describe.asked.borrow(), 1);
}

#[test]
fn a_request_that_waits_for_columns_is_answered_at_a_shutdown() {
    let api = Api::start();
    let session = api.session();
    api.put(&session, "slow").expect(201);
    let path = format!("{session}/datasets/slow");
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| api.client.get(&path).ok(200));
        let mut asked = api.describe.asked.subscribe();
        block(asked.wait_for(|asked| *asked == 1)).unwrap();
        api.system.phase.send_replace(Phase::LameDuck);
        let dataset = asking.join().unwrap();
        assert_eq!(dataset["schema"], json!(null));
        assert_eq!(dataset["schema_error"]["code"], "schema_pending");
    });
}
