//! Limits of owners that change while the service runs.

use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::service::Service;
use crate::support::{Answer, Client, HeldQueries, Home};

/// A service whose limits are in a file.
fn start(home: &Home, limits: &str) -> Service {
    write(home, limits);
    home.service().config(&file(home)).start()
}

fn file(home: &Home) -> PathBuf {
    home.path().join("lastcall.toml")
}

fn write(home: &Home, limits: &str) {
    // Put in place as a whole, as orchestrators do.
    let part = home.path().join("lastcall.toml.part");
    std::fs::write(&part, format!("[limits.per_owner]\n{limits}")).unwrap();
    std::fs::rename(&part, file(home)).unwrap();
}

fn submit(client: &Client, session: &str, number: usize) -> Answer {
    let body = json!({ "kind": "sql", "query": format!("select {number} from birds") });
    client.post(&format!("/v1/sessions/{session}/analyses"), &body)
}

fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_hangup_changes_the_limits_of_owners_and_stops_no_job() {
    let home = Home::new();
    let mut service = start(&home, "sessions = 1\nrequests_per_second = 100000");
    let client = service.client();
    let session = client.session_with_birds();
    let refused = client.post("/v1/sessions", &json!({}));
    refused.expect_problem(429, "too_many_sessions");
    let held = HeldQueries::of(&service);
    let running: Vec<String> = (0..2).map(|n| id(&submit(&client, &session, n))).collect();
    for job in &running {
        client.wait_for(job, "running");
    }

    write(
        &home,
        "sessions = 2\nstored_bytes = \"4KiB\"\nqueued_jobs = 1\nrunning_jobs = 1\n\
         requests_per_second = 50000",
    );
    service.signal(Signal::SIGHUP);
    service.wait_for_line("SIGHUP received: log.level");
    for changed in [
        "requests_per_second changed from 100000 to 50000",
        "burst changed from 200000 to 100000",
        "sessions changed from 1 to 2",
        "stored_bytes changed from 0B to 4KiB",
        "queued_jobs changed from 0 to 1",
        "running_jobs changed from 0 to 1",
    ] {
        let line = format!("SIGHUP received: limits.per_owner.{changed}");
        assert!(service.messages().contains(&line), "{line}");
    }
    let list = client.get("/v1/jobs").expect(200);
    let policy = list.header("ratelimit-policy").to_owned();
    assert!(policy.starts_with("\"owner\";q=100000;"), "{policy}");
    client.session();
    let large = format!("a\n{}", "1\n".repeat(4_096));
    let path = format!("/v1/sessions/{session}/datasets/large");
    let refused = client.put(&path, "text/csv", large.as_bytes());
    refused.expect_problem(507, "quota_exceeded");
    let waits = id(&submit(&client, &session, 2));
    submit(&client, &session, 3).expect_problem(429, "owner_queue_full");
    for job in &running {
        let job = client.get(&format!("/v1/jobs/{job}")).expect(200).json();
        assert_eq!(
            (&job["state"], &job["attempt"]),
            (&json!("running"), &json!(1))
        );
    }

    // A fault changes nothing.
    write(&home, "sessions = -1");
    service.signal(Signal::SIGHUP);
    service.wait_for_line("SIGHUP received: configuration unchanged");
    let refused = client.post("/v1/sessions", &json!({}));
    refused.expect_problem(429, "too_many_sessions");

    // More slots are used at once; two of three are taken.
    let job = client.get(&format!("/v1/jobs/{waits}")).expect(200).json();
    assert_eq!(job["state"], "queued");
    write(&home, "running_jobs = 3");
    service.signal(Signal::SIGHUP);
    client.wait_for(&waits, "running");
    drop(held);
    for job in running.iter().chain([&waits]) {
        let job = client.succeeded(job);
        assert_eq!(
            (&job["attempt"], &job["interruptions"]),
            (&json!(1), &json!(0))
        );
    }
    assert_eq!(
        client
            .get("/v1/jobs")
            .expect(200)
            .header("ratelimit-policy"),
        ""
    );
    service.stop();
}

#[test]
fn a_file_of_limits_that_changes_is_read_again_without_a_signal() {
    let home = Home::new();
    let service = start(&home, "sessions = 1");
    let client = service.client();
    client.session();
    write(&home, "sessions = 2");
    service.wait_for_line(
        "a file of the configuration changed: limits.per_owner.sessions changed from 1 to 2",
    );
    client.session();
    let refused = client.post("/v1/sessions", &json!({}));
    refused.expect_problem(429, "too_many_sessions");
    service.stop();
}
