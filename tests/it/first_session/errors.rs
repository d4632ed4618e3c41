//! Refused requests and their problem documents.

use serde_json::json;

use crate::support::{HeldQueries, Home, data, until};

const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn a_missing_resource_is_answered_with_a_problem_document() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    for (path, code) in [
        (format!("/v1/sessions/{NOBODY}"), "session_not_found"),
        ("/v1/sessions/nonsense".to_owned(), "session_not_found"),
        (format!("/v1/jobs/{NOBODY}"), "job_not_found"),
        (format!("/v1/jobs/{NOBODY}/result"), "job_not_found"),
        (format!("/v1/jobs/{NOBODY}/events"), "job_not_found"),
        (
            format!("/v1/sessions/{session}/datasets/nothing"),
            "dataset_not_found",
        ),
        ("/v1/nothing".to_owned(), "not_found"),
        ("/nothing".to_owned(), "not_found"),
    ] {
        client.get(&path).expect_problem(404, code);
    }
    let analyses = format!("/v1/sessions/{session}/analyses");
    client
        .post(
            &analyses,
            &json!({ "dataset": "nothing", "kind": "profile" }),
        )
        .expect_problem(404, "dataset_not_found");
    let refused = client
        .delete("/v1/sessions")
        .expect_problem(405, "method_not_allowed");
    assert!(refused.header("allow").contains("POST"));
    service.stop();
}

#[test]
fn invalid_requests_are_refused() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let analyses = format!("/v1/sessions/{session}/analyses");
    let reports = format!("/v1/sessions/{session}/reports");
    for (path, body) in [
        (&analyses, json!({ "kind": "magic", "dataset": "birds" })),
        (&analyses, json!({ "kind": "sql" })),
        (&analyses, json!({ "kind": "sql", "query": "" })),
        (&analyses, json!({ "kind": "profile" })),
        (
            &analyses,
            json!({ "kind": "profile", "dataset": "birds", "colour": "red" }),
        ),
        (
            &analyses,
            json!({ "kind": "profile", "dataset": "birds", "options": { "x": 1 } }),
        ),
        (&reports, json!({ "dataset": "birds", "format": "docx" })),
        (
            &reports,
            json!({ "dataset": "birds", "analysis": NOBODY, "format": "pdf" }),
        ),
        (&reports, json!({ "format": "pdf" })),
    ] {
        client
            .post(path, &body)
            .expect_problem(422, "invalid_request");
    }
    for ttl in ["soon", "0s", "-1s", "5"] {
        client
            .post("/v1/sessions", &json!({ "ttl": ttl }))
            .expect_problem(422, "invalid_request");
    }
    let broken = client.send(
        ureq::http::Method::POST,
        "/v1/sessions",
        &[("content-type", "application/json")],
        "{\"ttl\":",
    );
    broken.unwrap().expect_problem(400, "invalid_json");
    service.stop();
}

#[test]
fn a_failed_query_has_an_error_with_its_position() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    for (query, word) in [
        ("selec * from birds", "selec"),
        ("select * from bird", "birds"),
        ("select mas from birds", "mass"),
        ("drop table birds", ""),
        ("select * from '/etc/passwd'", ""),
        ("select 1; select 2", ""),
    ] {
        let job = client.sql(&session, query);
        let failed = client.wait_for(&job, "failed");
        let error = &failed["error"];
        assert!(error["code"].is_string(), "{query}: {failed:#}");
        assert!(
            error["message"].as_str().unwrap().contains(word),
            "{query}: {failed:#}"
        );
        assert_eq!(
            failed["attempt"], 1,
            "another attempt would not help: {failed:#}"
        );
        client
            .get(&format!("/v1/jobs/{job}/result"))
            .expect_problem(409, "job_failed");
    }
    service.stop();
}

#[test]
fn a_full_queue_answers_429_and_takes_jobs_again_when_there_is_room() {
    let home = Home::new();
    let service = home
        .service()
        .set("analysis.workers", "1")
        .set("analysis.mailbox", "1")
        .set("analysis.max_queued", "3")
        .start();
    let client = service.client();
    let session = client.session_with_birds();
    let analyses = format!("/v1/sessions/{session}/analyses");
    let _held = HeldQueries::of(&service);
    let query = json!({ "kind": "sql", "query": data::COUNT });
    let mut accepted = Vec::new();
    let refused = loop {
        let answer = client.post(&analyses, &query);
        if answer.status != 202 {
            break answer;
        }
        accepted.push(crate::support::jobs::id_of(&answer.json()));
        assert!(accepted.len() < 10, "there is no bound");
    };
    let refused = refused.expect_problem(429, "queue_full");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    // The other service has a queue of its own.
    client.report(&session, &json!({ "dataset": "birds", "format": "md" }));
    for id in &accepted {
        client.delete(&format!("/v1/jobs/{id}")).expect(202);
    }
    until("there is room again", || {
        let body = json!({ "dataset": "birds", "kind": "profile" });
        (client.post(&analyses, &body).status == 202).then_some(())
    });
    service.stop();
}

#[test]
fn an_expired_session_is_answered_with_410() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let opened = client
        .post("/v1/sessions", &json!({ "ttl": "1s" }))
        .expect(201);
    let session = crate::support::jobs::id_of(&opened.json());
    client.upload(&session, "birds", data::BIRDS);
    let job = client.profile(&session, "birds");
    // Looking at the session or its job would renew it; the list does not.
    until("the session has left the list", || {
        let list = client.get("/v1/sessions").expect(200).json();
        list["items"].as_array().unwrap().is_empty().then_some(())
    });
    client
        .get(&format!("/v1/sessions/{session}"))
        .expect_problem(410, "session_expired");
    client
        .get(&format!("/v1/jobs/{job}/result"))
        .expect_problem(410, "session_expired");
    let body = json!({ "dataset": "birds", "kind": "profile" });
    client
        .post(&format!("/v1/sessions/{session}/analyses"), &body)
        .expect_problem(410, "session_expired");
    service.stop();
}
