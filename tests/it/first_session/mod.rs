//! What a user does with a service that has just been installed.

mod cached;
mod checks;
mod errors;
mod formats;
mod jobs;
mod pages;
mod profile;
mod reports;
mod uploads;

use serde_json::json;

use crate::support::{Home, data};

#[test]
fn a_csv_becomes_a_profile_a_page_and_a_pdf_and_ctrl_c_ends_it_in_order() {
    let home = Home::new();
    let mut service = home.start();
    let client = service.client();

    let opened = client
        .post("/v1/sessions", &json!({ "ttl": "30m" }))
        .expect(201);
    let session = opened.json();
    assert_eq!(session["ttl"], "30m");
    let id = session["id"].as_str().unwrap();
    assert_eq!(opened.header("location"), format!("/v1/sessions/{id}"));

    let path = format!("/v1/sessions/{id}/datasets/birds");
    let uploaded = client
        .put(&path, "text/csv", data::BIRDS.as_bytes())
        .expect(201);
    assert_eq!(uploaded.json()["name"], "birds");

    let body = json!({ "dataset": "birds", "kind": "profile" });
    let accepted = client
        .post(&format!("/v1/sessions/{id}/analyses"), &body)
        .expect(202);
    let job = accepted.json();
    let profile = job["id"].as_str().unwrap();
    assert_eq!(accepted.header("location"), format!("/v1/jobs/{profile}"));
    let result = client.result(profile).json();
    assert_eq!(result["dataset"]["rows"], 10);

    for (body, magic) in [
        (json!({ "analysis": profile, "format": "html" }), "<!"),
        (json!({ "dataset": "birds", "format": "pdf" }), "%PDF"),
    ] {
        let report = client.report(id, &body);
        let result = client.result(&report);
        assert!(result.body.starts_with(magic.as_bytes()), "{result:?}");
    }

    client.delete(&format!("/v1/sessions/{id}")).expect(204);
    client
        .get(&format!("/v1/jobs/{profile}"))
        .expect_problem(404, "job_not_found");

    service.signal(nix::sys::signal::Signal::SIGINT);
    let ended = service.wait().expect(0);
    assert_eq!(
        ended.contract_lines(),
        crate::support::service::CONTRACT_LINES
    );
}
