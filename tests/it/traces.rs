//! Distributed traces: the spans that a collector receives, the trace in the log, and an
//! unavailable collector, which has no effect.

use std::net::TcpListener;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::collector::{Collector, attribute};
use crate::support::service::CONTRACT_LINES;
use crate::support::{Client, HeldQueries, Home, data, free_address, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

#[test]
fn a_trace_leads_from_the_client_through_request_and_job_to_the_child_process() {
    let (home, collector) = (Home::new(), Collector::start());
    let secret = home.path().join("headers");
    std::fs::write(&secret, "Authorization: Bearer s3cret\n").unwrap();
    let service = home
        .service()
        .set("trace.otlp", collector.url())
        .env("LASTCALL__TRACE__HEADERS_FILE", secret.to_str().unwrap())
        .start();
    let plain = service.client();
    let session = plain.session_with_birds();
    let client = plain
        .with("traceparent", &traceparent("01"))
        .with("tracestate", "congo=t61rcWkgMzE");
    let query = client.sql(&session, "select count(*) from birds where 's3cret' <> 'x'");
    plain.succeeded(&query);
    let report = client.report(&session, &json!({ "analysis": query, "format": "pdf" }));
    plain.succeeded(&report);
    let ended = service.stop();

    let spans = collector.spans();
    let one = |name: &str, job: &str| {
        let found = spans.iter().filter(|span| span["name"] == name);
        let mut found =
            found.filter(|span| job.is_empty() || attribute(span, "lastcall.job.id") == job);
        let span = found
            .next()
            .unwrap_or_else(|| panic!("no span {name}: {spans:#?}"));
        assert!(found.next().is_none(), "two spans {name}: {spans:#?}");
        assert_eq!(span["traceId"], TRACE, "{name}");
        assert_eq!(span["traceState"], "congo=t61rcWkgMzE", "{name}");
        span
    };
    let request = one("POST /v1/sessions/{sid}/analyses", "");
    assert_eq!(request["parentSpanId"], CALLER);
    assert_eq!(attribute(request, "http.response.status_code"), "202");
    assert_eq!(attribute(request, "http.request.method"), "POST");
    let attempt = one("run sql", &query);
    assert_eq!(attempt["parentSpanId"], request["spanId"]);
    assert_eq!(attribute(attempt, "lastcall.job.outcome"), "succeeded");
    assert_eq!(attribute(attempt, "lastcall.job.attempt"), "1");
    let queued: f64 = attribute(attempt, "lastcall.job.queue_time")
        .parse()
        .unwrap();
    assert!(queued >= 0.0);
    let phase = one("sql query", "");
    assert_eq!(phase["parentSpanId"], attempt["spanId"]);
    let child = one("sql child process", "");
    assert_eq!(child["parentSpanId"], phase["spanId"]);
    assert!(attribute(child, "process.pid").parse::<u32>().unwrap() > 1);
    for inner in [phase, child] {
        let time = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        let begun = time(inner, "startTimeUnixNano");
        assert!(begun >= time(attempt, "startTimeUnixNano"));
        assert!(begun <= time(inner, "endTimeUnixNano"));
    }

    let rendered = one("run report", &report);
    let links = rendered["links"].as_array().unwrap();
    assert_eq!(links.len(), 1, "{rendered:#}");
    assert_eq!(
        links[0]["spanId"], attempt["spanId"],
        "it is linked to the analysis"
    );
    assert_eq!(one("render", "")["parentSpanId"], rendered["spanId"]);
    let typeset = one("typeset", "");
    assert_eq!(
        one("pdf child process", "")["parentSpanId"],
        typeset["spanId"]
    );

    // Requests in no trace begin their own.
    let other = spans
        .iter()
        .find(|span| span["name"] == "POST /v1/sessions");
    let other = other.expect("a span of another request");
    assert!(other["traceId"] != TRACE && other["parentSpanId"].is_null());

    let resource = collector.resources()[0].to_string();
    assert!(resource.contains("service.instance.id"), "{resource}");
    let authorized = |head: &String| head.contains("authorization: Bearer s3cret");
    assert!(collector.heads().iter().all(authorized));
    assert!(
        !format!("{spans:?}{ended:?}").contains("s3cret"),
        "no secret, no query"
    );
}

#[test]
fn a_line_about_a_request_names_its_trace() {
    for format in ["json", "text"] {
        let home = Home::new();
        let address = free_address();
        let service = home
            .service()
            .set("server.bind", &address)
            .set("log.format", format)
            .set("log.access", "1")
            .spawn();
        let plain = Client::new(&format!("http://{address}"));
        until("it is ready", || {
            let answer = plain.try_get("/readyz").ok();
            answer.filter(|answer| answer.status == 200)
        });
        let session = plain.session_with_birds();
        let client = plain.with("traceparent", &traceparent("00"));
        plain.succeeded(&client.sql(&session, "select 1"));
        let ended = service.stop();
        let access = |path: &str| {
            let mut lines = ended.raw.iter();
            let line = lines.find(|line| line.contains("lastcall::access") && line.contains(path));
            line.expect("the request has a line")
        };
        let line = access("/analyses 202");
        if format == "json" {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["trace_id"], TRACE);
            assert!(!line["message"].as_str().unwrap().contains("trace_id"));
        } else {
            assert!(line.ends_with(&format!(" trace_id={TRACE}")), "{line}");
            assert_eq!(ended.contract_lines(), CONTRACT_LINES, "{ended:#?}");
        }
        let other = access("/v1/sessions 201");
        assert!(
            other.contains("trace_id") && !other.contains(TRACE),
            "{other}"
        );
    }
}

#[test]
fn what_the_caller_does_not_record_is_not_recorded() {
    let (home, collector) = (Home::new(), Collector::start());
    let service = home.service().set("trace.otlp", collector.url()).start();
    let plain = service.client();
    let session = plain.session_with_birds();
    let client = plain.with("traceparent", &traceparent("00"));
    let job = client.sql(&session, "select 1");
    plain.succeeded(&job);
    service.stop();
    let spans = collector.spans();
    assert!(spans.iter().any(|span| span["name"] == "POST /v1/sessions"));
    assert!(spans.iter().all(|span| span["traceId"] != TRACE));
}

#[test]
fn a_job_that_is_interrupted_stays_in_its_trace_and_is_linked_to_the_attempt_before() {
    let (home, collector) = (Home::new(), Collector::start());
    let start = || {
        home.service()
            .set("trace.otlp", collector.url())
            .set("shutdown.deadline", "2s")
            .set("shutdown.cancel_before", "1500ms")
            .start()
    };
    let mut service = start();
    let plain = service.client();
    let session = plain.session_with_birds();
    let client = plain.with("traceparent", &traceparent("01"));
    let held = HeldQueries::of(&service);
    let job = client.sql(&session, data::COUNT);
    plain.wait_for(&job, "running");
    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(75);
    drop(held);
    let line = ended.log.iter().find(|line| line.contains("handed back"));
    let expected = format!("job {job} handed back job={job} trace_id={TRACE}");
    assert_eq!(line, Some(&expected));

    // The next process is killed with the job in progress.
    let service = start();
    let held = HeldQueries::of(&service);
    service.client().wait_for(&job, "running");
    service.kill9();
    drop(held);
    let service = start();
    service.client().succeeded(&job);
    service.stop();

    let request = collector.span("POST /v1/sessions/{sid}/analyses", |_| true);
    let attempt = |interruptions: &str, number: &str| {
        collector.span("run sql", |span| {
            attribute(span, "lastcall.job.interruptions") == interruptions
                && attribute(span, "lastcall.job.attempt") == number
        })
    };
    let (first, last) = (attempt("0", "1"), attempt("1", "2"));
    for span in [&first, &last] {
        assert_eq!(span["traceId"], TRACE);
        assert_eq!(span["parentSpanId"], request["spanId"]);
    }
    assert_eq!(first["links"], json!([]));
    // To that of the killed process, which was never exported.
    let links = last["links"].as_array().unwrap();
    assert_eq!(links.len(), 1);
    assert_ne!(links[0]["spanId"], first["spanId"]);
    assert_eq!(links[0]["traceId"], TRACE);
}

#[test]
fn a_collector_that_is_away_or_silent_is_felt_by_no_job_and_no_shutdown() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = [silent.local_addr().unwrap(), away.local_addr().unwrap()];
    drop(away);
    // The kernel accepts connections for the silent one, which never answers.
    for address in addresses {
        let home = Home::new();
        let mut service = home
            .service()
            .set("trace.otlp", format!("http://{address}"))
            .start();
        let client = service.client();
        let session = client.session_with_birds();
        let job = client.sql(&session, "select 1");
        client.succeeded(&job);
        service.signal(Signal::SIGTERM);
        let ended = service.wait().expect(0);
        assert_eq!(ended.contract_lines(), CONTRACT_LINES, "{ended:#?}");
        assert_eq!(home.report()["clean"], true);
    }
    drop(silent);
}

#[test]
fn spans_that_the_collector_does_not_take_are_counted() {
    let address = free_address();
    let home = Home::new();
    let service = home
        .service()
        .set("trace.otlp", format!("http://{address}"))
        .start();
    let client = service.client();
    client.session();
    until("spans are dropped", || {
        let metrics = client.get("/metrics").text();
        let dropped = metrics
            .lines()
            .find_map(|line| line.strip_prefix("lastcall_spans_dropped_total "))?;
        (dropped.parse::<f64>().unwrap() > 0.0).then_some(())
    });
    service.wait_for_line("the trace collector does not take spans");
    service.stop();
}
