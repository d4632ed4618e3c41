//! What is served besides the API: health, figures, documents, pages.

use serde_json::{Value, json};

use crate::support::Home;

#[test]
fn health_needs_no_key() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    client.get("/livez").expect(200);
    assert_eq!(
        client.get("/readyz").expect(200).json(),
        json!({ "status": "ready" })
    );
    service.stop();
}

#[test]
fn the_system_shows_its_services_in_their_start_order() {
    let home = Home::new();
    let service = home
        .service()
        .set("analysis.workers", "3")
        .set("report.workers", "2")
        .start();
    let client = service.client();
    let session = client.session_with_birds();
    let job = client.profile(&session, "birds");
    client.succeeded(&job);
    let system = client.system();
    assert_eq!(system["phase"], "running");
    assert_eq!(system["sessions"], 1);
    let names: Vec<_> = system["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["name"].as_str().unwrap())
        .filter(|name| name.ends_with("Service") || *name == "TtlCleaner")
        .collect();
    assert_eq!(names, ["AnalysisService", "ReportService", "TtlCleaner"]);
    let analysis = client.service("AnalysisService");
    assert_eq!(analysis["state"], "running");
    assert_eq!(analysis["slots"], 3);
    assert_eq!(analysis["restarts"], 0);
    assert_eq!(analysis["counts"]["succeeded"], 1);
    assert_eq!(client.service("ReportService")["slots"], 2);
    service.stop();
}

#[test]
fn the_metrics_are_text_of_prometheus() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    client.session();
    let metrics = client.get("/metrics").expect(200);
    assert!(metrics.header("content-type").starts_with("text/plain"));
    let text = metrics.text();
    assert!(text.contains("# TYPE"), "{text}");
    assert!(text.contains("AnalysisService"), "{text}");
    service.stop();
}

#[test]
fn the_interface_is_described_and_every_path_of_it_is_there() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let document: Value = client.get("/openapi.json").expect(200).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in [
        "/v1/sessions",
        "/v1/sessions/{sid}",
        "/v1/sessions/{sid}/datasets/{name}",
        "/v1/sessions/{sid}/analyses",
        "/v1/sessions/{sid}/reports",
        "/v1/jobs",
        "/v1/jobs/{id}",
        "/v1/jobs/{id}/events",
        "/v1/jobs/{id}/result",
        "/v1/system",
        "/v1/system/drain",
        "/v1/system/events",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    service.stop();
}

#[test]
fn the_pages_load_nothing_from_another_host() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    for path in ["/", "/docs"] {
        let page = client.get(path).expect(200);
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{path}"
        );
        let policy = page.header("content-security-policy");
        assert!(
            !policy.is_empty() && !policy.contains("http"),
            "{path}: {policy}"
        );
        let text = page.text();
        for reference in [
            "src=\"http",
            "src=\"//",
            "@import",
            "<link rel=\"stylesheet\" href=\"http",
        ] {
            assert!(!text.contains(reference), "{path}: {reference}");
        }
    }
    service.stop();
}
