//! `/metrics`, in both of its formats.

use std::time::Duration;

use lastcall_domain::Service;
use serde_json::json;

use crate::documents::rows;
use crate::fixture::Api;

const METRICS: &str = include_str!("../../../../docs/metrics.md");
const OPEN_METRICS: &str = "application/openmetrics-text";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const HISTOGRAMS: [&str; 3] = [
    "lastcall_http_request_duration_seconds",
    "lastcall_job_wait_seconds",
    "lastcall_job_run_seconds",
];

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-00f067aa0ba902b7-{flags}")
}

/// The path of a session whose job has failed.
fn a_job_fails(api: &Api) -> String {
    let session = api.session_with_penguins();
    api.profile(&session);
    api.fail(Service::Analysis, "timeout");
    session
}

fn types(text: &str) -> Vec<String> {
    let lines = text.lines();
    let lines = lines.filter_map(|line| line.strip_prefix("# TYPE "));
    lines.map(str::to_owned).collect()
}

fn open_metrics(api: &Api) -> String {
    let client = api.client.with("accept", OPEN_METRICS);
    client.get("/metrics").expect(200).text()
}

/// The lines of the buckets that have an exemplar.
fn exemplars<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let bucket = format!("{name}_bucket{{");
    let lines = text.lines();
    lines
        .filter(|line| line.starts_with(&bucket) && line.contains(" # {"))
        .collect()
}

#[test]
fn every_metric_is_described_and_every_described_one_is_there() {
    let api = Api::start();
    api.with_services();
    a_job_fails(&api);
    let reply = api.client.get("/metrics").expect(200);
    let media_type = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(reply.header("content-type"), media_type);
    let mut found = types(&reply.text());
    let mut described: Vec<_> = rows(METRICS)
        .iter()
        .map(|row| format!("{} {}", row[0], row[1]))
        .collect();
    found.sort();
    described.sort();
    assert_eq!(found, described);
}

#[test]
fn metrics_count_requests_by_pattern_and_show_the_services() {
    let api = Api::start();
    api.with_services();
    let session = a_job_fails(&api);
    api.profile(&session);
    for path in [session.as_str(), "/v1/sessions/x", "/a", "/b"] {
        api.client.get(path);
    }
    api.client.send("OPTIONS", "/c", ureq::SendBody::none());
    let text = api.client.get("/metrics").expect(200).text();
    for line in [
        "lastcall_http_requests_total{method=\"GET\",route=\"/v1/sessions/{sid}\",status=\"200\"} 1",
        "lastcall_http_requests_total{method=\"GET\",route=\"/v1/sessions/{sid}\",status=\"404\"} 1",
        "lastcall_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 2",
        "lastcall_http_requests_total{method=\"other\",route=\"unmatched\",status=\"404\"} 1",
        "lastcall_jobs_queued{service=\"analysis\"} 1",
        "lastcall_sessions 1",
        "lastcall_phase{phase=\"running\"} 1",
        "lastcall_phase{phase=\"draining\"} 0",
        "lastcall_store_up 1",
        "lastcall_service_slots{service=\"AnalysisService\"} 4",
        "lastcall_service_work_total{outcome=\"succeeded\",service=\"AnalysisService\"} 7",
        "lastcall_cleaner_total{what=\"sweeps\"} 3",
        "lastcall_jobs_failed_total{code=\"timeout\",service=\"AnalysisService\"} 1",
        "lastcall_job_run_seconds_count{service=\"ReportService\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    api.clock.advance(Duration::from_secs(90));
    let text = api.client.get("/metrics").expect(200).text();
    for (service, age) in [("analysis", 90.0), ("report", 0.0)] {
        let name = format!("lastcall_oldest_queued_job_age_seconds{{service=\"{service}\"}} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&name));
        let value: f64 = value.expect(&name).parse().unwrap();
        // The store has a resolution of microseconds.
        assert!((value - age).abs() < 0.001, "{name}{value}");
    }
    api.store.faults().set_down(true);
    let text = api.client.get("/metrics").expect(200).text();
    assert!(text.contains("lastcall_store_up 0"));
    assert!(!text.contains("lastcall_sessions"));
}

#[test]
fn a_scraper_that_prefers_open_metrics_gets_the_same_metrics_in_it() {
    let api = Api::start();
    api.with_services();
    a_job_fails(&api);
    let reply = api.client.with("accept", OPEN_METRICS).get("/metrics");
    let reply = reply.expect(200);
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(reply.header("content-type"), media_type);
    assert!(reply.header("vary").contains("Accept"));
    let text = reply.text();
    assert!(text.ends_with("\n# EOF\n"));
    let plain = api.client.get("/metrics").expect(200).text();
    assert!(!plain.contains("# EOF"));
    // A family of counters is named without the ending of its samples.
    let named = |kind: String| match kind.strip_suffix("_total counter") {
        Some(family) => format!("{family} counter"),
        None => kind,
    };
    let expected: Vec<_> = types(&plain).into_iter().map(named).collect();
    assert_eq!(types(&text), expected);
    assert!(text.contains("lastcall_jobs_failed_total{code=\"timeout\",service="));
}

#[test]
fn the_bucket_of_a_traced_request_leads_to_its_trace_and_no_other_does() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/datasets");
    let unsampled = api.client.with("traceparent", &traceparent("00"));
    unsampled.get(&path).expect(200);
    assert_eq!(exemplars(&open_metrics(&api), HISTOGRAMS[0]), [""; 0]);

    let sampled = api.client.with("traceparent", &traceparent("01"));
    for _ in 0..3 {
        sampled.get(&path).expect(200);
    }
    let text = open_metrics(&api);
    let found = exemplars(&text, HISTOGRAMS[0]);
    // Each bucket has the last one.
    assert!((1..=3).contains(&found.len()), "{found:#?}");
    for line in found {
        assert!(
            line.contains("route=\"/v1/sessions/{sid}/datasets\""),
            "{line}"
        );
        let (_, exemplar) = line.split_once(" # ").unwrap();
        let exemplar = exemplar.strip_prefix(&format!("{{trace_id=\"{TRACE}\"}} "));
        let (value, time) = exemplar.unwrap().split_once(' ').unwrap();
        assert!(value.parse::<f64>().unwrap() > 0.0, "{line}");
        assert!(time.parse::<f64>().unwrap() > 1.7e9, "{line}");
    }
    let plain = api.client.get("/metrics").expect(200).text();
    assert!(!plain.contains(TRACE), "the old format knows no exemplars");
}

#[test]
fn the_buckets_of_a_job_lead_to_the_trace_that_submitted_it() {
    let api = Api::start();
    a_job_fails(&api);
    let text = open_metrics(&api);
    for name in HISTOGRAMS {
        assert_eq!(exemplars(&text, name), [""; 0]);
    }
    let session = api.session_with_penguins();
    let body = json!({"dataset": "penguins", "kind": "profile"});
    let traced = api.client.with("traceparent", &traceparent("01"));
    traced.post(&format!("{session}/analyses"), &body).ok(202);
    api.clock.advance(Duration::from_secs(2));
    api.work(Service::Analysis, "application/json", "{}");
    let text = open_metrics(&api);
    let exemplar = format!(" # {{trace_id=\"{TRACE}\"}} ");
    let wait = exemplars(&text, HISTOGRAMS[1]);
    assert_eq!(wait.len(), 1, "{wait:#?}");
    assert!(
        wait[0].starts_with(
            "lastcall_job_wait_seconds_bucket{le=\"5.0\",service=\"AnalysisService\"} 2"
        )
    );
    assert!(wait[0].contains(&exemplar), "{wait:#?}");
    let run = exemplars(&text, HISTOGRAMS[2]);
    assert_eq!(run.len(), 1, "{run:#?}");
    assert!(run[0].contains(&exemplar), "{run:#?}");
}
