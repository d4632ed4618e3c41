//! Between the first signal and the closing of the listener: readiness is off for balancers, and
//! requests are served all the same.

use lastcall_actors::log_lines;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::ROOM;
use crate::support::raw::Connection;
use crate::support::{HeldQueries, Home, Service, data, until};

/// A service that is a lame duck for as long as a test needs.
fn start(home: &Home) -> Service {
    home.service()
        .set("shutdown.deadline", "90s")
        .set("shutdown.lame_duck", "60s")
        .start()
}

#[test]
fn every_answer_says_that_the_connection_closes_and_readiness_says_draining() {
    let home = Home::new();
    let mut service = start(&home);
    let mut kept = Connection::open(service.address());
    assert!(
        !kept.get("/livez").closes(),
        "a connection is kept in service"
    );
    service.signal(Signal::SIGTERM);
    service.wait_for_line(log_lines::SHUTTING_DOWN);
    let told = until("readiness says no", || {
        let answer = Connection::open(service.address()).get("/readyz");
        (answer.status == 503).then_some(answer)
    });
    assert!(told.closes());
    let body: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(body["status"], "draining");

    let last = kept.get("/livez");
    assert!(last.status == 200 && last.closes(), "{last:?}");
    assert_eq!(kept.rest(), "", "and it is closed");
    for (path, status) in [
        ("/livez", 200),
        ("/nothing", 404),
        ("/v1/jobs/nonsense", 404),
        ("/v1/jobs?limit=0", 400),
        ("/v1/system", 200),
    ] {
        let mut connection = Connection::open(service.address());
        let answer = connection.get(path);
        assert!(
            answer.status == status && answer.closes(),
            "{path}: {answer:?}"
        );
        connection.rest();
    }
    let mut bad = Connection::open(service.address());
    bad.write("NONSENSE\r\n\r\n");
    assert_eq!(bad.answer().status, 400);

    let system = service.client().system();
    assert_eq!(system["phase"], "lame_duck", "{system:#}");
    assert!(!system["drain"].is_null(), "{system:#}");
    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(0);
    // Turning a balancer away is no failure, and what is no HTTP is the client's.
    assert!(!ended.says("answered internal"), "{ended:#?}");
    assert!(!ended.says("ERROR"), "{ended:#?}");
}

#[test]
fn jobs_are_still_accepted_and_run_at_the_next_start() {
    let home = Home::new();
    let mut service = start(&home);
    let client = service.client();
    let session = client.session_with_birds();
    service.signal(Signal::SIGTERM);
    service.wait_for_line(log_lines::SHUTTING_DOWN);
    until("no job is claimed any more", || {
        (client.system()["phase"] == "lame_duck").then_some(())
    });
    let job = client.profile(&session, "birds");
    client.upload(&session, "late", data::BIRDS);
    assert_eq!(client.job(&job)["state"], "queued");
    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(0).within(ROOM);
    assert!(ended.says(log_lines::ALL_DOWN), "{ended:#?}");
    assert_eq!(home.report()["queued"], 1);

    let service = home.start();
    let client = service.client();
    client.succeeded(&job);
    let late = client.profile(&session, "late");
    client.succeeded(&late);
    service.stop();
}

#[test]
fn whoever_waits_for_a_job_is_answered_early() {
    let home = Home::new();
    let mut service = start(&home);
    let client = service.client();
    let session = client.session_with_birds();
    let held = HeldQueries::of(&service);
    let followed = client.sql(&session, data::COUNT);
    client.wait_for(&followed, "running");

    let mut stream = Connection::open(service.address());
    stream.request("GET", &format!("/v1/jobs/{followed}/events"));
    assert_eq!(stream.answer().status, 200);
    while stream.line() != "event: state" {}
    let path = format!("/v1/sessions/{session}/analyses");
    let body = json!({ "kind": "sql", "query": data::COUNT }).to_string();
    let mut waiting = Connection::open(service.address());
    waiting.write(&format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=60\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    until("its job is there", || {
        let jobs = client.get("/v1/jobs").json();
        (jobs["items"].as_array().unwrap().len() == 2).then_some(())
    });

    service.signal(Signal::SIGTERM);
    let answer = waiting.answer();
    assert_eq!(answer.status, 202, "{answer:?}");
    assert!(answer.closes(), "{answer:?}");
    let accepted: Value = serde_json::from_slice(&answer.body).unwrap();
    while stream.line() != "event: end" {}
    assert!(stream.line().contains("draining"));
    // The last chunk: no more comes, though the connection is there.
    while stream.line() != "0" {}

    held.release();
    service.signal(Signal::SIGTERM);
    service.wait();
    let service = home.start();
    let client = service.client();
    client.succeeded(&followed);
    client.succeeded(accepted["id"].as_str().unwrap());
    service.stop();
}

#[test]
fn the_first_signal_after_a_request_to_drain_changes_nothing() {
    let home = Home::new();
    let mut service = start(&home);
    let client = service.client();
    client.post("/v1/system/drain", &json!({})).expect(202);
    service.wait_for_line(log_lines::SHUTTING_DOWN);
    service.signal(Signal::SIGTERM);
    service.wait_for_line("the shutdown is already in progress");
    assert_eq!(client.system()["phase"], "lame_duck");
    assert_eq!(client.get("/livez").status, 200);
    // The second one expedites it.
    service.signal(Signal::SIGTERM);
    service.wait().expect(0).within(ROOM);
    let report = home.report();
    assert_eq!(
        (&report["reason"], &report["hurried"]),
        (&json!("api"), &json!(true)),
        "{report:#}"
    );
}

#[test]
fn the_third_signal_after_a_request_to_drain_ends_the_process() {
    let home = Home::new();
    let mut service = start(&home);
    let client = service.client();
    let session = client.session();
    client.upload(&session, "deaf", data::BIRDS);
    crate::support::held::make_the_blob_block(&home);
    let job = client.profile(&session, "deaf");
    client.wait_for(&job, "running");
    client.post("/v1/system/drain", &json!({})).expect(202);
    service.wait_for_line(log_lines::SHUTTING_DOWN);
    service.signal(Signal::SIGTERM);
    service.wait_for_line("the shutdown is already in progress");
    service.signal(Signal::SIGTERM);
    service.wait_for_line("second signal");
    service.signal(Signal::SIGTERM);
    service.wait().expect(128 + 15).within(ROOM);
}

#[test]
fn the_second_signal_ends_the_lame_duck_and_the_third_the_process() {
    for (signal, code) in [(Signal::SIGTERM, 128 + 15), (Signal::SIGINT, 128 + 2)] {
        let home = Home::new();
        let mut service = start(&home);
        service.signal(signal);
        service.wait_for_line(log_lines::SHUTTING_DOWN);
        service.signal(signal);
        service.wait().expect(0).within(ROOM);
        assert_eq!(home.report()["hurried"], true);

        let mut service = start(&home);
        let client = service.client();
        let session = client.session();
        client.upload(&session, "deaf", data::BIRDS);
        crate::support::held::make_the_blob_block(&home);
        let job = client.profile(&session, "deaf");
        client.wait_for(&job, "running");
        service.signal(signal);
        service.wait_for_line(log_lines::SHUTTING_DOWN);
        service.signal(signal);
        service.wait_for_line("second signal");
        service.signal(signal);
        let ended = service.wait().expect(code).within(ROOM);
        assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
    }
}
