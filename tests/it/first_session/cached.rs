//! Results are reused.

use serde_json::json;

use crate::support::Home;

#[test]
fn a_second_analysis_of_the_same_bytes_is_answered_from_the_store() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    for body in [
        json!({ "dataset": "birds", "kind": "profile" }),
        json!({ "dataset": "birds", "kind": "correlation" }),
        json!({ "kind": "sql", "query": "select count(*) n from birds" }),
        json!({ "kind": "check", "dataset": "birds", "contract": {"fields": [{"name": "mass"}]} }),
    ] {
        let first = client.analyse(&session, &body);
        let result = client.result(&first).body;
        let path = format!("/v1/sessions/{session}/analyses");
        let again = client.post(&path, &body).expect(202).json();
        assert_eq!(again["cached"], true, "{again:#}");
        assert_eq!(again["state"], "succeeded");
        let again = again["id"].as_str().unwrap();
        assert_ne!(again, first);
        assert_eq!(client.result(again).body, result);
    }
    let path = format!("/v1/sessions/{session}/analyses");
    for query in ["select now()", "select random() from birds"] {
        let body = json!({ "kind": "sql", "query": query });
        let first = client.analyse(&session, &body);
        client.succeeded(&first);
        let again = client.post(&path, &body).expect(202).json();
        assert_eq!(again.get("cached"), None, "{query}");
    }
    client.upload(&session, "birds", "mass\n1\n2\n");
    let body = json!({ "kind": "sql", "query": "select count(*) n from birds" });
    let first = client.post(&path, &body).expect(202).json();
    assert_eq!(first.get("cached"), None);
    let result = client.result(first["id"].as_str().unwrap()).json();
    assert_eq!(result["rows"], json!([[2]]));
    service.stop();
}

#[test]
fn results_are_found_again_after_a_restart() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let body = json!({ "dataset": "birds", "kind": "profile" });
    let first = client.analyse(&session, &body);
    let result = client.result(&first).body;
    service.stop();
    let service = home.start();
    let client = service.client();
    let path = format!("/v1/sessions/{session}/analyses");
    let again = client.post(&path, &body).expect(202).json();
    assert_eq!(again["cached"], true, "{again:#}");
    assert_eq!(client.result(again["id"].as_str().unwrap()).body, result);
    let profiles = client.service("AnalysisService")["counts"].clone();
    let report = client.report(&session, &json!({ "dataset": "birds", "format": "md" }));
    client.succeeded(&report);
    let after = client.service("AnalysisService")["counts"].clone();
    assert_eq!(
        after, profiles,
        "the report takes the profile that is there"
    );
    service.stop();
}

#[test]
fn an_analysis_of_columns_is_the_same_before_and_after_a_query() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let anew = client.with("cache-control", "no-cache");
    let session = client.session_with_birds();
    let results = || {
        [
            json!({ "dataset": "birds", "kind": "correlation" }),
            json!({ "baseline": "birds", "candidate": "birds", "kind": "compare" }),
        ]
        .map(|body| client.result(&anew.analyse(&session, &body)).json())
    };
    let before = results();
    let query = client.sql(&session, "select count(*) from birds");
    client.succeeded(&query);
    assert_eq!(results(), before);
    service.stop();
}

#[test]
fn reports_in_several_formats_make_one_profile() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let profiles = || {
        let status = client.service("AnalysisService");
        status["counts"].clone()
    };
    let first = client.report(&session, &json!({ "dataset": "birds", "format": "md" }));
    let text = client.result(&first).text();
    let before = profiles();
    let second = client.report(&session, &json!({ "dataset": "birds", "format": "html" }));
    client.result(&second);
    let third = client.report(&session, &json!({ "dataset": "birds", "format": "md" }));
    let again = client.result(&third).text();
    // Each names the job that made it, and the time.
    let figures = |text: &str, job: &str| -> Vec<String> {
        let lines = text.lines().map(str::to_owned);
        lines
            .filter(|line| !line.contains(job) && !line.contains("Generated"))
            .collect()
    };
    assert_eq!(figures(&again, &third), figures(&text, &first));
    assert_eq!(profiles(), before, "no second profile was asked for");
    service.stop();
}
