//! The end of sessions: by their time or by request, with all that they held.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{Client, HeldQueries, Home, data, jobs::id_of, until};

/// A session with a time to live of a second, with a dataset.
fn short_session(client: &Client) -> String {
    let session = id_of(
        &client
            .post("/v1/sessions", &json!({ "ttl": "1s" }))
            .expect(201)
            .json(),
    );
    client.upload(&session, "birds", data::BIRDS);
    session
}

fn removed(client: &Client) -> u64 {
    let cleaner = client.service("TtlCleaner");
    cleaner["cleaner"]["removed"].as_u64().unwrap()
}

#[track_caller]
fn no_blobs(home: &Home) {
    until("its blobs are gone", || {
        home.blobs().is_empty().then_some(())
    });
}

#[test]
fn every_use_of_a_session_renews_it() {
    let home = Home::new();
    let service = home
        .service()
        .set("sessions.cleanup_interval", "50ms")
        .start();
    let client = service.client();
    let session = short_session(&client);
    let path = format!("/v1/sessions/{session}");
    let first = client.get(&path).json()["expires_at"]
        .as_str()
        .unwrap()
        .to_owned();
    let used = std::time::Instant::now();
    // For longer than its time to live, with requests all the time.
    while used.elapsed() < Duration::from_millis(2500) {
        client.get(&format!("{path}/datasets/birds")).expect(200);
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let last = client.get(&path).expect(200).json();
    assert!(
        last["expires_at"].as_str().unwrap() > first.as_str(),
        "{last:#}"
    );
    service.stop();
}

#[test]
fn the_cleaner_removes_the_rows_and_the_bytes_of_an_expired_session() {
    let home = Home::new();
    let service = home
        .service()
        .set("sessions.cleanup_interval", "50ms")
        .start();
    let client = service.client();
    let kept = client.session_with_birds();
    let session = short_session(&client);
    let profile = client.profile(&session, "birds");
    let report = client.report(&session, &json!({ "dataset": "birds", "format": "html" }));
    client.result(&profile);
    client.result(&report);
    until("the cleaner has removed it", || {
        (removed(&client) == 1).then_some(())
    });
    for path in [
        format!("/v1/sessions/{session}"),
        format!("/v1/jobs/{profile}"),
        format!("/v1/jobs/{report}/result"),
    ] {
        client.get(&path).expect_problem(410, "session_expired");
    }
    until("only the other session's bytes are there", || {
        let blobs = home.blobs();
        let of_kept = |blob: &std::path::PathBuf| blob.to_string_lossy().contains(&kept);
        (blobs.len() == 1 && blobs.iter().all(of_kept)).then_some(())
    });
    let list = client.get("/v1/jobs").json();
    assert_eq!(list["items"], json!([]));
    service.stop();
}

#[test]
fn a_session_with_work_in_flight_is_not_removed() {
    let home = Home::new();
    let service = home
        .service()
        .set("sessions.cleanup_interval", "50ms")
        .start();
    let client = service.client();
    let session = short_session(&client);
    let held = HeldQueries::of(&service);
    let job = client.sql(&session, data::COUNT);
    until("it runs", || {
        // The list renews nothing.
        let running = client.get("/v1/jobs?state=running").json();
        (running["items"].as_array().unwrap().len() == 1).then_some(())
    });
    let other = short_session(&client);
    until("the cleaner has removed the other one", || {
        (removed(&client) == 1).then_some(())
    });
    client
        .get(&format!("/v1/sessions/{other}"))
        .expect_problem(410, "session_expired");
    let blobs = home.blobs();
    assert_eq!(
        blobs.len(),
        1,
        "the bytes that the query reads are there: {blobs:?}"
    );
    client
        .get(&format!("/v1/jobs/{job}"))
        .expect_problem(410, "session_expired");

    held.release();
    until("both have been removed", || {
        (removed(&client) == 2).then_some(())
    });
    no_blobs(&home);
    service.stop();
}

#[test]
fn deleting_a_session_cancels_its_jobs_and_removes_all() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let _held = HeldQueries::of(&service);
    let job = client.sql(&session, data::COUNT);
    client.wait_for(&job, "running");
    let path = format!("/v1/sessions/{session}");
    client.delete(&path).expect(204);
    client.get(&path).expect_problem(404, "session_not_found");
    client
        .get(&format!("/v1/jobs/{job}"))
        .expect_problem(404, "job_not_found");
    client
        .delete(&path)
        .expect_problem(404, "session_not_found");
    no_blobs(&home);
    until("its slot is free", || {
        (client.service("AnalysisService")["in_flight"] == 0).then_some(())
    });
    service.stop();
}

#[test]
fn a_crash_in_the_middle_of_a_removal_leaves_nothing_that_a_later_sweep_does_not_find() {
    let home = Home::new();
    let mut random = fastrand::Rng::new();
    eprintln!("seed {}", random.get_seed());
    for _ in 0..12 {
        let service = home
            .service()
            .set("sessions.cleanup_interval", "20ms")
            .start();
        let client = service.client();
        let sessions: Vec<String> = (0..20).map(|_| client.session_with_birds()).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for session in &sessions {
                    let path = format!("/v1/sessions/{session}");
                    let gone = client.send(ureq::http::Method::DELETE, &path, &[], ());
                    if gone.is_err() {
                        return;
                    }
                }
            });
            std::thread::park_timeout(Duration::from_millis(random.u64(..60)));
            service.kill9();
        });
    }
    let service = home
        .service()
        .set("sessions.cleanup_interval", "20ms")
        .start();
    let client = service.client();
    let left = until("a page of sessions", || {
        let page = client.get("/v1/sessions?limit=1000").expect(200).json();
        Some(page["items"].as_array().unwrap().clone())
    });
    for session in &left {
        client
            .delete(&format!("/v1/sessions/{}", id_of(session)))
            .expect(204);
    }
    no_blobs(&home);
    service.stop();
}

#[test]
fn a_drain_waits_for_the_sweep_that_is_under_way() {
    let home = Home::new();
    let mut service = home
        .service()
        .set("sessions.cleanup_interval", "10ms")
        .start();
    let client = service.client();
    for _ in 0..50 {
        short_session(&client);
    }
    until("the first is being removed", || {
        (removed(&client) > 0).then_some(())
    });
    service.signal(Signal::SIGTERM);
    service.wait().expect(0);
    let service = home
        .service()
        .set("sessions.cleanup_interval", "10ms")
        .start();
    no_blobs(&home);
    service.stop();
}

#[test]
fn a_half_written_upload_of_a_dead_process_goes_with_its_session() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    let path = format!("/v1/sessions/{session}/datasets/half");
    let mut connection = crate::support::raw::Connection::open(service.address());
    let body = vec![b'x'; 2 << 20];
    connection.write(&format!(
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n\
         Content-Length: 9000000\r\n\r\n{}",
        String::from_utf8(body).unwrap()
    ));
    until("a part of it is on disk", || {
        (!home.blobs().is_empty()).then_some(())
    });
    service.kill9();
    let service = home.start();
    let client = service.client();
    client.get(&path).expect_problem(404, "dataset_not_found");
    client
        .delete(&format!("/v1/sessions/{session}"))
        .expect(204);
    no_blobs(&home);
    service.stop();
}
