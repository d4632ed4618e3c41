use lastcall_domain::Service;
use serde_json::json;

use crate::fixture::Api;

#[test]
fn a_result_is_given_with_its_media_type_size_tag_and_file_name() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!(
        "{}/result",
        api.profile(&session)["links"]["self"].as_str().unwrap()
    );
    api.work(Service::Analysis, "application/json", r#"{"alerts":[]}"#);
    let reply = api.client.get(&path).expect(200);
    assert_eq!(reply.json(), json!({"alerts": []}));
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("content-length"), "13");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("cache-control"), "private, no-cache");
    assert_eq!(
        reply.header("content-disposition"),
        "inline; filename=\"penguins.profile.json\""
    );
    let tag = reply.header("etag").to_owned();
    let again = api.client.with("if-none-match", &tag).get(&path);
    assert!(again.expect(304).body.is_empty());
    api.client
        .with("if-none-match", "\"other\"")
        .get(&path)
        .expect(200);
    let head = api
        .client
        .send("HEAD", &path, ureq::SendBody::none())
        .expect(200);
    assert!(head.body.is_empty());
    assert_eq!(head.header("content-length"), "13");
}

#[test]
fn a_large_result_is_streamed_whole() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let body = json!({"dataset": "penguins", "format": "pdf"});
    let job = api
        .client
        .post(&format!("{session}/reports"), &body)
        .ok(202);
    let pdf: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    api.work_to_blob(Service::Report, "application/pdf", &pdf);
    let path = job["links"]["result"].as_str().unwrap();
    let reply = api.client.get(path).expect(200);
    assert_eq!(reply.header("content-length"), "3000000");
    assert_eq!(reply.header("content-type"), "application/pdf");
    assert_eq!(
        reply.header("content-disposition"),
        "inline; filename=\"penguins.report.pdf\""
    );
    assert!(reply.body == pdf);
}

#[test]
fn an_html_report_may_run_its_own_script_and_load_nothing() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let body = json!({"dataset": "penguins", "format": "html"});
    let job = api
        .client
        .post(&format!("{session}/reports"), &body)
        .ok(202);
    api.work(Service::Report, "text/html; charset=utf-8", "<h1>x</h1>");
    let reply = api
        .client
        .get(job["links"]["result"].as_str().unwrap())
        .expect(200);
    let policy = reply.header("content-security-policy");
    assert!(
        policy.starts_with("sandbox allow-scripts; default-src 'none'; script-src 'sha256-"),
        "{policy}"
    );
    assert_eq!(policy.matches("script-src").count(), 1, "{policy}");
    assert!(!policy.contains("script-src 'unsafe-inline'"), "{policy}");
    assert!(!policy.contains("allow-same-origin"), "{policy}");
}

#[test]
fn a_missing_result_is_a_conflict_with_its_reason() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = |job: &serde_json::Value| job["links"]["result"].as_str().unwrap().to_owned();
    let result = path(&api.profile(&session));
    api.client.get(&result).problem(409, "job_not_finished");
    let job = api.claim(Service::Analysis).unwrap();
    api.client.get(&result).problem(409, "job_not_finished");
    let error = lastcall_domain::JobError::permanent("invalid_data", "line 3");
    api.complete(&job, lastcall_domain::store::Outcome::Failed(error))
        .unwrap();
    let problem = api.client.get(&result).problem(409, "job_failed");
    assert_eq!(
        problem["job_error"],
        json!({"code": "invalid_data", "message": "line 3"})
    );

    let cancelled = api.profile(&session);
    api.client
        .delete(cancelled["links"]["self"].as_str().unwrap())
        .expect(202);
    api.client
        .get(&path(&cancelled))
        .problem(409, "job_cancelled");
}
