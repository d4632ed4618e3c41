//! A deadline that is too short: unfinished jobs are handed back, jobs that do not even stop are
//! left, and the process ends in time all the same.

use std::time::Duration;

use lastcall_actors::log_lines;
use nix::sys::signal::Signal;
use serde_json::json;

use super::{EXIT_TIMEOUT, ROOM};
use crate::support::held::make_the_blob_block;
use crate::support::{HeldQueries, Home, data};

const DEADLINE: Duration = Duration::from_secs(2);

#[test]
fn every_job_in_hand_is_handed_back_before_the_deadline() {
    let home = Home::new();
    let mut service = home
        .service()
        .set("shutdown.deadline", "2s")
        .set("shutdown.cancel_before", "1500ms")
        .start();
    let client = service.client();
    let session = client.session_with_birds();
    let _held = HeldQueries::of(&service);
    let jobs: Vec<String> = (0..3).map(|_| client.sql(&session, data::COUNT)).collect();
    for job in &jobs {
        client.wait_for(job, "running");
    }
    service.signal(Signal::SIGINT);
    let ended = service.wait().expect(75).within(DEADLINE + EXIT_TIMEOUT);
    assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
    let report = home.report();
    assert_eq!(report["reason"], "sigint", "{report:#}");
    assert_eq!(report["handed_back"], 3, "{report:#}");
    assert_eq!(report["left"], 0, "{report:#}");

    let service = home.start();
    let client = service.client();
    for job in &jobs {
        let job = client.succeeded(job);
        assert_eq!(
            (&job["attempt"], &job["interruptions"]),
            (&json!(1), &json!(1)),
            "{job:#}"
        );
    }
    service.stop();
}

#[test]
fn a_job_that_ignores_cancellation_does_not_hold_up_the_end() {
    let home = Home::new();
    let mut service = home
        .service()
        .set("shutdown.deadline", "2s")
        .set("shutdown.cancel_before", "1500ms")
        .start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "deaf", data::BIRDS);
    let blob = make_the_blob_block(&home);
    let job = client.profile(&session, "deaf");
    client.wait_for(&job, "running");

    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(75).within(DEADLINE + EXIT_TIMEOUT);
    assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
    assert!(ended.says("not everything was finished"), "{ended:#?}");

    std::fs::remove_file(&blob).unwrap();
    std::fs::write(&blob, data::BIRDS).unwrap();
    let service = home.start();
    let job = service.client().succeeded(&job);
    assert_eq!(job["error"], json!(null), "{job:#}");
    service.stop();
}

#[test]
fn a_job_that_is_handed_back_too_often_fails_with_a_code_of_its_own() {
    let home = Home::new();
    let start = || {
        home.service()
            .set("shutdown.deadline", "2s")
            .set("shutdown.cancel_before", "2s")
            .set("jobs.max_interruptions", "1")
            .start()
    };
    let mut service = start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "numbers", &data::numbers(data::ENDLESS));
    let job = client.sql(&session, data::CROSS_JOIN);
    for interruptions in 0..=1 {
        let running = service.client().wait_for(&job, "running");
        assert_eq!(running["interruptions"], interruptions, "{running:#}");
        service
            .terminate()
            .expect(75)
            .within(DEADLINE + EXIT_TIMEOUT);
        service = start();
    }
    let failed = service.client().wait_for(&job, "failed");
    assert_eq!(failed["interruptions"], 2, "{failed:#}");
    assert_eq!(
        failed["error"]["code"], "interruptions_exhausted",
        "{failed:#}"
    );
    service.stop();
}

#[test]
fn further_signals_while_handing_back_expedite_and_then_end_it() {
    let home = Home::new();
    let mut service = home
        .service()
        .set("shutdown.deadline", "60s")
        .set("shutdown.cancel_before", "60s")
        .start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "deaf", data::BIRDS);
    make_the_blob_block(&home);
    let job = client.profile(&session, "deaf");
    client.wait_for(&job, "running");
    service.signal(Signal::SIGTERM);
    service.wait_for_line(log_lines::ANALYSIS_BEGIN);
    service.signal(Signal::SIGINT);
    service.wait_for_line("second signal");
    service.signal(Signal::SIGINT);
    let ended = service.wait().expect(128 + 2).within(ROOM);
    assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
}
